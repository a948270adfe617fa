//! Bias-corrected and accelerated bootstrap interval (Efron 1987) for two independent samples.

use serde::{Deserialize, Serialize};

use super::common::{Interval, Unavailable, check};
use super::moments::mean;
use super::random::SplitMix64;
use super::special::{normal_quantile, normal_sf};

/// Fewest values per side for which the interval is given: below, its coverage is far from nominal.
pub const BCA_MIN_N: usize = 10;

const RESAMPLES: usize = 9_999;

/// What the interval is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contrast {
    /// mean B / mean A; all values must be positive.
    RatioOfMeans,
    /// mean B - mean A.
    DifferenceOfMeans,
}

impl Contrast {
    fn of(self, mean_a: f64, mean_b: f64) -> f64 {
        match self {
            Self::RatioOfMeans => mean_b / mean_a,
            Self::DifferenceOfMeans => mean_b - mean_a,
        }
    }
}

/// BCa interval from 9,999 resamples of each side, drawn from `seed`. Needs [`BCA_MIN_N`] values per side.
pub fn bca_interval(
    a: &[f64],
    b: &[f64],
    contrast: Contrast,
    level: f64,
    seed: u64,
) -> Result<Interval, Unavailable> {
    check(a, BCA_MIN_N)?;
    check(b, BCA_MIN_N)?;
    if contrast == Contrast::RatioOfMeans && a.iter().chain(b).any(|v| *v <= 0.0) {
        return Err(Unavailable::NotPositive);
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let estimate = contrast.of(mean_a, mean_b);
    let jackknife_a: Vec<f64> = leave_one_out(a, mean_a).map(|m| contrast.of(m, mean_b)).collect();
    let jackknife_b: Vec<f64> = leave_one_out(b, mean_b).map(|m| contrast.of(mean_a, m)).collect();
    let mut random = SplitMix64::new(seed);
    let distribution: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let resampled_a = resampled_mean(a, &mut random);
            contrast.of(resampled_a, resampled_mean(b, &mut random))
        })
        .collect();
    bca(estimate, &jackknife_a, &jackknife_b, distribution, level)
}

fn leave_one_out(values: &[f64], mean: f64) -> impl Iterator<Item = f64> {
    let n = values.len() as f64;
    values.iter().map(move |v| mean + (mean - v) / (n - 1.0))
}

fn resampled_mean(values: &[f64], random: &mut SplitMix64) -> f64 {
    let n = values.len();
    let sum: f64 = (0..n).filter_map(|_| values.get(random.below(n))).map(|v| v / n as f64).sum();
    sum
}

/// The BCa bounds for an estimate, its jackknife values per side, and its bootstrap distribution.
///
/// Bias correction from the mid-rank of the estimate, acceleration pooled over both samples (Davison and Hinkley
/// 1997, 5.3), percentiles by linear interpolation: SciPy's choices, to which this is pinned. A distribution
/// without spread, or an estimate outside it, has no interval.
pub fn bca(
    estimate: f64,
    jackknife_a: &[f64],
    jackknife_b: &[f64],
    mut distribution: Vec<f64>,
    level: f64,
) -> Result<Interval, Unavailable> {
    check(&distribution, 2)?;
    check(&[estimate], 1)?;
    if !(level > 0.0 && level < 1.0) {
        return Err(Unavailable::Domain);
    }
    distribution.sort_by(f64::total_cmp);
    let below = distribution.partition_point(|v| *v < estimate) as f64;
    let upto = distribution.partition_point(|v| *v <= estimate) as f64;
    let bias = normal_quantile((below + upto) / (2.0 * distribution.len() as f64));
    let (squares_a, cubes_a) = influence(jackknife_a)?;
    let (squares_b, cubes_b) = influence(jackknife_b)?;
    let squares = squares_a + squares_b;
    if squares <= 0.0 || !bias.is_finite() {
        return Err(Unavailable::ZeroVariance);
    }
    let acceleration = (cubes_a + cubes_b) / (6.0 * squares.powf(1.5));
    let bound = |z: f64| {
        let shifted = bias + z;
        let probability = normal_sf(-(bias + shifted / (1.0 - acceleration * shifted)));
        percentile(&distribution, probability)
    };
    let z = normal_quantile(0.5 + level / 2.0);
    match (bound(-z), bound(z)) {
        (Some(low), Some(high)) => Ok(Interval::new(low, high)),
        _ => Err(Unavailable::OutOfRange),
    }
}

/// Sums of squares and cubes of the empirical influence values, each over the power of n that pools samples.
fn influence(jackknife: &[f64]) -> Result<(f64, f64), Unavailable> {
    check(jackknife, 2)?;
    let n = jackknife.len() as f64;
    let centre = mean(jackknife)?;
    let values = || jackknife.iter().map(|v| (n - 1.0) * (centre - v) / n);
    Ok((values().map(|u| u * u).sum(), values().map(|u| u * u * u).sum()))
}

/// Percentile of sorted values by linear interpolation between order statistics.
fn percentile(sorted: &[f64], probability: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let at = probability * (sorted.len().saturating_sub(1)) as f64;
    let low = sorted.get(at.floor() as usize)?;
    let high = sorted.get(at.ceil() as usize)?;
    Some(low + (high - low) * at.fract())
}
