//! What a row could have detected, and how many boots an effect needs.

use super::common::{Unavailable, finite};
use super::noncentral::{noncentrality, power};
use super::ttest::{TTest, welch_df};

/// More boots than anybody will run: beyond this the answer is "not by repeating".
const MAX_BOOTS: usize = 1_000_000;

/// The smallest |effect| that a test with this row's SE and df detects with the given power (two-sided, unadjusted
/// `alpha`), in the unit of the test's estimate: a log ratio on the log scale, a difference on the linear one.
pub fn minimum_detectable(test: &TTest, alpha: f64, power: f64) -> Result<f64, Unavailable> {
    let delta = noncentrality(test.df, alpha, power).ok_or(Unavailable::Domain)?;
    finite(delta * test.se)
}

/// A |log ratio| as relative changes `(up, down)`, both positive fractions: 0.1 is 10.5 % up and 9.5 % down.
pub fn log_effect_as_fractions(effect: f64) -> (f64, f64) {
    let effect = effect.abs();
    (effect.exp_m1().min(f64::MAX), -(-effect).exp_m1())
}

/// Boots per side (equal n, at least 2) for which Welch's test detects `effect` with the given power, when the sides
/// have these SDs. `effect` and SDs in the same unit (log ratio and SDs of logarithms on the log scale).
pub fn replicates_needed(
    sd_a: f64,
    sd_b: f64,
    effect: f64,
    alpha: f64,
    power: f64,
) -> Result<usize, Unavailable> {
    let unit = sd_a.max(sd_b);
    if !(unit > 0.0 && unit.is_finite() && sd_a >= 0.0 && sd_b >= 0.0) {
        return Err(Unavailable::ZeroVariance);
    }
    let (u, v) = ((sd_a / unit).powi(2), (sd_b / unit).powi(2));
    smallest(effect / unit, alpha, power, |n| ((u + v) / n, welch_df(u, n, v, n)))
}

/// Complete blocks (at least 2) for which the blocked model detects `effect` with the given power, when the
/// within-block differences have this SD.
pub fn blocks_needed(sd_difference: f64, effect: f64, alpha: f64, power: f64) -> Result<usize, Unavailable> {
    if !(sd_difference > 0.0 && sd_difference.is_finite()) {
        return Err(Unavailable::ZeroVariance);
    }
    smallest(effect / sd_difference, alpha, power, |n| (1.0 / n, n - 1.0))
}

/// The smallest n whose design (squared SE and df as functions of n) reaches the power; power rises with n.
fn smallest(
    effect: f64,
    alpha: f64,
    target: f64,
    design: impl Fn(f64) -> (f64, f64),
) -> Result<usize, Unavailable> {
    let effect = effect.abs();
    if !(effect > 0.0 && effect.is_finite() && alpha > 0.0 && alpha < target && target < 1.0) {
        return Err(Unavailable::Domain);
    }
    let enough = |n: usize| {
        let (se2, df) = design(n as f64);
        power((effect / se2.sqrt()).min(1e4), df, alpha) >= target
    };
    let mut high = 2;
    while !enough(high) {
        if high >= MAX_BOOTS {
            return Err(Unavailable::Domain);
        }
        high *= 2;
    }
    let mut low = high / 2;
    while high - low > 1 && high > 2 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    Ok(high)
}
