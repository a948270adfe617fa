//! What the model of a row says: estimates, intervals, p.

use crate::{Interval, Mde, Model};
use model::Scale;
use stats::TTest;

/// Everything that the model says about a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub model: Option<Model>,
    /// The test on the row's scale.
    pub test: Option<TTest>,
    /// The p that the verdict uses: the test's, or the one that is valid at every look.
    pub p: Option<f64>,
    pub diff: Option<f64>,
    pub diff_ci: Option<Interval>,
    pub diff_ci90: Option<Interval>,
    pub ratio: Option<f64>,
    pub ratio_ci: Option<Interval>,
    pub ratio_ci90: Option<Interval>,
    /// Half the width of the band of differences.
    pub band_abs: Option<f64>,
    pub mde: Option<Mde>,
}

/// The intervals of a row at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Intervals {
    pub ratio: Option<Interval>,
    pub diff: Option<Interval>,
}

/// A finite number, or none.
pub(crate) fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// An interval with finite ends, or none.
pub(crate) fn interval(i: stats::Interval) -> Option<Interval> {
    (i.low.is_finite() && i.high.is_finite()).then_some(Interval(i.low, i.high))
}

/// The ratios that are too small to matter: symmetric in the logarithm on the log scale, in the ratio on the linear one.
pub(crate) fn ratio_band(scale: Scale, margin: f64) -> stats::Interval {
    match scale {
        Scale::Log => stats::band(margin),
        Scale::Linear => stats::Interval::new(1.0 - margin, 1.0 + margin),
    }
}

/// Whether an interval lies in the band of differences.
pub(super) fn inside_abs(ci: Option<Interval>, half: Option<f64>) -> bool {
    half.is_some_and(|half| ci.is_some_and(|ci| -half <= ci.0 && ci.1 <= half))
}
