//! fio's JSON (`--output-format=json` or `json+`; fio manual, section "JSON output").
//!
//! A case is a job: its name, pattern, block size, depth and number of jobs. Entries of the same job, which fio gives
//! one by one without `group_reporting`, are one case: rates add up, mean latencies are weighed by their number.
//! Percentiles cannot be put together from several entries and are left out there. A pattern that reads and writes
//! gives two categories, `randrw read` and `randrw write`.

use super::{Foreign, Loss, Parsed, Record, json};
use serde_json::Value;
use std::collections::BTreeMap;

/// The directions of a job that are results.
const DIRECTIONS: [&str; 3] = ["read", "write", "trim"];
/// Percentiles that are read, with their names in metrics.
const PERCENTILES: [(f64, &str); 3] = [(50.0, "p50"), (99.0, "p99"), (99.9, "p999")];
/// Bytes in a MiB.
const MIB: f64 = 1_048_576.0;

/// Tells fio's JSON from other text.
pub(super) fn is(text: &str) -> bool {
    text.contains("\"fio version\"") && text.contains('{')
}

/// Reads the jobs of one file.
pub(super) fn parse(text: &str) -> Parsed {
    let (root, first) = json::last_object(text)?;
    let jobs = ["jobs", "client_stats"].iter().find_map(|k| root.get(k)?.as_array());
    let Some(jobs) = jobs else { return Err((first, "it has no list \"jobs\"".into())) };
    let mut foreign = Foreign::default();
    if let Some(version) = root.get("fio version").and_then(Value::as_str) {
        foreign.facts.insert("fio".into(), version.to_owned());
    }
    let lines = json::lines_of_key(text, "jobname", first);
    let mut cases: Vec<Job> = Vec::new();
    for (index, entry) in jobs.iter().enumerate() {
        let line = lines.get(index).copied().unwrap_or(first);
        match Job::read(&root, entry, line) {
            Ok(job) => match cases.iter_mut().find(|c| c.is_same(&job)) {
                Some(case) => case.add(job),
                None => cases.push(job),
            },
            Err(reason) => foreign.losses.push(Loss { line, reason }),
        }
    }
    for case in &cases {
        case.records(&mut foreign.records);
    }
    Ok(foreign)
}

/// One direction of a job.
#[derive(Default)]
struct Flow {
    name: &'static str,
    /// MiB/s.
    bandwidth: Option<f64>,
    iops: Option<f64>,
    /// Sum of all latencies in ms, and their number.
    latency: Option<(f64, f64)>,
    /// Metric and milliseconds.
    percentiles: Vec<(String, f64)>,
}

/// One job, or several entries of it.
struct Job {
    pattern: String,
    group: String,
    keys: Vec<(String, String)>,
    flows: Vec<Flow>,
    line: u32,
}

impl Job {
    fn read(root: &Value, entry: &Value, line: u32) -> Result<Job, String> {
        let name = entry.get("jobname").and_then(Value::as_str).ok_or("a job without a name")?;
        let error = json::number(entry, "error").unwrap_or(0.0);
        if error != 0.0 {
            return Err(format!("job '{name}' failed with error {error}"));
        }
        let flows: Vec<Flow> = DIRECTIONS.into_iter().filter_map(|d| Flow::read(d, entry.get(d)?)).collect();
        if flows.is_empty() {
            return Err(format!("job '{name}' has done no I/O"));
        }
        let options = options(root, entry);
        let option = |names: &[&str], default: &str| {
            names.iter().find_map(|n| options.get(*n).cloned()).unwrap_or_else(|| default.to_owned())
        };
        let mut keys = vec![("job".to_owned(), name.to_owned())];
        if let Some(host) = entry.get("hostname").and_then(Value::as_str) {
            keys.push(("hostname".into(), host.to_owned()));
        }
        let mut pattern = String::new();
        if !options.is_empty() {
            pattern = option(&["rw", "readwrite"], "read");
            keys.push(("Block_size".into(), option(&["bs", "blocksize"], "4k")));
            keys.push(("Iodepth".into(), option(&["iodepth"], "1")));
            keys.push(("Threads".into(), option(&["numjobs"], "1")));
        }
        let group = entry.get("groupid").map(json::level).unwrap_or_default();
        Ok(Job { pattern, group, keys, flows, line })
    }

    fn is_same(&self, other: &Job) -> bool {
        self.keys == other.keys && self.pattern == other.pattern && self.group == other.group
    }

    fn add(&mut self, other: Job) {
        let sum = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        for flow in other.flows {
            match self.flows.iter_mut().find(|f| f.name == flow.name) {
                None => self.flows.push(flow),
                Some(mine) => {
                    mine.bandwidth = sum(mine.bandwidth, flow.bandwidth);
                    mine.iops = sum(mine.iops, flow.iops);
                    mine.latency = match (mine.latency, flow.latency) {
                        (Some((a, n)), Some((b, m))) => Some((a + b, n + m)),
                        _ => None,
                    };
                    mine.percentiles.clear();
                }
            }
        }
    }

    fn records(&self, out: &mut Vec<Record>) {
        for flow in &self.flows {
            let category = match (self.flows.len(), self.pattern.as_str()) {
                (_, "") => flow.name.to_owned(),
                (1, pattern) => pattern.to_owned(),
                (_, pattern) => format!("{pattern} {}", flow.name),
            };
            let mut push = |metric: &str, unit: &str, value: Option<f64>| {
                let Some(value) = value else { return };
                out.push(Record {
                    category: category.clone(),
                    keys: self.keys.clone(),
                    metric: metric.to_owned(),
                    unit: unit.to_owned(),
                    value: if value.is_finite() { Ok(value) } else { Err("it is too large".into()) },
                    run: Some("1".into()),
                    line: self.line,
                });
            };
            push("BW(MB/S)", "MiB/s", flow.bandwidth);
            push("IOPS", "1/s", flow.iops);
            push("Latency(ms)", "ms", flow.latency.map(|(sum, n)| sum / n));
            for (name, value) in &flow.percentiles {
                push(name, "ms", Some(*value));
            }
        }
    }
}

impl Flow {
    /// A direction in which something was done.
    fn read(name: &'static str, value: &Value) -> Option<Flow> {
        let done =
            ["total_ios", "io_bytes", "bw"].iter().any(|k| json::number(value, k).unwrap_or(0.0) > 0.0);
        if !done {
            return None;
        }
        let bandwidth = json::number(value, "bw_bytes")
            .map(|bytes| bytes / MIB)
            .or_else(|| json::number(value, "bw").map(|kib| kib / 1024.0));
        // fio 3 counts latencies in ns; fio 2 in us, under the names without a unit.
        let latency = [("lat_ns", 1e6), ("clat_ns", 1e6), ("lat", 1e3), ("clat", 1e3)];
        let latency = latency.iter().find_map(|(key, per_ms)| {
            let part = value.get(key)?;
            // fio 2 does not tell the number; its entries weigh the same.
            let n = json::number(part, "N").unwrap_or(1.0);
            (n > 0.0).then_some(())?;
            Some((json::number(part, "mean")? / per_ms * n, n))
        });
        let iops = json::number(value, "iops");
        Some(Flow { name, bandwidth, iops, latency, percentiles: percentiles(value) })
    }
}

/// Completion latencies, or total ones when fio was told so (`lat_percentiles`).
fn percentiles(value: &Value) -> Vec<(String, f64)> {
    let parts = [("clat_ns", "clat", 1e6), ("lat_ns", "lat", 1e6), ("clat", "clat", 1e3)];
    let found = parts.iter().find_map(|(key, name, per_ms)| {
        Some((value.get(key)?.get("percentile")?.as_object()?, name, per_ms))
    });
    let Some((table, name, per_ms)) = found else { return Vec::new() };
    let mut out = Vec::new();
    for (wanted, word) in PERCENTILES {
        let value = table.iter().find_map(|(key, value)| {
            let at: f64 = key.parse().ok()?;
            ((at - wanted).abs() < 1e-6).then(|| value.as_f64())?
        });
        if let Some(value) = value.filter(|v| v.is_finite()) {
            out.push((format!("{name}_{word}_ms"), value / per_ms));
        }
    }
    out
}

/// A job's options over the global ones.
fn options(root: &Value, entry: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for part in [root.get("global options"), entry.get("job options")].into_iter().flatten() {
        for (key, value) in part.as_object().into_iter().flatten() {
            out.insert(key.clone(), json::level(value));
        }
    }
    out
}
