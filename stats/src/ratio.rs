//! Ratios: the log-scale model, Fieller's interval on the linear scale, the equivalence band and TOST.

use serde::{Deserialize, Serialize};

use super::block::{Block, block_log_means, block_means, differences};
use super::common::{Interval, Unavailable, check, finite, logs, magnitude};
use super::moments::{mean, mean_ci, mean_sd};
use super::order::orders_that_count;
use super::tdist::{t_critical, t_sf};
use super::ttest::{Moderation, TTest, blocked_differences, student, student_with, welch_df, welch_with};

/// The ratio B/A of geometric means with its intervals, from a t-test on natural logarithms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatioOfGeometricMeans {
    /// Geometric mean of B over that of A, > 0.
    pub ratio: f64,
    /// 95 % confidence interval of the ratio.
    pub ci95: Interval,
    /// 90 % confidence interval of the ratio; inside the band is TOST at 5 %.
    pub ci90: Interval,
    /// The test of the log ratio against 0; `estimate` and `se` are natural logarithms.
    pub test: TTest,
}

impl RatioOfGeometricMeans {
    pub(super) fn from_log(test: TTest) -> Self {
        let (ci95, ci90) = (exp_of(test.ci(0.95)), exp_of(test.ci(0.90)));
        Self { ratio: exp_in_range(test.estimate), ci95, ci90, test }
    }

    /// Confidence interval of the ratio at any level.
    pub fn ci(&self, level: f64) -> Interval {
        exp_of(self.test.ci(level))
    }
}

fn exp_of(log: Interval) -> Interval {
    Interval::new(exp_in_range(log.low), exp_in_range(log.high))
}

/// `exp`, cut to positive finite numbers: with two wild values per side a bound can leave the range of a double.
fn exp_in_range(x: f64) -> f64 {
    x.exp().clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// Welch's model on the log scale. All values must be positive; two per side, one side of which varies.
pub fn welch_log(a: &[f64], b: &[f64]) -> Result<RatioOfGeometricMeans, Unavailable> {
    let (a, b) = (logs(a)?, logs(b)?);
    // A relative rounding error of a value is an absolute one of its logarithm, hence the magnitude of 1.
    Ok(RatioOfGeometricMeans::from_log(welch_with(&a, &b, 1.0)?))
}

/// Student's model (pooled variance) on the log scale, for who asks for it; conditions as [`welch_log`].
pub fn student_log(a: &[f64], b: &[f64]) -> Result<RatioOfGeometricMeans, Unavailable> {
    let (a, b) = (logs(a)?, logs(b)?);
    Ok(RatioOfGeometricMeans::from_log(student_with(&a, &b, 1.0)?))
}

/// The blocked model on the log scale: mean within-block difference of mean logarithms, blocks-1 df.
pub fn blocked_log(blocks: &[Block<'_>]) -> Result<RatioOfGeometricMeans, Unavailable> {
    let (a, b, floor) = block_log_means(blocks)?;
    Ok(RatioOfGeometricMeans::from_log(blocked_differences(blocks, &differences(&a, &b), floor)?))
}

/// Arithmetic mean of B over that of A; fails for a mean of A that is 0.
pub fn ratio_of_means(a: &[f64], b: &[f64]) -> Result<f64, Unavailable> {
    let (a, b) = (mean(a)?, mean(b)?);
    if a == 0.0 { Err(Unavailable::Unbounded) } else { finite(b / a) }
}

/// Fieller's confidence interval for the ratio of means B/A of independent samples with unequal variances.
///
/// The ratios R for which `(mean B - R mean A)² <= t² (s²B/nB + R² s²A/nA)`, with Satterthwaite's df at the
/// estimated ratio (Fieller 1954; Tamhane and Logan 2004; Hasler, Vonk and Hothorn 2008). [`Unavailable::Unbounded`]
/// when A's own interval at this level holds 0 or the set is not an interval.
pub fn fieller(a: &[f64], b: &[f64], level: f64) -> Result<Interval, Unavailable> {
    fieller_by(a, b, level, |df| df)
}

/// [`fieller`] with what `df_from` makes of Satterthwaite's degrees of freedom.
pub(super) fn fieller_by(
    a: &[f64],
    b: &[f64],
    level: f64,
    df_from: impl Fn(f64) -> f64,
) -> Result<Interval, Unavailable> {
    check(a, 2)?;
    check(b, 2)?;
    let ((mean_a, sd_a), (mean_b, sd_b)) = (mean_sd(a)?, mean_sd(b)?);
    if sd_a == 0.0 && sd_b == 0.0 {
        return Err(Unavailable::ZeroVariance);
    }
    denominator_clear_of_zero(a, level)?;
    let (na, nb) = (a.len() as f64, b.len() as f64);
    // Everything in units of A's mean: the ratio has no unit, and nothing overflows.
    let (va, vb) = ((sd_a / mean_a).powi(2) / na, (sd_b / mean_a).powi(2) / nb);
    let ratio = mean_b / mean_a;
    let df = welch_df(ratio * ratio * va, na, vb, nb);
    // With B's mean and A's variance alone (R = 0, B constant) no error is left at the estimate itself.
    let df = if df.is_finite() && df > 0.0 { df } else { na.min(nb) - 1.0 };
    fieller_roots(ratio, va, vb, 0.0, t_critical(level, df_from(df)))
}

/// [`fieller`] with the pooled variance and the df of [`student`](crate::student), nA + nB - 2: the interval of the ratio that
/// belongs to its p. It holds 1 exactly where that p is above the level.
pub fn fieller_student(a: &[f64], b: &[f64], level: f64) -> Result<Interval, Unavailable> {
    fieller_pooled(&student(a, b)?, a, b, level)
}

/// [`fieller_student`] with a moderated variance: the interval of the ratio that belongs to its p.
pub fn fieller_moderated(a: &[f64], b: &[f64], by: Moderation, level: f64) -> Result<Interval, Unavailable> {
    fieller_pooled(&student(a, b)?.moderated(by), a, b, level)
}

/// Fieller's interval of a test whose variance is that of both sides.
fn fieller_pooled(test: &TTest, a: &[f64], b: &[f64], level: f64) -> Result<Interval, Unavailable> {
    denominator_clear_of_zero(a, level)?;
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let ((mean_a, _), (mean_b, _)) = (mean_sd(a)?, mean_sd(b)?);
    // The squared standard error of the difference is the pooled variance, 1/nA + 1/nB times: each side has its share.
    let whole = (test.se / mean_a).powi(2);
    let (va, vb) = (whole * nb / (na + nb), whole * na / (na + nb));
    fieller_roots(mean_b / mean_a, va, vb, 0.0, t_critical(level, test.df))
}

/// Fieller's interval for the ratio of means of blocked values, with their covariance and blocks-1 df.
pub fn fieller_blocked(blocks: &[Block<'_>], level: f64) -> Result<Interval, Unavailable> {
    fieller_blocks(blocks, None, level)
}

/// [`fieller_blocked`] with a moderated variance of the differences: variances and covariance change alike, so that the
/// interval holds 1 exactly where the moderated p is above the level.
pub fn fieller_blocked_moderated(
    blocks: &[Block<'_>],
    by: Moderation,
    level: f64,
) -> Result<Interval, Unavailable> {
    fieller_blocks(blocks, Some(by), level)
}

fn fieller_blocks(blocks: &[Block<'_>], by: Option<Moderation>, level: f64) -> Result<Interval, Unavailable> {
    let (a, b) = block_means(blocks)?;
    check(&a, 2)?;
    if mean_sd(&a)?.1 == 0.0 && mean_sd(&b)?.1 == 0.0 {
        return Err(Unavailable::ZeroVariance);
    }
    denominator_clear_of_zero(&a, level)?;
    let floor = magnitude(&a).max(magnitude(&b));
    let orders = orders_that_count(blocks, &differences(&a, &b), floor)?;
    let n = a.len() as f64;
    // Of each side its level, what is left of each block, and the SD of that.
    let apart = |values: &[f64]| match &orders {
        Some(orders) => {
            let split = orders.split(values);
            Ok((split.level, split.rest, split.sd))
        }
        None => mean_sd(values).map(|(mean, sd)| (mean, values.iter().map(|v| v - mean).collect(), sd)),
    };
    let (df, share) = orders.as_ref().map_or((n - 1.0, 1.0 / n), |orders| (orders.df(), orders.share()));
    let ((mean_a, rest_a, sd_a), (mean_b, rest_b, sd_b)) = (apart(&a)?, apart(&b)?);
    let covariance = rest_a.iter().zip(&rest_b).map(|(a, b)| (a / mean_a) * (b / mean_a)).sum::<f64>() / df;
    let by = by.unwrap_or(Moderation { factor: 1.0, df });
    let each = by.factor * share;
    let (va, vb) = ((sd_a / mean_a).powi(2) * each, (sd_b / mean_a).powi(2) * each);
    fieller_roots(mean_b / mean_a, va, vb, covariance * each, t_critical(level, by.df))
}

fn denominator_clear_of_zero(a: &[f64], level: f64) -> Result<(), Unavailable> {
    match mean_ci(a, level) {
        Ok(ci) if ci.contains(0.0) => Err(Unavailable::Unbounded),
        Err(Unavailable::ZeroVariance) if a.first() == Some(&0.0) => Err(Unavailable::Unbounded),
        Ok(_) | Err(Unavailable::ZeroVariance) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Roots of `(1 - t² va) R² - 2 (ratio - t² cov) R + (ratio² - t² vb) = 0`, everything in units of A's mean.
pub(super) fn fieller_roots(ratio: f64, va: f64, vb: f64, cov: f64, t: f64) -> Result<Interval, Unavailable> {
    let t2 = t * t;
    let lead = 1.0 - t2 * va;
    if lead.is_nan() || lead <= 0.0 {
        return Err(Unavailable::Unbounded);
    }
    let half = ratio - t2 * cov;
    // half² - lead (ratio² - t² vb), expanded so that the squares of the ratio cancel on paper and not in doubles.
    let discriminant = t2 * (vb - 2.0 * ratio * cov + ratio * ratio * va - t2 * (va * vb - cov * cov));
    let root = discriminant.max(0.0).sqrt();
    Ok(Interval::new(finite((half - root) / lead)?, finite((half + root) / lead)?))
}

/// The equivalence band of a ratio for a relative margin `m > 0`: `[1/(1+m), 1+m]`, symmetric in the logarithm.
pub fn band(margin: f64) -> Interval {
    Interval::new(1.0 / (1.0 + margin), 1.0 + margin)
}

/// Two one-sided tests at 5 % (Schuirmann 1987): the 90 % interval lies inside the band, bounds included.
///
/// Both in the same unit: ratios with a ratio band, differences with a band of differences.
pub fn equivalent(ci90: &Interval, band: &Interval) -> bool {
    band.encloses(ci90)
}

/// The p-value of the two one-sided tests: `equivalent` at 5 % is `tost_p <= 0.05`. The band is in the unit of the
/// test's estimate (take logarithms of a ratio band first).
pub fn tost_p(test: &TTest, band: &Interval) -> f64 {
    let above_low = t_sf((test.estimate - band.low) / test.se, test.df);
    let below_high = t_sf((band.high - test.estimate) / test.se, test.df);
    above_low.max(below_high)
}
