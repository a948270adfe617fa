//! Lines of separated values (RFC 4180), with the line on which each begins, and numbers as spreadsheets write them.

use super::number as plain_number;
use edge::quoted;

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
pub(super) fn table(text: &str) -> (Vec<Line>, char) {
    let (_, separator) = heading(text);
    let mut lines = lines(text, separator);
    let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    if said(first).is_some() && !lines.is_empty() {
        lines.remove(0);
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

/// A number of a cell. Where cells are not separated by commas, a comma is a decimal one: `1.234,5` is 1234.5.
pub(super) fn number(cell: &str, separator: char) -> Result<f64, String> {
    if separator == ',' || !cell.contains(',') {
        return plain_number(cell);
    }
    let odd = || format!("{} is not a finite number", quoted(cell));
    let (whole, decimals) = cell.split_once(',').unwrap_or((cell, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.trim_start_matches(['-', '+']).split('.');
    let first = groups.next().unwrap_or_default();
    let grouped = digits(first) && groups.all(|group| digits(group) && group.len() == 3);
    // Three digits behind tabs may be thousands as well.
    if separator == '\t'
        && decimals.len() == 3
        && !whole.contains('.')
        && whole.trim_start_matches('-') != "0"
    {
        return Err(format!("{} may be a thousand or a decimal; write it without a comma", quoted(cell)));
    }
    if !grouped || decimals.contains([',', '.']) {
        return Err(odd());
    }
    plain_number(&format!("{}.{decimals}", whole.replace('.', "")))
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
        assert_eq!(lines.iter().map(|l| l.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(heading("sep=ab\n"), ("sep=ab", ','));
    }

    #[test]
    fn a_comma_is_decimal_where_it_separates_nothing() {
        for (cell, value) in
            [("416,1", 416.1), ("-0,5", -0.5), ("1.234,5", 1234.5), ("1,234", 1.234), ("2e3", 2e3)]
        {
            assert_eq!(number(cell, ';'), Ok(value), "{cell}");
        }
        for cell in ["1,2,3", "1.2,3", "1,234.5", ",5x", "a,b"] {
            assert!(number(cell, ';').is_err(), "{cell}");
        }
        assert!(number("1,234", '\t').unwrap_err().contains("thousand"));
        assert_eq!((number("0,234", '\t'), number("1,23", '\t')), (Ok(0.234), Ok(1.23)));
        assert!(number("1,5", ',').is_err());
    }
}
