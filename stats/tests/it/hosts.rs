//! Several hosts with both sides each: which sentence holds at which rate.

use stats::{SplitMix64, TTest, Unavailable, heterogeneity, hosts_fixed, hosts_random, one_sample};

/// Differences of `blocks` blocks on each of `hosts` hosts, SD 1 within a host; each host has an effect of its own, whose SD is
/// `interaction`.
fn hosts(
    random: &mut SplitMix64,
    (hosts, blocks): (usize, usize),
    effect: f64,
    interaction: f64,
) -> Vec<TTest> {
    let one = |random: &mut SplitMix64| {
        let own = effect + interaction * random.next_normal();
        let blocks: Vec<f64> = (0..blocks).map(|_| own + random.next_normal()).collect();
        one_sample(&blocks).unwrap()
    };
    (0..hosts).map(|_| one(random)).collect()
}

/// How often p is at most .05 in `rows` rows.
fn rate(
    rows: usize,
    size: (usize, usize),
    (effect, interaction): (f64, f64),
    p: impl Fn(&[TTest]) -> Result<f64, Unavailable>,
) -> f64 {
    let mut random = SplitMix64::new(25);
    let found =
        (0..rows).filter(|_| p(&hosts(&mut random, size, effect, interaction)).unwrap() <= 0.05).count();
    found as f64 / rows as f64
}

fn bound(share: f64, rows: usize) -> f64 {
    3.0 * (share * (1.0 - share) / rows as f64).sqrt()
}

fn rates_hold(rows: usize) {
    let random = |all: &[TTest]| hosts_random(all).map(|t| t.p);
    let fixed = |all: &[TTest]| hosts_fixed(all).map(|t| t.p);
    let alike = |all: &[TTest]| heterogeneity(all).map(|h| h.p);
    for (size, interaction) in [((4, 5), 0.0), ((4, 5), 0.5), ((8, 5), 1.0), ((5, 5), 2.0), ((5, 5), 0.0)] {
        let found = rate(rows, size, (0.0, interaction), random);
        println!("{size:?} hosts x blocks, interaction {interaction}: random {found:.4}");
        assert!((found - 0.05).abs() <= bound(0.05, rows) + 0.003, "{size:?} {interaction}: {found}");
    }
    // These hosts alone: right where they have one effect, and far too often where a sentence about others was meant.
    let (one, several) = (rate(rows, (4, 5), (0.0, 0.0), fixed), rate(rows, (4, 5), (0.0, 0.5), fixed));
    println!("fixed: {one:.4} without an interaction, {several:.4} with .5");
    assert!(one <= 0.05 + bound(0.05, rows) && several > 0.1, "{one} {several}");
    let (quiet, seen) = (rate(rows, (4, 5), (0.0, 0.0), alike), rate(rows, (4, 5), (0.0, 1.0), alike));
    println!("heterogeneity: {quiet:.4} where there is none, {seen:.4} at 1");
    assert!((quiet - 0.05).abs() <= bound(0.05, rows) + 0.015 && seen > 0.6, "{quiet} {seen}");
    // An effect of one block's SD.
    for (size, least) in [((3, 5), 0.54), ((4, 5), 0.83), ((5, 5), 0.93), ((10, 2), 0.98)] {
        let found = rate(rows, size, (1.0, 0.0), random);
        println!("power of {size:?}: {found:.3}");
        assert!(found >= least - bound(least, rows) - 0.01, "{size:?}: {found}");
    }
}

#[test]
fn a_sentence_about_hosts_in_general_is_wrong_at_its_rate_and_one_about_these_is_not_for_others() {
    rates_hold(2000);
}

#[test]
#[ignore = "soak: 40,000 rows a cell"]
fn rates_of_hosts() {
    rates_hold(40_000);
}

#[test]
fn hosts_of_equal_size_give_the_analysis_of_variance() {
    let values = [[1.0, 2.0, 4.0], [2.0, 3.0, 7.0], [0.0, 1.0, 2.0]];
    let all: Vec<TTest> = values.iter().map(|host| one_sample(host).unwrap()).collect();
    // Means 7/3, 4 and 1; variances 7/3, 7 and 1. Between 3 x 61/27 = 61/9... over within 31/9.
    let found = heterogeneity(&all).unwrap();
    let (between, within) = (3.0 * 61.0 / 27.0, 31.0 / 9.0);
    assert!((found.f - between / within).abs() < 1e-12, "{found:?}");
    let fixed = hosts_fixed(&all).unwrap();
    assert!((fixed.estimate - 22.0 / 9.0).abs() < 1e-12);
    assert!((fixed.se - (31.0_f64 / 9.0 / 9.0).sqrt()).abs() < 1e-12, "{fixed:?}");
    let random = hosts_random(&all).unwrap();
    assert!((random.df - 2.0).abs() < 1e-12 && (random.se - (61.0_f64 / 27.0 / 3.0).sqrt()).abs() < 1e-12);
}

#[test]
fn one_host_is_no_sample_of_hosts() {
    let one = one_sample(&[1.0, 2.0]).unwrap();
    assert!(matches!(hosts_fixed(&[one]), Err(Unavailable::TooFew { .. })));
    assert!(matches!(hosts_random(&[one]), Err(Unavailable::TooFew { .. })));
    assert_eq!(hosts_random(&[one, one]), Err(Unavailable::ZeroVariance));
    assert!((heterogeneity(&[one, one]).unwrap().p - 1.0).abs() < 1e-12);
}
