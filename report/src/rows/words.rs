//! What the words and marks of rows mean.

use analyze::{Model, Reason, Verdict};

/// The mark of a change whose whole interval lies outside the band, and what it means.
pub(crate) const BEYOND: (&str, &str) =
    ("beyond", "the whole interval of the change lies outside the band, not its best estimate alone");

/// The mark of a row that is equal by `min_effect_abs` alone, with the margin behind it, and what it means.
pub(crate) const WITHIN: (&str, &str) = (
    "within ±",
    "shown to be equal by the difference that perf.conf calls too small to matter (min_effect_abs); the change in percent \
     says less, because A is small",
);

/// What a verdict claims, in one clause; method boxes and legends print it.
pub fn claim(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => {
            "a change for the worse (q at most alpha; p outside the family) whose best estimate lies outside the band"
        }
        Verdict::Improved => {
            "a change for the better (q at most alpha; p outside the family) whose best estimate lies outside the band"
        }
        Verdict::ChangedUp => "a rise of a metric that is neither good nor bad",
        Verdict::ChangedDown => "a fall of a metric that is neither good nor bad",
        Verdict::Inconclusive => {
            "neither a change beyond the band nor equality was shown; this does not mean that the sides are equal"
        }
        Verdict::Equivalent => "shown to be equal: the 90% interval of the change lies inside the band",
        Verdict::MissingA => "the baseline has no such row",
        Verdict::MissingB => "the candidate has no such row",
        Verdict::Invalid => "the row cannot be judged",
    }
}

/// A model by the name that people know.
pub(crate) fn model_name(model: Model) -> &'static str {
    match model {
        Model::Blocked => "differences within blocks (paired t)",
        Model::Welch => "Welch's t-test",
        Model::Student => "Student's t-test",
        Model::Exact => "exact permutation of values that do not vary",
        Model::HostsFixed => "mean over these hosts (t, error within the hosts)",
        Model::HostsRandom => "mean over hosts like these (t, each host one value)",
    }
}

/// Every reason, in the order of the method box.
pub const REASONS: [Reason; 11] = [
    Reason::ChangedSmall,
    Reason::Failures,
    Reason::OneSession,
    Reason::Suggestive,
    Reason::Noisy,
    Reason::Open,
    Reason::NoVariance,
    Reason::NoScale,
    Reason::Exact,
    Reason::OneReplicate,
    Reason::NotComparable,
];

/// What a reason means, in one clause, whatever the verdict.
pub fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::OneReplicate => "a side has fewer than two replicates: measure again",
        Reason::NotComparable => "the sides were not measured alike",
        Reason::Exact => {
            "EQUIVALENT: each side gives one value every time, and both the same; a change: a deterministic metric \
             differs, which needs no test"
        }
        Reason::NoVariance => {
            "each side gives one value every time, and these are too few to tell the two from chance"
        }
        Reason::Failures => {
            "measurements failed on one side only, or more often there: what is left of that side is a choice, which \
             can show neither equality nor an improvement; INVALID: fewer than two replicates are left"
        }
        Reason::OneSession => {
            "the sides were not measured in turns, and one of them in a single session: no test tells a change from what \
             differs between sessions"
        }
        Reason::NoScale => {
            "neither a ratio nor an absolute band can be formed: the baseline's mean may be 0; min_effect_abs in \
             perf.conf says which difference matters"
        }
        Reason::ChangedSmall => {
            "there is a change, and whether it is large enough to matter is open: its best estimate lies inside the band, \
             its 90% interval does not"
        }
        Reason::Suggestive => {
            "p alone is at most alpha, q is not: it may be one of the chance findings of many tests"
        }
        Reason::Noisy => "the smallest effect that so many replicates can detect is larger than the band",
        Reason::Open => "neither a change nor equality was shown; more replicates would decide",
    }
}

/// What a reason means for rows of one verdict.
pub fn meaning_for(verdict: Verdict, reason: Reason) -> &'static str {
    match (verdict, reason) {
        (Verdict::Equivalent, Reason::Exact) => "each side gives one value every time, and both the same",
        (_, Reason::Exact) => "a deterministic metric differs, which needs no test",
        (Verdict::Invalid, Reason::Failures) => {
            "measurements failed, so that a side has fewer than two replicates left"
        }
        (_, Reason::Failures) => {
            "measurements failed on one side only, or more often there: what is left of that side is a choice, which \
             can show neither equality nor an improvement"
        }
        _ => meaning(reason),
    }
}
