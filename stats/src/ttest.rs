//! The t-tests: Student (pooled), Welch, paired, one sample, and the blocked model.

use serde::{Deserialize, Serialize};

use super::block::{Block, block_means, differences};
use super::common::{Interval, Unavailable, check, finite, is_rounding, magnitude};
use super::moments::mean_sd;
use super::order::orders_that_count;
use super::tdist::{t_critical, t_two_sided_p};

/// One estimate with its standard error and its two-sided test against 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TTest {
    /// The estimated difference, `b - a`, in the unit of the values (or of their logarithms).
    pub estimate: f64,
    /// Standard error of the estimate, > 0, in the same unit.
    pub se: f64,
    /// Degrees of freedom; a real number for Welch.
    pub df: f64,
    /// `estimate / se`.
    pub t: f64,
    /// Two-sided p-value, unrounded.
    pub p: f64,
}

/// What moderating makes of the error of one row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moderation {
    /// The moderated variance, in units of the row's own.
    pub factor: f64,
    /// The degrees of freedom that it has.
    pub df: f64,
}

impl TTest {
    fn new(estimate: f64, se: f64, df: f64) -> Result<Self, Unavailable> {
        if se <= 0.0 {
            return Err(Unavailable::ZeroVariance);
        }
        // A quotient that overflows is cut off: its p is 0 to any precision either way.
        let t = (finite(estimate)? / finite(se)?).clamp(f64::MIN, f64::MAX);
        Ok(Self { estimate, se, df, t, p: t_two_sided_p(t, df) })
    }

    /// Confidence interval of the estimate; `level` 0.95 or 0.90 for the two that reports show.
    pub fn ci(&self, level: f64) -> Interval {
        let half = t_critical(level, self.df) * self.se;
        Interval::new((self.estimate - half).max(f64::MIN), (self.estimate + half).min(f64::MAX))
    }

    /// The same estimate with a moderated variance.
    pub fn moderated(&self, by: Moderation) -> TTest {
        let se = self.se * by.factor.sqrt();
        if !(se > 0.0 && se.is_finite()) {
            return *self;
        }
        let t = (self.estimate / se).clamp(f64::MIN, f64::MAX);
        TTest { estimate: self.estimate, se, df: by.df, t, p: t_two_sided_p(t, by.df) }
    }
}

/// One side as the unpaired tests need it.
struct Side {
    n: f64,
    mean: f64,
    sd: f64,
    constant: bool,
}

impl Side {
    fn of(values: &[f64], floor: f64) -> Result<Self, Unavailable> {
        check(values, 2)?;
        let (mean, sd) = mean_sd(values)?;
        let constant = is_rounding(sd, magnitude(values).max(floor));
        Ok(Self { n: values.len() as f64, mean, sd, constant })
    }
}

fn sides(a: &[f64], b: &[f64], floor: f64) -> Result<(Side, Side), Unavailable> {
    let (a, b) = (Side::of(a, floor)?, Side::of(b, floor)?);
    if a.constant && b.constant { Err(Unavailable::ZeroVariance) } else { Ok((a, b)) }
}

/// Student's unpaired t-test with pooled variance, df = n₁+n₂-2. Needs two values per side.
pub fn student(a: &[f64], b: &[f64]) -> Result<TTest, Unavailable> {
    student_with(a, b, 0.0)
}

/// [`student`]; `floor` as in [`welch_with`].
pub(super) fn student_with(a: &[f64], b: &[f64], floor: f64) -> Result<TTest, Unavailable> {
    let (a, b) = sides(a, b, floor)?;
    let df = a.n + b.n - 2.0;
    let unit = a.sd.max(b.sd); // squares of SDs below 1e-154 would vanish
    let pooled = (((a.n - 1.0) * (a.sd / unit).powi(2) + (b.n - 1.0) * (b.sd / unit).powi(2)) / df).sqrt();
    TTest::new(b.mean - a.mean, unit * (pooled * (1.0 / a.n + 1.0 / b.n).sqrt()), df)
}

/// Welch's unpaired t-test with the degrees of freedom of Welch (1947) and Satterthwaite (1946).
///
/// Needs two values per side, one side of which varies.
pub fn welch(a: &[f64], b: &[f64]) -> Result<TTest, Unavailable> {
    welch_with(a, b, 0.0)
}

/// [`welch`]; `floor` is the magnitude whose rounding the values carry at least (1 for logarithms).
pub(super) fn welch_with(a: &[f64], b: &[f64], floor: f64) -> Result<TTest, Unavailable> {
    welch_by(a, b, floor, |df| df)
}

/// [`welch_with`] with what `df_from` makes of Satterthwaite's degrees of freedom.
pub(super) fn welch_by(
    a: &[f64],
    b: &[f64],
    floor: f64,
    df_from: impl Fn(f64) -> f64,
) -> Result<TTest, Unavailable> {
    let (a, b) = sides(a, b, floor)?;
    let unit = a.sd.max(b.sd);
    let (u, v) = ((a.sd / unit).powi(2) / a.n, (b.sd / unit).powi(2) / b.n);
    let df = df_from(welch_df(u, a.n, v, b.n));
    TTest::new(b.mean - a.mean, unit * (u + v).sqrt(), df)
}

/// Satterthwaite's df for two squared standard errors `u`, `v` (any common unit) from `n_u` and `n_v` values.
pub(super) fn welch_df(u: f64, n_u: f64, v: f64, n_v: f64) -> f64 {
    let total = u + v;
    let (share_u, share_v) = (u / total, v / total);
    1.0 / (share_u * share_u / (n_u - 1.0) + share_v * share_v / (n_v - 1.0))
}

/// t-test of the mean of the values against 0, df = n-1. Needs two values.
pub fn one_sample(values: &[f64]) -> Result<TTest, Unavailable> {
    one_sample_with(values, magnitude(values))
}

fn one_sample_with(values: &[f64], floor: f64) -> Result<TTest, Unavailable> {
    check(values, 2)?;
    let (mean, sd) = mean_sd(values)?;
    if is_rounding(sd, floor) {
        return Err(Unavailable::ZeroVariance);
    }
    let n = values.len() as f64;
    TTest::new(mean, sd / n.sqrt(), n - 1.0)
}

/// Paired t-test of `b[i] - a[i]`, df = n-1. Needs equal lengths and two pairs.
pub fn paired(a: &[f64], b: &[f64]) -> Result<TTest, Unavailable> {
    if a.len() != b.len() {
        return Err(Unavailable::Unpaired { a: a.len(), b: b.len() });
    }
    check(a, 2)?;
    check(b, 2)?;
    one_sample_with(&differences(a, b), magnitude(a).max(magnitude(b)))
}

/// The blocked model: the mean over complete blocks of (mean of B - mean of A), t with blocks-1 df.
///
/// Where every complete block tells its order ([`Block::b_later`]) the place within a block is a term of the model: the
/// estimate is the mean of the two orders' means, the variance that within the orders, with blocks-2 df. It needs three blocks
/// and both orders. Where nothing varies within the orders the place stays in the error.
///
/// Incomplete blocks are left out (count them with [`crate::complete_blocks`]). Needs two complete blocks; the rule that a
/// plan must have five before this model is chosen belongs to the caller.
pub fn blocked(blocks: &[Block<'_>]) -> Result<TTest, Unavailable> {
    let (a, b) = block_means(blocks)?;
    check(&a, 2)?;
    check(&b, 2)?;
    blocked_differences(blocks, &differences(&a, &b), magnitude(&a).max(magnitude(&b)))
}

/// The blocked test on differences already formed; `floor` is the magnitude whose rounding they carry.
pub(super) fn blocked_differences(
    blocks: &[Block<'_>],
    differences: &[f64],
    floor: f64,
) -> Result<TTest, Unavailable> {
    let Some(orders) = orders_that_count(blocks, differences, floor)? else {
        return one_sample_with(differences, floor);
    };
    let split = orders.split(differences);
    TTest::new(split.level, split.sd * orders.share().sqrt(), orders.df())
}
