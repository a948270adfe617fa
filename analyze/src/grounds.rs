//! How a verdict was reached: the questions of [`crate::verdict`] in their order, each with the row's answer.
//!
//! Reports put them into words (`report::explain`); what was asked and what came out is said here alone.

use crate::pairing::of_block;
use crate::row::REPLICATES;
use crate::verdict::is_significant;
use crate::{Comparison, Interval, Reason, Row, Verdict};
use model::Scale;
use std::collections::BTreeSet;

/// One question and its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ground {
    /// Are there enough replicates?
    Replicates {
        /// Of the baseline.
        a: usize,
        /// Of the candidate.
        b: usize,
        /// So many each side needs.
        needed: usize,
    },
    /// Are enough blocks complete? Asked only where a row of the blocked model has replicates, but not of the same blocks.
    Blocks {
        /// Blocks with both sides.
        complete: usize,
        /// So many the model needs.
        needed: usize,
    },
    /// Does the 90 % interval lie inside the band?
    Equivalent {
        /// What is estimated.
        of: Estimated,
        /// Its 90 % interval.
        ci90: Interval,
        /// It lies inside.
        inside: bool,
    },
    /// Is there a change at all?
    Significant {
        /// The p is the one that was corrected within the family: q.
        corrected: bool,
        /// The p that counts.
        p: f64,
        /// The level.
        alpha: f64,
        /// The p is at most alpha.
        holds: bool,
    },
    /// Is the change large enough to matter?
    Large {
        /// What is estimated.
        of: Estimated,
        /// The best estimate.
        value: f64,
        /// It lies outside the band.
        outside: bool,
    },
}

/// What a row's model estimates and its band is a band of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimated {
    /// B / A, on the log scale.
    Ratio,
    /// B - A in the row's unit, on the linear scale.
    Difference,
}

/// The answers that led to a row's verdict; none for a row that a side lacks.
pub fn grounds(comparison: &Comparison, row: &Row) -> Vec<Ground> {
    if matches!(row.verdict, Verdict::MissingA | Verdict::MissingB) {
        return Vec::new();
    }
    let mut out = vec![Ground::Replicates { a: row.a.n, b: row.b.n, needed: REPLICATES }];
    match row.reason {
        Some(Reason::OneReplicate) => {
            if row.n_min >= REPLICATES {
                out.push(Ground::Blocks { complete: complete_blocks(row), needed: REPLICATES });
            }
        }
        Some(Reason::NotComparable | Reason::Exact | Reason::NoVariance) => {}
        _ if row.verdict == Verdict::ExactChanged => {}
        _ => tested(row, comparison.method.alpha, &mut out),
    }
    out
}

/// The questions that a test answers.
fn tested(row: &Row, alpha: f64, out: &mut Vec<Ground>) {
    let of = estimated(row);
    let band = band(row);
    let (ci90, value) = match of {
        Estimated::Ratio => (row.ratio_ci90, row.ratio),
        Estimated::Difference => (row.diff_ci90, row.diff),
    };
    if let (Some(ci90), Some(band)) = (ci90, &band) {
        let inside = stats::equivalent(&stats::Interval::new(ci90.0, ci90.1), band);
        out.push(Ground::Equivalent { of, ci90, inside });
    }
    if let Some(p) = row.q.or(row.p_model) {
        let holds = is_significant(row.q, p, alpha);
        out.push(Ground::Significant { corrected: row.q.is_some(), p, alpha, holds });
    }
    if let (Some(value), Some(band)) = (value, &band) {
        out.push(Ground::Large { of, value, outside: !band.contains(value) });
    }
}

fn estimated(row: &Row) -> Estimated {
    match row.scale {
        Scale::Log => Estimated::Ratio,
        Scale::Linear => Estimated::Difference,
    }
}

/// The band that the row was judged by, of what its model estimates.
fn band(row: &Row) -> Option<stats::Interval> {
    match estimated(row) {
        Estimated::Ratio => Some(stats::band(row.min_effect)),
        Estimated::Difference => row.band_abs.map(|band| stats::Interval::new(-band, band)),
    }
}

/// Blocks for which both sides of a row have a value.
fn complete_blocks(row: &Row) -> usize {
    let blocks: BTreeSet<u32> = row.a.blocks.iter().copied().collect();
    blocks.into_iter().filter(|block| !of_block(&row.b.values, &row.b.blocks, *block).is_empty()).count()
}

impl Row {
    /// The row's band as ratios, for drawing beside its ratio; `None` where only a band in the row's unit exists.
    pub fn ratio_band(&self) -> Option<Interval> {
        if self.scale == Scale::Log {
            let band = stats::band(self.min_effect);
            return Some(Interval(band.low, band.high));
        }
        let relative = self.band_abs? / self.a.mean?.abs();
        relative.is_finite().then_some(Interval(1.0 - relative, 1.0 + relative))
    }
}
