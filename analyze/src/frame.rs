//! Aligning: which row of which file is which case, and which cell of it is which metric. By name, never by position.
//!
//! polars groups the rows of all files by case here, and does nothing else anywhere. Values stay where the readers put
//! them, in flat arrays; what comes out is one pointer for each case and file.

use crate::input::Said;
use crate::input::repeat::{CaseRow, Cell, InvalidCell, LEVEL_SEPARATOR, Number, Repeat, clamp, intern};
use crate::{AnalyzeError, Shared};
use formats::perf_conf::{Conf, MetricConf};
use model::{Case, Keys};
use polars_core::prelude::{DataFrame, GroupsIndicator, IntoColumn, NamedFrom, PolarsError, Series};
use std::collections::HashMap;
use std::ops::Range;

/// No such row or column.
pub(crate) const NONE: u32 = u32::MAX;

/// The cases of all files.
pub(crate) struct Frame {
    /// Workloads in perf.conf's order.
    pub workloads: Vec<FrameWorkload>,
    /// Cases by workload, category and first appearance.
    pub cases: Vec<FrameCase>,
    /// Number of files.
    pub width: usize,
    /// Row index (or [`NONE`]) of each case in each file, case by case.
    pub pointers: Vec<u32>,
    /// Position (or [`NONE`]) of each metric of the workload, by file and table.
    pub slots: Vec<Vec<Vec<u32>>>,
    /// Rows of one file that were the same case and were averaged.
    pub averaged_rows: usize,
}

/// A workload that some file holds.
pub(crate) struct FrameWorkload {
    /// perf.conf section.
    pub name: Shared<str>,
    /// Key columns: perf.conf's, else those of the files.
    pub keys: Vec<String>,
    /// Metrics: those that perf.conf declares in its order, then the others as they came.
    pub metrics: Vec<FrameMetric>,
}

/// A metric that some file holds.
pub(crate) struct FrameMetric {
    /// What perf.conf says of it.
    pub conf: MetricConf,
    /// Canonical name, for rows.
    pub name: Shared<str>,
    /// Unit, for rows.
    pub unit: Shared<str>,
    /// Its name in the first file that has it.
    pub written: Shared<str>,
}

/// One case.
pub(crate) struct FrameCase {
    /// Index into [`Frame::workloads`].
    pub workload: u32,
    /// [`Case::id`].
    pub id: String,
    /// Canonical category.
    pub category: Shared<str>,
    /// Factor levels.
    pub keys: Shared<Keys>,
}

/// What the data say by workload and metric; it counts where perf.conf declares nothing.
pub(crate) type Declared = HashMap<(String, String), Said>;

impl Frame {
    /// Aligns files; rows of one file that are the same case become one row with the means.
    pub fn align(repeats: &mut [Repeat], conf: &Conf, declared: &Declared) -> Result<Frame, AnalyzeError> {
        let heads = Heads::of(repeats);
        let groups = group(repeats, &heads).map_err(|e| AnalyzeError::Align(e.to_string()))?;
        let workloads = workloads(repeats, conf, declared);
        let mut frame = Frame {
            slots: Vec::new(),
            workloads,
            cases: Vec::with_capacity(groups.len()),
            width: repeats.len(),
            pointers: Vec::with_capacity(groups.len() * repeats.len()),
            averaged_rows: 0,
        };
        for group in frame.in_order(groups, &heads) {
            frame.push(&group, repeats, &heads);
        }
        frame.slots = slots(repeats, &frame.workloads);
        Ok(frame)
    }

    /// The cell of a metric of a case in a file, with the row that holds it.
    #[inline]
    pub fn find<'a>(
        &self,
        case: usize,
        metric: usize,
        repeat: usize,
        files: &'a [Repeat],
    ) -> Option<(&'a CaseRow, u32, &'a Cell)> {
        let pointer = *self.pointers.get(case * self.width + repeat)?;
        if pointer == NONE {
            return None;
        }
        let file = files.get(repeat)?;
        let row = file.rows.get(pointer as usize)?;
        let position = *self.slots.get(repeat)?.get(row.table as usize)?.get(metric)?;
        if position == NONE {
            return None;
        }
        let cell = file.cell(row, position)?;
        (!cell.number.is_absent()).then_some((row, position, cell))
    }

    /// Whether a side, by the files of each, has a case.
    pub fn has(&self, ranges: &[Range<usize>], side: usize, case: usize) -> bool {
        let files = ranges.get(side).cloned().unwrap_or_default();
        let start = case * self.width;
        let own = self.pointers.get(start + files.start..start + files.end).unwrap_or_default();
        own.iter().any(|pointer| *pointer != NONE)
    }

    /// Groups in the order of perf.conf's workloads, then of categories and rows as they first appear.
    fn in_order(&self, groups: Vec<Group>, heads: &Heads) -> Vec<Group> {
        let mut categories: HashMap<(u32, &str), u32> = HashMap::new();
        let mut keyed: Vec<((u32, u32), Group)> = Vec::with_capacity(groups.len());
        for group in groups {
            let Some((workload, category, _)) = heads.names.get(group.head as usize) else { continue };
            let place = self.workloads.iter().position(|w| w.name == *workload).map_or(NONE, clamp);
            let rank = intern(&mut categories, &(place, category.as_str()));
            keyed.push(((place, rank), group));
        }
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, group)| group).collect()
    }

    fn push(&mut self, group: &Group, repeats: &mut [Repeat], heads: &Heads) {
        let Some((workload, category, keys)) = heads.names.get(group.head as usize) else { return };
        let start = self.pointers.len();
        self.pointers.resize(start + self.width, NONE);
        let mut levels = None;
        for same in group.rows.chunk_by(|x, y| x.0 == y.0) {
            let Some((file, row)) = same.first().copied() else { continue };
            let Some(repeat) = repeats.get_mut(file as usize) else { continue };
            let row = if same.len() > 1 {
                self.averaged_rows += same.len() - 1;
                merge(repeat, same.iter().map(|(_, row)| *row))
            } else {
                row
            };
            if levels.is_none() {
                levels = repeat.rows.get(row as usize).map(|r| repeat.levels_of(r).to_owned());
            }
            if let Some(slot) = self.pointers.get_mut(start + file as usize) {
                *slot = row;
            }
        }
        let levels = levels.unwrap_or_default();
        let keys: Keys = keys.iter().cloned().zip(levels.split(LEVEL_SEPARATOR).map(str::to_owned)).collect();
        let place = self.workloads.iter().position(|w| w.name == *workload).map_or(0, clamp);
        let case = Case { workload: workload.clone(), category: category.clone(), keys };
        self.cases.push(FrameCase {
            workload: place,
            id: case.id(),
            category: case.category.into(),
            keys: case.keys.into(),
        });
    }
}

/// Distinct (workload, category, key names), and which of them each table of each file is.
struct Heads {
    names: Vec<(String, String, Vec<String>)>,
    of_table: Vec<Vec<u32>>,
}

impl Heads {
    fn of(repeats: &[Repeat]) -> Heads {
        let mut known = HashMap::new();
        let mut names = Vec::new();
        let of_table = repeats
            .iter()
            .map(|repeat| {
                let mut table_heads = Vec::with_capacity(repeat.tables.len());
                for table in &repeat.tables {
                    let name = (table.workload.clone(), table.category.clone(), table.keys.clone());
                    let index = intern(&mut known, &name);
                    if index as usize == names.len() {
                        names.push(name);
                    }
                    table_heads.push(index);
                }
                table_heads
            })
            .collect();
        Heads { names, of_table }
    }
}

/// The rows of one case: (file, row), by file.
struct Group {
    head: u32,
    rows: Vec<(u32, u32)>,
}

/// Groups the rows of all files by head and levels, in the order of first appearance.
fn group(repeats: &[Repeat], heads: &Heads) -> Result<Vec<Group>, PolarsError> {
    let total: usize = repeats.iter().map(|r| r.rows.len()).sum();
    let (mut places, mut head, mut levels) =
        (Vec::with_capacity(total), Vec::with_capacity(total), Vec::with_capacity(total));
    for (file, (repeat, of_table)) in repeats.iter().zip(&heads.of_table).enumerate() {
        for (index, row) in repeat.rows.iter().enumerate() {
            places.push((clamp(file), clamp(index)));
            head.push(of_table.get(row.table as usize).copied().unwrap_or(NONE));
            levels.push(repeat.levels_of(row));
        }
    }
    let table = DataFrame::new(
        total,
        vec![
            Series::new("head".into(), head.as_slice()).into_column(),
            Series::new("levels".into(), levels.as_slice()).into_column(),
        ],
    )?;
    let grouped = table.group_by_stable(["head", "levels"])?;
    let place = |index: usize| places.get(index).copied();
    let groups = grouped.get_groups().iter().filter_map(|indices| {
        let rows: Vec<(u32, u32)> = match indices {
            GroupsIndicator::Idx((_, all)) => all.iter().filter_map(|i| place(*i as usize)).collect(),
            GroupsIndicator::Slice([first, length]) => {
                (0..length as usize).filter_map(|i| place(first as usize + i)).collect()
            }
        };
        let (file, row) = *rows.first()?;
        let table = repeats.get(file as usize)?.rows.get(row as usize)?.table;
        let head = *heads.of_table.get(file as usize)?.get(table as usize)?;
        Some(Group { head, rows })
    });
    Ok(groups.collect())
}

/// Adds a row that holds the means of several rows, and gives its index. The place of a mean is that of its first
/// value. Rows of different tables give a row with the columns of all of them.
fn merge(repeat: &mut Repeat, rows: impl Iterator<Item = u32>) -> u32 {
    let rows: Vec<CaseRow> = rows.filter_map(|r| repeat.rows.get(r as usize).copied()).collect();
    let Some(head) = rows.first().copied() else { return NONE };
    let table = common_table(repeat, &rows);
    let metrics = repeat.tables.get(table as usize).map(|t| t.metrics.clone()).unwrap_or_default();
    let merged = CaseRow { first: clamp(repeat.cells.len()), table, ..head };
    for metric in &metrics {
        let (mut place, mut sum, mut n, mut reason) = (None::<Cell>, 0.0, 0.0, None::<InvalidCell>);
        for row in &rows {
            let Some(position) =
                repeat.table_of(row).and_then(|t| t.metrics.iter().position(|m| m.name == metric.name))
            else {
                continue;
            };
            let Some(cell) = repeat.cell(row, clamp(position)).copied() else { continue };
            if let Some(value) = cell.number.value() {
                (sum, n) = (sum + value, n + 1.0);
                place = place.filter(|p| p.number.value().is_some()).or(Some(cell));
            } else {
                reason = reason.or_else(|| repeat.invalid(row, clamp(position)).cloned());
                place = place.or(Some(cell));
            }
        }
        let place = place.unwrap_or(Cell { number: Number::ABSENT, line: 0, column: 1 });
        let number = if n > 0.0 { Number::new(sum / n) } else { place.number };
        if let (None, Some(lost)) = (number.value(), reason) {
            repeat.invalid.push(InvalidCell { cell: clamp(repeat.cells.len()), ..lost });
        }
        repeat.cells.push(Cell { number, ..place });
    }
    repeat.rows.push(merged);
    clamp(repeat.rows.len() - 1)
}

/// The table of all rows, or a new one that has the columns of all of them.
fn common_table(repeat: &mut Repeat, rows: &[CaseRow]) -> u32 {
    let first = rows.first().map_or(0, |r| r.table);
    if rows.iter().all(|r| r.table == first) {
        return first;
    }
    let mut union = repeat.tables.get(first as usize).cloned().unwrap_or_default();
    for table in rows.iter().filter_map(|r| repeat.table_of(r)) {
        for column in &table.metrics {
            if !union.metrics.iter().any(|m| m.name == column.name) {
                union.metrics.push(column.clone());
            }
        }
    }
    repeat.tables.push(union);
    clamp(repeat.tables.len() - 1)
}

/// The workloads of the files with their metrics.
fn workloads(repeats: &[Repeat], conf: &Conf, declared: &Declared) -> Vec<FrameWorkload> {
    let mut found: Vec<FrameWorkload> = Vec::new();
    for table in repeats.iter().flat_map(|r| &r.tables) {
        let index = found.iter().position(|w| w.name == table.workload).unwrap_or_else(|| {
            let keys = conf.section(&table.workload).map(|s| s.keys.clone()).unwrap_or_default();
            let name = table.workload.as_str().into();
            found.push(FrameWorkload { name, keys, metrics: Vec::new() });
            found.len() - 1
        });
        let Some(workload) = found.get_mut(index) else { continue };
        for key in &table.keys {
            if !workload.keys.contains(key) {
                workload.keys.push(key.clone());
            }
        }
        for column in &table.metrics {
            if workload.metrics.iter().any(|m| m.conf.name == column.name) {
                continue;
            }
            let mut metric = conf
                .section(&table.workload)
                .map_or_else(|| MetricConf::undeclared(&column.name), |s| s.metric(&column.name));
            let is_declared =
                conf.section(&table.workload).is_some_and(|s| s.declared(&column.name).is_some());
            if let Some(said) = declared.get(&(table.workload.clone(), column.name.clone())) {
                if !is_declared {
                    metric.unit.clone_from(&said.unit);
                }
                if !is_declared || said.overrides {
                    metric.direction = said.direction;
                }
            }
            workload.metrics.push(FrameMetric {
                name: metric.name.as_str().into(),
                unit: metric.unit.as_str().into(),
                conf: metric,
                written: column.written.as_str().into(),
            });
        }
    }
    let rank = |name: &str| conf.sections().iter().position(|s| s.name == name).unwrap_or(usize::MAX);
    found.sort_by_key(|w| rank(&w.name));
    for workload in &mut found {
        let section = conf.section(&workload.name);
        let rank = |name: &str| {
            section.and_then(|s| s.metrics.iter().position(|m| m.name == name)).unwrap_or(usize::MAX)
        };
        workload.metrics.sort_by_key(|m| rank(&m.conf.name));
    }
    found
}

/// Where each metric of a workload stands in the rows of each table.
fn slots(repeats: &[Repeat], workloads: &[FrameWorkload]) -> Vec<Vec<Vec<u32>>> {
    let of_table = |table: &crate::input::repeat::TableHead| {
        let metrics = workloads.iter().find(|w| w.name == table.workload).map_or(&[][..], |w| &w.metrics);
        let position = |m: &FrameMetric| table.metrics.iter().position(|c| c.name == m.conf.name);
        metrics.iter().map(|m| position(m).map_or(NONE, clamp)).collect()
    };
    repeats.iter().map(|r| r.tables.iter().map(of_table).collect()).collect()
}
