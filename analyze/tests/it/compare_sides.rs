//! What counts as a side, and that every way of reading one keeps the same rules: metrics are derived, losses are told.
use crate::support;

use analyze::{AnalyzeError, Replicate, Verdict, classic_text, compare, expectations, show};
use formats::perf_conf::Conf;
use std::fs;
use std::path::Path;
use support::{Env, codes, g4, options, row, series, throughput, write_rhs};

const A: [f64; 5] = [100.0, 101.0, 99.0, 100.5, 99.5];

fn texts(factor: f64) -> Vec<String> {
    A.iter().map(|v| g4(&[(64, v * factor, 10.0), (256, 2.0 * v, 20.0)])).collect()
}

#[test]
fn a_directory_of_several_environments_is_no_side() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    Env::new("head", vec![throughput(&A)]).write(root.path());
    let other = tempfile::tempdir().unwrap();
    let b = write_rhs(other.path(), "b", &texts(0.9));
    for paths in [[root.path().to_owned(), b.clone()], [b.clone(), root.path().to_owned()]] {
        let error = compare(&options(&paths)).unwrap_err().to_string();
        assert!(error.contains("holds 2 environments") && error.contains(a.to_str().unwrap()), "{error}");
    }
    let error = compare(&options(&[root.path().to_owned()])).unwrap_err().to_string();
    assert!(error.contains("give the baseline first") && error.contains("head"), "{error}");
    // One environment alone is what its parent means: perfvt's own values, not the RHS files derived from them.
    fs::remove_dir_all(root.path().join("head")).unwrap();
    assert_eq!(show(&options(&[]), root.path()).unwrap().files, show(&options(&[]), &a).unwrap().files);
}

#[test]
fn metrics_are_derived_whatever_the_input() {
    let conf = "[netperf]\nmetric.per_packet = B lower primary log\nderived.per_packet = throughput / re_pkts\n\
                [csv]\nmetric.per_op = s lower primary log\nderived.per_op = time / ops\n";
    let judged = |paths: &[std::path::PathBuf]| {
        let mut options = options(paths);
        options.conf = Conf::with_layers([("mine", conf)]).unwrap();
        compare(&options).unwrap()
    };
    let root = tempfile::tempdir().unwrap();
    let env = |name: &'static str, rates: &[f64], packets: &[f64]| {
        let packets = series("TCP_STREAM (RX)", 64, "re_pkts", "", packets);
        Env::new(name, vec![throughput(rates), packets]).write(root.path())
    };
    let paths = [
        env("base", &A, &[10.0; 5]),
        env("head", &[101.0, 99.0, 100.0, 100.0, 100.0], &[20.0, 20.0, 0.0, 20.0, 20.0]),
    ];
    let result = judged(&paths);
    let derived = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/per_packet");
    let ratios: Vec<f64> =
        derived.a.values.iter().chain(derived.a.left_out.iter().map(|l| &l.value)).copied().collect();
    let expected = A.map(|v| v / 10.0);
    assert!(ratios.len() == 5 && expected.iter().all(|v| ratios.contains(v)), "one ratio for each repeat");
    assert_eq!((derived.b.n, derived.b.invalid.len()), (4, 1), "a denominator of 0 gives no value");
    assert!(derived.b.invalid[0].reason.contains("denominator"), "{:?}", derived.b.invalid);
    assert!((derived.ratio.unwrap() - 0.5).abs() < 0.01 && derived.verdict == Verdict::Improved);
    let table = |factor: f64| {
        let line = |(i, v): (usize, &f64)| format!("x,time,{i},{}\nx,ops,{i},50\n", v * factor);
        format!("case,metric,repeat,value\n{}", A.iter().enumerate().map(line).collect::<String>())
    };
    let write = |name: &str, text: String| {
        fs::write(root.path().join(name), text).unwrap();
        root.path().join(name)
    };
    let result = judged(&[write("a.csv", table(1.0)), write("b.csv", table(2.0))]);
    assert_eq!(row(&result, "csv//case=x/per_op").a.values, A.map(|v| v / 50.0));
}

#[test]
fn the_classic_table_pools_baselines_and_tells_every_loss() {
    let root = tempfile::tempdir().unwrap();
    let (a, b) = (write_rhs(root.path(), "a", &texts(1.0)), write_rhs(root.path(), "b", &texts(0.9)));
    let more = write_rhs(root.path(), "more", &texts(1.2));
    let mean = |options: &analyze::CompareOptions| -> String {
        let text = classic_text(options).unwrap().text;
        text.lines().find(|l| l.starts_with("1|Avg|64|1|")).unwrap().split('|').nth(4).unwrap().to_owned()
    };
    let mut pooled = options(&[a.clone(), b.clone()]);
    assert_eq!(mean(&pooled), "100.00");
    pooled.pooled = vec![more];
    assert_eq!(mean(&pooled), "110.00");

    let strict = |options: &analyze::CompareOptions| {
        let mut strict = options.clone();
        strict.strict = true;
        classic_text(&strict).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(strict(&options(&[a.clone(), b.clone()])), Ok(()));
    std::os::unix::fs::symlink("/nonexistent", b.join("gone.RHS")).unwrap();
    let found = classic_text(&options(&[a.clone(), b.clone()])).unwrap();
    assert!(found.warnings.iter().any(|w| w.code == "lost-files" && w.text.contains("gone.RHS")));
    assert!(strict(&options(&[a.clone(), b.clone()])).unwrap_err().contains("gone.RHS"));
    fs::remove_file(b.join("gone.RHS")).unwrap();
    let file = b.join("repeat1.default.netperf.host_guest/results/netperf-result.1700000000.RHS");
    let whole = fs::read_to_string(&file).unwrap();
    for (from, to, place) in [("90.00", "  nan", ":7:36"), ("90.00", "90.00|1", ":7:1")] {
        fs::write(&file, whole.replacen(from, to, 1)).unwrap();
        let error = strict(&options(&[a.clone(), b.clone()])).unwrap_err();
        assert!(error.contains("1 loss") && error.contains(place), "{error}");
    }
}

#[test]
fn a_replicate_is_chosen_only_where_files_hold_several() {
    let root = tempfile::tempdir().unwrap();
    let paths = [write_rhs(root.path(), "a", &texts(1.0)), write_rhs(root.path(), "b", &texts(0.9))];
    for (replicate, word) in [(Replicate::Run, "run"), (Replicate::Column("size".into()), "size")] {
        let mut chosen = options(&paths);
        chosen.replicate = replicate;
        match compare(&chosen) {
            Err(AnalyzeError::Option(text)) => {
                assert!(text.contains(&format!("--replicate {word}")), "{text}")
            }
            other => panic!("{other:?}"),
        }
    }
    let mut file = options(&paths);
    file.replicate = Replicate::File;
    assert!(compare(&file).is_ok(), "the file is the replicate there");
}

#[test]
fn a_known_change_speaks_of_every_candidate_unless_it_names_one() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, factor| write_rhs(root.path(), name, &texts(factor));
    let paths = [side("a", 1.0), side("b", 0.8), side("c", 0.7)];
    let id = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
    let known = |line: &str| {
        let mut options = options(&paths);
        options.expectations = expectations(
            &format!("{line} | REGRESSED | until 2999-12-31 | by design\n"),
            Path::new("k"),
            "2026-01-01",
        )
        .unwrap();
        let result = compare(&options).unwrap();
        assert!(!codes(&result).contains(&"unmet-expectations"), "{line}");
        let expected = |n: usize| row(&result, &format!("{id}#{n}")).expected.is_some();
        (expected(1), expected(2), result.summary[1].expected_all.get(&Verdict::Regressed).copied())
    };
    assert_eq!(known(id), (true, true, Some(1)));
    assert_eq!(known("*/throughput"), (true, true, Some(1)));
    assert_eq!(known(&format!("{id}#2")), (false, true, Some(1)));
    assert_eq!(known(&format!("{id}#1")), (true, false, None));
}

#[test]
fn the_files_of_one_workload_are_not_the_replicates_of_another() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, factor: f64| {
        let dir = write_rhs(root.path(), name, &texts(factor));
        for (repeat, value) in [3.0, 3.1, 2.9].iter().enumerate() {
            let folder = dir.join(format!("repeat{repeat}.fio/results"));
            fs::create_dir_all(&folder).unwrap();
            let value = value * factor;
            let text = format!("Category:read\nBlock_size|Iodepth|Threads|IOPS\n4|1|1|{value:.2}\n");
            fs::write(folder.join("fio_result.RHS"), text).unwrap();
        }
        dir
    };
    let result = compare(&options(&[side("a", 1.0), side("b", 0.8)])).unwrap();
    assert_eq!((result.a.repeats, result.rows[0].a.n), (8, 5));
    let few = result.warnings.iter().find(|w| w.code == "few-boots").unwrap();
    assert!(few.text.contains("a (fio) has 3 repeats, b (fio) has 3 repeats"), "{}", few.text);
    assert!(!few.text.contains("netperf"), "five are enough: {}", few.text);
    let metrics: Vec<(&str, usize)> =
        result.summary[0].per_metric.iter().map(|m| (m.metric.as_str(), m.score.rows)).collect();
    assert!(metrics.contains(&("IOPS", 1)) && metrics.contains(&("throughput", 2)), "{metrics:?}");
    assert_eq!(result.summary[0].score, None, "no boot gave rows of both");
}

#[test]
fn a_candidates_number_is_told_from_a_number_sign_in_a_name() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, factor: f64| {
        let line = |(i, v): (usize, &f64)| format!("a#1,#ops,{i},{}\n", v * factor);
        let text =
            format!("case,metric,repeat,value\n{}", A.iter().enumerate().map(line).collect::<String>());
        fs::write(root.path().join(name), text).unwrap();
        root.path().join(name)
    };
    let result = compare(&options(&[write("a.csv", 1.0), write("b.csv", 1.1), write("c.csv", 1.2)])).unwrap();
    let ids: Vec<(&str, &str)> = result.rows.iter().map(|r| (r.id.as_str(), r.base_id())).collect();
    let base = "csv//case=a#1/%23ops";
    assert_eq!(ids, [("csv//case=a#1/%23ops#1", base), ("csv//case=a#1/%23ops#2", base)]);
    let result = compare(&options(&[write("a.csv", 1.0), write("b.csv", 1.1)])).unwrap();
    assert_eq!((result.rows[0].id.as_str(), result.rows[0].base_id()), (base, base));
}
