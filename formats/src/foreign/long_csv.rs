//! A long table: one value a line, `case,metric,repeat,value`.
//!
//! The heading must name `metric` and `value`; `repeat` (or `run`), `unit` and `category` mean what they say, and every
//! other column is a key of the case. Columns come in any order and any letter case, separated by commas, semicolons
//! or tabs; a line `sep=;` above the heading names another separator. Where it is no comma, a comma in a number is decimal.
//!
//! A heading may stand again, as in tables that were written one behind the other (`cat *.csv`): what follows is of its
//! columns, and repeats that an earlier table has numbered already are further ones.
//!
//! A line that begins with `#`, but for blanks, is a comment, whatever stands in it: before the heading, too, and also in a
//! table whose heading begins with `#` (`# case,metric,value`), which is read without it. A case that is called `#1` must
//! stand in quotes.
//!
//! A last line without its newline is lost, because 820 that was cut off is 82 or 8; unless it ends in a value in quotes, which
//! are closed, or in a carriage return.

use super::decimal::Decimals;
use super::draft::{Case, Draft, Facts, key};
use super::spelling::Sort;
use super::{Parsed, Record, table};
use std::borrow::Cow;
use std::collections::HashMap;

/// What a column is.
#[derive(Clone, PartialEq)]
enum Column {
    Metric,
    Value,
    Unit,
    Category,
    Repeat,
    Key(String, Sort),
}

impl Column {
    fn of(heading: &str) -> Column {
        match heading.to_ascii_lowercase().as_str() {
            "metric" => Column::Metric,
            "value" => Column::Value,
            "unit" => Column::Unit,
            "category" => Column::Category,
            "repeat" | "run" => Column::Repeat,
            "case" => Column::Key("case".into(), Sort::Other),
            _ => Column::Key(heading.to_owned(), Sort::of(heading)),
        }
    }
}

/// Tells the table by its heading.
pub(super) fn is(text: &str) -> bool {
    first(text).is_some_and(|(heading, separator)| names_both(&columns(heading, separator)))
}

/// The line of the heading, which need not be one, and its separator: what a line `sep=;` above it says, or its own.
fn first(text: &str) -> Option<(&str, char)> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let said = lines().next().and_then(table::said);
    let with = |line| (line, said.unwrap_or_else(|| table::separator(line)));
    lines()
        .skip(usize::from(said.is_some()))
        .map(with)
        .find(|(line, separator)| !is_comment(line, *separator))
}

/// A line that begins with `#` and is no heading.
fn is_comment(line: &str, separator: char) -> bool {
    let heading = |line: table::Line<'_>| line.cells.len() > 2 && is_heading(&line);
    line.trim_start().starts_with('#') && !table::lines(line, separator).next().is_some_and(heading)
}

fn columns(heading: &str, separator: char) -> Vec<Column> {
    table::lines(heading, separator).next().as_ref().map(columns_of).unwrap_or_default()
}

/// The columns that a line names.
fn columns_of(line: &table::Line<'_>) -> Vec<Column> {
    line.cells.iter().enumerate().map(|(index, cell)| Column::of(bare(index, cell))).collect()
}

/// A name of a heading. A `#` before all of them is none of the first one's name, unless it is the whole of it.
fn bare(index: usize, cell: &str) -> &str {
    let bare = cell.strip_prefix('#').map(str::trim_start);
    bare.filter(|bare| index == 0 && !bare.is_empty()).unwrap_or(cell)
}

fn names_both(columns: &[Column]) -> bool {
    [Column::Metric, Column::Value].iter().all(|c| columns.contains(c))
}

/// Reads the table, or several in one file.
pub(super) fn parse(text: &str) -> Parsed {
    let separator = first(text).map_or(',', |(_, separator)| separator);
    let comment = |line: &str| is_comment(line, separator);
    let said =
        text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| table::said(line).is_some());
    let mut lines = table::lines_without(text, separator, &comment);
    if said {
        lines.next();
    }
    let first = lines.next().ok_or_else(|| (1, "it is empty".to_owned()))?;
    let decimals = decimals(text, separator, &comment);
    let mut table = Table { columns: headings(&first)?, decimals, last: None };
    let mut draft = Draft::default();
    draft.foreign.decimal = decimals.mark();
    draft.foreign.names_repeats = table.columns.contains(&Column::Repeat);
    let mut repeats = None;
    for line in lines {
        if let Some(reason) = table::cut(line.end, table.columns.last() == Some(&Column::Value)) {
            draft.lose(line.number, reason);
        } else if is_heading(&line) {
            table = Table { columns: headings(&line)?, decimals, last: None };
            draft.foreign.names_repeats &= table.columns.contains(&Column::Repeat);
            repeats.get_or_insert_with(|| Repeats::of(&draft.foreign.records)).next_table();
        } else if line.cells.len() != table.columns.len() {
            let reason = format!("{} cells under {} headings", line.cells.len(), table.columns.len());
            draft.lose(line.number, reason);
        } else {
            table.take(line, &mut draft);
            if let (Some(repeats), Some(record)) = (&mut repeats, draft.foreign.records.last_mut()) {
                repeats.number(record);
            }
        }
    }
    Ok(draft.done())
}

/// What the values of all tables of a file say of their decimals.
fn decimals(text: &str, separator: char, is_comment: &dyn Fn(&str) -> bool) -> Decimals {
    let mut decimals = Decimals::of(separator, std::iter::empty());
    if separator == ',' {
        return decimals;
    }
    let mut at = None;
    for line in table::lines_without(text, separator, is_comment) {
        if is_heading(&line) {
            at = columns_of(&line).iter().position(|column| *column == Column::Value);
        } else if let Some(cell) = at.and_then(|at| line.cells.get(at)) {
            decimals.see(cell);
        }
    }
    decimals
}

/// A line that names the columns again.
fn is_heading(line: &table::Line<'_>) -> bool {
    let names = |name: &str| {
        line.cells.iter().enumerate().any(|(index, cell)| bare(index, cell).eq_ignore_ascii_case(name))
    };
    names("metric") && names("value")
}

/// The columns of a heading.
fn headings(line: &table::Line<'_>) -> Result<Vec<Column>, (u32, String)> {
    let columns = columns_of(line);
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().skip(index + 1).any(|c| c == column) {
            let name = line.cells.get(index).map_or("", |cell| cell.as_ref());
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
    /// Those of the first table.
    fn of(records: &[Record]) -> Repeats {
        let mut repeats = Repeats::default();
        records.iter().for_each(|record| repeats.number(&mut record.clone()));
        repeats
    }

    fn next_table(&mut self) {
        self.before = self.before.saturating_add(1);
    }

    /// A repeat that an earlier table has had is another one: `1` of the second table becomes `2.1`.
    fn number(&mut self, record: &mut Record) {
        let Some(run) = record.run.clone() else { return };
        let id = format!("{}\u{1f}{:?}\u{1f}{}\u{1f}{run}", record.category, record.keys, record.metric);
        let first = *self.seen.entry(id).or_insert(self.before);
        if first != self.before {
            record.run = Some(format!("{}.{run}", self.before.saturating_add(1)).into());
        }
    }
}

/// What is known of a table when its lines are read.
struct Table<'a> {
    columns: Vec<Column>,
    decimals: Decimals,
    /// The cells of the last value, with its case: the next is mostly of the same.
    last: Option<(Vec<Cow<'a, str>>, Case)>,
}

impl<'a> Table<'a> {
    /// The cell of a column that there is at most once.
    fn cell<'v>(&self, cells: &'v [Cow<'a, str>], wanted: &Column) -> &'v str {
        let at = self.columns.iter().position(|column| column == wanted);
        at.and_then(|at| cells.get(at)).map_or("", |cell| cell.as_ref())
    }

    fn take(&mut self, line: table::Line<'a>, draft: &mut Draft) {
        let cells = line.cells;
        let metric = self.cell(&cells, &Column::Metric);
        if metric.is_empty() {
            return draft.lose(line.number, "a value without the name of its metric");
        }
        // Repeats that the file numbers need no counting.
        let is_numbered = self.columns.contains(&Column::Repeat);
        let counted = if is_numbered { "" } else { metric };
        let mut case = self.case(&cells, counted, line.number, draft);
        if is_numbered {
            let run = self.cell(&cells, &Column::Repeat);
            draft.name_run(&mut case, Some(run).filter(|run| !run.is_empty()));
        }
        let value = self.decimals.number(self.cell(&cells, &Column::Value));
        draft.give_read(&case, metric, self.cell(&cells, &Column::Unit), value);
        self.last = Some((cells, case));
    }

    fn case(&mut self, cells: &[Cow<'a, str>], counted: &str, line: u32, draft: &mut Draft) -> Case {
        let tells = |column: &Column| matches!(column, Column::Key(..) | Column::Category);
        let is_same = |last: &[Cow<'a, str>]| {
            self.columns.iter().zip(cells.iter().zip(last)).all(|(column, (a, b))| !tells(column) || a == b)
        };
        match self.last.take().filter(|(last, _)| is_same(last)) {
            Some((_, mut case)) => {
                draft.again(&mut case, counted, line);
                case
            }
            _ => {
                let keys = self.columns.iter().zip(cells).filter_map(|(column, cell)| match column {
                    Column::Key(name, sort) => {
                        Some(key(name.clone(), draft.foreign.spellings.of(*sort, name, cell)))
                    }
                    _ => None,
                });
                let keys = keys.collect();
                let category = self.cell(cells, &Column::Category);
                draft.case_of(counted, category, keys, &Facts::new(), line)
            }
        }
    }
}
