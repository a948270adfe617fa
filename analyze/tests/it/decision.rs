//! What a reader can do with a comparison, the areas that got worse, and what cannot be excluded.

use crate::support::{Env, run, series};
use analyze::{Comparison, Decision, Level, Verdict, Warning, areas, not_excluded, trust};
use std::path::Path;

/// Eight boots around 100, which spread by `percent`.
fn boots(seed: u64, factor: f64, percent: f64) -> Vec<f64> {
    let mut random = stats::SplitMix64::new(seed);
    (0..8).map(|_| factor * (100.0 + percent * random.next_normal())).collect()
}

/// Two categories of `rows` rows each that spread by `percent`; B is `factor(category, row)` times A.
fn page(root: &Path, rows: u32, percent: f64, factor: impl Fn(usize, u32) -> f64) -> Comparison {
    let side = |name, seeds: u64, factor: &dyn Fn(usize, u32) -> f64| {
        let of = |(at, category): (usize, &'static str)| {
            let one = move |row: u32| {
                let seed = seeds + 100 * at as u64 + u64::from(row);
                let values = boots(seed, factor(at, row), percent);
                series(category, 64 + row, "throughput", "Mbit/s", &values)
            };
            (0..rows).map(one).collect::<Vec<_>>()
        };
        let all = ["TCP_STREAM (RX)", "TCP_RR (RX)"].into_iter().enumerate().flat_map(of).collect();
        Env::new(name, all).write(root)
    };
    let mut result = run(&[side("base", 1, &|_, _| 1.0), side("head", 5000, &factor)]);
    result.warnings.retain(|w| w.level != Level::Blocking);
    result
}

fn warned(code: &'static str) -> Warning {
    Warning { code, level: Level::Blocking, text: "it is so".into(), advice: "do it".into(), count: 1 }
}

#[test]
fn what_nothing_speaks_against_is_relied_on_and_a_banner_asks_for_another_measurement() {
    let root = tempfile::tempdir().unwrap();
    let mut result = page(root.path(), 4, 1.0, |at, _| if at == 0 { 0.8 } else { 1.0 });
    let decided = trust(&result, &result.summary[0]);
    assert_eq!((decided.decision, decided.rows, decided.below_gate), (Decision::Rely, 8, false));
    result.warnings.push(warned("tcg"));
    assert_eq!(trust(&result, &result.summary[0]).decision, Decision::MeasureAgain);
    // The gravest is told first, whatever the order in which they were found.
    result.warnings.push(warned("same-side"));
    let decided = trust(&result, &result.summary[0]);
    assert_eq!((decided.decision, decided.against[0].code), (Decision::DoNotDecide, "same-side"));
    result.warnings.clear();
    result.method.forced = true;
    assert_eq!(trust(&result, &result.summary[0]).decision, Decision::DoNotDecide);
}

#[test]
fn a_change_that_does_not_count_at_the_gate_is_to_be_measured_again() {
    let root = tempfile::tempdir().unwrap();
    let mut result = page(root.path(), 4, 1.0, |at, row| if at == 0 && row == 0 { 0.8 } else { 1.0 });
    result.summary[0].categories.clear();
    assert_eq!(trust(&result, &result.summary[0]).decision, Decision::Rely);
    result.rows.iter_mut().for_each(|row| row.gates = false);
    let decided = trust(&result, &result.summary[0]);
    assert_eq!((decided.decision, decided.below_gate), (Decision::MeasureAgain, true));
}

#[test]
fn where_most_is_open_it_is_to_be_measured_again_and_what_cannot_be_excluded_is_told() {
    let root = tempfile::tempdir().unwrap();
    let result = page(root.path(), 4, 25.0, |_, _| 1.0);
    let decided = trust(&result, &result.summary[0]);
    assert_eq!(decided.decision, Decision::MeasureAgain);
    assert!(decided.undecided > 4 && decided.noisy <= decided.undecided, "{decided:?}");
    let open = not_excluded(&result, &result.summary[0]).unwrap();
    let lowest = result.rows.iter().filter(|r| r.verdict == Verdict::Inconclusive && r.q.is_some());
    let lowest = lowest.map(|r| r.ratio_ci.unwrap().0).fold(1.0, f64::min);
    assert!((open.size.unwrap() - (1.0 - lowest)).abs() < 1e-12, "{open:?} {lowest}");
    let quiet = page(tempfile::tempdir().unwrap().path(), 4, 0.5, |_, _| 1.0);
    assert_eq!(not_excluded(&quiet, &quiet.summary[0]), None);
    assert_eq!(trust(&quiet, &quiet.summary[0]).decision, Decision::Rely);
}

#[test]
fn areas_that_regressed_as_a_whole_come_before_those_with_a_row_that_did() {
    let root = tempfile::tempdir().unwrap();
    // One row of the first category is much slower, all of the second a little.
    let factor = |at, row| {
        if at == 1 {
            0.9
        } else if row == 2 {
            0.5
        } else {
            1.0
        }
    };
    let mut result = page(root.path(), 4, 0.5, factor);
    // The first is not a finding as a whole.
    let first = result.rows[0].category.to_string();
    result.summary[0].categories.retain(|c| c.category != first);
    let found = areas(&result, &result.summary[0]);
    let told: Vec<_> =
        found.iter().map(|a| (a.category == first, a.score.is_some(), a.worse, a.rows)).collect();
    assert_eq!(told, [(false, true, 4, 4), (true, false, 1, 4)]);
    assert!(found[1].worst.unwrap().ratio.unwrap() < 0.6);
    result.rows.iter_mut().for_each(|row| row.verdict = Verdict::Equivalent);
    result.summary[0].categories.clear();
    assert!(areas(&result, &result.summary[0]).is_empty());
}
