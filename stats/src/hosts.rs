//! Several hosts that each measured both sides: what they say together.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use crate::common::{Interval, Unavailable, finite};
use crate::noncentral::power;
use crate::ratio::fieller_roots;
use crate::tdist::{t_critical, t_two_sided_p};
use crate::ttest::{TTest, one_sample};

/// From so many hosts on a sentence is about hosts like these; below it is about these hosts.
pub const HOSTS_RANDOM_MIN: usize = 5;

/// Whether the effect differs from host to host by more than their own errors allow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Heterogeneity {
    /// The variance of the hosts' estimates over the mean of their squared standard errors.
    pub f: f64,
    /// Degrees of freedom of the numerator, hosts - 1.
    pub df_between: f64,
    /// Degrees of freedom of the denominator (Satterthwaite).
    pub df_within: f64,
    /// The chance of an F as large where all hosts have one effect.
    pub p: f64,
}

/// The mean of the squared errors and its degrees of freedom: (Σ se²)² / Σ (se⁴ / df).
///
/// Satterthwaite, "An Approximate Distribution of Estimates of Variance Components", Biometrics Bulletin 2, 1946.
fn pooled(hosts: &[TTest]) -> Result<(f64, f64), Unavailable> {
    if hosts.len() < 2 {
        return Err(Unavailable::TooFew { needed: 2, found: hosts.len() });
    }
    let unit = hosts.iter().fold(0.0, |most: f64, host| most.max(host.se));
    if !(unit > 0.0 && unit.is_finite()) {
        return Err(Unavailable::ZeroVariance);
    }
    let square = |host: &TTest| (host.se / unit).powi(2);
    let sum: f64 = hosts.iter().map(square).sum();
    let df = sum * sum / hosts.iter().map(|host| square(host).powi(2) / host.df).sum::<f64>();
    Ok((unit * (sum / hosts.len() as f64).sqrt(), finite(df)?))
}

/// These hosts, and no others: each estimate counts the same, whatever its blocks; the error is that within the hosts.
///
/// # Errors
/// There are fewer than two, or none of them has an error.
pub fn hosts_fixed(hosts: &[TTest]) -> Result<TTest, Unavailable> {
    let (se, df) = pooled(hosts)?;
    let n = hosts.len() as f64;
    let estimate = finite(hosts.iter().map(|host| host.estimate / n).sum())?;
    let se = se / n.sqrt();
    let t = (estimate / se).clamp(f64::MIN, f64::MAX);
    Ok(TTest { estimate, se, df, t, p: t_two_sided_p(t, df) })
}

/// Hosts like these: each host is one value, so that what differs from host to host is part of the error. The t has
/// hosts - 1 degrees of freedom.
///
/// # Errors
/// There are fewer than two, or all of them have one and the same effect.
pub fn hosts_random(hosts: &[TTest]) -> Result<TTest, Unavailable> {
    one_sample(&hosts.iter().map(|host| host.estimate).collect::<Vec<f64>>())
}

/// Whether the hosts have one effect.
///
/// # Errors
/// As of [`hosts_fixed`].
pub fn heterogeneity(hosts: &[TTest]) -> Result<Heterogeneity, Unavailable> {
    let (se, df_within) = pooled(hosts)?;
    let n = hosts.len() as f64;
    let mean = hosts.iter().map(|host| host.estimate / n).sum::<f64>();
    let between: f64 = hosts.iter().map(|host| ((host.estimate - mean) / se).powi(2)).sum();
    let (f, df_between) = (finite(between / (n - 1.0))?, n - 1.0);
    let law = FisherSnedecor::new(df_between, df_within).map_err(|_| Unavailable::Domain)?;
    Ok(Heterogeneity { f, df_between, df_within, p: law.sf(f) })
}

/// Fieller's interval of the ratio of means B / A of several hosts: `test_at(r)` is the test of B - r A, with an error of 0 where
/// nothing varies. Its squared error is a square in r, of which three values tell the errors of both means and what they share; the
/// degrees of freedom are those at the estimated ratio.
///
/// # Errors
/// As of `test_at`; [`Unavailable::Unbounded`] where A's mean may be 0.
pub fn hosts_fieller(
    test_at: impl Fn(f64) -> Result<TTest, Unavailable>,
    level: f64,
) -> Result<Interval, Unavailable> {
    let (zero, one) = (test_at(0.0)?, test_at(1.0)?);
    let mean_a = zero.estimate - one.estimate;
    if mean_a == 0.0 {
        return Err(Unavailable::Unbounded);
    }
    let ratio = finite(zero.estimate / mean_a)?;
    let unit = if ratio == 0.0 { 1.0 } else { ratio.abs() };
    // Everything in units of A's mean, as fieller_roots takes it.
    let square = |test: TTest| (test.se / mean_a).powi(2);
    let (of_b, plus, minus) = (square(zero), square(test_at(unit)?), square(test_at(-unit)?));
    let of_a = ((plus + minus) / 2.0 - of_b).max(0.0) / (unit * unit);
    let shared = (minus - plus) / (4.0 * unit);
    if of_a + of_b <= 0.0 {
        return Err(Unavailable::ZeroVariance);
    }
    fieller_roots(ratio, of_a, of_b, shared, t_critical(level, test_at(ratio)?.df))
}

/// Power of "hosts like these" for an effect in units of one block's SD: the test of `hosts` values of which each is the mean of
/// `blocks` blocks of a host whose own effect has the SD `interaction`, as the noncentral t says.
///
/// # Errors
/// There are fewer than two hosts, no block, or a level or an interaction that is none.
pub fn hosts_power(
    hosts: usize,
    blocks: usize,
    (effect, interaction): (f64, f64),
    alpha: f64,
) -> Result<f64, Unavailable> {
    if hosts < 2 || blocks == 0 {
        return Err(Unavailable::TooFew { needed: 2, found: hosts.min(blocks) });
    }
    let sane =
        effect.is_finite() && interaction >= 0.0 && interaction.is_finite() && 0.0 < alpha && alpha < 1.0;
    if !sane {
        return Err(Unavailable::Domain);
    }
    let se = ((interaction * interaction + 1.0 / blocks as f64) / hosts as f64).sqrt();
    let df = hosts as f64 - 1.0;
    finite(power(effect.abs() / se, df, alpha))
}
