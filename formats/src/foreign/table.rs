//! Lines of separated values (RFC 4180), with the line on which each begins.

/// One line of a table.
pub(super) struct Line {
    /// Where it begins, counted from 1.
    pub number: u32,
    /// Its cells, unquoted and without blanks around them.
    pub cells: Vec<String>,
}

/// Splits a text; blank lines are left out. A quote that is never closed ends with the text.
pub(super) fn lines(text: &str, separator: char) -> Vec<Line> {
    let mut out = Vec::new();
    let (mut number, mut begin, mut quoted) = (1u32, 1u32, false);
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '\n' {
            number = number.saturating_add(1);
        }
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => quoted = true,
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            '\n' if !quoted => {
                end(&mut out, begin, &mut cells, &mut cell);
                begin = number;
            }
            c => cell.push(c),
        }
    }
    end(&mut out, begin, &mut cells, &mut cell);
    out
}

fn end(out: &mut Vec<Line>, number: u32, cells: &mut Vec<String>, cell: &mut String) {
    cells.push(std::mem::take(cell).trim().to_owned());
    let cells = std::mem::take(cells);
    if cells.iter().any(|c| !c.is_empty()) {
        out.push(Line { number, cells });
    }
}

/// The separator of a heading: the one of comma, semicolon and tab that stands in it most often.
pub(super) fn separator(heading: &str) -> char {
    let count = |c: &char| heading.matches(*c).count();
    // The first of equals is wanted, and max_by_key gives the last.
    ['\t', ';', ','].into_iter().max_by_key(count).unwrap_or(',')
}
