//! Families: the rows that are corrected together, their q for the page, and their p for the gate (statistics.md, "Families and
//! q" and "The gate").

use crate::options::Correction;
use crate::verdict::Judgement;
use crate::{Family, Row};
use model::Role;

/// The share of alpha that the scores of categories have at the gate; the rows have the rest, or all of it without scores.
const SCORES_SHARE: f64 = 0.2;

/// The parts of alpha that the rows and the scores of categories have at the gate.
pub(crate) fn shares(alpha: f64, scored: bool) -> (f64, f64) {
    let scores = if scored { SCORES_SHARE * alpha } else { 0.0 };
    (alpha - scores, scores)
}

/// Which rows decide together: the primary ones, and all where none is primary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members {
    /// No row is primary.
    pub all_rows: bool,
}

impl Members {
    /// Those among rows of these roles.
    pub fn among(mut roles: impl Iterator<Item = Role>) -> Members {
        Members { all_rows: !roles.any(|role| role == Role::Primary) }
    }

    /// Whether a row of this role is one.
    pub fn has(self, role: Role) -> bool {
        self.all_rows || role == Role::Primary
    }
}

/// Sets q and the gate's p of every row of every family: one for each candidate, over all workloads, before any display
/// filter. `scored` says of each candidate whether its categories have scores at the gate.
///
/// The family is the primary rows with a p. When no row at all is primary, it is every row with a p.
pub(crate) fn correct(
    rows: &mut [Row],
    judgements: &mut [Judgement],
    scored: &[bool],
    correction: Correction,
    alpha: f64,
) -> Vec<Family> {
    let members = Members::among(rows.iter().map(|row| row.role));
    let mut families = Vec::with_capacity(scored.len());
    for (candidate, scored) in scored.iter().enumerate() {
        let belongs = |r: &Row| r.candidate == candidate && members.has(r.role);
        let tested: Vec<(usize, f64)> = (rows.iter().zip(&*judgements).enumerate())
            .filter(|(_, (row, _))| belongs(row))
            .filter_map(|(i, (_, judgement))| Some((i, judgement.testable_p()?)))
            .collect();
        let p: Vec<f64> = tested.iter().map(|(_, p)| *p).collect();
        let (q, holm) = (correction.adjust(&p), Correction::Holm.adjust(&p));
        for (((index, _), q), holm) in tested.iter().zip(&q).zip(&holm) {
            if let (Some(row), Some(judgement)) = (rows.get_mut(*index), judgements.get_mut(*index)) {
                (row.q, judgement.q, row.p_gate) = (Some(*q), Some(*q), Some(*holm));
            }
        }
        let (alpha_rows, alpha_scores) = shares(alpha, *scored);
        families.push(Family {
            candidate,
            size: tested.len(),
            all_rows: members.all_rows,
            decided: 0,
            alpha_rows,
            alpha_scores,
            variances: Vec::new(),
        });
    }
    families
}
