//! JSON between other text, with lines.

mod value;

use edge::quoted;
use memchr::memmem;
use serde::de::{DeserializeSeed, IgnoredAny};
pub(crate) use value::Value;
use value::{Keep, Open};

/// One object of a text.
pub(crate) struct Document<'a> {
    /// What it holds.
    pub value: Value<'a>,
    /// Line on which it begins, counted from 1.
    pub line: u32,
    /// Its own text.
    pub text: &'a str,
    /// It begins a line, or follows another one.
    begins: bool,
}

impl Document<'_> {
    /// The line of the object's own key of a name; else the first of [`Document::lines_of_key`], or the object's own line.
    pub fn line_of_key(&self, key: &str) -> u32 {
        let own = self.value.name(key).and_then(|name| offset(name, self.text));
        let within = match own {
            Some(at) => newlines(self.text, 0, at).saturating_add(1),
            None => each_line_of_key(self.text, key).next().unwrap_or(1),
        };
        within.saturating_add(self.line).saturating_sub(1)
    }

    /// Lines of the whole text on which the key stands as `"key" :` in this object, in order.
    pub fn lines_of_key(&self, key: &str) -> Vec<u32> {
        let within = lines_of_key(self.text, key, 1);
        within.into_iter().map(|line| line.saturating_add(self.line).saturating_sub(1)).collect()
    }
}

/// What is said of a text without any object.
const NO_OBJECT: &str = "it holds no JSON object; where a log put something before its lines, cut that away";

/// The last of the objects in a text and the line on which it begins. Tools print notes before their JSON; fio's
/// `--status-interval` gives one object after the other, of which the last is the whole.
pub(crate) fn last_object(text: &str) -> Result<(Value<'_>, u32), (u32, String)> {
    let mut all = documents_but::<Nothing>(text)?;
    let at = all.iter().rposition(|d| d.begins).unwrap_or(all.len().saturating_sub(1));
    let last = (at < all.len()).then(|| all.swap_remove(at));
    last.map(|d| (d.value, d.line)).ok_or_else(|| (1, NO_OBJECT.to_owned()))
}

/// Every object in a text, as [`each_but`] finds them.
pub(crate) fn documents_but<P: Passed>(text: &str) -> Result<Vec<Document<'_>>, (u32, String)> {
    let mut out = Vec::new();
    each_but::<P>(text, |document| out.push(document))?;
    Ok(out)
}

/// Hands over every object in a text as [`each_but`] does, with all that it holds.
pub(crate) fn each<'a>(text: &'a str, take: impl FnMut(Document<'a>)) -> Result<(), (u32, String)> {
    each_but::<Nothing>(text, take)
}

/// Hands over every object in a text, with other text between them or without; those of an array come one by one. There is at
/// least one. Values of keys that nobody looks at are passed over: they cost time and memory.
///
/// # Errors
/// There is none, or one is cut off or damaged: what came before it may be a part of it, so that nothing is used, whatever
/// was handed over. So is one behind which a `,` or a bracket stands that closes: the beginning of a list or of an object
/// around it is gone.
pub(crate) fn each_but<'a, P: Passed>(
    text: &'a str,
    mut take: impl FnMut(Document<'a>),
) -> Result<(), (u32, String)> {
    each_part::<P>(text, |found| {
        if let Found::Document(document) = found {
            take(document);
        }
    })
}

/// What [`each_part`] finds.
pub(crate) enum Found<'a> {
    /// An element of the list that is handed over piece by piece, and its line. The object around it comes later.
    Part(Value<'a>, u32),
    /// An object, without the elements that were handed over before.
    Document(Document<'a>),
}

/// As [`each_but`]. Elements of a document's own list [`Passed::PARTS`] are handed over one by one: a tree of the whole file
/// takes several times the room of its text, and the time to fill it.
///
/// # Errors
/// Those of [`each_but`].
pub(crate) fn each_part<'a, P: Passed>(
    text: &'a str,
    mut take: impl FnMut(Found<'a>),
) -> Result<(), (u32, String)> {
    let (mut is_any, mut at, mut line, mut adjacent) = (false, 0usize, 1u32, false);
    let mut open = Open::default();
    while let Some(start) = next_start(text, at, adjacent) {
        line = line.saturating_add(newlines(text, at, start.offset));
        adjacent = false;
        // The last place of which the line is known, and whether a part of what stands there was handed over.
        let (mut known, mut is_parted) = ((start.offset, line), false);
        let found = |value: Value<'a>, place: Option<Place>| {
            let Some(place) = place else {
                let at = value.first_name().and_then(|name| offset(name, text)).filter(|at| *at >= known.0);
                known = at.map_or(known, |at| (at, known.1.saturating_add(newlines(text, known.0, at))));
                is_parted = true;
                return take(Found::Part(value, known.1));
            };
            let from = if place.start >= known.0 { known } else { (start.offset, line) };
            let line = from.1.saturating_add(newlines(text, from.0, place.start));
            known = (place.start, line);
            if value.is_object() {
                is_any = true;
                let text = text.get(place).unwrap_or_default();
                take(Found::Document(Document { value, line, text, begins: start.begins }));
            }
        };
        let read = if start.object {
            one::<P>(text, start.offset, &mut open, found)
        } else {
            array::<P>(text, start.offset, &mut open, found)
        };
        match read {
            Ok(end) => at = end,
            Err((from, error)) if start.begins || is_parted || (error.is_eof() && start.object) => {
                let line = line.saturating_add(newlines(text, start.offset, from));
                return Err((wrong_line(line, &error), reason(&error)));
            }
            // A bracket of a log.
            Err(_) => {
                at = start.offset.saturating_add(1);
                continue;
            }
        }
        line = known.1.saturating_add(newlines(text, known.0, at));
        if let Some((wrong, character)) = stray(text, at) {
            let line = line.saturating_add(newlines(text, at, wrong));
            return Err((line, format!("not JSON: '{character}' behind what began no list and no object")));
        }
        adjacent = true;
    }
    if is_any { Ok(()) } else { Err((1, NO_OBJECT.to_owned())) }
}

/// Where in a text something stands.
type Place = std::ops::Range<usize>;

/// What is wrong with the value that begins at an offset.
type Wrong = (usize, serde_json::Error);

/// Hands over the value that begins at an offset, its parts without a place before it, and gives the place behind it.
fn one<'a, P: Passed>(
    text: &'a str,
    from: usize,
    open: &mut Open<'a>,
    mut take: impl FnMut(Value<'a>, Option<Place>),
) -> Result<usize, Wrong> {
    let mut json = serde_json::Deserializer::from_str(text.get(from..).unwrap_or_default());
    let part = &mut |part| take(part, None);
    let value = Keep::<P>::anew(open, part).deserialize(&mut json).map_err(|error| (from, error))?;
    // Where it stands now.
    let end = from.saturating_add(json.into_iter::<IgnoredAny>().byte_offset());
    take(value, Some(from..end));
    Ok(end)
}

/// Hands over the elements of an array that begins at an offset, each with its own place: lines of long ones are counted from
/// there. Gives the place behind the array.
fn array<'a, P: Passed>(
    text: &'a str,
    from: usize,
    open: &mut Open<'a>,
    mut take: impl FnMut(Value<'a>, Option<Place>),
) -> Result<usize, Wrong> {
    let next = |at: usize| {
        let rest = text.get(at..).unwrap_or_default().trim_start();
        (text.len().saturating_sub(rest.len()), rest.bytes().next())
    };
    let (mut here, mut first) = next(from.saturating_add(1));
    if first == Some(b']') {
        return Ok(here.saturating_add(1));
    }
    loop {
        if first.is_none() {
            return Err((here, end_of_list()));
        }
        let end = one::<P>(text, here, open, &mut take)?;
        match next(end) {
            (comma, Some(b',')) => (here, first) = next(comma.saturating_add(1)),
            (bracket, Some(b']')) => return Ok(bracket.saturating_add(1)),
            (end, None) => return Err((end, end_of_list())),
            (wrong, _) => {
                return Err((wrong, serde::de::Error::custom("no comma between the elements of a list")));
            }
        }
    }
}

/// What serde_json says of a list that does not end.
fn end_of_list() -> serde_json::Error {
    serde_json::from_str::<serde_json::Value>("[")
        .err()
        .unwrap_or_else(|| serde::de::Error::custom("a list is cut off"))
}

/// What is not kept.
pub(crate) trait Passed {
    /// Keys whose values are passed over, wherever they stand.
    const KEYS: &'static [&'static str];
    /// The key of a document's own list whose elements are handed over one by one. A second list of that name is kept.
    const PARTS: Option<&'static str> = None;
}

/// Everything is kept.
pub(crate) struct Nothing;

impl Passed for Nothing {
    const KEYS: &'static [&'static str] = &[];
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

/// What goes on with a list or an object behind JSON that has ended, with its place.
fn stray(text: &str, at: usize) -> Option<(usize, char)> {
    let (offset, next) = text.get(at..)?.char_indices().find(|(_, c)| !c.is_whitespace())?;
    matches!(next, ',' | ':' | ']' | '}').then_some((at.saturating_add(offset), next))
}

/// Where in a text a part of it begins; `None` if it is no part of this text.
fn offset(part: &str, text: &str) -> Option<usize> {
    let at = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (at < text.len()).then_some(at)
}

fn newlines(text: &str, from: usize, to: usize) -> u32 {
    let part = text.get(from..to).unwrap_or_default();
    u32::try_from(memchr::memchr_iter(b'\n', part.as_bytes()).count()).unwrap_or(u32::MAX)
}

fn wrong_line(first: u32, error: &serde_json::Error) -> u32 {
    first.saturating_add(u32::try_from(error.line().max(1)).unwrap_or(u32::MAX)).saturating_sub(1)
}

/// serde_json's words without its place, which the caller gives.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.is_eof() { format!("the JSON is cut off: {text}") } else { format!("not JSON: {text}") }
}

/// Lines, from `first` on, on which the key stands as `"key" :`, in the order of the text.
pub(crate) fn lines_of_key(text: &str, key: &str, first: u32) -> Vec<u32> {
    let mut out = Vec::new();
    for line in each_line_of_key(text, key) {
        if line >= first && out.last() != Some(&line) {
            out.push(line);
        }
    }
    out
}

/// The line of each place where the key stands.
fn each_line_of_key(text: &str, key: &str) -> impl Iterator<Item = u32> {
    let quoted = format!("\"{key}\"");
    let length = quoted.len();
    let places = memmem::Finder::new(&quoted).into_owned();
    let (mut from, mut line, mut at) = (0usize, 1u32, 0usize);
    std::iter::from_fn(move || {
        loop {
            let place = from.saturating_add(places.find(text.as_bytes().get(from..)?)?);
            from = place.saturating_add(length);
            if text.get(from..).is_some_and(is_key) {
                line = line.saturating_add(newlines(text, at, place));
                at = place;
                return Some(line);
            }
        }
    })
}

/// Whether what stands behind a word in quotes makes it a key: a colon, on the same line.
fn is_key(behind: &str) -> bool {
    behind.bytes().find(|byte| !matches!(byte, b' ' | b'\t')) == Some(b':')
}

/// A finite number under a key.
pub(crate) fn number(value: &Value<'_>, key: &str) -> Option<f64> {
    value.get(key)?.as_f64().filter(|n| n.is_finite())
}

/// A member that should be a number: `None` where there is none of this name, and the reason where it is no number.
pub(crate) fn figure(value: &Value<'_>, key: &str) -> Option<Result<f64, String>> {
    value.get(key)?;
    Some(number(value, key).ok_or_else(|| no_number(value, key)))
}

/// A value that should be a number.
pub(crate) fn finite(value: &Value<'_>) -> Result<f64, String> {
    let number = value.as_f64().filter(|v| v.is_finite());
    number.ok_or_else(|| format!("{} is not a finite number", quoted(&value.to_string())))
}

/// Why a member gives no number.
pub(crate) fn no_number(value: &Value<'_>, key: &str) -> String {
    match value.get(key) {
        Some(found) => format!("its \"{key}\" is {}, which is no finite number", quoted(&found.to_string())),
        None => format!("it has no \"{key}\""),
    }
}

/// A level: text as it stands, anything else as JSON writes it.
pub(crate) fn level(value: &Value<'_>) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
