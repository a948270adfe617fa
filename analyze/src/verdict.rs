//! The one function that decides verdicts (statistics.md, "Verdict").

use crate::{FailedSide, Reason, Verdict};
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
    /// Each side is one number, repeated, or what the model looks at varies by rounding alone.
    Constant {
        /// It is the same number.
        equal: bool,
        /// The estimate, a point, with the exact p.
        estimate: Estimate,
    },
    /// The model cannot be computed.
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
    /// Whose measurements failed, where that is one side alone.
    pub failed: Option<FailedSide>,
    /// The sides were not measured in turns, and nothing tells how much sessions differ: no test decides.
    pub one_session: bool,
}

impl Judgement {
    /// The row's p, when it belongs to a family: equal constants, deterministic metrics, missing and invalid rows are outside.
    pub fn testable_p(&self) -> Option<f64> {
        match (self.presence, self.comparable, self.evidence) {
            (Presence::Both, true, Evidence::Estimate(estimate)) => Some(estimate.p),
            (Presence::Both, true, Evidence::NoScale { p }) => Some(p),
            (Presence::Both, true, Evidence::Constant { equal: false, estimate }) if !self.exact => {
                Some(estimate.p)
            }
            _ => None,
        }
    }
}

/// The verdict of a row and, where the word alone does not say it, why. The order of the questions is the definition.
///
/// Measurements that failed on one side are a finding of their own: what is left of that side is a choice, which can show
/// neither that nothing changed nor that something got better.
pub fn verdict(row: &Judgement) -> (Verdict, Option<Reason>) {
    match row.presence {
        Presence::OnlyB => return (Verdict::MissingA, None),
        Presence::OnlyA => return (Verdict::MissingB, None),
        Presence::Both => {}
    }
    if row.evidence == Evidence::OneReplicate {
        let reason = if row.failed.is_some() { Reason::Failures } else { Reason::OneReplicate };
        return (Verdict::Invalid, Some(reason));
    }
    if !row.comparable {
        return (Verdict::Invalid, Some(Reason::NotComparable));
    }
    let (verdict, reason) = match of_values(row) {
        found if is_capped(row, found) => (Verdict::Inconclusive, Some(Reason::OneSession)),
        found => found,
    };
    match verdict {
        Verdict::Equivalent | Verdict::Improved | Verdict::Inconclusive if row.failed.is_some() => {
            (Verdict::Inconclusive, Some(Reason::Failures))
        }
        _ => (verdict, reason),
    }
}

/// Whether a finding rests on a test that takes sessions for equal where they are not known to be. What every boot of both
/// sides gives alike, and what a deterministic metric gives, rests on none.
fn is_capped(row: &Judgement, (_, reason): (Verdict, Option<Reason>)) -> bool {
    let deterministic = row.exact && matches!(row.evidence, Evidence::Constant { .. });
    row.one_session && !deterministic && reason != Some(Reason::Exact)
}

fn of_values(row: &Judgement) -> (Verdict, Option<Reason>) {
    match row.evidence {
        Evidence::OneReplicate => (Verdict::Invalid, Some(Reason::OneReplicate)),
        Evidence::Constant { equal: true, .. } => (Verdict::Equivalent, Some(Reason::Exact)),
        // Of a deterministic metric any difference is a change, but for one that perf.conf says not to matter.
        Evidence::Constant { estimate, .. } if row.exact && estimate.ci90_inside => {
            (Verdict::Equivalent, None)
        }
        Evidence::Constant { estimate, .. } if row.exact => {
            (changed(row.direction, estimate.up), Some(Reason::Exact))
        }
        Evidence::Constant { estimate, .. } => match of_estimate(row, &estimate) {
            (Verdict::Inconclusive, Some(Reason::Noisy | Reason::Open)) => {
                (Verdict::Inconclusive, Some(Reason::NoVariance))
            }
            other => other,
        },
        Evidence::NoVariance => (Verdict::Inconclusive, Some(Reason::NoVariance)),
        Evidence::NoScale { .. } => (Verdict::Inconclusive, Some(Reason::NoScale)),
        Evidence::Estimate(estimate) => of_estimate(row, &estimate),
    }
}

/// The word for a change.
pub(crate) fn changed(direction: Direction, up: bool) -> Verdict {
    match (direction, up) {
        (Direction::HigherIsBetter, true) | (Direction::LowerIsBetter, false) => Verdict::Improved,
        (Direction::HigherIsBetter, false) | (Direction::LowerIsBetter, true) => Verdict::Regressed,
        (Direction::Informational, true) => Verdict::ChangedUp,
        (Direction::Informational, false) => Verdict::ChangedDown,
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
        return (changed(row.direction, estimate.up), None);
    }
    let reason = if significant {
        Reason::ChangedSmall
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
        failed: None,
        one_session: false,
    };

    fn estimate(change: impl Fn(&mut Estimate)) -> Evidence {
        let mut e = ESTIMATE;
        change(&mut e);
        Evidence::Estimate(e)
    }

    fn constant(equal: bool, change: impl Fn(&mut Estimate)) -> Evidence {
        let mut e = ESTIMATE;
        change(&mut e);
        Evidence::Constant { equal, estimate: e }
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
                Judgement { evidence: Evidence::OneReplicate, failed: Some(FailedSide::Candidate), ..ROW },
                Invalid,
                Some(Reason::Failures),
            ),
            (
                Judgement { evidence: constant(true, |_| ()), comparable: false, ..ROW },
                Invalid,
                Some(Reason::NotComparable),
            ),
            (Judgement { evidence: constant(true, |_| ()), ..ROW }, Equivalent, Some(Reason::Exact)),
            // Deterministic metrics: any difference is a change, whatever the p.
            (
                Judgement { evidence: constant(false, |e| e.p = 1.0), exact: true, ..ROW },
                Improved,
                Some(Reason::Exact),
            ),
            (
                Judgement { evidence: constant(false, |e| e.ci90_inside = true), exact: true, ..ROW },
                Equivalent,
                None,
            ),
            (
                Judgement {
                    evidence: constant(false, |e| e.up = false),
                    exact: true,
                    direction: Informational,
                    ..ROW
                },
                ChangedDown,
                Some(Reason::Exact),
            ),
            (
                Judgement { evidence: constant(false, |e| (e.p, e.outside_band) = (0.008, true)), ..ROW },
                Improved,
                None,
            ),
            (Judgement { evidence: constant(false, |e| e.ci90_inside = true), ..ROW }, Equivalent, None),
            (
                Judgement { evidence: constant(false, |e| e.outside_band = true), ..ROW },
                Inconclusive,
                Some(Reason::NoVariance),
            ),
            (
                Judgement { evidence: Evidence::NoVariance, exact: true, ..ROW },
                Inconclusive,
                Some(Reason::NoVariance),
            ),
            // One-sided failures: nothing is shown equal or better, but what is slower stays slower.
            (
                Judgement {
                    evidence: estimate(|e| e.ci90_inside = true),
                    failed: Some(FailedSide::Candidate),
                    ..ROW
                },
                Inconclusive,
                Some(Reason::Failures),
            ),
            (
                Judgement { evidence: low_p_out(true), failed: Some(FailedSide::Candidate), ..ROW },
                Inconclusive,
                Some(Reason::Failures),
            ),
            (
                Judgement { evidence: low_p_out(false), failed: Some(FailedSide::Candidate), ..ROW },
                Regressed,
                None,
            ),
            (
                Judgement { evidence: Evidence::NoScale { p: 1e-9 }, ..ROW },
                Inconclusive,
                Some(Reason::NoScale),
            ),
            // One session a side: no test decides, whatever it says; what no test says stands, and failures say more.
            (
                Judgement { evidence: low_p_out(false), one_session: true, ..ROW },
                Inconclusive,
                Some(Reason::OneSession),
            ),
            (
                Judgement { evidence: estimate(|e| e.ci90_inside = true), one_session: true, ..ROW },
                Inconclusive,
                Some(Reason::OneSession),
            ),
            (
                Judgement {
                    evidence: low_p_out(false),
                    one_session: true,
                    failed: Some(FailedSide::Candidate),
                    ..ROW
                },
                Inconclusive,
                Some(Reason::Failures),
            ),
            (
                Judgement { evidence: constant(true, |_| ()), one_session: true, ..ROW },
                Equivalent,
                Some(Reason::Exact),
            ),
            (
                Judgement { evidence: constant(false, |_| ()), one_session: true, exact: true, ..ROW },
                Improved,
                Some(Reason::Exact),
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
                Some(Reason::ChangedSmall),
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
