//! fio's JSON (`--output-format=json` or `json+`; fio manual, section "JSON output").
//!
//! A case is a job: its name, pattern, block size, depth and number of jobs, and whatever else tells the jobs of one file
//! apart. Entries of the same job, which fio gives one by one without `group_reporting`, are one case: rates add up, mean
//! latencies are weighed by their number. Percentiles cannot be put together from several entries and are left out there.
//! Where one entry failed, the case has no value, and neither has the sum over all clients. A pattern that reads and writes
//! gives two categories, `randrw read` and `randrw write`; `unified_rw_reporting` gives `randrw mixed`, alone or besides. What
//! syncing took (`fsync`, `fdatasync`) has a category of its own, `write sync`, and so has the CPU time of a job with several
//! directions, `randrw mixed`. Percentiles are 50, 99 and 99.9, or all that
//! `percentile_list` asked for. What several objects in one file are, [`super::fio_series`] says.

use super::draft::{Case, Draft, Facts, key};
use super::fio_cpu::{self, Cpu};
use super::fio_gaps::{self, Gap};
use super::{Idle, IdleCase, Keys, Parsed, fio_options, fio_series};
use crate::fio::{self, Flow};
use crate::json::{self, Document, Value};
use edge::quoted;
use std::collections::{BTreeMap, BTreeSet};

/// The parts of a job that are results: directions, and all of them as one.
const DIRECTIONS: [&str; 4] = ["read", "write", "trim", MIXED];
/// All directions as one.
const MIXED: &str = "mixed";
/// What syncing took.
const SYNC: &str = "sync";
/// How fio calls the entry that sums up what several clients did.
const ALL_CLIENTS: &str = "All clients";
/// Nanoseconds in a millisecond.
const NS_PER_MS: f64 = 1e6;

/// Percentiles that are read when no others were asked for, with their names in metrics.
const PERCENTILES: [(f64, &str); 3] = [(50.0, "p50"), (99.0, "p99"), (99.9, "p999")];

/// Tells fio's JSON from other text.
pub(super) fn is(text: &str) -> bool {
    text.contains("\"fio version\"") && text.contains('{')
}

/// Parts from which nothing is read: histograms, of which `json+` has large ones, and the use of disks.
struct Unread;

impl json::Passed for Unread {
    const KEYS: &'static [&'static str] = &[
        "bins",
        "slat_ns",
        "iodepth_level",
        "iodepth_submit",
        "iodepth_complete",
        "latency_ns",
        "latency_us",
        "latency_ms",
        "disk_util",
    ];
}

/// The key of a job's block sizes.
const BLOCK: &str = "Block_size";

/// Reads the jobs of every run in one file.
pub(super) fn parse(text: &str) -> Parsed {
    let documents = json::documents_but::<Unread>(text)?;
    let first = documents.first().map_or(1, |d| d.line);
    let mut draft = Draft::default();
    let mut idle = None;
    // Tools around fio may print JSON of their own.
    let of_fio = |d: &Document<'_>| d.value.get("fio version").is_some() || d.value.get("jobs").is_some();
    let (own, other): (Vec<_>, Vec<_>) = documents.into_iter().partition(of_fio);
    if own.is_empty() {
        return Err((other.first().map_or(first, |d| d.line), "it has no list \"jobs\"".into()));
    }
    for document in fio_series::runs(own) {
        let told = |draft: &Draft| draft.foreign.records.len() + draft.foreign.losses.len();
        let before = told(&draft);
        read(&document, &mut draft)?;
        if told(&draft) == before {
            idle = idle.or(Some(document.line));
        }
    }
    match idle {
        // Of a file that has results, what did nothing only made ready for them.
        Some(line) if draft.foreign.records.is_empty() && draft.foreign.losses.is_empty() => {
            Err((line, "no job of it has done any I/O".into()))
        }
        _ => Ok(draft.done()),
    }
}

/// Reads one run.
fn read(document: &Document<'_>, draft: &mut Draft) -> Result<(), (u32, String)> {
    let (root, first) = (&document.value, document.line);
    draft.dated(json::number(root, "timestamp"));
    let jobs = ["jobs", "client_stats"].iter().find_map(|k| root.get(k)?.as_array());
    let Some(jobs) = jobs else { return Err((first, "it has no list \"jobs\"".into())) };
    let version = root.get("fio version").and_then(Value::as_str);
    let lines = document.lines_of_key("jobname");
    let mut cases: Vec<Job> = Vec::new();
    let mut known: BTreeMap<Identity, usize> = BTreeMap::new();
    for (index, entry) in jobs.iter().enumerate() {
        let line = lines.get(index).copied().unwrap_or(first);
        match Job::read(root, entry, line) {
            Ok(job) => {
                let at = *known.entry(job.identity()).or_insert(cases.len());
                match cases.get_mut(at) {
                    Some(case) => case.add(job),
                    None => cases.push(job),
                }
            }
            Err(reason) => draft.lose(line, reason),
        }
    }
    // The sum over clients of which one failed is over the others only.
    let failed = cases.iter().find_map(|case| case.failed.clone());
    if let (Some(sum), Some(reason)) = (cases.iter_mut().find(|c| c.is_sum()), failed) {
        sum.failed.get_or_insert(reason);
    }
    tell_apart(&mut cases);
    for case in cases {
        let mut facts = case.facts.clone();
        if let Some(version) = version {
            facts.insert("tool.fio".into(), version.to_owned());
        }
        let block = case.keys.iter().find(|(key, _)| key == BLOCK);
        if let (Some((key, level)), Some(written)) = (block, fio_options::blocks_as_written(&case.options)) {
            draft.foreign.spellings.keep(key, level, written);
        }
        let mut place = draft.case(&case.pattern, case.keys.clone(), &facts, case.line);
        let has_records = case.records(&mut place, draft);
        if !has_records && !case.options.contains_key("create_only") {
            let of = IdleCase::Known { run: place.run(), keys: place.keys };
            let reason = "it has done nothing in this run".to_owned();
            draft.foreign.idle.push(Idle { category: case.pattern, of, line: case.line, reason });
        }
    }
    Ok(())
}

/// Gives jobs that differ in nothing else the options in which they do as keys.
fn tell_apart(cases: &mut [Job]) {
    let mut groups: BTreeMap<(&str, &Keys), Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        groups.entry((&case.pattern, &case.keys)).or_default().push(index);
    }
    let mut added: Vec<(usize, String, String)> = Vec::new();
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let facts: Vec<_> = group.iter().filter_map(|job| Some((*job, &cases.get(*job)?.facts))).collect();
        let names: BTreeSet<&String> = facts.iter().flat_map(|(_, facts)| facts.keys()).collect();
        for name in names {
            let mut levels = facts.iter().map(|(_, facts)| facts.get(name));
            let first = levels.next();
            if levels.all(|level| Some(level) == first) {
                continue;
            }
            let key = name.strip_prefix("param.").unwrap_or(name);
            let of = |facts: &BTreeMap<String, String>| facts.get(name).cloned().unwrap_or_default();
            added.extend(facts.iter().map(|(job, facts)| (*job, key.to_owned(), of(facts))));
        }
    }
    for (job, name, level) in added {
        if let Some(case) = cases.get_mut(job) {
            case.keys.push(key(name, level));
        }
    }
}

/// What entries of the same job have in common: keys, pattern, group, and the facts of its options. Where its files lie does
/// not make it another one.
type Identity = (Keys, String, String, Facts);

/// One job, or several entries of it.
struct Job {
    pattern: String,
    group: String,
    keys: Keys,
    options: BTreeMap<String, String>,
    /// The facts that its options are.
    facts: Facts,
    flows: Vec<Flow>,
    cpu: Option<Cpu>,
    /// Figures that should be there.
    gaps: Vec<Gap>,
    /// Entries, and why the first that failed did.
    entries: usize,
    failed: Option<(usize, String)>,
    line: u32,
}

impl Job {
    fn read(root: &Value<'_>, entry: &Value<'_>, line: u32) -> Result<Job, String> {
        let name = entry.get("jobname").and_then(Value::as_str).ok_or("a job without a name")?;
        let error = json::number(entry, "error").unwrap_or(0.0);
        let failed = (error != 0.0).then(|| (1, format!("job {} failed with error {error}", quoted(name))));
        let mut flows: Vec<Flow> =
            DIRECTIONS.into_iter().filter_map(|d| Flow::read(d, entry.get(d)?)).collect();
        if flows.len() == 2 && flows.iter().any(|f| f.name == MIXED) {
            // One direction and the sum over it: the same twice.
            flows.retain(|f| f.name != MIXED);
        }
        // What is given for all jobs (`global options`) describes no sum over them: each has its own besides.
        let is_sum = name == ALL_CLIENTS && entry.get("job options").is_none();
        let options = if is_sum { BTreeMap::new() } else { options(root, entry) };
        let all = options.contains_key("percentile_list");
        let gaps =
            |flow: &Flow| Some(fio_gaps::of(entry.get(flow.name)?, flow, |percent| word(percent, all)));
        let mut gaps: Vec<Gap> = flows.iter().filter_map(gaps).collect::<Vec<Vec<Gap>>>().concat();
        match entry.get(SYNC).map(sync) {
            Some(Ok(flow)) => flows.extend(flow),
            Some(Err(gap)) => gaps.push(gap),
            None => {}
        }
        let option = |name: &str, default: &str| {
            options.get(name).cloned().filter(|v| !v.is_empty()).unwrap_or_else(|| default.to_owned())
        };
        let mut keys = vec![key("job", name)];
        if let (Some(host), true) = (entry.get("hostname").and_then(Value::as_str), name != ALL_CLIENTS) {
            keys.push(key("hostname", host));
        }
        let mut pattern = String::new();
        if !options.is_empty() {
            pattern = option("rw", "read");
            keys.push(key(BLOCK, fio_options::blocks(&options)));
            keys.push(key("Iodepth", option("iodepth", "1")));
            keys.push(key("Threads", option("numjobs", "1")));
        }
        let group = entry.get("groupid").map(json::level).unwrap_or_default();
        let facts = fio_options::facts(&options);
        let cpu = Cpu::read(entry);
        Ok(Job { pattern, group, keys, options, facts, flows, cpu, gaps, entries: 1, failed, line })
    }

    fn identity(&self) -> Identity {
        (self.keys.clone(), self.pattern.clone(), self.group.clone(), self.facts.clone())
    }

    /// Whether it is the sum over all clients.
    fn is_sum(&self) -> bool {
        self.options.is_empty() && self.keys.iter().any(|(_, name)| **name == *ALL_CLIENTS)
    }

    fn add(&mut self, other: Job) {
        self.entries = self.entries.saturating_add(other.entries);
        self.failed = match (self.failed.take(), other.failed) {
            (Some((a, first)), Some((b, _))) => Some((a.saturating_add(b), first)),
            (one, two) => one.or(two),
        };
        self.cpu = self.cpu.take().zip(other.cpu).map(|(one, other)| one.with(other));
        // Percentiles of several entries are none.
        self.gaps.retain(|gap| !gap.metric.ends_with("_ms"));
        for gap in other.gaps.into_iter().filter(|gap| !gap.metric.ends_with("_ms")) {
            if !self.gaps.iter().any(|known| (known.flow, &known.metric) == (gap.flow, &gap.metric)) {
                self.gaps.push(gap);
            }
        }
        for flow in other.flows {
            match self.flows.iter_mut().find(|f| f.name == flow.name) {
                None => self.flows.push(flow),
                Some(mine) => mine.add(&flow),
            }
        }
    }

    /// Why there is no value, if an entry failed.
    fn failure(&self) -> Option<String> {
        let (failed, reason) = self.failed.as_ref()?;
        Some(match self.entries {
            1 => reason.clone(),
            entries => {
                format!("{failed} of {entries} entries of it failed, so that there is no sum: {reason}")
            }
        })
    }

    /// The directions of a job that failed: those in which something was done, and those of its pattern.
    fn directions(&self) -> Vec<&'static str> {
        if self
            .options
            .get("unified_rw_reporting")
            .is_some_and(|unified| matches!(unified.as_str(), "" | "1" | "mixed"))
        {
            return vec![MIXED];
        }
        let pattern = self.pattern.split(':').next().unwrap_or_default();
        let meant: &[&'static str] = match pattern {
            "rw" | "readwrite" | "randrw" => &["read", "write"],
            "trimwrite" | "randtrimwrite" => &["write", "trim"],
            "write" | "randwrite" => &["write"],
            "trim" | "randtrim" => &["trim"],
            "" if !self.flows.is_empty() => &[],
            _ => &["read"],
        };
        let is_there = |d: &&'static str| meant.contains(d) || self.flows.iter().any(|f| f.name == *d);
        DIRECTIONS.into_iter().filter(is_there).collect()
    }

    fn category(&self, direction: &str, directions: usize) -> String {
        match (directions, self.pattern.as_str()) {
            (_, "") => direction.to_owned(),
            (_, pattern) if direction == SYNC || (direction == MIXED && fio_options::is_mixed(pattern)) => {
                format!("{pattern} {direction}")
            }
            (1, pattern) => pattern.to_owned(),
            (_, pattern) => format!("{pattern} {direction}"),
        }
    }

    /// Its figures, or in their place why there are none; whether there is either.
    fn records(&self, place: &mut Case, draft: &mut Draft) -> bool {
        let before = draft.foreign.records.len();
        if let Some(reason) = self.failure() {
            let directions = self.directions();
            for direction in &directions {
                draft.enter(place, &self.category(direction, directions.len()));
                for (metric, unit) in [("BW(MB/S)", "MiB/s"), ("IOPS", "1/s"), ("Latency(ms)", "ms")] {
                    draft.fail(place, metric, unit, reason.as_str());
                }
            }
        } else {
            for flow in &self.flows {
                let directions = self.flows.iter().filter(|flow| flow.name != SYNC).count();
                draft.enter(place, &self.category(flow.name, directions));
                let mut give = |metric: &str, unit: &str, value: Option<f64>| {
                    if let Some(value) = value {
                        let too_large = || "it is too large".to_owned();
                        let value = Some(value).filter(|v| v.is_finite()).ok_or_else(too_large);
                        draft.give_read(place, metric, unit, value);
                    }
                };
                give("BW(MB/S)", "MiB/s", flow.bandwidth);
                give("IOPS", "1/s", flow.iops);
                give("Latency(ms)", "ms", flow.latency());
                let all = self.options.contains_key("percentile_list");
                for (percent, ms) in &flow.percentiles {
                    if let Some(word) = word(*percent, all) {
                        give(&format!("{}_{word}_ms", flow.percentiles_of), "ms", Some(*ms));
                    }
                }
            }
            let directions: Vec<_> = self.flows.iter().map(|flow| flow.name).filter(|n| *n != SYNC).collect();
            let whole = if let [one] = directions.as_slice() { one } else { MIXED };
            for (metric, share) in self.cpu.iter().filter(|_| !directions.is_empty()).flat_map(Cpu::shares) {
                draft.enter(place, &self.category(whole, directions.len()));
                draft.give_read(place, metric, fio_cpu::UNIT, share);
            }
            let directions = directions.len();
            for gap in &self.gaps {
                draft.enter(place, &self.category(gap.flow, directions));
                draft.give_read(place, &gap.metric, gap.unit, Err(gap.reason.clone()));
            }
        }
        draft.foreign.records.len() > before
    }
}

/// What syncing took, if anything was synced. fio counts it without telling how much was written.
fn sync(part: &Value<'_>) -> Result<Option<Flow>, Gap> {
    let latency = part.get("lat_ns").unwrap_or(&Value::Null);
    let Some(n) = json::number(latency, "N").filter(|n| *n > 0.0) else { return Ok(None) };
    let Some(mean) = json::number(latency, "mean") else {
        let reason = json::no_number(latency, "mean");
        return Err(Gap { flow: SYNC, metric: "Latency(ms)".into(), unit: "ms", reason });
    };
    let percentiles = fio::percentiles(latency, NS_PER_MS);
    let latency = Some((mean / NS_PER_MS * n, n));
    Ok(Some(Flow { name: SYNC, latency, percentiles, percentiles_of: "lat", ..Flow::default() }))
}

/// The name of a percentile that is read, of those asked for or of the usual ones: `p9999` of 99.99, and `p2.5`, because `p25`
/// is another one.
fn word(percent: f64, asked: bool) -> Option<String> {
    if let Some((_, word)) = PERCENTILES.iter().find(|(at, _)| (at - percent).abs() < 1e-6) {
        return Some((*word).to_owned());
    }
    let text = percent.to_string();
    asked.then(|| match text.split_once('.') {
        Some((whole, decimals)) if whole.len() > 1 => format!("p{whole}{decimals}"),
        _ => format!("p{text}"),
    })
}

/// A job's options over the global ones.
fn options(root: &Value<'_>, entry: &Value<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for part in [root.get("global options"), entry.get("job options")].into_iter().flatten() {
        for (key, value) in part.members().into_iter().flatten() {
            out.insert(fio_options::canonical(key).to_owned(), json::level(value));
        }
    }
    out
}
