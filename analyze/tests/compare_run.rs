//! Run directories of perfvt: blocks, boots, host boots, invalid cells.

#[path = "compare_support/mod.rs"]
mod support;

use analyze::{Model, Reason, TestChoice, Verdict, compare};
use std::fs;
use support::{Env, codes, options, row, run, series, throughput};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const A: [f64; 6] = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0];

fn times(factor: f64) -> Vec<f64> {
    A.iter().enumerate().map(|(i, v)| v * factor * (1.0 + 0.001 * (i as f64 - 2.5))).collect()
}

#[test]
fn five_common_blocks_make_the_blocked_model() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&times(0.9))]).write(root.path());
    let result = run(&[a.clone(), b.clone()]);
    let judged = row(&result, ID);
    assert_eq!((judged.model, judged.verdict), (Some(Model::Blocked), Verdict::Regressed));
    assert_eq!(judged.a.blocks, [1, 2, 3, 4, 5, 6]);
    assert_eq!(judged.p.blocked, judged.p_model);
    assert_eq!(result.a.boots, Some(6));
    assert!(judged.p.blocked < judged.p.welch, "blocks took the common part out");
    let mut welch = options(&[a, b]);
    welch.test = TestChoice::Welch;
    assert_eq!(row(&compare(&welch).unwrap(), ID).model, Some(Model::Welch));
}

#[test]
fn the_plan_decides_and_never_the_data() {
    let root = tempfile::tempdir().unwrap();
    let mut values = throughput(&times(0.9));
    values.values[0] = Err("session 1 ended early");
    values.values[3] = Err("session 2 ended early");
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![values]).write(root.path());
    let result = run(&[a, b]);
    let judged = row(&result, ID);
    assert_eq!((judged.model, judged.a.n, judged.b.n), (Some(Model::Blocked), 6, 4));
    assert!(judged.warnings.iter().any(|w| w.code == "incomplete-blocks"));
    assert_eq!(judged.b.invalid.len(), 2);
    assert!(judged.b.invalid[0].reason.contains("ended early"));
    let four = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A[..4])]).write(four.path());
    let b = Env::new("head", vec![throughput(&times(0.9)[..4])]).write(four.path());
    assert_eq!(row(&run(&[a, b]), ID).model, Some(Model::Welch));
}

#[test]
fn environments_of_different_campaigns_have_no_common_blocks() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let mut other = Env::new("head", vec![throughput(&times(1.0))]);
    other.campaign = "c2";
    let b = other.write(root.path());
    let result = run(&[a.clone(), b.clone()]);
    assert_eq!(row(&result, ID).model, Some(Model::Welch));
    let mut blocked = options(&[a, b]);
    blocked.test = TestChoice::Blocked;
    assert!(compare(&blocked).unwrap_err().to_string().contains("one campaign"));
}

#[test]
fn a_campaign_alone_compares_its_environments_with_the_first() {
    let root = tempfile::tempdir().unwrap();
    for (name, values) in [("base", A.to_vec()), ("head", times(0.9)), ("next", times(1.0))] {
        let mut env = Env::new(name, vec![throughput(&values)]);
        env.environments = vec!["base", "head", "next"];
        env.write(root.path());
    }
    let campaign = r#"{"format": 1, "environments": [{"name": "base"}, {"name": "head"}, {"name": "next"}]}"#;
    fs::write(root.path().join("campaign.json"), campaign).unwrap();
    let result = run(&[root.path().to_owned()]);
    assert_eq!((result.a.label.as_str(), result.b.len(), result.rows.len()), ("base", 2, 2));
    assert_eq!(row(&result, &format!("{ID}#1")).verdict, Verdict::Regressed);
    assert_eq!(row(&result, &format!("{ID}#2")).verdict, Verdict::Equivalent);
    assert_eq!(result.families.len(), 2);
    let error =
        compare(&options(&[root.path().to_owned(), root.path().join("base")])).unwrap_err().to_string();
    assert!(error.contains("name one of them") && error.contains("head"), "{error}");
}

#[test]
fn host_boots_are_the_replicates_when_the_sides_never_share_one() {
    let root = tempfile::tempdir().unwrap();
    let mut a = Env::new("base", vec![throughput(&A)]);
    a.host_boots = vec!["h1", "h1", "h2", "h2", "h3", "h3"];
    let mut b = Env::new("head", vec![throughput(&times(0.9))]);
    b.host_boots = vec!["h4", "h4", "h5", "h5", "h6", "h6"];
    let result = run(&[a.write(root.path()), b.write(root.path())]);
    let judged = row(&result, ID);
    assert_eq!((judged.model, judged.a.n, judged.b.n), (Some(Model::Welch), 3, 3));
    assert_eq!(judged.a.values[0], (A[0] + A[1]) / 2.0);
    assert_eq!((result.a.boots, result.a.host_boots), (Some(6), Some(3)));
    assert!(!codes(&result).contains(&"one-host-boot"));
    let single = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]);
    let mut b = Env::new("head", vec![throughput(&times(0.9))]);
    b.host_boots = vec!["h4"; 6];
    let result = run(&[a.write(single.path()), b.write(single.path())]);
    assert_eq!(row(&result, ID).a.n, 6);
    assert!(row(&result, ID).warnings.iter().any(|w| w.code == "one-host-boot"));
    assert_eq!(result.warnings[0].code, "one-host-boot");
}

#[test]
fn acceleration_blocks_unless_it_is_the_factor() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let mut emulated = Env::new("head", vec![throughput(&times(0.1))]);
    emulated.accel = "tcg";
    let b = emulated.write(root.path());
    let result = run(&[a.clone(), b.clone()]);
    let judged = row(&result, ID);
    assert_eq!((judged.verdict, judged.reason), (Verdict::Invalid, Some(Reason::NotComparable)));
    assert_eq!(result.comparable_rows(), 0);
    assert!(codes(&result).contains(&"tcg") && codes(&result).contains(&"not-comparable"));
    let mut named = options(&[a, b]);
    named.factors = vec!["accel".into()];
    assert_eq!(row(&compare(&named).unwrap(), ID).verdict, Verdict::Regressed);
}

#[test]
fn a_metric_that_only_failed_is_invalid_and_not_missing() {
    let root = tempfile::tempdir().unwrap();
    let mut failed = throughput(&A);
    failed.values = vec![Err("no route"); 6];
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![failed]).write(root.path());
    // The first guest of the attempt was interrupted, and the third one failed.
    let all = b.join("repeat2.default.netperf.host_guest/forensics");
    let forensics = all.join("boot1.3");
    for folder in [&all.join("boot1"), &forensics, &all.join("boot11"), &all.join("boot2")] {
        fs::create_dir_all(folder).unwrap();
    }
    let result = run(&[a, b]);
    let judged = row(&result, ID);
    assert_eq!((judged.verdict, judged.reason), (Verdict::Invalid, Some(Reason::OneReplicate)));
    assert_eq!((judged.b.n, judged.b.invalid.len()), (0, 6));
    let told = format!("no route (forensics: {})", forensics.display());
    let reasons: Vec<&str> = judged.b.invalid.iter().map(|lost| lost.reason.as_str()).collect();
    assert_eq!(reasons.iter().filter(|reason| **reason == told).count(), 1, "{reasons:?}");
    assert_eq!(reasons.iter().filter(|reason| **reason == "no route").count(), 5);
}

#[test]
fn a_value_that_is_not_positive_has_failed_on_the_log_scale() {
    let root = tempfile::tempdir().unwrap();
    let mut values = A;
    values[5] = 0.0;
    let a = Env::new("base", vec![throughput(&values)]).write(root.path());
    let b = Env::new("head", vec![throughput(&times(1.0))]).write(root.path());
    let result = run(&[a, b]);
    let judged = row(&result, ID);
    assert_eq!((judged.a.n, judged.a.invalid.len()), (5, 1));
    assert!(judged.a.invalid[0].reason.contains("not positive"));
    assert!(judged.a.invalid[0].place.contains("measurements.jsonl:1:1"), "{}", judged.a.invalid[0].place);
}

#[test]
fn a_broken_line_is_an_error_with_its_number_and_an_unfinished_repeat_is_a_loss() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let mut unfinished = Env::new("head", vec![throughput(&times(1.0))]);
    unfinished.planned = 8;
    let b = unfinished.write(root.path());
    fs::create_dir(b.join("repeat7.default.netperf.host_guest")).unwrap();
    let result = run(&[a.clone(), b.clone()]);
    let codes = codes(&result);
    assert!(codes.contains(&"lost-repeats") && codes.contains(&"missing-repeats"), "{codes:?}");
    let file = b.join("repeat2.default.netperf.host_guest/measurements.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("\n{}", &text[..text.len() / 2])).unwrap();
    let error = compare(&options(&[a, b])).unwrap_err().to_string();
    assert!(error.contains("measurements.jsonl:2:"), "{error}");
}

#[test]
fn another_unit_than_perf_conf_declares_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b =
        Env::new("head", vec![series("TCP_STREAM (RX)", 64, "throughput", "Gbit/s", &A)]).write(root.path());
    let error = compare(&options(&[a, b])).unwrap_err().to_string();
    assert!(error.contains("throughput") && error.contains("Gbit/s") && error.contains("Mbit/s"), "{error}");
}

#[test]
fn boot_scores_sum_up_what_all_boots_share() {
    let root = tempfile::tempdir().unwrap();
    let two = |x: &[f64], y: &[f64]| {
        vec![throughput(x), series("TCP_STREAM (RX)", 1024, "throughput", "Mbit/s", y)]
    };
    let a = Env::new("base", two(&A, &times(10.0))).write(root.path());
    let b = Env::new("head", two(&times(0.9), &times(8.1))).write(root.path());
    let result = run(&[a, b]);
    let score = result.summary[0].score.unwrap();
    assert_eq!(score.rows, 2);
    assert!((score.ratio - 0.9_f64.powf(1.5)).abs() < 1e-5, "{score:?}");
    assert!(score.ci.0 < score.ratio && score.ratio < score.ci.1);
    assert_eq!(result.summary[0].per_metric.len(), 1);
    assert!(!codes(&result).contains(&"drift"));
}

#[test]
fn drift_over_the_boots_is_seen_on_the_scores() {
    let root = tempfile::tempdir().unwrap();
    let falling: Vec<f64> = (0..10).map(|i| 100.0 - i as f64).collect();
    let steady: Vec<f64> = (0..10).map(|i| 100.0 + ((i * 7) % 10) as f64 * 0.1).collect();
    let a = Env::new("base", vec![throughput(&steady)]).write(root.path());
    let b = Env::new("head", vec![throughput(&falling)]).write(root.path());
    let result = run(&[a, b]);
    let drift = result.warnings.iter().find(|w| w.code == "drift").unwrap();
    assert!(drift.text.contains("head fall"), "{}", drift.text);
}
