//! What others have written, in a message: never more than a piece of it, and nothing that a terminal would act on.

use std::fmt::{self, Display, Write};

/// Bytes of a foreign text that a message shows.
pub(crate) const SHOWN: usize = 200;

/// A text in quotes, cut to 200 bytes, control characters escaped.
pub(crate) fn quoted(text: &str) -> impl Display + '_ {
    Piece { text, quote: "'" }
}

/// The same without quotes.
pub(crate) fn cut(text: &str) -> impl Display + '_ {
    Piece { text, quote: "" }
}

/// All of a text that is bounded otherwise, such as a path, with what cannot be seen as escapes.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push_escaped(&mut shown, c));
    shown
}

/// Appends a character, or the escape that stands for it when it shows nothing by itself (Unicode's categories C and Z but
/// for the blank, as `char::escape_debug` knows them; accents are left on their letters).
pub(crate) fn push_escaped(to: &mut String, c: char) {
    if c == ' ' || c.is_ascii_graphic() {
        return to.push(c);
    }
    // Behind a letter, an accent is no reason for an escape: it is not the first of the text.
    let mut text = String::from("x");
    text.push(c);
    to.extend(text.escape_debug().skip(1));
}

struct Piece<'a> {
    text: &'a str,
    quote: &'static str,
}

impl Display for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        let mut whole = true;
        for c in self.text.chars() {
            let before = shown.len();
            push_escaped(&mut shown, c);
            if shown.len() > SHOWN {
                shown.truncate(before);
                whole = false;
                break;
            }
        }
        f.write_str(self.quote)?;
        f.write_str(&shown)?;
        if !whole {
            f.write_char('…')?;
        }
        f.write_str(self.quote)?;
        if whole { Ok(()) } else { write!(f, " ({} bytes)", self.text.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_shown_as_it_is_and_a_long_one_in_part() {
        assert_eq!(quoted("a b'c").to_string(), "'a b'c'");
        assert_eq!(cut("grün").to_string(), "grün");
        let long = "ü".repeat(1_000_000);
        let shown = quoted(&long).to_string();
        assert_eq!(shown, format!("'{}…' (2000000 bytes)", "ü".repeat(100)));
        assert_eq!(cut(&"x".repeat(SHOWN)).to_string(), "x".repeat(SHOWN));
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        let text = "\u{1b}[2J\r\u{7f}\u{9b}31m\u{202e}\u{200d}\u{2066}\n\t\0";
        let shown = quoted(text).to_string();
        assert!(shown.starts_with("'\\u{1b}[2J\\r\\u{7f}\\u{9b}31m\\u{202e}"), "{shown}");
        let hidden = |c: char| !c.is_ascii_graphic() && c != ' ';
        assert!(!shown.contains(hidden) && !escaped(text).contains(hidden));
        assert_eq!(escaped("e\u{301} ü 漢 \u{ad}\u{feff}"), "e\u{301} ü 漢 \\u{ad}\\u{feff}");
        // Escapes count: they are what is shown.
        assert!(quoted(&"\u{1b}".repeat(1000)).to_string().len() < SHOWN + 30);
    }
}
