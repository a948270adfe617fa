//! Student's t distribution: tails and quantiles for any real df > 0.

use super::curve::Curve;
use super::special::{UnitPoint, beta_tails, ln_beta};

/// From here on the distribution is the normal one for every purpose, and the continued fraction gets slow.
pub(super) const DF_MAX: f64 = 1e8;

/// Two-sided p of a t statistic, `P(|T| >= |t|)`, accurate near 0 as well as down to 1e-300.
///
/// `t` in standard errors, `df` > 0, not necessarily whole. Arguments outside the domain (NaN, df <= 0) give 1:
/// no evidence. Source: `I_x(df/2, 1/2)` with `x = df / (df + t²)` (DLMF 8.17).
pub fn t_two_sided_p(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return 1.0;
    }
    let df = df.min(DF_MAX);
    let at = UnitPoint::from_root_odds(t.abs() / df.sqrt()).flip();
    beta_tails(df / 2.0, 0.5, at).0
}

/// Upper tail `P(T > t)`; see [`t_two_sided_p`] for the arguments (0.5 outside the domain).
pub fn t_sf(t: f64, df: f64) -> f64 {
    let half = 0.5 * t_two_sided_p(t, df);
    if t < 0.0 { 1.0 - half } else { half }
}

/// The critical value of a two-sided interval: the t with `P(|T| <= t) = level`.
///
/// `level` is clamped into 0..1-1e-15 and a df outside the domain gives infinity (an interval that says nothing).
pub fn t_critical(level: f64, df: f64) -> f64 {
    // The two levels of every row are interpolated ([`super::curve`]).
    static AT_95: Curve = Curve::new(|df| Some(two_sided_quantile(1.0 - 0.95, df)));
    static AT_90: Curve = Curve::new(|df| Some(two_sided_quantile(1.0 - 0.90, df)));
    let curve = if level == 0.95 {
        AT_95.at(df)
    } else if level == 0.90 {
        AT_90.at(df)
    } else {
        None
    };
    if let Some(t) = curve {
        return t;
    }
    two_sided_quantile(1.0 - level.clamp(0.0, 1.0 - 1e-15), df)
}

/// The t with `P(T <= t) = probability`, for a probability strictly inside 0..1; ±infinity outside.
pub fn t_quantile(probability: f64, df: f64) -> f64 {
    if probability <= 0.0 {
        f64::NEG_INFINITY
    } else if probability >= 1.0 {
        f64::INFINITY
    } else if probability < 0.5 {
        -two_sided_quantile(2.0 * probability, df)
    } else {
        two_sided_quantile(2.0 * (1.0 - probability), df)
    }
}

/// The t >= 0 with `P(|T| >= t) = p`.
///
/// Newton's method on `ln p` against `ln t`. That curve is concave and falling, so that after the first step the
/// iterates approach the solution from the right without overshooting.
pub(super) fn two_sided_quantile(p: f64, df: f64) -> f64 {
    if p >= 1.0 {
        return 0.0;
    }
    if p.is_nan() || p <= 0.0 || df.is_nan() || df <= 0.0 {
        return f64::INFINITY;
    }
    let df = df.min(DF_MAX);
    let target = p.ln();
    let ln_norm = -0.5 * df.ln() - ln_beta(df / 2.0, 0.5);
    let mut u: f64 = 0.5;
    for _ in 0..200 {
        let t = u.exp();
        let tail = t_two_sided_p(t, df);
        if tail <= 0.0 {
            u -= 1.0;
            continue;
        }
        let at = UnitPoint::from_root_odds(t / df.sqrt());
        let slope = -2.0 * (u + ln_norm + 0.5 * (df + 1.0) * at.ln_y - tail.ln()).exp();
        let step = (target - tail.ln()) / slope;
        u += step.clamp(-50.0, 50.0);
        if step.abs() < 4e-16 * u.abs().max(1.0) {
            break;
        }
    }
    u.exp()
}
