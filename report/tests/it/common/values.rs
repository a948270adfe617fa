//! Values of fixtures: the same everywhere and every time.

/// Five or six values whose mean is `mean`, about `sd` apart; `turn` puts them into another order.
pub fn around(mean: f64, sd: f64, turn: usize) -> Vec<f64> {
    const PATTERN: [f64; 5] = [-1.3, 0.2, 1.2, -0.6, 0.5];
    (0..5).map(|i| hundredths(mean + sd * PATTERN[(i + turn) % 5])).collect()
}

/// Two decimals, as files have them.
pub fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A small generator.
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

    /// `n` values around a mean, their SD a share of it.
    pub fn values(&mut self, n: usize, mean: f64, share: f64) -> Vec<f64> {
        (0..n).map(|_| hundredths(mean * (1.0 + share * self.normal()))).collect()
    }
}
