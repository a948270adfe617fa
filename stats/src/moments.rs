//! The summary of one side: moments, order statistics, geometric mean.

use serde::{Deserialize, Serialize};

use super::common::{Interval, Unavailable, check, finite, logs, magnitude};
use super::tdist::t_critical;

/// Summary of the values of one side, one value per replicate, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Number of values, at least 1.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (denominator n-1); `None` for a single value; exactly 0 for equal values.
    pub sd: Option<f64>,
    /// Coefficient of variation `sd / |mean|` as a fraction; `None` without an SD or with mean 0.
    pub cv: Option<f64>,
    /// Median (mean of the middle two for an even number).
    pub median: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Geometric mean; `None` unless every value is positive.
    pub geometric_mean: Option<f64>,
}

impl Moments {
    /// Whether all values are the same number.
    pub fn is_constant(&self) -> bool {
        self.min == self.max
    }
}

/// Mean and sample SD by two passes, scaled by a power of two so that neither sum nor square can overflow.
///
/// Equal values give exactly that value and exactly 0.
pub(super) fn mean_sd(values: &[f64]) -> Result<(f64, f64), Unavailable> {
    check(values, 1)?;
    let largest = magnitude(values);
    let first = values.first().copied().unwrap_or(0.0);
    if values.iter().all(|v| *v == first) {
        return Ok((first, 0.0));
    }
    let scale = power_of_two_near(largest);
    let n = values.len() as f64;
    let rough = values.iter().map(|v| v / scale).sum::<f64>() / n;
    let (mut rest, mut squares) = (0.0, 0.0);
    for v in values {
        let d = v / scale - rough;
        rest += d;
        squares += d * d;
    }
    // The rest would be 0 in exact arithmetic: it corrects the mean, and the squares for the error of the mean.
    let mean = (rough + rest / n) * scale;
    let variance = (squares - rest * rest / n).max(0.0) / (n - 1.0).max(1.0);
    Ok((finite(mean)?, finite(variance.sqrt() * scale)?))
}

/// A power of two no larger than `value` (1 for ordinary magnitudes, where scaling is not needed).
fn power_of_two_near(value: f64) -> f64 {
    if (1e-100..=1e100).contains(&value) {
        return 1.0;
    }
    let exponent = value.log2().floor().clamp(-1021.0, 1022.0);
    exponent.exp2()
}

/// Arithmetic mean; fails for no values or a value that is not finite.
pub fn mean(values: &[f64]) -> Result<f64, Unavailable> {
    Ok(mean_sd(values)?.0)
}

/// Geometric mean; fails unless every value is positive and finite.
pub fn geometric_mean(values: &[f64]) -> Result<f64, Unavailable> {
    check(values, 1)?;
    let logs = logs(values)?;
    let first = values.first().copied().unwrap_or(0.0);
    if values.iter().all(|v| *v == first) {
        return Ok(first); // exp(ln x) is not always x
    }
    finite(mean(&logs)?.exp())
}

/// The summary of one side; fails for no values, a value that is not finite, or an SD out of range.
pub fn moments(values: &[f64]) -> Result<Moments, Unavailable> {
    let (mean, sd) = mean_sd(values)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (min, max) = (sorted.first().copied().unwrap_or(mean), sorted.last().copied().unwrap_or(mean));
    let mean = mean.clamp(min, max); // rounding may carry it one bit outside
    let sd = (values.len() > 1).then_some(sd);
    let cv = sd.filter(|_| mean != 0.0).map(|s| s / mean.abs()).filter(|cv| cv.is_finite());
    let geometric_mean = geometric_mean(values).ok();
    Ok(Moments { n: values.len(), mean, sd, cv, median: median_of_sorted(&sorted), min, max, geometric_mean })
}

/// Median of sorted values; 0 for none (callers have checked).
fn median_of_sorted(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    let at = |i: usize| sorted.get(i).copied().unwrap_or(0.0);
    if n % 2 == 1 { at(n / 2) } else { at((n / 2).wrapping_sub(1)).midpoint(at(n / 2)) }
}

/// Confidence interval of one mean, `mean ± t(level, n-1) * sd / √n`; needs two values that vary.
pub fn mean_ci(values: &[f64], level: f64) -> Result<Interval, Unavailable> {
    check(values, 2)?;
    let (mean, sd) = mean_sd(values)?;
    if sd == 0.0 {
        return Err(Unavailable::ZeroVariance);
    }
    let n = values.len() as f64;
    let half = t_critical(level, n - 1.0) * sd / n.sqrt();
    Ok(Interval::new(finite(mean - half)?, finite(mean + half)?))
}
