//! The one function that decides verdicts (statistics.md, "Verdict").

use crate::{Reason, Verdict};
use model::Direction;

/// Which sides have the row at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Both.
    Both,
    /// Only the candidate.
    OnlyB,
    /// Only the baseline.
    OnlyA,
}

/// What the data allow to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// A side has fewer than two replicates (or, with blocks, fewer than two blocks are complete).
    OneReplicate,
    /// Each side is one number, repeated.
    Constant {
        /// It is the same number.
        equal: bool,
    },
    /// Values differ, yet the model finds no variance to test with.
    NoVariance,
    /// There is neither a ratio nor an absolute band to judge the difference by; the model has a p all the same.
    NoScale {
        /// Two-sided p of the model.
        p: f64,
    },
    /// An estimate with its test.
    Estimate(Estimate),
}

/// The outcome of the row's model, held against the row's band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Two-sided p of the model.
    pub p: f64,
    /// The estimate is positive: B is larger.
    pub up: bool,
    /// The estimate lies outside the band.
    pub outside_band: bool,
    /// The 90 % interval lies inside the band (TOST at 5 %).
    pub ci90_inside: bool,
    /// The smallest detectable effect exceeds the band, or is beyond any number.
    pub mde_exceeds_band: bool,
}

/// Everything that a verdict depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Which sides have the row.
    pub presence: Presence,
    /// The sides were measured alike, or `--force` says to go on.
    pub comparable: bool,
    /// What was computed.
    pub evidence: Evidence,
    /// The metric is deterministic (`exact = yes`).
    pub exact: bool,
    /// Which way is better.
    pub direction: Direction,
    /// p corrected within the family; `None` outside it, where the row's own p counts.
    pub q: Option<f64>,
    /// Level.
    pub alpha: f64,
}

impl Judgement {
    /// Whether the row's p belongs to a family: constants, missing and invalid rows are outside.
    pub fn testable_p(&self) -> Option<f64> {
        match (self.presence, self.comparable, self.evidence) {
            (Presence::Both, true, Evidence::Estimate(estimate)) => Some(estimate.p),
            (Presence::Both, true, Evidence::NoScale { p }) => Some(p),
            _ => None,
        }
    }
}

/// The verdict of a row and, where the word alone does not say it, why. The order of the questions is the definition.
pub fn verdict(row: &Judgement) -> (Verdict, Option<Reason>) {
    match row.presence {
        Presence::OnlyB => return (Verdict::MissingA, None),
        Presence::OnlyA => return (Verdict::MissingB, None),
        Presence::Both => {}
    }
    if row.evidence == Evidence::OneReplicate {
        return (Verdict::Invalid, Some(Reason::OneReplicate));
    }
    if !row.comparable {
        return (Verdict::Invalid, Some(Reason::NotComparable));
    }
    match row.evidence {
        Evidence::OneReplicate => (Verdict::Invalid, Some(Reason::OneReplicate)),
        Evidence::Constant { equal: true } => (Verdict::Equivalent, Some(Reason::Exact)),
        Evidence::Constant { equal: false } if row.exact => (Verdict::ExactChanged, None),
        Evidence::Constant { equal: false } | Evidence::NoVariance => {
            (Verdict::Inconclusive, Some(Reason::NoVariance))
        }
        Evidence::NoScale { .. } => (Verdict::Inconclusive, Some(Reason::NoScale)),
        Evidence::Estimate(estimate) => of_estimate(row, &estimate),
    }
}

/// Whether a change was found: by q inside a family, by the row's own p outside it. Alpha itself is significant.
pub(crate) fn is_significant(q: Option<f64>, p: f64, alpha: f64) -> bool {
    q.unwrap_or(p) <= alpha
}

fn of_estimate(row: &Judgement, estimate: &Estimate) -> (Verdict, Option<Reason>) {
    if estimate.ci90_inside {
        return (Verdict::Equivalent, None);
    }
    let significant = is_significant(row.q, estimate.p, row.alpha);
    if significant && estimate.outside_band {
        let verdict = match (row.direction, estimate.up) {
            (Direction::HigherIsBetter, true) | (Direction::LowerIsBetter, false) => Verdict::Improved,
            (Direction::HigherIsBetter, false) | (Direction::LowerIsBetter, true) => Verdict::Regressed,
            (Direction::Informational, true) => Verdict::ChangedUp,
            (Direction::Informational, false) => Verdict::ChangedDown,
        };
        return (verdict, None);
    }
    let reason = if significant {
        Reason::Small
    } else if estimate.p <= row.alpha {
        Reason::Suggestive
    } else if estimate.mde_exceeds_band {
        Reason::Noisy
    } else {
        Reason::Open
    };
    (Verdict::Inconclusive, Some(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTIMATE: Estimate =
        Estimate { p: 0.5, up: true, outside_band: false, ci90_inside: false, mde_exceeds_band: false };
    const ROW: Judgement = Judgement {
        presence: Presence::Both,
        comparable: true,
        evidence: Evidence::Estimate(ESTIMATE),
        exact: false,
        direction: Direction::HigherIsBetter,
        q: None,
        alpha: 0.05,
    };

    fn estimate(change: impl Fn(&mut Estimate)) -> Evidence {
        let mut e = ESTIMATE;
        change(&mut e);
        Evidence::Estimate(e)
    }

    /// One line for each verdict and reason (a table, hence the length); the order of the questions is tested by rows that two answers would fit.
    #[test]
    fn every_verdict_and_reason_is_reached_in_the_order_of_the_definition() {
        use Direction::*;
        use Verdict::*;
        let low_p_out = |up| estimate(|e| (e.p, e.outside_band, e.up) = (0.001, true, up));
        let table: Vec<(Judgement, Verdict, Option<Reason>)> = vec![
            (Judgement { presence: Presence::OnlyB, comparable: false, ..ROW }, MissingA, None),
            (
                Judgement { presence: Presence::OnlyA, evidence: Evidence::OneReplicate, ..ROW },
                MissingB,
                None,
            ),
            (
                Judgement { evidence: Evidence::OneReplicate, comparable: false, ..ROW },
                Invalid,
                Some(Reason::OneReplicate),
            ),
            (
                Judgement { evidence: Evidence::Constant { equal: true }, comparable: false, ..ROW },
                Invalid,
                Some(Reason::NotComparable),
            ),
            (
                Judgement { evidence: Evidence::Constant { equal: true }, ..ROW },
                Equivalent,
                Some(Reason::Exact),
            ),
            (
                Judgement { evidence: Evidence::Constant { equal: false }, exact: true, ..ROW },
                ExactChanged,
                None,
            ),
            (
                Judgement { evidence: Evidence::Constant { equal: false }, ..ROW },
                Inconclusive,
                Some(Reason::NoVariance),
            ),
            (
                Judgement { evidence: Evidence::NoVariance, exact: true, ..ROW },
                Inconclusive,
                Some(Reason::NoVariance),
            ),
            (
                Judgement { evidence: Evidence::NoScale { p: 1e-9 }, ..ROW },
                Inconclusive,
                Some(Reason::NoScale),
            ),
            // Significant and yet inside the band: equivalent, because TOST is asked first.
            (
                Judgement { evidence: estimate(|e| (e.p, e.ci90_inside) = (1e-9, true)), ..ROW },
                Equivalent,
                None,
            ),
            (Judgement { evidence: low_p_out(true), ..ROW }, Improved, None),
            (Judgement { evidence: low_p_out(false), ..ROW }, Regressed, None),
            (Judgement { evidence: low_p_out(true), direction: LowerIsBetter, ..ROW }, Regressed, None),
            (Judgement { evidence: low_p_out(false), direction: LowerIsBetter, ..ROW }, Improved, None),
            (Judgement { evidence: low_p_out(true), direction: Informational, ..ROW }, ChangedUp, None),
            (Judgement { evidence: low_p_out(false), direction: Informational, ..ROW }, ChangedDown, None),
            (
                Judgement { evidence: estimate(|e| (e.p, e.mde_exceeds_band) = (0.001, true)), ..ROW },
                Inconclusive,
                Some(Reason::Small),
            ),
            (
                Judgement { evidence: low_p_out(true), q: Some(0.2), ..ROW },
                Inconclusive,
                Some(Reason::Suggestive),
            ),
            (
                Judgement {
                    evidence: estimate(|e| (e.p, e.mde_exceeds_band) = (0.05, true)),
                    q: Some(0.051),
                    ..ROW
                },
                Inconclusive,
                Some(Reason::Suggestive),
            ),
            (
                Judgement { evidence: estimate(|e| e.mde_exceeds_band = true), ..ROW },
                Inconclusive,
                Some(Reason::Noisy),
            ),
            (ROW, Inconclusive, Some(Reason::Open)),
        ];
        for (row, word, reason) in &table {
            assert_eq!(verdict(row), (*word, *reason), "{row:?}");
        }
        for word in Verdict::ALL {
            assert!(table.iter().any(|(_, v, _)| *v == word), "{} is in the table", word.word());
        }
    }

    #[test]
    fn alpha_itself_is_significant() {
        let evidence = estimate(|e| (e.p, e.outside_band) = (0.05, true));
        assert_eq!(verdict(&Judgement { evidence, q: Some(0.05), ..ROW }).0, Verdict::Improved);
    }
}
