//! Several objects of fio in one file: whole runs, one after the other (`fio .. >> FILE`), or reports of one run that goes
//! on (`--status-interval`), of which the last is the whole.
//!
//! An object belongs to the run of the one before when it has the same jobs with the same options, and its run had begun
//! before the one before was written: its time of writing lies less than its running time after that, and the time that a run
//! takes to begin. Without times of
//! writing that differ, nothing of the run may have become less, and operations and running time must have grown.

use crate::json::{self, Document, Value};

/// How much a run must have gone on to be told by its counters alone, in milliseconds.
const GROWN_MS: f64 = 500.0;
/// A first report may be written while fio still makes its jobs ready, some milliseconds before they run. Another run begins
/// later after the one before: fio needs hundreds of milliseconds to end and to start.
const READY_MS: f64 = 30.0;
/// How exactly `timestamp` tells, in milliseconds.
const SECOND: f64 = 1000.0;

/// The objects that are whole runs: of reports of one run the last.
pub(super) fn runs(documents: Vec<Document<'_>>) -> Vec<Document<'_>> {
    let mut out: Vec<(Document<'_>, Moment)> = Vec::new();
    for document in documents {
        let moment = Moment::of(&document.value);
        match out.last_mut() {
            Some((last, before)) if moment.continues(last, before, &document) => {
                (*last, *before) = (document, moment);
            }
            _ => out.push((document, moment)),
        }
    }
    out.into_iter().map(|(document, _)| document).collect()
}

/// What an object says of the time in its run.
#[derive(Clone, Debug, Default)]
struct Moment {
    /// When it was written, in seconds and in milliseconds.
    seconds: Option<f64>,
    milliseconds: Option<f64>,
    /// How long the run has gone on at the least, with and without what fio leaves out of its figures, in milliseconds.
    length: f64,
    /// How long it has measured, in milliseconds.
    measured: f64,
    /// Operations of each job in each direction.
    operations: Vec<f64>,
}

impl Moment {
    fn of(root: &Value<'_>) -> Moment {
        let mut moment = Moment {
            seconds: json::number(root, "timestamp"),
            milliseconds: json::number(root, "timestamp_ms"),
            ..Moment::default()
        };
        for job in jobs(root) {
            // Seconds are rounded up.
            let elapsed = json::number(job, "elapsed").unwrap_or(0.0) - 1.0;
            moment.length = moment.length.max(elapsed * SECOND);
            for flow in ["read", "write", "trim", "mixed"].into_iter().filter_map(|d| job.get(d)) {
                moment.measured = moment.measured.max(json::number(flow, "runtime").unwrap_or(0.0));
                moment.operations.push(json::number(flow, "total_ios").unwrap_or(0.0));
            }
        }
        moment.length = moment.length.max(moment.measured);
        moment
    }

    /// Whether an object with this moment goes on with the run of the one before.
    fn continues(&self, last: &Document<'_>, before: &Moment, own: &Document<'_>) -> bool {
        if !is_same_work(&last.value, &own.value) {
            return false;
        }
        let since = |mine: Option<f64>, theirs: Option<f64>| Some(mine? - theirs?).filter(|d| *d != 0.0);
        if let Some(since) = since(self.milliseconds, before.milliseconds) {
            return since > 0.0 && since < self.length + READY_MS;
        }
        if let Some(since) = since(self.seconds, before.seconds) {
            return since > 0.0 && since * SECOND + SECOND <= self.length;
        }
        let grown = self.measured >= before.measured + GROWN_MS || self.length >= before.length + SECOND;
        let sum = |moment: &Moment| moment.operations.iter().sum::<f64>();
        let less = self.operations.iter().zip(&before.operations).any(|(mine, theirs)| mine < theirs);
        grown && !less && sum(self) > sum(before)
    }
}

/// The jobs of an object.
fn jobs<'v, 'a>(root: &'v Value<'a>) -> impl Iterator<Item = &'v Value<'a>> {
    ["jobs", "client_stats"].iter().find_map(|k| root.get(k)?.as_array()).into_iter().flatten()
}

/// Whether two objects are of the same jobs with the same options.
fn is_same_work(a: &Value<'_>, b: &Value<'_>) -> bool {
    let same = |a: &Value<'_>, b: &Value<'_>, key: &str| a.get(key) == b.get(key);
    let is_same_job = |(a, b): (&Value<'_>, &Value<'_>)| {
        ["jobname", "groupid", "hostname", "job options"].iter().all(|key| same(a, b, key))
    };
    same(a, b, "fio version")
        && same(a, b, "global options")
        && jobs(a).count() == jobs(b).count()
        && jobs(a).zip(jobs(b)).all(is_same_job)
}
