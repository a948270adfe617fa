//! `Total Significance`: a paired test over the printed means of a category.

use super::align::Grid;
use super::block::{NOTHING, Scratch};
use super::numeric::{write_mean, write_significance};
use formats::rhs::parse_finite;

/// The printed means of a category, one pair for each case whose table has the full column set.
pub(super) struct Total {
    /// Canonical names of the full column set: that of the category's widest table.
    columns: Vec<String>,
    keys: usize,
    metrics: Vec<Pairs>,
}

/// The pairs of one metric.
#[derive(Default)]
struct Pairs {
    a: Vec<f64>,
    b: Vec<f64>,
    whole: Option<bool>,
}

impl Total {
    pub fn of(grids: &[Grid<'_>]) -> Total {
        // `max_by_key` takes the last of equals; the first table sets the order of the columns.
        let widest = grids.iter().rev().max_by_key(|grid| grid.columns.len());
        let columns: Vec<String> =
            widest.into_iter().flat_map(|grid| &grid.columns).map(|c| c.canonical.to_owned()).collect();
        let keys = widest.map_or(0, |grid| grid.keys);
        Total { columns, keys, metrics: Vec::new() }.empty()
    }

    /// The same columns without values.
    pub fn empty(&self) -> Total {
        let metrics = self.columns.iter().skip(self.keys).map(|_| Pairs::default()).collect();
        Total { columns: self.columns.clone(), keys: self.keys, metrics }
    }

    /// Which column of a grid each metric is; `None` when the grid lacks one.
    pub fn mapping(&self, grid: &Grid<'_>) -> Option<Vec<usize>> {
        let position = |name: &String| grid.columns.iter().position(|column| column.canonical == name);
        let all: Option<Vec<usize>> = self.columns.iter().map(position).collect();
        all.map(|mut all| all.split_off(self.keys.min(all.len())))
    }

    /// Adds a case of a grid with this mapping.
    pub fn take(&mut self, mapping: &[usize], case: &Scratch<'_, '_>) {
        for (pairs, &column) in self.metrics.iter_mut().zip(mapping) {
            if let Some((a, b)) = case.printed(column) {
                pairs.whole.get_or_insert_with(|| case.is_whole(column));
                pairs.a.push(a);
                pairs.b.push(b);
            }
        }
    }

    /// Adds what another piece of the same category found.
    pub fn append(&mut self, mut part: Total) {
        for (pairs, more) in self.metrics.iter_mut().zip(&mut part.metrics) {
            pairs.a.append(&mut more.a);
            pairs.b.append(&mut more.b);
            pairs.whole = pairs.whole.or(more.whole);
        }
    }

    /// How many key cells stand blank in front of the values.
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// The values.
    pub fn cells(&self) -> impl Iterator<Item = String> {
        self.metrics.iter().map(Pairs::significance)
    }

    /// Appends the line.
    pub fn write(&self, out: &mut String) {
        out.push_str("-|Total Significance");
        for _ in 0..self.keys {
            out.push_str("| ");
        }
        for cell in self.cells() {
            out.push('|');
            out.push_str(&cell);
        }
        out.push('\n');
    }
}

impl Pairs {
    fn significance(&self) -> String {
        let mut text = String::new();
        let whole = self.whole == Some(true);
        let mean = |values: &[f64]| {
            let mut text = String::new();
            write_mean(values, whole, &mut text);
            parse_finite(&text)
        };
        match (stats::paired(&self.a, &self.b), mean(&self.a), mean(&self.b)) {
            (Ok(test), Some(a), Some(b)) => write_significance(test.p, a, b, &mut text),
            _ => text.push_str(NOTHING),
        }
        text
    }
}
