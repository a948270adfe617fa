//! What of many pages of a kind is decided.

use super::page::{Judged, Layout, Metric, Page, Pair, ROWS, Said};
use analyze::Interval;
use rayon::prelude::*;
use stats::SplitMix64;
use std::ops::Range;

/// What of a page counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counted {
    /// Nothing changed, and nothing should be decided.
    Decided,
    /// The same, and no test decides: what p says is of no account.
    Capped,
    /// Something changed: pages that fail the gate, as they should.
    PagesFound,
    /// The same: pages on which the first row is decided.
    FirstDecided,
    /// Decided rows whose interval after choosing is wrong, where so many rows changed by this factor; the mean over pages.
    WrongIntervals(usize, f64),
    /// Rows that are EQUIVALENT, and should not be.
    Equivalent,
}

/// Draws a page of so many rows.
pub type Draw = Box<dyn Fn(&mut SplitMix64, usize) -> Page + Sync>;

/// A kind of page and what is known of it.
pub struct Kind {
    pub name: &'static str,
    pub draw: Draw,
    pub rows: usize,
    pub counted: Counted,
    /// The rate may not exceed this, or not fall below it where finding is the point.
    pub limit: f64,
}

/// A page whose rows are drawn one by one, by their numbers.
pub fn drawn(
    layout: Layout,
    metric: Metric,
    draw: impl Fn(&mut SplitMix64, usize) -> Pair + Sync + 'static,
) -> Draw {
    Box::new(move |random, rows| {
        let values = (0..rows).map(|row| draw(random, row)).collect();
        Page { layout, metric, values, build: Vec::new() }
    })
}

/// What came of pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub pages: usize,
    pub rows: usize,
    /// Rows of p ≤ .05.
    pub significant: usize,
    /// Pages of which a row is decided.
    pub decided: usize,
    /// Pages that fail the gate for a change.
    pub gated: usize,
    /// Pages of which the first row is decided, and at the gate.
    pub first: usize,
    pub first_gates: usize,
    /// Rows.
    pub equivalent: usize,
    /// The share of decided rows whose interval after choosing, or by itself, does not hold the truth; summed over pages.
    pub wrong: f64,
    pub wrong_alone: f64,
}

impl Tally {
    fn of(page: &Judged, counted: Counted) -> Tally {
        let count = |of: &dyn Fn(&Said) -> bool| page.rows.iter().filter(|row| of(row)).count();
        let one = usize::from;
        let (wrong, wrong_alone) = match counted {
            Counted::WrongIntervals(changed, truth) => wrong_intervals(page, changed, truth),
            _ => (0.0, 0.0),
        };
        Tally {
            pages: 1,
            rows: page.rows.len(),
            significant: count(&|row| row.low),
            decided: one(page.rows.iter().any(|row| row.decided)),
            gated: one(page.fails),
            first: one(page.rows[0].decided),
            first_gates: one(page.rows[0].gates),
            equivalent: count(&|row| row.equivalent),
            wrong,
            wrong_alone,
        }
    }

    fn and(self, other: Tally) -> Tally {
        Tally {
            pages: self.pages + other.pages,
            rows: self.rows + other.rows,
            significant: self.significant + other.significant,
            decided: self.decided + other.decided,
            gated: self.gated + other.gated,
            first: self.first + other.first,
            first_gates: self.first_gates + other.first_gates,
            equivalent: self.equivalent + other.equivalent,
            wrong: self.wrong + other.wrong,
            wrong_alone: self.wrong_alone + other.wrong_alone,
        }
    }

    pub fn of_pages(&self, hits: usize) -> Rate {
        Rate { share: hits as f64 / self.pages as f64, of: self.pages as f64 }
    }

    pub fn of_rows(&self, hits: usize) -> Rate {
        Rate { share: hits as f64 / self.rows as f64, of: self.rows as f64 }
    }

    /// A mean over pages of shares of each.
    pub fn mean(&self, sum: f64) -> Rate {
        Rate { share: sum / self.pages as f64, of: self.pages as f64 }
    }
}

/// Decided rows of which the interval does not hold the truth, as a share of all decided ones: the interval after choosing, and
/// that of the row by itself. Rows before `changed` truly changed by the factor `truth`.
fn wrong_intervals(page: &Judged, changed: usize, truth: f64) -> (f64, f64) {
    let (mut chosen, mut alone) = (0, 0);
    for (row, after, before) in &page.intervals {
        let truth = if *row < changed { truth } else { 1.0 };
        let misses = |ci: &Interval| usize::from(truth < ci.0 || ci.1 < truth);
        chosen += misses(after);
        alone += misses(before);
    }
    let share = |wrong: usize| wrong as f64 / page.intervals.len().max(1) as f64;
    (share(chosen), share(alone))
}

/// A share, and of how many.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub share: f64,
    pub of: f64,
}

impl Kind {
    /// A page of so many rows: the same one for the same number.
    pub fn page(&self, rows: usize, number: u64) -> Page {
        (self.draw)(&mut SplitMix64::new(number), rows)
    }

    /// Pages of so many rows, by the definitions. Each has random numbers of its own, so that they come out alike on any number
    /// of CPUs.
    pub fn tally(&self, rows: usize, pages: Range<u64>) -> Tally {
        let one = |number: u64| Tally::of(&self.page(rows, number).by_model(), self.counted);
        pages.into_par_iter().map(one).reduce(Tally::default, Tally::and)
    }

    /// What counts; of unchanged pages what the gate says.
    pub fn rate(&self, tally: &Tally) -> Rate {
        match self.counted {
            Counted::Decided | Counted::Capped | Counted::PagesFound => tally.of_pages(tally.gated),
            Counted::FirstDecided => tally.of_pages(tally.first),
            Counted::WrongIntervals(..) => tally.mean(tally.wrong),
            Counted::Equivalent => tally.of_rows(tally.equivalent),
        }
    }

    /// Finding is the point.
    fn is_power(&self) -> bool {
        matches!(self.counted, Counted::FirstDecided | Counted::PagesFound)
    }

    /// The limit and three standard errors beyond it.
    pub fn bound(&self, rate: &Rate) -> f64 {
        let slack = 3.0 * (self.limit * (1.0 - self.limit) / rate.of).sqrt();
        if self.is_power() { self.limit - slack } else { self.limit + slack }
    }

    pub fn holds(&self, rate: &Rate) -> bool {
        if self.is_power() { rate.share >= self.bound(rate) } else { rate.share <= self.bound(rate) }
    }
}

/// A kind of `ROWS` rows of which nothing changed.
pub fn unchanged(name: &'static str, draw: Draw) -> Kind {
    Kind { name, draw, rows: ROWS, counted: Counted::Decided, limit: 0.05 }
}
