//! Where the time of a case went, of profiles that are never judged.

use crate::Shared;
use model::Keys;
use serde::Serialize;

/// Where the time of one case went on both sides: of cases with a decided change, where a side was profiled (`profiler`).
/// A hint and no verdict: a profile is one boot of each side.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Cause {
    /// Index into [`super::Comparison::b`].
    pub candidate: usize,
    /// Workload.
    pub workload: Shared<str>,
    /// Canonical category.
    pub category: Shared<str>,
    /// Factor levels.
    pub case: Shared<Keys>,
    /// The difference of the profiles; absent where a side has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Flame"))]
    pub profile: Option<Flame>,
    /// What could not be profiled or read, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
}

/// A profile, or two of them laid over each other: what a flame graph draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Flame {
    /// The host, and guests that were profiled from within.
    pub sources: Vec<FlameSource>,
    /// Frames that are wide enough to be drawn, each followed by those that it called, in the order of their names.
    pub frames: Vec<FlameFrame>,
    /// Frames that are not, within drawn ones.
    pub hidden: usize,
    /// The largest share of a source's samples that they hold together.
    pub hidden_share: f64,
    /// Functions whose own share moved most, the most first; empty of a single profile.
    pub moved: Vec<FunctionMoved>,
}

/// Where samples were taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FlameSource {
    /// `host`, or a guest's name.
    pub of: String,
    /// Samples of the baseline, or of the only profile.
    pub a: u64,
    /// Samples of the candidate; 0 of a single profile.
    pub b: u64,
}

/// A frame of a stack: a function where it was called from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FlameFrame {
    /// How many frames stand between it and its source, which is 0 itself.
    pub depth: u32,
    /// The function's name; of a source that.
    pub name: String,
    /// Share of its source's samples in it and in what it called, on the baseline.
    pub a: f64,
    /// The same on the candidate.
    pub b: f64,
}

/// A function whose own share of the samples moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FunctionMoved {
    /// Its source.
    pub of: String,
    /// The function.
    pub name: String,
    /// Share of its source's samples in the function itself, without what it called, on the baseline.
    pub a: f64,
    /// The same on the candidate.
    pub b: f64,
    /// How far the difference of such shares scatters by counting alone: 1.96 times its standard error, were the samples
    /// independent of each other. Boots scatter more.
    pub counting: f64,
}
