//! Permutation test of the difference of means.

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, check, magnitude};
use super::moments::mean;
use super::random::SplitMix64;

/// Largest number of divisions C(n₁+n₂, n₁) that is enumerated; beyond it divisions are drawn.
pub const PERMUTATION_EXACT_MAX: u64 = 20_000;

/// Number of random divisions beyond [`PERMUTATION_EXACT_MAX`].
pub const PERMUTATION_DRAWS: u32 = 9_999;

/// Result of the two-sided permutation test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Permutation {
    /// Two-sided p: twice the smaller tail (both include the observed value), at most 1.
    pub p: f64,
    /// The smallest p that this test can attain for these values.
    pub smallest_p: f64,
    /// Whether all divisions were enumerated; otherwise p is `(b+1)/(B+1)` per tail.
    pub exact: bool,
}

/// How often the statistic was at most, and at least, the observed one.
#[derive(Default)]
struct Tails {
    lower: f64,
    upper: f64,
    lowest: f64,
    highest: f64,
    all: f64,
}

/// Tests whether the means of A and B differ by dealing the pooled values anew. Needs one value per side.
///
/// The seed matters only when the number of divisions exceeds [`PERMUTATION_EXACT_MAX`]. Values with equal sums in
/// exact arithmetic count as equal: SciPy allows 1e-14 of the observed statistic, which fails at 0; here it is 1e-14
/// of the largest sum that can occur.
pub fn permutation(a: &[f64], b: &[f64], seed: u64) -> Result<Permutation, Unavailable> {
    check(a, 1)?;
    check(b, 1)?;
    // The difference of means rises with the sum of one side. Centred and scaled, sums lose the fewest digits.
    let mut pooled: Vec<f64> = a.iter().chain(b).copied().collect();
    let centre = mean(&pooled)?;
    let unit = magnitude(&pooled).max(f64::MIN_POSITIVE);
    for value in &mut pooled {
        *value = *value / unit - centre / unit;
    }
    let (na, nb) = (a.len(), b.len());
    let (values, observed) = if na <= nb {
        let observed: f64 = pooled.iter().take(na).sum();
        (pooled, observed)
    } else {
        pooled.rotate_left(na);
        let observed: f64 = pooled.iter().take(nb).sum();
        (pooled, observed)
    };
    let size = na.min(nb);
    // Centring leaves rounding of the magnitude before it, hence the second term.
    let spread: f64 = values.iter().map(|v| v.abs()).sum();
    let tolerance = 1e-14 * spread + 2.0 * f64::EPSILON * size as f64;
    let exact = divisions(values.len(), size).is_some_and(|c| c <= PERMUTATION_EXACT_MAX);
    let tails = if exact {
        enumerate(&values, size, observed, tolerance)
    } else {
        draw(values, size, observed, tolerance, seed)
    };
    let two_sided = |count: f64| (2.0 * count / tails.all).min(1.0);
    Ok(Permutation {
        p: two_sided(tails.lower.min(tails.upper)),
        smallest_p: two_sided(tails.lowest.min(tails.highest)),
        exact,
    })
}

/// C(n, k), `None` when it leaves 64 bits.
fn divisions(n: usize, k: usize) -> Option<u64> {
    let (n, k) = (n as u64, k as u64);
    (1..=k).try_fold(1_u64, |c, i| c.checked_mul(n - k + i).map(|c| c / i))
}

fn enumerate(values: &[f64], size: usize, observed: f64, tolerance: f64) -> Tails {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let lowest: f64 = sorted.iter().take(size).sum();
    let highest: f64 = sorted.iter().rev().take(size).sum();
    let mut tails = Tails::default();
    each_subset_sum(values, size, 0.0, &mut |sum| {
        tails.all += 1.0;
        tails.lower += f64::from(u8::from(sum <= observed + tolerance));
        tails.upper += f64::from(u8::from(sum >= observed - tolerance));
        tails.lowest += f64::from(u8::from(sum <= lowest + tolerance));
        tails.highest += f64::from(u8::from(sum >= highest - tolerance));
    });
    tails
}

/// Calls `visit` with the sum of every subset of `size` values; at most [`PERMUTATION_EXACT_MAX`] calls.
fn each_subset_sum(values: &[f64], size: usize, sum: f64, visit: &mut impl FnMut(f64)) {
    if size == 0 {
        visit(sum);
        return;
    }
    for (skipped, value) in values.iter().enumerate() {
        if values.len() - skipped < size {
            break;
        }
        let rest = values.get(skipped + 1..).unwrap_or(&[]);
        each_subset_sum(rest, size - 1, sum + value, visit);
    }
}

fn draw(mut values: Vec<f64>, size: usize, observed: f64, tolerance: f64, seed: u64) -> Tails {
    let mut random = SplitMix64::new(seed);
    // The observed division counts as one of them (Phipson and Smyth 2010): no p of 0, and a valid test.
    let mut tails =
        Tails { lower: 1.0, upper: 1.0, lowest: 1.0, highest: 1.0, all: f64::from(PERMUTATION_DRAWS) + 1.0 };
    for _ in 0..PERMUTATION_DRAWS {
        for i in 0..size {
            let j = i + random.below(values.len() - i);
            values.swap(i, j);
        }
        let sum: f64 = values.iter().take(size).sum();
        tails.lower += f64::from(u8::from(sum <= observed + tolerance));
        tails.upper += f64::from(u8::from(sum >= observed - tolerance));
    }
    tails
}
