//! Rows at the gate that nothing was decided of, and that could not have shown a change worth a gate.

use super::{FailOn, Finding, counts};
use crate::{BlindRows, Reason, Row, Summary, Verdict};
use model::counted;

/// What a gate has to see: so many times a row's `min_effect`. One of exactly `min_effect` leaves the band half of the time.
const TIMES: f64 = 2.0;

/// Whether nothing was decided of a row that has too few or too unsteady replicates to detect twice its `min_effect`. That is
/// asked of the row alone, before any correction: what it misses alone the gate misses the more.
pub(super) fn is_blind(row: &Row) -> bool {
    if row.verdict != Verdict::Inconclusive || row.reason == Some(Reason::Failures) {
        return false;
    }
    let unknown = [Reason::Noisy, Reason::NoVariance, Reason::OneSession];
    match row.mde {
        _ if row.reason == Some(Reason::OneSession) => true,
        Some(mde) => mde.up > TIMES * row.min_effect,
        None => row.reason.is_some_and(|reason| unknown.contains(&reason)),
    }
}

/// The blind rows of a candidate that count at the gate; `None` without any.
pub(crate) fn of_rows(rows: &[Row], candidate: usize, all_rows: bool) -> Option<BlindRows> {
    let of = rows.iter().filter(|r| r.candidate == candidate && counts(r, all_rows) && is_blind(r));
    let effects: Vec<f64> = of.map(|row| TIMES * row.min_effect).collect();
    let effect = effects.iter().copied().reduce(f64::min)?;
    Some(BlindRows { rows: effects.len(), effect })
}

/// What of a candidate fails the gate as blind; rows that are told as INCONCLUSIVE already are not told twice.
pub(super) fn found(summary: &Summary, fail_on: &[FailOn]) -> Option<String> {
    let blind = summary.blind.filter(|_| !fail_on.contains(&FailOn::Inconclusive))?;
    let percent = (1000.0 * blind.effect).round() / 10.0;
    Finding::Blind
        .fails(fail_on)
        .then(|| format!("{} could not have shown a change of {percent}%", counted(blind.rows, "row")))
}
