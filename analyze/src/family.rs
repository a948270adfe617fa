//! Families: the rows that are corrected together, and their q (statistics.md, "One model per row", 4).

use crate::options::Correction;
use crate::verdict::Judgement;
use crate::{Family, Row};
use model::Role;

/// Sets q of every row of every family: one for each candidate, over all workloads, before any display filter.
///
/// The family is the primary rows with a p. When no row at all is primary, it is every row with a p.
pub(crate) fn correct(
    rows: &mut [Row],
    judgements: &mut [Judgement],
    candidates: usize,
    correction: Correction,
) -> Vec<Family> {
    let all_rows = !rows.iter().any(|r| r.role == Role::Primary);
    let mut families = Vec::with_capacity(candidates);
    for candidate in 0..candidates {
        let belongs = |r: &Row| r.candidate == candidate && (all_rows || r.role == Role::Primary);
        let members: Vec<(usize, f64)> = (rows.iter().zip(&*judgements).enumerate())
            .filter(|(_, (row, _))| belongs(row))
            .filter_map(|(i, (_, judgement))| Some((i, judgement.testable_p()?)))
            .collect();
        let p: Vec<f64> = members.iter().map(|(_, p)| *p).collect();
        let q = match correction {
            Correction::Bh => stats::benjamini_hochberg(&p),
            Correction::Holm => stats::holm(&p),
        };
        for ((index, _), q) in members.iter().zip(&q) {
            if let (Some(row), Some(judgement)) = (rows.get_mut(*index), judgements.get_mut(*index)) {
                (row.q, judgement.q) = (Some(*q), Some(*q));
            }
        }
        families.push(Family { candidate, size: members.len(), all_rows });
    }
    families
}
