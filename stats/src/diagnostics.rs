//! Tests behind the warnings: trend over boots, first boot, variance ratio.
//!
//! They never change a verdict. Values are in the order in which the boots ran, on the scale of
//! the row (logarithms for log metrics).

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, check};
use super::moments::mean_sd;
use super::shift::{Placed, shift};
use super::special::{f_tails, normal_sf};
use super::ttest::{TTest, student};

/// Fewest values for the trend test: with five, the smallest exact p is 0.017 and cannot warn.
pub const MANN_KENDALL_MIN_N: usize = 6;
/// Fewest values per side for the first-boot test.
pub const FIRST_BOOT_MIN_N: usize = 5;
/// Fewest values per side for the variance ratio.
pub const VARIANCE_RATIO_MIN_N: usize = 4;

/// Largest n with the exact null distribution of Mann-Kendall's S.
const KENDALL_EXACT_MAX: usize = 50;

/// Result of the trend test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MannKendall {
    /// Kendall's S: rising pairs minus falling pairs.
    pub s: f64,
    /// Two-sided p.
    pub p: f64,
}

/// Mann's (1945) trend test of values in run order. Needs [`MANN_KENDALL_MIN_N`] values.
///
/// Exact without ties up to n = 50 (as SciPy's `kendalltau(method="exact")` against the order), else the normal
/// approximation with tie and continuity correction (Kendall 1975). All values equal: p = 1.
pub fn mann_kendall(values: &[f64]) -> Result<MannKendall, Unavailable> {
    check(values, MANN_KENDALL_MIN_N)?;
    let (mut rising, mut falling) = (0_u64, 0_u64);
    for (i, first) in values.iter().enumerate() {
        for later in values.iter().skip(i + 1) {
            rising += u64::from(later > first);
            falling += u64::from(later < first);
        }
    }
    let n = values.len();
    let s = rising as f64 - falling as f64;
    let no_ties = rising + falling == (n * (n - 1) / 2) as u64;
    if no_ties && n <= KENDALL_EXACT_MAX {
        return Ok(MannKendall { s, p: kendall_exact_p(n, rising.min(falling) as usize) });
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let weight = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let ties: f64 = sorted.chunk_by(|x, y| x == y).map(|group| weight(group.len() as f64)).sum();
    let variance = (weight(n as f64) - ties) / 18.0;
    let p = if variance > 0.0 {
        (2.0 * normal_sf((s.abs() - 1.0).max(0.0) / variance.sqrt())).min(1.0)
    } else {
        1.0
    };
    Ok(MannKendall { s, p })
}

/// Twice the probability of at most `inversions` inversions in a random permutation of n, at most 1.
fn kendall_exact_p(n: usize, inversions: usize) -> f64 {
    let mut chance = vec![0.0; inversions + 1];
    if let Some(one) = chance.first_mut() {
        *one = 1.0;
    }
    // The k-th value is inverted with 0..k-1 of the earlier ones, each number equally likely.
    for k in 2..=n {
        let previous = chance.clone();
        for (i, slot) in chance.iter_mut().enumerate() {
            let from = i.saturating_sub(k - 1);
            *slot = previous.iter().take(i + 1).skip(from).sum::<f64>() / k as f64;
        }
    }
    (2.0 * chance.iter().sum::<f64>()).min(1.0)
}

/// Result of the variance ratio test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VarianceRatio {
    /// SD of B over SD of A.
    pub sd_ratio: f64,
    /// Two-sided p of the F test: twice the smaller tail.
    pub p: f64,
}

/// F test of equal variances (assumes normal values). Needs [`VARIANCE_RATIO_MIN_N`] values that vary on each side.
pub fn variance_ratio(a: &[f64], b: &[f64]) -> Result<VarianceRatio, Unavailable> {
    check(a, VARIANCE_RATIO_MIN_N)?;
    check(b, VARIANCE_RATIO_MIN_N)?;
    let (sd_a, sd_b) = (mean_sd(a)?.1, mean_sd(b)?.1);
    if sd_a <= 0.0 || sd_b <= 0.0 {
        return Err(Unavailable::ZeroVariance);
    }
    let sd_ratio = (sd_b / sd_a).clamp(1e-150, 1e150);
    let (lower, upper) = f_tails(sd_ratio * sd_ratio, b.len() as f64 - 1.0, a.len() as f64 - 1.0);
    Ok(VarianceRatio { sd_ratio, p: (2.0 * lower.min(upper)).min(1.0) })
}

/// Whether the two sides spread differently, also where single values are wild: the larger p of the F test
/// ([`variance_ratio`]) and of Brown and Forsythe's (1974), Student's test of the distances from the medians.
pub fn spread(a: &[f64], b: &[f64]) -> Result<VarianceRatio, Unavailable> {
    let found = variance_ratio(a, b)?;
    let distances = |values: &[f64]| -> Vec<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(0.0);
        let n = sorted.len();
        let middle = at((n - 1) / 2) / 2.0 + at(n / 2) / 2.0;
        values.iter().map(|v| (v - middle).abs()).collect()
    };
    let robust = student(&distances(a), &distances(b))?;
    Ok(VarianceRatio { p: found.p.max(robust.p), ..found })
}

/// Whether first boots differ from the others, pooled over the sides: [`shift`] of the first value of each side. Needs one
/// side, [`FIRST_BOOT_MIN_N`] values each.
pub fn first_boot(sides: &[&[f64]]) -> Result<TTest, Unavailable> {
    if sides.is_empty() {
        return Err(Unavailable::TooFew { needed: FIRST_BOOT_MIN_N, found: 0 });
    }
    let mut values = Vec::new();
    for (side, of_side) in sides.iter().enumerate() {
        check(of_side, FIRST_BOOT_MIN_N)?;
        values.extend((0..).zip(*of_side).map(|(at, value)| Placed { value: *value, side, at }));
    }
    shift(&values, |i| values.get(i).is_some_and(|v| v.at == 0))
}
