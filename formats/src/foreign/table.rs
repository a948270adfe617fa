//! Lines of separated values (RFC 4180), with the line on which each begins.

use crate::tool::NO_END;
use std::borrow::Cow;

/// One line of a table.
pub(super) struct Line<'a> {
    /// Where it begins, counted from 1.
    pub number: u32,
    /// Its cells, unquoted and without blanks around them.
    pub cells: Vec<Cow<'a, str>>,
    /// How it ends.
    pub end: End,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a newline, or with the carriage return before one.
    Closed,
    /// With the text, behind a quote that closes its last cell, unless that quote is the first of two.
    Quote,
    /// With the text: it may be the first part of a longer line.
    Text,
    /// With the text, inside a quote that is never closed.
    Inside,
}

/// Why a line may be the first part of a longer one. What stands in closed quotes could go on with a second quote, but then
/// it would be no number.
pub(super) fn cut(end: End, last_is_a_number: bool) -> Option<&'static str> {
    match end {
        End::Closed => None,
        End::Quote if last_is_a_number => None,
        End::Quote | End::Text => Some(NO_END),
        End::Inside => Some("a quote that is opened here is never closed: the file may be cut off"),
    }
}

/// Splits a text; blank lines are left out. A quote that is never closed ends with the text.
pub(super) fn lines(text: &str, separator: char) -> Lines<'_, 'static> {
    lines_without(text, separator, &|_| false)
}

/// [`lines`] without those that are comments by their own text, in which quotes mean nothing. A comment with which the text
/// ends without a newline is a line, because it may be the first part of a longer text.
pub(super) fn lines_without<'a, 'c>(
    text: &'a str,
    separator: char,
    is_comment: &'c dyn Fn(&str) -> bool,
) -> Lines<'a, 'c> {
    Lines { rest: text, separator, is_comment, number: 1, width: 0 }
}

/// The lines of a text, one after the other.
pub(super) struct Lines<'a, 'c> {
    rest: &'a str,
    separator: char,
    is_comment: &'c dyn Fn(&str) -> bool,
    /// The number of the line with which the rest begins.
    number: u32,
    /// How many cells the last line had.
    width: usize,
}

impl<'a> Iterator for Lines<'a, '_> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while !self.rest.is_empty() {
            let (line, is_closed) = match self.rest.split_once('\n') {
                Some((line, _)) => (line, true),
                None => (self.rest, false),
            };
            let bare = line.strip_suffix('\r').filter(|_| is_closed).unwrap_or(line);
            let found = if (self.is_comment)(bare) {
                self.pass(line);
                let is_part = !is_closed && !line.ends_with('\r');
                is_part.then(|| (vec![Cow::Borrowed(line)], End::Text))
            } else if line.contains('"') {
                if let Some(line) = self.quoted() {
                    self.width = line.cells.len();
                    return Some(line);
                }
                None
            } else {
                let mut cells = Vec::with_capacity(self.width);
                cells.extend(line.split(self.separator).map(|cell| Cow::Borrowed(cell.trim())));
                self.pass(line);
                let end = if is_closed || line.ends_with('\r') { End::Closed } else { End::Text };
                cells.iter().any(|cell| !cell.is_empty()).then_some((cells, end))
            };
            if let Some((cells, end)) = found {
                self.width = cells.len();
                return Some(Line { number: self.number.saturating_sub(1), cells, end });
            }
        }
        None
    }
}

impl<'a> Lines<'a, '_> {
    /// Goes on behind a line and its newline.
    fn pass(&mut self, line: &str) {
        let behind = line.len().saturating_add(1).min(self.rest.len());
        self.rest = self.rest.get(behind..).unwrap_or_default();
        self.number = self.number.saturating_add(1);
    }

    /// A line with quotes, in which it may go on over newlines.
    fn quoted(&mut self) -> Option<Line<'a>> {
        let (begin, text) = (self.number, self.rest);
        let (mut cells, mut cell, mut quoted) = (Vec::with_capacity(self.width), String::new(), false);
        // What the text ends with, if it ends here.
        let mut end = End::Text;
        let mut characters = text.char_indices().peekable();
        self.rest = "";
        while let Some((at, c)) = characters.next() {
            if c == '\n' {
                self.number = self.number.saturating_add(1);
            }
            let closing = c == '"' && quoted && characters.peek().is_none_or(|(_, next)| *next != '"');
            end = match (c, end) {
                _ if closing => End::Quote,
                ('\r', _) if !quoted => End::Closed,
                (' ' | '\t', End::Quote) if c != self.separator => End::Quote,
                _ => End::Text,
            };
            match c {
                '"' if closing => quoted = false,
                '"' if quoted => {
                    characters.next();
                    cell.push('"');
                }
                '"' if cell.trim().is_empty() => quoted = true,
                c if c == self.separator && !quoted => cells.push(trimmed(&mut cell)),
                '\n' if !quoted => {
                    end = End::Closed;
                    self.rest = text.get(at.saturating_add(1)..).unwrap_or_default();
                    break;
                }
                c => cell.push(c),
            }
        }
        cells.push(trimmed(&mut cell));
        let end = if quoted { End::Inside } else { end };
        let is_blank = cells.iter().all(|c| c.is_empty()) && end != End::Inside;
        (!is_blank).then_some(Line { number: begin, cells, end })
    }
}

/// A cell without blanks around it.
fn trimmed<'a>(cell: &mut String) -> Cow<'a, str> {
    Cow::Owned(std::mem::take(cell).trim().to_owned())
}

/// The heading of a table and its separator: what a line `sep=;` above it says, or the one of comma, semicolon and tab that
/// stands in it most often.
pub(super) fn heading(text: &str) -> (&str, char) {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    match said(first) {
        Some(separator) => (lines.next().unwrap_or_default(), separator),
        None => (first, separator(first)),
    }
}

/// The lines of a table, without a line that only names the separator; and the separator.
pub(super) fn table(text: &str) -> (Lines<'_, 'static>, char) {
    let (_, separator) = heading(text);
    let mut lines = lines(text, separator);
    let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    if said(first).is_some() {
        lines.next();
    }
    (lines, separator)
}

/// The separator in `sep=;`, which spreadsheets write and read as a first line.
pub(super) fn said(line: &str) -> Option<char> {
    let line = line.trim_matches(['\r', ' ', '"']);
    let (name, value) = line.split_at_checked(4)?;
    let mut characters = value.chars();
    let separator = characters.next()?;
    (name.eq_ignore_ascii_case("sep=") && characters.next().is_none()).then_some(separator)
}

pub(super) fn separator(heading: &str) -> char {
    let count = |c: &char| heading.matches(*c).count();
    // The first of equals is wanted, and max_by_key gives the last.
    ['\t', ';', ','].into_iter().max_by_key(count).unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_name_the_separator() {
        for (text, expected) in
            [("sep=;\na;b\n", ';'), ("\"sep=|\"\r\na|b\r\n", '|'), ("a\tb,c\td\n", '\t'), ("a;b;c,d\n", ';')]
        {
            assert_eq!(heading(text).1, expected, "{text}");
        }
        let (lines, _) = table("sep=;\na;b\n1;2\n");
        assert_eq!(lines.map(|l| l.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(heading("sep=ab\n"), ("sep=ab", ','));
    }
}
