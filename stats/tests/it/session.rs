//! The variance between sessions, and what it adds to an error.

use stats::{ErrorPart, SplitMix64, TTest, session_fieller, session_variance, welch, welch_log};

/// Rows of `sessions` sessions of `boots` boots around 0.
fn draw(random: &mut SplitMix64, rows: usize, sessions: usize, boots: usize, tau: f64) -> Vec<Vec<Vec<f64>>> {
    let session = |random: &mut SplitMix64| -> Vec<f64> {
        let level = tau * random.next_normal();
        (0..boots).map(|_| level + random.next_normal()).collect()
    };
    (0..rows).map(|_| (0..sessions).map(|_| session(random)).collect()).collect()
}

#[test]
fn a_part_of_an_error_adds_up_in_squares_with_the_df_of_satterthwaite() {
    let test = welch(&[1.0, 2.0, 3.0], &[2.0, 4.0, 9.0]).unwrap();
    let with = test.with_error(ErrorPart { variance: 2.0, df: 7.0 });
    let own = test.se * test.se;
    assert!((with.se * with.se - own - 2.0).abs() < 1e-12 && with.estimate == test.estimate);
    let df = (own + 2.0).powi(2) / (own * own / test.df + 4.0 / 7.0);
    assert!((with.df - df).abs() < 1e-9, "{} {df}", with.df);
    assert!(with.p > test.p);
    assert_eq!(test.with_error(ErrorPart { variance: 0.0, df: 7.0 }), test);
    assert!(TTest::of_error(1.0, ErrorPart { variance: 0.0, df: 3.0 }).is_err());
}

#[test]
fn fieller_with_sessions_is_wider_and_needs_a_baseline_clear_of_zero() {
    let (a, b) = ([100.0, 101.0, 99.0], [110.0, 111.0, 109.0]);
    let plain = stats::fieller(&a, &b, 0.95).unwrap();
    let session = ErrorPart { variance: 0.02, df: 20.0 };
    let wide = session_fieller(&a, &b, session, 0.95).unwrap();
    assert!(wide.low < plain.low && plain.high < wide.high);
    // On logarithms the same error gives nearly the same interval.
    let log = welch_log(&a, &b).unwrap().test.with_error(session).ci(0.95);
    assert!(
        (wide.low.ln() - log.low).abs() < 0.06 && (wide.high.ln() - log.high).abs() < 0.06,
        "{wide:?} {log:?}"
    );
    assert!(session_fieller(&[0.0, 0.0], &b, session, 0.95).is_err());
    assert!(session_fieller(&a, &b, ErrorPart { variance: 1.0, df: 2.0 }, 0.95).is_err());
}

#[test]
fn the_variance_between_sessions_is_found_on_average_with_the_df_it_has() {
    let mut random = SplitMix64::new(5);
    for (sessions, tau) in [(2, 1.0), (5, 0.5), (5, 3.0), (10, 0.0)] {
        let pages = 200;
        let (mut mean, mut df) = (0.0, 0.0);
        for _ in 0..pages {
            let found = session_variance(&draw(&mut random, 24, sessions, 5, tau)).unwrap();
            mean += found.tau2 / f64::from(pages);
            df += found.df / f64::from(pages);
            assert_eq!(
                (found.sessions, found.rows, found.sigma2_df),
                (sessions, 24, 24.0 * 4.0 * sessions as f64)
            );
            assert!((found.sigma2 - 1.0).abs() < 0.5 && (found.n - 5.0).abs() < 1e-9);
        }
        let error =
            4.0 * (tau * tau + 0.2) * (2.0 / (24.0 * (sessions as f64 - 1.0) * f64::from(pages))).sqrt();
        assert!(
            (mean - tau * tau).abs() < error + if tau == 0.0 { 0.03 } else { 0.0 },
            "{sessions} {tau}: {mean}"
        );
        let most = 24.0 * (sessions as f64 - 1.0);
        assert!(df <= most && (tau < 1.0 || df > 0.25 * most), "{sessions} {tau}: {df} of {most}");
    }
}

#[test]
fn rows_that_a_session_moves_together_tell_no_more_than_one() {
    let mut random = SplitMix64::new(6);
    for sessions in [2, 5] {
        let levels: Vec<f64> = (0..sessions).map(|_| 5.0 * random.next_normal()).collect();
        let rows: Vec<Vec<Vec<f64>>> = (0..24)
            .map(|_| {
                levels.iter().map(|l| (0..5).map(|_| l + 0.1 * random.next_normal()).collect()).collect()
            })
            .collect();
        let found = session_variance(&rows).unwrap();
        assert!(found.df < 1.2 * (sessions as f64 - 1.0), "{sessions}: {found:?}");
    }
}

#[test]
fn rows_that_sessions_move_by_different_amounts_say_little_of_any_one() {
    let mut random = SplitMix64::new(7);
    let mut rows = draw(&mut random, 40, 5, 5, 0.1);
    rows.extend(draw(&mut random, 4, 5, 5, 30.0));
    let found = session_variance(&rows).unwrap();
    assert!(found.df < 10.0, "{found:?}");
}

#[test]
fn what_cannot_tell_is_refused() {
    assert!(session_variance(&[]).is_err());
    assert!(session_variance(&[vec![vec![1.0, 2.0]]]).is_err(), "one session");
    assert!(session_variance(&[vec![vec![1.0], vec![]]]).is_err());
    assert!(session_variance(&[vec![vec![1.0], vec![f64::NAN]]]).is_err());
    let same = session_variance(&[vec![vec![1.0, 1.0], vec![1.0, 1.0]]]).unwrap();
    assert_eq!((same.tau2, same.sigma2), (0.0, 0.0));
}
