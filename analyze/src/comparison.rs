//! The result of a comparison: what every report shows and what `--format json` writes.
//!
//! One [`Row`] is one case x one metric x one candidate. Nothing in here is ever NaN or infinite:
//! what cannot be computed is `None`, with a [`Reason`] or a [`Warning`] beside it.

use crate::Shared;
use model::{Direction, Keys, Role, Scale};
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the JSON that a [`Comparison`] serializes to.
///
/// Changelog: 1, the first; later its rows got `sequential`.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that was decided about a baseline and one or more candidates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`SCHEMA_VERSION`].
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
pub struct Side {
    /// `--labels`, else the directory's name (its last two components when the last ones are equal).
    pub label: String,
    /// The directory as it was given.
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
pub struct Loss {
    /// File, with `:line:column` where they are known.
    pub place: String,
    /// What was lost: `cell`, `row`, `column`, `file` or `repeat`.
    pub what: &'static str,
    /// Why, in lowercase.
    pub reason: String,
}

/// A workload that has rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

/// statistics.md, "Comparability".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, PartialOrd, Ord)]
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
pub struct Method {
    /// `auto`, `welch`, `student` or `blocked`.
    pub test: String,
    /// Level of the tests.
    pub alpha: f64,
    /// Default of `min_effect`, as a ratio: 0.05.
    pub min_effect: f64,
    /// `bh` or `holm`.
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
pub struct Summary {
    /// Index into [`Comparison::b`].
    pub candidate: usize,
    /// Primary rows by verdict; all rows when no metric is primary ([`Family::all_rows`]). What gates.
    pub primary: BTreeMap<Verdict, usize>,
    /// All rows by verdict.
    pub all: BTreeMap<Verdict, usize>,
    /// Those of `primary` that are known ([`Row::expected`]) and do not gate.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub expected: BTreeMap<Verdict, usize>,
    /// Those of `all` that are known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub expected_all: BTreeMap<Verdict, usize>,
    /// Ratio of the boot scores with its 95 % interval: how all primary log-scale rows moved together.
    /// Never a verdict.
    pub score: Option<Score>,
    /// The same per metric (the family check).
    pub per_metric: Vec<MetricScore>,
}

/// A ratio of boot scores (statistics.md, "Summary over rows").
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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
pub struct Interval(pub f64, pub f64);

/// One case x one metric x one candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Readable and opaque: case id, metric and, with several candidates, the candidate's number.
    pub id: String,
    /// Workload.
    pub workload: Shared<str>,
    /// Canonical category.
    pub category: Shared<str>,
    /// Factor levels.
    pub case: Shared<Keys>,
    /// Canonical metric name.
    pub metric: Shared<str>,
    /// The name in the files.
    pub metric_as_written: Shared<str>,
    /// Unit as text, empty for plain counts.
    pub unit: Shared<str>,
    /// Which way is better.
    pub direction: Direction,
    /// How much the metric counts.
    pub role: Role,
    /// Scale of the comparison.
    pub scale: Scale,
    /// Index into [`Comparison::b`].
    pub candidate: usize,
    /// Which model gave `p`, `ratio_ci` and the verdict.
    pub model: Option<Model>,
    /// Baseline's replicates.
    pub a: Sample,
    /// Candidate's replicates.
    pub b: Sample,
    /// Difference of the means, B - A, in `unit`.
    pub diff: Option<f64>,
    /// Its 95 % interval.
    pub diff_ci: Option<Interval>,
    /// Its 90 % interval, the one that TOST uses on the linear scale.
    pub diff_ci90: Option<Interval>,
    /// B / A: of geometric means on the log scale; of means on the linear one, null when Fieller's interval has no ends.
    pub ratio: Option<f64>,
    /// Its 95 % interval.
    pub ratio_ci: Option<Interval>,
    /// Its 90 % interval, the one that TOST uses on the log scale.
    pub ratio_ci90: Option<Interval>,
    /// B / A of the arithmetic means.
    pub ratio_of_means: Option<f64>,
    /// BCa bootstrap's 95 % interval, of `ratio_of_means` on the log scale and of `diff` on the linear one; for decided
    /// primary rows with ten replicates a side, null elsewhere. Never feeds the verdict.
    pub bca_ci: Option<Interval>,
    /// The m of this row, as a ratio: the band is [1/(1+m), 1+m].
    pub min_effect: f64,
    /// On the linear scale the band is [-band_abs, band_abs], in `unit`.
    pub band_abs: Option<f64>,
    /// p of every test that could be computed.
    pub p: PValues,
    /// The p that the model gave and the verdict uses; on sequential rows the one that is valid at every look.
    pub p_model: Option<f64>,
    /// How the row was looked at, when it was looked at more than once: intervals, `p_model`, `q` and `mde` are then the
    /// rule's, those in `p` are of a fixed n.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequential: Option<Sequential>,
    /// The smaller n of the two sides.
    pub n_min: usize,
    /// p corrected within the family; null outside it.
    pub q: Option<f64>,
    /// Smallest detectable effect (80 % power), up and down, as ratios minus 1: 0.08 and -0.074.
    pub mde: Option<Mde>,
    /// Hedges' g.
    pub hedges_g: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is INVALID or INCONCLUSIVE, or how it is EQUIVALENT.
    pub reason: Option<Reason>,
    /// The change is known and does not gate (`--expect`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// What a reader of this row must know.
    pub warnings: Vec<Warning>,
}

/// A known change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// Why it is known.
    pub reason: String,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub until: String,
    /// The line that says so: `FILE:LINE`.
    pub place: String,
}

/// One look of several at a row (statistics.md, "Sequential stopping").
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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
    /// The same for the 90 % interval.
    pub level90: f64,
    /// The model's p of a fixed n, which is not valid here.
    pub p_fixed: Option<f64>,
}

/// Why a row was looked at more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
pub struct Mde {
    /// Upwards, positive.
    pub up: f64,
    /// Downwards, negative.
    pub down: f64,
}

/// The replicates of one side of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// Where each comes from.
    pub sources: Vec<Source>,
    /// Block of each, when the plan has blocks; empty otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<u32>,
    /// Cells without a value: reason by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<Loss>,
}

/// A place in the input: `[file, line, column]`, the file as an index into [`Comparison::files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Source(pub u32, pub u32, pub u32);

/// Which model a row's verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Within-block differences.
    Blocked,
    /// Welch's t-test.
    Welch,
    /// Student's t-test, on request only.
    Student,
}

/// p-values, two-sided and unrounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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

/// The closed set of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Verdict {
    /// A real change for the worse whose best estimate exceeds m.
    Regressed,
    /// A real change for the better whose best estimate exceeds m.
    Improved,
    /// A real rise of a metric without direction.
    ChangedUp,
    /// A real fall of a metric without direction.
    ChangedDown,
    /// A deterministic metric differs.
    ExactChanged,
    /// The data do not decide; [`Row::reason`] says why.
    Inconclusive,
    /// The change is within the band (TOST), or the constants are equal.
    Equivalent,
    /// The baseline has no such row.
    MissingA,
    /// The candidate has no such row.
    MissingB,
    /// The row cannot be judged.
    Invalid,
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// INVALID: fewer than two replicates on a side.
    OneReplicate,
    /// INVALID: the sides were not measured alike.
    NotComparable,
    /// EQUIVALENT: equal constants.
    Exact,
    /// INCONCLUSIVE: different constants, or no variance to test with.
    NoVariance,
    /// INCONCLUSIVE: neither a ratio nor an absolute band can be used.
    NoScale,
    /// INCONCLUSIVE: a significant change whose estimate lies inside the band.
    Small,
    /// INCONCLUSIVE: p <= alpha < q.
    Suggestive,
    /// INCONCLUSIVE: the smallest detectable effect exceeds m.
    Noisy,
    /// INCONCLUSIVE: none of the others.
    Open,
}

/// Something that a reader must know, with what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// Stable kebab-case name: `one-host-boot`, `tcg`, `lost-cells`.
    pub code: &'static str,
    /// How serious it is.
    pub level: Level,
    /// What is the matter, one lowercase sentence with names and counts.
    pub text: String,
    /// What to do, one lowercase sentence; may be empty.
    pub advice: String,
    /// How many rows or files it speaks of.
    pub count: usize,
}

/// How serious a warning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Decides whether the numbers count: shown above them.
    Blocking,
    /// Shown with the numbers.
    Note,
}

impl Row {
    /// The id without a candidate's number: what noise floors, expectations and seeds go by.
    pub fn base_id(&self) -> &str {
        // In the metric's name, the last part of an id, a `#` is encoded.
        match self.id.rsplit_once('#') {
            Some((base, number)) if !number.contains('/') => base,
            _ => &self.id,
        }
    }
}

impl Verdict {
    /// All of them, gravest first.
    pub const ALL: [Verdict; 10] = [
        Verdict::Regressed,
        Verdict::Improved,
        Verdict::ChangedUp,
        Verdict::ChangedDown,
        Verdict::ExactChanged,
        Verdict::Inconclusive,
        Verdict::Equivalent,
        Verdict::MissingA,
        Verdict::MissingB,
        Verdict::Invalid,
    ];

    /// The word that every report prints.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Regressed => "REGRESSED",
            Verdict::Improved => "IMPROVED",
            Verdict::ChangedUp => "CHANGED-UP",
            Verdict::ChangedDown => "CHANGED-DOWN",
            Verdict::ExactChanged => "EXACT-CHANGED",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::Equivalent => "EQUIVALENT",
            Verdict::MissingA => "MISSING-A",
            Verdict::MissingB => "MISSING-B",
            Verdict::Invalid => "INVALID",
        }
    }

    /// A significant change was found and exceeds the band.
    pub fn is_decided_change(self) -> bool {
        matches!(
            self,
            Verdict::Regressed
                | Verdict::Improved
                | Verdict::ChangedUp
                | Verdict::ChangedDown
                | Verdict::ExactChanged
        )
    }
}

impl Reason {
    /// The word that every report prints in brackets behind the verdict.
    pub fn word(self) -> &'static str {
        match self {
            Reason::OneReplicate => "one-replicate",
            Reason::NotComparable => "not-comparable",
            Reason::Exact => "exact",
            Reason::NoVariance => "no-variance",
            Reason::NoScale => "no-scale",
            Reason::Small => "small",
            Reason::Suggestive => "suggestive",
            Reason::Noisy => "noisy",
            Reason::Open => "open",
        }
    }
}
