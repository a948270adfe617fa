//! The body of a job: one shard, measured on this host's own disk and copied out block by block.

mod host_boot;
mod place;

use super::look::Seen;
use crate::args::Run;
use crate::signals::Signals;
use crate::verbs::beside::Beside;
use crate::verbs::confirm::{resume_of, run_of};
use crate::verbs::of_farm::{Between, OfFarm};
use crate::verbs::run::{resume_by, run_by};
use crate::{DONE, Error, INTERRUPTED, INVALID_CELLS, USAGE, chain};
use collect::campaign::{AfterBlock, CampaignError};
use farm::copy::{CopyError, copy_back, copy_out};
use farm::state::journal;
use farm::{End, Farm, Slurm, SlurmError};
use host_boot::Gate;
use model::ShardPlan;
use model::store::CAMPAIGN_FILE;
use place::{check_machine, local_folder};
use process::deadlines::{BUILD, HOST_WORK};
use process::{Sink, Spec, struck_within};
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};
use vm::host::locks::LockError;

/// How often in a row a shard is put into the queue again because its host could not, before it is held.
const HOST_TROUBLES: u32 = 2;
/// How long perfvt's own signal may come after that of something that it had started.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a signal that has come may take to be noted.
const MOMENT: Duration = Duration::from_millis(300);
/// How often is looked whether a controller that was silent answers.
const LOOK: Duration = Duration::from_secs(1);
/// A child that was ended by a signal counts for so long.
const STRUCK: Duration = Duration::from_secs(4);

/// Measures a shard, or goes on with it, and says how that ended where all hosts see it.
pub(super) fn shard(dir: &Path, k: u32, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let farm = Farm::open(dir)?;
    let plan = farm.plan(k)?.clone();
    let job = std::env::var("SLURM_JOB_ID").unwrap_or_default();
    if farm.is_cancelled(k) {
        writeln!(out, "shard {k} was cancelled; nothing is measured")?;
        return Ok(DONE);
    }
    if let Some((_, invalid)) = journal(&farm.shard_dir(&plan))?.and_then(|state| state.finished) {
        writeln!(out, "shard {k} is finished already; nothing is measured")?;
        return Ok(if invalid > 0 { INVALID_CELLS } else { DONE });
    }
    // From here on a signal is an interruption, whatever is being done.
    let signals = Signals::watch(false)?;
    let gate = Rc::new(Gate::new(&farm, &plan));
    let body = Body { farm: &farm, plan: &plan, signals: signals.clone(), gate: Rc::clone(&gate) };
    let done = body.measure(out, err);
    let mut end = End::now(job, farm.host_of(&plan), USAGE);
    let ended = match done {
        Ok(code) => {
            end.code = code;
            Ended::By(code)
        }
        Err(error) if was_asked(&signals) => {
            writeln!(err, "perfvt: {}", chain(error.as_ref()))?;
            end.code = INTERRUPTED;
            Ended::By(INTERRUPTED)
        }
        Err(error) => {
            let reason = chain(error.as_ref());
            writeln!(err, "perfvt: {reason}")?;
            end.reason = Some(reason);
            if is_of_host(error.as_ref()) { Ended::Host } else { Ended::By(USAGE) }
        }
    };
    let asks = end.code == INTERRUPTED && signals.seen().is_none() && !gate.was_right();
    let before = if asks || matches!(ended, Ended::Host) { farm.end(k)? } else { None };
    let before = before.filter(|before| before.job == end.job && before.host == end.host);
    end.host_troubles = troubles(before.map_or(0, |before| before.host_troubles), &ended, asks);
    farm.note_end(k, &end)?;
    after(dir, k, &end, ended, err)
}

/// Whether a failure is the doing of a signal: Slurm signals every process of a job, in any order, and perfvt may hear of it after
/// what it had started.
fn was_asked(signals: &Signals) -> bool {
    let until = Instant::now() + if struck_within(STRUCK) { PATIENCE } else { MOMENT };
    while signals.seen().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    signals.seen().is_some()
}

/// How the measuring ended.
enum Ended {
    /// With this exit code.
    By(u8),
    /// This host could not.
    Host,
}

/// How often in a row the host was to blame, with this end. One that only asks for a boot of the host is not yet a sign that it can.
fn troubles(before: u32, ended: &Ended, asks: bool) -> u32 {
    match ended {
        Ended::Host => before + 1,
        Ended::By(_) if asks => before,
        Ended::By(_) => 0,
    }
}

/// Whether a job is held until somebody has looked. One that was let go on and asks for a boot is not, whatever was before.
fn is_held(in_a_row: u32, ended: &Ended) -> bool {
    matches!(ended, Ended::Host) && in_a_row > HOST_TROUBLES
}

/// What Slurm knows, as soon as its controller answers: what it did not answer before may be why this is asked.
fn seen_patiently() -> Result<Seen, SlurmError> {
    let until = Instant::now() + HOST_WORK;
    loop {
        match Seen::now() {
            Err(SlurmError::Controller { .. }) if Instant::now() < until => std::thread::sleep(LOOK),
            seen => return seen,
        }
    }
}

/// Puts the job into the queue again where it is to go on.
fn after(dir: &Path, k: u32, end: &End, ended: Ended, err: &mut dyn Write) -> Result<u8, Error> {
    let (code, again) = match &ended {
        // The mark may have been set while this measured.
        Ended::By(INTERRUPTED) => (INTERRUPTED, !Farm::open(dir)?.is_cancelled(k)),
        Ended::By(code) => (*code, false),
        Ended::Host => (USAGE, true),
    };
    if !again || end.job.is_empty() {
        return Ok(code);
    }
    // One that Slurm is ending already goes where Slurm sends it.
    let seen = if matches!(ended, Ended::Host) { seen_patiently() } else { Seen::now() };
    let is_running = seen.is_ok_and(|seen| seen.jobs.iter().any(|job| job.id == end.job && job.is_running()));
    if !is_running {
        return Ok(code);
    }
    let done = if is_held(end.host_troubles, &ended) {
        Slurm.requeue_held(&end.job)
    } else {
        Slurm.requeue(&end.job)
    };
    if let Err(error) = done {
        writeln!(err, "warning: {error}; `perfvt farm retry` hands shard {k} in again")?;
    }
    Ok(code)
}

/// Whether another try, or another day, may be better: the host lacked something, somebody else measured there, or Slurm's
/// controller was silent.
fn is_of_host(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let of_campaign = matches!(
            error.downcast_ref::<CampaignError>(),
            Some(CampaignError::Host { .. } | CampaignError::Busy { .. })
        );
        let of_copy = matches!(error.downcast_ref::<CopyError>(), Some(CopyError::Store(_)));
        let of_slurm = matches!(error.downcast_ref::<SlurmError>(), Some(SlurmError::Controller { .. }));
        if of_campaign || of_copy || of_slurm || error.is::<LockError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// A shard that is being measured.
struct Body<'a> {
    farm: &'a Farm,
    plan: &'a ShardPlan,
    signals: Signals,
    gate: Rc<Gate>,
}

/// Repeats of ended blocks that could not be copied yet.
type Left = Rc<RefCell<Vec<PathBuf>>>;

impl Body<'_> {
    /// Runs the campaign or goes on with it, and copies what is finished. Gives the exit code of `perfvt run`.
    fn measure(&self, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
        check_machine(self.farm, self.plan)?;
        let (local, shard) = (local_folder(self.farm, self.plan)?, self.farm.shard_dir(self.plan));
        let has_begun = local.join(CAMPAIGN_FILE).is_file();
        if !has_begun && shard.join(CAMPAIGN_FILE).is_file() {
            writeln!(err, "{} is not there any more; going on with what was copied of it", local.display())?;
            copy_back(&shard, &local)?;
        } else if !has_begun {
            self.before(err)?;
        }
        let (left, asked) = (Left::default(), Rc::clone(&self.gate));
        let farm = OfFarm {
            shard: self.farm.shard(self.plan),
            signals: self.signals.clone(),
            between: Between {
                after_block: copies(&shard, &left),
                before_boot: Some(Box::new(move |file, environment, block| {
                    asked.look(file, environment, block)
                })),
            },
        };
        let done = if local.join(CAMPAIGN_FILE).is_file() {
            let mut resume = resume_of(&local)?;
            // What the words of `run` said of it is not in the campaign's plan.
            let run = self.run(&local)?;
            (resume.prepare, resume.conduct) = (run.prepare, run.conduct);
            resume_by(&resume, (None, Some(farm)), out, err)
        } else {
            let words = ["perfvt", "run"].map(String::from).into_iter();
            let command = words.chain(self.farm.file().argv.iter().cloned()).collect();
            let mut run = self.run(&local)?;
            self.add_client(&mut run)?;
            run_by(&run, command, (Some(farm), Beside::default()), out, err)
        };
        if local.join(CAMPAIGN_FILE).is_file() && local.join(model::store::JOURNAL_FILE).is_file() {
            copy_out(&local, &shard, &left.take())?;
        }
        if matches!(done, Ok(INTERRUPTED)) && self.signals.seen().is_none() {
            self.gate.boot(err)?;
        }
        done
    }

    /// The words behind `perfvt run`, with what is this shard's.
    fn run(&self, local: &Path) -> Result<Run, Error> {
        let words = ["perfvt", "run"].map(OsString::from).into_iter();
        let mut run = run_of(words.chain(self.farm.file().argv.iter().map(OsString::from)).collect())?;
        run.out = Some(local.to_owned());
        run.machine = Some(self.farm.host_of(self.plan));
        run.seed = Some(self.plan.seed);
        run.repeat = Some(self.plan.blocks);
        Ok(run)
    }

    /// Says where the client's host is. A campaign that has begun knows it, so that no controller has to answer.
    fn add_client(&self, run: &mut Run) -> Result<(), Error> {
        // Who names the address himself has another one for ssh than Slurm has.
        if let Some(client) = &self.plan.client
            && !run.sets.iter().any(|set| set.starts_with("client="))
        {
            run.sets.push(format!("client={}", Slurm.address(client)?));
        }
        Ok(())
    }

    /// Runs the program that makes this host ready.
    fn before(&self, err: &mut dyn Write) -> Result<(), Error> {
        let Some((program, arguments)) = self.farm.file().job.before.split_first() else { return Ok(()) };
        writeln!(err, "--before: {}", report::command_line::command_line(&self.farm.file().job.before))?;
        let spec = Spec::new(program).args(arguments).stdout(Sink::Inherit).stderr(Sink::Inherit);
        let ended = spec.start()?.finish(BUILD);
        match ended.status {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                Err(format!("--before {program} ended with {status}; what it said stands above").into())
            }
            None => Err(format!("--before {program} did not end within {} s", BUILD.as_secs()).into()),
        }
    }
}

/// Copies each block when it has ended. One that cannot be copied now is tried again with the next one, and at the end.
fn copies(shard: &Path, left: &Left) -> AfterBlock<'static> {
    let (shard, left) = (shard.to_owned(), Rc::clone(left));
    Box::new(move |dir, repeats| {
        let mut left = left.borrow_mut();
        left.extend(repeats.iter().cloned());
        match copy_out(dir, &shard, &left) {
            Ok(()) => left.clear(),
            Err(error) => {
                crate::say::print(None, &format!("warning: {error}; tried again after the next block"));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::boots::{Boots, Here, Need, Step};

    #[test]
    fn a_host_that_never_reboots_is_held_in_the_end() {
        let (need, here) = (Need::of_shard(), Here { boot: "the same".into(), kernel: None });
        let (mut boots, mut in_a_row, mut asked) = (Boots::default(), 0, 0);
        for _ in 0..20 {
            let ended = match boots.step(&need, &here) {
                Step::Boot => {
                    boots.ask(&need, &here);
                    asked += 1;
                    Ended::By(INTERRUPTED)
                }
                Step::NotRebooted => {
                    boots.forget();
                    Ended::Host
                }
                step => panic!("{step:?}"),
            };
            in_a_row = troubles(in_a_row, &ended, true);
            if is_held(in_a_row, &ended) {
                break;
            }
        }
        assert_eq!((in_a_row, asked), (HOST_TROUBLES + 1, 6));
        assert!(!is_held(in_a_row, &Ended::By(INTERRUPTED)), "one that was let go on may ask for a boot");
        assert_eq!(troubles(2, &Ended::By(INTERRUPTED), false), 0, "something was measured between");
    }

    #[test]
    fn a_controller_that_is_silent_for_a_moment_fails_no_shard() {
        let (doing, said) = ("rebooting h1".to_owned(), "Connection refused".to_owned());
        let silent: Error = SlurmError::Controller { doing: doing.clone(), said: said.clone() }.into();
        assert!(is_of_host(silent.as_ref()));
        let refused: Error = SlurmError::Refused { doing, said }.into();
        assert!(!is_of_host(refused.as_ref()));
    }
}
