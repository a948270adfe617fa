//! Broken, doubtful and mistaken input: lost with its place and reason, or said aloud; never averaged.
use crate::support;

use analyze::{AnalyzeError, CaseFilter, CompareOptions, Level, TestChoice, Verdict, compare, write_json};
use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use support::{Env, codes, g4, options, row, run, throughput, write_rhs};

/// Five repeats that differ a little.
fn texts() -> Vec<String> {
    [1.0, 1.004, 0.997, 1.002, 0.999]
        .iter()
        .map(|j| g4(&[(64, 800.0 * j, 12.5), (1024, 4000.0 / j, 25.0)]))
        .collect()
}

fn refusal(options: &CompareOptions) -> String {
    compare(options).unwrap_err().to_string()
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_is_the_source_of_the_error() {
    let root = tempfile::tempdir().unwrap();
    let result = run(&[write_rhs(root.path(), "a", &texts()), write_rhs(root.path(), "b", &texts())]);
    let error = write_json(&result, &mut Closed).unwrap_err();
    let source = error.source().and_then(|e| e.downcast_ref::<io::Error>()).unwrap();
    assert_eq!(source.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_file_cut_inside_its_last_cell_loses_the_row_and_averages_nothing() {
    let root = tempfile::tempdir().unwrap();
    let plain =
        |value: f64| format!("Category:TCP_RR\nsize|sessions|trans.rate\n64|1|54321\n256|1|{value}\n");
    let whole: Vec<String> = (0..5).map(|i| plain(54321.0 + f64::from(i))).collect();
    let mut cut = whole.clone();
    let end = cut[2].len() - 4;
    cut[2].truncate(end);
    assert!(cut[2].ends_with("|54"));
    let (a, b) = (write_rhs(root.path(), "a", &whole), write_rhs(root.path(), "b", &cut));
    let result = run(&[a.clone(), b.clone()]);
    let judged = row(&result, "netperf/TCP_RR/size=256,sessions=1/trans.rate");
    assert_eq!((judged.a.n, judged.b.n, judged.b.min), (5, 4, Some(54321.0)));
    assert_eq!(row(&result, "netperf/TCP_RR/size=64,sessions=1/trans.rate").b.n, 5);
    let loss = &result.b[0].losses[0];
    assert!(loss.place.ends_with("netperf-result.1700000002.RHS:4:1"), "{}", loss.place);
    assert_eq!((loss.what, loss.reason.as_str()), ("row", "the file ends within this line"));
    assert!(codes(&result).contains(&"lost-rows"));
    let mut strict = options(&[a, b]);
    strict.strict = true;
    assert!(refusal(&strict).starts_with("1 loss, and --strict allows none"), "{}", refusal(&strict));
}

#[test]
fn a_file_without_a_usable_row_is_lost_and_no_repeat() {
    let root = tempfile::tempdir().unwrap();
    let whole = texts();
    let header = whole[0].find("sessions|").unwrap();
    let columns = whole[0].find("          64|").unwrap();
    for (broken, reason) in [
        (whole[0].as_bytes()[..header].to_vec(), "ends within its column line"),
        (whole[0].as_bytes()[..columns].to_vec(), "no row that can be used"),
        (
            whole[0].replace("|", "|0|").replacen("|0|", "|", 5).into_bytes(),
            "no row that can be used; line 7: 11 cells",
        ),
        ((0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect(), "it is no text"),
        (b"\xff|\x81\x82\n\x90|\xa7\n".to_vec(), "no row that can be used"),
    ] {
        let a = write_rhs(root.path(), "a", &whole);
        let b = write_rhs(root.path(), "b", &whole);
        let extra = b.join("repeat6.default.netperf.host_guest/results");
        fs::create_dir_all(&extra).unwrap();
        fs::write(extra.join("netperf-1.RHS"), broken).unwrap();
        let result = run(&[a, b]);
        assert_eq!(result.b[0].repeats, 5, "{reason}");
        let loss = &result.b[0].losses[0];
        assert_eq!(loss.what, "file");
        assert!(loss.place.contains("netperf-1.RHS") && loss.reason.contains(reason), "{loss:?}");
        assert!(codes(&result).contains(&"lost-files"));
        assert_eq!(result.summary[0].score.unwrap().rows, 4, "all rows are in the boot scores");
    }
}

#[test]
fn a_side_compared_with_itself_is_said_above_the_numbers() {
    let root = tempfile::tempdir().unwrap();
    let a = write_rhs(root.path(), "a", &texts());
    let b = write_rhs(root.path(), "b", &texts());
    let link = root.path().join("link");
    symlink(&a, &link).unwrap();
    let dotted = root.path().join("b/../a");
    let hard = root.path().join("hard");
    fs::create_dir(&hard).unwrap();
    for repeat in ["repeat1", "repeat2", "repeat3"] {
        let results = a.join(format!("{repeat}.default.netperf.host_guest/results"));
        let file = fs::read_dir(results).unwrap().next().unwrap().unwrap();
        fs::hard_link(file.path(), hard.join(format!("netperf-{repeat}.RHS"))).unwrap();
    }
    for (other, count) in [(&a, 5), (&link, 5), (&dotted, 5), (&hard, 3)] {
        let result = run(&[a.clone(), other.clone()]);
        let warning = result.warnings.iter().find(|w| w.code == "same-side").unwrap();
        assert_eq!((warning.code, warning.level, warning.count), ("same-side", Level::Blocking, count));
    }
    assert!(!codes(&run(&[a, b])).contains(&"same-side"), "equal bytes are another matter");
}

#[test]
fn a_directory_of_dangling_links_says_so() {
    let root = tempfile::tempdir().unwrap();
    let good = write_rhs(root.path(), "good", &texts());
    let bad = root.path().join("bad");
    fs::create_dir(&bad).unwrap();
    for i in 1..=2 {
        symlink("/nowhere/at/all", bad.join(format!("netperf-{i}.RHS"))).unwrap();
    }
    let text = refusal(&options(&[good.clone(), bad.clone()]));
    assert!(
        text.contains("2 places could not be searched") && text.contains("netperf-1.RHS: No such file"),
        "{text}"
    );
    let linked = root.path().join("linked");
    fs::create_dir(&linked).unwrap();
    symlink(good.join("repeat1.default.netperf.host_guest"), linked.join("repeat1")).unwrap();
    let text = refusal(&options(&[good, linked]));
    assert!(text.contains("repeat1: a link to a directory"), "{text}");
}

fn two(root: &tempfile::TempDir) -> [PathBuf; 2] {
    [write_rhs(root.path(), "a", &texts()), write_rhs(root.path(), "b", &texts())]
}

#[test]
fn filters_that_fit_nothing_are_errors_that_name_what_there_is() {
    let root = tempfile::tempdir().unwrap();
    let mut wrong = options(&two(&root));
    wrong.metrics = vec!["througput".into()];
    let text = refusal(&wrong);
    assert!(matches!(compare(&wrong), Err(AnalyzeError::Option(_))));
    assert!(text.contains("--metric througput") && text.contains("did you mean 'throughput'?"), "{text}");
    assert!(text.ends_with("there are throughput, thr_per_CPU, CPU, re_pkts"), "{text}");
    wrong.metrics = vec!["CPU".into(), "thruput".into()];
    assert!(refusal(&wrong).contains("--metric thruput"));
    wrong.metrics = Vec::new();
    wrong.only = CaseFilter::parse("nothing..size=64, TCP_RR");
    assert!(
        refusal(&wrong).contains("--only nothing..size=64,TCP_RR: none of 8 rows fits"),
        "{}",
        refusal(&wrong)
    );
    wrong.only = CaseFilter::parse("nothing, size=64");
    assert_eq!(compare(&wrong).unwrap().rows.len(), 4);
}

#[test]
fn a_factor_that_no_side_has_is_a_warning() {
    let root = tempfile::tempdir().unwrap();
    let mut chosen = options(&two(&root));
    chosen.factors = vec!["zzz".into(), "kvm_versoin".into(), "session-length".into()];
    let result = compare(&chosen).unwrap();
    let said: Vec<&str> =
        result.warnings.iter().filter(|w| w.code == "unknown-factor").map(|w| w.text.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("--factor zzz") && !said[0].contains("did you mean"), "{said:?}");
    assert!(said[1].contains("did you mean 'kvm_version'?"), "{said:?}");
    let values = [100.0, 103.0, 98.0, 101.0, 99.0];
    let a = Env::new("base", vec![throughput(&values)]).write(root.path());
    let b = Env::new("head", vec![throughput(&values)]).write(root.path());
    let mut known = options(&[a, b]);
    known.factors = vec!["nic_model".into(), "net".into(), "accel".into()];
    assert!(!codes(&compare(&known).unwrap()).contains(&"unknown-factor"));
}

#[test]
fn blocks_cannot_be_asked_for_where_sessions_are_the_replicates() {
    let root = tempfile::tempdir().unwrap();
    let values = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0];
    let mut a = Env::new("base", vec![throughput(&values)]);
    a.host_boots = vec!["h1", "h1", "h2", "h2", "h3", "h3"];
    let mut b = Env::new("head", vec![throughput(&values)]);
    b.host_boots = vec!["h4", "h4", "h5", "h5", "h6", "h6"];
    let mut blocked = options(&[a.write(root.path()), b.write(root.path())]);
    blocked.test = TestChoice::Blocked;
    let text = refusal(&blocked);
    assert!(text.contains("the replicate is the session") && text.contains("use welch"), "{text}");
}

#[test]
fn rows_with_blank_keys_are_told_apart_by_their_order() {
    let root = tempfile::tempdir().unwrap();
    let file = |j: f64| {
        format!("  buf(k)| throughput(Mbit/s)\n        | {:>8.3}\n        | {:>8.3}\n", 912.0 * j, 9412.0 * j)
    };
    let side = |name: &str| -> PathBuf {
        let dir = root.path().join(name);
        for (i, j) in [1.0, 1.01, 0.99].iter().enumerate() {
            let results = dir.join(format!("repeat{i}.ntttcp.host/results"));
            fs::create_dir_all(&results).unwrap();
            fs::write(results.join("raw_output_1.RHS"), file(*j)).unwrap();
        }
        dir
    };
    let result = run(&[side("a"), side("b")]);
    let means: Vec<f64> = result.rows.iter().map(|r| r.a.mean.unwrap()).collect();
    assert_eq!((means.len(), means[0].round(), means[1].round()), (2, 912.0, 9412.0));
    assert!(!codes(&result).contains(&"averaged"));
    assert_eq!(result.rows[1].case.get("buf(k)"), Some("row2"));
    assert!(result.rows.iter().all(|r| r.verdict != Verdict::MissingB));
}

#[test]
fn rows_of_a_table_without_keys_are_told_apart_by_their_order() {
    let root = tempfile::tempdir().unwrap();
    let file = |j: f64| format!("Category:X\nthroughput|CPU\n{}|5\n{}|6\n", 100.0 * j, 200.0 * j);
    let texts: Vec<String> = [1.0, 1.01, 0.99].iter().map(|j| file(*j)).collect();
    let mut chosen = options(&[write_rhs(root.path(), "a", &texts), write_rhs(root.path(), "b", &texts)]);
    let keyless = ("mine", "[netperf]\nkeys = nokey\nignore_col = 0\n");
    chosen.conf = formats::perf_conf::Conf::with_layers([keyless]).unwrap();
    let result = compare(&chosen).unwrap();
    let rows: Vec<(&str, f64)> = (result.rows.iter())
        .filter(|r| r.metric == "throughput")
        .map(|r| (r.id.as_str(), r.a.mean.unwrap().round()))
        .collect();
    assert_eq!(rows, [("netperf/X//throughput", 100.0), ("netperf/X/row=2/throughput", 200.0)]);
}
