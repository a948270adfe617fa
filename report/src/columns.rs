//! Plain tables for one side alone: rows by their ids, under what their ids begin with.

use edge::visible;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// A table of rows; headings and rows come as they were given.
pub(crate) struct Columns<'a> {
    titles: &'a [&'static str],
    lines: Vec<Line>,
}

struct Line {
    heading: String,
    cells: Vec<String>,
}

impl<'a> Columns<'a> {
    /// A table with these columns behind the row's name. A title that ends with a blank stands over text, which is
    /// aligned to the left; the others stand over numbers.
    pub(crate) fn new(titles: &'a [&'static str]) -> Columns<'a> {
        Columns { titles, lines: Vec::new() }
    }

    /// Adds a row; an empty cell is a blank.
    pub(crate) fn row(&mut self, id: &str, cells: Vec<String>) {
        let (heading, name) = split_id(id);
        let name = format!("  {}", visible(name));
        let cells = std::iter::once(name).chain(cells).collect();
        self.lines.push(Line { heading: visible(heading).into_owned(), cells });
    }

    /// Writes the table without columns in which no row has anything.
    pub(crate) fn write(&self, out: &mut String) {
        let titles: Vec<&str> = std::iter::once("Row ").chain(self.titles.iter().copied()).collect();
        let widths: Vec<usize> = (0..titles.len()).map(|i| self.width(i, &titles)).collect();
        let mut line = |cells: &[&str]| {
            let mut text = String::new();
            for ((cell, title), width) in cells.iter().zip(&titles).zip(&widths).filter(|c| *c.1 > 0) {
                let gap = if text.is_empty() { "" } else { "  " };
                let fill = " ".repeat(width.saturating_sub(cell.width()));
                // Writing to a String cannot fail.
                let _ = match title.ends_with(' ') {
                    true => write!(text, "{gap}{cell}{fill}"),
                    false => write!(text, "{gap}{fill}{cell}"),
                };
            }
            let _ = writeln!(out, "{}", text.trim_end());
        };
        line(&titles.iter().map(|t| t.trim_end()).collect::<Vec<_>>());
        let mut heading = "";
        for row in &self.lines {
            if row.heading != heading {
                heading = &row.heading;
                line(&[heading]);
            }
            line(&row.cells.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    /// The widest cell of a column, its title with it; 0 when no row has anything in it.
    fn width(&self, column: usize, titles: &[&str]) -> usize {
        let cells = self.lines.iter().filter_map(|l| l.cells.get(column));
        match cells.map(|c| c.width()).max() {
            None | Some(0) => 0,
            Some(widest) => widest.max(titles.get(column).map_or(0, |t| t.trim_end().width())),
        }
    }
}

/// `netperf/TCP_STREAM/` and `size=64/throughput`. Slashes inside the parts of an id are escaped.
fn split_id(id: &str) -> (&str, &str) {
    let mut slashes = id.match_indices('/').map(|(at, _)| at + 1);
    match (slashes.next(), slashes.next()) {
        (_, Some(second)) => id.split_at(second),
        (Some(first), None) => id.split_at(first),
        (None, _) => ("", id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_empty_ones_are_left_out() {
        let mut columns = Columns::new(&["n", "nothing", "unit "]);
        columns.row("w/c/size=64/m", vec!["5".into(), String::new(), "s".into()]);
        columns.row("w/c/size=1024/m", vec!["10".into(), String::new(), "s".into()]);
        columns.row("w/d/m", vec!["7".into(), String::new(), String::new()]);
        let mut out = String::new();
        columns.write(&mut out);
        let want = "Row             n  unit\nw/c/\n  size=64/m     5  s\n  size=1024/m  10  s\nw/d/\n  m             7\n";
        assert_eq!(out, want);
    }

    #[test]
    fn an_id_of_any_form_is_split_without_loss() {
        for id in ["", "/", "a", "a/b", "a/b/c", "a/b/c/d", "//"] {
            let (head, tail) = split_id(id);
            assert_eq!(format!("{head}{tail}"), id);
        }
    }
}
