//! One row of a comparison: what was measured on both sides, and what was computed of it.

use super::{FailedSide, Interval, Loss, Reason, RowHosts, SessionPart, Verdict, Warning};
use crate::Shared;
use model::{Direction, Keys, Role, Scale};
use serde::Serialize;

/// One case x one metric x one candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Row {
    /// Readable and opaque: case id, metric and, with several candidates, `#k` at the end, the candidate's number.
    pub id: String,
    /// Workload.
    pub workload: Shared<str>,
    /// Canonical category.
    pub category: Shared<str>,
    /// Factor levels; the order of the members is that of the keys.
    pub case: Shared<Keys>,
    /// Canonical metric name.
    pub metric: Shared<str>,
    /// The name in the first file that has it.
    pub metric_as_written: Shared<str>,
    /// Unit as text, empty for plain counts.
    pub unit: Shared<str>,
    /// Which way is better.
    pub direction: Direction,
    /// How much the metric counts.
    pub role: Role,
    /// Scale of the comparison.
    pub scale: Scale,
    /// Index into [`super::Comparison::b`].
    pub candidate: usize,
    /// Which model gave `p_model`, the intervals and the verdict.
    pub model: Option<Model>,
    /// Baseline's replicates.
    pub a: Sample,
    /// Candidate's replicates.
    pub b: Sample,
    /// Difference of the means, B - A, in `unit`.
    pub diff: Option<f64>,
    /// The 95 % interval of `diff`.
    pub diff_ci: Option<Interval>,
    /// The 90 % interval of `diff`, the one that TOST uses on the linear scale.
    pub diff_ci90: Option<Interval>,
    /// B / A: of geometric means on the log scale; of means on the linear one, null when Fieller's interval has no ends.
    pub ratio: Option<f64>,
    /// The 95 % interval of `ratio`, Fieller's on the linear scale.
    pub ratio_ci: Option<Interval>,
    /// The 90 % interval of `ratio`, the one that TOST uses on the log scale.
    pub ratio_ci90: Option<Interval>,
    /// B / A of the arithmetic means.
    pub ratio_of_means: Option<f64>,
    /// BCa bootstrap's 95 % interval, of `ratio_of_means` on the log scale and of `diff` on the linear one; for decided
    /// primary rows with ten replicates a side, null elsewhere. Never feeds the verdict.
    pub bca_ci: Option<Interval>,
    /// The m of this row, as a ratio minus 1: the band is [1/(1+m), 1+m].
    pub min_effect: f64,
    /// The band of differences is [-band_abs, band_abs], in `unit`: on the linear scale the larger of m * |mean A| and
    /// `min_effect_abs`, on the log scale `min_effect_abs`.
    pub band_abs: Option<f64>,
    /// The smallest difference that perf.conf says to matter, in `unit`; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub min_effect_abs: Option<f64>,
    /// p of every test that could be computed.
    pub p: PValues,
    /// The test of the model on the row's scale, of which p and intervals come; absent where nothing varies or was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ModelTest"))]
    pub test: Option<ModelTest>,
    /// The p that the model gave and the verdict uses; on sequential rows the one that is valid at every look.
    pub p_model: Option<f64>,
    /// How the row was looked at, when it was looked at more than once: intervals, `p_model`, `q` and `mde` are then the
    /// rule's, those in `p` are of a fixed n.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Sequential"))]
    pub sequential: Option<Sequential>,
    /// What sessions add to the error of the model, where the sides were not measured in turns and `--noise` tells; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "SessionPart"))]
    pub session: Option<SessionPart>,
    /// The variance that the error rests on, where it is not the row's own (`--variance moderated`); absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Moderated"))]
    pub moderated: Option<Moderated>,
    /// The place within a block, where it is a term of the model; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Position"))]
    pub position: Option<Position>,
    /// What each host says of it, where the sides were measured on several; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "RowHosts"))]
    pub hosts: Option<Box<RowHosts>>,
    /// The smaller n of the two sides.
    pub n_min: usize,
    /// p corrected within the family; null outside it.
    pub q: Option<f64>,
    /// Smallest detectable effect (80 % power), up and down, as ratios minus 1: 0.08 and -0.074.
    pub mde: Option<Mde>,
    /// Hedges' g.
    pub hedges_g: Option<f64>,
    /// The interval of `ratio` that stays right after choosing: of decided rows, 1 - R * 0.05 / m for R decided rows in a
    /// family of m (false coverage rate, Benjamini and Yekutieli 2005); absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Interval"))]
    pub ratio_ci_fcr: Option<Interval>,
    /// The same of `diff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Interval"))]
    pub diff_ci_fcr: Option<Interval>,
    /// The whole interval (`ratio_ci_fcr`, else `diff_ci_fcr`) of a decided row lies outside the band; absent where it does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beyond: bool,
    /// p corrected by Holm within the family, which the gate holds against its share of alpha; null outside the family.
    pub p_gate: Option<f64>,
    /// The row's change counts at the gate: the row is primary, the change decided, and `p_gate` within the rows' share of
    /// alpha (deterministic metrics have no p and count always).
    pub gates: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is INVALID or INCONCLUSIVE, or how it is EQUIVALENT or changed.
    pub reason: Option<Reason>,
    /// Whose measurements failed, where that is one side alone; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "FailedSide"))]
    pub failed: Option<FailedSide>,
    /// The change is known and does not gate (`--expect`); absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Expected"))]
    pub expected: Option<Expected>,
    /// What a reader of this row must know.
    pub warnings: Vec<Warning>,
}

/// A known change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Expected {
    /// Why it is known.
    pub reason: String,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub until: String,
    /// The line that says so: `FILE:LINE`.
    pub place: String,
}

/// What the place within a block does, taken out of a row's estimate and error (statistics.md, "The place within a block").
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Position {
    /// Complete blocks in which the candidate was booted after the baseline.
    pub b_later: Vec<u32>,
    /// The later boot of a block against the earlier one: a ratio minus 1 on the log scale, a difference in `unit` on the linear
    /// one.
    pub effect: f64,
}

/// A row's variance as its own values and those of the family say it together (statistics.md, "Moderated variances"): of
/// logarithms, or on the linear scale relative to the square of A's mean; between both sides pooled, of blocks that of their
/// differences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Moderated {
    /// The row's own, s^2.
    pub own: f64,
    /// Its degrees of freedom, d.
    pub own_df: f64,
    /// The moderated one, (d0 s0^2 + d s^2) / (d0 + d).
    pub variance: f64,
    /// Its degrees of freedom, d0 + d, at most those of all rows together.
    pub df: f64,
}

impl Moderated {
    /// What it makes of the error of the row.
    pub(crate) fn moderation(self) -> stats::Moderation {
        stats::Moderation { factor: self.variance / self.own, df: self.df }
    }
}

/// One look of several at a row (statistics.md, "Sequential stopping").
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Sequential {
    /// What kind of look.
    pub rule: Looked,
    /// Which one, from 1; of the looks of its kind.
    pub look: u32,
    /// Replicates that the boundary was taken at; null after boots were added.
    pub n: Option<u32>,
    /// First look of the rule; null after boots were added.
    pub floor: Option<u32>,
    /// Last planned look of the rule; null after boots were added.
    pub ceiling: Option<u32>,
    /// Error spent with this look, of a level of 0.05 over all looks.
    pub spent: f64,
    /// Level of the ordinary interval that is the rule's 95 % interval: 1 - 0.95 if nobody had looked before.
    pub level: f64,
    /// `level` of the 90 % interval.
    pub level90: f64,
    /// The model's p of a fixed n, which is not valid here.
    pub p_fixed: Option<f64>,
}

/// Why a row was looked at more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    /// A stopping rule looked after every block.
    Until,
    /// Boots were added after a stopping rule had ended.
    UntilAndAdded,
    /// Boots were added to a fixed number of them.
    Added,
}

/// Minimum detectable effects as ratios minus 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Mde {
    /// Upwards, positive.
    pub up: f64,
    /// Downwards, negative.
    pub down: f64,
}

/// The replicates of one side of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Sample {
    /// Number of replicates.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Sample standard deviation (n-1).
    pub sd: Option<f64>,
    /// sd / |mean|.
    pub cv: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// One per replicate, in natural order of the repeats.
    pub values: Vec<f64>,
    /// Where each value comes from.
    pub sources: Vec<Source>,
    /// Block of each value; absent without blocks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<u32>,
    /// Values of blocks that lack the other side, which take no part in anything else of the row; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Cells without a value, reason by place; absent when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<Loss>,
}

/// A place in the input: `[file, line, column]`, the file as an index into [`super::Comparison::files`], line and column from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source(pub u32, pub u32, pub u32);

/// A value that the blocked model cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct LeftOut {
    /// The value.
    pub value: f64,
    /// Where it comes from.
    pub source: Source,
    /// Its block.
    pub block: u32,
}

/// Which model a row's verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Within-block differences.
    Blocked,
    /// Welch's t-test.
    Welch,
    /// Student's t-test, on request only.
    Student,
    /// The exact permutation test of values that do not vary.
    Exact,
    /// Several hosts, about these alone: the mean of their estimates with the error within them.
    #[serde(rename = "hosts-fixed")]
    HostsFixed,
    /// Several hosts, about hosts like these: each is one value.
    #[serde(rename = "hosts-random")]
    HostsRandom,
}

/// The t-test of a model: of logarithms on the log scale, else in the row's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ModelTest {
    /// Standard error of the estimate.
    pub se: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Estimate over standard error.
    pub t: f64,
}

impl ModelTest {
    /// Of a test whose numbers are finite.
    pub(crate) fn of(test: &stats::TTest) -> Option<ModelTest> {
        let finite = [test.se, test.df, test.t].iter().all(|x| x.is_finite());
        finite.then_some(ModelTest { se: test.se, df: test.df, t: test.t })
    }
}

/// p-values, two-sided and unrounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct PValues {
    /// Unpaired, pooled variance, raw scale: the ancestor's test.
    pub student: Option<f64>,
    /// Unpaired, unequal variances, raw scale.
    pub welch: Option<f64>,
    /// The blocked model's.
    pub blocked: Option<f64>,
    /// Exact Mann-Whitney.
    pub mann_whitney: Option<f64>,
    /// Permutation of the difference of means.
    pub permutation: Option<f64>,
}

impl Row {
    /// The id without a candidate's number: what expectations and seeds go by.
    pub fn base_id(&self) -> &str {
        // In the metric's name, the last part of an id, a `#` is encoded.
        match self.id.rsplit_once('#') {
            Some((base, number)) if !number.contains('/') => base,
            _ => &self.id,
        }
    }
}
