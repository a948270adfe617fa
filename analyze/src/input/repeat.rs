//! One result file in memory: cases with their cells, in flat arrays.

use crate::clock::Moment;
use model::Code;
use std::collections::{BTreeMap, HashMap};

/// A cell of a [`Repeat`] without a value for `reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidCell {
    /// Index into [`Repeat::cells`].
    pub cell: u32,
    /// Why, in lowercase.
    pub reason: String,
    /// What became of the measurement.
    pub kind: Lost,
}

/// What became of a measurement that left no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It failed, by this code where there is one: the tool, the guest or its kernel says so.
    Failed(Option<Code>),
    /// Its surroundings spoiled it: the host was not fit for it.
    Surroundings,
    /// It is not known: there is no number where one should be, so that it has failed as far as anybody can tell.
    Unreadable,
    /// It was not given: the file says `null` in its place, and nothing of a failure.
    NotGiven,
    /// It is a ratio that does not exist: its denominator is 0.
    Undefined,
}

impl InvalidCell {
    /// The measurement failed, or left no number; else its surroundings spoiled it, or no number was given.
    pub fn is_failure(&self) -> bool {
        matches!(self.kind, Lost::Failed(_) | Lost::Unreadable)
    }

    /// The code of the failure, where the file tells it.
    pub fn code(&self) -> Option<Code> {
        match self.kind {
            Lost::Failed(code) => code,
            _ => None,
        }
    }
}

/// A number, or the mark that says what stands in its place. Eight bytes, because a comparison holds millions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(f64);

impl Number {
    /// The file has no such cell at all.
    pub const ABSENT: Number = Number(f64::INFINITY);
    /// The file has the cell, but no value in it.
    pub const INVALID: Number = Number(f64::NAN);

    /// A value; one that is not finite is [`Number::INVALID`].
    pub fn new(value: f64) -> Number {
        if value.is_finite() { Number(value) } else { Number::INVALID }
    }

    /// The value, when there is one.
    #[inline]
    pub fn value(self) -> Option<f64> {
        self.0.is_finite().then_some(self.0)
    }

    /// There is no such cell.
    pub fn is_absent(self) -> bool {
        self.0 == f64::INFINITY
    }
}

/// One cell and its place in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// The number.
    pub number: Number,
    /// 1-based line.
    pub line: u32,
    /// 1-based column in characters, 1 where the line is one value.
    pub column: u32,
}

/// A metric column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricColumn {
    /// Canonical name.
    pub name: String,
    /// Name in the file.
    pub written: String,
}

/// What the rows of one table have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableHead {
    /// perf.conf section.
    pub workload: String,
    /// Canonical category.
    pub category: String,
    /// Canonical names of the keys, in perf.conf's order.
    pub keys: Vec<String>,
    /// Columns in the order of the cells of each row.
    pub metrics: Vec<MetricColumn>,
}

/// One case in one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaseRow {
    /// Index into [`Repeat::tables`].
    pub table: u32,
    /// Where the levels stand in [`Repeat::levels`].
    pub levels: (u32, u32),
    /// Index of the first cell; there are as many as the table has metrics.
    pub first: u32,
    /// Index into [`Repeat::boots`], if any boot is known.
    pub boot: Option<u16>,
    /// Block of the plan.
    pub block: Option<u32>,
}

/// A guest boot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BootName {
    /// Unique name of the guest boot.
    pub boot: String,
    /// The host's boot id, empty when it is not known.
    pub host_boot: String,
}

/// Where perfvt measured a file; with the host's boot it names the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The campaign.
    pub campaign: String,
    /// Who the host is (`host.id`), empty where the collector did not say.
    pub host: String,
}

/// What the host did around the samples of a repeat, as far as their raw folders tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    /// Samples with a note of the host.
    pub samples: usize,
    /// Samples that were taken again because the host was not quiet.
    pub again: usize,
    /// Seconds that were waited for a quiet host.
    pub waited_s: f64,
}

/// One result file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeat {
    /// The file as reports name it.
    pub path: String,
    /// The repeat's number, where the file tells.
    pub number: Option<u32>,
    /// Tables.
    pub tables: Vec<TableHead>,
    /// Cases in the order of the file.
    pub rows: Vec<CaseRow>,
    /// Each row's case id as the file has it; empty where files have none. `series.jsonl` speaks of cases by it.
    pub case_ids: Vec<String>,
    /// Levels of all rows, those of one row separated by [`LEVEL_SEPARATOR`].
    pub levels: String,
    /// Cells of all rows.
    pub cells: Vec<Cell>,
    /// Cells without a value, ascending by cell.
    pub invalid: Vec<InvalidCell>,
    /// Boots that the rows name.
    pub boots: Vec<BootName>,
    /// Where it was measured; nobody knows that of files that perfvt did not write.
    pub origin: Option<Origin>,
    /// Facts of the file's header by name.
    pub facts: BTreeMap<String, String>,
    /// When it was written, if the file or its folder tells.
    pub when: Option<Moment>,
    /// Hash of the bytes, for finding copies.
    pub content: u64,
    /// Cells that two lines of the file gave.
    pub averaged: usize,
    /// The run.json beside it tells of every attempt that failed.
    pub tells_attempts: bool,
    /// How its samples fared.
    pub watch: Watch,
    /// Of perfvt's own files: whether an end line tells that no line is missing.
    pub sealed: Option<bool>,
}

/// Stands between two levels of a case; no level holds it, because control characters are replaced when reading.
pub(crate) const LEVEL_SEPARATOR: char = '\u{1f}';

impl Repeat {
    /// When it was written, seconds since the epoch, if the file or its folder tells.
    pub fn date_unix(&self) -> Option<i64> {
        self.when.map(Moment::seconds)
    }

    /// The levels of a row, joined.
    pub fn levels_of(&self, row: &CaseRow) -> &str {
        self.levels.get(row.levels.0 as usize..row.levels.1 as usize).unwrap_or("")
    }

    /// The table of a row.
    pub fn table_of(&self, row: &CaseRow) -> Option<&TableHead> {
        self.tables.get(row.table as usize)
    }

    /// The cell of a row at the position of a metric in its table.
    #[inline]
    pub fn cell(&self, row: &CaseRow, position: u32) -> Option<&Cell> {
        self.cells.get(row.first.checked_add(position)? as usize)
    }

    /// Why a cell has no value.
    pub fn invalid(&self, row: &CaseRow, position: u32) -> Option<&InvalidCell> {
        let cell = row.first.checked_add(position)?;
        let at = self.invalid.binary_search_by_key(&cell, |i| i.cell).ok()?;
        self.invalid.get(at)
    }

    /// Appends the levels of a row to the text of all levels; gives their place.
    pub fn push_levels<'a>(&mut self, levels: impl Iterator<Item = &'a str>) -> (u32, u32) {
        let start = self.levels.len();
        for (i, level) in levels.enumerate() {
            if i > 0 {
                self.levels.push(LEVEL_SEPARATOR);
            }
            push_level(&mut self.levels, level);
        }
        (clamp(start), clamp(self.levels.len()))
    }

    /// The rows that have a level of a key, as a file of their own; `None` without any.
    pub fn only(&self, key: &str, level: &str) -> Option<Repeat> {
        let has = |row: &&CaseRow| {
            let Some(table) = self.table_of(row) else { return false };
            let levels = self.levels_of(row).split(LEVEL_SEPARATOR);
            level_of(&table.category, table.keys.iter().map(String::as_str).zip(levels), key) == Some(level)
        };
        let mut out = Repeat { rows: Vec::new(), cells: Vec::new(), invalid: Vec::new(), ..self.clone() };
        for row in self.rows.iter().filter(has) {
            let width = self.table_of(row).map_or(0, |t| t.metrics.len());
            let first = clamp(out.cells.len());
            let own = row.first..row.first.saturating_add(clamp(width));
            out.cells.extend(self.cells.get(own.start as usize..own.end as usize).unwrap_or_default());
            let lost = self.invalid.iter().filter(|i| own.contains(&i.cell));
            out.invalid.extend(lost.map(|i| InvalidCell { cell: i.cell - own.start + first, ..i.clone() }));
            out.rows.push(CaseRow { first, ..*row });
        }
        (!out.rows.is_empty()).then_some(out)
    }

    /// Puts a repeat's cells in the order of their index again, after readers appended reasons as they met them.
    pub fn sort_invalid(&mut self) {
        self.invalid.sort_by_key(|i| i.cell);
    }
}

/// The name under which categories are compared and mapped, where no case has a key of that name.
pub(crate) const CATEGORY: &str = "category";

/// The level of a key of a case, or its category, as [`CATEGORY`] says.
pub(crate) fn level_of<'c>(
    category: &'c str,
    keys: impl IntoIterator<Item = (&'c str, &'c str)>,
    key: &str,
) -> Option<&'c str> {
    let own = keys.into_iter().find(|(name, _)| *name == key).map(|(_, level)| level);
    own.or_else(|| (key == CATEGORY && !category.is_empty()).then_some(category))
}

/// Appends one level in its canonical form: a number that is whole loses its fraction (`64.00` is `64`, as the
/// generations of netperf files print the same size), and control characters become blanks.
pub(crate) fn push_level(out: &mut String, level: &str) {
    if level.contains('.')
        && let Some((whole, fraction)) = level.split_once('.')
    {
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if digits(whole.trim_start_matches('-'))
            && !fraction.is_empty()
            && fraction.bytes().all(|b| b == b'0')
        {
            out.push_str(whole);
            return;
        }
    }
    if level.contains(|c: char| c.is_control()) {
        out.extend(level.chars().map(|c| if c.is_control() { ' ' } else { c }));
    } else {
        out.push_str(level);
    }
}

/// A count as the flat arrays keep it. A file would need four billion cells to reach the limit; what is beyond is lost.
pub(crate) fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Finds or adds the index of a name.
pub(crate) fn intern<K: std::hash::Hash + Eq + Clone>(map: &mut HashMap<K, u32>, key: &K) -> u32 {
    if let Some(index) = map.get(key) {
        return *index;
    }
    let index = clamp(map.len());
    map.insert(key.clone(), index);
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_one_form_whatever_the_generation_prints() {
        let level = |text: &str| {
            let mut out = String::new();
            push_level(&mut out, text);
            out
        };
        assert_eq!(level("64.00"), "64");
        assert_eq!(level("-1.0"), "-1");
        assert_eq!(level("0.5"), "0.5");
        assert_eq!(level("1.2.0"), "1.2.0");
        assert_eq!(level("4k"), "4k");
        assert_eq!(level("a\u{1f}b"), "a b");
    }

    #[test]
    fn a_number_tells_absent_from_invalid() {
        assert_eq!(Number::new(1.5).value(), Some(1.5));
        assert!(Number::new(f64::INFINITY).value().is_none() && !Number::new(f64::INFINITY).is_absent());
        assert!(Number::ABSENT.is_absent() && Number::ABSENT.value().is_none());
    }
}
