//! Change points and serial correlation: what they find, and how often they find what is not there.

use stats::{Placed, SplitMix64, Unavailable, change_point, serial_correlation, spread, variance_ratio};

/// Values of two sides, measured in turns.
fn in_turns(boots: u64, mut value: impl FnMut(u64, usize) -> f64) -> Vec<Placed> {
    (0..boots)
        .flat_map(|at| [0, 1].map(|side| (at, side)))
        .map(|(at, side)| Placed { value: value(at, side), side, at })
        .collect()
}

/// Student's t with three degrees of freedom.
fn wild(random: &mut SplitMix64) -> f64 {
    let squares: f64 = (0..3).map(|_| random.next_normal().powi(2)).sum();
    random.next_normal() / (squares / 3.0).sqrt()
}

#[test]
fn a_step_of_both_sides_is_found_where_it_is_whatever_the_sides_differ_by() {
    let mut random = SplitMix64::new(3);
    for boots in [5, 10] {
        let step = |at: u64| if at > 2 { 20.0 } else { 0.0 };
        let values =
            in_turns(boots, |at, side| 100.0 + 50.0 * side as f64 + step(at) + 3.0 * random.next_normal());
        let found = change_point(&values).unwrap();
        assert_eq!(found.after, 2, "{found:?}");
        assert!((found.estimate - 20.0).abs() < 6.0 && found.p < 1e-3, "{found:?}");
    }
}

#[test]
fn values_that_do_not_change_seldom_have_a_change_point() {
    let mut random = SplitMix64::new(4);
    let (mut normal, mut heavy) = (0, 0);
    for _ in 0..1000 {
        normal += u32::from(change_point(&in_turns(10, |_, _| random.next_normal())).unwrap().p <= 0.01);
        heavy += u32::from(change_point(&in_turns(10, |_, _| wild(&mut random))).unwrap().p <= 0.01);
    }
    // .01 and three standard errors.
    assert!(normal <= 19 && heavy <= 19, "{normal} and {heavy} of 1000 at 0.01");
}

#[test]
fn few_and_constant_values_have_no_change_point() {
    assert!(matches!(change_point(&in_turns(2, |_, _| 1.0)), Err(Unavailable::TooFew { .. })));
    assert_eq!(change_point(&in_turns(8, |_, side| side as f64)), Err(Unavailable::ZeroVariance));
    let at_once: Vec<Placed> =
        in_turns(8, |at, _| at as f64).into_iter().map(|v| Placed { at: 1, ..v }).collect();
    assert_eq!(change_point(&at_once), Err(Unavailable::Domain));
}

#[test]
fn values_that_tell_of_the_next_one_are_found_and_others_are_not() {
    let slow: Vec<f64> = (0..12).map(|i| f64::from(i - 6).powi(2)).collect();
    let found = serial_correlation(&slow, 1).unwrap();
    assert!(found.r > 0.5 && found.p < 0.01, "{found:?}");
    let rising: Vec<f64> = (0..7).map(f64::from).collect();
    let exact = serial_correlation(&rising, 1).unwrap();
    // 52 of 5,040 orders have the sum of products 16 or a larger one; both tails count.
    assert_eq!(exact.p, 104.0 / 5040.0, "{exact:?}");
    let mut random = SplitMix64::new(6);
    let mut alarms = 0;
    for seed in 0..200 {
        let values: Vec<f64> = (0..8).map(|_| random.next_normal()).collect();
        alarms += u32::from(serial_correlation(&values, seed).unwrap().p <= 0.05);
    }
    assert!(alarms <= 19, "{alarms} of 200 at 0.05");
    assert_eq!(serial_correlation(&[2.0; 8], 1), Err(Unavailable::ZeroVariance));
}

#[test]
fn one_wild_value_is_no_difference_of_the_spread() {
    let a = [100.0, 101.0, 99.5, 100.4, 99.2, 100.9, 100.1, 99.4];
    let b = [100.2, 99.7, 100.8, 99.1, 100.5, 99.9, 100.3, 180.0];
    assert!(variance_ratio(&a, &b).unwrap().p < 1e-6);
    assert!(spread(&a, &b).unwrap().p > 0.05);
    let tenfold: Vec<f64> = (0..30).map(|i| 10.0 * f64::from((i * 7) % 30)).collect();
    let calm: Vec<f64> = tenfold.iter().map(|v| v / 10.0).collect();
    assert!(spread(&calm, &tenfold).unwrap().p < 1e-6);
}
