//! Words filled into lines of a width, and how they look.

use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// ANSI: bold, or dim, around a text.
pub(super) struct Paint {
    pub color: bool,
}

impl Paint {
    fn wrap(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    pub fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }
    pub fn dim(&self, text: &str) -> String {
        self.wrap("2", text)
    }
}

/// Words filled into lines of a width, continued under `indent`; a word that is longer than a line is cut. Each character is
/// looked at a fixed number of times: a word may be a megabyte long.
pub(super) fn wrapped(
    out: &mut String,
    text: &str,
    width: usize,
    indent: &str,
    style: impl Fn(&str) -> String,
) {
    let lead: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut used = lead.width();
    let mut line = lead;
    let mut empty = true;
    for word in text.split_whitespace() {
        let space = usize::from(!empty);
        let columns = word.width();
        if !empty && used + space + columns > width {
            let _ = writeln!(out, "{}", style(&line));
            (line, used, empty) = (indent.to_owned(), indent.width(), true);
        }
        if !empty {
            line.push(' ');
            used += 1;
        }
        let mut rest = word;
        if used + columns > width {
            loop {
                let (head, tail) = cut(rest, width.saturating_sub(used));
                if tail.is_empty() {
                    break;
                }
                let _ = writeln!(out, "{}", style(&format!("{line}{head}")));
                (line, used) = (indent.to_owned(), indent.width());
                rest = tail;
            }
        }
        line.push_str(rest);
        used += if rest.len() == word.len() { columns } else { rest.width() };
        empty = false;
    }
    if !empty {
        let _ = writeln!(out, "{}", style(&line));
    }
}

/// Splits a word after so many columns, but at least one character.
fn cut(word: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (i, c) in word.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room && i > 0 {
            return word.split_at(i);
        }
    }
    (word, "")
}

/// The text in one line of a width; what does not fit is cut, with a sign.
pub(super) fn one_line(text: &str, width: usize) -> String {
    let mut line: String = text.chars().take_while(|c| *c == ' ').collect();
    for (i, word) in text.split_whitespace().enumerate() {
        if i > 0 {
            line.push(' ');
        }
        line.push_str(word);
        if line.width() > width {
            let (head, _) = cut(&line, width.saturating_sub(1));
            return format!("{}…", head.trim_end());
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: usize) -> Vec<String> {
        let mut out = String::new();
        wrapped(&mut out, text, width, "  ", str::to_owned);
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_filled_into_lines_and_long_ones_are_cut() {
        assert_eq!(lines("  a bb ccc dddd", 8), ["  a bb", "  ccc", "  dddd"]);
        assert_eq!(lines("ab cdefghijklmno p", 6), ["ab", "  cdef", "  ghij", "  klmn", "  o p"]);
        assert_eq!(lines("abcdefgh", 6), ["abcdef", "  gh"]);
        assert_eq!(lines("∞漢字x", 3), ["∞漢", "  字", "  x"]);
        assert_eq!(lines("", 6), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_fit_into_one_line_is_cut_with_a_sign() {
        assert_eq!(one_line("  a bb  ccc", 10), "  a bb ccc");
        assert_eq!(one_line("  a bb ccc", 9), "  a bb c…");
        assert_eq!(one_line("漢字漢字", 5), "漢字…");
        assert_eq!(one_line("", 5), "");
    }

    #[test]
    fn a_word_of_a_megabyte_takes_no_longer_than_a_text_of_a_megabyte() {
        for text in ["x".repeat(1 << 20), "x y ".repeat(1 << 18), "e\u{301} ".repeat(1 << 18)] {
            let lines = testing::no_square(|| lines(&text, 80));
            assert!(lines.iter().all(|line| line.width() <= 80));
        }
    }
}
