//! Moderated variances: known answers from the formulae of Smyth (2004) with SciPy's functions, laws, and what they are for.

use stats::special::{digamma, trigamma, trigamma_inverse};
use stats::{
    Block, ErrorPart, Moderation, Unavailable, blocked, fieller_blocked, fieller_blocked_moderated,
    fieller_moderated, fieller_student, student, variance_prior,
};

fn near(x: f64, y: f64, limit: f64) {
    assert!((x - y).abs() <= limit * y.abs(), "{x} is not {y}");
}

fn rows(variances: &[f64], df: &[f64]) -> Vec<ErrorPart> {
    variances.iter().zip(df).map(|(variance, df)| ErrorPart { variance: *variance, df: *df }).collect()
}

#[test]
fn digamma_and_trigamma_are_scipys() {
    for (x, psi, psi1) in [
        (1e-3, -1000.5755719318103, 1000001.6425331959),
        (0.5, -1.9635100260214235, 4.93480220054468),
        (1.0, -0.5772156649015329, 1.6449340668482266),
        (1.5, 0.03648997397857652, 0.9348022005446793),
        (2.0, 0.42278433509846713, 0.6449340668482266),
        (7.3, 1.917820335637986, 0.14679576813142703),
        (14.9, 2.667428976216042, 0.06941658320709582),
        (15.0, 2.6743466616607936, 0.0689382278476838),
        (100.0, 4.600161852738088, 0.010050166663333573),
        (1e6, 13.81551005796419, 1.0000005000001667e-06),
    ] {
        near(digamma(x), psi, 1e-12);
        near(trigamma(x), psi1, 1e-14);
        near(trigamma_inverse(psi1), x, 1e-13);
    }
}

#[test]
fn what_a_family_has_in_common_is_that_of_the_papers_formulae() {
    let found = variance_prior(&rows(&[0.8, 1.4, 0.3, 5.2, 2.2, 0.9, 11.0, 0.05], &[4.0; 8])).unwrap();
    near(found.df, 1.666513845057275, 1e-11);
    near(found.variance, 0.6992764852068857, 1e-11);
    let of_first = found.moderated(ErrorPart { variance: 0.8, df: 4.0 });
    near(of_first.variance, 0.7703773543107155, 1e-11);
    near(of_first.df, 5.666513845057275, 1e-11);
    let df = [4.0, 8.0, 4.0, 6.0, 7.0, 4.0, 3.0, 8.0];
    let found = variance_prior(&rows(&[3e-4, 5e-5, 2e-3, 8e-4, 1e-4, 6e-3, 4e-4, 9e-4], &df)).unwrap();
    near(found.df, 1.7507426883908126, 1e-11);
    near(found.variance, 0.0003304809460573188, 1e-11);
    near(found.moderated(ErrorPart { variance: 5e-5, df: 8.0 }).variance, 0.00010036026292924648, 1e-11);
}

#[test]
fn variances_that_scatter_by_chance_alone_are_one_whose_df_are_those_of_all_rows() {
    let found = variance_prior(&rows(&[1.0, 1.1, 0.9, 1.05, 0.95, 1.02], &[8.0; 6])).unwrap();
    assert_eq!(found.df, f64::INFINITY);
    near(found.variance, 1.0033333333333334, 1e-14);
    let one = found.moderated(ErrorPart { variance: 9.0, df: 8.0 });
    assert_eq!((one.variance, one.df), (found.variance, 48.0));
}

#[test]
fn the_unit_of_the_values_changes_no_degree_of_freedom() {
    let plain = variance_prior(&rows(&[0.8, 1.4, 0.3, 5.2], &[4.0; 4])).unwrap();
    for unit in [1e-280, 1e280] {
        let scaled: Vec<f64> = [0.8, 1.4, 0.3, 5.2].iter().map(|v| v * unit).collect();
        let found = variance_prior(&rows(&scaled, &[4.0; 4])).unwrap();
        near(found.df, plain.df, 1e-9);
        near(found.variance, plain.variance * unit, 1e-9);
    }
    // One wild row among many does not take the others' degrees of freedom away altogether.
    let found = variance_prior(&rows(&[1.0, 1.0, 1.0, 1.0, 1.0, 1e-300], &[4.0; 6])).unwrap();
    assert!(found.df > 0.1 && found.variance.is_finite(), "{found:?}");
}

#[test]
fn what_is_no_family_is_refused() {
    assert_eq!(
        variance_prior(&rows(&[1.0], &[4.0])).unwrap_err(),
        Unavailable::TooFew { needed: 2, found: 1 }
    );
    for (variance, df) in [(0.0, 4.0), (f64::NAN, 4.0), (f64::INFINITY, 4.0), (1.0, 0.0), (1.0, -1.0)] {
        assert!(variance_prior(&rows(&[1.0, variance], &[4.0, df])).is_err());
    }
}

#[test]
fn a_moderated_test_is_the_same_estimate_with_another_error() {
    let (a, b) = ([9.0, 10.0, 11.5], [12.0, 12.5, 14.0]);
    let test = student(&a, &b).unwrap();
    let same = test.moderated(Moderation { factor: 1.0, df: test.df });
    near(same.p, test.p, 1e-13);
    let surer = test.moderated(Moderation { factor: 0.5, df: 9.0 });
    near(surer.se, test.se * 0.5f64.sqrt(), 1e-14);
    assert!(surer.estimate == test.estimate && surer.df == 9.0 && surer.p < test.p);
    let endless = test.moderated(Moderation { factor: 1.0, df: f64::INFINITY });
    assert!(endless.p < test.p && endless.ci(0.95).low > test.ci(0.95).low);
}

/// The interval of the ratio and the p say the same of no change.
#[test]
fn fieller_ends_at_one_where_the_moderated_p_is_the_level() {
    let (a, b) = ([9.0, 10.0, 11.5], [12.0, 12.5, 14.0]);
    let by = Moderation { factor: 0.7, df: 11.0 };
    let p = student(&a, &b).unwrap().moderated(by).p;
    near(fieller_moderated(&a, &b, by, 1.0 - p).unwrap().low, 1.0, 1e-9);
    assert_eq!(
        fieller_moderated(&a, &b, Moderation { factor: 1.0, df: 4.0 }, 0.95).unwrap(),
        fieller_student(&a, &b, 0.95).unwrap()
    );
    let b = [9.6, 10.2, 12.5];
    let blocks: Vec<Block<'_>> = a.chunks(1).zip(b.chunks(1)).map(|(a, b)| Block::new(a, b)).collect();
    let wide = Moderation { factor: 2.0, df: 11.0 };
    let p = blocked(&blocks).unwrap().moderated(wide).p;
    near(fieller_blocked_moderated(&blocks, wide, 1.0 - p).unwrap().low, 1.0, 1e-9);
    let (own, moderated) = (fieller_blocked(&blocks, 0.95), fieller_blocked_moderated(&blocks, by, 0.95));
    assert!(own.unwrap().low < moderated.unwrap().low);
}
