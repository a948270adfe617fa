//! What fio's own processes took of a CPU (`usr_cpu`, `sys_cpu`): per cent of one CPU, the mean over a job's processes by the time
//! that each ran. It is the job's, not a direction's: one that reads and writes has it in its category `mixed`.

use crate::json::{self, Value};

/// Metrics, as fio calls them.
pub(super) const METRICS: [&str; 2] = ["usr_cpu", "sys_cpu"];
/// Their unit.
pub(super) const UNIT: &str = "%";

/// User and system time of one entry of a job, or of several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cpu {
    /// Sums of per cent times milliseconds, or why there are none.
    sums: [Result<f64, String>; 2],
    /// Milliseconds.
    time: f64,
}

impl Cpu {
    /// The part of an entry; `None` where it has none. Of a job that ran for less than a millisecond fio prints 0, which it did not
    /// measure. fio 2 does not tell how long a job ran: its entries weigh the same.
    pub fn read(entry: &Value<'_>) -> Option<Cpu> {
        let time = json::number(entry, "job_runtime").unwrap_or(1.0);
        let [user, system] = METRICS.map(|metric| json::figure(entry, metric));
        let sums = [user?, system?].map(|share| share.map(|share| share * time));
        (time > 0.0).then_some(Cpu { sums, time })
    }

    /// With another entry of the same job. What either lacks, both lack.
    pub fn with(self, other: Cpu) -> Cpu {
        let [user, system] = self.sums;
        let [more_user, more_system] = other.sums;
        let sum = |one: Result<f64, String>, other: Result<f64, String>| Ok(one? + other?);
        Cpu { sums: [sum(user, more_user), sum(system, more_system)], time: self.time + other.time }
    }

    /// The metrics with their shares.
    pub fn shares(&self) -> impl Iterator<Item = (&'static str, Result<f64, String>)> {
        METRICS.into_iter().zip(self.sums.iter().map(|sum| sum.clone().map(|sum| sum / self.time)))
    }
}
