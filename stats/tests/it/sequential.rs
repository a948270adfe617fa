//! The stopping rule by simulation: its error rate at every look, the coverage of its intervals wherever it stops, and
//! what it saves. Seeds are fixed, so that a failure is a change and not bad luck.
//!
//! `cargo test -p perfvt-stats sequential -- --ignored --nocapture` prints the long tables.

use stats::*;

const ALPHA: f64 = 0.05;
const FLOOR: u32 = 5;
const CEILING: u32 = 30;

fn look(n: u32) -> Look {
    Look::Planned { boundary: Boundary::of(FLOOR, CEILING), n }
}

/// How a campaign's rows are judged.
#[derive(Clone, Copy, Debug)]
enum Judged {
    /// By differences within blocks.
    Blocked,
    /// By Welch, the SD of B so many times that of A.
    Welch(f64),
}

/// The ordinary tests at each look of one campaign without a change, of standard normal logarithms.
fn tests(judged: Judged, random: &mut SplitMix64) -> Vec<TTest> {
    let mut draw = |sd: f64| -> Vec<f64> { (0..CEILING).map(|_| sd * random.next_normal()).collect() };
    match judged {
        Judged::Blocked => {
            let d = draw(1.0);
            (FLOOR..=CEILING).map(|n| one_sample(&d[..n as usize]).unwrap()).collect()
        }
        Judged::Welch(ratio) => {
            let (a, b) = (draw(1.0), draw(ratio));
            (FLOOR..=CEILING).map(|n| welch(&a[..n as usize], &b[..n as usize]).unwrap()).collect()
        }
    }
}

/// The share of campaigns in which some look up to floor, floor + 1, .. raised a false alarm, with these ordinary levels.
fn alarms(judged: Judged, levels: &[f64], campaigns: u32, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    let mut first = vec![0u32; levels.len()];
    for _ in 0..campaigns {
        let tests = tests(judged, &mut random);
        if let Some(k) = tests.iter().zip(levels).position(|(t, level)| t.p <= *level) {
            first[k] += 1;
        }
    }
    let mut sum = 0;
    first
        .iter()
        .map(|f| {
            sum += f;
            f64::from(sum) / f64::from(campaigns)
        })
        .collect()
}

fn levels(alpha: f64) -> Vec<f64> {
    (FLOOR..=CEILING).map(|n| look(n).ordinary_level(alpha)).collect()
}

fn standard_error(rate: f64, n: u32) -> f64 {
    (rate * (1.0 - rate) / f64::from(n)).sqrt()
}

/// At every look, at 5 % and at the 10 % of TOST's intervals.
fn keeps_its_level(campaigns: u32) {
    for alpha in [ALPHA, 0.10] {
        let levels = levels(alpha);
        for (i, judged) in [Judged::Blocked, Judged::Welch(1.0), Judged::Welch(3.0)].into_iter().enumerate() {
            let rates = alarms(judged, &levels, campaigns, 70 + i as u64);
            for (n, rate) in (FLOOR..).zip(&rates) {
                let spent = look(n).spent(alpha);
                let error = standard_error(spent, campaigns);
                let cell = format!("{judged:?}, alpha {alpha}, look {n}: {rate} of {spent}");
                match judged {
                    Judged::Blocked => assert!((rate - spent).abs() <= 4.0 * error, "not exact: {cell}"),
                    Judged::Welch(_) => {
                        assert!(*rate <= alpha + 3.0 * standard_error(alpha, campaigns), "{cell}");
                    }
                }
            }
            let last = rates.last().unwrap();
            println!(
                "{judged:?}, alpha {alpha}: {last:.4} after all looks, {:.4} to be spent",
                look(CEILING).spent(alpha)
            );
            assert!(*last > 0.6 * alpha, "a rule that hardly ever alarms: {judged:?} {last}");
        }
    }
}

#[test]
fn the_false_alarm_rate_is_what_was_spent_at_every_look() {
    keeps_its_level(20_000);
}

#[test]
fn looking_with_ordinary_tests_instead_raises_five_times_as_many_false_alarms() {
    let rates = alarms(Judged::Blocked, &[ALPHA; 26], 10_000, 80);
    let last = rates.last().unwrap();
    assert!((0.20..0.26).contains(last), "{last}");
}

/// One campaign that stops when its 95 % interval is at most `target` wide on each side; gives n and the test there.
fn until(target: f64, mean: f64, sd: f64, random: &mut SplitMix64) -> (u32, TTest) {
    let mut values = Vec::with_capacity(CEILING as usize);
    loop {
        values.push(mean + sd * random.next_normal());
        let n = values.len() as u32;
        if n < FLOOR {
            continue;
        }
        let test = one_sample(&values).unwrap();
        let half = 0.5 * test.ci(1.0 - look(n).ordinary_level(ALPHA)).width();
        if half <= target || n == CEILING {
            return (n, test);
        }
    }
}

#[test]
fn where_it_stops_its_intervals_hold_the_truth_and_tost_errs_once_in_twenty_at_most() {
    let (campaigns, edge) = (6_000, 1.05f64.ln());
    let band = band(0.05);
    for (i, sd) in [0.005, 0.01, 0.02, 0.04].into_iter().enumerate() {
        let mut random = SplitMix64::new(90 + i as u64);
        let (mut missed, mut equivalent_rows) = (0u32, 0u32);
        for _ in 0..campaigns {
            let (n, test) = until(1.02f64.ln(), edge, sd, &mut random);
            let ci = |alpha: f64| test.ci(1.0 - look(n).ordinary_level(alpha));
            missed += u32::from(!ci(0.05).contains(edge));
            let ci90 = ci(0.10);
            equivalent_rows += u32::from(equivalent(&Interval::new(ci90.low.exp(), ci90.high.exp()), &band));
        }
        let bound = ALPHA + 3.0 * standard_error(ALPHA, campaigns);
        let (missed, wrong) =
            (f64::from(missed) / f64::from(campaigns), f64::from(equivalent_rows) / f64::from(campaigns));
        assert!(missed <= bound && wrong <= bound, "SD {sd}: {missed} missed, {wrong} called equivalent");
    }
}

/// Cases of a campaign: the share of each kind and the SD of its differences within blocks.
const MIXES: [(&str, &[(f64, f64)]); 3] = [
    ("1/2 with 1 %, 1/4 with 3 %, 1/4 with 8 %", &[(0.5, 0.01), (0.25, 0.03), (0.25, 0.08)]),
    ("1/2 with 1 %, 1/2 with 6 %", &[(0.5, 0.01), (0.5, 0.06)]),
    ("1/4 each with 1, 2, 4 and 8 %", &[(0.25, 0.01), (0.25, 0.02), (0.25, 0.04), (0.25, 0.08)]),
];

/// Mean windows of a case (pairs of boots), mean power to find a change of 5 %, and the fixed number of boots that has
/// the same mean power.
fn cost(mix: &[(f64, f64)], target: f64, campaigns: u32, seed: u64) -> (f64, f64, u32) {
    let (mut windows, mut found) = (0.0, 0.0);
    let effect = 1.05f64.ln();
    let mut random = SplitMix64::new(seed);
    for (share, sd) in mix {
        for _ in 0..campaigns {
            let (n, test) = until(target.ln_1p(), effect, *sd, &mut random);
            windows += share * f64::from(n) / f64::from(campaigns);
            let alarm = test.p <= look(n).ordinary_level(ALPHA);
            found += share * f64::from(u8::from(alarm)) / f64::from(campaigns);
        }
    }
    let mean_power = |n: u32| -> f64 {
        let of = |sd: f64| power((effect / sd * f64::from(n).sqrt()).min(40.0), f64::from(n) - 1.0, ALPHA);
        mix.iter().map(|(share, sd)| share * of(*sd)).sum()
    };
    let fixed = (FLOOR..).find(|n| mean_power(*n) >= found).unwrap();
    (windows, found, fixed)
}

#[test]
fn quiet_cases_save_at_least_three_windows_in_ten_of_a_fixed_plan_of_equal_power() {
    let (windows, power, fixed) = cost(MIXES[0].1, 0.02, 1_500, 100);
    let saved = 1.0 - windows / f64::from(fixed);
    assert!(
        saved >= 0.30,
        "{windows} windows a case with power {power}; a fixed plan needs {fixed}: {saved}"
    );
}

/// Boots are added to a fixed plan of 5 whenever it found nothing.
#[test]
fn adding_boots_to_a_fixed_plan_adds_a_third_of_alpha_at_most() {
    let campaigns = 20_000;
    let mut random = SplitMix64::new(110);
    let added = Look::Later { after_rule: false, index: 1 }.ordinary_level(ALPHA);
    let (mut first, mut second) = (0u32, 0u32);
    for _ in 0..campaigns {
        let values: Vec<f64> = (0..10).map(|_| random.next_normal()).collect();
        if one_sample(&values[..5]).unwrap().p <= ALPHA {
            first += 1;
        } else {
            second += u32::from(one_sample(&values).unwrap().p <= added);
        }
    }
    let rate = |count: u32| f64::from(count) / f64::from(campaigns);
    let bound = ALPHA * 4.0 / 3.0;
    assert!(rate(first + second) <= bound + 3.0 * standard_error(bound, campaigns), "{first} {second}");
    assert!(rate(second) <= ALPHA / 3.0, "{second}");
}

#[test]
#[ignore = "two minutes: the rule's tables"]
fn table_of_the_stopping_rule() {
    keeps_its_level(400_000);
    println!("\nlook  t* of 95 %  ordinary level  alpha spent");
    for n in [5, 6, 8, 10, 15, 20, 25, 30] {
        let level = look(n).ordinary_level(ALPHA);
        let t = t_critical(1.0 - level, f64::from(n) - 1.0);
        println!("{n:<5} {t:<11.2} {level:<15.5} {:.4}", look(n).spent(ALPHA));
    }
    println!("\nmix, target, windows of a case, power at 5 %, fixed n of equal power, saved");
    for (name, mix) in MIXES {
        for target in [0.02, 0.03] {
            let (windows, power, fixed) = cost(mix, target, 20_000, 7);
            let saved = 100.0 * (1.0 - windows / f64::from(fixed));
            println!("{name}, {:.0} %: {windows:.1}, {power:.3}, {fixed}, {saved:.0} %", 100.0 * target);
        }
    }
}
