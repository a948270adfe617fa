//! Laws that hold for any input.

use crate::support;

use crate::compare_schema::agrees;
use analyze::{Comparison, Reason, Row, Verdict};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use support::{Env, run, series, throughput, write_rhs};

/// Values that are ordinary, tiny, huge, zero or negative, and often equal.
fn odd_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 50.0..150.0,
        1 => Just(100.0),
        1 => Just(0.0),
        1 => -10.0..10.0,
        1 => prop_oneof![Just(1e300), Just(-1e300), Just(1e-300), Just(f64::MAX), Just(f64::MIN_POSITIVE)],
    ]
}

fn odd_values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(odd_value(), 1..13)
}

fn usual_values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(80.0..120.0, 2..8)
}

/// A file with a log metric, two linear ones, and one that perf.conf does not declare.
fn file(v: f64) -> String {
    format!(
        "### session-length : 60\nCategory:TCP_STREAM\nsize|sessions|throughput|CPU|re_pkts|oddity\n64|1|{v}|{v}|{v}|{v}\n"
    )
}

fn sides(root: &Path, a: &[f64], b: &[f64]) -> Comparison {
    let text = |values: &[f64]| values.iter().map(|v| file(*v)).collect::<Vec<String>>();
    let (a, b) = (write_rhs(root, "a", &text(a)), write_rhs(root, "b", &text(b)));
    run(&[a, b])
}

fn mirrored(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Regressed => Verdict::Improved,
        Verdict::Improved => Verdict::Regressed,
        Verdict::ChangedUp => Verdict::ChangedDown,
        Verdict::ChangedDown => Verdict::ChangedUp,
        Verdict::MissingA => Verdict::MissingB,
        Verdict::MissingB => Verdict::MissingA,
        same => same,
    }
}

fn close(x: Option<f64>, y: Option<f64>) -> bool {
    match (x, y) {
        (Some(x), Some(y)) => (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1e-300),
        (None, None) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_gives_nan_or_infinity(a in odd_values(), b in odd_values()) {
        let root = tempfile::tempdir().unwrap();
        let result = sides(root.path(), &a, &b);
        // What is infinite would be null where the schema has a number.
        agrees(&result);
        prop_assert_eq!(result.rows.len(), 5, "thr_per_CPU is derived");
        for r in &result.rows {
            prop_assert!(r.p_model.is_none_or(|p| (0.0..=1.0).contains(&p)));
            prop_assert!(r.ratio_ci.is_none_or(|ci| ci.0 <= ci.1));
        }
    }

    #[test]
    fn no_text_makes_it_panic(lines in prop::collection::vec(prop::collection::vec(prop_oneof![
        Just("Category:TCP_STREAM"), Just("### session-length : 60"), Just("size|sessions|throughput"), Just("64|1|"),
        Just("|"), Just("\n"), Just("\n64|1|800"), Just("nan"), Just("1e999"), Just("-0"), Just("None"), Just("CPU|%CPU"),
        Just("\u{1f}"), Just("é"), Just("9999999999999999999999"), Just("Script:x Category:y"), Just(" "), Just("%"),
    ], 0..12), 2..5)) {
        let root = tempfile::tempdir().unwrap();
        let texts: Vec<String> = lines.iter().map(|l| l.concat()).collect();
        let good: Vec<String> = vec![file(1.0), file(2.0)];
        let dirs = [write_rhs(root.path(), "a", &texts), write_rhs(root.path(), "b", &good)];
        if let Ok(result) = analyze::compare(&support::options(&dirs)) {
            // What is infinite would be null where the schema has a number.
            agrees(&result);
        }
    }

    #[test]
    fn swapping_the_sides_mirrors_verdicts_and_keeps_p(a in odd_values(), b in odd_values()) {
        let root = tempfile::tempdir().unwrap();
        let there = sides(&root.path().join("1"), &a, &b);
        let back = sides(&root.path().join("2"), &b, &a);
        for (x, y) in there.rows.iter().zip(&back.rows) {
            prop_assert_eq!(&x.id, &y.id);
            prop_assert!(close(x.p_model, y.p_model), "{}: {:?} {:?}", x.id, x.p_model, y.p_model);
            prop_assert!(close(x.p.mann_whitney, y.p.mann_whitney));
            prop_assert!(close(x.q, y.q));
            // Of a side that failed in part, what is slower is shown and what is faster is not.
            let failed = [x.reason, y.reason].contains(&Some(Reason::Failures));
            if x.scale == model::Scale::Log && !failed {
                // The linear band is a share of A's mean: there the law holds for p, not for the verdict.
                prop_assert_eq!(mirrored(x.verdict), y.verdict, "{}", x.id);
                prop_assert_eq!(x.reason, y.reason);
                // A ratio that is a double has a reciprocal that may not be one, or a subnormal one with few digits.
                let both = x.ratio.zip(y.ratio).filter(|(x, y)| x.is_normal() && y.is_normal());
                prop_assert!(both.is_none_or(|(x, y)| close(Some(x), Some(1.0 / y))));
            }
        }
    }

    #[test]
    fn the_unit_does_not_matter(a in usual_values(), b in usual_values(), power in -3i32..4) {
        let root = tempfile::tempdir().unwrap();
        let factor = 2f64.powi(7 * power);
        let scaled = |v: &[f64]| v.iter().map(|x| x * factor).collect::<Vec<f64>>();
        let plain = sides(&root.path().join("1"), &a, &b);
        let other = sides(&root.path().join("2"), &scaled(&a), &scaled(&b));
        for (x, y) in plain.rows.iter().zip(&other.rows).filter(|(x, _)| x.metric != "CPU") {
            prop_assert!(close(x.p_model, y.p_model) && close(x.q, y.q), "{}", x.id);
            prop_assert_eq!((x.verdict, x.reason), (y.verdict, y.reason), "{}", x.id);
            prop_assert!(close(x.ratio, y.ratio));
        }
    }

    #[test]
    fn the_order_of_the_files_does_not_matter(a in usual_values(), b in usual_values(), turn in 0usize..8) {
        let root = tempfile::tempdir().unwrap();
        let mut turned = a.clone();
        turned.rotate_left(turn % a.len());
        let plain = sides(&root.path().join("1"), &a, &b);
        let other = sides(&root.path().join("2"), &turned, &b);
        for (x, y) in plain.rows.iter().zip(&other.rows) {
            prop_assert!(close(x.p_model, y.p_model) && close(x.p.permutation, y.p.permutation));
            prop_assert_eq!((x.verdict, x.reason), (y.verdict, y.reason));
        }
    }

    #[test]
    fn the_order_of_rows_and_columns_does_not_matter(a in usual_values(), b in usual_values()) {
        let root = tempfile::tempdir().unwrap();
        let two = |v: f64, turned: bool| if turned {
            format!("Category:X\nthroughput|sessions|CPU|size\n{}|1|3|128\n{v}|1|2|64\n", v * 2.0)
        } else {
            format!("Category:X\nsize|sessions|throughput|CPU\n64|1|{v}|2\n128|1|{}|3\n", v * 2.0)
        };
        let texts = |values: &[f64], turned| values.iter().map(|v| two(*v, turned)).collect::<Vec<String>>();
        let (x, y) = (root.path().join("1"), root.path().join("2"));
        let plain = run(&[write_rhs(&x, "a", &texts(&a, false)), write_rhs(&x, "b", &texts(&b, false))]);
        let turned = run(&[write_rhs(&y, "a", &texts(&a, true)), write_rhs(&y, "b", &texts(&b, false))]);
        let by_id = |c: &Comparison| { let mut rows: Vec<Row> = c.rows.clone(); rows.sort_by(|x, y| x.id.cmp(&y.id)); rows };
        for (x, y) in by_id(&plain).iter().zip(&by_id(&turned)) {
            prop_assert_eq!(&x.id, &y.id);
            prop_assert_eq!(x.p_model, y.p_model);
            prop_assert_eq!((x.verdict, x.reason, &x.a.values), (y.verdict, y.reason, &y.a.values));
        }
    }

    #[test]
    fn run_directories_and_their_rhs_files_are_judged_alike(a in prop::collection::vec(80u32..120, 2..5), b in prop::collection::vec(80u32..120, 2..5)) {
        let root = tempfile::tempdir().unwrap();
        let whole = |v: &[u32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
        let envs = [Env::new("base", vec![throughput(&whole(&a))]), Env::new("head", vec![throughput(&whole(&b))])];
        let envs = envs.map(Env::unpaired);
        let dirs = [envs[0].write(root.path()), envs[1].write(root.path())];
        let rhs = |v: &[u32]| v.iter().map(|x| format!("Category:TCP_STREAM (RX)\nsize|sessions|throughput\n64|1|{x}.00\n")).collect::<Vec<String>>();
        let files = [write_rhs(root.path(), "a", &rhs(&a)), write_rhs(root.path(), "b", &rhs(&b))];
        let (x, y) = (run(&dirs), run(&files));
        prop_assert_eq!(x.rows.len(), 1);
        prop_assert_eq!(&x.rows[0].id, &y.rows[0].id);
        prop_assert_eq!((x.rows[0].verdict, x.rows[0].reason, x.rows[0].p_model), (y.rows[0].verdict, y.rows[0].reason, y.rows[0].p_model));
    }
}

#[test]
fn a_column_that_stands_twice_counts_once() {
    let root = tempfile::tempdir().unwrap();
    let text = |v: f64| format!("Category:X\nsize|sessions|CPU|%CPU\n64|1|{v}|{}\n", v + 50.0);
    let a = write_rhs(root.path(), "a", &[text(10.0), text(11.0), text(10.5)]);
    let b = write_rhs(root.path(), "b", &[text(10.1), text(11.1), text(10.6)]);
    let result = run(&[a, b]);
    assert_eq!(result.rows.len(), 1);
    assert_eq!(result.rows[0].a.values, [10.0, 11.0, 10.5]);
    assert!(result.warnings.iter().any(|w| w.code == "lost-columns"));
}

/// Metric, unit, values of both sides.
type Pair = (&'static str, &'static str, [f64; 5], [f64; 5]);

#[test]
fn every_verdict_comes_out_of_files() {
    let root = tempfile::tempdir().unwrap();
    let base = [100.0, 101.0, 99.0, 100.5, 99.5];
    let near = |f: f64| [101.0 * f, 100.0 * f, 99.5 * f, 100.5 * f, 99.0 * f];
    let constant = |v: f64| [v; 5];
    let pairs: Vec<Pair> = vec![
        ("throughput", "Mbit/s", base, near(0.8)),
        ("trans.rate", "trans/s", base, near(1.2)),
        ("thr_per_CPU", "/%CPU", base, near(1.0)),
        ("exits", "", base, near(1.3)),
        ("rx_pkts", "", base, near(0.7)),
        ("tx_pkts", "", constant(0.0), [0.0, 1.0, 5.0, 0.0, 2.0]),
        ("tx_intr_sum", "", [0.0, 0.0, 3.0, 0.0, 0.0], [0.0, 1.0, 5.0, 0.0, 2.0]),
        ("re_pkts", "", constant(3.0), constant(4.0)),
        ("tx_byts", "B", [100.0, 120.0, 90.0, 130.0, 80.0], [105.0, 125.0, 85.0, 135.0, 75.0]),
    ];
    let env = |name, pick: fn(&Pair) -> [f64; 5]| {
        Env::new(name, pairs.iter().map(|p| series("X", 64, p.0, p.1, &pick(p))).collect()).unpaired()
    };
    let mut head = env("head", |p| p.3);
    head.series.push(series("X", 128, "throughput", "Mbit/s", &base));
    let mut first = env("base", |p| p.2);
    first.series.push(series("X", 256, "throughput", "Mbit/s", &base));
    let result = run(&[first.write(root.path()), head.write(root.path())]);
    let found = |metric: &str, size: &str| {
        let r = result.rows.iter().find(|r| r.metric == metric && r.case.get("size") == Some(size)).unwrap();
        (r.verdict.word(), r.reason.map(|x| x.word()))
    };
    assert_eq!(found("throughput", "64"), ("REGRESSED", None));
    assert_eq!(found("trans.rate", "64"), ("IMPROVED", None));
    assert_eq!(found("thr_per_CPU", "64"), ("EQUIVALENT", None));
    assert_eq!(found("exits", "64"), ("CHANGED-UP", None));
    assert_eq!(found("rx_pkts", "64"), ("CHANGED-DOWN", None));
    assert_eq!(found("tx_pkts", "64"), ("INCONCLUSIVE", Some("noisy")));
    assert_eq!(found("tx_intr_sum", "64"), ("INCONCLUSIVE", Some("no-scale")));
    assert_eq!(found("re_pkts", "64"), ("REGRESSED", None), "the exact permutation test decides constants");
    assert_eq!(found("tx_byts", "64"), ("INCONCLUSIVE", Some("noisy")));
    assert_eq!(found("throughput", "128"), ("MISSING-A", None));
    assert_eq!(found("throughput", "256"), ("MISSING-B", None));
    assert!(fs::exists(root.path().join("base/run.json")).unwrap());
}
