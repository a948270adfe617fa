//! Foreign text made harmless: names and messages come from guests, files and command lines.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with everything invisible made visible: control characters, line separators and the characters that
/// turn the direction of writing are shown as escapes (`\n`, `\u{202e}`).
///
/// Markup is not this function's matter: each format escapes its own.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Characters that a reader cannot see and that change what is seen around them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
}

/// White space, and characters that show nothing at all.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || matches!(c, '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}')
        || matches!(c, '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// An argument as a POSIX shell reads it back: quoted only when it must be.
pub fn shell_word(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A command line that can be copied.
pub fn command_line(arguments: &[String]) -> String {
    let words: Vec<String> = arguments.iter().map(|a| shell_word(a)).collect();
    visible(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        assert_eq!(visible("plain √ text"), "plain √ text");
        assert_eq!(visible("a\nb\u{1b}[31m\u{202e}c\0"), "a\\nb\\u{1b}[31m\\u{202e}c\\u{0}");
        assert_eq!(visible("שלום"), "שלום");
    }

    #[test]
    fn a_command_line_is_quoted_where_a_shell_needs_it() {
        let args = ["perfvt", "compare", "a b", "it's", ""].map(String::from);
        assert_eq!(command_line(&args), r"perfvt compare 'a b' 'it'\''s' ''");
    }
}
