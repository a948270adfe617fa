//! Bisecting by noisy measurements: simulated from the first round to the end, because it is the decision that counts.

use stats::{BisectBoot, BisectDesign, BisectEnd, BisectForesight, BisectRange, Unavailable};

/// What was said of `wanted`, less three standard errors of a share.
fn at_least(share: f64, wanted: f64, runs: u64) -> bool {
    share >= wanted - 3.0 * (wanted * (1.0 - wanted) / runs as f64).sqrt()
}

const MANY: BisectDesign = BisectDesign {
    commits: 64,
    step: 0.05,
    boot_sd: 0.03,
    session_sd: 0.02,
    build_cost: 3.0,
    budget: 430.0,
    unbuildable: 0,
};

#[test]
fn the_culprit_among_64_commits_is_named_and_rarely_another() {
    let runs = 100;
    let BisectForesight { right, wrong, boots, builds, .. } = MANY.foresee(runs);
    println!("right {right} wrong {wrong} boots {boots} builds {builds}");
    assert!(
        at_least(right, 0.92, runs) && boots <= 95.0 && builds <= 10.5,
        "{right} {wrong} {boots} {builds}"
    );
}

#[test]
fn commits_that_do_not_build_stay_in_their_class_and_clear_none_of_their_neighbours() {
    let BisectForesight { right, wrong, .. } = BisectDesign { unbuildable: 3, ..MANY }.foresee(60);
    assert!(at_least(right, 0.92, 60), "{right} {wrong}");
}

#[test]
fn a_range_without_a_step_is_not_bisected() {
    // What passes the ends by chance (some 1.5 % of ranges) finds no culprit between them.
    let ends: Vec<BisectEnd> = (0..40).map(|seed| MANY.once(None, seed).end).collect();
    assert!(ends.iter().filter(|end| **end == BisectEnd::NotReproduced).count() >= 38, "{ends:?}");
}

#[test]
#[ignore = "soak: 5,000 bisections a cell"]
fn bisections_end_right_as_often_as_is_said() {
    let runs = 5000;
    let thousand = BisectDesign { commits: 1024, ..MANY };
    for (name, cell, right, boots, builds) in [
        ("64 commits", MANY, 0.92, 90.0, 10.0),
        ("1024 commits", thousand, 0.95, 130.0, 16.0),
        ("64, session 1 %", BisectDesign { session_sd: 0.01, ..MANY }, 0.95, 90.0, 10.0),
        ("64, three do not build", BisectDesign { unbuildable: 3, ..MANY }, 0.92, 90.0, 10.0),
    ] {
        let got = cell.foresee(runs);
        println!("{name}: {got:?}");
        assert!(at_least(got.right, right, runs), "{name}: {got:?}");
        assert!(got.boots <= boots && got.builds <= builds, "{name}: {got:?}");
    }
    let none = (0..runs).filter(|seed| MANY.once(None, *seed).end != BisectEnd::NotReproduced).count();
    println!("without a step: {none} of {runs} were bisected");
    assert!(none as f64 <= 0.01 * runs as f64 + 3.0 * (0.01 * 0.99 * runs as f64).sqrt(), "{none}");
}

#[test]
fn the_least_step_grows_with_the_noise_and_a_budget_of_nothing_finds_none() {
    let short = BisectDesign { budget: 120.0, commits: 16, session_sd: 0.0, ..MANY };
    let least = |boot_sd| BisectDesign { boot_sd, ..short }.least(20);
    let (quiet, loud) = (least(0.01).unwrap(), least(0.08).unwrap());
    assert!(quiet < loud, "{quiet} {loud}");
    assert_eq!(BisectDesign { budget: 5.0, ..short }.least(20), None);
}

#[test]
fn the_posterior_is_what_integrating_by_hand_gives() {
    // Two commits (1, 2) behind the good end; one round of each, no session part. Culprit 1: values 1 and 2 against 0.
    let rounds = vec![
        vec![
            BisectBoot { commit: 0, ln: 0.0 },
            BisectBoot { commit: 1, ln: 0.3 },
            BisectBoot { commit: 2, ln: 1.0 },
        ],
        vec![
            BisectBoot { commit: 0, ln: 0.1 },
            BisectBoot { commit: 1, ln: 0.2 },
            BisectBoot { commit: 2, ln: 1.1 },
        ],
    ];
    let read = BisectRange::even(2).unwrap().read(&rounds, 0.0).unwrap();
    // Least squares by hand: SS1 = .005 + (.3,.2,1,1.1 about .65: .65), SS2 = (0,.1,.3,.2 about .15: .05) + .005;
    // det = n0 n1 = 8 either way, nu = 4.
    let ratio = (0.655_f64 / 0.055).powf(-2.0);
    let expected = ratio / (1.0 + ratio);
    assert!((read.share(1) - expected).abs() < 1e-12, "{} {expected}", read.share(1));
    assert!((read.slow_at(2) - 1.0).abs() < 1e-12 && read.share(0) == 0.0 && read.share(9) == 0.0);
    assert_eq!(read.set(0.95), [2]);
}

#[test]
fn commits_that_nothing_tells_apart_are_in_the_set_together() {
    let end =
        |noise: f64| vec![BisectBoot { commit: 0, ln: noise }, BisectBoot { commit: 9, ln: 0.1 - noise }];
    let read = BisectRange::even(9).unwrap().read(&[end(0.0), end(0.001), end(-0.002)], 0.1).unwrap();
    assert_eq!(read.set(0.5), (1..=9).collect::<Vec<usize>>());
    assert_eq!(read.likeliest().size(), 9);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let range = BisectRange::even(3).unwrap();
    let boot = |commit, ln| BisectBoot { commit, ln };
    let good = [vec![boot(0, 0.0), boot(3, 0.1), boot(0, 0.01), boot(3, 0.12)]];
    assert!(range.read(&good, 0.1).is_ok());
    assert_eq!(range.read(&good, -1.0), Err(Unavailable::Domain));
    assert_eq!(range.read(&good, f64::NAN), Err(Unavailable::Domain));
    assert_eq!(range.read(&[vec![boot(0, 0.0), boot(4, 0.1), boot(3, 0.1)]], 0.1), Err(Unavailable::Domain));
    assert_eq!(range.read(&[vec![boot(0, 0.0), boot(1, 0.1), boot(2, 0.1)]], 0.1), Err(Unavailable::Domain));
    assert_eq!(
        range.read(&[vec![boot(0, 0.0), boot(1, f64::NAN), boot(3, 0.1)]], 0.1),
        Err(Unavailable::NotFinite)
    );
    assert!(matches!(range.read(&[], 0.1), Err(Unavailable::TooFew { .. })));
    assert!(BisectRange::even(0).is_err() && BisectRange::weighed(&[1.0, 0.0]).is_err());
    assert!(BisectRange::weighed(&[1.0, f64::INFINITY]).is_err());
    // All values alike: nothing is known, and nothing panics.
    let flat = vec![boot(0, 1.0), boot(1, 1.0), boot(3, 1.0)];
    let read = range.read(&[flat], 0.1).unwrap();
    assert!(read.classes().iter().all(|class| class.share.is_finite()));
}
