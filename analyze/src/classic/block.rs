//! One case: the means of both sides as printed, and the six lines made of them.

use super::align::{Grid, RowView};
use super::fixed::{Plus, write_fixed};
use super::numeric::{write_difference, write_mean, write_relative_sd, write_significance};
use formats::perf_conf::Section;
use formats::rhs::{Cell, parse_finite};

/// A line of a case's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Mean(usize),
    Sd(usize),
    Difference,
    Significance,
}

/// The lines in order, with what stands in front of them.
pub(super) const LINES: [(Line, &str); 6] = [
    (Line::Mean(0), "1|Avg"),
    (Line::Sd(0), " |%SD"),
    (Line::Mean(1), "2|Avg"),
    (Line::Sd(1), " |%SD"),
    (Line::Difference, "-|%Diff between Avg"),
    (Line::Significance, "-|Significance"),
];

/// Stands for a value that cannot be computed.
pub(super) const NOTHING: &str = "-";

/// One side of a case. Buffers are reused from case to case.
#[derive(Default)]
struct Side {
    /// Values of all columns one after the other, and where each column's end.
    values: Vec<f64>,
    ends: Vec<usize>,
    /// Means as printed: of the file's columns (`own`), and after avg_update.
    texts: Vec<String>,
    own: Vec<Option<f64>>,
    printed: Vec<Option<f64>>,
}

/// Everything that is needed to write one case.
pub(super) struct Scratch<'g, 'd> {
    grid: &'g Grid<'d>,
    /// avg_update as columns of the grid.
    updates: Vec<(usize, usize, usize)>,
    sides: [Side; 2],
    rows: Vec<(RowView<'g, 'd>, usize)>,
}

impl<'g, 'd> Scratch<'g, 'd> {
    pub fn new(grid: &'g Grid<'d>, section: &Section) -> Self {
        let column =
            |position: usize| grid.columns.iter().position(|column| column.position == Some(position));
        let updates = section.avg_update.iter().filter_map(|update| {
            let (dst, num, den) = (column(update.dst)?, column(update.num)?, column(update.den)?);
            let canonical = grid.columns.get(dst)?.canonical;
            update.only.as_ref().is_none_or(|only| only == canonical).then_some((dst, num, den))
        });
        Scratch { grid, updates: updates.collect(), sides: Default::default(), rows: Vec::new() }
    }

    /// Takes the values of a case and prints its means.
    pub fn fill(&mut self, case: usize) {
        for (index, side) in self.sides.iter_mut().enumerate() {
            self.rows.clear();
            for (file, placement) in self.grid.sides.get(index).into_iter().flatten().enumerate() {
                self.rows.extend(self.grid.rows(placement, case).map(|row| (row, file)));
            }
            side.reset(self.grid.columns.len());
            for (column, cell) in self.grid.key_cells(case).iter().enumerate() {
                side.key(column, cell);
            }
            for column in self.grid.keys..self.grid.columns.len() {
                side.metric(column, &self.rows);
            }
            for &(dst, num, den) in &self.updates {
                side.update(dst, num, den);
            }
        }
    }

    /// Appends the six lines.
    pub fn write(&self, out: &mut String) {
        for (line, label) in LINES {
            out.push_str(label);
            // Only the first line shows the keys, as cells that span the block.
            let first = if line == Line::Mean(0) { 0 } else { self.grid.keys };
            for column in first..self.grid.columns.len() {
                out.push('|');
                self.cell(line, column, out);
            }
            out.push('\n');
        }
    }

    /// Appends one cell; `-` when there is nothing to compute it from.
    pub fn cell(&self, line: Line, column: usize, out: &mut String) {
        let before = out.len();
        self.try_cell(line, column, out);
        if out.len() == before && column >= self.grid.keys {
            out.push_str(NOTHING);
        }
    }

    fn try_cell(&self, line: Line, column: usize, out: &mut String) -> Option<()> {
        let [a, b] = &self.sides;
        match line {
            Line::Mean(side) => out.push_str(self.sides.get(side)?.texts.get(column)?),
            Line::Sd(side) => {
                let side = self.sides.get(side)?;
                write_relative_sd(side.values(column), side.printed(column)?, out);
            }
            Line::Difference => write_difference(a.printed(column)?, b.printed(column)?, out),
            Line::Significance => {
                let test = stats::student(a.values(column), b.values(column)).ok()?;
                write_significance(test.p, a.own(column)?, b.own(column)?, out);
            }
        }
        Some(())
    }

    /// The printed means of both sides.
    pub fn printed(&self, column: usize) -> Option<(f64, f64)> {
        let [a, b] = &self.sides;
        Some((a.printed(column)?, b.printed(column)?))
    }

    /// Side 1's mean of a column is printed as a whole number.
    pub fn is_whole(&self, column: usize) -> bool {
        self.sides.first().and_then(|side| side.texts.get(column)).is_some_and(|text| !text.contains('.'))
    }
}

impl Side {
    fn reset(&mut self, columns: usize) {
        self.values.clear();
        self.ends.clear();
        self.own.clear();
        self.printed.clear();
        self.texts.resize_with(columns, String::new);
        self.texts.iter_mut().for_each(String::clear);
    }

    /// A key prints as a mean of equal values would, unless two decimals would make it another number.
    fn key(&mut self, column: usize, cell: &Cell<'_>) {
        let Some(text) = self.texts.get_mut(column) else { return };
        if let Some(value) = cell.value() {
            write_mean(&[value], cell.is_integer(), text);
        }
        if parse_finite(text) != cell.value() || cell.value().is_none() {
            text.clear();
            text.push_str(cell.text);
        }
        self.finish_column(column);
    }

    fn metric(&mut self, column: usize, rows: &[(RowView<'_, '_>, usize)]) {
        let mut whole = None;
        for of_one_file in rows.chunk_by(|(_, x), (_, y)| x == y) {
            let (mut sum, mut count) = (0.0, 0u32);
            for cell in of_one_file.iter().filter_map(|(row, _)| row.cell(column)) {
                if let Some(value) = cell.value() {
                    whole.get_or_insert_with(|| cell.is_integer());
                    sum += value;
                    count += 1;
                }
            }
            if count > 0 {
                self.values.push(sum / f64::from(count));
            }
        }
        let start = self.ends.last().copied().unwrap_or(0);
        if let (Some(values), Some(text)) = (self.values.get(start..), self.texts.get_mut(column))
            && !values.is_empty()
        {
            write_mean(values, whole == Some(true), text);
        }
        self.finish_column(column);
    }

    fn finish_column(&mut self, column: usize) {
        self.ends.push(self.values.len());
        let printed = self.texts.get(column).and_then(|text| parse_finite(text));
        self.own.push(printed);
        self.printed.push(printed);
    }

    /// `dst = num / den` of the printed means.
    fn update(&mut self, dst: usize, num: usize, den: usize) {
        let ratio = match (self.printed(num), self.printed(den)) {
            (Some(num), Some(den)) if den != 0.0 => Some(num / den),
            _ => None,
        };
        if let (Some(text), Some(printed)) = (self.texts.get_mut(dst), self.printed.get_mut(dst)) {
            text.clear();
            match ratio.filter(|ratio| ratio.is_finite()) {
                Some(ratio) => write_fixed(ratio, 2, Plus::Hidden, text),
                None => text.push_str(NOTHING),
            }
            *printed = parse_finite(text);
        }
    }

    fn values(&self, column: usize) -> &[f64] {
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(column).copied().unwrap_or(start);
        self.values.get(start..end).unwrap_or(&[])
    }

    fn own(&self, column: usize) -> Option<f64> {
        self.own.get(column).copied().flatten()
    }

    fn printed(&self, column: usize) -> Option<f64> {
        self.printed.get(column).copied().flatten()
    }
}
