//! Standardised effect size.

use super::common::{Unavailable, check, finite};
use super::moments::mean_sd;
use super::special::ln_gamma_ratio;

/// Hedges' g: `(mean B - mean A) / pooled SD`, times the exact small-sample correction
/// `Γ(m/2) / (√(m/2) Γ((m-1)/2))` with m = n₁+n₂-2 (Hedges 1981). Needs two values per side that vary.
pub fn hedges_g(a: &[f64], b: &[f64]) -> Result<f64, Unavailable> {
    check(a, 2)?;
    check(b, 2)?;
    let ((mean_a, sd_a), (mean_b, sd_b)) = (mean_sd(a)?, mean_sd(b)?);
    let unit = sd_a.max(sd_b);
    if unit <= 0.0 {
        return Err(Unavailable::ZeroVariance);
    }
    let (da, db) = (a.len() as f64 - 1.0, b.len() as f64 - 1.0);
    let df = da + db;
    let pooled = unit * ((da * (sd_a / unit).powi(2) + db * (sd_b / unit).powi(2)) / df).sqrt();
    let correction = ln_gamma_ratio((df - 1.0) / 2.0, 0.5).exp() / (df / 2.0).sqrt();
    finite((mean_b - mean_a) / pooled * correction)
}
