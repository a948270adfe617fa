//! `perfvt farm cancel`, `retry` and `move`.

use super::json;
use super::look::{Seen, shards, table};
use super::submit::hand_in;
use crate::signals::Signals;
use crate::{DONE, Error, INTERRUPTED};
use farm::{Event, Farm, Shard, Slurm, SlurmError, Standing};
use model::ShardPlan;
use model::journal::State;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How often is looked whether a job has ended.
const LOOK: Duration = Duration::from_millis(500);
/// Reasons for which Slurm itself sets a host aside. One that somebody has set aside stays so.
const OF_SLURM: [&str; 7] = [
    "Duplicate jobid",
    "Prolog error",
    "Epilog error",
    "Kill task failed",
    "batch job complete failure",
    "Node unexpectedly rebooted",
    "Not responding",
];

/// The shards that were asked for; all, where none was.
fn chosen(farm: &Farm, asked: &[u32]) -> Result<Vec<ShardPlan>, Error> {
    if asked.is_empty() {
        return Ok(farm.file().shards.clone());
    }
    asked.iter().map(|k| Ok(farm.plan(*k)?.clone())).collect()
}

/// Ends what is not finished: first the mark, so that nothing begins again by itself.
pub(super) fn cancel(
    dir: &Path,
    now: bool,
    asked: &[u32],
    (as_json, out): (bool, &mut dyn Write),
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let (mut farm, lock) = Farm::take(dir)?;
    let seen = Seen::now()?;
    let standings = shards(&farm, &seen)?;
    let mut ending = Vec::new();
    for plan in chosen(&farm, asked)? {
        let is_finished = |shard: &Shard| shard.k == plan.k && shard.standing.is_finished();
        if standings.iter().any(is_finished) {
            continue;
        }
        if !farm.is_cancelled(plan.k) {
            farm.note(Event::Cancelled { shard: plan.k })?;
        }
        for job in seen.of(&farm, plan.k).into_iter().filter(|job| job.is_alive()) {
            if job.is_running() && !now {
                Slurm.interrupt(&job.id)?;
                ending.push((plan.k, job.id.clone()));
            } else {
                Slurm.cancel(&job.id)?;
            }
        }
    }
    drop(lock);
    let heard = wait_for(&farm, &ending, err)?;
    finish_telling(dir, as_json, out)?;
    Ok(if heard { DONE } else { INTERRUPTED })
}

/// Waits until the samples in hand are taken, and takes from the queue what was put there meanwhile.
fn wait_for(farm: &Farm, ending: &[(u32, String)], err: &mut dyn Write) -> Result<bool, Error> {
    if ending.is_empty() {
        return Ok(true);
    }
    let signals = Signals::watch(false)?;
    writeln!(
        err,
        "waiting for the samples in hand (Ctrl-C leaves them to end by themselves; --now does not wait)"
    )?;
    loop {
        let seen = Seen::now()?;
        let alive =
            |(k, id): &&(u32, String)| seen.of(farm, *k).iter().any(|job| job.id == *id && job.is_alive());
        let left: Vec<_> = ending.iter().filter(alive).collect();
        for (k, id) in &left {
            if seen.of(farm, *k).iter().any(|job| job.id == *id && job.state == "PENDING") {
                Slurm.cancel(id)?;
            }
        }
        if left.is_empty() {
            return Ok(true);
        }
        if signals.seen().is_some() {
            return Ok(false);
        }
        std::thread::sleep(LOOK);
    }
}

/// Lets go on what does not by itself.
pub(super) fn retry(
    dir: &Path,
    asked: &[u32],
    (as_json, out): (bool, &mut dyn Write),
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let (mut farm, _lock) = Farm::take(dir)?;
    let seen = Seen::now()?;
    let standings = shards(&farm, &seen)?;
    for plan in chosen(&farm, asked)? {
        let Some(shard) = standings.iter().find(|shard| shard.k == plan.k) else { continue };
        if shard.standing.is_finished() {
            continue;
        }
        if let Some(host) = seen.hosts.iter().find(|host| host.name == shard.host && !host.is_fit()) {
            let reason = host.reason.clone().unwrap_or_default();
            if OF_SLURM.iter().any(|known| reason.contains(known)) {
                resume(&host.name, &reason, err)?;
            } else {
                writeln!(
                    err,
                    "note: {}; when it is mended: scontrol update NodeName={} State=RESUME",
                    host.trouble(),
                    host.name
                )?;
            }
        }
        if shard.standing.is_at_rest() {
            try_kernels_again(&farm, plan.k)?;
        }
        match &shard.standing {
            Standing::Held { .. } if seen.of(&farm, plan.k).iter().any(|job| job.is_alive()) => {
                for job in seen.of(&farm, plan.k).into_iter().filter(|job| job.is_alive()) {
                    Slurm.release(&job.id)?;
                }
            }
            standing if standing.is_at_rest() || farm.last(plan.k).is_none() => {
                hand_in(&mut farm, &plan)?;
            }
            _ => {}
        }
    }
    finish_telling(dir, as_json, out)
}

/// Who lets a shard go on may have mended what kept a kernel of the host from booting.
fn try_kernels_again(farm: &Farm, k: u32) -> Result<(), Error> {
    let mut boots = farm.boots(k)?;
    if boots.forgive() {
        farm.note_boots(k, &boots)?;
    }
    Ok(())
}

fn resume(host: &str, reason: &str, err: &mut dyn Write) -> Result<(), Error> {
    match Slurm.resume(host) {
        Ok(()) => {
            writeln!(err, "note: {host} works again; Slurm had set it aside ({})", edge::visible(reason))?
        }
        // Somebody else may: the shard waits meanwhile.
        Err(error @ SlurmError::Refused { .. }) => writeln!(err, "warning: {error}")?,
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Whether anything of a campaign has come out: one that only waits for a boot of its host has a journal, too.
fn has_measured(state: &State) -> bool {
    !(state.cells.is_empty() && state.lost.is_empty() && state.failures.is_empty())
}

/// Gives a shard to another host.
pub(super) fn give(dir: &Path, k: u32, host: &str, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let (mut farm, _lock) = Farm::take(dir)?;
    let plan = farm.plan(k)?.clone();
    let from = farm.host_of(&plan);
    if from == host {
        return finish_telling(dir, as_json, out);
    }
    if farm::state::journal(&farm.shard_dir(&plan))?.is_some_and(|state| has_measured(&state)) {
        return Err(format!("shard {k} has measured blocks on {from}, and blocks of two hosts are not repeats of one another; `perfvt farm cancel` and another farm measure on {host}").into());
    }
    if let Some(other) = farm.file().shards.iter().find(|shard| shard.k != k && farm.host_of(shard) == host) {
        return Err(format!(
            "{host} has shard {} already; hosts are what is repeated, so each has one",
            other.k
        )
        .into());
    }
    if let Some(client) = &plan.client {
        return Err(format!("shard {k} has a client's host ({client}) of its own; `perfvt farm cancel --shard {k}` and another farm have another pair").into());
    }
    let seen = Seen::now()?;
    let Some(known) = seen.hosts.iter().find(|known| known.name == host) else {
        return Err(
            format!("the farm has no host {host}; `perfvt farm hosts` lists those that there are").into()
        );
    };
    if !known.is_fit() {
        return Err(format!("{}; choose another host", known.trouble()).into());
    }
    let jobs: Vec<_> = seen.of(&farm, k).into_iter().filter(|job| job.is_alive()).collect();
    if let Some(job) = jobs.iter().find(|job| job.state != "PENDING") {
        return Err(format!(
            "shard {k} runs on {from} (job {}); `perfvt farm cancel --shard {k}` ends it first",
            job.id
        )
        .into());
    }
    for job in jobs {
        Slurm.pin(&job.id, host)?;
    }
    farm.set_aside(&plan)?;
    farm.note(Event::Moved { shard: k, from, to: host.to_owned() })?;
    finish_telling(dir, as_json, out)
}

/// How the shards stand now.
fn finish_telling(dir: &Path, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let all = shards(&Farm::open(dir)?, &Seen::now()?)?;
    if as_json {
        return json(&all, out);
    }
    table(&all, out)?;
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::journal::Event;

    #[test]
    fn a_shard_that_waits_for_a_boot_of_its_host_has_measured_nothing() {
        let boot = || "b1".to_owned();
        let started =
            Event::BootStarted { boot: boot(), environment: "base".into(), repeat: 1, block: 1, attempt: 1 };
        let measured =
            Event::CaseFinished { boot: boot(), case: "a".into(), invalid: None, code: None, seconds: 1.0 };
        let mut state = State::of(&[(1, Event::Interrupted { signal: "a boot".into() }), (2, started)]);
        assert!(!has_measured(&state));
        state.apply(3, &measured);
        assert!(has_measured(&state));
    }
}
