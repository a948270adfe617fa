//! How a shard stands: a pure function of its journal, the end of its last job, what was done about it, and what Slurm says.

use crate::events::Event;
use crate::folder::End;
use crate::slurm::{Host, Job};
use formats::journal::read;
use model::journal::State;
use model::store::JOURNAL_FILE;
use serde::Serialize;
use std::path::Path;

/// How a shard stands. An end that the farm's own troubles brought is never a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Standing {
    /// It waits and has measured nothing.
    Queued {
        /// What for, in Slurm's words.
        reason: String,
    },
    /// It measures.
    Running,
    /// It has begun, was stopped, and goes on by itself.
    Interrupted {
        /// What it waits for, in Slurm's words.
        reason: String,
    },
    /// Its host is off, broken, out of reach or set aside.
    HostDown {
        /// What is wrong.
        reason: String,
    },
    /// It waits for `perfvt farm retry`.
    Held {
        /// Why, in Slurm's words.
        reason: String,
    },
    /// Everything is measured.
    Finished {
        /// Cells with values.
        valid: u32,
        /// Cells without.
        invalid: u32,
    },
    /// perfvt could not do it, and will not by itself.
    Failed {
        /// Its exit code.
        code: u8,
        /// Why.
        reason: String,
    },
    /// Its job is gone without a word; `perfvt farm retry` hands it in again.
    Lost,
    /// Somebody asked for its end.
    Cancelled,
}

impl Standing {
    /// In words.
    pub fn words(&self) -> String {
        let with = |word: &str, reason: &str| match reason {
            "" | "None" => word.to_owned(),
            reason => format!("{word} ({})", edge::visible(reason)),
        };
        match self {
            Standing::Queued { reason } => with("queued", reason),
            Standing::Running => "running".to_owned(),
            Standing::Interrupted { reason } => with("interrupted", reason),
            Standing::HostDown { reason } => with("host-down", reason),
            Standing::Held { reason } => with("held", reason),
            Standing::Finished { invalid: 0, .. } => "finished".to_owned(),
            Standing::Finished { invalid, .. } => format!("finished, {invalid} cells invalid"),
            Standing::Failed { code, reason } => format!("failed ({code}: {})", edge::visible(reason)),
            Standing::Lost => "lost".to_owned(),
            Standing::Cancelled => "cancelled".to_owned(),
        }
    }

    /// What has to happen before it is at rest; `None` where it is.
    pub fn waits_for(&self) -> Option<&'static str> {
        match self {
            Standing::Queued { .. } => Some("its turn in Slurm's queue"),
            Standing::Running => Some("its blocks"),
            Standing::Interrupted { .. } => Some("Slurm to begin it again"),
            Standing::HostDown { .. } => Some("its host to come back"),
            Standing::Held { .. }
            | Standing::Finished { .. }
            | Standing::Failed { .. }
            | Standing::Lost
            | Standing::Cancelled => None,
        }
    }

    /// Whether everything is measured.
    pub fn is_finished(&self) -> bool {
        matches!(self, Standing::Finished { .. })
    }

    /// Whether nothing more happens unless somebody does something.
    pub fn is_at_rest(&self) -> bool {
        self.waits_for().is_none()
    }
}

/// One shard, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Its number, from 1.
    pub k: u32,
    /// Its host.
    pub host: String,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Blocks that are whole and copied.
    pub blocks: u32,
    /// Blocks planned.
    pub of: u32,
    /// Its job, where Slurm knows one or it was told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// What a copied journal says: nothing before the first block.
///
/// # Errors
/// It is damaged before its end.
pub fn journal(shard: &Path) -> Result<Option<State>, String> {
    let path = shard.join(JOURNAL_FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let text = edge::read(&path, edge::read::RECORD)
        .map_err(|error| format!("reading {}: {error}", path.display()))?;
    let found = read(&text).map_err(|error| format!("reading {}:{error}", path.display()))?;
    let events: Vec<_> = found.entries.into_iter().map(|entry| (entry.unix_ns, entry.event)).collect();
    Ok(Some(State::of(&events)))
}

/// What is known of a shard.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its copied journal.
    pub journal: Option<&'a State>,
    /// How its job ended last.
    pub end: Option<&'a End>,
    /// What was done about its job last.
    pub last: Option<&'a (u64, Event)>,
    /// Its jobs, by [`crate::slurm::tag`], as Slurm lists them.
    pub jobs: &'a [&'a Job],
    /// Its host, where Slurm knows it.
    pub host: Option<&'a Host>,
}

/// The job that counts: one that is alive, else the last.
pub fn job_of<'a>(jobs: &[&'a Job]) -> Option<&'a Job> {
    let number = |job: &&&Job| job.id.parse::<u64>().unwrap_or(0);
    let alive = jobs.iter().filter(|job| job.is_alive()).max_by_key(number);
    alive.or_else(|| jobs.iter().max_by_key(number)).copied()
}

/// How it stands.
pub fn standing(known: &Known<'_>) -> Standing {
    if let Some((valid, invalid)) = known.journal.and_then(|state| state.finished) {
        return Standing::Finished { valid, invalid };
    }
    let down = known.host.filter(|host| host.is_down()).map(Host::trouble);
    match job_of(known.jobs).filter(|job| job.is_alive()) {
        Some(job) if job.state == "PENDING" || job.state.starts_with("REQUEUE") => waiting(known, job, down),
        Some(_) => down.map_or(Standing::Running, |reason| Standing::HostDown { reason }),
        None => gone(known),
    }
}

fn waiting(known: &Known<'_>, job: &Job, down: Option<String>) -> Standing {
    let reason = job.reason.clone();
    let is_held = job.state == "REQUEUE_HOLD" || reason.contains("Held") || reason.contains("held");
    let unfit = known.host.filter(|host| !host.is_fit()).map(Host::trouble);
    if is_held {
        let told = known.end.filter(|end| end.job == job.id).and_then(|end| end.reason.clone());
        Standing::Held { reason: told.unwrap_or(reason) }
    } else if let Some(reason) = down.or(unfit) {
        Standing::HostDown { reason }
    } else if known.journal.is_some() || known.end.is_some_and(|end| end.job == job.id) {
        Standing::Interrupted { reason }
    } else {
        Standing::Queued { reason }
    }
}

/// There is no job any more.
fn gone(known: &Known<'_>) -> Standing {
    let since = known.last.map_or(0, |(unix_ns, _)| *unix_ns);
    match known.last {
        Some((_, Event::Cancelled { .. })) => return Standing::Cancelled,
        None => return Standing::Queued { reason: "not handed in".to_owned() },
        _ => {}
    }
    let end = known.end.filter(|end| end.unix_ns >= since);
    if end.is_some_and(|end| end.code == 130) {
        return Standing::Held { reason: "interrupted, and its job has ended".to_owned() };
    }
    if let Some(end) = end.filter(|end| end.code != 0) {
        return Standing::Failed { code: end.code, reason: end.reason.clone().unwrap_or_default() };
    }
    if job_of(known.jobs).is_some_and(|job| job.state == "CANCELLED") {
        return Standing::Cancelled;
    }
    Standing::Lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, state: &str, reason: &str) -> Job {
        Job {
            id: id.into(),
            state: state.into(),
            host: String::new(),
            reason: reason.into(),
            comment: String::new(),
        }
    }

    fn host(state: &str) -> Host {
        Host {
            name: "h1".into(),
            state: state.into(),
            labels: Vec::new(),
            cpus: 1,
            memory_mib: 1,
            reason: None,
        }
    }

    fn of(
        jobs: &[Job],
        host: &Host,
        end: Option<&End>,
        last: &(u64, Event),
        journal: Option<&State>,
    ) -> String {
        let jobs: Vec<&Job> = jobs.iter().collect();
        standing(&Known { journal, end, last: Some(last), jobs: &jobs, host: Some(host) }).words()
    }

    fn submitted() -> (u64, Event) {
        (5, Event::Submitted { shard: 1, job: "1".into(), host: "h1".into() })
    }

    #[test]
    fn every_way_in_which_a_shard_can_stand_has_its_word() {
        let (idle, begun) = (host("idle"), State::default());
        let of_job =
            |state: &str, reason: &str| of(&[job("1", state, reason)], &idle, None, &submitted(), None);
        assert_eq!(of_job("PENDING", "Resources"), "queued (Resources)");
        assert_eq!(of_job("RUNNING", "None"), "running");
        assert_eq!(of_job("COMPLETING", "None"), "running");
        assert_eq!(of_job("PENDING", "JobHeldAdmin"), "held (JobHeldAdmin)");
        assert_eq!(of_job("PENDING", "launch failed requeued held"), "held (launch failed requeued held)");
        assert_eq!(of_job("COMPLETED", "None"), "lost");
        assert_eq!(of_job("CANCELLED", "None"), "cancelled");
        let pending = [job("1", "PENDING", "BeginTime")];
        assert_eq!(of(&pending, &idle, None, &submitted(), Some(&begun)), "interrupted (BeginTime)");
        assert_eq!(of(&pending, &host("down*"), None, &submitted(), Some(&begun)), "host-down (h1 is down*)");
        assert_eq!(of(&pending, &host("drained"), None, &submitted(), None), "host-down (h1 is drained)");
        let running = [job("1", "RUNNING", "None")];
        assert_eq!(
            of(&running, &host("allocated*"), None, &submitted(), None),
            "host-down (h1 is allocated*)"
        );
        assert_eq!(of(&[], &idle, None, &(5, Event::Cancelled { shard: 1 }), None), "cancelled");
    }

    #[test]
    fn what_goes_on_by_itself_says_what_it_waits_for() {
        let down = Standing::HostDown { reason: "h1 is down*".into() };
        assert_eq!((down.waits_for(), down.is_at_rest()), (Some("its host to come back"), false));
        assert_eq!((Standing::Lost.waits_for(), Standing::Lost.is_at_rest()), (None, true));
    }

    #[test]
    fn the_journal_is_the_truth_whatever_slurm_says() {
        let finished = State::of(&[(1, model::journal::Event::Finished { valid: 8, invalid: 0 })]);
        for state in ["RUNNING", "PENDING", "FAILED", "NODE_FAIL"] {
            let jobs = [job("1", state, "launch failed requeued held")];
            assert_eq!(of(&jobs, &host("drained"), None, &submitted(), Some(&finished)), "finished");
        }
    }

    #[test]
    fn a_failure_counts_until_the_shard_is_handed_in_again() {
        let end =
            End { unix_ns: 7, reason: Some("no such file".into()), ..End::now("1".into(), "h1".into(), 2) };
        let idle = host("idle");
        assert_eq!(of(&[], &idle, Some(&end), &submitted(), None), "failed (2: no such file)");
        let again = (9, Event::Submitted { shard: 1, job: "2".into(), host: "h1".into() });
        assert_eq!(of(&[], &idle, Some(&end), &again, None), "lost");
        let interrupted = End { code: 130, ..end };
        assert_eq!(
            of(&[], &idle, Some(&interrupted), &submitted(), None),
            "held (interrupted, and its job has ended)"
        );
    }

    #[test]
    fn of_several_jobs_that_which_is_alive_counts() {
        let jobs = [job("1", "RUNNING", ""), job("12", "FAILED", ""), job("9", "CANCELLED", "")];
        let jobs: Vec<&Job> = jobs.iter().collect();
        assert_eq!(job_of(&jobs).unwrap().id, "1");
        assert_eq!(job_of(&jobs[1..]).unwrap().id, "12");
    }
}
