//! A long table: one value a line, `case,metric,repeat,value`.
//!
//! The heading must name `metric` and `value`; `repeat` (or `run`), `unit` and `category` mean what they say, and every
//! other column is a key of the case. Columns come in any order and any letter case, separated by commas, semicolons
//! or tabs; a line `sep=;` above the heading names another separator. Where it is no comma, a comma in a number is decimal.
//!
//! A heading may stand again, as in tables that were written one behind the other (`cat *.csv`): what follows is of its
//! columns, and repeats that an earlier table has numbered already are further ones.
//!
//! A last line without its newline is lost, because 820 that was cut off is 82 or 8; unless it ends in a value in quotes, which
//! are closed, or in a carriage return.

use super::{Counter, Foreign, Loss, Parsed, Record, spelling, table};
use crate::tool::NO_END;
use std::collections::HashMap;
use table::End;

/// What a column is.
#[derive(Clone, PartialEq)]
enum Column {
    Metric,
    Value,
    Unit,
    Category,
    Repeat,
    Key(String),
}

impl Column {
    fn of(heading: &str) -> Column {
        match heading.to_ascii_lowercase().as_str() {
            "metric" => Column::Metric,
            "value" => Column::Value,
            "unit" => Column::Unit,
            "category" => Column::Category,
            "repeat" | "run" => Column::Repeat,
            "case" => Column::Key("case".into()),
            _ => Column::Key(heading.to_owned()),
        }
    }
}

/// Tells the table by its heading.
pub(super) fn is(text: &str) -> bool {
    let columns = columns(text);
    [Column::Metric, Column::Value].iter().all(|c| columns.contains(c))
}

fn columns(text: &str) -> Vec<Column> {
    let (heading, separator) = table::heading(text);
    let lines = table::lines(heading, separator);
    lines.first().map(|l| l.cells.iter().map(|c| Column::of(c)).collect()).unwrap_or_default()
}

/// Reads the table, or several in one file.
pub(super) fn parse(text: &str) -> Parsed {
    let (lines, separator) = table::table(text);
    let mut lines = lines.into_iter();
    let first = lines.next().ok_or_else(|| (1, "it is empty".to_owned()))?;
    let mut columns = headings(&first)?;
    let mut foreign = Foreign { names_repeats: columns.contains(&Column::Repeat), ..Foreign::default() };
    let (mut runs, mut repeats) = (Counter::default(), Repeats::default());
    let is_one = !lines.as_slice().iter().any(is_heading);
    for line in lines {
        if let Some(reason) = cut(line.end, columns.last()) {
            foreign.losses.push(Loss { line: line.number, reason: reason.to_owned() });
            continue;
        }
        if is_heading(&line) {
            columns = headings(&line)?;
            foreign.names_repeats &= columns.contains(&Column::Repeat);
            repeats.next_table();
            continue;
        }
        if line.cells.len() != columns.len() {
            if line.cells.first().is_some_and(|c| c.starts_with('#')) {
                continue;
            }
            let reason = format!("{} cells under {} headings", line.cells.len(), columns.len());
            foreign.losses.push(Loss { line: line.number, reason });
            continue;
        }
        match record(&columns, line, separator, &mut runs) {
            Ok(mut record) => {
                if !is_one {
                    repeats.number(&mut record);
                }
                foreign.records.push(record);
            }
            Err(loss) => foreign.losses.push(loss),
        }
    }
    Ok(foreign)
}

/// A line that names the columns again.
fn is_heading(line: &table::Line) -> bool {
    ["metric", "value"].iter().all(|name| line.cells.iter().any(|cell| cell.eq_ignore_ascii_case(name)))
}

/// The columns of a heading.
fn headings(line: &table::Line) -> Result<Vec<Column>, (u32, String)> {
    let columns: Vec<Column> = line.cells.iter().map(|c| Column::of(c)).collect();
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().skip(index + 1).any(|c| c == column) {
            let name = line.cells.get(index).map_or("", String::as_str);
            return Err((line.number, format!("two columns mean '{name}'")));
        }
    }
    for (needed, name) in [(Column::Metric, "metric"), (Column::Value, "value")] {
        if !columns.contains(&needed) {
            return Err((line.number, format!("the heading has no column '{name}'")));
        }
    }
    Ok(columns)
}

/// Which repeats of which cases the tables of a file have had.
#[derive(Default)]
struct Repeats {
    /// How many tables came before this one.
    before: u32,
    /// Case, metric and repeat, with the table.
    seen: HashMap<String, u32>,
}

impl Repeats {
    fn next_table(&mut self) {
        self.before = self.before.saturating_add(1);
    }

    /// A repeat that an earlier table has had is another one: `1` of the second table becomes `2.1`.
    fn number(&mut self, record: &mut Record) {
        let Some(run) = record.run.clone() else { return };
        let id = format!("{}\u{1f}{:?}\u{1f}{}\u{1f}{run}", record.category, record.keys, record.metric);
        let first = *self.seen.entry(id).or_insert(self.before);
        if first != self.before {
            record.run = Some(format!("{}.{run}", self.before.saturating_add(1)));
        }
    }
}

/// Why a line may be the first part of a longer one. What stands in closed quotes could go on with a second quote, but then
/// it would be no number.
fn cut(end: End, last: Option<&Column>) -> Option<&'static str> {
    match end {
        End::Closed => None,
        End::Quote if last == Some(&Column::Value) => None,
        End::Quote | End::Text => Some(NO_END),
        End::Inside => Some("a quote that is opened here is never closed: the file may be cut off"),
    }
}

fn record(
    columns: &[Column],
    line: table::Line,
    separator: char,
    runs: &mut Counter,
) -> Result<Record, Loss> {
    let mut record = Record {
        category: String::new(),
        keys: Vec::new(),
        metric: String::new(),
        unit: String::new(),
        value: Err(String::new()),
        failed: false,
        run: None,
        setting: 0,
        line: line.number,
    };
    for (column, cell) in columns.iter().zip(line.cells) {
        match column {
            Column::Metric => record.metric = cell,
            Column::Value => record.value = table::number(&cell, separator),
            Column::Unit => record.unit = cell,
            Column::Category => record.category = cell,
            Column::Repeat => record.run = Some(cell).filter(|c| !c.is_empty()),
            Column::Key(name) => record.keys.push((name.clone(), spelling::level(name, &cell))),
        }
    }
    if record.metric.is_empty() {
        return Err(Loss { line: line.number, reason: "a value without the name of its metric".into() });
    }
    if !columns.contains(&Column::Repeat) {
        record.run =
            Some(runs.next(format!("{}\u{1f}{:?}\u{1f}{}", record.category, record.keys, record.metric)));
    }
    Ok(record)
}
