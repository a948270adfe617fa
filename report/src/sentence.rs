//! The comparison in one sentence, and the counts behind it.

use crate::numbers;
use analyze::{Comparison, Summary, Verdict};
use edge::visible;
use std::collections::BTreeMap;

/// What the sentence of one candidate counts.
pub(crate) struct Counts<'a> {
    /// Verdicts of the rows that gate.
    pub verdicts: &'a BTreeMap<Verdict, usize>,
    /// Their number.
    pub total: usize,
    /// `primary row` or, when no metric was declared primary, `row`.
    pub noun: &'static str,
}

/// The rows that gate, counted for one candidate.
pub(crate) fn counts<'a>(comparison: &Comparison, summary: &'a Summary) -> Counts<'a> {
    let all = comparison.families.iter().any(|f| f.candidate == summary.candidate && f.all_rows);
    let verdicts = if all { &summary.all } else { &summary.primary };
    Counts { verdicts, total: verdicts.values().sum(), noun: if all { "row" } else { "primary row" } }
}

/// The label of a candidate.
pub(crate) fn candidate_label(comparison: &Comparison, candidate: usize) -> String {
    match comparison.b.get(candidate) {
        Some(side) => visible(&side.label).into_owned(),
        None => format!("candidate {}", candidate + 1),
    }
}

/// One sentence for each candidate:
/// `next against base: 3 of 48 primary rows regressed and 1 improved; 12 are inconclusive (...), 32 equivalent within ±5%.`
pub fn sentence(comparison: &Comparison) -> Vec<String> {
    comparison.summary.iter().map(|s| of_candidate(comparison, s)).collect()
}

fn of_candidate(comparison: &Comparison, summary: &Summary) -> String {
    let head = format!(
        "{} against {}: ",
        candidate_label(comparison, summary.candidate),
        visible(&comparison.a.label)
    );
    let counts = counts(comparison, summary);
    if counts.total == 0 {
        let rows: usize = summary.all.values().sum();
        return if rows == 0 {
            format!("{head}nothing was compared, there are no rows.")
        } else {
            format!("{head}no primary row was compared; {rows} other rows are below.")
        };
    }
    let get = |v| counts.verdicts.get(&v).copied().unwrap_or(0);
    let known = |v| match summary.expected.get(&v) {
        Some(n) if *n > 0 => format!(" ({n} known)"),
        _ => String::new(),
    };
    let rows = if counts.total == 1 { counts.noun.to_owned() } else { format!("{}s", counts.noun) };
    let regressed = match get(Verdict::Regressed) {
        0 => format!("no regression was found in {} {rows}", counts.total),
        n => format!("{n} of {} {rows} regressed{}", counts.total, known(Verdict::Regressed)),
    };
    let mut found = vec![regressed];
    push(&mut found, get(Verdict::Improved), &format!("improved{}", known(Verdict::Improved)));
    push(&mut found, get(Verdict::ChangedUp) + get(Verdict::ChangedDown), "changed");
    let exactly = format!("changed exactly{}", known(Verdict::ExactChanged));
    push(&mut found, get(Verdict::ExactChanged), &exactly);
    let mut rest = Vec::new();
    push(&mut rest, get(Verdict::Inconclusive), "inconclusive (not shown to be equal)");
    push(&mut rest, get(Verdict::Equivalent), &format!("equivalent within {}", band(comparison)));
    push(&mut rest, get(Verdict::MissingA) + get(Verdict::MissingB), "missing on one side");
    push(&mut rest, get(Verdict::Invalid), "invalid");
    let tail = if rest.is_empty() { String::new() } else { format!("; {}", listed(&rest)) };
    format!("{head}{}{tail}.", listed(&found))
}

fn push(parts: &mut Vec<String>, count: usize, what: &str) {
    if count > 0 {
        parts.push(format!("{count} {what}"));
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// `±5%`, or `their bands` when rows differ.
pub(crate) fn band(comparison: &Comparison) -> String {
    let first = comparison.rows.first().map_or(comparison.method.min_effect, |r| r.min_effect);
    if comparison.rows.iter().all(|r| r.min_effect == first) {
        format!("±{}", numbers::percent(first))
    } else {
        "their bands".to_owned()
    }
}

/// The family of a candidate: `family of 48 primary rows, Benjamini-Hochberg`.
pub(crate) fn family(comparison: &Comparison, candidate: usize) -> Option<String> {
    let family = comparison.families.iter().find(|f| f.candidate == candidate)?;
    let rows = if family.size == 1 { "row" } else { "rows" };
    let what =
        if family.all_rows { format!("{rows} (no metric is primary)") } else { format!("primary {rows}") };
    Some(format!("family of {} {what}, {}", family.size, correction(&comparison.method.correction)))
}

/// The correction by its authors' names.
pub(crate) fn correction(name: &str) -> String {
    match name {
        "bh" => "Benjamini-Hochberg".to_owned(),
        "holm" => "Holm".to_owned(),
        other => visible(other).into_owned(),
    }
}
