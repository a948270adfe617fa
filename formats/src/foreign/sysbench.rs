//! What sysbench prints, versions 0.4 to 1.1: cpu, memory, fileio, threads, mutex and the OLTP tests.
//!
//! ```text
//!   sysbench 1.0.20 (using system LuaJIT 2.1.0-beta3)
//!   Number of threads: 4
//!       events per second:  3915.62
//!            95th percentile:                        1.23
//! ```
//!
//! The case is the test, as far as its figures tell, and the number of threads.

use super::Parsed;
use super::draft::{Draft, Facts, key, sections};
use crate::tool::{lines, number};

/// Tells the text by its first line.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(begins)
}

fn begins(line: &str) -> bool {
    line.strip_prefix("sysbench ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    for (before, part) in sections(text, begins) {
        read(&mut draft, before, part);
    }
    Ok(draft.done_text(text))
}

/// Words by which a test is known.
const TESTS: [(&str, &str); 8] = [
    ("memory operations", "memory"),
    ("File operations:", "fileio"),
    ("Extra file open flags", "fileio"),
    ("SQL statistics:", "oltp"),
    ("OLTP test statistics:", "oltp"),
    ("memory speed test", "memory"),
    ("Prime numbers limit", "cpu"),
    ("Maximum prime number", "cpu"),
];

/// A figure of a line: words before its value, metric and unit.
const FIGURES: [(&str, &str, &str); 14] = [
    ("events per second:", "events_per_s", "1/s"),
    ("events/s (eps):", "events_per_s", "1/s"),
    ("min:", "latency_min_ms", "ms"),
    ("avg:", "latency_ms", "ms"),
    ("max:", "latency_max_ms", "ms"),
    ("95th percentile:", "latency_p95_ms", "ms"),
    ("99th percentile:", "latency_p99_ms", "ms"),
    ("approx.  95 percentile:", "latency_p95_ms", "ms"),
    ("reads/s:", "reads_per_s", "1/s"),
    ("writes/s:", "writes_per_s", "1/s"),
    ("fsyncs/s:", "fsyncs_per_s", "1/s"),
    ("read, MiB/s:", "read_MiBps", "MiB/s"),
    ("written, MiB/s:", "written_MiBps", "MiB/s"),
    ("total number of events:", "", ""),
];

/// A rate in brackets behind a total: `transactions:  4567 (456.48 per sec.)`.
const RATES: [(&str, &str); 3] = [
    ("transactions:", "transactions_per_s"),
    ("queries:", "queries_per_s"),
    ("Total operations:", "operations_per_s"),
];

fn read(draft: &mut Draft, before: u32, part: &str) {
    let first = before.saturating_add(1);
    let mut facts = Facts::new();
    if let Some(version) = part.lines().find(|l| begins(l)).and_then(|l| l.split([' ', ':']).nth(1)) {
        facts.insert("tool.sysbench".into(), version.to_owned());
    }
    let threads = part.lines().find_map(|line| line.trim().strip_prefix("Number of threads: "));
    let test = TESTS.iter().find(|(words, _)| part.contains(words)).map_or("", |(_, test)| test);
    let keys = threads.map(|threads| key("threads", threads.trim())).into_iter().collect();
    for (words, fact) in [
        ("Prime numbers limit:", "param.cpu_max_prime"),
        ("Maximum prime number checked in CPU test:", "param.cpu_max_prime"),
    ] {
        if let Some(limit) = part.lines().find_map(|line| line.trim().strip_prefix(words)) {
            facts.insert(fact.into(), limit.trim().to_owned());
        }
    }
    let mut case = draft.case(test, keys, &facts, first);
    let (mut total, mut seconds, mut gave, mut has_rate) = (None, None, false, false);
    for (line, content) in lines(part) {
        case.line = before.saturating_add(line);
        let said = content.trim();
        if let Some(rest) = said.strip_prefix("FATAL:") {
            return draft.fail(&case, "events_per_s", "1/s", rest.trim());
        }
        if let Some(value) = said.strip_prefix("total time:") {
            seconds = number(value.trim().trim_end_matches('s'));
        } else if let Some(value) = said.strip_prefix("total number of events:") {
            total = number(value);
        } else if let Some((metric, rate)) = bracket(said) {
            draft.give(&case, metric, "1/s", rate);
            gave = true;
        } else if let Some(rate) = said.strip_suffix(" MiB/sec)").or_else(|| said.strip_suffix(" MB/sec)")) {
            if let Some(rate) = rate.rsplit_once('(').and_then(|(_, rate)| number(rate)) {
                draft.give(&case, "memory_MiBps", "MiB/s", rate);
                gave = true;
            }
        } else if let Some((words, metric, unit)) = FIGURES.iter().find(|(words, ..)| said.starts_with(words))
        {
            let value = said.strip_prefix(words).unwrap_or_default().trim();
            if let (false, Some(value)) = (metric.is_empty(), number(value.trim_end_matches("ms"))) {
                draft.give(&case, metric, unit, value);
                has_rate |= *metric == "events_per_s";
                gave = true;
            }
        }
    }
    case.line = first;
    // Tests that print no rate print what it is of.
    if let (false, Some(total), Some(seconds)) = (has_rate, total, seconds.filter(|s| *s > 0.0)) {
        draft.give(&case, "events_per_s", "1/s", total / seconds);
        gave = true;
    }
    if !gave {
        draft.lose(first, "a run of sysbench without its figures: it failed or was interrupted");
    }
}

/// The metric and the rate in brackets.
fn bracket(line: &str) -> Option<(&'static str, f64)> {
    let (words, metric) = RATES.iter().find(|(words, _)| line.starts_with(words))?;
    let rate = line.strip_prefix(words)?.split_once('(')?.1;
    Some((metric, number(rate.split_whitespace().next()?)?))
}
