//! What Slurm's programs write, read: pure functions of text. Their JSON differs from version to version; fields of chosen formats
//! do not.

use super::SlurmError;
use serde::Serialize;

/// How the comment of a shard's job begins.
pub const TAG: &str = "perfvt";

/// A host of the farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// What Slurm says of it: `idle`, `allocated`, `drained`, `down*`.
    pub state: String,
    /// Its labels, which Slurm calls features.
    pub labels: Vec<String>,
    /// Its CPUs.
    pub cpus: u32,
    /// Its memory, MiB.
    pub memory_mib: u64,
    /// Why it is down or set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Signs behind a state: nobody answers there, it saves power, it is about to boot, and others (sinfo(1)).
const SIGNS: [char; 10] = ['*', '~', '#', '!', '%', '$', '@', '^', '-', '+'];
/// States in which a host takes no further job.
const UNFIT: [&str; 11] = [
    "down", "drained", "draining", "drain", "fail", "failing", "failed", "error", "unknown", "future",
    "maint",
];

impl Host {
    /// Whether it takes jobs, now or when those that it has are done.
    pub fn is_fit(&self) -> bool {
        !self.state.contains('*') && !UNFIT.contains(&self.state.trim_end_matches(SIGNS))
    }

    /// Whether it is switched off, broken or out of reach, as opposed to set aside.
    pub fn is_down(&self) -> bool {
        self.state.contains('*')
            || ["down", "fail", "failed", "error"].contains(&self.state.trim_end_matches(SIGNS))
    }

    /// What is wrong with it, for a sentence: `h3 is drained (bad fan)`.
    pub fn trouble(&self) -> String {
        let reason = self.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
        format!("{} is {}{reason}", self.name, self.state)
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its number. After a crash of its controller Slurm may give one twice.
    pub id: String,
    /// What Slurm says of it: `PENDING`, `RUNNING`, `COMPLETED`.
    pub state: String,
    /// Where it runs, or ran; empty for one that waits.
    pub host: String,
    /// Why it waits, or ended: `Resources`, `NonZeroExitCode`.
    pub reason: String,
    /// What it is there for: [`tag`] of a shard.
    pub comment: String,
}

impl Job {
    /// Whether it will run, or does.
    pub fn is_alive(&self) -> bool {
        [
            "PENDING",
            "RUNNING",
            "CONFIGURING",
            "COMPLETING",
            "SUSPENDED",
            "REQUEUED",
            "REQUEUE_HOLD",
            "STOPPED",
            "SIGNALING",
        ]
        .contains(&self.state.as_str())
    }

    /// Whether its body has begun and has not been asked to end by Slurm.
    pub fn is_running(&self) -> bool {
        self.state == "RUNNING"
    }
}

/// What tells which shard of which farm a job is: its comment.
pub fn tag(farm: &str, k: u32) -> String {
    format!("{TAG}:{farm}:{k}")
}

/// The fields of each line, of which the last one takes all that is left.
fn fields<'a, const N: usize>(
    doing: &'static str,
    text: &'a str,
) -> impl Iterator<Item = Result<[&'a str; N], SlurmError>> {
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(move |(index, line)| {
        let all: Vec<&str> = line.splitn(N, '|').map(str::trim).collect();
        all.try_into().map_err(|_| SlurmError::Odd { doing, line: index + 1, said: edge::text::cut(line) })
    })
}

/// Lines of `sinfo -N -h -o '%N|%T|%f|%c|%m|%E'`. A host that is in several partitions has a line in each.
pub(super) fn hosts(text: &str) -> Result<Vec<Host>, SlurmError> {
    let mut all: Vec<Host> = Vec::new();
    for found in fields::<6>("listing hosts", text) {
        let [name, state, labels, cpus, memory, reason] = found?;
        if all.iter().any(|host| host.name == name) {
            continue;
        }
        let labels = if labels == "(null)" { "" } else { labels };
        all.push(Host {
            name: name.to_owned(),
            state: state.to_owned(),
            labels: labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect(),
            cpus: cpus.parse().unwrap_or(0),
            memory_mib: memory.parse().unwrap_or(0),
            reason: (!["", "none"].contains(&reason)).then(|| reason.to_owned()),
        });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Lines of `squeue -h -r -t all -o '%i|%T|%N|%r|%k'`.
pub(super) fn jobs(text: &str) -> Result<Vec<Job>, SlurmError> {
    fields::<5>("listing jobs", text)
        .map(|found| {
            let [id, state, host, reason, comment] = found?.map(str::to_owned);
            // A job of several hosts of different kinds is known by the number of its first part, which runs its body.
            let id = id.strip_suffix("+0").map(str::to_owned).unwrap_or(id);
            Ok(Job { id, state, host, reason, comment })
        })
        .collect()
}

/// The hosts of `sbatch: Job 4 to start at TIME using 4 processors on nodes h[1-2] in partition farm`.
pub(super) fn chosen(said: &str) -> Option<&str> {
    let line = said.lines().find(|line| line.contains(" to start at "))?;
    let (_, rest) = line.split_once(" on nodes ").or_else(|| line.split_once(" on "))?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: [(&str, &str, &str); 2] = [
        (
            include_str!("../../tests/recorded/sinfo-22.05.txt"),
            include_str!("../../tests/recorded/squeue-22.05.txt"),
            include_str!("../../tests/recorded/test-only-22.05.txt"),
        ),
        (
            include_str!("../../tests/recorded/sinfo-24.11.txt"),
            include_str!("../../tests/recorded/squeue-24.11.txt"),
            include_str!("../../tests/recorded/test-only-24.11.txt"),
        ),
    ];

    #[test]
    fn what_slurm_22_05_and_24_11_wrote_is_read() {
        for (sinfo, squeue, test_only) in VERSIONS {
            let found = hosts(sinfo).unwrap();
            let names: Vec<(&str, bool)> = found.iter().map(|h| (h.name.as_str(), h.is_fit())).collect();
            assert_eq!(names, [("h1", true), ("h2", true), ("h3", false)]);
            assert_eq!(found[0].labels, ["amd64", "kvm"]);
            assert_eq!(found[2].trouble(), "h3 is drained (bad | fan)");
            let jobs = jobs(squeue).unwrap();
            assert!(
                jobs.iter().any(|job| job.comment == "perfvt:a b:1" && job.is_running() && job.host == "h1")
            );
            assert!(jobs.iter().any(|job| job.state == "PENDING" && job.is_alive() && job.host.is_empty()));
            assert!(jobs.iter().any(|job| job.state == "COMPLETED" && !job.is_alive()));
            assert_eq!(chosen(test_only), Some("h[1-2]"));
        }
    }

    #[test]
    fn a_job_with_a_client_host_is_known_by_its_first_part() {
        let all = jobs("3+0|RUNNING|h1|None|perfvt:n:1\n3+1|RUNNING|c1|None|(null)\n").unwrap();
        let found: Vec<(&str, &str)> = all.iter().map(|job| (&*job.id, &*job.comment)).collect();
        assert_eq!(found, [("3", "perfvt:n:1"), ("3+1", "(null)")]);
    }

    #[test]
    fn a_line_that_lacks_a_field_is_told_with_its_number() {
        let error = jobs("1|RUNNING|h1|None|\n\n2|RUNNING\n").unwrap_err().to_string();
        assert!(
            error.starts_with("listing jobs: line 3 of what Slurm said is not understood: 2|RUNNING"),
            "{error}"
        );
    }

    #[test]
    fn a_host_that_does_not_answer_or_is_set_aside_takes_no_job() {
        let of = |state: &str| hosts(&format!("h|{state}|(null)|2|10|none")).unwrap().remove(0);
        for (state, fit, down) in [
            ("idle", true, false),
            ("mixed", true, false),
            ("idle~", true, false),
            ("idle*", false, true),
            ("down*", false, true),
            ("down", false, true),
            ("draining", false, false),
            ("drained*", false, true),
        ] {
            assert_eq!((of(state).is_fit(), of(state).is_down()), (fit, down), "{state}");
        }
        assert!(of("idle").labels.is_empty());
    }
}
