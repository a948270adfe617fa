//! Measurements that failed, as an outcome of their own.

use super::Expected;
use model::Keys;
use serde::Serialize;
use std::collections::BTreeMap;

/// A case of which measurements failed, on one side or both.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CaseFailures {
    /// The case's id; `WORKLOAD/boot` for guests that failed outside any case.
    pub id: String,
    /// Workload.
    pub workload: String,
    /// Canonical category, empty for guests that failed outside any case.
    pub category: String,
    /// Factor levels.
    pub case: Keys,
    /// Index into [`super::Comparison::b`].
    pub candidate: usize,
    /// Of the baseline.
    pub a: Attempts,
    /// Of the candidate.
    pub b: Attempts,
    /// Fisher's exact p of the two counts, two-sided.
    pub p: f64,
    /// p corrected by Holm over the cases of the candidate that have a failure on either side; the others could reach no
    /// small p (Tarone 1990).
    pub q: f64,
    /// Whether the candidate fails more often.
    pub verdict: FailureVerdict,
    /// Failures of the candidate that end a guest (panic, oops, hang, early-exit, io-error), where the baseline has none in
    /// this case. One of them fails a gate.
    pub crashes: usize,
    /// The candidate's first failure (without any the baseline's): where, and what was seen.
    pub first: String,
    /// The candidate's failures are known and do not gate (`--expect`, `expected_until`); absent when they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Expected"))]
    pub expected: Option<Expected>,
}

/// How often a case was tried, and how often that failed. What interrupted it, or what spoiled the host, counts as no try.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Attempts {
    /// Attempts, by boot and attempt; each retry is one more.
    pub tried: usize,
    /// Those that failed, each cause once.
    pub failed: usize,
    /// Failures by code; `failed` where a file tells none.
    pub codes: BTreeMap<String, usize>,
}

/// What the counts of failures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum FailureVerdict {
    /// The candidate fails more often: q <= alpha, or every attempt of three boots or more failed.
    FailsMore,
    /// The baseline does.
    FailsLess,
    /// The counts do not decide.
    Undecided,
}

/// Whose measurements failed, where that is one side alone or one side more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailedSide {
    /// The baseline's, which is no fault of the candidate.
    Baseline,
    /// The candidate's.
    Candidate,
    /// The candidate's, and all of them are guests that died, which `--allow-crashes` may allow.
    CandidateDied,
}

impl FailureVerdict {
    /// The word that every report prints.
    pub fn word(self) -> &'static str {
        match self {
            FailureVerdict::FailsMore => "FAILS-MORE",
            FailureVerdict::FailsLess => "FAILS-LESS",
            FailureVerdict::Undecided => "UNDECIDED",
        }
    }
}

impl Attempts {
    /// Failures that end a guest.
    pub fn crashes(&self) -> usize {
        let ends = |code: &str| model::Code::all().any(|c| c.word() == code && c.ends_a_guest());
        self.codes.iter().filter(|(code, _)| ends(code)).map(|(_, n)| n).sum()
    }

    /// Failed attempts as a share of all.
    pub fn rate(&self) -> f64 {
        if self.tried == 0 { 0.0 } else { self.failed as f64 / self.tried as f64 }
    }
}

/// Both sides failed, and one of them more often: this p is small enough to look at its values with the same care as those of
/// a side that failed alone. It is no proof of anything.
const MORE_OFTEN: f64 = 0.25;

impl CaseFailures {
    /// One side failed, and the other did not, or clearly less often.
    fn more(&self, one: &Attempts, other: &Attempts) -> bool {
        one.failed > 0 && (other.failed == 0 || (self.p <= MORE_OFTEN && one.rate() > other.rate()))
    }

    /// Failures are on the candidate's side: it alone has any, or it fails more often.
    pub fn is_worse(&self) -> bool {
        self.verdict == FailureVerdict::FailsMore || self.more(&self.b, &self.a)
    }

    /// Failures are on the candidate's side, and nobody said that they are known.
    pub fn alarms(&self) -> bool {
        self.expected.is_none() && self.is_worse()
    }

    /// Whose failures they are, where only one side failed, or one of them more often.
    pub fn side(&self) -> Option<FailedSide> {
        let one_sided = self.verdict != FailureVerdict::Undecided
            || self.more(&self.a, &self.b)
            || self.more(&self.b, &self.a);
        one_sided.then_some(match self.is_worse() {
            true if self.crashes == self.b.failed => FailedSide::CandidateDied,
            true => FailedSide::Candidate,
            false => FailedSide::Baseline,
        })
    }
}
