//! The mean of rates over intervals of different length.

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, check, finite};

/// An interval shorter than this share of the longest says nothing: its rate is a matter of the clock's steps.
const NEGLIGIBLE: f64 = 0.01;

/// The mean of rates over intervals, each of which counts as long as it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimeWeighted {
    /// `Σ w x / Σ w`: what was done in all the time, by the time.
    pub mean: f64,
    /// Standard error of the mean, intervals taken as independent; 0 when all rates are equal.
    pub se: f64,
    /// How many intervals counted.
    pub intervals: usize,
}

/// The mean of the rates `values` over intervals of `seconds`, and its standard error. Needs two intervals.
///
/// Weighted least squares (Aitken 1935; Cochran 1937) with the model that rates of separate intervals are independent
/// and that their variance falls with the length, as that of counts does: `s² = Σ w (x - mean)² / (k - 1)` is the
/// variance of one second's rate, `s² / Σ w` that of the mean. Shares of time are rates in this sense, and so are means
/// over what happened in an interval as long as about as much happens in every second. Equal lengths give the ordinary
/// mean and `SD / √k`.
///
/// Intervals without a length, or below a hundredth of the longest, are left out of everything: a tool's last interval
/// may have 0.0004 s and any rate.
pub fn time_weighted(values: &[f64], seconds: &[f64]) -> Result<TimeWeighted, Unavailable> {
    if values.len() != seconds.len() {
        return Err(Unavailable::Unpaired { a: values.len(), b: seconds.len() });
    }
    check(values, 0)?;
    check(seconds, 0)?;
    let longest = seconds.iter().fold(0.0, |longest: f64, seconds| longest.max(*seconds));
    // In units of the longest: no sum can overflow.
    let counted: Vec<(f64, f64)> = values
        .iter()
        .zip(seconds)
        .map(|(value, seconds)| (*value, seconds / longest))
        .filter(|(_, weight)| *weight >= NEGLIGIBLE)
        .collect();
    let intervals = counted.len();
    let [(first, _), (_, _), ..] = *counted else {
        return Err(Unavailable::TooFew { needed: 2, found: intervals });
    };
    if counted.iter().all(|(value, _)| *value == first) {
        return Ok(TimeWeighted { mean: first, se: 0.0, intervals });
    }
    let unit = counted.iter().fold(0.0, |unit: f64, (value, _)| unit.max(value.abs()));
    let weights: f64 = counted.iter().map(|(_, weight)| weight).sum();
    let weighted = |of: &dyn Fn(f64) -> f64| {
        counted.iter().map(|(value, weight)| weight / weights * of(value / unit)).sum::<f64>()
    };
    let mean = weighted(&|x| x);
    let variance = weighted(&|x| (x - mean).powi(2)) / (intervals - 1) as f64;
    Ok(TimeWeighted { mean: finite(mean * unit)?, se: finite(variance.sqrt() * unit)?, intervals })
}
