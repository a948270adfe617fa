//! Moderated variances: what the variances of many rows have in common says something of each of them (Smyth 2004).
//!
//! Of three values a side a row's own variance has four degrees of freedom. If the true variances of a family's rows scatter
//! like a scaled inverse chi-square, with d0 degrees of freedom around s0², then the row's posterior variance is
//! `(d0 s0² + d s²) / (d0 + d)`, and its t has `d0 + d` degrees of freedom.

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, finite};
use super::session::ErrorPart;
use super::special::{digamma, trigamma, trigamma_inverse};

/// Variances below this part of the median one count as this part of it where d0 and s0² are estimated: their logarithms
/// would outweigh all others (as in `fitFDist` of limma).
const SMALLEST: f64 = 1e-5;

/// What the variances of a family's rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VariancePrior {
    /// s0²: where the rows' variances lie.
    pub variance: f64,
    /// d0: how many degrees of freedom that is worth; infinite where the variances scatter no more than chance makes them.
    pub df: f64,
    /// Degrees of freedom of all rows together, which no row's can exceed.
    pub pooled_df: f64,
    /// Rows that it was estimated from.
    pub rows: usize,
}

/// d0 and s0² of rows whose variances, and the degrees of freedom of each, are given; by the moments of their logarithms
/// (Smyth 2004, section 6.2).
///
/// With `e = ln s² - digamma(d/2) + ln(d/2)` over m rows, `trigamma(d0/2)` is `Σ(e - mean e)²/(m - 1) - mean trigamma(d/2)`
/// and `ln s0² = mean e + digamma(d0/2) - ln(d0/2)`. Where the difference is not positive d0 is infinite and s0² the pooled
/// variance.
///
/// # Errors
/// Fewer than two rows, or a variance or its degrees of freedom that is not finite and above 0.
pub fn variance_prior(rows: &[ErrorPart]) -> Result<VariancePrior, Unavailable> {
    if rows.len() < 2 {
        return Err(Unavailable::TooFew { needed: 2, found: rows.len() });
    }
    let sound = |x: f64| x.is_finite() && x > 0.0;
    if rows.iter().any(|row| !sound(row.variance) || !sound(row.df)) {
        return Err(Unavailable::Domain);
    }
    let m = rows.len() as f64;
    // In units of the median, so that nothing overflows.
    let unit = median(rows.iter().map(|row| row.variance).collect());
    let variance = |row: &ErrorPart| (row.variance / unit).max(SMALLEST);
    let half = |row: &ErrorPart| 0.5 * row.df;
    let e: Vec<f64> =
        rows.iter().map(|row| variance(row).ln() - digamma(half(row)) + half(row).ln()).collect();
    let mean = e.iter().sum::<f64>() / m;
    let seen = e.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (m - 1.0);
    let by_chance = rows.iter().map(|row| trigamma(half(row))).sum::<f64>() / m;
    let pooled_df = rows.iter().map(|row| row.df).sum::<f64>();
    let (df, of_unit) = if seen > by_chance {
        let half = trigamma_inverse(seen - by_chance);
        (2.0 * half, (mean + digamma(half) - half.ln()).exp())
    } else {
        let pooled = rows.iter().map(|row| row.df * variance(row)).sum::<f64>() / pooled_df;
        (f64::INFINITY, pooled)
    };
    Ok(VariancePrior { variance: finite(of_unit * unit)?, df, pooled_df, rows: rows.len() })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |i: usize| values.get(i).copied().unwrap_or(1.0);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { at(half) } else { at(half - 1) / 2.0 + at(half) / 2.0 }
}

impl VariancePrior {
    /// The variance of a row as its own and those of the family say it together. Its degrees of freedom are at most those of
    /// all rows.
    pub fn moderated(&self, own: ErrorPart) -> ErrorPart {
        let variance = if self.df.is_finite() {
            let share = self.df / (self.df + own.df);
            share * self.variance + (1.0 - share) * own.variance
        } else {
            self.variance
        };
        ErrorPart { variance, df: (self.df + own.df).min(self.pooled_df) }
    }
}
