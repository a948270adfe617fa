//! A wide table: one line a run, one column a metric, as otava and spreadsheets have them.
//!
//! ```text
//!   time,commit,threads,latency_ms,requests
//!   2026-01-02,aaa0,4,10.4,158735
//! ```
//!
//! What a column is, its heading and its cells tell. Times, commits and the like are labels of a line and tell no cases apart, and
//! so are days under any heading.
//! Columns called like a factor (`threads`, `size`, `depth`, ..) and columns of words are keys; every other column of numbers is
//! a metric. Lines of one case are its runs, unless a column numbers them.

use super::decimal::{Decimals, is_number};
use super::draft::{Case, Draft, Facts, key};
use super::spelling::Sort;
use super::table::{self, End, Line};
use super::{Keys, Parsed, hyperfine, long_csv};
use crate::tool::NO_END;
use edge::quoted;

/// Headings of labels, in small letters and digits.
const LABELS: [&str; 21] = [
    "time",
    "timestamp",
    "timestampms",
    "date",
    "datetime",
    "day",
    "commit",
    "commitid",
    "sha",
    "hash",
    "revision",
    "rev",
    "branch",
    "build",
    "buildid",
    "id",
    "uuid",
    "url",
    "index",
    "version",
    "author",
];
/// Headings of factors.
const FACTORS: [&str; 40] = [
    "case",
    "name",
    "test",
    "benchmark",
    "job",
    "host",
    "category",
    "size",
    "bs",
    "blocksize",
    "blksize",
    "recordsize",
    "filesize",
    "msgsize",
    "messagesize",
    "buffersize",
    "pktsize",
    "packetsize",
    "iosize",
    "threads",
    "thread",
    "numjobs",
    "jobs",
    "clients",
    "connections",
    "concurrency",
    "sessions",
    "streams",
    "processes",
    "cpus",
    "vcpus",
    "cores",
    "iodepth",
    "depth",
    "queuedepth",
    "qd",
    "queues",
    "burst",
    "warehouses",
    "scale",
];
/// Headings of the number of a run.
const RUNS: [&str; 5] = ["run", "repeat", "iteration", "replicate", "trial"];
/// Seconds that are no duration but a moment since 1970.
const MOMENT: f64 = 1e8;
/// How many lines tell what a column is when a file is told.
const SAMPLE: usize = 20;

/// What a column is.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Label,
    Run,
    Key,
    Metric,
}

/// Tells the table by a heading of names over columns of which one at least is a metric.
pub(super) fn is(text: &str) -> bool {
    let (heading, separator) = table::heading(text);
    if heading.trim_start().starts_with(['{', '[', '<', '#', '|', '\''])
        || heading.starts_with(hyperfine::SUMMARIES)
        || long_csv::is(text)
    {
        return false;
    }
    // A head may end in the middle of a line.
    let end = text.rfind('\n').unwrap_or(0);
    let (lines, _) = table::table(text.get(..end).unwrap_or_default());
    let lines: Vec<Line<'_>> = lines.take(SAMPLE + 1).collect();
    let Some((heading, rows)) = lines.split_first() else { return false };
    let names: Vec<String> = heading.cells.iter().map(|cell| cell.to_string()).collect();
    let is_name =
        |name: &String| name.split_whitespace().count() < 6 && name.len() < 60 && !is_number(name, separator);
    // The numbers of lines that a program writes before them have no name.
    let is_named = names.iter().skip(1).all(|name| !name.is_empty());
    names.len() > 1
        && !rows.is_empty()
        && is_named
        && names.iter().all(is_name)
        && rows.iter().all(|row| row.cells.len() == names.len())
        && columns(&names, rows, separator).contains(&Column::Metric)
}

/// What each column is, by its heading and these lines.
fn columns(names: &[String], rows: &[Line<'_>], separator: char) -> Vec<Column> {
    let kind = |(index, name): (usize, &String)| {
        let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let word = word.to_ascii_lowercase();
        let mut cells = rows.iter().filter_map(|row| row.cells.get(index)).filter(|cell| !cell.is_empty());
        let some = cells.clone().next().is_some();
        if name.is_empty() || LABELS.contains(&word.as_str()) {
            Column::Label
        } else if RUNS.contains(&word.as_str()) {
            Column::Run
        } else if FACTORS.contains(&word.as_str()) {
            Column::Key
        } else if some && cells.any(|cell| is_number(cell, separator)) {
            Column::Metric
        } else if some && !rows.iter().filter_map(|row| row.cells.get(index)).all(|cell| is_day(cell)) {
            Column::Key
        } else {
            Column::Label
        }
    };
    let mut columns: Vec<Column> = names.iter().enumerate().map(kind).collect();
    if !columns.contains(&Column::Metric) {
        // What took so long, and not when it was.
        let is_duration = |index: usize| {
            let cells = || rows.iter().filter_map(|row| row.cells.get(index)).map(|cell| cell.as_ref());
            let decimals = Decimals::of(separator, cells());
            let mut numbers = cells().map(|cell| decimals.number(cell));
            !rows.is_empty() && numbers.all(|value| value.is_ok_and(|value| value < MOMENT))
        };
        let time = names.iter().position(|name| name.eq_ignore_ascii_case("time"));
        if let Some(column) = time.filter(|at| is_duration(*at)).and_then(|at| columns.get_mut(at)) {
            *column = Column::Metric;
        }
    }
    columns
}

/// Whether a cell is empty or a day (`2026-01-31`, `31.1.2026`, `1/31/2026`), with a time behind it or without: whatever its
/// heading is called in whatever language, it tells when a line was measured.
fn is_day(cell: &str) -> bool {
    let day = cell.trim().split([' ', 'T']).next().unwrap_or_default();
    let mark = day.chars().find(|c| !c.is_ascii_digit());
    let Some(mark) = mark.filter(|mark| matches!(mark, '-' | '.' | '/')) else { return day.is_empty() };
    let parts: Vec<&str> = day.split(mark).collect();
    let is_digits = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    parts.iter().all(is_digits) && matches!(lengths.as_slice(), [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
}

/// Reads the table.
pub(super) fn parse(text: &str) -> Parsed {
    let (mut lines, separator) = table::table(text);
    let heading = lines.next().ok_or_else(|| (1, "it is empty".to_owned()))?;
    let names: Vec<String> = heading.cells.iter().map(|cell| cell.to_string()).collect();
    for (index, name) in names.iter().enumerate() {
        if names.iter().skip(index + 1).any(|other| other == name) {
            return Err((heading.number, format!("two columns are called {}", quoted(name))));
        }
    }
    let rows: Vec<Line<'_>> = lines.filter(|row| row.cells != names).collect();
    let columns = columns(&names, &rows, separator);
    if !columns.contains(&Column::Metric) {
        let reason =
            "no column holds numbers; a table needs the columns metric and value, or one column a metric";
        return Err((heading.number, reason.into()));
    }
    let mut draft = Draft::default();
    let cells = rows.iter().flat_map(|row| row.cells.iter().zip(&columns));
    let values = cells.filter(|(_, column)| **column == Column::Metric).map(|(cell, _)| cell.as_ref());
    let decimals = Decimals::of(separator, values);
    draft.foreign.decimal = decimals.mark();
    draft.foreign.names_repeats = columns.contains(&Column::Run);
    let columns = names.iter().zip(columns).map(|(name, column)| (name.as_str(), column, Sort::of(name)));
    let mut table = Table { columns: columns.collect(), decimals, last: None };
    for row in &rows {
        match cut(row, names.len()) {
            Some(reason) => draft.lose(row.number, reason),
            None => table.take(&mut draft, row),
        }
    }
    Ok(draft.done())
}

/// Why a line cannot be used.
fn cut(row: &Line<'_>, columns: usize) -> Option<String> {
    match row.end {
        End::Closed | End::Quote if row.cells.len() == columns => None,
        End::Text | End::Inside => Some(NO_END.to_owned()),
        _ => Some(format!("{} cells under {columns} headings", row.cells.len())),
    }
}

/// What is known of the columns when lines are read.
struct Table<'a> {
    columns: Vec<(&'a str, Column, Sort)>,
    decimals: Decimals,
    /// The last line with its case: the next is mostly of the same.
    last: Option<(&'a Line<'a>, Case)>,
}

impl<'a> Table<'a> {
    fn take(&mut self, draft: &mut Draft, row: &'a Line<'a>) {
        let all = || self.columns.iter().zip(&row.cells);
        let is_same = |last: &Line<'_>| {
            all()
                .zip(&last.cells)
                .all(|(((_, column, _), mine), last)| *column != Column::Key || mine == last)
        };
        let last = self.last.take();
        let mut case = match last.filter(|(last, _)| is_same(last)) {
            Some((_, mut case)) => {
                draft.again(&mut case, "", row.number);
                case
            }
            _ => {
                let keys = all().filter(|((_, column, _), _)| *column == Column::Key);
                let keys: Keys = keys
                    .map(|((name, _, sort), cell)| {
                        key((*name).to_owned(), draft.foreign.spellings.of(*sort, name, cell))
                    })
                    .collect();
                draft.case("", keys, &Facts::new(), row.number)
            }
        };
        if let Some((_, run)) =
            all().find(|((_, column, _), cell)| *column == Column::Run && !cell.is_empty())
        {
            draft.name_run(&mut case, Some(run));
        }
        for ((name, _, _), cell) in
            all().filter(|((_, column, _), cell)| *column == Column::Metric && !cell.is_empty())
        {
            draft.give_read(&case, name, "", self.decimals.number(cell));
        }
        self.last = Some((row, case));
    }
}
