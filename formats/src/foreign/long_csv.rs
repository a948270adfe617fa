//! A long table: one value a line, `case,metric,repeat,value`.
//!
//! The heading must name `metric` and `value`; `repeat` (or `run`), `unit` and `category` mean what they say, and every
//! other column is a key of the case. Columns come in any order and any letter case, separated by commas, semicolons
//! or tabs.
//!
//! A last line without its newline is lost, because 820 that was cut off is 82 or 8; unless it ends in a value in quotes, which
//! are closed, or in a carriage return.

use super::{Counter, Foreign, Loss, Parsed, Record, number, table};
use crate::tool::NO_END;
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
    let Some(heading) = text.lines().find(|l| !l.trim().is_empty()) else { return false };
    let columns = columns(heading);
    [Column::Metric, Column::Value].iter().all(|c| columns.contains(c)) && columns.len() > 2
}

fn columns(heading: &str) -> Vec<Column> {
    let lines = table::lines(heading, table::separator(heading));
    lines.first().map(|l| l.cells.iter().map(|c| Column::of(c)).collect()).unwrap_or_default()
}

/// Reads the table.
pub(super) fn parse(text: &str) -> Parsed {
    let heading = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let mut lines = table::lines(text, table::separator(heading)).into_iter();
    let first = lines.next().ok_or_else(|| (1, "it is empty".to_owned()))?;
    let columns: Vec<Column> = first.cells.iter().map(|c| Column::of(c)).collect();
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().skip(index + 1).any(|c| c == column) {
            let name = first.cells.get(index).map_or("", String::as_str);
            return Err((first.number, format!("two columns mean '{name}'")));
        }
    }
    for (needed, name) in [(Column::Metric, "metric"), (Column::Value, "value")] {
        if !columns.contains(&needed) {
            return Err((first.number, format!("the heading has no column '{name}'")));
        }
    }
    let mut foreign = Foreign { names_repeats: columns.contains(&Column::Repeat), ..Foreign::default() };
    let mut runs = Counter::default();
    for line in lines {
        if let Some(reason) = cut(line.end, columns.last()) {
            foreign.losses.push(Loss { line: line.number, reason: reason.to_owned() });
            continue;
        }
        if line.cells.len() != columns.len() {
            let reason = format!("{} cells under {} headings", line.cells.len(), columns.len());
            foreign.losses.push(Loss { line: line.number, reason });
            continue;
        }
        match record(&columns, line, &mut runs) {
            Ok(record) => foreign.records.push(record),
            Err(loss) => foreign.losses.push(loss),
        }
    }
    Ok(foreign)
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

fn record(columns: &[Column], line: table::Line, runs: &mut Counter) -> Result<Record, Loss> {
    let mut record = Record {
        category: String::new(),
        keys: Vec::new(),
        metric: String::new(),
        unit: String::new(),
        value: Err(String::new()),
        run: None,
        line: line.number,
    };
    for (column, cell) in columns.iter().zip(line.cells) {
        match column {
            Column::Metric => record.metric = cell,
            Column::Value => record.value = number(&cell),
            Column::Unit => record.unit = cell,
            Column::Category => record.category = cell,
            Column::Repeat => record.run = Some(cell).filter(|c| !c.is_empty()),
            Column::Key(name) => record.keys.push((name.clone(), cell)),
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
