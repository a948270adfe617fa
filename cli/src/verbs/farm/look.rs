//! `perfvt farm status` and `perfvt farm gather`.

use super::{json, shown};
use crate::signals::Signals;
use crate::{DONE, Error, FOUND, INTERRUPTED, INVALID_CELLS};
use farm::copy::verify;
use farm::slurm::tag;
use farm::state::{Known, job_of, journal, standing};
use farm::{Event, Farm, Host, Job, Shard, Slurm, SlurmError, Standing};
use model::counted;
use model::journal::State;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a farm that is waited for is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What Slurm knows.
#[derive(Default)]
pub(super) struct Seen {
    pub hosts: Vec<Host>,
    pub jobs: Vec<Job>,
}

impl Seen {
    /// Asks it.
    pub fn now() -> Result<Seen, SlurmError> {
        Ok(Seen { hosts: Slurm.hosts()?, jobs: Slurm.jobs()? })
    }

    /// The jobs of a shard.
    pub fn of(&self, farm: &Farm, k: u32) -> Vec<&Job> {
        let name = tag(&farm.file().id, k);
        self.jobs.iter().filter(|job| job.comment == name).collect()
    }
}

/// How every shard stands.
pub(super) fn shards(farm: &Farm, seen: &Seen) -> Result<Vec<Shard>, Error> {
    let mut all = Vec::new();
    for plan in &farm.file().shards {
        let host = farm.host_of(plan);
        let (journal, end) = (journal(&farm.shard_dir(plan))?, farm.end(plan.k)?);
        let jobs = seen.of(farm, plan.k);
        let standing = standing(&Known {
            journal: journal.as_ref(),
            end: end.as_ref(),
            last: farm.last(plan.k),
            jobs: &jobs,
            host: seen.hosts.iter().find(|known| known.name == host),
        });
        let told = match farm.last(plan.k) {
            Some((_, Event::Submitted { job, .. })) => Some(job.clone()),
            _ => None,
        };
        let job = job_of(&jobs).map(|job| job.id.clone()).or(told);
        let blocks = match &journal {
            Some(_) => whole_blocks(&farm.shard_dir(plan), journal.as_ref(), plan.blocks),
            None => 0,
        };
        all.push(Shard { k: plan.k, host, standing, blocks, of: plan.blocks, job });
    }
    Ok(all)
}

/// Blocks of which every environment's repeat was copied.
fn whole_blocks(shard: &Path, journal: Option<&State>, of: u32) -> u32 {
    if journal.is_some_and(|state| state.finished.is_some()) {
        return of;
    }
    let Ok(environments) = std::fs::read_dir(shard) else { return 0 };
    let repeats = |folder: PathBuf| {
        let names = std::fs::read_dir(folder).ok()?.flatten();
        let count = names.filter(|entry| entry.file_name().to_string_lossy().starts_with("repeat")).count();
        (count > 0).then_some(count as u32)
    };
    environments.flatten().filter(|e| e.path().is_dir()).filter_map(|e| repeats(e.path())).min().unwrap_or(0)
}

#[derive(Serialize)]
struct Status<'a> {
    id: &'a str,
    dir: &'a Path,
    shards: &'a [Shard],
}

/// Says how each shard stands.
pub(super) fn status(dir: &Path, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let farm = Farm::open(dir)?;
    let all = shards(&farm, &Seen::now()?)?;
    if as_json {
        return json(&Status { id: &farm.file().id, dir, shards: &all }, out);
    }
    table(&all, out)?;
    let finished = all.iter().filter(|shard| shard.standing.is_finished()).count();
    writeln!(out, "{finished} of {} finished", counted(all.len(), "shard"))?;
    if all.iter().any(|shard| shard.standing.is_at_rest() && !shard.standing.is_finished()) {
        writeln!(out, "`perfvt farm retry {}` lets those go on that do not by themselves", shown(dir))?;
    }
    if let Some(shard) = all.iter().find(|shard| matches!(shard.standing, Standing::Failed { .. })) {
        writeln!(out, "what shard {:02} said: {}", shard.k, farm.log_file(shard.k).display())?;
    }
    Ok(DONE)
}

/// The shards, a line each.
pub(super) fn table(all: &[Shard], out: &mut dyn Write) -> Result<(), Error> {
    let width = all.iter().map(|shard| shard.host.len()).max().unwrap_or(0).max(4);
    writeln!(out, "shard  {:width$}  blocks  job     state", "host")?;
    for shard in all {
        let (blocks, job) = (format!("{}/{}", shard.blocks, shard.of), shard.job.as_deref().unwrap_or("-"));
        let state = shard.standing.words();
        writeln!(
            out,
            "{:>5}  {:width$}  {blocks:>6}  {job:<6}  {state}",
            format!("{:02}", shard.k),
            shard.host
        )?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Gathered<'a> {
    id: &'a str,
    dir: &'a Path,
    complete: bool,
    files: usize,
    sum: &'a str,
    shards: &'a [Shard],
}

/// Reads again all that was copied. Slurm is asked only where something is not finished. `wait` is how long a farm that does not
/// change is waited for.
pub(super) fn gather(
    dir: &Path,
    wait: Option<Duration>,
    as_json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    if let Some(patience) = wait
        && !waited(dir, patience, err)?
    {
        return Ok(INTERRUPTED);
    }
    let (mut farm, _lock) = Farm::take(dir)?;
    let mut all = shards(&farm, &Seen::default())?;
    if !all.iter().all(|shard| shard.standing.is_finished()) {
        // What is there is read all the same where Slurm is not.
        match Seen::now() {
            Ok(seen) => all = shards(&farm, &seen)?,
            Err(error) => writeln!(err, "warning: {error}")?,
        }
    }
    let (mut files, mut hasher) = (0, String::new());
    for plan in &farm.file().shards {
        let found = verify(&farm.shard_dir(plan))?;
        files += found.files;
        hasher.push_str(&found.sum);
    }
    let sum = farm::copy::sum_of(hasher.as_bytes());
    let finished = all.iter().filter(|shard| shard.standing.is_finished()).count() as u32;
    let event = Event::Gathered { finished, of: all.len() as u32, sum: sum.clone() };
    let known = farm.events().iter().rev().find(|(_, event)| matches!(event, Event::Gathered { .. }));
    if known.is_none_or(|(_, known)| *known != event) {
        farm.note(event)?;
    }
    let complete = finished as usize == all.len();
    if as_json {
        let id = &farm.file().id;
        json(&Gathered { id, dir, complete, files, sum: &sum, shards: &all }, out)?;
    } else {
        table(&all, out)?;
        writeln!(
            out,
            "{}: {finished} of {} finished; {} read again, as copied",
            dir.display(),
            counted(all.len(), "shard"),
            counted(files, "file")
        )?;
        if complete {
            writeln!(out, "next: perfvt compare {}", shown(dir))?;
        }
    }
    let is_invalid =
        |shard: &Shard| matches!(shard.standing, Standing::Finished { invalid, .. } if invalid > 0);
    Ok(match complete {
        false => FOUND,
        true if all.iter().any(is_invalid) => INVALID_CELLS,
        true => DONE,
    })
}

/// Waits until nothing goes on by itself, or nothing has changed for too long. Gives whether nobody interrupted that.
fn waited(dir: &Path, patience: Duration, err: &mut dyn Write) -> Result<bool, Error> {
    let signals = Signals::watch(false)?;
    let (mut told, mut since) = (String::new(), Instant::now());
    loop {
        let farm = Farm::open(dir)?;
        let line = match Seen::now() {
            Ok(seen) => {
                let all = shards(&farm, &seen)?;
                if all.iter().all(|shard| shard.standing.is_at_rest()) {
                    return Ok(true);
                }
                waiting(&all)
            }
            // It may come back: what is running runs on.
            Err(error @ SlurmError::Controller { .. }) => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        if told != line {
            writeln!(err, "waiting for {line}")?;
            (told, since) = (line, Instant::now());
        }
        if since.elapsed() >= patience {
            let seconds = patience.as_secs();
            writeln!(err, "nothing has changed for {seconds} s (--patience): no longer waiting for {told}")?;
            return Ok(true);
        }
        let until = Instant::now() + LOOK.min(patience.saturating_sub(since.elapsed()));
        while Instant::now() < until {
            if signals.seen().is_some() {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The shards that are not at rest, with what each waits for.
fn waiting(all: &[Shard]) -> String {
    let words = all.iter().filter_map(|shard| {
        let (what, standing) = (shard.standing.waits_for()?, shard.standing.words());
        Some(format!("{}, {}/{} blocks, {standing}: {what}", shard.host, shard.blocks, shard.of))
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_for_whom_and_for_what() {
        let shard = |k: u32, standing: Standing| Shard {
            k,
            host: format!("h{k}"),
            standing,
            blocks: 1,
            of: 3,
            job: None,
        };
        let down = Standing::HostDown { reason: "h2 is down*".into() };
        let all = [
            shard(1, Standing::Running),
            shard(2, down),
            shard(3, Standing::Finished { valid: 1, invalid: 0 }),
        ];
        assert_eq!(
            waiting(&all),
            "h1, 1/3 blocks, running: its blocks; h2, 1/3 blocks, host-down (h2 is down*): its host to come back"
        );
    }
}
