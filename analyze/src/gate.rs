//! The gate: what `--fail-on` makes of a comparison.
//!
//! [`TABLE`] is the one place that says which finding fails which rule, what JUnit calls it, and with which exit code
//! `perfvt compare` ends; docs/verdicts.md is made from it.

mod blind;
mod fail_on;

pub(crate) use blind::of_rows as blind_rows;
pub use fail_on::FailOn;

use crate::sessions::WAY_OUT;
use crate::{CaseFailures, Comparison, FailedSide, FailureVerdict, GateCount, Reason, Row, Summary, Verdict};
use model::Role;
use model::counted;

/// What JUnit makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junit {
    /// It passed.
    Passed,
    /// It was not decided.
    Skipped,
    /// What was tested failed.
    Failure,
    /// It could not be tested as it should.
    Error,
}

impl Junit {
    /// The word of the documentation.
    pub fn word(self) -> &'static str {
        match self {
            Junit::Passed => "passed",
            Junit::Skipped => "skipped",
            Junit::Failure => "failure",
            Junit::Error => "error",
        }
    }
}

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A row with this verdict, and with this reason where it makes a difference.
    Row(Verdict, Option<Reason>),
    /// The score of a category with this verdict.
    Category(Verdict),
    /// Counts of failures with this verdict.
    Failures(FailureVerdict),
    /// Failures of the candidate alone, too few to decide.
    OneSided,
    /// A guest of the candidate alone died.
    Crash,
    /// A campaign that has not ended.
    Unfinished,
    /// An INCONCLUSIVE row that could not have shown a change of twice its `min_effect`.
    Blind,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// What was found.
    pub finding: Finding,
    /// The words of `--fail-on` that it fails.
    pub fails: &'static [FailOn],
    /// Its word in JUnit where none of these words is given.
    pub otherwise: Junit,
    /// Its word where one is.
    pub failing: Junit,
}

const fn line(finding: Finding, fails: &'static [FailOn], otherwise: Junit, failing: Junit) -> Line {
    Line { finding, fails, otherwise, failing }
}

const WORSE: &[FailOn] = &[FailOn::Regression, FailOn::Change];
const CHANGED: &[FailOn] = &[FailOn::Change];
/// Whatever is asked of a gate, it does not pass a candidate that breaks.
const ANY: &[FailOn] = &FailOn::ALL;

/// Every finding. A row is looked up with its reason first, then without.
pub const TABLE: &[Line] = &[
    line(Finding::Row(Verdict::Regressed, None), WORSE, Junit::Passed, Junit::Failure),
    line(Finding::Row(Verdict::Improved, None), CHANGED, Junit::Passed, Junit::Failure),
    line(Finding::Row(Verdict::ChangedUp, None), CHANGED, Junit::Passed, Junit::Failure),
    line(Finding::Row(Verdict::ChangedDown, None), CHANGED, Junit::Passed, Junit::Failure),
    line(
        Finding::Row(Verdict::Inconclusive, Some(Reason::Failures)),
        &[FailOn::Regression, FailOn::Change, FailOn::Inconclusive, FailOn::Failures],
        Junit::Skipped,
        Junit::Error,
    ),
    line(Finding::Row(Verdict::Inconclusive, None), &[FailOn::Inconclusive], Junit::Skipped, Junit::Failure),
    line(Finding::Row(Verdict::Equivalent, None), &[], Junit::Passed, Junit::Passed),
    line(Finding::Row(Verdict::MissingA, None), &[FailOn::Missing], Junit::Skipped, Junit::Failure),
    line(Finding::Row(Verdict::MissingB, None), &[FailOn::Missing], Junit::Skipped, Junit::Failure),
    line(
        Finding::Row(Verdict::Invalid, Some(Reason::Failures)),
        &[FailOn::Regression, FailOn::Change, FailOn::Invalid, FailOn::Failures],
        Junit::Skipped,
        Junit::Error,
    ),
    line(Finding::Row(Verdict::Invalid, None), &[FailOn::Invalid], Junit::Skipped, Junit::Error),
    line(Finding::Category(Verdict::Regressed), WORSE, Junit::Passed, Junit::Failure),
    line(Finding::Category(Verdict::Improved), CHANGED, Junit::Passed, Junit::Failure),
    line(Finding::Category(Verdict::ChangedUp), CHANGED, Junit::Passed, Junit::Failure),
    line(Finding::Category(Verdict::ChangedDown), CHANGED, Junit::Passed, Junit::Failure),
    line(Finding::Category(Verdict::Inconclusive), &[], Junit::Passed, Junit::Passed),
    line(Finding::Category(Verdict::Equivalent), &[], Junit::Passed, Junit::Passed),
    line(Finding::Failures(FailureVerdict::FailsMore), ANY, Junit::Error, Junit::Error),
    line(Finding::Failures(FailureVerdict::FailsLess), CHANGED, Junit::Passed, Junit::Failure),
    line(Finding::Failures(FailureVerdict::Undecided), &[], Junit::Passed, Junit::Passed),
    line(
        Finding::OneSided,
        &[FailOn::Regression, FailOn::Change, FailOn::Failures],
        Junit::Skipped,
        Junit::Error,
    ),
    line(Finding::Crash, ANY, Junit::Error, Junit::Error),
    line(Finding::Unfinished, &[FailOn::Unfinished], Junit::Skipped, Junit::Error),
    line(Finding::Blind, &[FailOn::Inconclusive, FailOn::Blind], Junit::Skipped, Junit::Failure),
];

impl Finding {
    /// Its line in the table.
    fn line(self) -> Option<&'static Line> {
        let of = |finding| TABLE.iter().find(|line| line.finding == finding);
        match self {
            Finding::Row(verdict, Some(_)) => of(self).or_else(|| of(Finding::Row(verdict, None))),
            other => of(other),
        }
    }

    /// Whether it fails a gate with these words.
    pub fn fails(self, fail_on: &[FailOn]) -> bool {
        self.line().is_some_and(|line| line.fails.iter().any(|word| fail_on.contains(word)))
    }

    /// What JUnit makes of it. `counts`: it is among what gates.
    pub fn junit(self, fail_on: &[FailOn], counts: bool) -> Junit {
        match self.line() {
            Some(line) if counts && self.fails(fail_on) => line.failing,
            Some(line) => line.otherwise,
            None => Junit::Skipped,
        }
    }
}

/// A gate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The rule as it was given: `regression`, `regression,missing`.
    pub rule: String,
    /// Something that the rule names was found.
    pub failed: bool,
    /// What was found: `netperf/TCP_RR as a whole`, `2 rows REGRESSED`.
    pub found: Vec<String>,
    /// Why nothing could be decided and what to do, where it could not.
    pub advice: Option<String>,
    /// The exit code of the command.
    pub exit_code: u8,
}

impl Gate {
    /// What was found, and what to do where nothing could be decided.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        self.found.iter().chain(&self.advice).map(String::as_str)
    }
}

/// Nothing that the gate names was found.
pub const PASSED: u8 = 0;
/// Something was.
pub const FAILED: u8 = 1;
/// No row that gates could be judged.
pub const NOTHING: u8 = 3;

/// Whether a row is among what gates: it is primary, or nothing is (`all_rows`), and it is not known (`--expect`). A missing
/// row always is.
pub(crate) fn counts(row: &Row, all_rows: bool) -> bool {
    let missing = matches!(row.verdict, Verdict::MissingA | Verdict::MissingB);
    row.expected.is_none() && (all_rows || missing || row.role == Role::Primary)
}

/// Whether a row's finding holds at the gate: of changes those that do at the gate's own rate of errors, of failures those
/// that are not the baseline's alone.
fn holds(row: &Row) -> bool {
    match row.verdict {
        verdict if verdict.is_decided_change() => row.gates,
        Verdict::Inconclusive | Verdict::Invalid if row.reason == Some(Reason::Failures) => {
            row.failed != Some(FailedSide::Baseline)
        }
        _ => true,
    }
}

/// Counts the rows of a candidate that count at the gate, by verdict, reason and whose measurements failed.
pub(crate) fn at_gate(rows: &[Row], candidate: usize, all_rows: bool) -> Vec<GateCount> {
    let mut out: Vec<GateCount> = Vec::new();
    let of_candidate = rows.iter().filter(|r| r.candidate == candidate);
    for row in of_candidate.filter(|r| counts(r, all_rows) && holds(r)) {
        let failed = row.failed.filter(|_| row.reason == Some(Reason::Failures));
        let same =
            |of: &&mut GateCount| (of.verdict, of.reason, of.failed) == (row.verdict, row.reason, failed);
        match out.iter_mut().find(same) {
            Some(of) => of.rows += 1,
            None => out.push(GateCount { verdict: row.verdict, reason: row.reason, failed, rows: 1 }),
        }
    }
    out.sort_by_key(|of| (of.verdict, of.reason.map(Reason::word), std::cmp::Reverse(of.rows)));
    out
}

/// Cases of a candidate that failed, and are not known to.
fn failures(comparison: &Comparison, candidate: usize) -> impl Iterator<Item = &CaseFailures> {
    comparison.failures.iter().filter(move |f| f.candidate == candidate && f.expected.is_none())
}

/// How many guests of a candidate alone died.
fn crashes(comparison: &Comparison, candidate: usize) -> usize {
    failures(comparison, candidate).map(|f| f.crashes).sum()
}

/// Whether guests of a candidate alone died, and no more of them than are allowed: then what they left behind is allowed, too.
pub fn are_allowed(comparison: &Comparison, candidate: usize, allow_crashes: usize) -> bool {
    (1..=allow_crashes).contains(&crashes(comparison, candidate))
}

/// Whether a row's finding counts at the gate at all.
fn is_counted(comparison: &Comparison, row: &Row) -> bool {
    let all_rows = comparison.families.iter().any(|f| f.candidate == row.candidate && f.all_rows);
    counts(row, all_rows) && holds(row)
}

/// What JUnit makes of a row. What guests leave behind that may die is skipped, as the gate passes it over.
pub fn junit(comparison: &Comparison, row: &Row, fail_on: &[FailOn], allow_crashes: usize) -> Junit {
    let died = row.reason == Some(Reason::Failures) && row.failed == Some(FailedSide::CandidateDied);
    if died && are_allowed(comparison, row.candidate, allow_crashes) {
        return Junit::Skipped;
    }
    let finding = if blind::is_blind(row) { Finding::Blind } else { Finding::Row(row.verdict, row.reason) };
    finding.junit(fail_on, is_counted(comparison, row))
}

/// What was found, and whether it says that the candidate breaks.
struct Found {
    text: String,
    breaks: bool,
}

/// What the rule makes of a comparison; `None` without a rule. `allow_crashes`: so many guests of the candidate alone may die.
pub fn gate(comparison: &Comparison, fail_on: &[FailOn], allow_crashes: usize) -> Option<Gate> {
    if fail_on.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    let several = comparison.b.len() > 1;
    for summary in &comparison.summary {
        let label = comparison.b.get(summary.candidate).map_or("", |side| side.label.as_str());
        for one in of_candidate(comparison, summary, fail_on, allow_crashes) {
            let text = if several { format!("{label}: {}", one.text) } else { one.text };
            found.push(Found { text, ..one });
        }
    }
    let sides = std::iter::once(&comparison.a).chain(&comparison.b);
    for side in sides.filter(|side| side.unfinished && Finding::Unfinished.fails(fail_on)) {
        found.push(Found { text: format!("the campaign of {} has not ended", side.label), breaks: false });
    }
    let nothing = comparison.summary.iter().any(|s| s.comparable() == 0 || s.comparable_primary() == 0);
    let exit_code = match nothing {
        // That nothing could be judged says less than that the candidate breaks.
        true if found.iter().any(|f| f.breaks) => FAILED,
        true => NOTHING,
        false if found.is_empty() => PASSED,
        false => FAILED,
    };
    let words: Vec<&str> = fail_on.iter().map(|word| word.word()).collect();
    let failed = !found.is_empty();
    let found = found.into_iter().map(|f| f.text).collect();
    let advice = (exit_code == NOTHING).then(|| advice(comparison)).flatten();
    Some(Gate { rule: words.join(","), failed, found, advice, exit_code })
}

/// What to do about a gate of which no row can be judged for want of sessions.
fn advice(comparison: &Comparison) -> Option<String> {
    let capped: usize =
        comparison.summary.iter().filter(|s| s.comparable_primary() == 0).map(|s| s.capped).sum();
    (capped > 0).then(|| format!("{} one-session: {WAY_OUT}", counted(capped, "row")))
}

/// What of a candidate fails the gate, gravest first.
fn of_candidate(
    comparison: &Comparison,
    summary: &Summary,
    fail_on: &[FailOn],
    allow_crashes: usize,
) -> Vec<Found> {
    let mut out = Vec::new();
    let mut push = |text: String, breaks: bool| out.push(Found { text, breaks });
    let failures = || failures(comparison, summary.candidate);
    let crashes = crashes(comparison, summary.candidate);
    let are_allowed = are_allowed(comparison, summary.candidate, allow_crashes);
    if crashes > allow_crashes && Finding::Crash.fails(fail_on) {
        let cases: Vec<&str> = failures().filter(|f| f.crashes > 0).map(|f| f.id.as_str()).collect();
        push(format!("{} of the candidate alone died ({})", counted(crashes, "guest"), some(&cases)), true);
    }
    for verdict in [FailureVerdict::FailsMore, FailureVerdict::FailsLess] {
        let cases: Vec<&str> = failures().filter(|f| f.verdict == verdict).map(|f| f.id.as_str()).collect();
        if !cases.is_empty() && Finding::Failures(verdict).fails(fail_on) {
            let breaks = verdict == FailureVerdict::FailsMore;
            push(format!("{} {} ({})", counted(cases.len(), "case"), verdict.word(), some(&cases)), breaks);
        }
    }
    let one_sided = |f: &&CaseFailures| f.verdict == FailureVerdict::Undecided && f.is_worse();
    let died = |f: &&CaseFailures| are_allowed && f.side() == Some(FailedSide::CandidateDied);
    let open = failures().filter(one_sided).filter(|f| !died(f));
    let cases: Vec<&str> = open.map(|f| f.id.as_str()).collect();
    if !cases.is_empty() && Finding::OneSided.fails(fail_on) {
        push(
            format!("{} failed on the candidate only ({})", counted(cases.len(), "case"), some(&cases)),
            false,
        );
    }
    for category in summary.categories.iter().filter(|c| Finding::Category(c.verdict).fails(fail_on)) {
        let text = format!(
            "{}/{} as a whole {} ({:+.1} %)",
            category.workload,
            category.category,
            category.verdict.word(),
            100.0 * (category.score.ratio - 1.0)
        );
        push(text, false);
    }
    let counts = |of: &&GateCount| !(are_allowed && of.failed == Some(FailedSide::CandidateDied));
    let found = |of: &&GateCount| Finding::Row(of.verdict, of.reason).fails(fail_on);
    let counted_rows: Vec<&GateCount> = summary.at_gate.iter().filter(counts).filter(found).collect();
    for same in counted_rows.chunk_by(|x, y| (x.verdict, x.reason) == (y.verdict, y.reason)) {
        let Some(first) = same.first() else { continue };
        let rows: usize = same.iter().map(|of| of.rows).sum();
        let reason = first.reason.map_or(String::new(), |reason| format!(" ({})", reason.word()));
        push(format!("{} {}{reason}", counted(rows, "row"), first.verdict.word()), false);
    }
    if let Some(blind) = blind::found(summary, fail_on) {
        push(blind, false);
    }
    out
}

/// Up to three names.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(3).map(|name| model::readable(name)).collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{shown}, ..") } else { shown }
}
