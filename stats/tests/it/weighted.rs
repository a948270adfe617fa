//! Means over intervals of different length.

use stats::{SplitMix64, Unavailable, mean, moments, time_weighted};

fn near(got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-12 * want.abs(), "{got} instead of {want}");
}

#[test]
fn equal_lengths_are_the_ordinary_mean_and_its_standard_error() {
    let values = [9.0, 11.0, 14.0, 10.0];
    for seconds in [1.0, 0.25, 600.0] {
        let weighted = time_weighted(&values, &[seconds; 4]).unwrap();
        near(weighted.mean, mean(&values).unwrap());
        near(weighted.se, moments(&values).unwrap().sd.unwrap() / 2.0);
    }
}

#[test]
fn an_interval_counts_as_long_as_it_was() {
    // (2 * 10 + 1 * 16) / 3 = 12; s² = 2 * 4 + 1 * 16 = 24, over 3 seconds 8.
    let weighted = time_weighted(&[10.0, 16.0], &[2.0, 1.0]).unwrap();
    near(weighted.mean, 12.0);
    near(weighted.se, 8.0_f64.sqrt());
    assert_eq!(weighted.intervals, 2);
}

#[test]
fn a_moment_at_the_end_with_an_absurd_rate_changes_nothing() {
    let mut values: Vec<f64> = (0..60).map(|i| 1000.0 + f64::from(i % 7)).collect();
    let mut seconds = vec![1.0; 60];
    let before = time_weighted(&values, &seconds).unwrap();
    for (rate, length) in [(9e6, 0.0004), (0.0, 0.0), (1e300, 1e-300), (5e5, -1.0)] {
        values.push(rate);
        seconds.push(length);
        assert_eq!(time_weighted(&values, &seconds), Ok(before));
    }
}

#[test]
fn equal_rates_have_no_spread() {
    let weighted = time_weighted(&[0.1; 7], &[1.0, 0.3, 0.7, 1.0, 1.0, 0.2, 1.0]).unwrap();
    assert_eq!((weighted.mean, weighted.se), (0.1, 0.0));
}

#[test]
fn the_squared_error_is_right_on_average_when_variance_falls_with_length() {
    let mut random = SplitMix64::new(21);
    let seconds = [1.0, 1.0, 0.1, 4.0, 0.5, 2.0];
    let (mut means, mut squares) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let rates = seconds.map(|length: f64| 100.0 + 3.0 * random.next_normal() / length.sqrt());
        let weighted = time_weighted(&rates, &seconds).unwrap();
        means.push(weighted.mean);
        squares.push(weighted.se.powi(2));
    }
    // 9 for one second, over 8.6 seconds; the estimate from five degrees of freedom has a relative SD of .63.
    let truth = 9.0 / 8.6;
    assert!((mean(&squares).unwrap() / truth - 1.0).abs() < 3.0 * 0.64 / 20_000_f64.sqrt());
    let found = moments(&means).unwrap();
    assert!((found.sd.unwrap().powi(2) / truth - 1.0).abs() < 3.0 * (2.0 / 20_000.0_f64).sqrt());
    assert!((found.mean - 100.0).abs() < 3.0 * (truth / 20_000.0).sqrt());
}

#[test]
fn too_little_is_said_and_not_guessed() {
    assert_eq!(time_weighted(&[1.0], &[1.0]), Err(Unavailable::TooFew { needed: 2, found: 1 }));
    assert_eq!(time_weighted(&[1.0, 2.0], &[1.0, 0.001]), Err(Unavailable::TooFew { needed: 2, found: 1 }));
    assert_eq!(time_weighted(&[1.0, 2.0], &[0.0, 0.0]), Err(Unavailable::TooFew { needed: 2, found: 0 }));
    assert_eq!(time_weighted(&[1.0, 2.0], &[1.0]), Err(Unavailable::Unpaired { a: 2, b: 1 }));
    assert_eq!(time_weighted(&[1.0, 2.0], &[1.0, f64::NAN]), Err(Unavailable::NotFinite));
}
