//! Mann-Whitney's U with the exact conditional distribution of the mid-ranks, ties included.

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, check};
use super::special::normal_sf;

/// Largest n₁+n₂ for the exact distribution; beyond it the normal approximation with tie and continuity correction.
pub const MANN_WHITNEY_EXACT_MAX: usize = 60;

/// Result of the two-sided Mann-Whitney test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MannWhitney {
    /// U of side B: pairs with b > a, ties counting one half; between 0 and n₁ n₂.
    pub u: f64,
    /// Two-sided p: twice the smaller tail (both include the observed value), at most 1.
    pub p: f64,
    /// The smallest p that these sizes and ties can attain; above alpha the test cannot reach it.
    pub smallest_p: f64,
    /// Whether p comes from the exact conditional distribution.
    pub exact: bool,
}

/// Mann and Whitney's test of A against B. Needs one finite value per side.
///
/// Exact: the distribution of B's rank sum over all ways to deal the observed mid-ranks to the two sides (as
/// SciPy's permutation method, and as its exact method without ties).
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Result<MannWhitney, Unavailable> {
    check(a, 1)?;
    check(b, 1)?;
    let pooled: Vec<f64> = a.iter().chain(b).copied().collect();
    let (ranks, ties) = doubled_midranks(&pooled);
    let (na, nb) = (a.len(), b.len());
    let doubled_sum: usize = ranks.iter().skip(na).sum();
    let u = doubled_sum.saturating_sub(nb * (nb + 1)) as f64 / 2.0;
    if na + nb > MANN_WHITNEY_EXACT_MAX {
        let (p, smallest_p) = (normal_p(u, na, nb, ties), normal_p(0.0, na, nb, ties));
        return Ok(MannWhitney { u, p, smallest_p, exact: false });
    }
    let (p, smallest_p) = exact_p(&ranks, na);
    Ok(MannWhitney { u, p, smallest_p, exact: true })
}

/// Twice the mid-rank of each value (whole numbers), and the sum of t³-t over groups of ties.
fn doubled_midranks(values: &[f64]) -> (Vec<usize>, f64) {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|x, y| x.1.total_cmp(&y.1));
    let mut ranks = vec![0; values.len()];
    let (mut before, mut ties) = (0, 0.0);
    for group in order.chunk_by(|x, y| x.1 == y.1) {
        let t = group.len();
        ties += (t as f64).powi(3) - t as f64;
        for (index, _) in group {
            if let Some(slot) = ranks.get_mut(*index) {
                *slot = 2 * before + t + 1; // first rank before+1, last before+t
            }
        }
        before += t;
    }
    (ranks, ties)
}

fn normal_p(u: f64, na: usize, nb: usize, ties: f64) -> f64 {
    let (na, nb) = (na as f64, nb as f64);
    let n = na + nb;
    let middle = na * nb / 2.0;
    let variance = na * nb / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        return 1.0; // all values tied
    }
    let z = ((u - middle).abs() - 0.5) / variance.sqrt();
    (2.0 * normal_sf(z)).min(1.0)
}

/// Exact two-sided p of the rank sum of the values after the first `na`, and the smallest attainable p.
fn exact_p(ranks: &[usize], na: usize) -> (f64, f64) {
    // Without ties doubled ranks are all even, and only differences matter: small weights, a small table.
    let least = ranks.iter().copied().min().unwrap_or(0);
    let step = ranks.iter().fold(0, |g, r| gcd(g, r - least)).max(1);
    let weights: Vec<usize> = ranks.iter().map(|r| (r - least) / step).collect();
    // Count the subsets of the smaller side: the sum of the other side is the total minus it.
    let nb = ranks.len().saturating_sub(na);
    let small = na.min(nb);
    let observed: usize =
        if na <= nb { weights.iter().take(na).sum() } else { weights.iter().skip(na).sum() };
    let counts = subset_sums(&weights, small);
    let total: f64 = counts.iter().sum();
    let lower: f64 = counts.iter().take(observed + 1).sum();
    let upper: f64 = counts.iter().skip(observed).sum();
    let mut occurring = counts.iter().copied().filter(|c| *c > 0.0);
    let first = occurring.next().unwrap_or(total);
    let last = occurring.next_back().unwrap_or(first);
    let two_sided = |tail: f64| (2.0 * tail / total).min(1.0);
    (two_sided(lower.min(upper)), two_sided(first.min(last)))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How many subsets of `size` items have each sum (exact below 2^53, relative error 1e-15 beyond).
fn subset_sums(weights: &[usize], size: usize) -> Vec<f64> {
    let mut sorted = weights.to_vec();
    sorted.sort_unstable_by(|x, y| y.cmp(x));
    let largest: usize = sorted.iter().take(size).sum();
    let mut table = vec![vec![0.0; largest + 1]; size + 1];
    if let Some(one) = table.first_mut().and_then(|row| row.first_mut()) {
        *one = 1.0;
    }
    for &weight in weights {
        for k in (1..=size).rev() {
            let (below, from) = table.split_at_mut(k);
            let (Some(source), Some(target)) = (below.last(), from.first_mut()) else { continue };
            for (to, add) in target.iter_mut().skip(weight).zip(source) {
                *to += add;
            }
        }
    }
    table.pop().unwrap_or_default()
}
