//! How a verdict was reached: the questions of [`crate::verdict`] in their order, each with the row's answer.
//!
//! Reports put them into words (`report::explain`); what was asked and what came out is said here alone.

use crate::row::{REPLICATES, ratio_band};
use crate::verdict::is_significant;
use crate::{CategoryScore, Comparison, Interval, Reason, Row, Sample, Verdict};
use model::Scale;

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
    /// Do enough hosts count? Asked only where the sides were measured on several and too few do.
    Hosts {
        /// Hosts that the estimate rests on.
        counted: usize,
        /// So many the model needs.
        needed: usize,
    },
    /// Were the sides measured in turns? Asked only where they were not, and a side has a single session.
    OneSession,
    /// Does the 90 % interval lie inside the band?
    Equivalent {
        /// What is estimated.
        of: Estimated,
        /// Its 90 % interval.
        ci90: Interval,
        /// The band.
        band: Interval,
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
    /// Is there a change of a category as a whole?
    AtGate {
        /// p corrected over the categories.
        p: f64,
        /// The scores' share of alpha.
        alpha: f64,
        /// The p is at most that.
        holds: bool,
    },
    /// Is the change large enough to matter?
    Large {
        /// What is estimated.
        of: Estimated,
        /// The best estimate.
        value: f64,
        /// The band.
        band: Interval,
        /// It lies outside.
        outside: bool,
    },
}

/// What a row's model estimates and its band is a band of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimated {
    /// B / A.
    Ratio,
    /// B - A in the row's unit.
    Difference,
}

/// The answers that led to a row's verdict; none for a row that a side lacks.
pub fn grounds(comparison: &Comparison, row: &Row) -> Vec<Ground> {
    if matches!(row.verdict, Verdict::MissingA | Verdict::MissingB) {
        return Vec::new();
    }
    let left = |side: &Sample| if row.verdict == Verdict::Invalid { side.left_out.len() } else { 0 };
    let (a, b) = (row.a.n + left(&row.a), row.b.n + left(&row.b));
    let mut out = vec![Ground::Replicates { a, b, needed: REPLICATES }];
    match row.reason {
        Some(Reason::OneReplicate) if let Some(hosts) = row.hosts.as_deref() => {
            let needed = if hosts.random { REPLICATES } else { 1 };
            out.push(Ground::Hosts { counted: hosts.counted, needed });
        }
        Some(Reason::OneReplicate) => {
            if a.min(b) >= REPLICATES {
                out.push(Ground::Blocks { complete: row.n_min, needed: REPLICATES });
            }
        }
        Some(Reason::Failures) if row.verdict == Verdict::Invalid => {}
        Some(Reason::OneSession) => {
            out.push(Ground::OneSession);
            tested(row, comparison.method.alpha, &mut out);
        }
        Some(Reason::NotComparable | Reason::Exact | Reason::NoVariance) => {}
        _ => tested(row, comparison.method.alpha, &mut out),
    }
    out
}

/// The answers that led to the verdict of a category as a whole.
pub fn grounds_of_category(comparison: &Comparison, candidate: usize, of: &CategoryScore) -> Vec<Ground> {
    let band = ratio_band(Scale::Log, of.min_effect);
    let band = Interval(band.low, band.high);
    let inside = band.0 <= of.ci90.0 && of.ci90.1 <= band.1;
    let mut out = vec![Ground::Equivalent { of: Estimated::Ratio, ci90: of.ci90, band, inside }];
    if let Some(family) = comparison.families.iter().find(|f| f.candidate == candidate) {
        let (p, alpha) = (of.p_gate, family.alpha_scores);
        out.push(Ground::AtGate { p, alpha, holds: p <= alpha });
    }
    let value = of.score.ratio;
    let outside = value < band.0 || band.1 < value;
    out.push(Ground::Large { of: Estimated::Ratio, value, band, outside });
    out
}

/// The questions that a test answers.
fn tested(row: &Row, alpha: f64, out: &mut Vec<Ground>) {
    let absolute = row.min_effect_abs.filter(|b| *b > 0.0).map(|b| Interval(-b, b));
    let within = |ci: Interval, band: Interval| band.0 <= ci.0 && ci.1 <= band.1;
    if let Some(ci90) = row.ratio_ci90 {
        let band = relative(row);
        out.push(Ground::Equivalent { of: Estimated::Ratio, ci90, band, inside: within(ci90, band) });
    }
    if let (Some(ci90), Some(band)) = (row.diff_ci90, absolute) {
        out.push(Ground::Equivalent { of: Estimated::Difference, ci90, band, inside: within(ci90, band) });
    }
    if let Some(p) = row.q.or(row.p_model) {
        let holds = is_significant(row.q, p, alpha);
        out.push(Ground::Significant { corrected: row.q.is_some(), p, alpha, holds });
    }
    let outside = |value: f64, band: Interval| value < band.0 || band.1 < value;
    match (row.scale, row.ratio, row.diff) {
        (Scale::Linear, _, Some(value)) => {
            if let Some(band) = row.band_abs.map(|b| Interval(-b, b)) {
                let outside = outside(value, band);
                out.push(Ground::Large { of: Estimated::Difference, value, band, outside });
            }
        }
        (Scale::Log, Some(value), diff) => {
            let band = relative(row);
            out.push(Ground::Large { of: Estimated::Ratio, value, band, outside: outside(value, band) });
            if let (Some(value), Some(band)) = (diff, absolute) {
                let outside = outside(value, band);
                out.push(Ground::Large { of: Estimated::Difference, value, band, outside });
            }
        }
        _ => {}
    }
}

/// The row's band of ratios.
fn relative(row: &Row) -> Interval {
    let band = ratio_band(row.scale, row.min_effect);
    Interval(band.low, band.high)
}

impl Row {
    /// The smallest difference that matters (`min_effect_abs`), where it alone shows the row to be EQUIVALENT: the interval of
    /// the ratio does not lie inside the band.
    pub fn equal_within(&self) -> Option<f64> {
        let band = relative(self);
        let by_ratio = self.ratio_ci90.is_some_and(|ci90| band.0 <= ci90.0 && ci90.1 <= band.1);
        let asked = self.verdict == Verdict::Equivalent && self.reason.is_none() && !by_ratio;
        self.min_effect_abs.filter(|b| asked && *b > 0.0)
    }

    /// The row's band as ratios, for drawing beside its ratio; `None` where only a band in the row's unit exists.
    pub fn ratio_band(&self) -> Option<Interval> {
        if self.scale == Scale::Log {
            return Some(relative(self));
        }
        let relative = self.band_abs? / self.a.mean?.abs();
        relative.is_finite().then_some(Interval(1.0 - relative, 1.0 + relative))
    }
}
