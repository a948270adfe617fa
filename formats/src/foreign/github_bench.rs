//! JSON of github-action-benchmark: the list that its tools `customBiggerIsBetter` and `customSmallerIsBetter` take, and the
//! `data.js` that it keeps (its README).
//!
//! ```text
//!   [{"name": "start", "unit": "ms", "value": 12.5}]
//!   window.BENCHMARK_DATA = {"entries": {"suite": [{"tool": "..", "benches": [..]}]}}
//! ```
//!
//! A list does not say which way is better. In `data.js` each commit is a run.

use super::draft::{Facts, key};
use super::scores::{Score, Scores};
use super::{Key, Parsed};
use crate::json::{self, Document, Value};
use crate::tool::number;
use model::Direction;

/// Tells either by the keys of its benchmarks.
pub(super) fn is(text: &str) -> bool {
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    let is_list = text.trim_start().starts_with('[') && has("name") && has("unit");
    has("value") && (is_list || (has("entries") && has("benches")))
}

/// Reads every benchmark of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut scores = Scores::default();
    json::each(text, |document| {
        if document.value.get("entries").is_some() {
            kept(&document, &mut scores);
        } else {
            let line = document.line_of_key("value");
            bench(&document.value, None, "", line, &mut scores);
        }
    })?;
    Ok(scores.done())
}

/// What `data.js` keeps.
fn kept(document: &Document<'_>, scores: &mut Scores) {
    let lines = document.lines_of_key("value");
    let mut lines = lines.into_iter();
    for (suite, entries) in document.value.get("entries").and_then(Value::members).into_iter().flatten() {
        let suite = key("suite", suite);
        for entry in entries.as_array().into_iter().flatten() {
            let tool = entry.get("tool").and_then(Value::as_str).unwrap_or_default();
            for one in entry.get("benches").and_then(Value::as_array).into_iter().flatten() {
                let line = lines.next().unwrap_or(document.line);
                bench(one, Some(&suite), tool, line, scores);
            }
        }
    }
}

fn bench(entry: &Value<'_>, suite: Option<&Key>, tool: &str, line: u32, scores: &mut Scores) {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let (Some(name), Some(value)) = (text("name"), entry.get("value")) else {
        return scores.draft.lose(line, "an entry without name and value");
    };
    // Some write numbers as text.
    let value = value.as_str().and_then(number).map_or_else(|| json::finite(value), Ok);
    let keys = suite.cloned().into_iter().chain([key("name", name)]).collect();
    let unit = text("unit").unwrap_or_default();
    let direction = match tool {
        "customBiggerIsBetter" | "benchmarkjs" | "pytest" => Some(Direction::HigherIsBetter),
        "customSmallerIsBetter" | "cargo" | "go" | "googlecpp" | "catch2" | "julia" | "benchmarkdotnet" => {
            Some(Direction::LowerIsBetter)
        }
        _ => None,
    };
    scores.take(Score { keys, unit, direction, facts: Facts::new(), line }, [value]);
}
