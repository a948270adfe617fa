//! Lines of separated values (RFC 4180), with the line on which each begins.

/// One line of a table.
pub(super) struct Line {
    /// Where it begins, counted from 1.
    pub number: u32,
    /// Its cells, unquoted and without blanks around them.
    pub cells: Vec<String>,
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

/// Splits a text; blank lines are left out. A quote that is never closed ends with the text.
pub(super) fn lines(text: &str, separator: char) -> Vec<Line> {
    lines_without(text, separator, &|_| false)
}

/// [`lines`] without those that are comments by their own text, in which quotes mean nothing. A comment with which the text
/// ends without a newline is a line, because it may be the first part of a longer text.
pub(super) fn lines_without(text: &str, separator: char, is_comment: &dyn Fn(&str) -> bool) -> Vec<Line> {
    let mut out = Vec::new();
    let (mut number, mut begin, mut quoted) = (1u32, 1u32, false);
    let (mut cells, mut cell) = (Vec::new(), String::new());
    // What the text ends with, if it ends here.
    let mut end = End::Text;
    let mut characters = text.char_indices().peekable();
    let mut begins = true;
    while let Some((at, c)) = characters.next() {
        let rest = text.get(at..).filter(|_| begins).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        if is_comment(line) {
            if line.len() == rest.len() && !line.ends_with('\r') {
                out.push(Line { number, cells: vec![line.to_owned()], end: End::Text });
            }
            characters.by_ref().find(|(_, c)| *c == '\n');
            number = number.saturating_add(1);
            begin = number;
            continue;
        }
        begins = c == '\n' && !quoted;
        if c == '\n' {
            number = number.saturating_add(1);
        }
        let closing = c == '"' && quoted && characters.peek().is_none_or(|(_, next)| *next != '"');
        end = match (c, end) {
            _ if closing => End::Quote,
            ('\r', _) if !quoted => End::Closed,
            (' ' | '\t', End::Quote) if c != separator => End::Quote,
            _ => End::Text,
        };
        match c {
            '"' if closing => quoted = false,
            '"' if quoted => {
                characters.next();
                cell.push('"');
            }
            '"' if cell.trim().is_empty() => quoted = true,
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            '\n' if !quoted => {
                finish(&mut out, begin, &mut cells, &mut cell, End::Closed);
                begin = number;
            }
            c => cell.push(c),
        }
    }
    finish(&mut out, begin, &mut cells, &mut cell, if quoted { End::Inside } else { end });
    out
}

fn finish(out: &mut Vec<Line>, number: u32, cells: &mut Vec<String>, cell: &mut String, end: End) {
    cells.push(std::mem::take(cell).trim().to_owned());
    let cells = std::mem::take(cells);
    if cells.iter().any(|c| !c.is_empty()) || end == End::Inside {
        out.push(Line { number, cells, end });
    }
}

/// The separator of a heading: the one of comma, semicolon and tab that stands in it most often.
pub(super) fn separator(heading: &str) -> char {
    let count = |c: &char| heading.matches(*c).count();
    // The first of equals is wanted, and max_by_key gives the last.
    ['\t', ';', ','].into_iter().max_by_key(count).unwrap_or(',')
}
