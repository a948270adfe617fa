//! Foreign text in a sentence: what a tool or a guest said is quoted, never printed.
//!
//! A guest may say a gigabyte in one line, and anything in it: escapes of terminals, line ends, marks that turn the
//! direction of writing. Every reason that tells what was said holds a [`Quoted`] of it.

use std::fmt;

/// So many bytes of a text are quoted.
pub const QUOTED: usize = 200;

/// A text as it stands in a sentence: in single quotes, what cannot be seen as an escape (`\n`, `\u{1b}`), and `…` for
/// what was left out.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a> {
    text: &'a str,
    before: bool,
    after: bool,
}

/// The beginning of a text: at most [`QUOTED`] bytes.
pub fn quoted(text: &str) -> Quoted<'_> {
    let end = (0..=text.len().min(QUOTED)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Quoted { text: text.get(..end).unwrap_or_default(), before: false, after: end < text.len() }
}

/// The end of a text without the blanks around it: at most [`QUOTED`] bytes.
pub fn quoted_end(text: &str) -> Quoted<'_> {
    let text = text.trim();
    let from = text.len().saturating_sub(QUOTED);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    Quoted { text: text.get(from..).unwrap_or_default(), before: from > 0, after: false }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.before { "'…" } else { "'" })?;
        for c in self.text.chars() {
            match c {
                '"' => f.write_str("\"")?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        f.write_str(if self.after { "…'" } else { "'" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_and_what_can_be_is_left_alone() {
        let shown = |text: &str| quoted(text).to_string();
        assert_eq!(shown("speed: 12 \"MB\"/s, größer"), "'speed: 12 \"MB\"/s, größer'");
        assert_eq!(shown("a'b\\c"), r"'a\'b\\c'");
        assert_eq!(
            shown("\u{1b}[31m\r\n\t\0\u{9b}x\u{202e}y\u{200b}z"),
            r"'\u{1b}[31m\r\n\t\0\u{9b}x\u{202e}y\u{200b}z'"
        );
        assert_eq!(shown(""), "''");
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        for lead in 0..4 {
            let long = format!("{}{}", "x".repeat(lead), "∞".repeat(1_000_000));
            let (begin, end) = (quoted(&long).to_string(), quoted_end(&long).to_string());
            for shown in [&begin, &end] {
                assert!(shown.len() <= QUOTED + 5 && shown.len() > QUOTED - 5, "{}", shown.len());
            }
            assert!(begin.ends_with("∞…'") && end.starts_with("'…∞"), "{begin} {end}");
        }
        let fits = "y".repeat(QUOTED);
        assert_eq!(quoted(&fits).to_string(), format!("'{fits}'"));
        assert_eq!(quoted_end(&format!(" {fits}\n")).to_string(), format!("'{fits}'"));
    }
}
