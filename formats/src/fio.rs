//! fio's JSON (`--output-format=json+`; fio manual, section "JSON output") and its logs of averages
//! (section "Log File Formats").
//!
//! ```text
//!   JSON of one run ──> parse ──> Run { flows: read, write, trim }      *_bw.N.log, *_iops.N.log ──> parse_log
//! ```
//!
//! All jobs of a run are put together here: rates add up, mean latencies are weighed by their number, and percentiles
//! come from the sum of the histograms that `json+` prints. Reading and writing stay apart.

use crate::json::{self, Value};
use crate::tool::{ToolError, lines, number};
use edge::quoted;
use std::collections::BTreeMap;

/// The directions of a job that are results.
pub(crate) const DIRECTIONS: [&str; 3] = ["read", "write", "trim"];
/// Bytes in a MiB.
const MIB: f64 = 1_048_576.0;
/// Nanoseconds in a millisecond.
const NS_PER_MS: f64 = 1e6;

/// One direction of one job or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// `read`, `write` or `trim`.
    pub name: &'static str,
    /// MiB/s.
    pub bandwidth: Option<f64>,
    /// Operations in a second.
    pub iops: Option<f64>,
    /// Sum of all latencies in ms, and their number.
    pub latency: Option<(f64, f64)>,
    /// Completion latencies: nanoseconds and how often. Empty without `json+`.
    pub bins: BTreeMap<u64, u64>,
    /// Percentage and milliseconds as fio printed them; none for several jobs.
    pub percentiles: Vec<(f64, f64)>,
    /// Whether the percentiles are those of `clat` or, with `lat_percentiles`, of `lat`.
    pub percentiles_of: &'static str,
}

impl Flow {
    /// A direction in which something was done.
    pub(crate) fn read(name: &'static str, value: &Value<'_>) -> Option<Flow> {
        let done =
            ["total_ios", "io_bytes", "bw"].iter().any(|k| json::number(value, k).unwrap_or(0.0) > 0.0);
        if !done {
            return None;
        }
        let bandwidth = json::number(value, "bw_bytes")
            .map(|bytes| bytes / MIB)
            .or_else(|| json::number(value, "bw").map(|kib| kib / 1024.0));
        // fio 3 counts latencies in ns; fio 2 in us, under the names without a unit.
        let latency = Flow::latency_of(value).and_then(|(part, per_ms, n)| {
            // Without it there is none: that of another part is another latency.
            Some((json::number(part, "mean")? / per_ms * n, n))
        });
        let iops = json::number(value, "iops");
        let mut flow = Flow { name, bandwidth, iops, latency, ..Flow::default() };
        flow.read_histogram(value);
        Some(flow)
    }

    /// The part that tells the latency, its units in a millisecond, and how many operations it counts.
    fn latency_of<'v, 'a>(value: &'v Value<'a>) -> Option<(&'v Value<'a>, f64, f64)> {
        let parts = [("lat_ns", NS_PER_MS), ("clat_ns", NS_PER_MS), ("lat", 1e3), ("clat", 1e3)];
        parts.iter().find_map(|(key, per_ms)| {
            let part = value.get(key)?;
            // fio 2 does not tell the number; its entries weigh the same.
            let n = json::number(part, "N").unwrap_or(1.0);
            (n > 0.0).then_some((part, *per_ms, n))
        })
    }

    /// The part that tells the latency.
    pub(crate) fn latency_part<'v, 'a>(value: &'v Value<'a>) -> Option<&'v Value<'a>> {
        Flow::latency_of(value).map(|(part, ..)| part)
    }

    /// Completion latencies, or total ones when fio was told so (`lat_percentiles`).
    fn read_histogram(&mut self, value: &Value<'_>) {
        let parts = [("clat_ns", "clat", NS_PER_MS), ("lat_ns", "lat", NS_PER_MS), ("clat", "clat", 1e3)];
        let found = parts.iter().find_map(|(key, name, per_ms)| {
            let part = value.get(key)?;
            part.get("percentile").filter(|table| table.is_object())?;
            Some((part, *name, *per_ms))
        });
        let Some((part, name, per_ms)) = found else { return };
        self.percentiles_of = name;
        self.percentiles = percentiles(part, per_ms);
        for (key, count) in part.get("bins").and_then(Value::members).into_iter().flatten() {
            if let (Ok(ns), Some(count)) = (key.parse::<u64>(), count.as_u64().filter(|c| *c > 0)) {
                self.bins.insert(ns, count);
            }
        }
    }

    /// Takes in the same direction of another job. What either lacks, the sum lacks.
    pub(crate) fn add(&mut self, other: &Flow) {
        let sum = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        self.bandwidth = sum(self.bandwidth, other.bandwidth);
        self.iops = sum(self.iops, other.iops);
        self.latency = match (self.latency, other.latency) {
            (Some((a, n)), Some((b, m))) => Some((a + b, n + m)),
            _ => None,
        };
        if self.bins.is_empty() || other.bins.is_empty() {
            self.bins.clear();
        } else {
            for (ns, count) in &other.bins {
                let bin = self.bins.entry(*ns).or_default();
                *bin = bin.saturating_add(*count);
            }
        }
        self.percentiles.clear();
    }

    /// Mean latency in milliseconds.
    pub fn latency(&self) -> Option<f64> {
        self.latency.map(|(sum, n)| sum / n)
    }

    /// A percentile in milliseconds out of the histogram: the first bin at which so many operations were done, as fio
    /// itself counts.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        percentile(&self.bins, percent)
    }
}

/// The percentiles of a latency: percentage and milliseconds, in the order of the file.
pub(crate) fn percentiles(latency: &Value<'_>, per_ms: f64) -> Vec<(f64, f64)> {
    let table = latency.get("percentile").and_then(Value::members).into_iter().flatten();
    let pair = |(key, value): (&str, &Value<'_>)| {
        Some((number(key)?, value.as_f64().filter(|v| v.is_finite())? / per_ms))
    };
    table.filter_map(pair).collect()
}

/// See [`Flow::percentile`].
fn percentile(bins: &BTreeMap<u64, u64>, percent: f64) -> Option<f64> {
    let total: f64 = bins.values().map(|count| *count as f64).sum();
    let wanted = total * percent / 100.0;
    let mut sum = 0.0;
    for (ns, count) in bins {
        sum += *count as f64;
        if sum >= wanted {
            return Some(*ns as f64 / NS_PER_MS);
        }
    }
    None
}

/// One run of fio with all its jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// fio's version, as it prints it.
    pub version: String,
    /// The directions in which something was done.
    pub flows: Vec<Flow>,
    /// Busy time of the disks in per cent, by name.
    pub disks: BTreeMap<String, f64>,
    /// Line of the first job.
    pub line: u32,
}

impl Run {
    /// One direction.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|f| f.name == name)
    }

    /// All directions as one, for what a run did in all.
    pub fn total(&self) -> Flow {
        let mut flows = self.flows.iter();
        let mut total = flows.next().cloned().unwrap_or_default();
        flows.for_each(|flow| total.add(flow));
        total
    }
}

/// Reads the JSON of one run.
///
/// # Errors
/// Text that is no fio JSON or is cut off, a job that failed, a run that has done no I/O.
pub fn parse(text: &str) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "fio", line, reason };
    let (root, first) = json::last_object(text).map_err(|(line, reason)| wrong(line, reason))?;
    let jobs = root.get("jobs").and_then(Value::as_array);
    let jobs = jobs.ok_or_else(|| wrong(first, "it has no list \"jobs\"".into()))?;
    let lines = json::lines_of_key(text, "jobname", first);
    let mut run = Run { line: lines.first().copied().unwrap_or(first), ..Run::default() };
    run.version = root.get("fio version").map(json::level).unwrap_or_default();
    for (index, job) in jobs.iter().enumerate() {
        let error = json::number(job, "error").unwrap_or(0.0);
        if error != 0.0 {
            let name = job.get("jobname").map(json::level).unwrap_or_default();
            let line = lines.get(index).copied().unwrap_or(first);
            return Err(wrong(line, format!("job {} failed with error {error}", quoted(&name))));
        }
        for flow in DIRECTIONS.into_iter().filter_map(|d| Flow::read(d, job.get(d)?)) {
            match run.flows.iter_mut().find(|f| f.name == flow.name) {
                Some(mine) => mine.add(&flow),
                None => run.flows.push(flow),
            }
        }
    }
    if run.flows.is_empty() {
        return Err(wrong(run.line, "it has done no I/O".into()));
    }
    for disk in root.get("disk_util").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(name), Some(util)) = (disk.get("name"), json::number(disk, "util")) {
            run.disks.insert(json::level(name), util);
        }
    }
    Ok(run)
}

/// One line of a log of averages.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPoint {
    /// The number in the file's name, which counts jobs from 1.
    pub job: u32,
    /// End of the interval, milliseconds since the job began.
    pub ms: u64,
    /// KiB/s in a log of bandwidth, operations/s in one of IOPS.
    pub value: f64,
    /// Index into read, write, trim.
    pub direction: u32,
}

/// Reads logs of averages, each line behind its file's name as `grep -H` prints them: `fio_bw.1.log:500, 19624, 0, 0, 0`.
///
/// # Errors
/// A line of another shape.
pub fn parse_log(text: &str) -> Result<Vec<LogPoint>, ToolError> {
    let wrong = |line, content: &str| ToolError {
        tool: "fio",
        line,
        reason: format!("not a line of a log: {}", quoted(content)),
    };
    let mut points = Vec::new();
    for (line, content) in lines(text) {
        points.push(log_point(content).ok_or_else(|| wrong(line, content))?);
    }
    Ok(points)
}

fn log_point(line: &str) -> Option<LogPoint> {
    let (file, rest) = line.rsplit_once(':')?;
    let job = file.strip_suffix(".log")?.rsplit_once('.')?.1.parse().ok()?;
    let mut cells = rest.split(',').map(str::trim);
    let ms = cells.next()?.parse().ok()?;
    let value = number(cells.next()?)?;
    Some(LogPoint { job, ms, value, direction: cells.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDRW: &str = include_str!("../testdata/foreign/fio-3.33-randrw-plus.json");
    const RANDRW_3_25: &str = include_str!("../testdata/fio/3.25-randrw-plus.json");
    const TWO_JOBS: &str = include_str!("../testdata/foreign/fio-3.33-two-jobs.json");
    const OLD: &str = include_str!("../testdata/fio/2.21-reconstructed.json");

    #[test]
    fn percentiles_out_of_the_histogram_are_fios_own() {
        let runs = [RANDRW, RANDRW_3_25].map(|text| parse(text).unwrap());
        assert_eq!(runs.each_ref().map(|run| run.flows.len()), [2, 2]);
        for flow in runs.iter().flat_map(|run| &run.flows) {
            assert!(flow.percentiles.len() > 10 && !flow.bins.is_empty());
            for (percent, printed) in flow.percentiles.iter().filter(|(p, _)| *p > 0.0) {
                assert_eq!(flow.percentile(*percent), Some(*printed), "{} {percent}", flow.name);
            }
        }
    }

    #[test]
    fn reading_and_writing_add_up_and_latency_is_weighed_not_added() {
        let run = parse(RANDRW).unwrap();
        let (read, write, total) = (run.flow("read").unwrap(), run.flow("write").unwrap(), run.total());
        assert_eq!(total.iops.unwrap(), read.iops.unwrap() + write.iops.unwrap());
        let (low, high) = (read.latency().unwrap(), write.latency().unwrap());
        let mean = total.latency().unwrap();
        assert!(mean >= low.min(high) && mean <= low.max(high), "{low} {mean} {high}");
        let count = |flow: &Flow| flow.bins.values().sum::<u64>();
        assert_eq!(count(&total), count(read) + count(write));
    }

    #[test]
    fn several_jobs_are_one_run_and_microseconds_of_fio_2_are_known() {
        let two = parse(TWO_JOBS).unwrap();
        let mut twice = two.flows[0].clone();
        twice.add(&two.flows[0]);
        assert_eq!(twice.iops, two.flows[0].iops.map(|iops| 2.0 * iops));
        assert_eq!((twice.latency(), twice.percentiles.len()), (two.flows[0].latency(), 0));
        let old = parse(OLD).unwrap();
        let read = old.flow("read").unwrap();
        assert_eq!((old.version.as_str(), read.latency()), ("fio-2.21", Some(0.42)));
        assert_eq!((read.bandwidth, read.iops), (Some(9.5), Some(2432.0)));
        assert_eq!(old.disks.get("vdb"), Some(&93.25));
    }

    #[test]
    fn a_failed_job_idle_runs_and_half_a_file_are_refused_with_their_line() {
        let reason = |text: &str| parse(text).unwrap_err().to_string();
        assert!(reason(&RANDRW[..RANDRW.len() / 2]).contains("the JSON is cut off"));
        assert_eq!(reason("{\"jobs\": 1}"), "fio output, line 1: it has no list \"jobs\"");
        assert!(
            reason("{\"jobs\": [{\"jobname\": \"a\", \"error\": 5}]}")
                .contains("job 'a' failed with error 5")
        );
        assert!(reason("{\"jobs\": [{\"jobname\": \"a\"}]}").contains("no I/O"));
        assert!(reason("fio: engine not found").contains("no JSON object"));
    }

    #[test]
    fn logs_name_job_time_and_direction() {
        let points =
            parse_log("/run/x:y/fio_bw.2.log:500, 19624, 1, 0, 0\nfio_bw.10.log:1000, 7, 0, 4096, 0, 2\n");
        let points = points.unwrap();
        assert_eq!(points[0], LogPoint { job: 2, ms: 500, value: 19624.0, direction: 1 });
        assert_eq!((points[1].job, points[1].ms), (10, 1000));
        assert_eq!(parse_log("a_bw.1.log:1, 2, 0\nnonsense\n").unwrap_err().line, 2);
    }
}
