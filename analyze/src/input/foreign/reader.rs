//! Records of one replicate, laid out as a [`Repeat`].

use super::super::said::Said;
use super::super::units::Unit;
use super::{SaidOf, stated};
use crate::input::repeat::{
    CaseRow, Cell, InvalidCell, LEVEL_SEPARATOR, Lost, MetricColumn, Number, Repeat, TableHead, clamp, intern,
};
use crate::{AnalyzeError, Loss};
use formats::foreign::{Foreign, Record};
use formats::perf_conf::Section;
use model::Direction;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What the files of one kind say of their metrics.
pub(super) struct Metrics<'a> {
    pub workload: &'a str,
    pub section: Option<&'a Section>,
    /// By canonical name.
    pub known: BTreeMap<String, Said>,
    /// The unit of each metric in each file.
    pub units: Vec<Unit>,
}

impl Metrics<'_> {
    /// Takes in a file; units must agree with perf.conf.
    pub fn learn(&mut self, path: &Path, foreign: &Foreign) -> Result<(), AnalyzeError> {
        let mut of_file: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for record in &foreign.records {
            let name = self.section.map_or(record.metric.as_ref(), |s| s.canonical(&record.metric));
            let declared = self.section.and_then(|s| s.declared(name)).map(|m| m.unit.as_str());
            let is_other =
                |unit: &&str| !unit.is_empty() && !record.unit.is_empty() && **unit != *record.unit;
            if let Some(unit) = declared.filter(is_other) {
                return Err(AnalyzeError::Unit {
                    path: path.to_owned(),
                    metric: name.to_owned(),
                    found: record.unit.to_string(),
                    declared: unit.to_owned(),
                });
            }
            if !record.unit.is_empty() {
                of_file.entry((name, &record.unit)).or_insert(record.line);
            }
            let direction = stated(&foreign.statements, &record.metric);
            let said = self.known.entry(name.to_owned()).or_insert_with(|| Said {
                unit: record.unit.to_string(),
                direction: Direction::Informational,
                overrides: false,
            });
            if said.unit.is_empty() {
                said.unit = record.unit.to_string();
            }
            if let (Some(direction), false) = (direction, said.overrides) {
                (said.direction, said.overrides) = (direction, true);
            }
        }
        for ((metric, unit), line) in of_file {
            let place = format!("{}:{line}", path.display());
            let workload = self.workload.to_owned();
            self.units.push(Unit { workload, metric: metric.to_owned(), unit: unit.to_owned(), place });
        }
        Ok(())
    }

    /// What is known of the metrics, and their units in each file.
    pub fn finish(self) -> (SaidOf, Vec<Unit>) {
        let said = self.known.into_iter().map(|(name, said)| ((self.workload.to_owned(), name), said));
        (said.collect(), self.units)
    }
}

/// One record, placed.
struct Given<'a> {
    row: u32,
    position: u32,
    record: &'a Record,
}

/// Sorts records into cases.
pub(super) struct Reader<'a> {
    workload: &'a str,
    section: Option<&'a Section>,
    pub repeat: Repeat,
    tables: HashMap<(String, Vec<String>), u32>,
    rows: HashMap<(u32, String), u32>,
    metrics: HashMap<(u32, String), u32>,
    given: Vec<Given<'a>>,
}

impl<'a> Reader<'a> {
    pub fn new(workload: &'a str, section: Option<&'a Section>, path: &str) -> Reader<'a> {
        Reader {
            workload,
            section,
            repeat: Repeat { path: path.to_owned(), ..Repeat::default() },
            tables: HashMap::new(),
            rows: HashMap::new(),
            metrics: HashMap::new(),
            given: Vec::new(),
        }
    }

    pub fn take(&mut self, record: &'a Record, keys: &[(&str, &str)]) {
        let row = self.row_of(record, keys);
        let table = self.repeat.rows.get(row as usize).map_or(0, |r| r.table);
        let position = self.position_of(table, &record.metric);
        self.given.push(Given { row, position, record });
    }

    /// The row of a record's case, which the first record of the case creates.
    fn row_of(&mut self, record: &Record, keys: &[(&str, &str)]) -> u32 {
        let section = self.section;
        let mut keys: Vec<(String, &str)> =
            (keys.iter()).map(|(k, v)| (section.map_or(*k, |s| s.canonical(k)).to_owned(), *v)).collect();
        if let Some(section) = section {
            let place = |k: &String| section.keys.iter().position(|s| s == k).unwrap_or(usize::MAX);
            keys.sort_by_key(|(k, _)| place(k));
        }
        let category = section.map_or(record.category.as_ref(), |s| s.canonical_category(&record.category));
        let names: Vec<String> = keys.iter().map(|(k, _)| k.clone()).collect();
        let table = intern(&mut self.tables, &(category.to_owned(), names.clone()));
        if table as usize == self.repeat.tables.len() {
            self.repeat.tables.push(TableHead {
                workload: self.workload.to_owned(),
                category: category.to_owned(),
                keys: names,
                metrics: Vec::new(),
            });
        }
        let levels: Vec<&str> = keys.iter().map(|(_, v)| *v).collect();
        let row = intern(&mut self.rows, &(table, levels.join(&LEVEL_SEPARATOR.to_string())));
        if row as usize == self.repeat.rows.len() {
            let levels = self.repeat.push_levels(levels.into_iter());
            self.repeat.rows.push(CaseRow { table, levels, first: 0, boot: None, block: None });
        }
        row
    }

    fn position_of(&mut self, table: u32, written: &str) -> u32 {
        let canonical = self.section.map_or(written, |s| s.canonical(written));
        let id = (table, canonical.to_owned());
        if let Some(position) = self.metrics.get(&id) {
            return *position;
        }
        let Some(head) = self.repeat.tables.get_mut(table as usize) else { return 0 };
        let position = clamp(head.metrics.len());
        head.metrics.push(MetricColumn { name: canonical.to_owned(), written: written.to_owned() });
        self.metrics.insert(id, position);
        position
    }

    /// Lays the cells out, case by case. Several runs of a case become their mean; what one run gives twice does, too,
    /// and is counted.
    pub fn finish(mut self) -> (Repeat, Vec<Loss>) {
        let repeat = &mut self.repeat;
        for row in &mut repeat.rows {
            let width = repeat.tables.get(row.table as usize).map_or(0, |t| t.metrics.len());
            row.first = clamp(repeat.cells.len());
            let absent = Cell { number: Number::ABSENT, line: 0, column: 1 };
            repeat.cells.extend(std::iter::repeat_n(absent, width));
        }
        let mut losses = Vec::new();
        self.given.sort_by_key(|g| (g.row, g.position));
        for same in self.given.chunk_by(|x, y| (x.row, x.position) == (y.row, y.position)) {
            let (Some(head), Some(row)) =
                (same.first(), same.first().and_then(|g| repeat.rows.get(g.row as usize)))
            else {
                continue;
            };
            let index = row.first + head.position;
            // A mean over what is left of runs of which one failed would be one over a choice.
            let failed = same.iter().map(|g| g.record).find(|record| record.failed);
            let values: Vec<f64> = match failed {
                Some(_) => Vec::new(),
                None => same.iter().filter_map(|g| g.record.value.clone().ok()).collect(),
            };
            let number = match values.as_slice() {
                [] => Number::INVALID,
                values => Number::new(values.iter().sum::<f64>() / values.len() as f64),
            };
            repeat.averaged += usize::from(is_twice(same));
            // Without any value the cell says why; else the mean rests on fewer runs, and only this tells.
            let invalid = same.iter().map(|g| g.record).filter(|r| r.value.is_err());
            let told = if values.is_empty() { 1 } else { usize::MAX };
            let invalid: Vec<&Record> = failed.into_iter().chain(invalid).collect();
            for record in invalid.into_iter().take(told) {
                let Err(reason) = &record.value else { continue };
                let (what, reason) = match values.as_slice() {
                    [] => ("cell", reason.clone()),
                    _ => ("value", format!("{}: {reason}; the mean is over the other runs", record.metric)),
                };
                let place = format!("{}:{}:1", repeat.path, record.line);
                losses.push(Loss { place, what, reason });
            }
            if let Some(cell) = repeat.cells.get_mut(index as usize) {
                *cell = Cell { number, line: head.record.line, column: 1 };
            }
            if number.value().is_none() {
                let said = failed.unwrap_or(head.record).value.clone().err();
                let reason = said.unwrap_or_else(|| "its mean is too large".into());
                let kind = match failed {
                    Some(_) => Lost::Failed(None),
                    None if head.record.is_null() => Lost::NotGiven,
                    None => Lost::Unreadable,
                };
                repeat.invalid.push(InvalidCell { cell: index, reason, kind });
            }
        }
        repeat.sort_invalid();
        (self.repeat, losses)
    }
}

/// Whether one run gave a value more than once.
fn is_twice(same: &[Given<'_>]) -> bool {
    let mut runs: Vec<_> = same.iter().map(|g| &g.record.run).collect();
    runs.sort_unstable();
    runs.windows(2).any(|pair| pair.first() == pair.last())
}
