//! fio's JSON (`--output-format=json` or `json+`; fio manual, section "JSON output").
//!
//! A case is a job: its name, pattern, block size, depth and number of jobs. Entries of the same job, which fio gives
//! one by one without `group_reporting`, are one case: rates add up, mean latencies are weighed by their number.
//! Percentiles cannot be put together from several entries and are left out there. A pattern that reads and writes
//! gives two categories, `randrw read` and `randrw write`.

use super::{Foreign, Loss, Parsed, Record};
use crate::fio::{DIRECTIONS, Flow};
use crate::json;
use edge::quoted;
use serde_json::Value;
use std::collections::BTreeMap;

/// Percentiles that are read, with their names in metrics.
const PERCENTILES: [(f64, &str); 3] = [(50.0, "p50"), (99.0, "p99"), (99.9, "p999")];

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
            return Err(format!("job {} failed with error {error}", quoted(name)));
        }
        let flows: Vec<Flow> = DIRECTIONS.into_iter().filter_map(|d| Flow::read(d, entry.get(d)?)).collect();
        if flows.is_empty() {
            return Err(format!("job {} has done no I/O", quoted(name)));
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
        for flow in other.flows {
            match self.flows.iter_mut().find(|f| f.name == flow.name) {
                None => self.flows.push(flow),
                Some(mine) => mine.add(&flow),
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
            push("Latency(ms)", "ms", flow.latency());
            for (percent, word) in PERCENTILES {
                push(&format!("{}_{word}_ms", flow.percentiles_of), "ms", flow.printed_percentile(percent));
            }
        }
    }
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
