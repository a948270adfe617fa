//! Laws that hold for all values: symmetry, invariance, monotonicity, and no NaN anywhere.

use proptest::collection::vec;
use proptest::prelude::*;
use stats::*;

/// Values as measured: positive, a few digits, within a factor of about ten.
fn measured(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    vec((100_u32..1000).prop_map(|v| f64::from(v) / 7.0), n)
}

/// Anything that can stand in a file.
fn anything(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let special = prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(f64::MIN_POSITIVE),
        Just(5e-324),
        Just(f64::INFINITY),
        Just(f64::NAN),
        Just(1.0)
    ];
    vec(prop_oneof![4 => any::<f64>(), 2 => special, 4 => -1e3..1e3], n)
}

fn near(x: f64, y: f64, tolerance: f64) -> bool {
    (x - y).abs() <= tolerance * x.abs().max(y.abs()).max(1e-300)
}

fn sound(test: &TTest) -> bool {
    [test.estimate, test.se, test.df, test.t, test.p].iter().all(|v| v.is_finite())
        && test.se > 0.0
        && test.df > 0.0
        && (0.0..=1.0).contains(&test.p)
        && [0.9, 0.95].iter().all(|l| test.ci(*l).low <= test.estimate && test.estimate <= test.ci(*l).high)
}

proptest! {
    // A failure prints its minimal case, which then becomes a test by name; nothing is written beside the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn swapping_sides_flips_the_effect_and_keeps_p(a in measured(2..9), b in measured(2..9)) {
        for test in [student, welch, guarded_welch] {
            if let (Ok(ab), Ok(ba)) = (test(&a, &b), test(&b, &a)) {
                prop_assert_eq!(ab.estimate, -ba.estimate);
                prop_assert!(near(ab.p, ba.p, 1e-12) && near(ab.se, ba.se, 1e-12));
            }
        }
        if let (Ok(ab), Ok(ba)) = (welch_log(&a, &b), welch_log(&b, &a)) {
            prop_assert!(near(ab.ratio * ba.ratio, 1.0, 1e-13));
            prop_assert!(near(ab.ci95.low * ba.ci95.high, 1.0, 1e-12));
            prop_assert!(near(ab.test.p, ba.test.p, 1e-11));
            let band = band(0.05);
            prop_assert_eq!(equivalent(&ab.ci90, &band), equivalent(&ba.ci90, &band));
        }
        let (ab, ba) = (mann_whitney(&a, &b).unwrap(), mann_whitney(&b, &a).unwrap());
        prop_assert!(near(ab.p, ba.p, 1e-12) && near(ab.smallest_p, ba.smallest_p, 1e-12));
        prop_assert_eq!(ab.u + ba.u, (a.len() * b.len()) as f64);
        let (ab, ba) = (permutation(&a, &b, 1).unwrap(), permutation(&b, &a, 1).unwrap());
        prop_assert!(!ab.exact || near(ab.p, ba.p, 1e-12));
        if let (Ok(ab), Ok(ba)) = (hedges_g(&a, &b), hedges_g(&b, &a)) {
            prop_assert!(near(ab, -ba, 1e-12));
        }
    }

    #[test]
    fn the_log_scale_does_not_know_the_unit(a in measured(2..9), b in measured(2..9), unit in 1e-6..1e6) {
        let scaled = |v: &[f64]| v.iter().map(|x| x * unit).collect::<Vec<_>>();
        if let (Ok(plain), Ok(other)) = (welch_log(&a, &b), welch_log(&scaled(&a), &scaled(&b))) {
            prop_assert!(near(plain.ratio, other.ratio, 1e-12));
            prop_assert!((plain.test.p - other.test.p).abs() <= 1e-9);
            prop_assert!(near(plain.ci95.high, other.ci95.high, 1e-9));
        }
        if let (Ok(plain), Ok(other)) = (fieller(&a, &b, 0.95), fieller(&scaled(&a), &scaled(&b), 0.95)) {
            // Relative to the width: a bound may be next to 0.
            let off = (plain.low - other.low).abs().max((plain.high - other.high).abs());
            prop_assert!(off <= 1e-9 * plain.width().max(plain.high.abs()));
        }
    }

    #[test]
    fn the_order_of_replicates_is_irrelevant(mut a in measured(3..9), mut b in measured(3..9)) {
        let before = (welch(&a, &b), mann_whitney(&a, &b).unwrap(), moments(&a).unwrap());
        a.reverse();
        b.rotate_left(1);
        let after = (welch(&a, &b), mann_whitney(&a, &b).unwrap(), moments(&a).unwrap());
        prop_assert_eq!(before.1, after.1);
        prop_assert!(near(before.2.mean, after.2.mean, 1e-14));
        if let (Ok(x), Ok(y)) = (before.0, after.0) {
            prop_assert!((x.p - y.p).abs() < 1e-9);
        }
    }

    #[test]
    fn a_block_effect_cancels_in_the_blocked_model(a in measured(3..9), gain in 0.5..2.0, noise in vec(0.9..1.1, 9)) {
        let b: Vec<f64> = a.iter().zip(&noise).map(|(a, e)| a * gain * e).collect();
        let blocks: Vec<Block<'_>> = a.chunks(1).zip(b.chunks(1)).map(|(a, b)| Block::new(a, b)).collect();
        let shifted: Vec<(f64, f64)> = a.iter().zip(&b).enumerate().map(|(i, (a, b))| {
            let effect = 1.0 + i as f64;
            (a * effect, b * effect)
        }).collect();
        let (sa, sb): (Vec<f64>, Vec<f64>) = shifted.into_iter().unzip();
        let moved: Vec<Block<'_>> = sa.chunks(1).zip(sb.chunks(1)).map(|(a, b)| Block::new(a, b)).collect();
        if let (Ok(x), Ok(y)) = (blocked_log(&blocks), blocked_log(&moved)) {
            prop_assert!(near(x.ratio, y.ratio, 1e-11) && (x.test.p - y.test.p).abs() < 1e-7);
        }
    }

    #[test]
    fn adjusted_p_values_keep_the_order_and_never_fall(p in vec(0.0..=1.0_f64, 0..30), at in 0_usize..30, less in 0.0..1.0) {
        for adjust in [benjamini_hochberg, holm] {
            let q = adjust(&p);
            prop_assert_eq!(q.len(), p.len());
            for (i, (pi, qi)) in p.iter().zip(&q).enumerate() {
                prop_assert!(qi >= pi && *qi <= 1.0);
                for (pj, qj) in p.iter().zip(&q).skip(i) {
                    prop_assert!((pi <= pj && qi <= qj) || (pj <= pi && qj <= qi));
                }
            }
            // A smaller p for one row makes no q of any row larger.
            if at < p.len() {
                let mut smaller = p.clone();
                smaller[at] *= less;
                for (before, after) in q.iter().zip(adjust(&smaller)) {
                    prop_assert!(after <= *before + 1e-15);
                }
            }
        }
        for (bh, holm) in benjamini_hochberg(&p).iter().zip(holm(&p)) {
            prop_assert!(*bh <= holm + 1e-15);
        }
    }

    #[test]
    fn nothing_panics_and_nothing_is_nan(a in anything(0..7), b in anything(0..7), seed in any::<u64>()) {
        for test in [student(&a, &b), welch(&a, &b), guarded_welch(&a, &b), paired(&a, &b), one_sample(&a),
            first_boot(&[&a, &b])] {
            prop_assert!(test.is_err() || test.is_ok_and(|t| sound(&t)));
        }
        let blocks = [Block::new(&a, &b), Block::new(&b, &a), Block::new(&a, &[])];
        prop_assert!(blocked(&blocks).is_err() || blocked(&blocks).is_ok_and(|t| sound(&t)));
        for log in [welch_log(&a, &b), guarded_welch_log(&a, &b), blocked_log(&blocks)].into_iter().flatten() {
            prop_assert!(sound(&log.test));
            for v in [log.ratio, log.ci95.low, log.ci95.high, log.ci90.low, log.ci90.high] {
                prop_assert!(v.is_finite() && v > 0.0);
            }
        }
        if let Ok(m) = time_weighted(&a, &b) {
            prop_assert!(m.mean.is_finite() && m.se.is_finite() && m.se >= 0.0 && m.intervals >= 2);
        }
        if let Ok(m) = moments(&a) {
            prop_assert!(m.min <= m.mean && m.mean <= m.max && m.min <= m.median && m.median <= m.max, "{:?}", m);
            prop_assert!(m.sd.is_none_or(|sd| sd.is_finite() && sd >= 0.0));
        }
        let single = [hedges_g(&a, &b), ratio_of_means(&a, &b), geometric_mean(&a), dip(&a)];
        prop_assert!(single.into_iter().flatten().all(f64::is_finite));
        let intervals = [fieller(&a, &b, 0.95), guarded_fieller(&a, &b, 0.95), fieller_blocked(&blocks, 0.9), mean_ci(&a, 0.95),
            bca_interval(&[&a[..], &b[..], &a[..]].concat(), &[&b[..], &b[..], &a[..]].concat(), Contrast::DifferenceOfMeans, 0.95, seed)];
        prop_assert!(intervals.into_iter().flatten().all(|i| i.low.is_finite() && i.high.is_finite() && i.low <= i.high));
        let ps = [mann_whitney(&a, &b).map(|m| m.p), permutation(&a, &b, seed).map(|m| m.p),
            mann_kendall(&a).map(|m| m.p), serial_correlation(&[&a[..], &b[..]].concat(), seed).map(|m| m.p)];
        prop_assert!(ps.into_iter().flatten().all(|p| p > 0.0 && p <= 1.0));
        // A ratio of 1e150 has a p below the smallest double: 0 is its nearest one.
        let placed: Vec<Placed> = a.iter().chain(&b).enumerate()
            .map(|(i, v)| Placed { value: *v, side: usize::from(i >= a.len()), at: i as u64 / 2 }).collect();
        prop_assert!(change_point(&placed).map_or(true, |c| (0.0..=1.0).contains(&c.p) && c.estimate.is_finite()));
        prop_assert!(spread(&a, &b).map_or(true, |s| (0.0..=1.0).contains(&s.p)));
        prop_assert!(variance_ratio(&a, &b).is_ok_and(|v| (0.0..=1.0).contains(&v.p)) || variance_ratio(&a, &b).is_err());
    }

    #[test]
    fn distributions_stay_inside_zero_and_one(t in any::<f64>(), df in any::<f64>(), delta in -50.0..50.0, alpha in 1e-6..0.5) {
        for p in [t_two_sided_p(t, df), t_sf(t, df), noncentral_t_cdf(t, df, delta), power(delta, df, alpha)] {
            prop_assert!((0.0..=1.0).contains(&p), "{}", p);
        }
    }

    #[test]
    fn power_rises_with_the_effect_and_its_inverse_inverts(df in 1.0..200.0, alpha in 0.001..0.2, target in 0.3..0.99) {
        let delta = noncentrality(df, alpha, target).unwrap();
        prop_assert!(near(power(delta, df, alpha), target, 1e-9));
        prop_assert!(power(delta * 1.01, df, alpha) > power(delta, df, alpha));
    }

    #[test]
    fn quantile_inverts_the_tail(df in 0.5..1e4, p in 1e-12..1.0_f64) {
        let t = t_critical(1.0 - p, df);
        let p = 1.0 - (1.0 - p); // what the argument could carry
        prop_assert!(near(t_two_sided_p(t, df), p, 1e-9));
    }

    #[test]
    fn boots_needed_are_the_first_number_that_reaches_the_power(sd_a in 0.01..1.0, sd_b in 0.01..1.0, effect in 0.05..3.0) {
        let n = replicates_needed(sd_a, sd_b, effect, 0.05, 0.8).unwrap();
        let reached = |n: f64| {
            let (u, v) = (sd_a * sd_a / n, sd_b * sd_b / n);
            let df = (u + v).powi(2) / ((u * u + v * v) / (n - 1.0));
            power(effect / (u + v).sqrt(), df, 0.05)
        };
        prop_assert!(reached(n as f64) >= 0.8 - 1e-9);
        prop_assert!(n == 2 || reached(n as f64 - 1.0) < 0.8 + 1e-9);
    }
}
