//! The noncentral t distribution: cdf, power of the two-sided t-test, and the noncentrality for a given power.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::curve::Curve;
use super::special::{UnitPoint, beta_tails, erf, ln_beta, ln_gamma, normal_sf};
use super::tdist::{DF_MAX, two_sided_quantile};

/// A Poisson-weighted sum of incomplete beta functions,
/// `Σ w(j) I_x(j + s + 1/2, b)` with `w(j) = e^-λ λ^(j+s) / Γ(j + s + 1)`, and the sum of `w(j) (I(j) - I(j+1))`.
///
/// This is the series of Lenth (1989, AS 243) started beyond the largest weight (Benton and Krishnamoorthy 2003),
/// so that nothing underflows for a large λ. It runs downwards, where the recurrence of I only adds. Returned
/// relative to the sum of all weights.
fn mixture(s: f64, lambda: f64, b: f64, at: UnitPoint) -> (f64, f64) {
    let top = (lambda + 10.0 * lambda.sqrt() + 30.0).floor();
    let ln_weight = |j: f64| (j + s) * lambda.ln() - lambda - ln_gamma(j + s + 1.0);
    let ln_term = |a: f64| a * at.ln_x + b * at.ln_y - ln_beta(a, b) - a.ln();
    let mut j = top;
    let mut weight = ln_weight(j).exp();
    let mut a = j + s + 0.5;
    let mut term = ln_term(a).exp();
    let mut value = beta_tails(a, b, at).0;
    let (mut sum, mut slope, mut weights) = (0.0, 0.0, 0.0);
    loop {
        sum += weight * value;
        slope += weight * term;
        weights += weight;
        if j < 1.0 || (j < lambda && weight < 1e-19 * weights) {
            break;
        }
        weight = if weight > 0.0 { weight * (j + s) / lambda } else { ln_weight(j - 1.0).exp() };
        term = if term > 0.0 { term * a / ((a + b - 1.0) * at.x) } else { ln_term(a - 1.0).exp() };
        value += term;
        a -= 1.0;
        j -= 1.0;
    }
    (sum / weights, slope / weights)
}

/// `P(T <= t)` of the noncentral t distribution with `df` > 0 and noncentrality `delta`.
///
/// Absolute error about 1e-13. Arguments outside the domain (not finite, df <= 0) give 0.
pub fn noncentral_t_cdf(t: f64, df: f64, delta: f64) -> f64 {
    if !(t.is_finite() && df > 0.0 && df.is_finite() && delta.is_finite()) {
        return 0.0;
    }
    let df = df.min(DF_MAX);
    if t < 0.0 {
        return 1.0 - noncentral_t_cdf(-t, df, -delta);
    }
    let below_zero = normal_sf(delta);
    let lambda = delta * delta / 2.0;
    if t == 0.0 {
        return below_zero;
    }
    let at = UnitPoint::from_root_odds(t / df.sqrt());
    if lambda < 1e-300 {
        return 0.5 + 0.5 * beta_tails(0.5, df / 2.0, at).0;
    }
    let even = mixture(0.0, lambda, df / 2.0, at).0;
    let odd = mixture(0.5, lambda, df / 2.0, at).0 * erf(lambda.sqrt()) * delta.signum();
    (below_zero + 0.5 * (even + odd)).clamp(0.0, 1.0)
}

/// Power of the two-sided t-test and its derivative by `delta`, at the critical point `at`.
fn power_and_slope(delta: f64, df: f64, alpha: f64, at: UnitPoint) -> (f64, f64) {
    let lambda = delta * delta / 2.0;
    if lambda < 1e-300 {
        return (alpha, 0.0);
    }
    let (inside, slope) = mixture(0.0, lambda, df / 2.0, at);
    (1.0 - inside, delta * slope)
}

fn critical_point(df: f64, alpha: f64) -> UnitPoint {
    UnitPoint::from_root_odds(two_sided_quantile(alpha, df) / df.sqrt())
}

/// Power of the two-sided t-test at level `alpha` with `df` degrees of freedom when the true effect is `delta`
/// standard errors: `P(|T| > t_crit)` under the noncentral t. Outside the domain: 0.
pub fn power(delta: f64, df: f64, alpha: f64) -> f64 {
    if !(delta.is_finite() && df > 0.0 && df.is_finite() && alpha > 0.0 && alpha < 1.0) {
        return 0.0;
    }
    let df = df.min(DF_MAX);
    power_and_slope(delta.abs(), df, alpha, critical_point(df, alpha)).0
}

type Key = (u64, u64, u64);
/// Solved noncentralities. A comparison has a handful of df with Student and blocks, but one per row with Welch;
/// the bound keeps a long-lived process from collecting them for ever.
static SOLVED: LazyLock<Mutex<HashMap<Key, f64>>> = LazyLock::new(Mutex::default);
const SOLVED_MAX: usize = 1 << 16;

/// The effect in standard errors for which the two-sided t-test at `alpha` with `df` has the given power.
///
/// Solved once per (df, alpha, power) and cached; safe to call from many threads. `None` outside the domain
/// (df > 0, 0 < alpha < power < 1).
pub fn noncentrality(df: f64, alpha: f64, power: f64) -> Option<f64> {
    if !(df > 0.0 && df.is_finite() && alpha > 0.0 && alpha < power && power < 1.0) {
        return None;
    }
    let df = df.min(DF_MAX);
    // What every row of a comparison asks for is interpolated ([`super::curve`]).
    static USUAL: Curve = Curve::new(|df| solve(df, 0.05, 0.8));
    if let Some(delta) = if (alpha, power) == (0.05, 0.8) { USUAL.at(df) } else { None } {
        return Some(delta);
    }
    let key = (df.to_bits(), alpha.to_bits(), power.to_bits());
    let cache = || SOLVED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = cache().get(&key) {
        return Some(*known);
    }
    let solved = solve(df, alpha, power)?;
    let mut cache = cache();
    if cache.len() >= SOLVED_MAX {
        cache.clear();
    }
    cache.insert(key, solved);
    Some(solved)
}

/// Newton's method inside a bracket; the power rises with delta.
pub(super) fn solve(df: f64, alpha: f64, target: f64) -> Option<f64> {
    let at = critical_point(df, alpha);
    let mut low = 0.0;
    let mut high = f64::INFINITY;
    let mut delta = two_sided_quantile(alpha, df) + 1.0;
    // The series has about 20 * delta terms: beyond this a row has no information at all (df near 1, tiny alpha).
    const LARGEST: f64 = 1e4;
    for _ in 0..200 {
        if delta > LARGEST {
            return None;
        }
        let (power, slope) = power_and_slope(delta, df, alpha, at);
        if power < target {
            low = delta
        } else {
            high = delta
        }
        let newton = delta - (power - target) / slope;
        let next = if newton > low && newton < high {
            newton
        } else if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * delta
        };
        if (next - delta).abs() <= 1e-14 * delta {
            return Some(next);
        }
        delta = next;
    }
    Some(delta)
}
