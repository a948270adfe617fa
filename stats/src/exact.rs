//! Exact tests where no variance is there to be estimated: failures of two sides, and two different constants.

use super::common::Unavailable;
use super::special::ln_gamma;

/// Fisher's exact test (1922) of whether failures are as frequent in B's trials as in A's, two-sided.
///
/// Given how many of all trials failed, the number that falls to A is hypergeometric. p is twice the smaller tail, both
/// with what was observed, at most 1, as for every discrete test here; the other convention adds up what is no
/// likelier than that. By logarithms of the gamma function: 1e-14 of p at ten trials, 1e-8 at a million a side.
///
/// [`Unavailable::TooFew`] for a side without trials, [`Unavailable::Domain`] for more failures than trials.
pub fn fisher_exact(
    failed_a: usize,
    trials_a: usize,
    failed_b: usize,
    trials_b: usize,
) -> Result<f64, Unavailable> {
    if trials_a == 0 || trials_b == 0 {
        return Err(Unavailable::TooFew { needed: 1, found: 0 });
    }
    if failed_a > trials_a || failed_b > trials_b {
        return Err(Unavailable::Domain);
    }
    let [x, a, y, b] = [failed_a, trials_a, failed_b, trials_b].map(|count| count as f64);
    let failed = x + y;
    let ln_probability = ln_choose(a, x) + ln_choose(b, y) - ln_choose(a + b, failed);
    let observed = ln_probability.exp().min(1.0);
    // The tail that leads away from the mean falls from term to term; the other one is what it leaves.
    let outward = if x * (a + b) <= failed * a {
        // One failure fewer for A, one more for B.
        observed * tail(x, |k| k * (b - failed + k) / ((a - k + 1.0) * (failed - k + 1.0)))
    } else {
        // The same seen from B.
        observed * tail(y, |k| k * (a - failed + k) / ((b - k + 1.0) * (failed - k + 1.0)))
    };
    let inward = 1.0 - outward + observed;
    Ok((2.0 * outward.min(inward)).min(1.0))
}

/// The sum of a tail in units of its first term: the failures of one side go from `from` down to 0, and `step` says by
/// what the term of `k` is multiplied to give that of `k - 1`.
fn tail(from: f64, step: impl Fn(f64) -> f64) -> f64 {
    let (mut k, mut term, mut sum) = (from, 1.0, 1.0);
    while k >= 1.0 && term > 1e-17 * sum {
        term *= step(k);
        sum += term;
        k -= 1.0;
    }
    sum
}

/// `ln C(n, k)`.
fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// The exact permutation p of two different constants, one on each side: `2 / C(nA+nB, nA)`, at most 1.
///
/// Of all ways to deal `n_a` equal values and `n_b` other ones to two sides only the observed one separates them as
/// far in its direction (Fisher 1935); twice that tail, as [`permutation`](crate::permutation) counts it. With
/// different constants there is no t-test: five boots a side give .0079, one against nine .2.
pub fn constants_p(n_a: usize, n_b: usize) -> f64 {
    let (small, large) = (n_a.min(n_b), n_a.max(n_b) as f64);
    let mut divisions = 1.0;
    for i in 1..=small {
        divisions *= (large + i as f64) / i as f64;
        if divisions == f64::INFINITY {
            break;
        }
    }
    (2.0 / divisions).min(1.0)
}
