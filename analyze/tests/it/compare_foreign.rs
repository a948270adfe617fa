//! Results of other tools, from their files to verdicts.

use crate::support;

use analyze::{AnalyzeError, Comparison, FailureVerdict, Replicate, Verdict, compare};
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
    assert_eq!((result.a.facts["tool.fio"].as_str(), result.b[0].repeats), ("fio-3.33", 5));
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
fn a_result_that_was_cut_before_its_figures_is_named() {
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
    // Without the line of the throughput it is a test that was begun and gave no result.
    let known = netperf.find("THROUGHPUT=").unwrap();
    write(root.path(), "b/2.txt", &netperf[..known]);
    write(root.path(), "b/notes.txt", "nothing that any tool wrote\n");
    let result = run(&sides);
    assert_eq!(row(&result, "netperf/TCP_RR/size=64/trans.rate").b.n, 2);
    let loss = &result.b[0].losses[0];
    assert!(
        loss.place.ends_with("b/2.txt:1:1") && loss.reason.contains("a test without a result"),
        "{loss:?}"
    );
    let note = result.warnings.iter().find(|w| w.code == "unknown-files").unwrap();
    assert!(note.text.contains("b/notes.txt") && note.count == 1, "{note:?}");
    strict_refuses(&sides, "b/2.txt");
}

/// `--strict` names this.
fn strict_refuses(sides: &[PathBuf], what: &str) {
    let mut strict = options(sides);
    strict.strict = true;
    let text = compare(&strict).unwrap_err().to_string();
    assert!(text.contains("--strict") && text.contains(what), "{text}");
}

/// Writes files `SIDE/runN.json` of both sides by the number of the side and of the run.
fn write_both(root: &Path, runs: usize, text: impl Fn(usize, usize) -> String) -> [PathBuf; 2] {
    ["a", "b"].map(|side| {
        for run in 0..runs {
            let side = usize::from(side == "b");
            write(root, &format!("{}/run{run}.json", ["a", "b"][side]), &text(side, run));
        }
        root.join(side)
    })
}

/// An entry of fio's list of jobs with these options, error, and so many bytes read in a second.
fn entry(name: &str, options: &str, error: u32, bytes: f64) -> String {
    let bytes = bytes as u64;
    format!(
        r#"{{"jobname":"{name}","groupid":0,"error":{error},"elapsed":61,"job options":{{{options}}},
"read":{{"io_bytes":{bytes},"total_ios":{bytes},"runtime":60000,"bw_bytes":{bytes},"iops":{}}}}}"#,
        bytes as f64 / 4096.0
    )
}

/// An object of fio that was written at a second.
fn object(second: u64, global: &str, entries: &[String]) -> String {
    format!(
        "{{\"fio version\":\"fio-3.33\",\"timestamp\":{second},\"global options\":{{{global}}},\"jobs\":[\n{}]}}\n",
        entries.join(",\n")
    )
}

const READ: &str = r#""rw":"read""#;
const SPEED: f64 = 1e8;

#[test]
fn runs_that_were_appended_to_one_file_are_its_replicates() {
    let root = tempfile::tempdir().unwrap();
    let sides = [("a", 1.0), ("b", 0.8)].map(|(name, factor)| {
        let run = |(i, jitter): (u64, f64)| {
            object(100 + 65 * i, "", &[entry("j", READ, 0, SPEED * factor * jitter)])
        };
        let text: String = (0..).zip(JITTER).map(run).collect();
        write(root.path(), &format!("{name}/all.json"), &text)
    });
    let result = run(&sides);
    let speed = row(&result, "fio/read/Block_size=4k,Iodepth=1,Threads=1,job=j/BW(MB%2FS)");
    assert_eq!((speed.verdict, speed.a.n, speed.b.n), (Verdict::Regressed, 5, 5));
    assert!(codes(&result).contains(&"one-session") && !codes(&result).contains(&"few-boots"));
}

#[test]
fn a_run_of_which_a_job_failed_has_no_value_and_its_cell_says_why() {
    let root = tempfile::tempdir().unwrap();
    let options = r#""rw":"read","numjobs":"4""#;
    let sides = write_both(root.path(), 5, |side, run| {
        let error = |job: usize| if side == 1 && run == 2 && job == 1 { 5 } else { 0 };
        object(1, "", &[0, 1, 2, 3].map(|job| entry("j", options, error(job), SPEED * JITTER[run])))
    });
    let result = run(&sides);
    let speed = row(&result, "fio/read/Block_size=4k,Iodepth=1,Threads=4,job=j/BW(MB%2FS)");
    assert_eq!(
        (speed.verdict, speed.a.n, speed.b.n, speed.b.invalid.len()),
        (Verdict::Inconclusive, 5, 4, 1)
    );
    assert!(speed.b.invalid[0].reason.contains("1 of 4 entries"), "{:?}", speed.b.invalid);
    let note = result.warnings.iter().find(|w| w.code == "lost-cells").unwrap();
    assert_eq!(note.count, 2, "bandwidth and rate: {note:?}");
    strict_refuses(&sides, "run2.json");
}

#[test]
fn a_benchmark_that_failed_is_without_a_value_in_every_row_of_it() {
    let root = tempfile::tempdir().unwrap();
    let a = write(root.path(), "old.txt", &go(1.0, ""));
    let second = |text: &str| text.match_indices("BenchmarkDecode").nth(1).unwrap().0;
    let mut text = go(1.0, "");
    text.insert_str(second(&text), "--- FAIL: BenchmarkDecode-8\n    x_test.go:1: no\n");
    let result = run(&[a, write(root.path(), "new.txt", &text)]);
    let case = "benchfmt//pkg=example.org%2Fcodec,name=Decode,gomaxprocs=8";
    for metric in ["ns%2Fop", "rows%2Fs", "allocs%2Fop"] {
        let row = row(&result, &format!("{case}/{metric}"));
        assert_eq!((row.b.n, row.b.invalid.len()), (10, 1), "{metric}");
    }
}

#[test]
fn a_job_that_did_nothing_is_a_loss_only_where_other_files_have_its_values() {
    let root = tempfile::tempdir().unwrap();
    let sides = write_both(root.path(), 5, |side, run| {
        let done = if side == 1 && run == 3 { 0.0 } else { SPEED * JITTER[run] };
        let write = r#""rw":"write""#;
        object(
            1,
            "",
            &[entry("create", write, 0, 0.0), entry("j", READ, 0, done), entry("k", READ, 0, SPEED)],
        )
    });
    let result = run(&sides);
    let speed = row(&result, "fio/read/Block_size=4k,Iodepth=1,Threads=1,job=j/BW(MB%2FS)");
    assert_eq!((speed.a.n, speed.b.n, speed.b.invalid.len()), (5, 4, 1));
    assert!(result.a.losses.is_empty(), "{:?}", result.a.losses);
    assert!(
        result.b[0].losses.iter().all(|l| l.place.contains("run3.json") && l.reason.contains("done nothing"))
    );
}

#[test]
fn a_job_that_did_nothing_in_every_file_of_a_side_failed_where_the_other_side_has_its_values() {
    let root = tempfile::tempdir().unwrap();
    for idle in [1, 0] {
        let sides = write_both(root.path(), 5, |side, run| {
            let done = if side == idle { 0.0 } else { SPEED * JITTER[run] };
            object(1, "", &[entry("j", READ, 0, done), entry("k", READ, 0, SPEED * JITTER[run])])
        });
        let result = run(&sides);
        let speed = row(&result, "fio/read/Block_size=4k,Iodepth=1,Threads=1,job=j/BW(MB%2FS)");
        let [a, b] = [(&speed.a, 0), (&speed.b, 1)].map(|(side, index)| {
            assert_eq!((side.n, side.invalid.len()), if index == idle { (0, 5) } else { (5, 0) });
            side.invalid.iter().all(|cell| cell.reason.contains("done nothing"))
        });
        assert!(a && b);
        let [case] = result.failures.as_slice() else { panic!("{:?}", result.failures) };
        assert_eq!(case.verdict == FailureVerdict::FailsMore, idle == 1, "{case:?}");
    }
}

/// What netperf gives of one test; `None` where it gave up.
fn netperf(test: &str, value: Option<f64>) -> String {
    let banner = format!("MIGRATED TCP {test} TEST from 0.0.0.0 port 0 to 10.0.0.1 port 0\n");
    let heading = "Protocol,Direction,Throughput,Throughput Units,Request Size Bytes,Local Send Size";
    let row = match (test, value) {
        (_, None) => return format!("{banner}recv_response: partial response received: 0 bytes\n"),
        ("STREAM", Some(value)) => format!("TCP,Send,{value},10^6bits/s,-1,1024"),
        (_, Some(value)) => format!("TCP,Send|Recv,{value},Trans/s,64,-1"),
    };
    format!("{banner}{heading}\n{row}\n")
}

#[test]
fn a_netperf_test_without_a_result_failed_in_the_rows_of_its_case() {
    let root = tempfile::tempdir().unwrap();
    for both in [true, false] {
        let sides = ["a", "b"].map(|side| {
            for run in 0..10 {
                let failed = side == "b" && run % 2 == 1;
                let stream = netperf("STREAM", Some(7000.0 + run as f64).filter(|_| !failed));
                let rr = netperf("REQUEST/RESPONSE", Some(20_000.0 + run as f64));
                // A file that holds nothing else is told by its banner.
                let text = if both { format!("{stream}{rr}") } else { stream };
                write(root.path(), &format!("{side}/{run}.txt"), &text);
            }
            root.path().join(side)
        });
        let result = run(&sides);
        let speed = row(&result, "netperf/TCP_STREAM/size=1024/throughput");
        assert_eq!((speed.a.n, speed.b.n, speed.b.invalid.len()), (10, 5, 5), "{:?}", result.b[0].losses);
        assert!(speed.b.invalid[0].reason.contains("without a result"), "{:?}", speed.b.invalid);
        assert_eq!(result.failures.len(), 1, "{:?}", result.failures);
        assert!(result.b[0].losses.iter().all(|loss| loss.what == "cell"), "{:?}", result.b[0].losses);
    }
}

#[test]
fn a_netperf_test_without_a_result_is_a_lost_row_where_its_case_is_not_certain() {
    let root = tempfile::tempdir().unwrap();
    let of_size =
        |size: u32, value: Option<f64>| netperf("STREAM", value).replace(",1024\n", &format!(",{size}\n"));
    let compared = |layout: &dyn Fn(usize, f64) -> Vec<String>| {
        let folder = tempfile::tempdir_in(root.path()).unwrap();
        let sides = ["a", "b"].map(|side| {
            for (run, jitter) in JITTER.into_iter().enumerate() {
                for (part, text) in layout(if side == "b" { run } else { 9 }, jitter).iter().enumerate() {
                    write(folder.path(), &format!("{side}/{run}-{part}.txt"), text);
                }
            }
            folder.path().join(side)
        });
        let result = run(&sides);
        let invalid = [64, 1024]
            .map(|size| row(&result, &format!("netperf/TCP_STREAM/size={size}/throughput")).b.invalid.len());
        (invalid, result.b[0].losses.iter().filter(|loss| loss.what == "row").count())
    };
    let value = |fails: bool, jitter: f64| Some(7000.0 * jitter).filter(|_| !fails);
    // One file with both sizes: the one that is not there failed.
    let one_file = |run: usize, jitter: f64| {
        vec![of_size(64, value(false, jitter)) + &of_size(1024, value(run == 2, jitter))]
    };
    assert_eq!(compared(&one_file), ([0, 1], 0));
    // Each of them twice, and one of the four tests failed.
    let twice = |run: usize, jitter: f64| {
        let both = of_size(64, value(false, jitter)) + &of_size(1024, value(false, jitter));
        vec![both + &of_size(64, value(run == 2, jitter)) + &of_size(1024, value(false, jitter))]
    };
    assert_eq!(compared(&twice), ([1, 0], 0), "no mean over the run that is left");
    // A file for each size: either may be meant.
    let apart = |run: usize, jitter: f64| {
        vec![of_size(64, value(false, jitter)), of_size(1024, value(run == 2, jitter))]
    };
    assert_eq!(compared(&apart), ([0, 0], 1));
}

#[test]
fn a_go_benchmark_that_took_its_package_with_it_failed() {
    let root = tempfile::tempdir().unwrap();
    let sides = ["a", "b"].map(|side| {
        for (run, jitter) in JITTER.into_iter().enumerate() {
            let whole = go(jitter, "");
            let second = whole.match_indices("BenchmarkDecode").nth(1).unwrap().0;
            let (head, fails) = (&whole[..second], side == "b" && run == 3);
            let died =
                format!("{head}BenchmarkOther-8   \treading\nexit status 2\nFAIL\texample.org/codec\t1s\n");
            let lived = format!("{head}BenchmarkOther-8 10 {} ns/op 7 B/op\n", 50.0 * jitter);
            write(root.path(), &format!("{side}/{run}.txt"), if fails { &died } else { &lived });
        }
        root.path().join(side)
    });
    let result = run(&sides);
    for metric in ["ns%2Fop", "B%2Fop"] {
        let row =
            row(&result, &format!("benchfmt//pkg=example.org%2Fcodec,name=Other,gomaxprocs=8/{metric}"));
        assert_eq!((row.a.n, row.b.n, row.b.invalid.len()), (5, 4, 1), "{metric}");
    }
}

#[test]
fn hyperfines_means_over_runs_that_failed_are_cells_without_a_value() {
    let root = tempfile::tempdir().unwrap();
    let sides = write_both(root.path(), 5, |side, run| {
        let code = usize::from(side == 1 && run == 2);
        let time = JITTER[run];
        format!(
            "{{\"results\":[{{\"command\":\"x\",\"user\":{time},\"system\":{time},\"times\":[{time},1],\"exit_codes\":[{code},0]}}]}}\n"
        )
    });
    let result = run(&sides);
    for metric in ["user_s", "system_s"] {
        let row = row(&result, &format!("hyperfine//command=x/{metric}"));
        assert_eq!((row.a.n, row.b.n, row.b.invalid.len()), (5, 4, 1), "{metric}");
    }
}

/// Whatever is done once for each file and looks at all files again takes many times as long.
#[test]
fn thousands_of_small_files_are_each_looked_at_once() {
    let _turn = testing::busy();
    let root = tempfile::tempdir().unwrap();
    let sides = ["a", "b"].map(|side| {
        for run in 0..3000 {
            let options = format!(r#""rw":"read","size":"{}m""#, 1 + run % 50);
            let jobs = [entry("j", &options, 0, SPEED + run as f64), entry("k", &options, 0, 0.0)];
            write(root.path(), &format!("{side}/{run}.json"), &object(run, "", &jobs));
        }
        root.path().join(side)
    });
    let result = testing::no_square(|| run(&sides));
    assert_eq!(result.a.repeats, 3000);
}

#[test]
fn files_that_are_empty_cut_or_hold_an_error_only_are_each_told() {
    let root = tempfile::tempdir().unwrap();
    let whole = |run: usize| object(1, "", &[entry("j", READ, 0, SPEED * JITTER[run])]);
    let sides = write_both(root.path(), 5, |_, run| whole(run));
    write(root.path(), "b/run0.json", "");
    write(root.path(), "b/run1.json", "tool: cannot open /dev/vdb: permission denied\n");
    write(root.path(), "b/run2.json", &whole(2)[..150]);
    let result = run(&sides);
    assert_eq!(result.b[0].repeats, 2);
    let told: Vec<(&str, &str)> =
        result.b[0].losses.iter().map(|l| (l.place.rsplit('/').next().unwrap(), l.reason.as_str())).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for (place, word) in
        [("run0.json", "empty"), ("run1.json", "permission denied"), ("run2.json", "cut off")]
    {
        assert!(
            told.iter().any(|(p, reason)| p.starts_with(place) && reason.contains(word)),
            "{place}: {told:?}"
        );
    }
    let note = result.warnings.iter().find(|w| w.code == "lost-files").unwrap();
    assert_eq!(note.count, 3);
    strict_refuses(&sides, "run0.json");
}

#[test]
fn results_of_other_tools_beside_classic_files_are_named() {
    let root = tempfile::tempdir().unwrap();
    let rhs =
        |value: u32| format!("Category:TCP_RR\n size|sessions|trans.rate\n   64|       1|    {value}.0\n");
    for (side, value) in [("a", 1000), ("b", 1010)] {
        for run in 0..2 {
            write(root.path(), &format!("{side}/netperf-{run}.RHS"), &rhs(value + run));
        }
    }
    let sides = [root.path().join("a"), root.path().join("b")];
    assert!(!codes(&run(&sides)).contains(&"other-results"));
    write(root.path(), "b/fio.json", &object(1, "", &[entry("j", READ, 0, SPEED)]));
    let result = run(&sides);
    let note = result.warnings.iter().find(|w| w.code == "other-results").unwrap();
    assert!(note.text.contains("1 file of other tools") && note.text.contains("b/fio.json"), "{}", note.text);
}

#[test]
fn what_is_no_result_at_all_is_told_by_its_first_words() {
    let root = tempfile::tempdir().unwrap();
    let whole = write(root.path(), "a.json", &object(1, "", &[entry("j", READ, 0, SPEED)]));
    let empty = write(root.path(), "empty.json", "");
    let text = compare(&options(&[whole.clone(), empty])).unwrap_err().to_string();
    assert!(text.contains("empty.json") && text.contains("it is empty"), "{text}");
    write(root.path(), "logs/1.log", "tool: connection refused\n");
    let text = compare(&options(&[whole, root.path().join("logs")])).unwrap_err().to_string();
    assert!(
        text.contains("logs has no result that is read")
            && text.contains("begins with 'tool: connection refused'"),
        "{text}"
    );
    // Logs of one program differ in their numbers.
    for (name, rate) in [("1", "150.1"), ("2", "99.25"), ("3", "151.9")] {
        write(root.path(), &format!("rates/{name}.txt"), &format!("rate = {rate} MB/s\n"));
    }
    let text =
        compare(&options(&[root.path().join("a.json"), root.path().join("rates")])).unwrap_err().to_string();
    assert!(text.contains("and 2 files like it") && !text.contains("of other kinds"), "{text}");
}

/// A file that holds bytes.
fn write_bytes(root: &Path, name: &str, bytes: &[u8]) {
    fs::write(write(root, name, ""), bytes).unwrap();
}

#[test]
fn packed_files_other_encodings_and_names_without_an_ending_are_read() {
    let root = tempfile::tempdir().unwrap();
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let wide =
        |text: &str| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for (run, jitter) in JITTER.iter().enumerate() {
        write_bytes(root.path(), &format!("a/run{run}.json.gz"), &packed(&fio(1.0, *jitter)));
        if run % 2 == 0 {
            write_bytes(root.path(), &format!("b/fio_result_{run}"), &wide(&fio(0.8, *jitter)));
        } else {
            write(root.path(), &format!("b/fio_result_{run}"), &fio(0.8, *jitter));
        }
    }
    write(root.path(), "b/.git/objects/ab", "nothing\n");
    let result = run(&[root.path().join("a"), root.path().join("b")]);
    let case = "fio/read/Block_size=4k,Iodepth=4,Threads=2,job=seqread/BW(MB%2FS)";
    let slower = row(&result, case);
    assert_eq!((slower.verdict, slower.a.n, slower.b.n), (Verdict::Regressed, 5, 5));
    assert!(!codes(&result).contains(&"unknown-files"), "{:?}", codes(&result));
}

#[test]
fn the_error_of_what_is_not_read_says_what_it_is_and_what_is_read() {
    let root = tempfile::tempdir().unwrap();
    let other = write(root.path(), "x/bench.json", "{\"machine\": {}, \"scores\": [1]}\n");
    for path in [other, root.path().join("x")] {
        let text = compare(&options(&[path.clone(), path])).unwrap_err().to_string();
        assert!(text.contains("JSON with the keys 'machine', 'scores'"), "{text}");
        assert!(text.contains(&formats::foreign::tools()), "{text}");
    }
}

#[test]
fn a_run_json_of_another_tool_is_a_result_and_no_campaign() {
    let root = tempfile::tempdir().unwrap();
    for (side, repeat) in [("a", 0), ("a", 1), ("b", 0), ("b", 1)] {
        let name = format!("{side}/{}run.json", ["", "second-"][repeat]);
        write(root.path(), &name, &object(1, "", &[entry("j", READ, 0, SPEED * JITTER[repeat])]));
    }
    let result = run(&[root.path().join("a"), root.path().join("b")]);
    assert_eq!((result.a.repeats, result.b[0].repeats), (2, 2));
    let other = include_str!("../../../formats/testdata/iperf3/3.12-tcp.json");
    for side in ["c", "d"] {
        write(root.path(), &format!("{side}/run.json"), other);
    }
    let result = run(&[root.path().join("c"), root.path().join("d")]);
    assert!(result.rows.iter().all(|row| row.id.starts_with("iperf3/TCP")));
}

#[test]
fn where_each_case_has_a_file_the_values_of_a_row_count() {
    let root = tempfile::tempdir().unwrap();
    for side in ["a", "b"] {
        for (job, size) in [("j", "1g"), ("k", "2g")] {
            for (run, jitter) in JITTER.iter().enumerate().take(3) {
                let options = format!(r#"{READ},"size":"{size}""#);
                let text = object(1, "", &[entry(job, &options, 0, SPEED * jitter)]);
                write(root.path(), &format!("{side}/{job}-{run}.json"), &text);
            }
        }
    }
    let result = run(&[root.path().join("a"), root.path().join("b")]);
    let speed = row(&result, "fio/read/Block_size=4k,Iodepth=1,Threads=1,job=j/BW(MB%2FS)");
    assert_eq!((speed.a.n, speed.b.n), (3, 3));
    let few = result.warnings.iter().find(|w| w.code == "few-boots").unwrap();
    assert!(few.text.contains("a has 3 repeats"), "{}", few.text);
    assert!(!codes(&result).contains(&"mixed-side"), "each case has its size: {:?}", codes(&result));
}

#[test]
fn other_options_of_fio_are_another_workload() {
    for (a, b, verdict) in [
        (r#""direct":"1""#, r#""direct":"0""#, Verdict::Invalid),
        (r#""direct":"1""#, "", Verdict::Invalid),
        ("", r#""direct":"0""#, Verdict::Equivalent),
        (r#""ioengine":"libaio""#, r#""ioengine":"io_uring""#, Verdict::Invalid),
        (r#""runtime":"60""#, r#""runtime":"1m""#, Verdict::Equivalent),
        (r#""runtime":"60""#, r#""runtime":"10""#, Verdict::Invalid),
        (r#""size":"1g""#, r#""size":"1024M""#, Verdict::Equivalent),
        (r#""size":"1g""#, r#""size":"2g""#, Verdict::Invalid),
        (r#""filename":"/dev/vda""#, r#""filename":"/dev/vdb""#, Verdict::Equivalent),
    ] {
        let root = tempfile::tempdir().unwrap();
        let sides = write_both(root.path(), 5, |side, run| {
            object(1, [a, b][side], &[entry("j", READ, 0, SPEED * JITTER[run])])
        });
        let result = run(&sides);
        let case = "fio/read/Block_size=4k,Iodepth=1,Threads=1,job=j/BW(MB%2FS)";
        assert_eq!(row(&result, case).verdict, verdict, "{a} and {b}");
        assert_eq!(codes(&result).contains(&"not-comparable"), verdict == Verdict::Invalid, "{a} and {b}");
        if verdict == Verdict::Invalid {
            let mut forced = options(&sides);
            forced.force = true;
            assert_eq!(row(&compare(&forced).unwrap(), case).verdict, Verdict::Equivalent);
        }
    }
}

#[test]
fn an_option_in_which_jobs_differ_is_compared_job_by_job() {
    let root = tempfile::tempdir().unwrap();
    let sides = write_both(root.path(), 5, |side, run| {
        let direct = |yes: usize| format!(r#"{READ},"direct":"{yes}""#);
        let jobs =
            [("j", 1 - side), ("k", 0)].map(|(job, yes)| entry(job, &direct(yes), 0, SPEED * JITTER[run]));
        object(1, "", &jobs)
    });
    let result = run(&sides);
    let blocked: Vec<&str> = result.differences.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(blocked, ["param.direct [read job=j Block_size=4k Iodepth=1 Threads=1]"]);
    assert!(codes(&result).contains(&"not-comparable") && !codes(&result).contains(&"mixed-side"));
    let mut named = options(&sides);
    named.factors = vec!["direct".into()];
    let result = compare(&named).unwrap();
    assert!(!codes(&result).contains(&"not-comparable") && !codes(&result).contains(&"unknown-factor"));
}

#[test]
fn files_of_one_side_with_other_options_are_mixed() {
    let root = tempfile::tempdir().unwrap();
    let sides = write_both(root.path(), 5, |_, run| {
        let engine = format!(r#""ioengine":"{}""#, if run == 4 { "sync" } else { "libaio" });
        object(1, &engine, &[entry("j", READ, 0, SPEED * JITTER[run])])
    });
    let result = run(&sides);
    let mixed: Vec<&str> =
        result.warnings.iter().filter(|w| w.code == "mixed-side").map(|w| w.text.as_str()).collect();
    assert!(mixed.len() == 2 && mixed[0].contains("param.ioengine: libaio | sync"), "{mixed:?}");
}

#[test]
fn another_cpu_under_go_benchmarks_is_suspicious() {
    let root = tempfile::tempdir().unwrap();
    let text = |cpu: &str| go(1.0, &format!("cpu: {cpu}\n"));
    let a = write(root.path(), "old.txt", &text("one"));
    let b = write(root.path(), "new.txt", &text("two"));
    let result = run(&[a.clone(), b]);
    let banner = result.warnings.iter().find(|w| w.code == "suspicious").unwrap();
    assert!(banner.text.contains("host.cpu.model"), "{}", banner.text);
    assert!(!codes(&run(&[a.clone(), write(root.path(), "c.txt", &text("one"))])).contains(&"suspicious"));
    let noted = |note: &str| text("one") + &format!("note: {note}\nBenchmarkDecode-8 1 1200 ns/op\n");
    write(root.path(), "many/1.txt", &noted("first"));
    write(root.path(), "many/2.txt", &noted("second"));
    let many = root.path().join("many");
    assert!(!codes(&run(&[many.clone(), a.clone()])).contains(&"mixed-side"), "a note is no condition");
    write(root.path(), "many/3.txt", &text("two"));
    assert!(codes(&run(&[many, a.clone()])).contains(&"mixed-side"));
    let arm = text("one").replace("goos: linux", "goos: linux\ngoarch: arm64");
    let amd = text("one").replace("goos: linux", "goos: linux\ngoarch: amd64");
    let sides = [write(root.path(), "arm.txt", &arm), write(root.path(), "amd.txt", &amd)];
    assert!(codes(&run(&sides)).contains(&"not-comparable"));
}

#[test]
fn a_unit_that_differs_is_blamed_on_the_file_that_differs() {
    let root = tempfile::tempdir().unwrap();
    let table = |unit: &str| {
        format!("case,metric,unit,repeat,value\nping,latency,{unit},1,12\nping,latency,{unit},2,13\n")
    };
    let a = write(root.path(), "a.csv", &table("ms"));
    let b = write(root.path(), "b.csv", &table("s"));
    let text = compare(&options(&[a, b])).unwrap_err().to_string();
    let (blamed, rest) = text.split_once(": metric").unwrap();
    assert!(
        blamed.ends_with("b.csv:2") && rest.contains("in 's'") && rest.contains("a.csv:2 has it in 'ms'"),
        "{text}"
    );
    // Most files are right, whichever comes first.
    for (n, unit) in [(0, "s"), (1, "ms"), (2, "ms")] {
        write(root.path(), &format!("many/{n}.csv"), &table(unit));
    }
    let many = root.path().join("many");
    let text = compare(&options(&[many.clone(), many])).unwrap_err().to_string();
    assert!(text.contains("many/0.csv:2: metric") && text.contains("many/1.csv:2 has"), "{text}");
}

#[test]
fn a_run_that_failed_within_a_file_makes_its_value_a_measurement_that_failed() {
    let root = tempfile::tempdir().unwrap();
    let sides = write_both(root.path(), 3, |side, run| {
        let codes = if side == 1 && run == 0 { "[0,1,0]" } else { "[0,0,0]" };
        let times = [1.0, 9.0, 1.1].map(|t| (t * JITTER[run]).to_string()).join(",");
        format!("{{\"results\":[{{\"command\":\"x\",\"times\":[{times}],\"exit_codes\":{codes}}}]}}\n")
    });
    let result = run(&sides);
    let time = row(&result, "hyperfine//command=x/time_s");
    assert_eq!(
        (time.a.n, time.b.n, time.b.invalid.len()),
        (3, 2, 1),
        "no mean over what is left of its runs"
    );
    assert!(time.b.invalid[0].reason.contains("exit code 1"), "{:?}", time.b.invalid);
    assert_eq!((result.failures[0].b.failed, time.reason), (1, Some(analyze::Reason::Failures)));
    strict_refuses(&sides, "run0.json");
    let all = [0, 1, 2].map(|_| "1").join(",");
    let text = format!("{{\"results\":[{{\"command\":\"x\",\"times\":[1,2,3],\"exit_codes\":[{all}]}}]}}\n");
    write(&sides[1], "run0.json", &text);
    assert_eq!(run(&sides).b[0].losses.len(), 1, "three runs are one cell");
}

#[test]
fn netperfs_figures_without_a_unit_are_those_of_perf_conf() {
    let root = tempfile::tempdir().unwrap();
    let text = include_str!("../../../formats/testdata/foreign/netperf-2.7.0-all.keyval");
    let sides = ["a", "b"].map(|side| {
        for run in 1..=3 {
            let length = if side == "a" { "10.01" } else { "60.00" };
            let text = text.replace("ELAPSED_TIME=1.00", &format!("ELAPSED_TIME={length}"));
            write(
                root.path(),
                &format!("{side}/{run}.txt"),
                &text.replace("=7253.21", &format!("=725{run}.21")),
            );
        }
        root.path().join(side)
    });
    let result = run(&sides);
    let packets = row(&result, "netperf/TCP_STREAM/size=1024/re_pkts");
    assert_eq!(packets.verdict, Verdict::Invalid, "retransmissions grow with the length of the test");
    let speed = row(&result, "netperf/TCP_STREAM/size=1024/throughput");
    assert_eq!((speed.verdict, result.a.session_length.as_deref()), (Verdict::Equivalent, Some("10")));
}

#[test]
fn runs_of_iperf3_are_compared_and_their_length_is_a_fact() {
    let root = tempfile::tempdir().unwrap();
    let captured = include_str!("../../../formats/testdata/iperf3/3.12-tcp.json");
    let rate = "8570471889.214757";
    assert!(captured.contains(rate));
    let sides = write_both(root.path(), 5, |side, run| {
        let factor = [1.0, 0.8][side] * JITTER[run];
        captured.replace(rate, &format!("{}", 8_570_471_889.2 * factor))
    });
    let result = run(&sides);
    let speed = result.rows.iter().find(|r| &*r.metric == "throughput").unwrap();
    assert_eq!((speed.verdict, speed.a.n, &*speed.workload), (Verdict::Regressed, 5, "iperf3"));
    assert!(result.a.session_length.is_some());
}

#[test]
fn one_file_of_another_tool_among_others_is_compared_by_its_runs() {
    let root = tempfile::tempdir().unwrap();
    let sides =
        write_both(root.path(), 5, |_, run| object(1, "", &[entry("j", READ, 0, SPEED * JITTER[run])]));
    for side in ["a", "b"] {
        write(root.path(), &format!("{side}/make.json"), &hyperfine(1.0));
    }
    let result = run(&sides);
    assert_eq!(row(&result, "hyperfine//command=make/time_s").a.n, 10);
    let note = result.warnings.iter().find(|w| w.code == "one-session").unwrap();
    assert!(
        note.text.contains("make.json is the only file of its side with hyperfine JSON"),
        "{}",
        note.text
    );
    assert!(result.a.losses.is_empty() && !codes(&result).contains(&"unknown-files"));
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
    assert!(matches!(compare(&options(&[a, other])), Err(AnalyzeError::Units { .. })));
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

/// A figure of a captured or reconstructed file, five times a side, worse on the second by a fifth.
fn worse(name: &str, text: &str, figure: &str, higher: bool) -> Comparison {
    assert_eq!(text.matches(figure).count(), 1, "{name}: {figure} stands once");
    let root = tempfile::tempdir().unwrap();
    let value: f64 = figure.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    let factors = if higher { [1.0, 0.8] } else { [1.0, 1.25] };
    let sides = write_both(root.path(), 5, |side, run| {
        let new = format!("{:.6}", value * factors[side] * JITTER[run]);
        text.replace(figure, &figure.replace(figure.trim_matches(|c: char| !c.is_ascii_digit()), &new))
    });
    run(&sides)
}

#[test]
fn worse_figures_of_further_tools_regress_in_their_own_direction() {
    macro_rules! data {
        ($name:literal) => {
            include_str!(concat!("../../../formats/testdata/", $name))
        };
    }
    let terse = "3;fio-3.33;j;0;0;8192;400000;100000;1;";
    let terse = data!("foreign/fio-3.33-terse3.txt").replacen(
        &data!("foreign/fio-3.33-terse3.txt").split(';').take(9).map(|f| format!("{f};")).collect::<String>(),
        terse,
        1,
    );
    for (text, figure, row_id, higher) in [
        (
            data!("foreign/sysbench-1.0-cpu-reconstructed.txt"),
            " 3915.62",
            "sysbench/cpu/threads=4/events_per_s",
            true,
        ),
        (
            data!("foreign/sysbench-1.0-cpu-reconstructed.txt"),
            " 1.10",
            "sysbench/cpu/threads=4/latency_p95_ms",
            false,
        ),
        (
            data!("foreign/sysbench-1.0-oltp-reconstructed.txt"),
            "(729.41",
            "sysbench/oltp/threads=8/transactions_per_s",
            true,
        ),
        (data!("sockperf/3.7-udp.txt"), "=   32.480", "sockperf/UDP//latency_p99_us", false),
        (data!("uperf/1.0.7-rr-reconstructed.txt"), " 4848op", "uperf/tcp_rr/threads=2/trans.rate", true),
        (data!("ffsb/6.0-mail-server-reconstructed.txt"), "1432.51", "ffsb//thread=16/IOPS", true),
        (
            data!("foreign/netperf-2.7-rr-reconstructed.txt"),
            "18747.98",
            "netperf/TCP_RR/size=1/trans.rate",
            true,
        ),
        (
            data!("qemu-img/7.2-bench-read.txt"),
            " 0.031",
            "qemu-img-bench/bench_read/buffer_size=4,depth=8/IOPS",
            false,
        ),
        (terse.as_str(), ";100000;", "fio/read/job=j/IOPS", true),
    ] {
        let result = worse(row_id, text, figure, higher);
        let row = row(&result, row_id);
        assert_eq!(row.verdict, Verdict::Regressed, "{row_id}: {:?}", row.ratio);
    }
}

#[test]
fn what_a_file_states_of_its_units_counts() {
    let root = tempfile::tempdir().unwrap();
    let text = include_str!("../../../formats/testdata/foreign/phoronix-10.8-reconstructed.xml");
    let sides = write_both(root.path(), 5, |side, run| {
        let of = |value: f64| format!("<RawString>{:.3}</RawString>", value * JITTER[run]);
        let slower = [1.0, 0.8][side];
        let text = text.replace("<RawString>730:732:734</RawString>", &of(732.0 * slower));
        text.replace("<RawString>12.4:12.6</RawString>", &of(12.5 * slower))
    });
    let result = run(&sides);
    let verdicts: Vec<(String, Verdict)> =
        result.rows.iter().map(|r| (r.metric.to_string(), r.verdict)).collect();
    assert!(verdicts.contains(&("MB/s".to_owned(), Verdict::Regressed)), "{verdicts:?}");
    assert!(verdicts.contains(&("Seconds".to_owned(), Verdict::Improved)), "{verdicts:?}");
}
