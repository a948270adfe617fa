//! The classic table: what regression.py prints, cell by cell, from files of any dialect.
//!
//! ```text
//!   documents of both sides ──> align (cases and columns by name) ──> block (one case: six lines of text)
//!                                                                        │
//!                                            text (one buffer) <─────────┴─────────> groups (cells for a page)
//! ```
//!
//! The numbers are the ancestor's (statistics.md, "The classic table"), its alignment by position is not: rows and columns
//! meet by category, key and name. Nothing is copied out of the documents; cases are computed in parallel.

mod align;
mod block;
mod cells;
mod fixed;
mod numeric;
mod total;
mod trouble;

pub use cells::{ClassicCase, ClassicColumn, ClassicGroup, ClassicTable};

use crate::{Level, Warning};
use align::Grid;
use block::Scratch;
use formats::perf_conf::Section;
use formats::rhs::Document;
use model::counted;
use rayon::prelude::*;
use std::fmt::Write as _;
use total::Total;

/// The aligned documents of two sides, ready to be written.
#[derive(Debug)]
pub struct Classic<'d> {
    section: &'d Section,
    grids: Vec<Grid<'d>>,
    /// What a reader of the table must know: unmatched cases, averaged duplicates, lost cells, columns that perf.conf points
    /// at and the files do not have.
    pub warnings: Vec<Warning>,
}

/// How many cases one piece of parallel work holds: enough to hide its cost, few enough to keep both cores busy.
const CASES_PER_PIECE: usize = 256;

/// Aligns the repeats of both sides, each in natural order of their names. Documents that are lost as a whole
/// ([`Document::is_lost`]) take no part.
pub fn classic<'d>(section: &'d Section, a: &[&'d Document<'d>], b: &[&'d Document<'d>]) -> Classic<'d> {
    let mut warnings = Vec::new();
    let usable = |side: &[&'d Document<'d>]| -> Vec<&'d Document<'d>> {
        side.iter().copied().filter(|document| !document.is_lost()).collect()
    };
    let (a, b) = (usable(a), usable(b));
    let grids = align::align(section, &a, &b, &mut warnings);
    let mut classic = Classic { section, grids, warnings };
    classic.check_avg_update();
    classic
}

impl<'d> Classic<'d> {
    /// The whole table as text: cells joined by `|`, lines by LF.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for group in self.group_ranges() {
            let Some(grids) = self.grids.get(group) else { continue };
            if let Some(line) = grids.first().and_then(Grid::category_line) {
                out.push_str(&line);
                out.push('\n');
            }
            let mut total = Total::of(grids);
            for grid in grids {
                self.write_grid(grid, &mut total, &mut out);
            }
            total.write(&mut out);
        }
        out
    }

    fn write_grid(&self, grid: &Grid<'d>, total: &mut Total, out: &mut String) {
        if let Some(title) = grid.title {
            let _ = writeln!(out, "{title}");
        }
        let _ = writeln!(out, "#|Tile|{}", grid.column_line());
        let mapping = total.mapping(grid);
        let pieces: Vec<(String, Total)> = grid
            .pieces(CASES_PER_PIECE)
            .into_par_iter()
            .map(|cases| {
                let mut scratch = Scratch::new(grid, self.section);
                let mut text = String::with_capacity(cases.len() * grid.columns.len() * 64);
                let mut part = total.empty();
                for case in cases {
                    scratch.fill(case);
                    scratch.write(&mut text);
                    if let Some(mapping) = &mapping {
                        part.take(mapping, &scratch);
                    }
                }
                (text, part)
            })
            .collect();
        out.reserve(pieces.iter().map(|(text, _)| text.len()).sum());
        for (text, part) in pieces {
            out.push_str(&text);
            total.append(part);
        }
    }

    /// Cases that both sides have: without any, nothing is compared.
    pub fn compared(&self) -> usize {
        self.grids.iter().map(Grid::compared).sum()
    }

    /// The table as cells.
    pub fn groups(&self) -> Vec<ClassicGroup> {
        self.group_ranges()
            .into_iter()
            .filter_map(|range| self.grids.get(range))
            .map(|grids| cells::group(grids, self.section))
            .collect()
    }

    /// Runs of grids of one category: what a Total Significance is about.
    fn group_ranges(&self) -> Vec<std::ops::Range<usize>> {
        let mut start = 0;
        self.grids
            .chunk_by(|x, y| x.category == y.category && x.script == y.script)
            .map(|group| {
                let range = start..start + group.len();
                start = range.end;
                range
            })
            .collect()
    }

    /// A triple that points beyond a table does nothing there, which must be said once.
    fn check_avg_update(&mut self) {
        let origin = self.section.origin("avg_update");
        for update in &self.section.avg_update {
            let last = update.dst.max(update.num).max(update.den);
            let short: Vec<&Grid<'_>> = self
                .grids
                .iter()
                .filter(|grid| update.only.is_none() && last >= grid.written_columns)
                .collect();
            if let (Some(first), Some(origin)) = (short.first(), origin) {
                self.warnings.push(Warning {
                    code: "avg-update",
                    level: Level::Note,
                    text: format!(
                        "avg_update {},{},{} of {}:{} points at column {last}, but '{}' has {}, counted from 0",
                        update.dst,
                        update.num,
                        update.den,
                        origin.file,
                        origin.line,
                        first.heading,
                        counted(first.written_columns, "column"),
                    ),
                    advice: "name the column behind the triple (dst,num,den,NAME), or use 'derived'".to_owned(),
                    count: short.len(),
                });
            }
        }
    }
}
