//! Figures of a direction of fio's JSON that should be numbers and are none: cells without a value, never missing rows.

use crate::fio::Flow;
use crate::json::{self, Value};

/// A figure that is lost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gap {
    /// The direction.
    pub flow: &'static str,
    /// Its metric.
    pub metric: String,
    /// Its unit.
    pub unit: &'static str,
    /// Why, in lowercase.
    pub reason: String,
}

/// What a direction in which something was done lacks; `word` names the percentiles that are read.
pub(super) fn of(value: &Value<'_>, flow: &Flow, word: impl Fn(f64) -> Option<String>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut gap = |metric: &str, unit, part: &Value<'_>, key: &str| {
        let reason = json::no_number(part, key);
        gaps.push(Gap { flow: flow.name, metric: metric.to_owned(), unit, reason });
    };
    // A report that somebody cut down to a few figures lacks the others on purpose; one with the figures beside it does not.
    let has = |keys: &[&str]| keys.iter().any(|key| value.get(key).is_some());
    if flow.bandwidth.is_none() && has(&["bw_bytes", "bw", "bw_mean"]) {
        gap("BW(MB/S)", "MiB/s", value, if value.get("bw_bytes").is_some() { "bw_bytes" } else { "bw" });
    }
    if flow.iops.is_none() && has(&["iops", "iops_mean"]) {
        gap("IOPS", "1/s", value, "iops");
    }
    if let (None, Some(part)) = (flow.latency, Flow::latency_part(value)) {
        gap("Latency(ms)", "ms", part, "mean");
    }
    let of = flow.percentiles_of;
    let table =
        value.get(&format!("{of}_ns")).or_else(|| value.get(of)).and_then(|part| part.get("percentile"));
    for (key, figure) in table.and_then(Value::members).into_iter().flatten() {
        let is_number = figure.as_f64().is_some_and(f64::is_finite);
        if let (false, Some(word)) = (is_number, key.parse().ok().and_then(&word)) {
            gap(&format!("{of}_{word}_ms"), "ms", table.unwrap_or(&Value::Null), key);
        }
    }
    gaps
}
