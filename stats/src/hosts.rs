//! Several hosts that each measured both sides: what they say together.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use crate::common::{Unavailable, finite};
use crate::tdist::t_two_sided_p;
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
