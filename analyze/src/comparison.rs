//! The result of a comparison: what every report shows and what `--format json` writes.
//!
//! One [`Row`] is one case x one metric x one candidate. Nothing in here is ever NaN or infinite:
//! what cannot be computed is `None`, with a [`Reason`] or a [`Warning`] beside it.

mod causes;
mod comparable;
mod failures;
mod hosts;
mod matching;
mod row;
mod score;
mod sessions;
mod verdict;

pub use causes::*;
pub use comparable::*;
pub use failures::*;
pub use hosts::*;
pub use matching::*;
use model::Scale;
pub use row::*;
pub use score::*;
use serde::Serialize;
pub use sessions::*;
use std::collections::BTreeMap;
pub use verdict::*;

/// The version of the JSON that a [`Comparison`] serializes to.
///
/// Changelog: 1, the first; later its rows got `sequential`. 2: no verdict `EXACT-CHANGED` any more (a deterministic metric is
/// REGRESSED, IMPROVED or CHANGED with the reason `exact`), the reason `small` is called `changed-small`, the reason
/// `failures` and the model `exact` are new; `failures`, `unfinished`, `categories`, `events`, and of rows `gates`, `p_gate`,
/// `beyond`, `ratio_ci_fcr`, `diff_ci_fcr`, `min_effect_abs` and `left_out` were added; in a blocked row `values`, `n` and all
/// that is computed of them are those of complete blocks. From here on a new member does not raise the version: `matched`,
/// `nearest` and `spelled` were added; the reason `one-session`, of summaries `interleaving` and `capped`, of rows `session`;
/// `variance` of the method, `variances` of families, `moderated`, `position` and `test` of rows; the class `software` of differences,
/// which were `other`; `comparable` of summaries; of categories the verdict `EQUIVALENT`, `reason`, `ci90`, `model` and `test`; `blind` of summaries; `hosts`, of comparisons and
/// of rows, with the models `hosts-fixed` and `hosts-random`; `causes`.
pub const SCHEMA_VERSION: u32 = 2;

/// Everything that was decided about a baseline and one or more candidates.
///
/// Numbers are finite; what cannot be computed is null. Every member of this version is named here; later versions may have
/// more.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, title = "perfvt compare --format json")
)]
pub struct Comparison {
    /// The version of this form.
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The version of perfvt.
    pub perfvt: String,
    /// The baseline.
    pub a: Side,
    /// The candidates, at least one.
    pub b: Vec<Side>,
    /// How the rows were judged.
    pub method: Method,
    /// One family for each candidate: the primary rows that were corrected together.
    pub families: Vec<Family>,
    /// What a reader must know about the whole, blocking ones first.
    pub warnings: Vec<Warning>,
    /// Every file that was read, named once; [`Source`] points here.
    pub files: Vec<String>,
    /// Workloads present, with what perf.conf says of them.
    pub workloads: Vec<WorkloadInfo>,
    /// Facts that differ between the sides, intended factors first.
    pub differences: Vec<Difference>,
    /// The hosts that measured both sides, where they are several; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ComparedHosts"))]
    pub hosts: Option<ComparedHosts>,
    /// Keys and levels that were made to meet (`--compare`, `--map`); absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
    /// Levels that the files of a side write otherwise than they are called here, by key and level; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spelled: Vec<Spelled>,
    /// Of cases that only one side has, the nearest ones of the other, once for each set of keys in which they differ; absent
    /// without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<Nearest>,
    /// Cases of which measurements failed, per candidate; those that fail more often first.
    pub failures: Vec<CaseFailures>,
    /// Where the time of cases that changed went, of profiles; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// The verdicts counted, per candidate, in the order of `b`.
    pub summary: Vec<Summary>,
    /// The rows, in the order of perf.conf's workloads, then of the files.
    pub rows: Vec<Row>,
}

/// One side of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Side {
    /// `--labels`, else the directory's name (its last two components when the last ones are equal).
    pub label: String,
    /// The directory or file as it was given.
    pub path: String,
    /// Repeats (result files) that were used.
    pub repeats: usize,
    /// Guest boots, when they are known.
    pub boots: Option<usize>,
    /// Host boots, when they are known.
    pub host_boots: Option<usize>,
    /// When the data were taken, seconds since the epoch: run.json, else the epoch in a file's name.
    pub date_unix: Option<i64>,
    /// Length of one measurement in seconds, from `### session-length` or run.json.
    pub session_length: Option<String>,
    /// Versions and other facts by name: the `###` header of RHS files, or run.json's fingerprint and parameters.
    pub facts: BTreeMap<String, String>,
    /// Files, rows and cells that were lost, each with file, line and reason.
    pub losses: Vec<Loss>,
    /// The campaign that measured the side has not ended: it is running, was interrupted or was cut; absent when it has, or
    /// when nobody knows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

/// Something that was in the input and is not in the result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Loss {
    /// File, with `:line:column` where they are known.
    pub place: String,
    /// What was lost: `cell`, `row`, `column`, `file`, `repeat` or `value`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["cell", "row", "column", "file", "repeat", "value"])))]
    pub what: &'static str,
    /// Why, in lowercase, for people.
    pub reason: String,
}

/// A workload that has rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct WorkloadInfo {
    /// perf.conf section.
    pub name: String,
    /// perf.conf `desc`, with the session length in place of `%s`.
    pub description: String,
    /// Key columns in order.
    pub keys: Vec<String>,
}

/// A fact on which the sides differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Difference {
    /// Dotted name of the fact.
    pub name: String,
    /// Baseline's value.
    pub a: Option<String>,
    /// The candidates' values, in the order of `b`.
    pub b: Vec<Option<String>>,
    /// What it means for comparability.
    pub class: DifferenceClass,
}

/// What a difference means (statistics.md, "Comparability").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, PartialOrd, Ord)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DifferenceClass {
    /// Named by `--env` or `--factor`: what is being compared.
    Intended,
    /// Makes rows INVALID unless `--force`.
    Blocking,
    /// A banner.
    Suspicious,
    /// What was run: versions and builds of QEMU and of kernels. They are compared, or they explain a difference.
    Software,
    /// Shown under details.
    Other,
}

/// How the rows were judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Method {
    /// `auto`, `welch`, `student` or `blocked`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["auto", "welch", "student", "blocked"])))]
    pub test: String,
    /// Whose variance a row's error has: `own`, or `moderated` by those of the family.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["own", "moderated"])))]
    pub variance: String,
    /// Level of the tests.
    pub alpha: f64,
    /// Default of `min_effect`, as a ratio: 0.05.
    pub min_effect: f64,
    /// `bh` or `holm`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["bh", "holm"])))]
    pub correction: String,
    /// Seed of permutation and bootstrap.
    pub seed: u64,
    /// Differences below this ratio are drawn light, whatever the verdict.
    pub light_below: f64,
    /// The command line that reproduces the comparison, without output options.
    pub command: Vec<String>,
    /// `--force` was given and something was forced.
    pub forced: bool,
}

/// Primary rows that were corrected together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Family {
    /// Index into [`Comparison::b`].
    pub candidate: usize,
    /// Rows with a p in the family.
    pub size: usize,
    /// No metric was declared primary, so all rows form the family.
    pub all_rows: bool,
    /// Rows of it whose change is decided by a test: R of the intervals for decided rows ([`Row::ratio_ci_fcr`]).
    pub decided: usize,
    /// The rows' share of alpha at the gate: a row gates when its [`Row::p_gate`] is at most this.
    pub alpha_rows: f64,
    /// The share of the scores of categories ([`Summary::categories`]); 0 where there are none.
    pub alpha_scores: f64,
    /// What the variances of its rows have in common, one for each scale (`--variance moderated`); absent elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variances: Vec<CommonVariance>,
}

/// What the variances of the rows of one scale in a family have in common (statistics.md, "Moderated variances").
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CommonVariance {
    /// The scale: of logarithms, or relative to the square of A's mean.
    pub scale: Scale,
    /// s0^2, where they lie.
    pub variance: f64,
    /// d0, the degrees of freedom that it is worth; null for no end of them: the variances scatter no more than by chance.
    pub df: Option<f64>,
    /// Rows that it was estimated from, which are those that it moderates.
    pub rows: usize,
}

impl Family {
    /// Level of the intervals of decided rows: 1 - R * 0.05 / m (Benjamini and Yekutieli 2005).
    pub fn level_after_choosing(&self) -> f64 {
        1.0 - self.decided as f64 * 0.05 / self.size.max(1) as f64
    }
}

/// Verdicts counted over the rows of one candidate, and the boot score.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Summary {
    /// Index into [`Comparison::b`].
    pub candidate: usize,
    /// Whether the sides can be held against each other, as far as the facts tell.
    pub comparable: Comparable,
    /// How the sides stand to each other's sessions; absent where they were measured in turns.
    #[serde(skip_serializing_if = "Interleaving::is_interleaved")]
    #[cfg_attr(feature = "schema", schemars(with = "Interleaving"))]
    pub interleaving: Interleaving,
    /// Those of `primary` that no test decides because of it ([`Reason::OneSession`]); absent without any.
    #[serde(skip_serializing_if = "is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "usize"))]
    pub capped: usize,
    /// Primary rows by verdict; all rows when no metric is primary ([`Family::all_rows`]). What gates.
    #[cfg_attr(feature = "schema", schemars(schema_with = "by_verdict"))]
    pub primary: BTreeMap<Verdict, usize>,
    /// All rows by verdict.
    #[cfg_attr(feature = "schema", schemars(schema_with = "by_verdict"))]
    pub all: BTreeMap<Verdict, usize>,
    /// Those of `primary` that are known ([`Row::expected`]) and do not gate.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "by_verdict"))]
    pub expected: BTreeMap<Verdict, usize>,
    /// Those of `all` that are known and do not gate.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "by_verdict"))]
    pub expected_all: BTreeMap<Verdict, usize>,
    /// Ratio of the boot scores with its 95 % interval: how all primary log-scale rows moved together.
    /// Never a verdict.
    pub score: Option<Score>,
    /// Rows that count at the gate: primary ones (without any, all) and missing ones that are not known; of changes those with
    /// [`Row::gates`].
    pub at_gate: Vec<GateCount>,
    /// Those of them that nothing was decided of and that could not have shown a change of twice their `min_effect`; absent
    /// without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "BlindRows"))]
    pub blind: Option<BlindRows>,
    /// `score` of each metric (the family check).
    pub per_metric: Vec<MetricScore>,
    /// `score` of each workload and category with two cases or more of primary log-scale rows, which gates beside the rows; empty after
    /// a stopping rule or added boots.
    pub categories: Vec<CategoryScore>,
    /// Changes counted as events: cases with a decided primary row (without any, row), by verdict. Rows of one case that
    /// changed alike are one event.
    #[cfg_attr(feature = "schema", schemars(schema_with = "by_verdict"))]
    pub events: BTreeMap<Verdict, usize>,
}

/// Nothing to be said of.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// How many rows have a verdict; schemars knows no map whose keys have descriptions.
#[cfg(feature = "schema")]
fn by_verdict(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "propertyNames": generator.subschema_for::<Verdict>(),
        "additionalProperties": generator.subschema_for::<usize>(),
    })
}

/// Undecided rows at the gate that could not have shown a change of twice their `min_effect` with power 0.8.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct BlindRows {
    /// Their number.
    pub rows: usize,
    /// The smallest change that one of them had to show, as a ratio minus 1: none of them could have shown it.
    pub effect: f64,
}

/// How many rows of one kind count at the gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct GateCount {
    /// Their verdict.
    pub verdict: Verdict,
    /// Its reason.
    pub reason: Option<Reason>,
    /// Whose measurements failed ([`Row::failed`]); absent where nobody's did alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "FailedSide"))]
    pub failed: Option<FailedSide>,
    /// Their number.
    pub rows: usize,
}

/// Two ends, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interval(pub f64, pub f64);

/// Something that a reader must know, with what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Warning {
    /// Stable kebab-case name: `not-interleaved`, `tcg`, `lost-cells`.
    pub code: &'static str,
    /// How serious it is.
    pub level: Level,
    /// What is the matter, one lowercase sentence with names and counts.
    pub text: String,
    /// What to do, one lowercase sentence; may be empty.
    pub advice: String,
    /// How many rows, files or facts it speaks of.
    pub count: usize,
}

/// How serious a warning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Decides whether the numbers count: shown above them.
    Blocking,
    /// Shown with the numbers.
    Note,
}
