//! The classic table as cells, for pages that draw it.

use super::align::Grid;
use super::block::{LINES, Scratch};
use super::total::Total;
use formats::perf_conf::Section;
use rayon::prelude::*;
use serde::Serialize;

/// A category with its tables and its Total Significance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassicGroup {
    /// `Category:NAME` as the first file writes it; `None` in files without categories.
    pub category: Option<String>,
    /// Tables in order, one for each bare heading.
    pub tables: Vec<ClassicTable>,
    /// Blank cells in front of `total`.
    pub total_keys: usize,
    /// Total Significance of each metric of the widest table.
    pub total: Vec<String>,
}

/// A column line and its cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassicTable {
    /// The bare heading above the column line.
    pub title: Option<String>,
    /// Columns, the keys first.
    pub columns: Vec<ClassicColumn>,
    /// Cases in the order of the first file.
    pub cases: Vec<ClassicCase>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassicColumn {
    /// The name in the file.
    pub name: String,
    /// The name in perf.conf.
    pub metric: String,
    /// A key column.
    pub is_key: bool,
}

/// One case: a cell for each metric column in each line; `-` where there is nothing to show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassicCase {
    /// The key cells, which stand in the first line and span the block.
    pub keys: Vec<String>,
    /// `1|Avg`.
    pub mean_1: Vec<String>,
    /// `%SD` of side 1.
    pub sd_1: Vec<String>,
    /// `2|Avg`.
    pub mean_2: Vec<String>,
    /// `%SD` of side 2.
    pub sd_2: Vec<String>,
    /// `%Diff between Avg`.
    pub difference: Vec<String>,
    /// `Significance`.
    pub significance: Vec<String>,
}

/// The cells of one category.
pub(super) fn group(grids: &[Grid<'_>], section: &Section) -> ClassicGroup {
    let mut total = Total::of(grids);
    let tables = grids.iter().map(|grid| table(grid, section, &mut total)).collect();
    ClassicGroup {
        category: grids.first().and_then(Grid::category_line).map(|line| line.into_owned()),
        tables,
        total_keys: total.keys(),
        total: total.cells().collect(),
    }
}

fn table(grid: &Grid<'_>, section: &Section, total: &mut Total) -> ClassicTable {
    let mapping = total.mapping(grid);
    let pieces: Vec<(Vec<ClassicCase>, Total)> = grid
        .pieces(super::CASES_PER_PIECE)
        .into_par_iter()
        .map(|cases| {
            let mut scratch = Scratch::new(grid, section);
            let mut part = total.empty();
            let cases = cases.map(|case| {
                scratch.fill(case);
                if let Some(mapping) = &mapping {
                    part.take(mapping, &scratch);
                }
                self::case(grid, &scratch)
            });
            (cases.collect(), part)
        })
        .collect();
    let mut cases = Vec::with_capacity(grid.cases);
    for (piece, part) in pieces {
        cases.extend(piece);
        total.append(part);
    }
    let columns = grid.columns.iter().enumerate().map(|(index, column)| ClassicColumn {
        name: column.written.to_owned(),
        metric: column.canonical.to_owned(),
        is_key: index < grid.keys,
    });
    ClassicTable { title: grid.title.map(str::to_owned), columns: columns.collect(), cases }
}

fn case(grid: &Grid<'_>, scratch: &Scratch<'_, '_>) -> ClassicCase {
    let line = |index: usize, columns: std::ops::Range<usize>| -> Vec<String> {
        let Some((line, _)) = LINES.get(index) else { return Vec::new() };
        columns
            .map(|column| {
                let mut text = String::new();
                scratch.cell(*line, column, &mut text);
                text
            })
            .collect()
    };
    let metrics = || grid.keys..grid.columns.len();
    ClassicCase {
        keys: line(0, 0..grid.keys),
        mean_1: line(0, metrics()),
        sd_1: line(1, metrics()),
        mean_2: line(2, metrics()),
        sd_2: line(3, metrics()),
        difference: line(4, metrics()),
        significance: line(5, metrics()),
    }
}
