//! Google Benchmark's JSON (`--benchmark_format=json`, `--benchmark_out=FILE`; its user guide, section "Output Formats").
//!
//! The case is the benchmark's name. Each repetition is a run; where only aggregates were written, their mean is. Times are in
//! nanoseconds, whatever `time_unit` was asked for. Counters have their own names; rates in bytes and items are known.

use super::Parsed;
use super::dated::seconds_of;
use super::draft::{Draft, Facts, key};
use crate::json::{self, Document, Value};

/// What of an entry is no counter.
const FIELDS: [&str; 14] = [
    "repetitions",
    "repetition_index",
    "threads",
    "iterations",
    "real_time",
    "cpu_time",
    "family_index",
    "per_family_instance_index",
    "real_coefficient",
    "cpu_coefficient",
    "rms",
    "aggregate_unit",
    "allocs_per_iter",
    "max_bytes_used",
];

/// What of the context says how was measured, with the names of facts.
const CONTEXT: [(&str, &str); 5] = [
    ("num_cpus", "bench.num_cpus"),
    ("mhz_per_cpu", "bench.mhz_per_cpu"),
    ("cpu_scaling_enabled", "bench.cpu_scaling_enabled"),
    ("library_build_type", "bench.library_build_type"),
    ("library_version", "tool.google-benchmark"),
];

/// Tells the JSON by its context and the times of its benchmarks.
pub(super) fn is(text: &str) -> bool {
    ["\"benchmarks\"", "\"real_time\"", "\"time_unit\""].iter().all(|word| text.contains(word))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    json::each(text, |document| read(&mut draft, &document))?;
    Ok(draft.done())
}

fn read(draft: &mut Draft, document: &Document<'_>) {
    let root = &document.value;
    let Some(entries) = root.get("benchmarks").and_then(Value::as_array) else { return };
    let date = root.pointer("/context/date").and_then(Value::as_str);
    draft.dated(date.and_then(seconds_of));
    let mut facts = Facts::new();
    for (name, fact) in CONTEXT {
        if let Some(value) = root.get("context").and_then(|c| c.get(name)) {
            facts.insert(fact.into(), json::level(value));
        }
    }
    let lines = document.lines_of_key("name");
    let is_aggregate = |entry: &Value<'_>| text(entry, "run_type") == Some("aggregate");
    let single = |name: &str| entries.iter().any(|e| !is_aggregate(e) && name_of(e) == Some(name));
    for (index, entry) in entries.iter().enumerate() {
        let line = lines.get(index).copied().unwrap_or(document.line);
        let Some(name) = name_of(entry) else {
            draft.lose(line, "a benchmark without its name");
            continue;
        };
        if is_aggregate(entry) && (text(entry, "aggregate_name") != Some("mean") || single(name)) {
            continue;
        }
        let case = draft.case("", vec![key("name", name)], &facts, line);
        if entry.get("error_occurred").and_then(Value::as_bool) == Some(true) {
            let reason = text(entry, "error_message").unwrap_or_default();
            draft.fail(&case, "real_time_ns", "ns", reason);
            continue;
        }
        let Some(factor) = nanoseconds(text(entry, "time_unit").unwrap_or("ns")) else {
            draft.lose(line, "a benchmark in an unknown unit of time");
            continue;
        };
        for (field, metric) in [("real_time", "real_time_ns"), ("cpu_time", "cpu_time_ns")] {
            if let Some(value) = json::figure(entry, field) {
                draft.give_read(&case, metric, "ns", value.map(|value| value * factor));
            }
        }
        for (counter, value) in entry.members().into_iter().flatten() {
            // Labels are text.
            let is_figure = value.as_f64().is_some() || matches!(value, Value::Null);
            if is_figure && !counter.is_empty() && !FIELDS.contains(&counter) {
                let unit = match counter {
                    "bytes_per_second" => "B/s",
                    "items_per_second" => "1/s",
                    _ => "",
                };
                let value = value.as_f64().ok_or_else(|| json::no_number(entry, counter));
                draft.give_read(&case, counter, unit, value);
            }
        }
    }
}

fn text<'v>(entry: &'v Value<'_>, key: &str) -> Option<&'v str> {
    entry.get(key).and_then(Value::as_str)
}

/// The name of a benchmark without that of an aggregate.
fn name_of<'v>(entry: &'v Value<'_>) -> Option<&'v str> {
    text(entry, "run_name").or_else(|| text(entry, "name"))
}

fn nanoseconds(unit: &str) -> Option<f64> {
    [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)]
        .into_iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, f)| f)
}
