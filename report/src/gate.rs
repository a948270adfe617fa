//! The gate in words: what came of it, and the scores of categories that count beside the rows.

use crate::numbers;
use analyze::{CategoryScore, Comparison, Family, Gate, Side, Verdict, gate};
use edge::visible;
use model::counted;

/// What came of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing that it names was found.
    Passed,
    /// Something was.
    Failed,
    /// No row that gates could be judged.
    NotDecided,
}

impl Outcome {
    /// By the exit code: what could not be judged has neither passed nor failed.
    pub fn of(gate: &Gate) -> Outcome {
        match gate.exit_code {
            gate::NOTHING => Outcome::NotDecided,
            gate::PASSED if !gate.failed => Outcome::Passed,
            _ => Outcome::Failed,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::NotDecided => "not decided (no row that gates could be judged)",
        }
    }
}

/// `netperf/TCP_RR as a whole`.
pub(crate) fn name(category: &CategoryScore) -> String {
    format!("{}/{}", visible(&category.workload), visible(&category.category))
}

/// `INCONCLUSIVE (noisy)`.
pub(crate) fn category_verdict(category: &CategoryScore) -> String {
    let reason = category.reason.map_or(String::new(), |reason| format!(" ({})", reason.word()));
    format!("{}{reason}", category.verdict.word())
}

/// `REGRESSED: ratio 0.921 [0.880, 0.964] over 6 rows, band from -4.76% to +5%, p at the gate 0.0040`.
pub(crate) fn category(category: &CategoryScore) -> String {
    format!(
        "{}: ratio {} over {}, band {}, p at the gate {}",
        category_verdict(category),
        numbers::ratio(category.score.ratio, category.score.ci),
        counted(category.score.rows, "row"),
        numbers::band(category.min_effect),
        numbers::exact_p(category.p_gate)
    )
}

/// The family of a candidate.
pub(crate) fn family(comparison: &Comparison, candidate: usize) -> Option<&Family> {
    comparison.families.iter().find(|f| f.candidate == candidate)
}

/// `0.04 of alpha is the rows', 0.01 the scores'`.
pub(crate) fn shares(family: &Family) -> String {
    let [rows, scores] = [family.alpha_rows, family.alpha_scores].map(numbers::trimmed);
    if family.alpha_scores > 0.0 {
        format!("{rows} of alpha is the share of rows, {scores} that of categories as a whole")
    } else {
        format!("all of alpha, {rows}, is the share of rows, because no category has a score")
    }
}

/// ` (3 of 12 undecided)`, of the rows that gate, where some are; of a gate that passed ` (10 of 10 rows undecided: with 2 boots a side
/// this gate could not have seen a change of 10%)`, where it could not have told one worth a gate.
pub(crate) fn open(comparison: &Comparison, gate: &Gate) -> String {
    let of = |verdict: Verdict| -> usize {
        comparison.summary.iter().filter_map(|summary| summary.primary.get(&verdict)).sum()
    };
    let all: usize = comparison.summary.iter().flat_map(|summary| summary.primary.values()).sum();
    let undecided = of(Verdict::Inconclusive) + of(Verdict::Invalid);
    let unseen = unseen(comparison, undecided).filter(|_| Outcome::of(gate) == Outcome::Passed);
    match (undecided, unseen) {
        (0, _) => String::new(),
        (open, None) => format!(" ({open} of {all} undecided)"),
        (open, Some(unseen)) => format!(" ({open} of {} undecided: {unseen})", counted(all, "row")),
    }
}

/// What the undecided rows could not have shown.
fn unseen(comparison: &Comparison, undecided: usize) -> Option<String> {
    let blind = || comparison.summary.iter().filter_map(|summary| summary.blind);
    let rows: usize = blind().map(|blind| blind.rows).sum();
    let effect = blind().map(|blind| blind.effect).reduce(f64::min)?;
    let boots = |side: &Side| side.boots.unwrap_or(side.repeats);
    let first = boots(&comparison.a);
    let with = match comparison.b.iter().all(|side| boots(side) == first) {
        true => format!("with {} a side ", counted(first, "boot")),
        false => String::new(),
    };
    let of = if rows < undecided { format!(" in {rows} of them") } else { String::new() };
    Some(format!("{with}this gate could not have seen a change of {}{of}", numbers::percent(effect)))
}
