//! Metrics that perf.conf derives from others (`derived.NAME = NUMERATOR / DENOMINATOR`), for every kind of input.

use super::repeat::{Cell, InvalidCell, Lost, MetricColumn, Number, Repeat, TableHead, clamp};
use formats::perf_conf::{Conf, Derived, Zero};
use std::iter::Peekable;

/// A derived metric of a table, with the positions of its parts in a row.
struct Ratio {
    name: String,
    numerator: usize,
    denominator: usize,
    /// A numerator of 0 is a measurement that failed.
    fails_at_zero: bool,
}

/// Adds to each table the derived metrics that it lacks and has the parts of: a ratio of this repeat's values, never of
/// means over repeats. Its place is the numerator's.
pub(super) fn derive(repeat: &mut Repeat, conf: &Conf) {
    let ratios: Vec<Vec<Ratio>> = repeat.tables.iter().map(|table| ratios(table, conf)).collect();
    if ratios.iter().all(Vec::is_empty) {
        return;
    }
    let mut old = std::mem::take(&mut repeat.invalid).into_iter().peekable();
    let (mut cells, mut invalid) = (Vec::with_capacity(repeat.cells.len()), Vec::new());
    for row in &mut repeat.rows {
        let width = repeat.tables.get(row.table as usize).map_or(0, |t| t.metrics.len());
        let start = row.first as usize;
        let own = repeat.cells.get(start..start.saturating_add(width)).unwrap_or_default();
        row.first = clamp(cells.len());
        move_reasons(&mut old, start..start.saturating_add(width), cells.len(), &mut invalid);
        cells.extend_from_slice(own);
        for ratio in ratios.get(row.table as usize).into_iter().flatten() {
            let cell = ratio.of(own);
            if cell.number.value().is_none() && !cell.number.is_absent() {
                let reason =
                    "its numerator or its denominator has no value, or the denominator is 0".to_owned();
                let kind = cause(&invalid, row.first, own, ratio);
                invalid.push(InvalidCell { cell: clamp(cells.len()), reason, kind });
            }
            cells.push(cell);
        }
    }
    (repeat.cells, repeat.invalid) = (cells, invalid);
    for (table, ratios) in repeat.tables.iter_mut().zip(ratios) {
        table
            .metrics
            .extend(ratios.into_iter().map(|r| MetricColumn { written: r.name.clone(), name: r.name }));
    }
}

/// What became of the part that has no value; both may have one, and the denominator be 0.
fn cause(invalid: &[InvalidCell], first: u32, own: &[Cell], ratio: &Ratio) -> Lost {
    let parts = [ratio.numerator, ratio.denominator].map(|at| first.saturating_add(clamp(at)));
    let of = |cell: u32| {
        let at = invalid.binary_search_by_key(&cell, |i| i.cell).ok()?;
        invalid.get(at).map(|i| i.kind)
    };
    parts.into_iter().find_map(of).unwrap_or(if ratio.fails_at(own) {
        Lost::Failed(None)
    } else {
        Lost::Undefined
    })
}

/// Takes over the reasons of a row whose cells now begin at `start`.
fn move_reasons(
    old: &mut Peekable<impl Iterator<Item = InvalidCell>>,
    row: std::ops::Range<usize>,
    start: usize,
    out: &mut Vec<InvalidCell>,
) {
    while let Some(found) = old.next_if(|i| (i.cell as usize) < row.end) {
        let offset = (found.cell as usize).saturating_sub(row.start);
        out.push(InvalidCell { cell: clamp(start + offset), ..found });
    }
}

fn ratios(table: &TableHead, conf: &Conf) -> Vec<Ratio> {
    let position = |name: &String| table.metrics.iter().position(|m| m.name == *name);
    let first = |names: &[String]| names.iter().find_map(position);
    let ratio = |d: &Derived| {
        let (numerator, denominator) = (first(&d.numerator)?, first(&d.denominator)?);
        let of = table.metrics.get(numerator).and_then(|m| conf.section(&table.workload)?.declared(&m.name));
        let fails_at_zero = of.is_some_and(|m| m.zero() == Zero::Failed);
        position(&d.name).is_none().then(|| Ratio {
            name: d.name.clone(),
            numerator,
            denominator,
            fails_at_zero,
        })
    };
    conf.section(&table.workload).into_iter().flat_map(|s| &s.derived).filter_map(ratio).collect()
}

impl Ratio {
    /// Whether the numerator is a 0 that is a measurement that failed.
    fn fails_at(&self, row: &[Cell]) -> bool {
        let zero = || row.get(self.numerator).is_some_and(|cell| cell.number.value() == Some(0.0));
        self.fails_at_zero && zero()
    }

    fn of(&self, row: &[Cell]) -> Cell {
        let absent = Cell { number: Number::ABSENT, line: 0, column: 1 };
        let part = |at: usize| row.get(at).copied().unwrap_or(absent);
        let (numerator, denominator) = (part(self.numerator), part(self.denominator));
        if numerator.number.is_absent() || denominator.number.is_absent() {
            return absent;
        }
        let number = match (numerator.number.value(), denominator.number.value()) {
            _ if self.fails_at(row) => Number::INVALID,
            (Some(n), Some(d)) if d != 0.0 => Number::new(n / d),
            _ => Number::INVALID,
        };
        Cell { number, ..numerator }
    }
}
