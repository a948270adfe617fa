//! CSV (RFC 4180, `\n` line ends): one line per row, unrounded, for spreadsheets and scripts.

use crate::statistics::{Statistic, TABLE, Value};
use ::csv::{Terminator, WriterBuilder};
use analyze::{Comparison, Interval, Row};
use serde::Serialize;

/// A cell of every line: the statistic, and which of its cells.
type Cell = (&'static Statistic, usize);

/// All rows as CSV. What is not known is an empty cell. Text that a spreadsheet would take for a formula, also behind
/// blanks, gets a leading apostrophe.
pub fn csv(comparison: &Comparison) -> String {
    let (cells, heads) = columns();
    let rows = comparison.rows.iter();
    let lines = rows.map(|row| cells.iter().map(|cell| text(comparison, row, *cell)).collect());
    written(std::iter::once(heads).chain(lines))
}

/// The cells of a line in the order of the table, with their heads. Where several statistics of the sides follow each other,
/// all those of A stand before those of B.
fn columns() -> (Vec<Cell>, Vec<String>) {
    let shown: Vec<&'static Statistic> = TABLE.iter().filter(|s| s.csv).collect();
    let (mut cells, mut heads) = (Vec::new(), Vec::new());
    let mut add = |statistic: &'static Statistic, cell: usize| {
        cells.push((statistic, cell));
        heads.extend(statistic.cell_names().into_iter().nth(cell));
    };
    for run in shown.chunk_by(|x, y| x.is_of_sides() == y.is_of_sides()) {
        match run.first().is_some_and(|s| s.is_of_sides()) {
            true => [0, 1].iter().for_each(|side| run.iter().for_each(|s| add(s, *side))),
            false => run.iter().for_each(|s| (0..s.cell_names().len()).for_each(|cell| add(s, cell))),
        }
    }
    (cells, heads)
}

/// One cell, unrounded.
fn text(comparison: &Comparison, row: &Row, (statistic, cell): Cell) -> String {
    let two = |values: [Option<f64>; 2]| values.get(cell).copied().flatten();
    let number = match statistic.value(comparison, row) {
        Some(Value::Text(text)) => return guarded(&text),
        Some(Value::Counts(sides)) => return sides.get(cell).map_or(String::new(), usize::to_string),
        Some(Value::Number(v) | Value::Within(v) | Value::P(v)) => Some(v),
        Some(Value::Interval(Interval(lo, hi))) => two([Some(lo), Some(hi)]),
        Some(Value::Effect(mde)) => two([Some(mde.up), Some(mde.down)]),
        Some(Value::Numbers(sides) | Value::Percents(sides)) => two(sides),
        None => None,
    };
    number.filter(|v| v.is_finite()).map_or(String::new(), |v| v.to_string())
}

/// Rows of any kind as CSV, the names of their members above them; guarded as all text is.
pub fn csv_of_rows<T: Serialize>(rows: &[T]) -> String {
    let mut plain = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing to memory cannot fail, and a row has as many members as every other.
        let _ = plain.serialize(row);
    }
    let bytes = plain.into_inner().unwrap_or_default();
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
    written(reader.records().flatten().map(|record| record.iter().map(guarded).collect()))
}

/// Stands for the apostrophe of a guarded text until all is written: no visible text has it, and the writer quotes what has.
const GUARD: u8 = 1;

/// Records as CSV.
pub(crate) fn written(records: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer =
        WriterBuilder::new().terminator(Terminator::Any(b'\n')).comment(Some(GUARD)).from_writer(Vec::new());
    for record in records {
        // Writing to memory cannot fail, and all records are as long as the first.
        let _ = writer.write_record(record);
    }
    let text = String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default();
    text.replace(char::from(GUARD), "'")
}

/// A text with a guard before what might be calculated.
pub(crate) fn guarded(text: &str) -> String {
    let text = edge::visible(text);
    if is_formula(&text) { format!("{}{text}", char::from(GUARD)) } else { text.into_owned() }
}

/// Whether a spreadsheet might calculate a text: it drops blanks and, in some languages, reads full-width signs as others.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches(edge::text::is_blank);
    let number =
        || text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.parse::<f64>().is_ok();
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && !number()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> String {
        written(std::iter::once(vec![guarded(text)])).trim_end_matches('\n').to_owned()
    }

    #[test]
    fn a_field_is_quoted_when_it_must_be_and_is_never_a_formula() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(field("=1+1"), "\"'=1+1\"");
        assert_eq!(field("two\nlines"), "two\\nlines");
    }

    #[test]
    fn a_formula_behind_blanks_or_of_wide_characters_is_guarded_and_a_number_is_not() {
        for text in
            [" =1+1", "\u{a0}@x", "\u{3000}\u{fe0f}-x", "＝1+1", " ＋a", "－a", "＠a", "+", "-inf", "-1-1"]
        {
            assert_eq!(field(text), format!("\"'{text}\""));
        }
        for text in ["\t=1", "\r@x", "\u{feff}+x", "\u{200b}=1", "\u{2060}-x"] {
            assert!(field(text).starts_with('\\'), "{text:?}: the escape is no white space");
        }
        for text in ["-5", "+1.5e-3", " -5", "a =1", "1+1", "x@y"] {
            assert_eq!(field(text), text);
        }
    }
}
