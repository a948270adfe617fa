//! Rows and cells of a table.

use super::document::{Cell, Loss, LossKind, Row, Table};
use super::number::parse_finite;
use model::counted;
use std::borrow::Cow;

/// Appends the cells of a line, and says how many are finite numbers.
///
/// A byte at a time: cells are ten bytes long, for which a search that is made for long texts costs more than it finds.
#[inline]
pub(super) fn split_cells<'a>(line: &'a str, cells: &mut Vec<Cell<'a>>) -> usize {
    let mut numbers = 0;
    let mut rest = line;
    loop {
        let end = rest.bytes().position(|byte| byte == b'|');
        let (text, behind) = match end.and_then(|end| rest.split_at_checked(end)) {
            Some((text, behind)) => (text, behind.get(1..)),
            None => (rest, None),
        };
        let text = text.trim_ascii();
        let number = parse_finite(text);
        numbers += usize::from(number.is_some());
        cells.push(Cell { text, number: number.unwrap_or(f64::NAN) });
        match behind {
            Some(behind) => rest = behind,
            None => return numbers,
        }
    }
}

/// A line without a finite number is a column line, unless a cell is something that stands for a failed number.
/// A closing `|` makes the last cell empty, unless the line is then as wide as the table in force (`width`).
pub(super) fn is_column_line(cells: &[Cell<'_>], width: usize) -> bool {
    let names = match cells {
        [names @ .., last] if last.text.is_empty() && cells.len() != width => names,
        all => all,
    };
    !names.is_empty() && !names.iter().any(|cell| stands_for_no_number(cell.text))
}

/// What tools print where a number failed. `None` is not among them: it pads ffsb's column lines.
pub(super) fn stands_for_no_number(text: &str) -> bool {
    const WORDS: [&str; 7] = ["-", "--", "n/a", "na", "null", "failed", "error"];
    text.is_empty() || text.parse::<f64>().is_ok() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A row has as many cells as there are columns; a closing `|` makes one more, which is empty.
#[inline]
pub(super) fn fits(cells: &[Cell<'_>], width: usize) -> bool {
    cells.len() == width
        || (cells.len() == width + 1 && cells.last().is_some_and(|cell| cell.text.is_empty()))
}

/// `1 cell under 3 columns`.
pub(super) fn misfit(cells: usize, columns: usize) -> String {
    format!("{} under {}", counted(cells, "cell"), counted(columns, "column"))
}

pub(super) fn lose_row<'a>(count: usize, width: usize, line: u32, losses: &mut Vec<Loss<'a>>) {
    let reason = Cow::Owned(misfit(count, width));
    losses.push(Loss { kind: LossKind::Row, line, column: 1, reason });
}

/// Keeps the row whose cells begin at `start`, or drops it if it has the wrong width.
#[inline]
pub(super) fn finish_row<'a>(
    table: &mut Table<'a>,
    start: usize,
    text: &'a str,
    line: u32,
    losses: &mut Vec<Loss<'a>>,
) {
    let width = table.columns.len();
    let cells = table.cells.get(start..).unwrap_or(&[]);
    if fits(cells, width) {
        table.cells.truncate(start + width);
        table.rows.push(Row { line, text });
    } else {
        lose_row(cells.len(), width, line, losses);
        table.cells.truncate(start);
    }
}
