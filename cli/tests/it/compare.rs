//! `perfvt compare` as a user meets it: the built binary, real directories, exit codes and what is said.

use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn of(command: &mut Command) -> Run {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Checks the exit code, a part of standard output and a part of standard error.
    #[track_caller]
    fn is(&self, code: i32, out: &str, err: &str) {
        let right = code == self.code && self.out.contains(out) && self.err.contains(err);
        assert!(right, "want {code} '{out}' '{err}', got {}\n{}\n{}", self.code, self.out, self.err);
    }

    /// Checks that an input error was all there was.
    #[track_caller]
    fn refuses(&self, err: &str) {
        self.is(2, "", err);
        assert_eq!(self.out, "");
    }
}

struct Place(TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A side whose repeats have throughputs about `level`; `of_repeat` makes the file of one.
    fn side(&self, name: &str, repeats: usize, level: f64, of_repeat: fn(f64) -> String) {
        for (i, step) in [0.0, -0.01, 0.02, 0.01].iter().take(repeats).enumerate() {
            let file = format!("{name}/repeat{0}.default/results/netperf-result.170000000{0}.RHS", i + 1);
            self.write(&file, of_repeat(level * (1.0 + step)));
        }
    }

    /// Two sides of four repeats, of which `slow` is slower by 30 %.
    fn two_sides() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.side("base", 4, 1000.0, g4);
        place.side("slow", 4, 700.0, g4);
        place
    }

    /// Runs `perfvt compare` with these words, which must not panic and must not print a number that is none.
    fn compare(&self, words: &str) -> Run {
        self.run(&words.split_whitespace().collect::<Vec<_>>())
    }

    fn run(&self, args: &[impl AsRef<OsStr>]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perfvt"));
        let run = Run::of(command.current_dir(&self.0).arg("compare").args(args).env("COLUMNS", "200"));
        assert!(!run.err.contains("panicked"), "{}", run.err);
        // A quoted word is a cell as the file has it.
        let mut words = run.out.split(|c: char| !(c.is_alphanumeric() || c == '\''));
        assert!(!words.any(|w| w == "NaN" || w == "inf"), "a number that is none: {}", run.out);
        run
    }

    fn json(&self, words: &str) -> Value {
        let run = self.compare(&format!("{words} --format json"));
        serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {} {}", run.out, run.err))
    }

    /// Runs a shell line in which `$P` is `perfvt compare base slow`.
    fn shell(&self, line: &str) -> Run {
        let program = concat!(env!("CARGO_BIN_EXE_perfvt"), " compare base slow --no-html");
        let mut bash = Command::new("bash");
        Run::of(bash.args(["-c", line]).env("P", program).env_remove("NO_COLOR").current_dir(&self.0))
    }
}

/// A file of today: one case that follows `level`, one that does not.
fn g4(level: f64) -> String {
    format!(
        "### kvm-userspace-ver : qemu-7.2\n### session-length : 60\nCategory:TCP_STREAM (RX)\n\
         \x20       size|    sessions|  throughput|         CPU\n\
         \x20         64|           1|{level:>12.2}|       40.00\n\
         \x20       1024|           1|{:>12.2}|       50.00\n",
        5000.0 + level / 100.0
    )
}

/// A file of 2014: other names of the category, of columns and of versions, levels with decimals.
fn of_2014(level: f64) -> String {
    format!(
        "### kvm-userspace-version : qemu-kvm-1.5.3\n### kvm-version : 3.10\n### session-length : 60\n\
         Category:TCP_STREAM\n    size|sessions|throughput|  %CPU|#re-trans\n64.00|1.00|{level:.2}|40.00|0\n",
    )
}

fn verdicts(comparison: &Value) -> Vec<&str> {
    comparison["rows"].as_array().unwrap().iter().map(|r| r["verdict"].as_str().unwrap()).collect()
}

fn has_warning(comparison: &Value, code: &str) -> bool {
    comparison["warnings"].as_array().unwrap().iter().any(|w| w["code"] == code)
}

#[test]
fn a_regression_is_reported_and_fails_only_when_asked() {
    let place = Place::two_sides();
    place.compare("base slow --no-html").is(0, "1 regression (2 rows) of 4 primary rows", "");
    place.compare("base slow --no-html --fail-on regression").is(1, "gate --fail-on regression", "");
    place.compare("slow base --no-html --fail-on regression").is(0, "IMPROVED", "");
    place.compare("slow base --no-html --fail-on regression --fail-on change").is(1, "IMPROVED", "");
    place.compare("base slow --no-html --fail-on inconclusive").is(0, "", "");
    place.compare("base slow --no-html --fail-on regression --only size=1024").is(1, "filtered", "");
}

/// A table of ten repeats of two cases; the first `zeros` throughputs of the first are 0.
fn table(zeros: usize) -> String {
    let line = |case: &str, i: usize, zero: bool| {
        let value = if zero { 0.0 } else { 100.0 + (i * 7 % 10) as f64 / 10.0 };
        format!("{case},thr,{i},{value}\n")
    };
    let lines: String = (0..10).map(|i| line("x", i, i < zeros) + &line("y", i, false)).collect();
    format!("case,metric,repeat,value\n{lines}")
}

#[test]
fn a_candidate_that_breaks_fails_every_gate_in_every_format() {
    let place = Place(TempDir::new().unwrap());
    place.write("perf.conf", "[csv]\nmetric.thr = Mbit/s higher primary log\n");
    for (name, zeros) in [("good.csv", 0), ("half.csv", 5), ("once.csv", 1), ("dead.csv", 10)] {
        place.write(name, table(zeros));
    }
    for word in ["regression", "change", "inconclusive", "missing", "invalid", "failures", "unfinished"] {
        place.compare(&format!("good.csv dead.csv --no-html --fail-on {word}")).is(1, "FAILS-MORE", "");
        place.compare(&format!("good.csv good.csv --no-html --fail-on {word}")).is(
            0,
            ": passed, exit code 0",
            "",
        );
    }
    for format in ["text", "markdown", "junit", "json"] {
        let args = format!("good.csv half.csv --no-html --fail-on regression --format {format}");
        place.compare(&args).is(1, "FAILS-MORE", "");
    }
    place.compare("good.csv half.csv --no-html --format junit --fail-on missing").is(
        1,
        "<error type=\"FAILS-MORE\"",
        "",
    );
    // One of ten is a finding all the same, and no change of the throughput.
    place.compare("good.csv once.csv --no-html --fail-on regression").is(
        1,
        "failed on the candidate only",
        "",
    );
    place.compare("good.csv once.csv --no-html --fail-on missing").is(0, "INCONCLUSIVE (failures)", "");
    place.compare("once.csv good.csv --no-html --fail-on regression").is(0, "passed", "");
    place.compare("good.csv half.csv --no-html").is(0, "FAILS-MORE", "");
    place.compare("good.csv half.csv --no-html --allow-crashes 1").refuses("--fail-on");
    // What failed in a table is no guest that died.
    place.compare("good.csv once.csv --no-html --fail-on regression --allow-crashes 1").is(1, "FAILED", "");
}

#[test]
fn places_without_results_are_errors_that_name_them() {
    let place = Place::two_sides();
    fs::create_dir(place.path("empty")).unwrap();
    place.write("notes/readme.txt", "nothing measured");
    for run in ["run1.txt", "run2.txt"] {
        place.write(
            &format!("text/{run}"),
            "job: (groupid=0, jobs=1): err= 0: pid=1\n  read: IOPS=20, BW=80KiB/s\n",
        );
    }
    place.write("text/README.txt", "two runs of fio");
    place.write("odd/program.rs", "fn main() {}");
    place.write("headless/netperf.RHS", "### session-length : 60\nCategory:TCP_STREAM (RX)\n 64| 1| 10.00\n");
    place.write("blank/netperf.RHS", "");
    for (side, said) in [
        ("nowhere", "reading nowhere: No such file"),
        ("empty", "empty is empty"),
        ("notes", "notes has no result that is read: notes/readme.txt:1:1: it is no result of any tool"),
        (
            "text",
            "text has no result that is read: text/run1.txt:1:1 and 1 file like it: it is fio's text for people, which is not \
                  read; run fio with --output-format=json; beside 1 file of other kinds",
        ),
        ("odd", "odd has no result file: looked for '^(?:.*.RHS)$'"),
        ("headless", "headless/netperf.RHS:2:1: category 'TCP_STREAM (RX)' has no column line"),
        ("blank", "blank/netperf.RHS: it holds no table"),
    ] {
        place.compare(&format!("base {side}")).refuses(said);
        place.compare(&format!("{side} base --format json")).refuses(said);
    }
    place.compare("base").refuses("base is one side");
    assert!(!place.path("report.html").exists(), "no page of nothing");
}

#[test]
fn sides_that_do_not_meet_are_compared_with_nothing() {
    let place = Place::two_sides();
    place.side("once", 1, 900.0, g4);
    place.side("others", 4, 900.0, |level| g4(level).replace("1024|", "1025|").replace("  64|", "  65|"));
    for (sides, word) in
        [("base once", "INVALID"), ("base others", "MISSING-B"), ("others base", "MISSING-A")]
    {
        // 3 wins over 1.
        place.compare(&format!("{sides} --no-html --fail-on regression --fail-on missing")).is(3, word, "");
        assert!(verdicts(&place.json(sides)).iter().all(|v| *v == "INVALID" || v.starts_with("MISSING")));
    }
    assert_eq!(place.json("base once")["rows"][0]["reason"], "one-replicate");
    // With one case in common, the others are what `--fail-on missing` is about.
    place.side("part", 4, 1000.0, |level| g4(level).replace("1024|", "1025|"));
    place.compare("base part --no-html --fail-on missing").is(1, "MISSING-A", "");
    place.compare("base part --no-html --fail-on regression").is(0, "MISSING-A", "");
}

#[test]
fn losses_are_named_with_their_line_and_strict_refuses_them() {
    let place = Place::two_sides();
    let file = "cut/repeat4.default/results/netperf-result.1700000004.RHS";
    place.side("cut", 4, 1000.0, g4);
    let whole = fs::read_to_string(place.path(file)).unwrap();
    place.write(file, &whole[..whole.len() - 20]);
    let said = format!("{file}:6:1: the file ends within this line");
    place.compare("base cut --no-html").is(0, &said, "");
    place.compare("base cut --strict").refuses(&said);

    for odd in ["nan", "inf", "1e400", "-", "12,5"] {
        place.write(file, whole.replace("1010.00", odd));
        let row = &place.json("base cut")["rows"][0];
        assert_eq!([&row["a"]["n"], &row["b"]["n"]], [4, 3], "{odd}");
        let cell = row["b"]["invalid"][0]["place"].as_str().unwrap();
        assert!(cell.contains(&format!("{file}:5:")), "{odd}: {cell}");
    }
    // A zero has no logarithm: a failed measurement of a throughput, not a value.
    place.side("zero", 4, 0.0, g4);
    assert_eq!(place.json("base zero")["rows"][0]["verdict"], "INVALID");
}

#[test]
fn unreadable_files_are_lost_and_the_others_count() {
    let place = Place::two_sides();
    // A link to nowhere cannot be read by anybody, root included.
    std::os::unix::fs::symlink("/nonexistent", place.path("slow/netperf-gone.RHS")).unwrap();
    fs::create_dir(place.path("slow/netperf-folder.RHS")).unwrap();
    std::os::unix::fs::symlink("..", place.path("slow/loop")).unwrap();
    let comparison = place.json("base slow");
    let slow = &comparison["b"][0];
    assert_eq!((&slow["repeats"], slow["losses"].as_array().unwrap().len()), (&json!(4), 1), "{slow}");
    assert_eq!(slow["losses"][0]["place"], "slow/netperf-gone.RHS");
    assert!(has_warning(&comparison, "lost-files"));
    place.compare("base slow --strict").refuses("slow/netperf-gone.RHS");
}

#[test]
fn a_file_that_is_there_twice_counts_once_and_a_copy_is_named() {
    let place = Place::two_sides();
    let (file, again) = ("slow/repeat1.default/results/netperf-result.1700000001.RHS", "slow/netperf-2.RHS");
    fs::hard_link(place.path(file), place.path(again)).unwrap();
    let comparison = place.json("base slow");
    assert!(comparison["b"][0]["repeats"] == 4 && has_warning(&comparison, "same-file"));
    fs::remove_file(place.path(again)).unwrap();
    fs::copy(place.path(file), place.path(again)).unwrap();
    let comparison = place.json("base slow");
    assert!(comparison["b"][0]["repeats"] == 5 && has_warning(&comparison, "identical-repeats"));
    // A side against itself: nothing has changed.
    assert!(verdicts(&place.json("base base")).iter().all(|v| *v == "EQUIVALENT"));
}

#[test]
fn every_format_goes_to_standard_output_and_to_files() {
    let place = Place::two_sides();
    let formats = [
        ("text", "1 regression (2 rows) of 4 primary rows"),
        ("classic", "Category:TCP_STREAM (RX)\n#|Tile|"),
        ("markdown", "**REGRESSED**"),
        ("json", "{\"schema_version\":2,"),
        ("junit", "failures=\"2\""),
        ("csv", "id,workload,category,"),
    ];
    let outputs: String = formats.iter().map(|(f, _)| format!(" --output {f}=out.{f}")).collect();
    assert_eq!(place.compare(&format!("base slow --no-html{outputs}")).err, "");
    for (format, part) in formats {
        place.compare(&format!("base slow --format {format} --no-html")).is(0, part, "");
        assert!(fs::read_to_string(place.path(&format!("out.{format}"))).unwrap().contains(part), "{format}");
    }
    place.compare("base slow --no-html --output json=no/x").is(2, "", "writing no/x");
}

#[test]
fn the_page_overwrites_its_like_and_nobody_elses() {
    let place = Place::two_sides();
    place.write("report.html", "<html>mine</html>");
    place.compare("base slow").is(2, "", "report.html was not written by perfvt");
    for words in ["base slow --no-html", "base slow --format csv", "base slow --html page.html"] {
        place.compare(words).is(0, "", "");
    }
    assert_eq!(fs::read_to_string(place.path("report.html")).unwrap(), "<html>mine</html>");
    assert!(
        fs::read_to_string(place.path("page.html"))
            .unwrap()
            .contains("<meta name=\"generator\" content=\"perfvt")
    );
    fs::rename(place.path("page.html"), place.path("report.html")).unwrap();
    place.compare("slow base").is(0, "page: report.html", "");
}

#[test]
fn labels_and_filters_change_what_is_shown_only() {
    let place = Place::two_sides();
    let all = place.json("base slow");
    let some = place.json("base slow --labels old,new --only size=64 --metric throughput");
    assert_eq!([&some["a"]["label"], &some["b"][0]["label"]], ["old", "new"]);
    assert_eq!(verdicts(&some), ["REGRESSED"]);
    assert_eq!([&some["summary"], &some["rows"][0]["q"]], [&all["summary"], &all["rows"][0]["q"]]);
    assert!(has_warning(&some, "filtered") && !has_warning(&all, "filtered"));
}

#[test]
fn slips_on_the_command_line_are_refused_with_what_would_do() {
    let place = Place::two_sides();
    for (words, said) in [
        ("base slow --bogus", "'--bogus'"),
        ("base slow --format excel", "possible values: text, classic"),
        ("base slow --fail-on worse", "possible values: regression"),
        ("base slow --output json", "want FORMAT=FILE"),
        ("base slow --output html=x", "use --html FILE"),
        ("base slow --labels a,b,c", "3 labels for 2 sides"),
        ("base slow --html a.html --no-html", "cannot be used with"),
        ("base slow --test mann-whitney", "no estimate with an interval"),
        ("base slow --test blocked", "not environments of one campaign"),
        ("base slow --alpha nan", "want a number between 0 and 1"),
        ("base slow --correction none", "want bh or holm"),
        ("base slow --workload netpref", "has no section"),
        ("base slow --config none.conf", "reading none.conf"),
        ("", "<DIR>"),
    ] {
        place.compare(words).refuses(said);
    }
}

#[test]
fn perf_conf_is_laid_over_the_built_in_one_key_by_key() {
    let place = Place::two_sides();
    place.write("perf.conf", "[netperf]\nmetric.throughput = min_effect=50%\n");
    let row = &place.json("base slow")["rows"][0];
    assert_eq!((&row["min_effect"], &row["unit"]), (&json!(0.5), &json!("Mbit/s")));
    place.write("more.conf", "[netperf]\nmetric.throughput = min_effect=45%\n");
    assert_eq!(place.json("base slow --config more.conf")["rows"][0]["min_effect"], 0.45);
    let run = place.compare("base slow --no-html -v --config more.conf");
    run.is(0, "", "metric.throughput.min_effect: more.conf:2");
    // It is read once, however it is named.
    for path in ["perf.conf".to_owned(), format!("{}/base/../perf.conf", place.0.path().display())] {
        let run = place.compare(&format!("base slow --no-html -v --config {path}"));
        assert_eq!(run.err.matches("\nconfiguration: ").count(), 1, "{}", run.err);
        assert!(!run.err.contains("has no effect"), "{}", run.err);
    }
    place.write("perf.conf", "[netperf]\n\nignore_cols = 2\n");
    let said = "reading perf.conf:3: unknown key 'ignore_cols' in [netperf], did you mean 'ignore_col'?";
    place.compare("base slow").refuses(said);
}

#[test]
fn a_file_of_2014_meets_one_of_today() {
    let place = Place::two_sides();
    place.side("old", 4, 1000.0, of_2014);
    let comparison = place.json("old slow");
    let row = &comparison["rows"][0];
    assert_eq!(row["id"], "netperf/TCP_STREAM/size=64,sessions=1/throughput");
    assert_eq!((&row["verdict"], &row["n_min"]), (&json!("REGRESSED"), &json!(4)));
    let cpu = comparison["rows"].as_array().unwrap().iter().find(|r| r["metric"] == "CPU").unwrap();
    assert_eq!([&cpu["metric_as_written"], &cpu["verdict"]], ["%CPU", "EQUIVALENT"]);
    // A side whose files are of two generations.
    place.side("slow/older", 2, 700.0, of_2014);
    assert_eq!(place.json("base slow")["rows"][0]["b"]["n"], 6);
}

#[test]
fn names_that_are_no_text_are_read_and_shown() {
    let place = Place(tempfile::tempdir().unwrap());
    let name = |stem: &str, byte| OsString::from_vec([stem.as_bytes(), &[byte]].concat());
    for (side, level) in [("old", 1000.0), ("new", 700.0)] {
        for repeat in 0..3_u8 {
            let folder = place.0.path().join(name(side, 0xff)).join(name("r", 0xf0 + repeat));
            fs::create_dir_all(&folder).unwrap();
            let text = g4(level + f64::from(repeat)).replace("qemu-7.2", "qemu-\u{7}7.2");
            fs::write(folder.join("netperf.RHS"), [text.as_bytes(), b"# \xff\n"].concat()).unwrap();
        }
    }
    for format in ["text", "classic", "markdown", "json", "junit", "csv"] {
        let run = place.run(&[name("old", 0xff), name("new", 0xff), "--format".into(), format.into()]);
        run.is(0, "", "");
        assert!(!run.out.contains('\u{7}'), "{format}: {}", run.out);
    }
}

#[test]
fn a_campaign_is_compared_by_its_directory_alone() {
    let place = Place::two_sides();
    let mut both = json!({"format": 1, "perfvt": "0.1.0", "workload": "netperf", "scenario": "host_guest",
        "accel": "kvm", "network": "tap", "warnings": [], "rule": {"kind": "fixed", "repeats": 3},
        "factors": ["nic_model"], "blocks": [], "started_unix_ns": 1, "created_unix_ns": 1, "seed": 1, "argv": [],
        "id": "c", "campaign": "c", "cases": [], "repeats": 3, "metrics": [], "fingerprint": {}});
    let environment = |name: &str| json!({"name": name, "params": {}, "factors": ["nic_model"]});
    both["environments"] = json!([environment("head"), environment("base")]);
    place.write("X/campaign.json", both.to_string());
    for (name, level) in [("head", 700), ("base", 1000)] {
        (both["environment"], both["params"]) = (json!(name), json!({"nic_model": name}));
        place.write(&format!("X/{name}/run.json"), both.to_string());
        for repeat in 1..=3 {
            let line = json!({"v": 1, "case": "netperf/TCP_STREAM/size=64", "workload": "netperf", "order": 0,
                "category": "TCP_STREAM", "keys": {"size": "64"}, "metric": "throughput", "unit": "Mbit/s",
                "value": level + repeat, "repeat": repeat, "boot": format!("{name}{repeat}"), "host_boot": "h",
                "block": repeat, "attempt": 1});
            place.write(&format!("X/{name}/repeat{repeat}/measurements.jsonl"), format!("{line}\n"));
        }
    }
    let comparison = place.json("X");
    assert_eq!([&comparison["a"]["label"], &comparison["rows"][0]["verdict"]], ["head", "IMPROVED"]);
    place.compare("X slow").refuses("X is a campaign of 2 environments");
    place.write("X/head/repeat2/measurements.jsonl", "{\"v\":1,\"case\":");
    let losses = place.json("X")["a"]["losses"].clone();
    let place_of = losses[0]["place"].as_str().unwrap();
    assert!(place_of.ends_with("X/head/repeat2/measurements.jsonl:1:1"), "{losses}");
    place.compare("X --strict").refuses("X/head/repeat2/measurements.jsonl:1");
}

#[test]
fn nothing_is_decided_between_two_environments_that_are_the_same() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/aa");
    let place = Place(tempfile::tempdir().unwrap());
    let args = ["a", "b", "--format", "json", "--no-html", "--fail-on", "change"];
    let args = args.map(|arg| if arg.len() == 1 { samples.join(arg).into_os_string() } else { arg.into() });
    let run = place.run(&args);
    run.is(0, "", "");
    let comparison: Value = serde_json::from_str(&run.out).unwrap();
    let rows = comparison["rows"].as_array().unwrap();
    let primary: Vec<_> = rows.iter().filter(|row| row["q"].is_number()).collect();
    assert_eq!(primary.len(), 8);
    assert!(
        primary.iter().all(|row| ["EQUIVALENT", "INCONCLUSIVE"].contains(&row["verdict"].as_str().unwrap()))
    );
    assert!(has_warning(&comparison, "noisy-samples"), "and the page says how noisy it was");
}

#[test]
fn colour_is_for_terminals_and_no_color_turns_it_off() {
    let place = Place::two_sides();
    assert!(!place.compare("base slow --no-html").out.contains('\u{1b}'), "a pipe has no colours");
    // `script` gives a terminal; it is part of every Debian.
    if Path::new("/usr/bin/script").exists() {
        place.shell("script -qec \"$P\" /dev/null").is(0, "\u{1b}[", "");
        let plain = place.shell("NO_COLOR=1 script -qec \"$P\" /dev/null");
        plain.is(0, "REGRESSED", "");
        assert!(!plain.out.contains("\u{1b}["), "{}", plain.out);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::two_sides();
    for format in ["text", "csv", "markdown", "junit", "classic"] {
        // `true` is gone long before the first line is written.
        let run = place.shell(&format!("{{ sleep 0.2; $P --format {format}; echo code $? >&2; }} | true"));
        assert!(run.err.ends_with("code 0\n") && !run.err.contains("ipe"), "{format}: {}", run.err);
    }
    place.shell("$P > /dev/full").is(2, "", "No space left");
}

/// hyperfine's export of commands with their mean times.
fn hyperfine(commands: &[(&str, f64)]) -> String {
    let result = |(command, mean): &(&str, f64)| {
        let times: Vec<f64> = [1.0, 1.004, 0.997, 1.002, 0.999].iter().map(|jitter| mean * jitter).collect();
        json!({"command": command, "mean": mean, "times": times})
    };
    json!({"results": commands.iter().map(result).collect::<Vec<Value>>()}).to_string()
}

#[test]
fn what_is_printed_for_cases_that_meet_nobody_can_be_pasted() {
    let place = Place(tempfile::tempdir().unwrap());
    place.write("a.json", hyperfine(&[("./x 'a b'", 2.0), ("$(y) `z`", 1.0)]));
    place.write("b.json", hyperfine(&[("./x 'c d'", 2.6), ("$(y) `w`", 1.0)]));
    let run = place.compare("a.json b.json --no-html");
    run.is(3, "2 cases meet nobody", "");
    let flags = run.out.lines().find(|line| line.starts_with("      --map")).unwrap();
    let program = env!("CARGO_BIN_EXE_perfvt");
    let line = format!("{program} compare a.json b.json --no-html {flags}");
    let pasted = Run::of(Command::new("bash").args(["-c", &line]).current_dir(&place.0));
    pasted.is(0, "▼ REGRESSED", "");
    assert!(pasted.out.contains("matched: command"), "{}", pasted.out);
}

#[test]
fn a_compared_key_is_known_to_every_verb_that_compares() {
    let place = Place(tempfile::tempdir().unwrap());
    place.write("old/run.json", hyperfine(&[("./x-1", 2.0)]));
    place.write("new/run.json", hyperfine(&[("./x-2", 2.6)]));
    place.write("both.json", hyperfine(&[("./x-1", 2.0), ("./x-2", 2.6)]));
    place.write("both/run.json", hyperfine(&[("./x-1", 2.0), ("./x-2", 2.6)]));
    place.compare("both.json").refuses("or --compare 'command', and its 2 levels become the sides");
    place.compare("both.json --no-html --compare command").is(0, "./x-2 against ./x-1: 1 regression", "");
    let gate = place.compare("old new --no-html --compare command --fail-on regression");
    gate.is(1, "compared: command, which tells no cases apart; old: './x-1'; new: './x-2'", "");
    assert!(gate.out.contains("--compare command --fail-on regression"), "{}", gate.out);
    place.compare("old new --compare command --format classic").refuses("the classic table knows neither");
    let verb = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perfvt"));
        Run::of(command.current_dir(&place.0).args(words.split_whitespace()))
    };
    verb("explain old new time_s --compare command").is(0, "REGRESSED", "");
    verb("explain both.json time_s --compare command").is(0, "REGRESSED", "");
    verb("publish site new --against old --compare command").is(0, "1 result: site/index.html", "");
    verb("publish site both --compare command").is(0, "2 results: site/index.html", "");
    let pages =
        fs::read_dir(place.path("site/r")).unwrap().map(|entry| entry.unwrap().path().join("index.html"));
    for page in pages {
        let page = fs::read_to_string(page).unwrap();
        assert!(page.contains("compared: command") && page.contains("1 regression"));
    }
}

#[test]
fn moderated_variances_are_asked_for_by_name_and_told_in_every_place() {
    let place = Place(tempfile::tempdir().unwrap());
    place.write("perf.conf", "[csv]\nmetric.rate = Mbit/s higher primary log\n");
    for (side, factor) in [("a", 1.0), ("b", 1.1)] {
        let mut text = String::from("case,metric,repeat,value\n");
        for (case, repeat) in (0..9).flat_map(|case| [0, 1, 2].map(|repeat| (case, repeat))) {
            let wave = f64::from((7 * case + 5 * repeat) % 11 + case % 3) / 100.0;
            text += &format!("c{case},rate,{},{}\n", repeat + 1, 100.0 * factor * (1.0 + wave));
        }
        place.write(&format!("{side}.csv"), text);
    }
    let run = |words: &[&str]| place.run(&[&["a.csv", "b.csv", "--config", "perf.conf"], words].concat());
    run(&["--no-html", "--variance", "moderated"]).is(0, "variances moderated (9 log rows:", "");
    let page = run(&["--no-html", "--variance", "moderated", "--format", "json"]);
    let page: Value = serde_json::from_str(&page.out).unwrap();
    assert_eq!(page["method"]["variance"], "moderated");
    let command = page["method"]["command"].as_array().unwrap();
    assert!(command.contains(&json!("--variance")), "{command:?}");
    assert!(page["rows"][0]["moderated"]["df"].as_f64() > page["rows"][0]["moderated"]["own_df"].as_f64());
    let words = ["explain", "a.csv", "b.csv", "c3", "--config", "perf.conf", "--variance", "moderated"];
    let mut explain = Command::new(env!("CARGO_BIN_EXE_perfvt"));
    Run::of(explain.current_dir(&place.0).args(words)).is(0, "s0^2", "");
    run(&["--no-html", "--variance", "pooled"]).refuses("want own or moderated");
}
