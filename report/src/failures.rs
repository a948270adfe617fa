//! Measurements that failed, in words.

use crate::numbers;
use analyze::{Attempts, CaseFailures, Comparison, Expected, FailureVerdict, Row};
use edge::visible;
use model::counted;
use model::readable;

/// The verdicts, gravest first.
pub const VERDICTS: [FailureVerdict; 3] =
    [FailureVerdict::FailsMore, FailureVerdict::FailsLess, FailureVerdict::Undecided];

/// What a verdict on counts of failures claims, in one clause.
pub fn claim(verdict: FailureVerdict) -> &'static str {
    match verdict {
        FailureVerdict::FailsMore => {
            "the candidate fails more often: q of Fisher's exact test is at most alpha, or every attempt in three boots \
             or more failed"
        }
        FailureVerdict::FailsLess => "the baseline fails more often, by the same rule",
        FailureVerdict::Undecided => "the counts do not decide whether one side fails more often",
    }
}

/// The failures of a row's case; `None` when nothing of it failed.
pub(crate) fn of_row<'a>(comparison: &'a Comparison, row: &Row) -> Option<&'a CaseFailures> {
    comparison.failures.iter().find(|failures| is_of(failures, row))
}

/// Whether the failures are those of a row's case.
pub(crate) fn is_of(failures: &CaseFailures, row: &Row) -> bool {
    failures.candidate == row.candidate
        && failures.case == *row.case
        && failures.category == *row.category
        && failures.workload == *row.workload
}

/// The word for a case: the verdict, or that the candidate alone failed.
pub(crate) fn word(failures: &CaseFailures) -> &'static str {
    match failures.verdict {
        FailureVerdict::Undecided if failures.is_worse() => "failed on the candidate only",
        verdict => verdict.word(),
    }
}

/// What is known of a change or of failures: `known until 2027-01-31: new default of the driver (known.txt:3)`.
pub(crate) fn known(expected: Option<&Expected>) -> Option<String> {
    let known = expected?;
    Some(format!("known until {}: {} ({})", known.until, visible(&known.reason), visible(&known.place)))
}

/// `5 of 10`.
pub(crate) fn share(attempts: &Attempts) -> String {
    format!("{} of {}", attempts.failed, attempts.tried)
}

/// `panic 5, tool-failed 1`; empty without failures.
pub(crate) fn codes(attempts: &Attempts) -> String {
    let of = |(code, n): (&String, &usize)| format!("{} {n}", visible(code));
    attempts.codes.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// `5 guests of the candidate alone died`, if any.
pub(crate) fn crashes(failures: &CaseFailures) -> Option<String> {
    (failures.crashes > 0)
        .then(|| format!("{} of the candidate alone died", counted(failures.crashes, "guest")))
}

/// `netperf/TCP_RR/size=64 FAILS-MORE: 5 of 10 attempts failed (panic 5), of the baseline 0 of 10; p 0.0325, q 0.0325;
/// 5 guests of the candidate alone died; known until 2027-01-31: BUG-17 (known.txt:3)`.
pub(crate) fn sentence(failures: &CaseFailures) -> String {
    let of = |attempts: &Attempts| match codes(attempts) {
        codes if codes.is_empty() => String::new(),
        codes => format!(" ({codes})"),
    };
    let (a, b) = (&failures.a, &failures.b);
    let died = crashes(failures).map_or(String::new(), |died| format!("; {died}"));
    let known = known(failures.expected.as_ref()).map_or(String::new(), |known| format!("; {known}"));
    format!(
        "{} {}: {} attempts failed{}, of the baseline {}{}; p {}, q {}{died}{known}",
        visible(&readable(&failures.id)),
        word(failures),
        share(b),
        of(b),
        share(a),
        of(a),
        numbers::exact_p(failures.p),
        numbers::exact_p(failures.q),
    )
}
