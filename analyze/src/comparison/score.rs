//! Scores of boots: what many rows say together.

use super::{Interval, Model, ModelTest, Reason, Verdict};
use model::Direction;
use serde::Serialize;

/// A ratio of boot scores (statistics.md, "Summary over rows"): the score of a boot is its mean log value over the rows that
/// every boot has. Never a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Score {
    /// Candidate over baseline, 1 = unchanged.
    pub ratio: f64,
    /// 95 % interval.
    pub ci: Interval,
    /// Rows that every boot has.
    pub rows: usize,
    /// Which way is better. When rows of both directions are in it, those where lower is better enter inverted, so that
    /// higher is better for all of them.
    pub direction: Direction,
}

/// The family check of one metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct MetricScore {
    /// Workload.
    pub workload: String,
    /// Metric.
    pub metric: String,
    /// Its score.
    pub score: Score,
}

/// The score of a category at the gate (statistics.md, "The gate").
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CategoryScore {
    /// Workload.
    pub workload: String,
    /// Category.
    pub category: String,
    /// Its score.
    pub score: Score,
    /// The 90 % interval of the score's ratio, the one that TOST uses.
    pub ci90: Interval,
    /// Which model gave p and intervals; null where the scores of a side do not vary.
    pub model: Option<Model>,
    /// Its test, of logarithms; absent where the scores of a side do not vary.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ModelTest"))]
    pub test: Option<ModelTest>,
    /// m of the score, as a ratio minus 1: the geometric mean of 1 + m over the rows that it is of, minus 1.
    pub min_effect: f64,
    /// Two-sided p of the score's model.
    pub p: f64,
    /// p corrected by Holm over the categories of the candidate.
    pub p_gate: f64,
    /// That of a row with this score: a change where it left the band at the scores' share of alpha, EQUIVALENT where its 90 %
    /// interval lies in the band, else INCONCLUSIVE.
    pub verdict: Verdict,
    /// Why it is INCONCLUSIVE; `exact` where the scores of both sides are one number.
    pub reason: Option<Reason>,
}
