//! The result of a comparison: what every report shows and what `--format json` writes.
//!
//! One [`Row`] is one case x one metric x one candidate. Nothing in here is ever NaN or infinite:
//! what cannot be computed is `None`, with a [`Reason`] or a [`Warning`] beside it.

mod row;
mod verdict;

use model::Direction;
pub use row::*;
use serde::Serialize;
use std::collections::BTreeMap;
pub use verdict::*;

/// The version of the JSON that a [`Comparison`] serializes to.
///
/// Changelog: 1, the first; later its rows got `sequential`.
pub const SCHEMA_VERSION: u32 = 1;

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
}

/// Something that was in the input and is not in the result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Loss {
    /// File, with `:line:column` where they are known.
    pub place: String,
    /// What was lost: `cell`, `row`, `column`, `file` or `repeat`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["cell", "row", "column", "file", "repeat"])))]
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
    /// perf.conf `desc`.
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
}

/// Verdicts counted over the rows of one candidate, and the boot score.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Summary {
    /// Index into [`Comparison::b`].
    pub candidate: usize,
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
    /// `score` of each metric (the family check).
    pub per_metric: Vec<MetricScore>,
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

/// Two ends, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interval(pub f64, pub f64);

/// Something that a reader must know, with what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Warning {
    /// Stable kebab-case name: `one-host-boot`, `tcg`, `lost-cells`.
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
