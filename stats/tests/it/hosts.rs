//! Several hosts with both sides each: which sentence holds at which rate.

use stats::{
    Block, SplitMix64, TTest, Unavailable, blocked, fieller_blocked, heterogeneity, hosts_fieller,
    hosts_fixed, hosts_power, hosts_random, one_sample,
};

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

#[test]
fn the_interval_of_a_ratio_of_one_host_is_fiellers_and_of_several_holds_what_no_test_rejects() {
    let (a, b) = ([10.0, 11.0, 9.5, 10.4, 10.1], [12.0, 12.4, 11.6, 12.9, 11.8]);
    let at = |r: f64| {
        let scaled: Vec<f64> = a.iter().map(|x| r * x).collect();
        blocked(&Block::pairs(&scaled, &b, None))
    };
    for level in [0.9, 0.95, 0.99] {
        let (found, known) =
            (hosts_fieller(at, level).unwrap(), fieller_blocked(&Block::pairs(&a, &b, None), level).unwrap());
        assert!(
            (found.low - known.low).abs() < 1e-9 && (found.high - known.high).abs() < 1e-9,
            "{found:?} {known:?}"
        );
    }
    // Three hosts of other levels: at the ends of the interval of random hosts the p is the level's.
    let hosts: Vec<(f64, f64)> = vec![(10.0, 12.0), (20.0, 23.0), (5.0, 6.4), (8.0, 9.9), (11.0, 13.1)];
    let random = |r: f64| one_sample(&hosts.iter().map(|(a, b)| b - r * a).collect::<Vec<f64>>());
    let found = hosts_fieller(random, 0.95).unwrap();
    for end in [found.low, found.high] {
        assert!((random(end).unwrap().p - 0.05).abs() < 1e-9, "{found:?}");
    }
    let zero = |r: f64| one_sample(&hosts.iter().map(|(a, b)| b - r * (a - 10.8)).collect::<Vec<f64>>());
    assert_eq!(hosts_fieller(zero, 0.95), Err(Unavailable::Unbounded));
}

#[test]
fn power_over_hosts_is_that_of_simulation_and_says_hosts_before_blocks() {
    for ((hosts, blocks), simulated) in [((3, 5), 0.54), ((4, 5), 0.83), ((5, 5), 0.955), ((10, 2), 0.98)] {
        let found = hosts_power(hosts, blocks, (1.0, 0.0), 0.05).unwrap();
        assert!((found - simulated).abs() < 0.01, "{hosts} x {blocks}: {found}");
    }
    assert!(hosts_power(5, 5, (1.0, 0.0), 0.05).unwrap() >= 0.93);
    let of = |hosts, blocks| hosts_power(hosts, blocks, (1.0, 0.5), 0.05).unwrap();
    assert!(of(4, 5) < of(5, 4) && of(5, 4) < of(10, 2), "twenty blocks say most on most hosts");
    assert!(hosts_power(1, 5, (1.0, 0.0), 0.05).is_err() && hosts_power(5, 0, (1.0, 0.0), 0.05).is_err());
    assert_eq!(hosts_power(5, 5, (1.0, -1.0), 0.05), Err(Unavailable::Domain));
}
