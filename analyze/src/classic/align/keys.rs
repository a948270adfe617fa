//! What rows are known by, and what is lost beside it.

use formats::perf_conf::Section;
use formats::rhs::{Cell, Table};

/// The canonical names of the key columns.
pub(super) fn key_names<'d>(
    section: &'d Section,
    table: &Table<'d>,
    is_key: &[bool],
) -> impl Iterator<Item = &'d str> {
    let names = table.columns.iter().copied().zip(is_key.to_vec());
    names.filter(|(_, key)| *key).map(|(name, _)| section.canonical(name))
}

/// Cells of metrics that are not finite numbers.
pub(super) fn lost_cells(table: &Table<'_>, columns: &[Option<u32>], keys: usize) -> usize {
    let width = table.columns.len().max(1);
    let mut is_metric = vec![false; width];
    for column in columns.iter().skip(keys).flatten() {
        if let Some(mark) = is_metric.get_mut(*column as usize) {
            *mark = true;
        }
    }
    let lost =
        |row: &[Cell<'_>]| row.iter().zip(&is_metric).filter(|(c, m)| **m && c.value().is_none()).count();
    table.cells.chunks(width).map(lost).sum()
}

pub(super) fn as_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
