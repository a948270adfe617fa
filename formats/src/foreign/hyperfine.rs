//! hyperfine's `--export-json` (hyperfine's README, section "Export results").
//!
//! Each time, and from 1.19 on each memory usage, is a run. User and system time exist as means over all runs only.

use super::{Foreign, Loss, Parsed, Record};
use crate::json;
use edge::quoted;
use serde_json::Value;

/// Tells the export from other JSON.
pub(super) fn is(text: &str) -> bool {
    let has = |key: &str| text.contains(key);
    text.trim_start().starts_with('{')
        && has("\"results\"")
        && has("\"command\"")
        && (has("\"times\"") || has("\"mean\""))
}

/// Reads every command of one export.
pub(super) fn parse(text: &str) -> Parsed {
    let (root, first) = json::last_object(text)?;
    let Some(results) = root.get("results").and_then(Value::as_array) else {
        return Err((first, "it has no list \"results\"".into()));
    };
    let lines = json::lines_of_key(text, "command", first);
    let mut foreign = Foreign::default();
    for (index, result) in results.iter().enumerate() {
        let line = lines.get(index).copied().unwrap_or(first);
        if let Err(reason) = command(result, line, &mut foreign.records) {
            foreign.losses.push(Loss { line, reason });
        }
    }
    Ok(foreign)
}

fn command(result: &Value, line: u32, out: &mut Vec<Record>) -> Result<(), String> {
    let name = result.get("command").and_then(Value::as_str).ok_or("a result without its command")?;
    let times = result.get("times").and_then(Value::as_array).filter(|t| !t.is_empty());
    let times = times.ok_or_else(|| format!("{} has no list of times", quoted(name)))?;
    let mut keys = vec![("command".to_owned(), name.to_owned())];
    for (key, value) in result.get("parameters").and_then(Value::as_object).into_iter().flatten() {
        keys.push((key.clone(), json::level(value)));
    }
    let mut push = |metric: &str, unit: &str, value, run| {
        let (metric, unit) = (metric.to_owned(), unit.to_owned());
        out.push(Record { category: String::new(), keys: keys.clone(), metric, unit, value, run, line });
    };
    let list = |key: &str| result.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (codes, memory) = (list("exit_codes"), list("memory_usage_byte"));
    for (index, time) in times.iter().enumerate() {
        let run = Some((index + 1).to_string());
        push("time_s", "s", success(codes.get(index)).and_then(|()| finite(time)), run.clone());
        if let Some(bytes) = memory.get(index).filter(|b| b.as_f64() != Some(0.0)) {
            push("memory_B", "B", success(codes.get(index)).and_then(|()| finite(bytes)), run);
        }
    }
    for (key, metric) in [("user", "user_s"), ("system", "system_s")] {
        if let Some(value) = json::number(result, key) {
            push(metric, "s", Ok(value), None);
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
