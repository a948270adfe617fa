//! `${key}` in values.

use super::ids::{KeyId, Text};

/// A value with keys to be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub parts: Vec<Part>,
}

/// Text, then what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Text before the key.
    pub before: Text,
    /// The key.
    pub key: Slot,
    /// Everything from `${` to the end of the value: what stands there when the key has no value. The first key
    /// without a value ends the substitution.
    pub rest: Text,
}

/// What is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Key(KeyId),
    Name,
    ShortName,
    Dep,
    /// The end of the value.
    End,
}

/// One `${key}`: where it begins, the key, where the text goes on.
pub(super) struct Found<'a> {
    pub start: usize,
    pub key: &'a str,
    pub end: usize,
}

/// Finds the next `${key}` at or after a byte offset. A key has at least one character and ends at the first `}`
/// after that.
pub(super) fn find(text: &str, from: usize) -> Option<Found<'_>> {
    let start = from + text.get(from..)?.find("${")?;
    let inside = text.get(start + 2..)?;
    let first = inside.chars().next()?.len_utf8();
    let len = first + inside.get(first..)?.find('}')?;
    Some(Found { start, key: inside.get(..len)?, end: start + 2 + len + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_anything_up_to_the_first_closing_brace() {
        let found = |text| find(text, 0).map(|f| (f.start, f.key, f.end));
        assert_eq!(found("a${b}c"), Some((1, "b", 5)));
        assert_eq!(found("${}"), None);
        assert_eq!(found("${}}"), Some((0, "}", 4)));
        assert_eq!(found("${${a}"), Some((0, "${a", 6)));
        assert_eq!(found("$a ${a"), None);
    }
}
