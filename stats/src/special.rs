//! Special functions with the tails kept: the incomplete beta function and the normal distribution.
//!
//! `statrs` supplies log-gamma, the incomplete gamma function and the inverse error function. Its regularised beta takes
//! `x` alone, so that `1 - x` is lost where `x` is near 1 (t near 0, large df); here a point carries `x`, `1 - x` and both
//! logarithms.

use statrs::function::{erf::erfc_inv, gamma};

/// A point of the unit interval that remembers its distance to both ends.
#[derive(Debug, Clone, Copy)]
pub struct UnitPoint {
    /// x.
    pub x: f64,
    /// 1 - x, not computed by subtraction.
    pub y: f64,
    /// Natural logarithm of x.
    pub ln_x: f64,
    /// Natural logarithm of 1 - x.
    pub ln_y: f64,
}

impl UnitPoint {
    /// The point `r / (1 + r)` for a ratio `r >= 0` given as its square root (so that t * t cannot overflow).
    pub fn from_root_odds(root: f64) -> Self {
        let odds = root * root;
        if odds < 1.0 {
            let ln_y = -odds.ln_1p();
            Self { x: odds / (1.0 + odds), y: 1.0 / (1.0 + odds), ln_x: 2.0 * root.ln() + ln_y, ln_y }
        } else {
            let inverse = 1.0 / odds;
            let ln_x = -inverse.ln_1p();
            Self {
                x: 1.0 / (1.0 + inverse),
                y: inverse / (1.0 + inverse),
                ln_x,
                ln_y: ln_x - 2.0 * root.ln(),
            }
        }
    }

    /// The same point seen from the other end.
    pub fn flip(self) -> Self {
        Self { x: self.y, y: self.x, ln_x: self.ln_y, ln_y: self.ln_x }
    }
}

/// What Stirling's formula leaves out: `ln Γ(x) - (x - 1/2) ln x + x - ln(2π)/2`, for x >= 10 (DLMF 5.11.1).
fn stirling_rest(x: f64) -> f64 {
    const C: [f64; 6] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let inverse_square = 1.0 / (x * x);
    C.iter().rev().fold(0.0, |sum, c| sum * inverse_square + c) / x
}

/// `ln Γ(x)` for x > 0.
pub fn ln_gamma(x: f64) -> f64 {
    gamma::ln_gamma(x)
}

/// The derivative of `ln Γ(x)`, for x > 0.
pub fn digamma(x: f64) -> f64 {
    gamma::digamma(x)
}

/// The derivative of [`digamma`], for x > 0 (infinite at 0): by its recurrence, then the asymptotic series (DLMF 5.15.8).
pub fn trigamma(x: f64) -> f64 {
    const B: [f64; 7] =
        [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0];
    let (mut x, mut sum) = (x, 0.0);
    while x < 15.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let inverse_square = 1.0 / (x * x);
    let series = B.iter().rev().fold(0.0, |sum, b| (sum + b) * inverse_square);
    sum + (1.0 + 0.5 / x + series) / x
}

/// The x > 0 with `trigamma(x) = y`, for y > 0: halving between bounds that `1/x + 1/(2x²) < trigamma(x) < 1/x + 1/x²` give.
pub fn trigamma_inverse(y: f64) -> f64 {
    let root = |share: f64| 0.5 * (1.0 + (1.0 + 4.0 * share * y).sqrt()) / y;
    let (mut low, mut high) = (root(0.5), root(1.0));
    for _ in 0..200 {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if trigamma(middle) > y { low = middle } else { high = middle }
    }
    low
}

/// `P(X <= x)` of the chi-squared distribution with `df` > 0 degrees of freedom; 0 for `x` <= 0 and outside the domain.
pub fn chi_square_cdf(x: f64, df: f64) -> f64 {
    if x > 0.0 && df > 0.0 { gamma::checked_gamma_lr(0.5 * df, 0.5 * x).unwrap_or(0.0) } else { 0.0 }
}

/// `ln Γ(x + d) - ln Γ(x)` for x > 0, d >= 0, without the cancellation of two large logarithms.
pub fn ln_gamma_ratio(x: f64, d: f64) -> f64 {
    if x < 10.0 {
        return ln_gamma(x + d) - ln_gamma(x);
    }
    d * x.ln() + (x + d - 0.5) * (d / x).ln_1p() - d + stirling_rest(x + d) - stirling_rest(x)
}

/// `ln B(a, b)` for a, b > 0.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    ln_gamma(small) - ln_gamma_ratio(large, small)
}

/// Both tails of the beta distribution, `(I_x(a, b), 1 - I_x(a, b))`; the smaller one is computed as such.
///
/// Continued fraction of DLMF 8.17.22, evaluated by Lentz's method on the side where it converges quickly.
pub fn beta_tails(a: f64, b: f64, at: UnitPoint) -> (f64, f64) {
    if at.x * (a + b + 2.0) > a + 1.0 {
        let upper = beta_direct(b, a, at.flip());
        (1.0 - upper, upper)
    } else {
        let lower = beta_direct(a, b, at);
        (lower, 1.0 - lower)
    }
}

fn beta_direct(a: f64, b: f64, at: UnitPoint) -> f64 {
    if at.ln_x == f64::NEG_INFINITY {
        return 0.0;
    }
    let ln_front = a * at.ln_x + b * at.ln_y - ln_beta(a, b) - a.ln();
    (ln_front.exp() * beta_fraction(a, b, at.x)).clamp(0.0, 1.0)
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    // The number of steps grows like the root of the larger parameter; for the largest df used
    // here (1e8) it is some ten thousand.
    for m in 1..50_000_u32 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// Error function, `2/√π ∫₀ˣ exp(-u²) du`, to 1e-15.
pub fn erf(x: f64) -> f64 {
    let size = x.abs();
    let value = if size < ERFC_SWITCH { erf_series(size) } else { 1.0 - erfc_fraction(size) };
    value.copysign(x)
}

/// Complementary error function, relative error below 1e-12 as long as it is a normal double.
///
/// `statrs` has one, too; between 1 and 2 it is off by 5e-11.
pub fn erfc(x: f64) -> f64 {
    if x < ERFC_SWITCH { 1.0 - erf(x) } else { erfc_fraction(x) }
}

/// Where `1 - erf` begins to cost digits (two of them here) and the continued fraction converges in 100 steps.
const ERFC_SWITCH: f64 = 1.75;

/// `2/√π exp(-x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!` (DLMF 7.6.2): positive terms only. For `0 <= x < 2`.
fn erf_series(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term > 1e-17 * sum {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// The continued fraction of DLMF 7.9.1 from its tail forwards, `exp(-x²)/√π / (x + (1/2)/(x + 1/(x + (3/2)/(x ..`.
fn erfc_fraction(x: f64) -> f64 {
    let steps = (20.0 + 400.0 / (x * x)).ceil();
    let mut below = x;
    let mut k = steps;
    while k >= 1.0 {
        below = x + 0.5 * k / below;
        k -= 1.0;
    }
    0.5 * std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() / below
}

/// Upper tail of the standard normal distribution, `P(Z > z)`.
pub fn normal_sf(z: f64) -> f64 {
    if z.is_nan() { 0.5 } else { 0.5 * erfc(z / std::f64::consts::SQRT_2) }
}

/// Quantile of the standard normal distribution for a probability inside 0..1 (±infinity at the ends).
pub fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let start = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p);
    if !start.is_finite() {
        return start;
    }
    // One step of Newton's method: the rational approximation has fewer digits than the tail.
    let density = (-0.5 * start * start).exp() / std::f64::consts::TAU.sqrt();
    start - (normal_sf(-start) - p) / density
}

/// Both tails of the F distribution at `f >= 0`: `(P(F <= f), P(F > f))`, with `d1` and `d2` degrees of freedom.
pub fn f_tails(f: f64, d1: f64, d2: f64) -> (f64, f64) {
    beta_tails(d1 / 2.0, d2 / 2.0, UnitPoint::from_root_odds(f.sqrt() * (d1 / d2).sqrt()))
}
