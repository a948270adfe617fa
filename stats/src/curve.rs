//! Functions of the degrees of freedom that cost microseconds each, interpolated.
//!
//! With Welch every row has a df of its own, and needs the critical t of two levels and a noncentrality. As functions of
//! 1/df their logarithms are smooth: four polynomials through Chebyshev nodes give them to 1e-12, in nanoseconds.

use std::sync::OnceLock;

/// Nodes of one segment.
const NODES: usize = 24;

/// Ends of the segments in 1/df. The function is not analytic at 0 (Stirling's series diverges), so that the
/// segments grow shorter there.
const ENDS: [f64; 6] = [0.0, 1.0 / 64.0, 1.0 / 16.0, 1.0 / 4.0, 1.0 / 2.0, 1.0];

/// A positive function of df >= 1, solved at the nodes when a segment is first needed.
pub(super) struct Curve {
    /// The function itself; `None` where it has no value.
    solve: fn(f64) -> Option<f64>,
    /// Chebyshev coefficients of its logarithm, by segment.
    segments: [OnceLock<Option<[f64; NODES]>>; 5],
}

impl Curve {
    pub(super) const fn new(solve: fn(f64) -> Option<f64>) -> Self {
        Self { solve, segments: [const { OnceLock::new() }; 5] }
    }

    /// The function at `df`; `None` outside 1.. or where it cannot be solved.
    pub(super) fn at(&self, df: f64) -> Option<f64> {
        let s = 1.0 / df;
        if !(df >= 1.0 && s >= 0.0) {
            return None;
        }
        let index = ENDS.iter().skip(1).position(|end| s <= *end)?;
        let (low, high) = (*ENDS.get(index)?, *ENDS.get(index + 1)?);
        let coefficients = self.segments.get(index)?.get_or_init(|| self.fit(low, high)).as_ref()?;
        // Clenshaw's recurrence on -1..1.
        let x = 2.0 * (s - low) / (high - low) - 1.0;
        let (mut b1, mut b2) = (0.0, 0.0);
        for c in coefficients.iter().skip(1).rev() {
            (b1, b2) = (2.0 * x * b1 - b2 + c, b1);
        }
        Some((x * b1 - b2 + coefficients.first()?).exp())
    }

    /// Chebyshev coefficients of the logarithm on a segment of 1/df.
    fn fit(&self, low: f64, high: f64) -> Option<[f64; NODES]> {
        let angle = |k: usize| std::f64::consts::PI * (k as f64 + 0.5) / NODES as f64;
        let mut values = [0.0; NODES];
        for (k, value) in values.iter_mut().enumerate() {
            let s = low + (high - low) * 0.5 * (angle(k).cos() + 1.0);
            *value = (self.solve)(1.0 / s)?.ln();
        }
        let mut coefficients = [0.0; NODES];
        for (j, c) in coefficients.iter_mut().enumerate() {
            let sum: f64 = values.iter().enumerate().map(|(k, v)| v * (j as f64 * angle(k)).cos()).sum();
            *c = sum * if j == 0 { 1.0 } else { 2.0 } / NODES as f64;
        }
        Some(coefficients)
    }
}

#[cfg(test)]
mod tests {
    use super::super::noncentral::{noncentrality, solve};
    use super::super::random::SplitMix64;
    use super::super::tdist::{t_critical, two_sided_quantile};

    #[test]
    fn interpolated_values_are_those_of_the_solvers() {
        let mut random = SplitMix64::new(7);
        let ends = [1.0, 1.0 + 1e-12, 2.0, 4.0, 16.0, 64.0, 1e3];
        let drawn: Vec<f64> = (0..2000).map(|_| (random.next_f64() * 12.0).exp()).collect();
        for df in ends.into_iter().chain(drawn) {
            // Beyond 10,000 the solvers themselves lose digits: the continued fraction gets long.
            let allowed = if df < 1e4 { 1e-12 } else { 1e-11 };
            for level in [0.95, 0.90] {
                let exact = two_sided_quantile(1.0 - level, df);
                assert!((t_critical(level, df) / exact - 1.0).abs() < allowed, "t at {level}, df {df}");
            }
            let exact = solve(df, 0.05, 0.8).unwrap();
            assert!((noncentrality(df, 0.05, 0.8).unwrap() / exact - 1.0).abs() < allowed, "delta, df {df}");
        }
    }

    #[test]
    fn the_limit_is_the_normal_distribution() {
        let z = super::super::special::normal_quantile(0.975);
        for df in [1e9, 1e15, 1e300] {
            assert!((t_critical(0.95, df) / z - 1.0).abs() < 1e-8, "{df}");
        }
    }
}
