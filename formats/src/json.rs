//! JSON between other text, with lines.

use serde_json::Value;

/// The last of the objects in a text and the line on which it begins. Tools print notes before their JSON; fio's
/// `--status-interval` gives one object after the other, of which the last is the whole.
pub(crate) fn last_object(text: &str) -> Result<(Value, u32), (u32, String)> {
    let mut start = start_of_object(text).ok_or_else(|| (1, "it holds no JSON object".to_owned()))?;
    let mut last = None;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => last = Some((value, start)),
            Some(Err(error)) => return Err((wrong_line(line_at(text, start), &error), reason(&error))),
            None => break,
        }
        let after = start.saturating_add(stream.byte_offset());
        let rest = text.get(after..).unwrap_or_default();
        let Some(next) = start_of_object(rest) else { break };
        start = after.saturating_add(next);
    }
    let (value, start) = last.ok_or_else(|| (1, "it holds no JSON object".to_owned()))?;
    Ok((value, line_at(text, start)))
}

/// Where a line begins with `{`.
fn start_of_object(text: &str) -> Option<usize> {
    let indent = text.len() - text.trim_start().len();
    if text.trim_start().starts_with('{') {
        return Some(indent);
    }
    text.find("\n{").map(|at| at + 1)
}

fn line_at(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or_default();
    u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX).saturating_add(1)
}

fn wrong_line(first: u32, error: &serde_json::Error) -> u32 {
    first.saturating_add(u32::try_from(error.line()).unwrap_or(u32::MAX)).saturating_sub(1)
}

/// serde_json's words without its place, which the caller gives.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.is_eof() { format!("the JSON is cut off: {text}") } else { format!("not JSON: {text}") }
}

/// Lines, from `first` on, on which the key stands as `"key" :`, in the order of the text.
pub(crate) fn lines_of_key(text: &str, key: &str, first: u32) -> Vec<u32> {
    let quoted = format!("\"{key}\"");
    let has = |line: &str| {
        line.match_indices(&quoted).any(|(at, found)| {
            line.get(at + found.len()..).is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    (1u32..).zip(text.lines()).filter(|(n, line)| *n >= first && has(line)).map(|(n, _)| n).collect()
}

/// A finite number under a key.
pub(crate) fn number(value: &Value, key: &str) -> Option<f64> {
    value.get(key)?.as_f64().filter(|n| n.is_finite())
}

/// A level: text as it stands, anything else as JSON writes it.
pub(crate) fn level(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
