//! What to do after a comparison, with the command to type.

use crate::command_line::command_line;
use crate::whom;
use analyze::{Comparison, Summary, Verdict};

/// What to do about a candidate.
pub(crate) enum Next {
    /// Look at the worst row, the gravest of those that can gate: its place in [`Comparison::rows`], and what to type.
    Explain(usize, String),
    /// Read why no row could be judged.
    Notes,
    /// Measure more boots: what to type to see how many.
    Plan(String),
    /// Nothing has to be done.
    Nothing,
}

/// What to do about a candidate. `worst`: the place of the gravest row that can gate.
pub(crate) fn next(comparison: &Comparison, summary: &Summary, worst: Option<usize>) -> Next {
    // Several hosts are given as a whole, whatever is asked of them.
    let given = whom::given(comparison);
    let typed = |verb: &str, sides: &[&str], row: Option<&str>| {
        let given = given.iter().map(String::as_str);
        let sides = given.chain(sides.iter().copied().filter(|_| comparison.hosts.is_none()));
        let words = ["perfvt", verb].into_iter().chain(sides).chain(row);
        command_line(&words.map(str::to_owned).collect::<Vec<_>>())
    };
    let a = comparison.a.path.as_str();
    let b = comparison.b.get(summary.candidate).map_or("", |side| side.path.as_str());
    let row = worst.and_then(|at| Some((at, comparison.rows.get(at)?)));
    let open = crate::sentence::counts(comparison, summary).verdicts.get(&Verdict::Inconclusive).copied();
    match row {
        Some((at, row)) if row.verdict == Verdict::Regressed => {
            Next::Explain(at, typed("explain", &[a, b], Some(&row.id)))
        }
        _ if summary.comparable_primary() == 0 => Next::Notes,
        _ if open.unwrap_or(0) > 0 => Next::Plan(typed("plan", &[a], None)),
        _ => Next::Nothing,
    }
}
