//! hyperfine's `--export-json` (hyperfine's README, section "Export results").
//!
//! Each time, and from 1.19 on each memory usage, is a run. User and system time exist as means over all runs only, those
//! that failed included: where one failed, they are no values.

use super::Parsed;
use super::draft::{Draft, Facts, key};
use crate::json::{self, Document, Value};
use edge::quoted;

/// The heading of `--export-csv`, of which the figures are summaries and no runs.
pub(super) const SUMMARIES: &str = "command,mean,stddev,median,user,system,min,max";

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
    let mut draft = Draft::default();
    let (mut is_any, mut first) = (false, None);
    json::each(text, |document| {
        first.get_or_insert(document.line);
        if document.value.get("results").is_some_and(Value::is_array) {
            is_any = true;
            read(&document, &mut draft);
        }
    })?;
    match first {
        Some(line) if !is_any => Err((line, "it has no list \"results\"".into())),
        _ => Ok(draft.done()),
    }
}

/// Reads one export.
fn read(document: &Document<'_>, draft: &mut Draft) {
    let results = document.value.get("results").and_then(Value::as_array);
    let lines = document.lines_of_key("command");
    for (index, result) in results.into_iter().flatten().enumerate() {
        let line = lines.get(index).copied().unwrap_or(document.line);
        if let Err(reason) = command(result, line, draft) {
            draft.lose(line, reason);
        }
    }
}

fn command(result: &Value<'_>, line: u32, draft: &mut Draft) -> Result<(), String> {
    let name = result.get("command").and_then(Value::as_str).ok_or("a result without its command")?;
    let times = result.get("times").and_then(Value::as_array).filter(|t| !t.is_empty());
    let times = times.ok_or_else(|| format!("{} has no list of times", quoted(name)))?;
    let mut keys = vec![key("command", name)];
    for (name, value) in result.get("parameters").and_then(Value::members).into_iter().flatten() {
        let level = draft.foreign.spellings.level(name, &json::level(value));
        keys.push(key(name.to_owned(), level));
    }
    let list = |key: &str| result.get(key).and_then(Value::as_array).unwrap_or_default();
    let (codes, memory) = (list("exit_codes"), list("memory_usage_byte"));
    let mut case = draft.case("", keys, &Facts::new(), line);
    for (index, time) in times.iter().enumerate() {
        if index > 0 {
            draft.again(&mut case, "", line);
        }
        let bytes = memory.get(index);
        if let Err(reason) = success(codes.get(index)) {
            if bytes.is_some() {
                draft.fail(&case, "time_s", "s", reason.clone());
                draft.fail(&case, "memory_B", "B", reason);
            } else {
                draft.fail(&case, "time_s", "s", reason);
            }
            continue;
        }
        draft.give_read(&case, "time_s", "s", json::finite(time));
        if let Some(bytes) = bytes.filter(|b| b.as_f64() != Some(0.0)) {
            draft.give_read(&case, "memory_B", "B", json::finite(bytes));
        }
    }
    draft.name_run(&mut case, None);
    let failed = codes.iter().filter(|code| success(Some(code)).is_err()).count();
    for (key, metric) in [("user", "user_s"), ("system", "system_s")] {
        if let Some(value) = json::figure(result, key) {
            match failed {
                0 => draft.give_read(&case, metric, "s", value),
                failed => {
                    let all = codes.len();
                    let reason = format!("{failed} of {all} runs failed, and the mean is over all of them");
                    draft.fail(&case, metric, "s", reason);
                }
            }
        }
    }
    Ok(())
}

/// A run that failed has no time, whatever `--ignore-failure` let pass.
fn success(code: Option<&Value<'_>>) -> Result<(), String> {
    match code {
        None => Ok(()),
        Some(code) if code.as_i64() == Some(0) => Ok(()),
        Some(Value::Null) => Err("the command was ended by a signal".into()),
        Some(code) => Err(format!("the command ended with exit code {code}")),
    }
}
