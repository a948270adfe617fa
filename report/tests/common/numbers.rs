//! Small statistics for fixtures, rounded so that every libm gives the same bytes.

use analyze::Interval;

/// Six significant digits; whole numbers stay as they are.
pub fn round(value: f64) -> f64 {
    if value.fract() == 0.0 || !value.is_finite() {
        return value;
    }
    format!("{value:.5e}").parse().unwrap()
}

pub fn interval(lo: f64, hi: f64) -> Interval {
    Interval(round(lo), round(hi))
}

pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub fn sd(values: &[f64]) -> Option<f64> {
    let m = mean(values)?;
    let n = values.len() as f64;
    (values.len() >= 2).then(|| (values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// The 97.5 % quantile of t, roughly.
pub fn t95(df: f64) -> f64 {
    1.96 + 2.4 / df + 6.0 / (df * df)
}

/// Two-sided p of a t, roughly.
pub fn p_of_t(t: f64, df: f64) -> f64 {
    let z = t.abs() * (1.0 - 1.0 / (4.0 * df)) / (1.0 + t * t / (2.0 * df)).sqrt();
    let k = 1.0 / (1.0 + 0.231_641_9 * z);
    let poly = k
        * (0.319_381_53
            + k * (-0.356_563_782 + k * (1.781_477_937 + k * (-1.821_255_978 + k * 1.330_274_429))));
    round((2.0 * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly).clamp(0.0, 1.0))
}

/// A small generator: the same numbers everywhere.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal, mean 0, SD 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// `n` values around a mean with a coefficient of variation, with two decimals.
    pub fn values(&mut self, n: usize, mean: f64, cv: f64) -> Vec<f64> {
        (0..n).map(|_| (mean * (1.0 + cv * self.normal()) * 100.0).round() / 100.0).collect()
    }
}
