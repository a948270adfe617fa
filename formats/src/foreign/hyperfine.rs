//! hyperfine's `--export-json` (hyperfine's README, section "Export results").
//!
//! Each time, and from 1.19 on each memory usage, is a run. User and system time exist as means over all runs only, those
//! that failed included: where one failed, they are no values.

use super::{Counter, Foreign, Loss, Parsed, Record};
use crate::json::{self, Document};
use edge::quoted;
use serde_json::Value;

/// Tells the export from other JSON.
pub(super) fn is(text: &str) -> bool {
    let has = |key: &str| text.contains(key);
    text.trim_start().starts_with(['{', '['])
        && has("\"results\"")
        && has("\"command\"")
        && (has("\"times\"") || has("\"mean\""))
}

/// Reads every command of every export in a file; runs are numbered through.
pub(super) fn parse(text: &str) -> Parsed {
    let (mut foreign, mut runs) = (Foreign::default(), Counter::default());
    let documents = json::documents(text)?;
    let own = documents.iter().filter(|d| d.value.get("results").is_some_and(Value::is_array));
    for document in own.clone() {
        read(document, &mut runs, &mut foreign);
    }
    match (own.count(), documents.first()) {
        (0, Some(first)) => Err((first.line, "it has no list \"results\"".into())),
        _ => Ok(foreign),
    }
}

/// Reads one export.
fn read(document: &Document<'_>, runs: &mut Counter, foreign: &mut Foreign) {
    let results = document.value.get("results").and_then(Value::as_array);
    let lines = document.lines_of_key("command");
    for (index, result) in results.into_iter().flatten().enumerate() {
        let line = lines.get(index).copied().unwrap_or(document.line);
        if let Err(reason) = command(result, line, runs, foreign) {
            foreign.losses.push(Loss { line, reason });
        }
    }
}

fn command(result: &Value, line: u32, runs: &mut Counter, foreign: &mut Foreign) -> Result<(), String> {
    let name = result.get("command").and_then(Value::as_str).ok_or("a result without its command")?;
    let times = result.get("times").and_then(Value::as_array).filter(|t| !t.is_empty());
    let times = times.ok_or_else(|| format!("{} has no list of times", quoted(name)))?;
    let mut keys = vec![("command".to_owned(), name.to_owned())];
    for (key, value) in result.get("parameters").and_then(Value::as_object).into_iter().flatten() {
        keys.push((key.clone(), foreign.spellings.level(key, &json::level(value))));
    }
    let mut push = |metric: &str, unit: &str, value, failed, run| {
        let (metric, unit) = (metric.to_owned(), unit.to_owned());
        let (category, keys) = (String::new(), keys.clone());
        foreign.records.push(Record { category, keys, metric, unit, value, failed, run, setting: 0, line });
    };
    let list = |key: &str| result.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (codes, memory) = (list("exit_codes"), list("memory_usage_byte"));
    let case = format!("{keys:?}");
    for (index, time) in times.iter().enumerate() {
        let run = Some(runs.next(case.clone()));
        let ended = success(codes.get(index));
        let failed = ended.is_err();
        push("time_s", "s", ended.clone().and_then(|()| finite(time)), failed, run.clone());
        if let Some(bytes) = memory.get(index).filter(|b| failed || b.as_f64() != Some(0.0)) {
            push("memory_B", "B", ended.and_then(|()| finite(bytes)), failed, run);
        }
    }
    let failed = codes.iter().filter(|code| success(Some(code)).is_err()).count();
    let whole = if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {} runs failed, and the mean is over all of them", codes.len()))
    };
    for (key, metric) in [("user", "user_s"), ("system", "system_s")] {
        if let Some(value) = json::number(result, key) {
            push(metric, "s", whole.clone().map(|()| value), whole.is_err(), None);
        }
    }
    Ok(())
}

/// A run that failed has no time, whatever `--ignore-failure` let pass.
fn success(code: Option<&Value>) -> Result<(), String> {
    match code {
        None => Ok(()),
        Some(code) if code.as_i64() == Some(0) => Ok(()),
        Some(Value::Null) => Err("the command was ended by a signal".into()),
        Some(code) => Err(format!("the command ended with exit code {code}")),
    }
}

fn finite(value: &Value) -> Result<f64, String> {
    value
        .as_f64()
        .filter(|v| v.is_finite())
        .ok_or_else(|| format!("{} is not a finite number", quoted(&value.to_string())))
}
