//! Run directories of perfvt: blocks, boots, host boots, invalid cells.
use crate::support;

use analyze::{Model, Reason, TestChoice, Verdict, compare, show};
use model::SeriesLine;
use model::lines::Read;
use model::store;
use std::fs;
use std::path::{Path, PathBuf};
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
    assert_eq!((judged.model, judged.a.n, judged.b.n), (Some(Model::Blocked), 4, 4));
    assert_eq!(judged.a.left_out.iter().map(|l| l.block).collect::<Vec<u32>>(), [1, 4]);
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
    assert_eq!((judged.verdict, judged.reason), (Verdict::Invalid, Some(Reason::Failures)));
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
    assert!(judged.a.invalid[0].reason.contains("a measurement that failed"));
    assert!(judged.a.invalid[0].place.contains("measurements.jsonl:1:1"), "{}", judged.a.invalid[0].place);
}

#[test]
fn classic_files_without_the_run_file_that_tells_of_them_are_read_under_a_note() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&times(0.9))]).write(root.path());
    for entry in fs::read_dir(&b).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        fs::create_dir_all(entry.join("results")).unwrap();
        let text = "TCP_STREAM\n size|sessions|throughput\n 64|1|99.12\n";
        fs::write(entry.join("results/netperf-result.1.RHS"), text).unwrap();
    }
    assert!(!codes(&run(&[a.clone(), b.clone()])).contains(&"no-run-file"));
    fs::remove_file(b.join("run.json")).unwrap();
    let result = run(&[a.clone(), b.clone()]);
    let note = result.warnings.iter().find(|w| w.code == "no-run-file").unwrap();
    assert_eq!((note.count, row(&result, ID).b.n), (6, 6), "{note:?}");
    // One that cannot be read is no reason to read other files.
    fs::create_dir(b.join("run.json")).unwrap();
    let error = compare(&options(&[a, b])).unwrap_err().to_string();
    assert!(error.contains("run.json"), "{error}");
}

#[test]
fn a_repeat_that_was_begun_and_not_finished_is_a_loss() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let mut unfinished = Env::new("head", vec![throughput(&times(1.0))]);
    unfinished.planned = 8;
    let b = unfinished.write(root.path());
    fs::create_dir(b.join("repeat7.default.netperf.host_guest")).unwrap();
    let codes = codes(&run(&[a, b]));
    assert!(codes.contains(&"lost-repeats") && codes.contains(&"missing-repeats"), "{codes:?}");
}

/// Two cases in six repeats; the file of values of the second.
fn two_cases(root: &Path) -> (PathBuf, PathBuf) {
    let other = series("TCP_STREAM (RX)", 1024, "throughput", "Mbit/s", &times(2.0));
    let dir = Env::new("head", vec![throughput(&times(1.0)), other]).write(root);
    let file = dir.join("repeat2.default.netperf.host_guest/measurements.jsonl");
    (dir, file)
}

#[test]
fn a_file_of_values_that_is_cut_anywhere_or_changed_is_lost_whole_and_never_averaged() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let (b, file) = two_cases(root.path());
    let whole = fs::read(&file).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 3);
    let cuts = [0, 1, lines[0].len() - 1, lines[0].len(), lines[0].len() + lines[1].len(), whole.len() - 2];
    let mut damaged: Vec<(String, &str)> = cuts.iter().map(|end| (text[..*end].to_owned(), "")).collect();
    damaged.push((format!("{}{}", lines[0], lines[2]), "speaks of 2 lines, and there are 1"));
    damaged.push((format!("{text}{}", lines[0]), "there is no end line"));
    damaged.push((text.replacen("\"value\":", "\"value\":1", 1), "the sum"));
    for (content, reason) in damaged {
        fs::write(&file, &content).unwrap();
        let result = run(&[a.clone(), b.clone()]);
        assert_eq!((result.b[0].repeats, result.b[0].losses.len()), (5, 1), "{content}");
        let loss = &result.b[0].losses[0];
        assert!(loss.place.starts_with(&file.display().to_string()) && loss.what == "file", "{loss:?}");
        assert!(loss.reason.contains(reason) && loss.reason.contains("`perfvt resume`"), "{loss:?}");
        assert_eq!(row(&result, ID).b.n, 5);
        assert!(codes(&result).contains(&"lost-files") && codes(&result).contains(&"missing-repeats"));
        let mut strict = options(&[a.clone(), b.clone()]);
        strict.strict = true;
        assert!(compare(&strict).unwrap_err().to_string().contains("--strict allows none"));
    }
    fs::write(&file, whole).unwrap();
    assert!(!codes(&run(&[a, b])).contains(&"lost-files"));
}

#[test]
fn a_side_of_which_every_file_of_values_is_damaged_is_refused_by_the_first() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&A[..1])]).write(root.path());
    let file = b.join("repeat1.default.netperf.host_guest/measurements.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("\n{}", &text[..text.len() / 2])).unwrap();
    let error = compare(&options(&[a, b])).unwrap_err().to_string();
    assert!(error.contains("measurements.jsonl:2: "), "{error}");
}

/// Makes a side's files those of a perfvt that wrote no end line.
fn as_version_1(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let file = entry.unwrap().path().join("measurements.jsonl");
        if file.is_file() {
            let text = fs::read_to_string(&file).unwrap().replace("{\"v\":2", "{\"v\":1");
            let lines: Vec<&str> =
                text.split_inclusive('\n').filter(|line| !line.contains("\"end\"")).collect();
            fs::write(&file, lines.concat()).unwrap();
        }
    }
}

#[test]
fn files_without_an_end_line_are_read_alike_with_one_note_for_each_side() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&times(0.9))]).write(root.path());
    let new = run(&[a.clone(), b.clone()]);
    assert!(!codes(&new).contains(&"no-end-line"));
    as_version_1(&b);
    let mixed = run(&[a.clone(), b.clone()]);
    let notes: Vec<_> = mixed.warnings.iter().filter(|w| w.code == "no-end-line").collect();
    assert_eq!((notes.len(), notes[0].count), (1, 6));
    assert!(
        notes[0].text.starts_with("head: 6 measurements.jsonl files without an end line"),
        "{:?}",
        notes[0]
    );
    as_version_1(&a);
    let old = run(&[a, b]);
    assert_eq!(codes(&old).iter().filter(|code| **code == "no-end-line").count(), 2);
    let (new, old) = (row(&new, ID), row(&old, ID));
    assert_eq!((&new.a.values, &new.b.values), (&old.a.values, &old.b.values));
    assert_eq!((new.verdict, new.p_model), (old.verdict, old.p_model));
}

#[test]
fn the_samples_of_the_repository_which_are_old_read_like_copies_with_an_end_line() {
    let root = tempfile::tempdir().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let sealed = |side: &str| {
        let (from, to) = (samples.join(side), root.path().join(side));
        for entry in fs::read_dir(&from).unwrap() {
            let name = entry.unwrap().file_name();
            for file in ["measurements.jsonl", "series.jsonl"] {
                let (from, to) = (from.join(&name).join(file), to.join(&name).join(file));
                if !from.is_file() {
                    continue;
                }
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                if file == "series.jsonl" {
                    let read: Read<SeriesLine> = store::read_series(&from).unwrap();
                    assert!(!read.sealed && !read.items.is_empty());
                    store::write_series(&to, &read.items).unwrap();
                } else {
                    store::write_measurements(&to, &store::read_measurements(&from).unwrap()).unwrap();
                }
            }
        }
        fs::copy(from.join("run.json"), to.join("run.json")).unwrap();
        to
    };
    let old = ["virtio", "e1000"].map(|side| samples.join(side));
    let new = ["virtio", "e1000"].map(sealed);
    let (by_old, by_new) = (run(&old), run(&new));
    assert_eq!(by_old.rows.len(), by_new.rows.len());
    for (old, new) in by_old.rows.iter().zip(&by_new.rows) {
        assert_eq!((&old.id, &old.a.values, &old.b.values), (&new.id, &new.a.values, &new.b.values));
        assert_eq!(
            (old.verdict, old.ratio, old.p_model, old.q),
            (new.verdict, new.ratio, new.p_model, new.q)
        );
    }
    assert!(codes(&by_old).contains(&"no-end-line") && !codes(&by_new).contains(&"no-end-line"));
    let spread = |dir: &PathBuf| -> Vec<Option<f64>> {
        let rows = show(&options(&[]), dir).unwrap().rows;
        rows.iter().map(|row| row.spread.map(|spread| spread.within)).collect()
    };
    assert_eq!(spread(&old[0]), spread(&new[0]));
}

#[test]
fn a_case_that_has_a_metric_twice_is_averaged_in_old_files_only() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&A), throughput(&times(2.0))]).write(root.path());
    let error = compare(&options(&[a.clone(), b.clone()])).unwrap_err().to_string();
    assert!(
        error.contains(
            "measurements.jsonl:2: netperf/TCP_STREAM (RX)/size=64,sessions=1 has throughput a second time"
        ),
        "{error}"
    );
    as_version_1(&b);
    assert!(codes(&run(&[a, b])).contains(&"averaged"));
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
    let told = |write: &dyn Fn(Env) -> PathBuf| {
        let sides = [("base", &steady), ("head", &falling)];
        let result = run(&sides.map(|(name, values)| write(Env::new(name, vec![throughput(values)]))));
        let drifts = result.warnings.into_iter().filter(|w| w.code == "drift");
        drifts.map(|w| w.text).collect::<Vec<_>>()
    };
    let blocks = told(&|env| env.write(root.path()));
    assert!(matches!(&blocks[..], [one] if one.contains("both sides fall over 10 blocks")), "{blocks:?}");
    let apart = told(&|env| env.unpaired().write(root.path()));
    assert!(matches!(&apart[..], [one] if one.contains("head fall over 10 boots")), "{apart:?}");
}
