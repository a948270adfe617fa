//! Slow oracles: every division of small samples, from the definitions.

use stats::{MANN_WHITNEY_EXACT_MAX, SplitMix64, dip, mann_kendall, mann_whitney, permutation};

/// All ways to choose side B, as bit masks.
fn divisions(n: usize, nb: usize) -> impl Iterator<Item = u32> {
    (0_u32..1 << n).filter(move |mask| mask.count_ones() as usize == nb)
}

/// Twice U of side B by counting pairs, in whole numbers.
fn doubled_u(values: &[i32], mask: u32) -> i64 {
    let side = |bit: u32| {
        (0..values.len()).filter(move |i| (mask >> i) & 1 == bit).map(|i| values[i]).collect::<Vec<_>>()
    };
    let (a, b) = (side(0), side(1));
    b.iter().flat_map(|y| a.iter().map(move |x| 1 + i64::from((y > x) as i8 - (y < x) as i8))).sum()
}

/// Two-sided p and smallest attainable p of a statistic over all divisions: twice the smaller tail.
fn two_sided(all: &[i64], observed: i64) -> (f64, f64) {
    let n = all.len() as f64;
    let p = |value: i64| {
        let lower = all.iter().filter(|v| **v <= value).count() as f64;
        let upper = all.iter().filter(|v| **v >= value).count() as f64;
        (2.0 * lower.min(upper) / n).min(1.0)
    };
    (p(observed), all.iter().map(|v| p(*v)).fold(1.0, f64::min))
}

fn as_f64(values: &[i32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// Samples of every small size, with many, few and no ties.
fn small_samples() -> Vec<(Vec<i32>, usize)> {
    let mut random = SplitMix64::new(11);
    let mut samples = Vec::new();
    for na in 1..=6 {
        for nb in 1..=6 {
            for distinct in [2, 4, 1000] {
                let values = (0..na + nb).map(|_| random.below(distinct) as i32 - 2).collect();
                samples.push((values, na));
            }
        }
    }
    samples
}

#[test]
fn mann_whitney_is_the_enumeration_of_all_divisions() {
    for (values, na) in small_samples() {
        let n = values.len();
        let observed_mask = ((1_u32 << n) - 1) & !((1_u32 << na) - 1);
        let all: Vec<i64> = divisions(n, n - na).map(|mask| doubled_u(&values, mask)).collect();
        let observed = doubled_u(&values, observed_mask);
        let (p, smallest) = two_sided(&all, observed);
        let v = as_f64(&values);
        let got = mann_whitney(&v[..na], &v[na..]).unwrap();
        assert!(got.exact);
        assert_eq!(got.u, observed as f64 / 2.0, "{values:?}");
        assert!(
            (got.p - p).abs() < 1e-13 && (got.smallest_p - smallest).abs() < 1e-13,
            "{got:?} {p} {smallest}"
        );
    }
}

#[test]
fn permutation_is_the_enumeration_of_all_divisions_of_integers() {
    for (values, na) in small_samples() {
        let (n, nb) = (values.len(), values.len() - na);
        let sum = |mask: u32| -> i64 {
            (0..n).filter(|i| (mask >> i) & 1 == 1).map(|i| i64::from(values[i])).sum()
        };
        // The difference of means rises with the sum of B: whole numbers, no rounding.
        let all: Vec<i64> = divisions(n, nb).map(sum).collect();
        let observed = sum(((1_u32 << n) - 1) & !((1_u32 << na) - 1));
        let (p, smallest) = two_sided(&all, observed);
        // Tenths and an offset make the same ties inexact in binary.
        for (scale, offset) in [(1.0, 0.0), (0.1, 0.7), (1e-9, 9400.3), (1e200, 0.0)] {
            let v: Vec<f64> = values.iter().map(|x| f64::from(*x) * scale + offset).collect();
            let got = permutation(&v[..na], &v[na..], 0).unwrap();
            if scale == 1e-9 {
                continue; // the values themselves are rounded here: only that it does not fail
            }
            assert!((got.p - p).abs() < 1e-13, "{got:?} {p} {v:?}");
            assert!((got.smallest_p - smallest).abs() < 1e-13, "{got:?} {smallest} {v:?}");
        }
    }
}

#[test]
fn drawn_permutations_approach_the_exact_p_and_repeat_with_their_seed() {
    // Two against two hundred is enumerated; nine against nine is drawn. The t-like statistic of the latter is known
    // from the enumeration here.
    let mut random = SplitMix64::new(3);
    let a: Vec<f64> = (0..9).map(|_| random.next_normal()).collect();
    let b: Vec<f64> = (0..9).map(|_| random.next_normal() + 0.9).collect();
    let pooled: Vec<f64> = a.iter().chain(&b).copied().collect();
    let sum = |mask: u32| -> f64 { (0..18).filter(|i| (mask >> i) & 1 == 1).map(|i| pooled[i]).sum() };
    let observed: f64 = b.iter().sum();
    let all: Vec<f64> = divisions(18, 9).map(sum).collect();
    let upper = all.iter().filter(|s| **s >= observed - 1e-9).count() as f64 / all.len() as f64;
    let exact = 2.0 * upper.min(1.0 - upper);
    let drawn = permutation(&a, &b, 42).unwrap();
    assert!(!drawn.exact);
    let se = (2.0 * exact * (1.0 - exact / 2.0) / 9999.0).sqrt();
    assert!((drawn.p - exact).abs() < 4.0 * se + 2e-4, "{} {exact}", drawn.p);
    assert_eq!(drawn, permutation(&a, &b, 42).unwrap());
    assert_ne!(drawn.p, permutation(&a, &b, 43).unwrap().p);
    assert_eq!(drawn.smallest_p, 2.0 / 10_000.0);
}

#[test]
fn mann_kendall_is_the_enumeration_of_all_orders() {
    fn orders(n: usize) -> Vec<Vec<f64>> {
        if n == 0 {
            return vec![vec![]];
        }
        let shorter = orders(n - 1);
        let insert = |o: &Vec<f64>, at: usize| {
            let mut o = o.clone();
            o.insert(at, n as f64);
            o
        };
        shorter.iter().flat_map(|o| (0..n).map(move |at| insert(o, at))).collect()
    }
    let all: Vec<_> = orders(6).iter().map(|o| (mann_kendall(o).unwrap(), o.clone())).collect();
    assert_eq!(all.len(), 720);
    for (got, order) in &all {
        let as_extreme = all.iter().filter(|(other, _)| other.s.abs() >= got.s.abs()).count() as f64 / 720.0;
        assert!((got.p - as_extreme.min(1.0)).abs() < 1e-13, "{order:?} {got:?} {as_extreme}");
    }
}

#[test]
fn exact_mann_whitney_meets_its_approximation_where_the_method_changes() {
    let mut random = SplitMix64::new(5);
    let half = MANN_WHITNEY_EXACT_MAX / 2;
    for shift in [0.0, 0.3, 0.8] {
        let a: Vec<f64> = (0..half).map(|_| random.next_normal()).collect();
        let b: Vec<f64> = (0..half).map(|_| random.next_normal() + shift).collect();
        let exact = mann_whitney(&a, &b).unwrap();
        // One more value in the middle hardly changes the evidence, but the method.
        let more: Vec<f64> = b.iter().copied().chain([shift / 2.0]).collect();
        let approximate = mann_whitney(&a, &more).unwrap();
        assert!(exact.exact && !approximate.exact);
        assert!((exact.p - approximate.p).abs() < 0.06, "{} {}", exact.p, approximate.p);
    }
}

#[test]
fn dip_of_two_far_points_is_a_quarter_and_of_even_spacing_half_a_step() {
    let two: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 1.0 } else { 2.0 }).collect();
    assert!((dip(&two).unwrap() - 0.25).abs() < 1e-15);
    let even: Vec<f64> = (0..20).map(f64::from).collect();
    assert!((dip(&even).unwrap() - 1.0 / 40.0).abs() < 1e-15);
    assert_eq!(dip(&[3.0; 9]).unwrap(), 0.0);
}
