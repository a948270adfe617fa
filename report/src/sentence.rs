//! The comparison in one sentence, and the counts behind it.

use crate::numbers::{self, significant};
use crate::whom;
use analyze::{CommonVariance, Comparison, FailureVerdict, Row, Summary, Verdict};
use edge::visible;
use model::counted;
use model::{Role, Scale};
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

/// The row belongs to the family that was corrected and that can gate.
pub(crate) fn gates(comparison: &Comparison, row: &Row) -> bool {
    row.role == Role::Primary
        || comparison.families.iter().any(|f| f.candidate == row.candidate && f.all_rows)
}

/// The label of a candidate.
pub(crate) fn candidate_label(comparison: &Comparison, candidate: usize) -> String {
    match comparison.b.get(candidate) {
        Some(side) => visible(&side.label).into_owned(),
        None => format!("candidate {}", candidate + 1),
    }
}

/// One sentence for each candidate:
/// `next against base: 2 regressions (3 rows) of 48 primary rows and 1 improvement; 12 inconclusive (..) and 32
/// equivalent (m = 5%).`
pub fn sentence(comparison: &Comparison) -> Vec<String> {
    comparison.summary.iter().map(|s| of_candidate(comparison, s)).collect()
}

fn of_candidate(comparison: &Comparison, summary: &Summary) -> String {
    let whom = whom::whom(comparison).map_or(String::new(), |whom| format!(" {whom}"));
    let head = format!(
        "{} against {}{whom}: ",
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
    let rows = if counts.total == 1 { counts.noun.to_owned() } else { format!("{}s", counts.noun) };
    let mut found = broken(comparison, summary);
    let worse = summary.categories.iter().filter(|c| c.verdict == Verdict::Regressed).count();
    if worse > 0 {
        let noun = if worse == 1 { "category" } else { "categories" };
        found.push(format!("{worse} {noun} regressed as a whole"));
    }
    let nothing_worse = match found.is_empty() {
        _ if summary.comparable_primary() == 0 => nothing_decided(&counts),
        true => format!("no regression was found in {} {rows}", counts.total),
        false => format!("no other regression was found in {} {rows}", counts.total),
    };
    let regressed = of_events(summary, &counts, Verdict::Regressed, "regression");
    found.push(regressed.map_or(nothing_worse, |text| format!("{text} of {} {rows}", counts.total)));
    found.extend(of_events(summary, &counts, Verdict::Improved, "improvement"));
    push(&mut found, get(Verdict::ChangedUp) + get(Verdict::ChangedDown), "changed");
    let all = |v| summary.all.get(&v).copied().unwrap_or(0);
    let others = all(Verdict::Regressed) - get(Verdict::Regressed).min(all(Verdict::Regressed));
    if others > 0 {
        found.push(format!(
            "{} that {} not gate regressed",
            counted(others, "row"),
            if others == 1 { "does" } else { "do" }
        ));
    }
    let mut rest = Vec::new();
    push(&mut rest, get(Verdict::Inconclusive), "inconclusive (not shown to be equal)");
    let own = |row: &&Row| row.candidate == summary.candidate && gates(comparison, row);
    let within = comparison.rows.iter().filter(own).filter(|row| row.equal_within().is_some()).count();
    let within = if within > 0 { format!(", {within} by min_effect_abs") } else { String::new() };
    push(&mut rest, get(Verdict::Equivalent), &format!("equivalent ({}{within})", band(comparison)));
    push(&mut rest, get(Verdict::MissingA) + get(Verdict::MissingB), "missing on one side");
    push(&mut rest, get(Verdict::Invalid), "invalid");
    let tail = if rest.is_empty() { String::new() } else { format!("; {}", listed(&rest)) };
    format!("{head}{}{tail}.", listed(&found))
}

/// Why nothing was decided.
pub(crate) fn nothing_decided(counts: &Counts<'_>) -> String {
    format!("nothing was decided, because none of {} could be judged", counted(counts.total, counts.noun))
}

/// Changes as events: rows of one case that changed alike are one. `2 regressions (3 rows, 1 known)`.
fn of_events(summary: &Summary, counts: &Counts<'_>, verdict: Verdict, noun: &str) -> Option<String> {
    let rows = counts.verdicts.get(&verdict).copied().filter(|n| *n > 0)?;
    let events = summary.events.get(&verdict).copied().unwrap_or(rows);
    let known = summary.expected.get(&verdict).copied().filter(|n| *n > 0);
    let several = (events != rows).then(|| counted(rows, "row"));
    let said: Vec<String> = several.into_iter().chain(known.map(|n| format!("{n} known"))).collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    Some(format!("{}{said}", counted(events, noun)))
}

/// What broke: it stands before everything that was measured.
pub(crate) fn broken(comparison: &Comparison, summary: &Summary) -> Vec<String> {
    let own = |f: &&analyze::CaseFailures| f.candidate == summary.candidate;
    let failures = || comparison.failures.iter().filter(own).filter(|f| f.expected.is_none());
    let more = failures().filter(|f| f.verdict == FailureVerdict::FailsMore).count();
    let alone = failures().filter(|f| f.verdict == FailureVerdict::Undecided && f.is_worse()).count();
    let mut out = Vec::new();
    let died: usize = failures().map(|f| f.crashes).sum();
    if more > 0 {
        let verb = if more == 1 { "fails" } else { "fail" };
        out.push(format!("{} {verb} more often (FAILS-MORE)", counted(more, "case")));
    }
    if alone > 0 {
        out.push(format!("{} failed on the candidate only", counted(alone, "case")));
    }
    if died > 0 {
        out.push(format!("{} of the candidate alone died", counted(died, "guest")));
    }
    let known = comparison.failures.iter().filter(own).filter(|f| f.expected.is_some()).count();
    if known > 0 {
        let verb = if known == 1 { "fails" } else { "fail" };
        out.push(format!("{} {verb}, which is known", counted(known, "case")));
    }
    out
}

/// A clause as it begins a sentence.
pub(crate) fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn push(parts: &mut Vec<String>, count: usize, what: &str) {
    if count > 0 {
        parts.push(format!("{count} {what}"));
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What the band is in the terms of the rows that there are: `m = 5%: from -4.76% to +5%, which is 1/(1+m) to 1+m; on the
/// linear scale ±5% of A's mean`.
pub(crate) fn band_in_full(comparison: &Comparison) -> String {
    let m = common_band(comparison);
    let log =
        m.map_or("1/(1+m) to 1+m".to_owned(), |m| format!("{}, which is 1/(1+m) to 1+m", numbers::band(m)));
    let linear = m.map_or("±m of A's mean".to_owned(), |m| format!("±{} of A's mean", numbers::percent(m)));
    let has = |scale| comparison.rows.iter().any(|r| r.scale == scale);
    let what = match (has(Scale::Log), has(Scale::Linear)) {
        (false, true) => linear,
        (true, true) => format!("{log}; on the linear scale {linear}"),
        (_, false) => log,
    };
    format!("{}: {what}", band(comparison))
}

/// m, where all rows have the same.
fn common_band(comparison: &Comparison) -> Option<f64> {
    let first = comparison.rows.first().map_or(comparison.method.min_effect, |r| r.min_effect);
    comparison.rows.iter().all(|r| r.min_effect == first).then_some(first)
}

/// `m = 5%`, or `m of each row` when rows differ.
pub(crate) fn band(comparison: &Comparison) -> String {
    common_band(comparison).map_or("m of each row".to_owned(), |m| format!("m = {}", numbers::percent(m)))
}

/// The family of a candidate: `family of 48 primary rows, Benjamini-Hochberg`.
pub(crate) fn family(comparison: &Comparison, candidate: usize) -> Option<String> {
    let family = comparison.families.iter().find(|f| f.candidate == candidate)?;
    let rows = if family.size == 1 { "row" } else { "rows" };
    let what =
        if family.all_rows { format!("{rows} (no metric is primary)") } else { format!("primary {rows}") };
    let mut text = format!("family of {} {what}, {}", family.size, correction(&comparison.method.correction));
    if comparison.method.variance == "moderated" {
        text.push_str(&format!(", {}", variances(&family.variances)));
    }
    Some(text)
}

/// What the variances of a family's rows have in common: `variances moderated (24 log rows: d0 = 3.1, s0 = 2.9 %)`.
fn variances(found: &[CommonVariance]) -> String {
    let one = |found: &CommonVariance| {
        let df = found.df.map_or("infinite".to_owned(), |df| significant(df, 3));
        format!("{} {} rows: d0 = {df}, s0^2 = {}", found.rows, found.scale, significant(found.variance, 3))
    };
    match found {
        [] => "no variance moderated".to_owned(),
        found => format!("variances moderated ({})", found.iter().map(one).collect::<Vec<_>>().join("; ")),
    }
}

/// The correction by its authors' names.
pub(crate) fn correction(name: &str) -> String {
    match name {
        "bh" => "Benjamini-Hochberg".to_owned(),
        "holm" => "Holm".to_owned(),
        other => visible(other).into_owned(),
    }
}
