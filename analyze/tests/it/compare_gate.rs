//! The gate: two levels that share alpha, and what is said of rows that were chosen because they changed.

use crate::support::{Env, options, row, run, series};
use analyze::gate::TABLE;
use analyze::{CompareOptions, Comparison, FailOn, Reason, Verdict, compare, gate};
use formats::perf_conf::Conf;
use std::fs;
use std::path::{Path, PathBuf};

/// Five boots around 100, which differ by about 1 %.
fn boots(seed: u64, factor: f64) -> [f64; 5] {
    let mut random = stats::SplitMix64::new(seed);
    [(); 5].map(|()| factor * (100.0 + random.next_normal()))
}

/// A page of `rows` rows of one category; B is `factor(row)` times A.
fn page(root: &Path, rows: u32, factor: impl Fn(u32) -> f64) -> [PathBuf; 2] {
    let env = |name, candidate: bool| {
        let of_row = |row: u32| {
            let (seed, factor) = if candidate { (1000 + row, factor(row)) } else { (row, 1.0) };
            series("TCP_STREAM (RX)", 64 + row, "throughput", "Mbit/s", &boots(u64::from(seed), factor))
        };
        Env::new(name, (0..rows).map(of_row).collect()).unpaired()
    };
    [env("base", false).write(root), env("head", true).write(root)]
}

fn exit(result: &Comparison, fail_on: &[FailOn]) -> u8 {
    gate(result, fail_on, 0).unwrap().exit_code
}

#[test]
fn rows_count_at_the_gate_by_holm_at_their_share_of_alpha() {
    let root = tempfile::tempdir().unwrap();
    // Eight rows are clearly slower, of the others one is at the edge of what the page's correction finds.
    let result = run(&page(root.path(), 24, |row| if row < 8 { 0.8 } else { 1.0 }));
    let family = &result.families[0];
    assert_eq!((family.size, family.alpha_rows), (24, 0.04));
    assert!((family.alpha_rows + family.alpha_scores - result.method.alpha).abs() < 1e-12);
    for row in &result.rows {
        let decided = row.verdict.is_decided_change();
        assert_eq!(row.gates, decided && row.p_gate.unwrap() <= 0.04, "{}", row.id);
        assert!(row.p_gate >= row.q, "Holm is never below Benjamini and Hochberg");
    }
    assert_eq!(exit(&result, &[FailOn::Regression]), 1);
    assert_eq!(gate(&result, &[FailOn::Regression], 0).unwrap().rule, "regression");
}

#[test]
fn a_finding_of_the_page_that_does_not_hold_at_the_gate_does_not_fail_it() {
    let root = tempfile::tempdir().unwrap();
    // In one row p lies between the rows' share of alpha and alpha, in nine it is tiny: the largest p of a family is its own q
    // and its own p at the gate.
    let noisy = [93.0, 107.0, 100.0, 97.0, 103.0];
    let less = |factor: f64| noisy.map(|v| v * factor);
    let p = |factor: f64| stats::welch_log(&noisy, &less(factor)).unwrap().test.p;
    let factor = (0..100).map(|i| 0.99 - 0.001 * f64::from(i)).find(|f| p(*f) < 0.049).unwrap();
    assert!(p(factor) > 0.041, "{}", p(factor));
    let side = |name: &str, candidate: bool| {
        let mut text = String::from("case,metric,repeat,value\n");
        let first = less(if candidate { factor } else { 1.0 });
        for (i, v) in first.iter().enumerate() {
            text.push_str(&format!("a,rate,{i},{v}\n"));
        }
        for case in 0..9 {
            for (i, v) in [99.0, 101.0, 100.0, 99.5, 100.5].iter().enumerate() {
                let v = if candidate { v * 1.1 + 0.01 * i as f64 } else { *v };
                text.push_str(&format!("b{case},rate,{i},{v}\n"));
            }
        }
        let path = root.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let mut chosen = options(&[side("a.csv", false), side("b.csv", true)]);
    chosen.conf = Conf::with_layers([("mine", "[csv]\nmetric.rate = x higher primary log\n")]).unwrap();
    let result = compare(&chosen).unwrap();
    let noisy = row(&result, "csv//case=a/rate");
    assert_eq!((noisy.verdict, noisy.gates), (Verdict::Regressed, false), "{:?} {:?}", noisy.q, noisy.p_gate);
    assert!(result.rows.iter().filter(|r| r.verdict == Verdict::Improved).all(|r| r.gates));
    assert_eq!(exit(&result, &[FailOn::Regression]), 0);
    assert_eq!(exit(&result, &[FailOn::Change]), 1);
}

#[test]
fn a_category_that_moves_as_a_whole_fails_the_gate_and_is_named() {
    let root = tempfile::tempdir().unwrap();
    let noisy = |row: u32, candidate: bool| -> [f64; 5] {
        let mut random = stats::SplitMix64::new(u64::from(row) + if candidate { 500 } else { 0 });
        let factor = if candidate && row < 20 { 0.9 } else { 1.0 };
        [(); 5].map(|()| factor * (100.0 + 6.0 * random.next_normal()))
    };
    let env = |name, candidate: bool| {
        let of_row = |row: u32| {
            let category = if row < 20 { "TCP_STREAM (RX)" } else { "TCP_MAERTS (TX)" };
            series(category, 64 + row, "throughput", "Mbit/s", &noisy(row, candidate))
        };
        Env::new(name, (0..40).map(of_row).collect()).unpaired()
    };
    let result = run(&[env("base", false).write(root.path()), env("head", true).write(root.path())]);
    let found = gate(&result, &[FailOn::Regression], 0).unwrap();
    assert_eq!(found.exit_code, 1);
    assert!(found.found[0].starts_with("netperf/TCP_STREAM as a whole REGRESSED (-"), "{:?}", found.found);
    let [maerts, stream] = &result.summary[0].categories[..] else { panic!("two categories") };
    assert_eq!((maerts.verdict, stream.verdict), (Verdict::Equivalent, Verdict::Regressed));
    assert!(stream.p_gate <= 0.01 && stream.score.rows == 20 && (stream.min_effect - 0.05).abs() < 1e-12);
}

#[test]
fn rows_that_were_chosen_have_wider_intervals_and_may_lie_beyond_the_band() {
    let root = tempfile::tempdir().unwrap();
    let result = run(&page(root.path(), 24, |row| if row < 2 { 0.7 } else { 1.0 }));
    assert_eq!(result.families[0].decided, 2);
    let mut beyond = 0;
    for row in &result.rows {
        let chosen = row.ratio_ci_fcr.zip(row.ratio_ci);
        assert_eq!(chosen.is_some(), row.verdict.is_decided_change(), "{}", row.id);
        if let Some((fcr, ci)) = chosen {
            assert!(fcr.0 < ci.0 && ci.1 < fcr.1, "{fcr:?} is wider than {ci:?}");
            assert_eq!(row.beyond, fcr.1 < 1.0 / 1.05);
            beyond += usize::from(row.beyond);
        }
    }
    assert_eq!(beyond, 2);
    assert_eq!(result.summary[0].events.get(&Verdict::Regressed), Some(&2));
}

#[test]
fn rows_of_one_case_that_changed_alike_are_one_event() {
    let root = tempfile::tempdir().unwrap();
    let env = |name, seed: u64, factor: f64| {
        let two = ["throughput", "thr_per_CPU"].map(|metric| {
            let unit = if metric == "throughput" { "Mbit/s" } else { "/%CPU" };
            series("TCP_STREAM (RX)", 64, metric, unit, &boots(seed, factor))
        });
        Env::new(name, two.to_vec())
    };
    let result = run(&[env("base", 1, 1.0).write(root.path()), env("head", 2, 0.7).write(root.path())]);
    assert_eq!(result.summary[0].primary.get(&Verdict::Regressed), Some(&2));
    assert_eq!(result.summary[0].events.get(&Verdict::Regressed), Some(&1));
}

#[test]
fn what_is_shown_does_not_change_the_gate() {
    let root = tempfile::tempdir().unwrap();
    let paths = page(root.path(), 6, |row| if row == 0 { 0.7 } else { 1.0 });
    let only = |text: &str| CompareOptions { only: analyze::CaseFilter::parse(text), ..options(&paths) };
    let shown = compare(&only("size=66")).unwrap();
    assert_eq!((shown.rows.len(), exit(&shown, &[FailOn::Regression])), (1, 1));
}

#[test]
fn a_deterministic_metric_needs_one_run_and_counts_at_the_gate() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, value: f64| {
        let path = root.path().join(name);
        fs::write(&path, format!("case,metric,repeat,value\nx,allocs,1,{value}\nx,rate,1,5\n")).unwrap();
        path
    };
    let judged = |a: f64, b: f64, metric: &str| {
        let mut chosen = options(&[side("a.csv", a), side("b.csv", b)]);
        let conf = format!("[csv]\nmetric.allocs = {metric}\n");
        chosen.conf = Conf::with_layers([("mine", conf.as_str())]).unwrap();
        compare(&chosen).unwrap()
    };
    let result = judged(0.0, 2.0, "1 lower primary exact");
    let risen = row(&result, "csv//case=x/allocs");
    assert_eq!((risen.verdict, risen.reason, risen.gates), (Verdict::Regressed, Some(Reason::Exact), true));
    assert_eq!((risen.q, risen.p_gate), (None, None), "there is nothing to test");
    assert_eq!(exit(&result, &[FailOn::Regression]), 1);
    let result = judged(3.0, 2.0, "1 lower primary exact");
    assert_eq!(row(&result, "csv//case=x/allocs").verdict, Verdict::Improved);
    let result = judged(3.0, 3.0, "1 lower primary exact");
    let same = row(&result, "csv//case=x/allocs");
    assert_eq!((same.verdict, same.reason), (Verdict::Equivalent, Some(Reason::Exact)));
    assert_eq!(exit(&result, &[FailOn::Regression]), 0);
    let result = judged(3.0, 4.0, "1 lower primary exact min_effect_abs=1");
    assert_eq!(
        row(&result, "csv//case=x/allocs").verdict,
        Verdict::Equivalent,
        "perf.conf says that it does not matter"
    );
    assert_eq!(
        row(&result, "csv//case=x/rate").verdict,
        Verdict::Invalid,
        "one run of what varies says nothing"
    );
}

#[test]
fn a_change_in_every_run_is_decided_although_nothing_varies() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, value: f64, n: usize| {
        let lines: String = (0..n).map(|i| format!("x,lat,{i},{value}\n")).collect();
        let path = root.path().join(name);
        fs::write(&path, format!("case,metric,repeat,value\n{lines}")).unwrap();
        path
    };
    let judged = |b: f64, n: usize| {
        let mut chosen = options(&[side("a.csv", 5.0, n), side("b.csv", b, n)]);
        chosen.conf = Conf::with_layers([("mine", "[csv]\nmetric.lat = ms lower primary\n")]).unwrap();
        let result = compare(&chosen).unwrap();
        let row = &result.rows[0];
        (row.verdict, row.reason, row.p_model.map(|p| (p * 1e6).round()), row.gates)
    };
    assert_eq!(judged(50.0, 10), (Verdict::Regressed, None, Some(11.0), true));
    assert_eq!(judged(50.0, 3), (Verdict::Inconclusive, Some(Reason::NoVariance), Some(100_000.0), false));
    assert_eq!(judged(5.1, 10), (Verdict::Equivalent, None, Some(11.0), false));
    assert_eq!(judged(5.0, 10), (Verdict::Equivalent, Some(Reason::Exact), None, false));
}

#[test]
fn a_side_that_is_not_compared_has_no_say_in_the_scale() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, values: [f64; 6]| {
        let line = |(i, v): (usize, &f64)| format!("x,lat,{i},{v}\n");
        let path = root.path().join(name);
        let lines: String = values.iter().enumerate().map(line).collect();
        fs::write(&path, format!("case,metric,repeat,value\n{lines}")).unwrap();
        path
    };
    let a = side("a.csv", [4.0, 30.0, 11.0, 6.0, 2.0, 9.0]);
    let b = side("b.csv", [20.0, 150.0, 90.0, 33.0, 12.0, 60.0]);
    let c = side("c.csv", [4.0, 0.0, 11.0, 6.0, 2.0, 9.0]);
    let (two, three) = (run(&[a.clone(), b.clone()]), run(&[a, b, c]));
    let (alone, beside) = (&two.rows[0], &three.rows[0]);
    assert_eq!((alone.scale, alone.verdict, alone.p_model), (beside.scale, beside.verdict, beside.p_model));
    let third = &three.rows[1];
    assert_eq!(third.scale, model::Scale::Linear);
    assert!(third.warnings.iter().any(|w| w.code == "scale-by-data"), "it is said");
}

#[test]
fn everything_of_a_blocked_row_is_of_complete_blocks() {
    let root = tempfile::tempdir().unwrap();
    let values = [50.0, 52.0, 48.0, 51.0, 49.0, 80.0];
    let of = |name, factor: f64, planned: usize| {
        let scaled: Vec<f64> = values.iter().take(planned).map(|v| v * factor).collect();
        Env { planned: 6, ..Env::new(name, vec![series("X", 64, "CPU", "%", &scaled)]) }
    };
    let mut head = of("head", 0.96, 5);
    head.series[0].values[1] = Ok(52.0 * 0.961);
    let result = run(&[of("base", 1.0, 6).write(root.path()), head.write(root.path())]);
    let judged = &result.rows[0];
    assert_eq!((judged.a.n, judged.b.n, judged.a.left_out.len()), (5, 5, 1));
    assert_eq!((judged.a.left_out[0].value, judged.a.left_out[0].block), (80.0, 6));
    assert_eq!(judged.a.mean, Some(50.0));
    assert!((judged.ratio.unwrap() - 0.9602).abs() < 1e-4 && judged.band_abs == Some(2.5), "{judged:?}");
    let ci = judged.ratio_ci.unwrap();
    assert!(ci.0 < judged.ratio.unwrap() && judged.ratio.unwrap() < ci.1);
}

#[test]
fn every_verdict_and_every_failure_has_its_line_in_the_table() {
    use analyze::FailureVerdict::{FailsLess, FailsMore, Undecided};
    use analyze::gate::Finding;
    let has = |finding: Finding| TABLE.iter().filter(|line| line.finding == finding).count() == 1;
    assert!(Verdict::ALL.into_iter().all(|verdict| has(Finding::Row(verdict, None))));
    assert!([FailsMore, FailsLess, Undecided].into_iter().all(|verdict| has(Finding::Failures(verdict))));
    let others = [Verdict::Inconclusive, Verdict::Equivalent];
    let changes = Verdict::ALL.into_iter().filter(|v| v.is_decided_change() || others.contains(v));
    assert!(changes.into_iter().all(|verdict| has(Finding::Category(verdict))));
}

#[test]
fn sides_that_are_judged_by_force_have_their_categories_judged_too() {
    let root = tempfile::tempdir().unwrap();
    let [base, _] = page(&root.path().join("a"), 6, |_| 1.0);
    let env = |row: u32| {
        series("TCP_STREAM (RX)", 64 + row, "throughput", "Mbit/s", &boots(u64::from(900 + row), 0.8))
    };
    let head = Env { accel: "tcg", ..Env::new("head", (0..6).map(env).collect()) }.unpaired();
    let mut chosen = options(&[base, head.write(root.path())]);
    assert!(compare(&chosen).unwrap().summary[0].categories.is_empty(), "nothing of them was judged");
    chosen.force = true;
    let forced = compare(&chosen).unwrap();
    assert_eq!(forced.summary[0].categories[0].verdict, Verdict::Regressed);
}

#[test]
fn the_band_of_a_category_is_that_of_the_rows_in_its_score() {
    let root = tempfile::tempdir().unwrap();
    let env = |name, seed: u64| {
        let mut all: Vec<_> = (0..3)
            .map(|row| {
                series(
                    "TCP_STREAM (RX)",
                    64 + row,
                    "throughput",
                    "Mbit/s",
                    &boots(seed + u64::from(row), 1.0),
                )
            })
            .collect();
        all.push(series("TCP_STREAM (RX)", 64, "wide", "", &boots(seed + 50, 1.0)));
        Env::new(name, all).write(root.path())
    };
    let mut chosen = options(&[env("base", 1), env("head", 100)]);
    let conf = "[netperf]\nmetric.wide = - higher primary linear min_effect=50%\n";
    chosen.conf = Conf::with_layers([("mine", conf)]).unwrap();
    let result = compare(&chosen).unwrap();
    let category = &result.summary[0].categories[0];
    assert!(category.score.rows == 3 && (category.min_effect - 0.05).abs() < 1e-12, "{category:?}");
}

#[test]
fn a_category_whose_scores_do_not_vary_is_decided_by_the_exact_test() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, value: f64| {
        let line = |case: u32| (0..5).map(|i| format!("c{case},lat,{i},{value}\n")).collect::<String>();
        let path = root.path().join(name);
        fs::write(&path, format!("case,metric,repeat,value\n{}", (0..7).map(line).collect::<String>()))
            .unwrap();
        path
    };
    let mut chosen = options(&[side("a.csv", 100.0), side("b.csv", 1000.0)]);
    chosen.conf = Conf::with_layers([("mine", "[csv]\nmetric.lat = ms lower primary log\n")]).unwrap();
    let result = compare(&chosen).unwrap();
    assert!(
        result.rows.iter().all(|r| r.verdict == Verdict::Regressed && !r.gates),
        "7 times .0079 is too much"
    );
    let category = &result.summary[0].categories[0];
    assert!(
        (category.p - 2.0 / 252.0).abs() < 1e-12 && category.verdict == Verdict::Regressed,
        "{category:?}"
    );
    assert_eq!(exit(&result, &[FailOn::Regression]), 1);
}

#[test]
fn two_candidates_are_told_apart_at_the_gate() {
    let root = tempfile::tempdir().unwrap();
    let [base, slow] = page(&root.path().join("a"), 3, |_| 0.7);
    let [_, same] = page(&root.path().join("b"), 3, |_| 1.0);
    let result = run(&[base.clone(), slow.clone(), same.clone()]);
    let found = gate(&result, &[FailOn::Regression], 0).unwrap();
    assert!(
        found.exit_code == 1 && found.found.iter().all(|text| text.starts_with(&result.b[0].label)),
        "{found:?}"
    );
    assert_eq!(exit(&run(&[base, same]), &[FailOn::Regression]), 0);
}

#[test]
fn a_deterministic_metric_that_varies_is_said_to() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, values: [f64; 4]| {
        let line = |(i, v): (usize, &f64)| format!("x,ops,{i},{v}\n");
        let path = root.path().join(name);
        fs::write(
            &path,
            format!("case,metric,repeat,value\n{}", values.iter().enumerate().map(line).collect::<String>()),
        )
        .unwrap();
        path
    };
    let mut chosen = options(&[side("a.csv", [100.0; 4]), side("b.csv", [100.0, 100.0, 100.0, 101.0])]);
    chosen.conf = Conf::with_layers([("mine", "[csv]\nmetric.ops = 1 lower primary exact\n")]).unwrap();
    let result = compare(&chosen).unwrap();
    assert!(result.warnings.iter().any(|w| w.code == "exact-varies"), "{:?}", result.warnings);
}
