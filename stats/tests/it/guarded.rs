//! Welch's test with guarded degrees of freedom: where it is the textbook's, where it is not, and how far.

use stats::*;

/// Values whose sample variance is `variance` around `mean`: half of them below, half above, one between if odd.
fn spread(n: usize, mean: f64, variance: f64) -> Vec<f64> {
    let pairs = (n / 2) as f64;
    let off = (variance * (n as f64 - 1.0) / (2.0 * pairs)).sqrt();
    (0..n)
        .map(|i| match i {
            i if i < n / 2 => mean - off,
            i if i < 2 * (n / 2) => mean + off,
            _ => mean,
        })
        .collect()
}

/// Satterthwaite's degrees of freedom of two sides of the same variance.
fn satterthwaite(n_a: usize, n_b: usize) -> f64 {
    welch(&spread(n_a, 1.0, 1.0), &spread(n_b, 2.0, 1.0)).unwrap().df
}

fn guarded(n_a: usize, n_b: usize) -> f64 {
    guarded_df(n_a, n_b, satterthwaite(n_a, n_b))
}

#[test]
fn equal_sizes_are_the_textbooks_welch() {
    let (a, b) = ([9.8, 10.1, 10.0, 9.9, 10.2], [9.1, 9.3, 9.0, 9.9, 9.2]);
    assert_eq!(guarded_welch(&a, &b), welch(&a, &b));
    assert_eq!(guarded_welch_log(&a, &b), welch_log(&a, &b));
    assert_eq!(guarded_fieller(&a, &b, 0.9), fieller(&a, &b, 0.9));
}

#[test]
fn twice_as_many_or_fewer_than_five_leave_the_smaller_side_alone() {
    for (small, large) in
        [(5, 10), (5, 30), (10, 20), (7, 14), (3, 4), (3, 10), (4, 6), (4, 30), (2, 3), (2, 9)]
    {
        let least = small as f64 - 1.0;
        assert_eq!(guarded(small, large), least, "{small} beside {large}");
        assert_eq!(guarded(large, small), least, "{large} beside {small}");
    }
}

#[test]
fn sizes_in_between_go_down_without_a_cliff() {
    for small in [5, 10, 40] {
        let s = 2.0 * small as f64 - 2.0; // the same for all, so that only the blend moves
        let along: Vec<f64> = (small..=2 * small + 3).map(|large| guarded_df(small, large, s)).collect();
        assert_eq!((along[0], along[small]), (s, small as f64 - 1.0));
        let steps: Vec<f64> = along.windows(2).map(|pair| pair[0] - pair[1]).collect();
        assert!(steps.iter().all(|step| *step >= 0.0), "{along:?}");
        // Of the whole way no boot takes more than (1/5)^(2/3).
        assert!(steps.iter().all(|step| *step <= 0.342_0 * (small as f64 - 1.0)), "{along:?}");
    }
    let known = 8.0 - 0.2_f64.powf(2.0 / 3.0) * 4.0;
    assert!((guarded_df(6, 5, 8.0) - known).abs() < 1e-12 && (known - 6.632).abs() < 1e-3);
}

#[test]
fn one_lost_boot_of_five_raises_the_critical_value_by_a_fifth_at_most() {
    assert!((guarded(5, 4) - (satterthwaite(5, 4) * 0.75 + 3.0 * 0.25)).abs() < 1e-12);
    for level in [0.05, 0.05 / 24.0] {
        let (all, lost) = (t_critical(1.0 - level, guarded(5, 5)), t_critical(1.0 - level, guarded(5, 4)));
        assert!(lost > all && lost <= 1.2 * all, "{lost} after {all} at {level}");
    }
}

#[test]
fn the_guard_never_adds_degrees_of_freedom() {
    let mut random = SplitMix64::new(5);
    for _ in 0..2000 {
        let (n_a, n_b) = (2 + random.below(14), 2 + random.below(14));
        let sd = (4.0 * random.next_f64() - 2.0).exp();
        let a: Vec<f64> = (0..n_a).map(|_| 100.0 + random.next_normal()).collect();
        let b: Vec<f64> = (0..n_b).map(|_| 100.0 + sd * random.next_normal()).collect();
        let (plain, guarded) = (welch(&a, &b).unwrap(), guarded_welch(&a, &b).unwrap());
        assert!(guarded.df <= plain.df && guarded.df >= n_a.min(n_b) as f64 - 1.0 - 1e-9);
        assert!(guarded.p >= plain.p && (guarded.estimate, guarded.se) == (plain.estimate, plain.se));
        let (plain, guarded) = (welch_log(&a, &b).unwrap(), guarded_welch_log(&a, &b).unwrap());
        assert!(guarded.ci95.encloses(&plain.ci95) && guarded.ratio == plain.ratio);
        if let (Ok(plain), Ok(guarded)) = (fieller(&a, &b, 0.9), guarded_fieller(&a, &b, 0.9)) {
            assert!(guarded.encloses(&plain));
        }
    }
}

#[test]
fn what_welch_refuses_the_guard_refuses_too() {
    assert_eq!(guarded_welch(&[1.0], &[1.0, 2.0]), Err(Unavailable::TooFew { needed: 2, found: 1 }));
    assert_eq!(guarded_welch(&[1.0; 3], &[2.0; 5]), Err(Unavailable::ZeroVariance));
    assert_eq!(guarded_welch_log(&[1.0, 0.0], &[1.0, 2.0]), Err(Unavailable::NotPositive));
    assert_eq!(guarded_fieller(&[-1.0, 1.0], &[1.0, 2.0], 0.9), Err(Unavailable::Unbounded));
}
