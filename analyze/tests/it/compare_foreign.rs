//! Results of other tools, from their files to verdicts.

use crate::support;

use analyze::{AnalyzeError, Comparison, Replicate, Verdict, compare};
use model::Direction;
use std::fs;
use std::path::{Path, PathBuf};
use support::{codes, options, row, run};

/// Five values around 1 with a spread of half a percent.
const JITTER: [f64; 5] = [1.0, 1.004, 0.997, 1.002, 0.999];

fn write(root: &Path, name: &str, text: &str) -> PathBuf {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn judged(paths: &[PathBuf], replicate: Replicate) -> Comparison {
    let mut options = options(paths);
    options.replicate = replicate;
    compare(&options).unwrap()
}

fn fio(factor: f64, jitter: f64) -> String {
    let captured = include_str!("../../../formats/testdata/foreign/fio-3.33-read.json");
    let bandwidth = format!("\"bw_bytes\" : {}", (8e8 * factor * jitter) as u64);
    let rate = format!("\"iops\" : {:.6}", 2e5 * factor * jitter);
    captured.replacen("\"bw_bytes\" : 8388608000", &bandwidth, 1).replacen(
        "\"iops\" : 2048000.000000",
        &rate,
        1,
    )
}

#[test]
fn two_directories_of_fio_json_are_compared_file_by_file() {
    let root = tempfile::tempdir().unwrap();
    for (index, jitter) in JITTER.iter().enumerate() {
        write(root.path(), &format!("a/{index}/fio.json"), &fio(1.0, *jitter));
        write(root.path(), &format!("b/fio-{index}.json"), &fio(0.8, 2.0 - jitter));
    }
    write(root.path(), "b/notes.txt", "nothing that any tool wrote\n");
    let result = run(&[root.path().join("a"), root.path().join("b")]);
    let case = "fio/read/Block_size=4k,Iodepth=4,Threads=2,job=seqread";
    let slower = row(&result, &format!("{case}/BW(MB%2FS)"));
    assert_eq!((slower.verdict, slower.a.n, slower.b.n), (Verdict::Regressed, 5, 5));
    assert_eq!((slower.unit.as_str(), slower.direction), ("MiB/s", Direction::HigherIsBetter));
    assert!((slower.ratio.unwrap() - 0.8).abs() < 1e-3);
    assert_eq!(row(&result, &format!("{case}/Latency(ms)")).verdict, Verdict::Equivalent);
    assert!(!codes(&result).contains(&"one-session") && !codes(&result).contains(&"same-directory"));
    assert!(codes(&result).contains(&"unknown-files"), "{:?}", codes(&result));
    assert_eq!((result.a.facts["fio"].as_str(), result.b[0].repeats), ("fio-3.33", 5));
}

/// One export with ten times of one command.
fn hyperfine(factor: f64) -> String {
    let times: Vec<String> =
        (0..10).map(|i| format!("{}", factor * JITTER[i % 5] * (1.0 + 0.0003 * i as f64))).collect();
    format!(
        "{{\n \"results\": [\n  {{\n   \"command\": \"make\",\n   \"mean\": 1, \"user\": {factor},\n   \"times\": [{}]\n  }}\n ]\n}}\n",
        times.join(", ")
    )
}

#[test]
fn one_file_of_hyperfine_a_side_gives_its_runs_and_a_warning() {
    let root = tempfile::tempdir().unwrap();
    let a = write(root.path(), "a.json", &hyperfine(1.0));
    let b = write(root.path(), "b.json", &hyperfine(1.5));
    let result = run(&[a.clone(), b.clone()]);
    let time = row(&result, "hyperfine//command=make/time_s");
    assert_eq!((time.verdict, time.a.n, time.b.n), (Verdict::Regressed, 10, 10));
    assert_eq!(time.a.sources[0].1, 4, "line of the command");
    assert!(!result.rows.iter().any(|r| r.metric == "user_s"), "a mean of all runs is no run");
    let warning = result.warnings.iter().find(|w| w.code == "one-session").unwrap();
    assert!(warning.text.contains("a.json") && warning.text.contains("10 runs"), "{}", warning.text);
    let whole = judged(&[a, b], Replicate::File);
    let time = row(&whole, "hyperfine//command=make/time_s");
    assert_eq!((time.verdict, time.a.n), (Verdict::Invalid, 1));
    assert!(whole.rows.iter().any(|r| r.metric == "user_s") && !codes(&whole).contains(&"one-session"));
}

fn go(factor: f64, head: &str) -> String {
    let line = |i: usize| {
        let jitter = JITTER[i % 5] * (1.0 + 0.0003 * i as f64);
        let rows = 1000.0 * factor * jitter;
        format!(
            "BenchmarkDecode-8\t1000\t{:.2} ns/op\t{rows:.2} rows/s\t4 allocs/op\n",
            1200.0 * factor * jitter
        )
    };
    format!("goos: linux\npkg: example.org/codec\n{head}{}PASS\n", (0..10).map(line).collect::<String>())
}

#[test]
fn repeated_go_benchmarks_are_compared_and_their_unit_lines_say_what_is_better() {
    let root = tempfile::tempdir().unwrap();
    let head = "Unit rows/s better=higher\n";
    let a = write(root.path(), "old.txt", &go(1.0, head));
    let b = write(root.path(), "new.txt", &go(1.2, head));
    let result = run(&[a.clone(), b]);
    let case = "benchfmt//pkg=example.org%2Fcodec,name=Decode,gomaxprocs=8";
    let time = row(&result, &format!("{case}/ns%2Fop"));
    assert_eq!((time.verdict, time.a.n), (Verdict::Regressed, 10));
    let rows = row(&result, &format!("{case}/rows%2Fs"));
    assert_eq!(
        (rows.direction, rows.unit.as_str(), rows.verdict),
        (Direction::HigherIsBetter, "rows/s", Verdict::Improved)
    );
    assert_eq!(row(&result, &format!("{case}/allocs%2Fop")).verdict, Verdict::Equivalent);
    assert!(codes(&result).contains(&"one-session"));
    let turned = write(root.path(), "turned.txt", &go(1.2, "Unit ns/op better=higher\n"));
    let time = run(&[a, turned]);
    assert_eq!(row(&time, &format!("{case}/ns%2Fop")).verdict, Verdict::Improved, "the file counts more");
}

fn csv(factor: f64) -> String {
    let mut text = "case,metric,repeat,value\n".to_owned();
    for (repeat, jitter) in (1..).zip(JITTER) {
        text += &format!("sort,time,{repeat},{}\nsort,memory,{repeat},64\n", 3.0 * factor * jitter);
    }
    text
}

#[test]
fn a_long_table_brings_its_own_repeats() {
    let root = tempfile::tempdir().unwrap();
    let a = write(root.path(), "a.csv", &csv(1.0));
    let b = write(root.path(), "b.csv", &csv(1.3));
    let result = run(&[a, b]);
    let time = row(&result, "csv//case=sort/time");
    assert_eq!((time.verdict, time.a.n, time.b.n), (Verdict::ChangedUp, 5, 5), "no direction is known");
    assert_eq!(time.a.sources[2].1, 6, "line of the third repeat");
    assert_eq!(row(&result, "csv//case=sort/memory").verdict, Verdict::Equivalent);
    assert!(!codes(&result).contains(&"one-session"), "repeats that are named are no session's runs");
    assert!(!codes(&result).contains(&"identical-repeats"));
}

#[test]
fn a_number_that_was_cut_off_at_the_end_of_a_table_is_lost_and_never_judged() {
    let root = tempfile::tempdir().unwrap();
    let a = write(root.path(), "a.csv", &csv(1.0));
    // The last line is `sort,memory,5,64`: what is left of it is a 6, or whole but for its newline.
    for left in [1, 2] {
        let text = csv(1.0);
        let b = write(root.path(), "b.csv", &text[..text.len() - left]);
        let result = run(&[a.clone(), b.clone()]);
        let memory = row(&result, "csv//case=sort/memory");
        assert_eq!(
            (memory.b.n, memory.b.values.iter().all(|v| *v == 64.0)),
            (4, true),
            "{:?}",
            memory.b.values
        );
        assert_eq!(row(&result, "csv//case=sort/time").b.n, 5);
        let loss = &result.b[0].losses[0];
        assert!(loss.place.ends_with("b.csv:11:1") && loss.reason.contains("no end"), "{loss:?}");
        assert!(codes(&result).contains(&"lost-rows"));
        let mut strict = options(&[a.clone(), b]);
        strict.strict = true;
        assert!(matches!(compare(&strict), Err(AnalyzeError::Strict { .. })));
    }
}

#[test]
fn a_result_that_was_cut_before_a_reader_knows_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    let netperf = include_str!("../../../formats/testdata/foreign/netperf-2.7.0-rr.keyval");
    for (index, side) in ["a", "b"].iter().enumerate() {
        for repeat in 1..=3 {
            let text = netperf.replace("53.28", &format!("53.{index}{repeat}"));
            write(root.path(), &format!("{side}/{repeat}.txt"), &text);
        }
    }
    let sides = [root.path().join("a"), root.path().join("b")];
    assert!(!codes(&run(&sides)).contains(&"unknown-files"));
    // Without the line of the throughput it is anybody's text.
    let known = netperf.find("THROUGHPUT=").unwrap();
    write(root.path(), "b/2.txt", &netperf[..known]);
    let result = run(&sides);
    assert_eq!(row(&result, "netperf/TCP_RR/size=64/trans.rate").b.n, 2);
    let note = result.warnings.iter().find(|w| w.code == "unknown-files").unwrap();
    assert!(note.text.contains("b/2.txt") && note.count == 1, "{note:?}");
}

#[test]
fn a_column_can_be_the_replicate() {
    let root = tempfile::tempdir().unwrap();
    let table = |factor: f64| {
        let mut text = "case,boot,metric,unit,repeat,value\n".to_owned();
        for (boot, jitter) in (0..).zip(JITTER) {
            for repeat in 1..=3 {
                text += &format!(
                    "sort,b{boot},time,s,{repeat},{}\n",
                    factor * jitter + 0.001 * f64::from(repeat)
                );
            }
        }
        text
    };
    let a = write(root.path(), "a.csv", &table(1.0));
    let b = write(root.path(), "b.csv", &table(1.0));
    let result = judged(&[a.clone(), b.clone()], Replicate::parse("boot"));
    let time = row(&result, "csv//case=sort/time");
    assert_eq!((time.a.n, time.b.n, time.unit.as_str()), (5, 5, "s"));
    assert!((time.a.values[0] - 1.002).abs() < 1e-9, "the mean of a boot's repeats");
    let mut unknown = options(&[a.clone(), b]);
    unknown.replicate = Replicate::parse("host");
    let text = compare(&unknown).unwrap_err().to_string();
    assert!(text.contains("'host', which --replicate names"), "{text}");
    let other = write(root.path(), "c.csv", &table(1.0).replace(",s,", ",ms,"));
    assert!(matches!(compare(&options(&[a, other])), Err(AnalyzeError::Unit { .. })));
}

#[test]
fn runs_of_several_files_count_one_by_one_when_asked() {
    let root = tempfile::tempdir().unwrap();
    for side in ["a", "b"] {
        for file in 0..3 {
            write(root.path(), &format!("{side}/{file}.json"), &hyperfine(1.0 + f64::from(file) * 0.001));
        }
    }
    let paths = [root.path().join("a"), root.path().join("b")];
    let n = |replicate| row(&judged(&paths, replicate), "hyperfine//command=make/time_s").a.n;
    assert_eq!((n(Replicate::Auto), n(Replicate::Run)), (3, 30));
}

#[test]
fn netperf_and_iozone_files_are_read_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let netperf = include_str!("../../../formats/testdata/foreign/netperf-2.7.0-rr.keyval");
    let iozone = include_str!("../../../formats/testdata/foreign/iozone-3.489-threads.txt");
    for (index, jitter) in JITTER.iter().enumerate() {
        for (side, factor) in [("a", 1.0), ("b", 1.3)] {
            let rate = format!("THROUGHPUT={:.2}", 18747.98 * factor * jitter);
            let text = netperf.replace("THROUGHPUT=18747.98", &rate);
            write(root.path(), &format!("{side}/netperf.{index}.out"), &text);
            let read = format!("\"           Read \" {:.2}", 7_577_494.50 * factor * jitter);
            let text = iozone.replace("\"           Read \" 7577494.50", &read);
            write(root.path(), &format!("{side}/iozone.{index}.txt"), &text);
        }
    }
    let result = run(&[root.path().join("a"), root.path().join("b")]);
    let rate = row(&result, "netperf/TCP_RR/size=64/trans.rate");
    assert_eq!((rate.verdict, rate.a.n), (Verdict::Improved, 5));
    let read = row(&result, "iozone//size_kB=1024,record_kB=64,threads=2/Read_Thro-KBps");
    assert_eq!((read.verdict, read.a.n), (Verdict::Improved, 5));
}

#[test]
fn damaged_files_are_lost_with_their_line_and_the_rest_counts() {
    let root = tempfile::tempdir().unwrap();
    for (index, jitter) in JITTER.iter().enumerate() {
        write(root.path(), &format!("a/{index}.json"), &fio(1.0, *jitter));
        write(root.path(), &format!("b/{index}.json"), &fio(1.0, 2.0 - jitter));
    }
    let cut = fio(1.0, 1.0);
    let cut = write(root.path(), "b/5.json", &cut[..cut.len() / 2]);
    let (a, b) = (root.path().join("a"), root.path().join("b"));
    let result = run(&[a.clone(), b.clone()]);
    assert_eq!((result.b[0].repeats, result.b[0].losses.len()), (5, 1));
    let loss = &result.b[0].losses[0];
    assert!(loss.place.contains("5.json:") && loss.reason.contains("cut off"), "{loss:?}");
    assert!(codes(&result).contains(&"lost-files"));
    let mut strict = options(&[a.clone(), b]);
    strict.strict = true;
    assert!(matches!(compare(&strict), Err(AnalyzeError::Strict { .. })));
    let text = compare(&options(&[a, cut])).unwrap_err().to_string();
    assert!(text.contains("5.json") && text.contains("cut off"), "{text}");
}
