//! Exact tests of counts and of constants, against enumeration in whole numbers.

use stats::{Unavailable, constants_p, fisher_exact, permutation};

fn close(got: f64, want: f64, tolerance: f64, what: &str) {
    assert!((got - want).abs() <= tolerance * want, "{what}: {got} instead of {want}");
}

/// Pascal's triangle in whole numbers.
fn choose(n: usize, k: usize) -> u128 {
    (1..=k as u128).fold(1, |c, i| c * (n as u128 - k as u128 + i) / i)
}

/// Twice the smaller tail of the hypergeometric distribution, by summing whole numbers.
fn by_enumeration(x: usize, a: usize, y: usize, b: usize) -> f64 {
    let failed = x + y;
    let ways = |k: usize| choose(a, k) * choose(b, failed - k);
    let possible = failed.saturating_sub(b)..=failed.min(a);
    let lower: u128 = possible.clone().filter(|k| *k <= x).map(ways).sum();
    let upper: u128 = possible.filter(|k| *k >= x).map(ways).sum();
    (2.0 * lower.min(upper) as f64 / choose(a + b, failed) as f64).min(1.0)
}

#[test]
fn failures_of_one_side_have_the_known_p() {
    for (failed, trials, known) in [(5, 10, 0.0325), (8, 10, 0.0007), (3, 5, 0.1667), (5, 5, 0.0079)] {
        let p = fisher_exact(0, trials, failed, trials).unwrap();
        assert!((p - known).abs() < 5e-5, "{failed} of {trials}: {p}");
        close(fisher_exact(failed, trials, 0, trials).unwrap(), p, 1e-14, "the other side");
    }
}

#[test]
fn fishers_test_is_the_enumeration_of_all_small_tables() {
    for (a, b) in [(1, 1), (5, 5), (5, 4), (10, 3), (12, 20), (1, 30)] {
        for x in 0..=a {
            for y in 0..=b {
                let p = fisher_exact(x, a, y, b).unwrap();
                close(p, by_enumeration(x, a, y, b), 1e-12, &format!("{x}/{a} against {y}/{b}"));
            }
        }
    }
}

#[test]
fn no_failure_at_all_or_nothing_but_failures_is_no_evidence() {
    for (a, b) in [(1, 1), (5, 10), (1_000_000, 3)] {
        assert_eq!(fisher_exact(0, a, 0, b), Ok(1.0));
        assert_eq!(fisher_exact(a, a, b, b), Ok(1.0));
    }
}

#[test]
fn a_million_trials_a_side_keep_eight_digits() {
    // The terms in units of the one in the middle need no gamma function.
    let by_recurrence = |x: usize, a: usize, y: usize, b: usize| {
        let (a, b, failed) = (a as f64, b as f64, (x + y) as f64);
        let middle = (failed * a / (a + b)).floor();
        let (mut all, mut lower, mut term, mut k) = (0.0, 0.0, 1.0, middle);
        while k >= 0.0 && term > 1e-30 {
            all += term;
            lower += if k <= x as f64 { term } else { 0.0 };
            term *= k * (b - failed + k) / ((a - k + 1.0) * (failed - k + 1.0));
            k -= 1.0;
        }
        (term, k) = (1.0, middle);
        while term > 1e-30 {
            term *= (a - k) * (failed - k) / ((k + 1.0) * (b - failed + k + 1.0));
            k += 1.0;
            all += term;
        }
        2.0 * lower / all
    };
    for (x, y) in [(1000, 1100), (1000, 1300), (499_000, 501_000), (0, 12)] {
        let p = fisher_exact(x, 1_000_000, y, 1_000_000).unwrap();
        close(p, by_recurrence(x, 1_000_000, y, 1_000_000), 1e-8, &format!("{x} against {y}"));
    }
    assert_eq!(fisher_exact(0, 1_000_000, 1_000_000, 1_000_000), Ok(0.0));
}

#[test]
fn impossible_counts_have_no_p() {
    assert_eq!(fisher_exact(0, 0, 1, 5), Err(Unavailable::TooFew { needed: 1, found: 0 }));
    assert_eq!(fisher_exact(6, 5, 1, 5), Err(Unavailable::Domain));
    assert_eq!(fisher_exact(1, 5, 6, 5), Err(Unavailable::Domain));
}

#[test]
fn two_constants_have_the_p_of_the_permutation_test() {
    for (a, b) in [(1, 1), (1, 9), (2, 2), (3, 3), (5, 5), (5, 4), (10, 3), (7, 7)] {
        let test = permutation(&vec![1.0; a], &vec![10.0; b], 1).unwrap();
        close(constants_p(a, b), test.p, 1e-12, &format!("{a} against {b}"));
    }
    close(constants_p(10, 10), 2.0 / 184_756.0, 1e-14, "ten a side");
    assert_eq!([constants_p(0, 5), constants_p(1, 1), constants_p(1, 2)], [1.0, 1.0, 2.0 / 3.0]);
    assert_eq!(constants_p(2000, 2000), 0.0);
}
