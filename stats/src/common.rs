//! What all statistics share: the interval and the reasons why a number does not exist.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A closed interval, `low <= high`, in the unit of whatever it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// The interval between two bounds, in either order.
    pub fn new(x: f64, y: f64) -> Self {
        Self { low: x.min(y), high: x.max(y) }
    }

    /// Whether `value` lies inside or on a bound.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether `other` lies inside, bounds included.
    pub fn encloses(&self, other: &Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// Width, `high - low`.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// Why a statistic does not exist for these values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
pub enum Unavailable {
    /// Fewer values than the statistic needs (per side, or blocks).
    #[error("needs at least {needed} values, has {found}")]
    TooFew {
        /// The smallest number that would do.
        needed: usize,
        /// What there is.
        found: usize,
    },
    /// Nothing varies (beyond rounding), so that no error can be estimated.
    #[error("the values do not vary")]
    ZeroVariance,
    /// A value is NaN or infinite.
    #[error("a value is not finite")]
    NotFinite,
    /// A value is zero or negative where logarithms or ratios are taken.
    #[error("a value is not positive")]
    NotPositive,
    /// Paired values of different number.
    #[error("pairs need equal lengths, got {a} and {b}")]
    Unpaired {
        /// Length of side A.
        a: usize,
        /// Length of side B.
        b: usize,
    },
    /// The confidence set is not a finite interval (the denominator may be 0).
    #[error("the interval is unbounded because the baseline may be zero")]
    Unbounded,
    /// The result is outside the range of a double.
    #[error("the result exceeds the range of floating-point numbers")]
    OutOfRange,
    /// A parameter is outside its domain (a level outside 0..1, an effect of 0, a target that no n reaches).
    #[error("a parameter is outside its domain")]
    Domain,
}

/// Fails unless there are `needed` values and all of them are finite.
pub(super) fn check(values: &[f64], needed: usize) -> Result<(), Unavailable> {
    if values.len() < needed {
        return Err(Unavailable::TooFew { needed, found: values.len() });
    }
    if values.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(Unavailable::NotFinite) }
}

/// Passes finite numbers on.
pub(super) fn finite(value: f64) -> Result<f64, Unavailable> {
    if value.is_finite() { Ok(value) } else { Err(Unavailable::OutOfRange) }
}

/// The natural logarithms of values that must all be positive and finite.
pub(super) fn logs(values: &[f64]) -> Result<Vec<f64>, Unavailable> {
    check(values, 0)?;
    if values.iter().any(|v| *v <= 0.0) {
        return Err(Unavailable::NotPositive);
    }
    Ok(values.iter().map(|v| v.ln()).collect())
}

/// The largest magnitude among the values, 0 for none.
pub(super) fn magnitude(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m, v| v.abs().max(m))
}

/// A standard deviation that rounding alone explains: values of this magnitude differ by a few units in the last
/// place. SciPy warns here; a t of 1e15 from the last bit of equal ratios would be a false alarm.
pub(super) fn is_rounding(sd: f64, magnitude: f64) -> bool {
    sd <= 8.0 * f64::EPSILON * magnitude
}
