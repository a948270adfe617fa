//! JSON between other text, with lines.

use serde_json::Value;

/// One object of a text.
pub(crate) struct Document<'a> {
    /// What it holds.
    pub value: Value,
    /// Line on which it begins, counted from 1.
    pub line: u32,
    /// Its own text.
    pub text: &'a str,
    /// It begins a line, or follows another one.
    begins: bool,
}

impl Document<'_> {
    /// Lines of the whole text on which the key stands as `"key" :` in this object, in order.
    pub fn lines_of_key(&self, key: &str) -> Vec<u32> {
        let within = lines_of_key(self.text, key, 1);
        within.into_iter().map(|line| line.saturating_add(self.line).saturating_sub(1)).collect()
    }
}

/// The last of the objects in a text and the line on which it begins. Tools print notes before their JSON; fio's
/// `--status-interval` gives one object after the other, of which the last is the whole.
pub(crate) fn last_object(text: &str) -> Result<(Value, u32), (u32, String)> {
    let mut all = documents(text)?;
    let at = all.iter().rposition(|d| d.begins).unwrap_or(all.len().saturating_sub(1));
    let last = (at < all.len()).then(|| all.swap_remove(at));
    last.map(|d| (d.value, d.line)).ok_or_else(|| (1, "it holds no JSON object".to_owned()))
}

/// Every object in a text, with other text between them or without; those of an array count one by one. There is at
/// least one.
///
/// # Errors
/// There is none, or one is cut off or damaged: what came before it may be a part of it, so that nothing is used.
pub(crate) fn documents(text: &str) -> Result<Vec<Document<'_>>, (u32, String)> {
    let (mut out, mut at, mut line, mut adjacent) = (Vec::new(), 0usize, 1u32, false);
    while let Some(start) = next_start(text, at, adjacent) {
        line = line.saturating_add(newlines(text, at, start.offset));
        adjacent = false;
        let rest = text.get(start.offset..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error))
                if (start.object && start.begins) || (error.is_eof() && (start.object || start.begins)) =>
            {
                return Err((wrong_line(line, &error), reason(&error)));
            }
            // A bracket of a log.
            _ => {
                at = start.offset.saturating_add(1);
                continue;
            }
        };
        at = start.offset.saturating_add(stream.byte_offset());
        let own = text.get(start.offset..at).unwrap_or_default();
        let values = match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        let objects = values.into_iter().filter(Value::is_object);
        out.extend(objects.map(|value| Document { value, line, text: own, begins: start.begins }));
        adjacent = true;
        line = line.saturating_add(newlines(text, start.offset, at));
    }
    if out.is_empty() { Err((1, "it holds no JSON object".to_owned())) } else { Ok(out) }
}

/// Where JSON may begin.
struct Start {
    offset: usize,
    /// With `{`, and not with the `[` of an array.
    object: bool,
    /// At the beginning of a line, or behind other JSON.
    begins: bool,
}

/// The next place from `at` on where JSON may begin: a bracket at the beginning of a line, or a `{` within one, behind the
/// progress that a tool has printed there, with a key after it.
fn next_start(text: &str, at: usize, adjacent: bool) -> Option<Start> {
    let rest = text.get(at..)?;
    for (offset, bracket) in rest.match_indices(['{', '[']) {
        let offset = at.saturating_add(offset);
        let before = text.get(..offset)?.trim_end_matches([' ', '\t', '\r', '\u{feff}']);
        let begins = (adjacent && before.len() <= at) || before.is_empty() || before.ends_with('\n');
        let behind = text.get(offset.saturating_add(1)..)?.trim_start();
        let object = bracket == "{";
        if (begins && (object || behind.starts_with('{'))) || (object && behind.starts_with('"')) {
            return Some(Start { offset, object, begins });
        }
    }
    None
}

fn newlines(text: &str, from: usize, to: usize) -> u32 {
    let count = text.get(from..to).unwrap_or_default().bytes().filter(|b| *b == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
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
