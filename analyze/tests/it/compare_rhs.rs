//! Two directories of RHS files, from text to verdict.

use crate::support;

use analyze::{AnalyzeError, Model, Reason, Verdict, compare, write_json};
use std::fs;
use support::{codes, g4, options, row, run, write_rhs};

fn sides(factor: f64) -> (Vec<String>, Vec<String>) {
    let jitter = [1.0, 1.004, 0.997, 1.002, 0.999];
    let file = |j: f64, f: f64| g4(&[(64, 800.0 * j * f, 12.5), (1024, 4000.0 / j, 25.0 * j)]);
    (jitter.iter().map(|j| file(*j, 1.0)).collect(), jitter.iter().map(|j| file(2.0 - *j, factor)).collect())
}

#[test]
fn a_slower_candidate_regresses_and_the_rest_is_equivalent() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = sides(0.8);
    let (a, b) = (write_rhs(root.path(), "a", &a), write_rhs(root.path(), "b", &b));
    let result = run(&[a, b]);
    let slower = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/throughput");
    assert_eq!((slower.verdict, slower.model), (Verdict::Regressed, Some(Model::Welch)));
    assert!((slower.ratio.unwrap() - 0.8).abs() < 1e-3);
    assert!(slower.q.unwrap() >= slower.p_model.unwrap());
    assert_eq!((slower.a.n, slower.b.n, slower.a.sources[0].0, slower.b.sources[0].0), (5, 5, 0, 5));
    assert_eq!(slower.a.sources[0].1, 7, "line of the cell");
    let same = row(&result, "netperf/TCP_STREAM/size=1024,sessions=1/throughput");
    assert_eq!(same.verdict, Verdict::Equivalent);
    let retransmits = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/re_pkts");
    assert_eq!((retransmits.verdict, retransmits.reason), (Verdict::Equivalent, Some(Reason::Exact)));
    assert_eq!(retransmits.q, None);
    // throughput and thr_per_CPU of two sizes are primary.
    assert_eq!((result.families[0].size, result.families[0].all_rows), (4, false));
    assert_eq!(result.summary[0].primary[&Verdict::Regressed], 2);
    assert_eq!(result.comparable_rows(), result.rows.len());
    assert_eq!(result.a.facts["kvm-userspace-ver"], "qemu-7.2");
    assert_eq!((result.a.label.as_str(), result.b[0].label.as_str()), ("a", "b"));
    assert_eq!(result.a.date_unix, Some(1_700_000_000));
}

#[test]
fn generations_meet_by_name() {
    let root = tempfile::tempdir().unwrap();
    let old = |t: f64| {
        format!(
            "#ver# qemu-kvm-0.12\nCategory:TCP_STREAM\n size|sessions|throughput|  %CPU| thr/%CPU\n 64.00|       1|   {t:.2}| 16.58|   175.80\n"
        )
    };
    let a = write_rhs(root.path(), "a", &[old(800.0), old(801.0), old(799.0)]);
    let b = write_rhs(
        root.path(),
        "b",
        &[g4(&[(64, 800.5, 16.5)]), g4(&[(64, 801.0, 16.6)]), g4(&[(64, 800.0, 16.4)])],
    );
    let result = run(&[a, b]);
    let cpu = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/CPU");
    assert_eq!((cpu.metric.as_str(), cpu.metric_as_written.as_str()), ("CPU", "%CPU"));
    assert_eq!((cpu.a.n, cpu.b.n), (3, 3));
    assert_eq!(row(&result, "netperf/TCP_STREAM/size=64,sessions=1/re_pkts").verdict, Verdict::MissingA);
    assert!(codes(&result).contains(&"unmatched-rows"));
}

#[test]
fn the_rate_of_transactions_meets_the_throughput_that_it_was_called_before() {
    let root = tempfile::tempdir().unwrap();
    let file = |column: &str, rate: f64| {
        format!("Category:TCP_RR\nsize|sessions|{column}|CPU\n64|1|{rate:.2}|10.00\n")
    };
    let old = [9000.0, 9010.0, 8990.0].map(|rate| file("throughput", rate));
    let new = [9005.0, 9002.0, 8998.0].map(|rate| file("trans.rate", rate));
    let paths = [write_rhs(root.path(), "a", &old), write_rhs(root.path(), "b", &new)];
    let result = run(&paths);
    let rate = row(&result, "netperf/TCP_RR/size=64,sessions=1/trans.rate");
    assert_eq!((rate.metric_as_written.as_str(), rate.unit.as_str()), ("throughput", "trans/s"));
    assert_eq!((rate.verdict, rate.a.n, rate.b.n), (Verdict::Equivalent, 3, 3));
    let table = analyze::classic_text(&options(&paths)).unwrap().text;
    assert!(table.contains("#|Tile|size|sessions|throughput|CPU\n1|Avg|64|1|9000.00|10.00\n"), "{table}");
    assert!(table.contains("2|Avg|9001.67|10.00\n"), "{table}");
}

#[test]
fn sides_without_a_common_case_are_all_missing_and_no_error() {
    let root = tempfile::tempdir().unwrap();
    let a = write_rhs(root.path(), "a", &[g4(&[(64, 1.0, 1.0)]), g4(&[(64, 2.0, 1.0)])]);
    let b = write_rhs(root.path(), "b", &[g4(&[(256, 1.0, 1.0)]), g4(&[(256, 2.0, 1.0)])]);
    let result = run(&[a, b]);
    assert_eq!(result.comparable_rows(), 0);
    assert!(result.rows.iter().all(|r| matches!(r.verdict, Verdict::MissingA | Verdict::MissingB)));
}

#[test]
fn a_cell_that_is_no_number_is_one_missing_value_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    let (a, mut b) = sides(1.0);
    b[2] = b[2].replacen("      801", "      nan", 1).replacen("800.00", "x", 1);
    b[2] = b[2].replace(&format!("{:>12}", "25.00"), &format!("{:>12}", "-"));
    let (a, b) = (write_rhs(root.path(), "a", &a), write_rhs(root.path(), "b", &b));
    let broken =
        fs::read_dir(b.join("repeat3.default.netperf.host_guest/results")).unwrap().next().unwrap().unwrap();
    let text = fs::read_to_string(broken.path()).unwrap().replacen("12.50", "  inf", 1);
    fs::write(broken.path(), text).unwrap();
    let result = run(&[a.clone(), b.clone()]);
    let cpu = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/CPU");
    assert_eq!((cpu.a.n, cpu.b.n, cpu.b.invalid.len()), (5, 4, 1));
    let place = &cpu.b.invalid[0].place;
    assert!(place.contains("repeat3") && place.contains(".RHS:7:"), "{place}");
    assert!(codes(&result).contains(&"lost-cells"));
    let mut strict = options(&[a, b]);
    strict.strict = true;
    assert!(matches!(compare(&strict), Err(AnalyzeError::Strict { .. })));
}

#[test]
fn what_cannot_be_compared_is_an_error_that_says_why() {
    let root = tempfile::tempdir().unwrap();
    let (a, _) = sides(1.0);
    let good = write_rhs(root.path(), "good", &a);
    let error =
        |path: &std::path::Path| compare(&options(&[good.clone(), path.to_owned()])).unwrap_err().to_string();
    assert!(error(&root.path().join("nowhere")).contains("nowhere"));
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(error(&empty).contains("is empty"));
    let other = root.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("notes.txt"), "hello").unwrap();
    let text = error(&other);
    let notes = text.find("other/notes.txt:1:1: it is no result of any tool");
    assert!(notes.is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(".RHS"))), "{text}");
    fs::write(other.join("netperf.RHS"), "hello\n").unwrap();
    let text = error(&other);
    assert!(text.contains("netperf.RHS") && text.contains("none of its files"), "{text}");
    let one = compare(&options(std::slice::from_ref(&good))).unwrap_err().to_string();
    assert!(one.contains("give a second one"), "{one}");
}

#[test]
fn one_repeat_is_invalid_and_not_an_error() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = sides(1.0);
    let (a, b) = (write_rhs(root.path(), "a", &a[..1]), write_rhs(root.path(), "b", &b));
    let result = run(&[a, b]);
    assert!(
        result.rows.iter().all(|r| (r.verdict, r.reason) == (Verdict::Invalid, Some(Reason::OneReplicate)))
    );
    assert_eq!(result.comparable_rows(), 0);
    assert!(codes(&result).contains(&"few-boots"));
}

#[test]
fn oddities_of_the_input_are_named() {
    let root = tempfile::tempdir().unwrap();
    let (mut a, b) = sides(1.0);
    a[1] = a[0].clone();
    let (a, b) = (write_rhs(root.path(), "a", &a), write_rhs(root.path(), "b", &b));
    // The same case twice, another version in one file, a second file in one place.
    let first = b.join("repeat1.default.netperf.host_guest/results");
    let file = first.join("netperf-result.1700000000.RHS");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().nth(6).unwrap().to_owned();
    fs::write(&file, format!("{}{line}\n", text.replace("qemu-7.2", "qemu-8.0"))).unwrap();
    fs::write(first.join("netperf-result.1700000099.RHS"), g4(&[(64, 805.0, 12.4)])).unwrap();
    let result = run(&[a, b]);
    let codes = codes(&result);
    for code in ["identical-repeats", "averaged", "mixed-side", "same-directory"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    assert_eq!(result.b[0].repeats, 6);
    assert_eq!(
        result.warnings.iter().position(|w| w.code == "mixed-side"),
        Some(0),
        "blocking ones come first"
    );
}

#[test]
fn another_session_length_invalidates_counts_unless_forced() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = sides(1.0);
    let b: Vec<String> = b.iter().map(|t| t.replace("session-length : 60", "session-length : 10")).collect();
    let paths = [write_rhs(root.path(), "a", &a), write_rhs(root.path(), "b", &b)];
    let result = run(&paths);
    let count = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/re_pkts");
    assert_eq!((count.verdict, count.reason), (Verdict::Invalid, Some(Reason::NotComparable)));
    assert_eq!(row(&result, "netperf/TCP_STREAM/size=64,sessions=1/throughput").verdict, Verdict::Equivalent);
    assert!(codes(&result).contains(&"not-comparable"));
    let mut force = options(&paths);
    force.force = true;
    let forced = compare(&force).unwrap();
    assert!(forced.method.forced && codes(&forced).contains(&"forced"));
    assert_eq!(row(&forced, "netperf/TCP_STREAM/size=64,sessions=1/re_pkts").verdict, Verdict::Equivalent);
}

#[test]
fn display_filters_leave_q_and_counts_alone() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = sides(0.8);
    let paths = [write_rhs(root.path(), "a", &a), write_rhs(root.path(), "b", &b)];
    let all = run(&paths);
    let mut filtered = options(&paths);
    filtered.only = analyze::CaseFilter::parse("size=64");
    filtered.metrics = vec!["throughput".into()];
    let shown = compare(&filtered).unwrap();
    assert_eq!(shown.rows.len(), 1);
    assert_eq!(shown.rows[0].q, row(&all, &shown.rows[0].id).q);
    assert_eq!(shown.summary, all.summary);
    assert!(codes(&shown).contains(&"filtered"));
}

#[test]
fn json_has_every_field_and_no_nan() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = sides(0.8);
    let result = run(&[write_rhs(root.path(), "a", &a), write_rhs(root.path(), "b", &b)]);
    let mut text = Vec::new();
    write_json(&result, &mut text).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(value["schema_version"], 2);
    let first = &value["rows"][0];
    assert_eq!(first["verdict"], "REGRESSED");
    assert_eq!(first["case"]["size"], "64");
    assert_eq!(first["a"]["sources"][0].as_array().unwrap().len(), 3);
    assert!(value["files"][0].as_str().unwrap().ends_with(".RHS"));
}
