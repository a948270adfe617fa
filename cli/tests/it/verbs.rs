//! `perfvt show`, `explain`, `plan` and `calibrate`, and what `compare` takes from them, as a user meets them.

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
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

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {} {}", self.out, self.err))
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

    /// RHS files of one case whose throughput lies about `level` and of one that stays where it is.
    fn side(&self, name: &str, level: f64, repeats: usize) {
        self.side_of(name, level, repeats, |text| text);
    }

    /// The same files, changed.
    fn side_of(&self, name: &str, level: f64, repeats: usize, change: fn(String) -> String) {
        for i in 0..repeats {
            let spread = 1.0 + 0.01 * ((i * 7 % 5) as f64 - 2.0);
            let (moving, still) = (level * spread, 5000.0 * spread);
            let text = format!(
                "### session-length : 60\nCategory:TCP_STREAM (RX)\n    size|sessions|throughput|   CPU\n\
                 \x20     64|       1|{moving:>10.2}| 40.00\n    1024|       1|{still:>10.2}| 50.00\n"
            );
            self.write(&format!("{name}/repeat{0}/netperf-result.17000000{0:02}.RHS", i + 1), change(text));
        }
    }

    /// `base` and, slower by 30 %, `slow`: four repeats each.
    fn two_sides() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.side("base", 1000.0, 4);
        place.side("slow", 700.0, 4);
        place
    }

    /// One environment of a campaign: a run directory whose second boot has an invalid cell.
    fn run_dir(&self, name: &str, nic: &str, level: f64) {
        let run = json!({"format": 1, "perfvt": "0.1.0", "workload": "netperf", "scenario": "host_guest",
            "accel": "kvm", "network": "tap", "warnings": ["the governor is powersave"], "factors": ["nic_model"],
            "rule": {"kind": "fixed", "repeats": 3}, "blocks": [], "started_unix_ns": 1, "campaign": name,
            "environment": name, "params": {"nic_model": nic}, "repeats": 3, "metrics": [], "fingerprint": {}});
        self.write(&format!("{name}/run.json"), run.to_string());
        for repeat in 1..=3 {
            let line = |metric: &str, unit: &str| {
                json!({"v": 1, "case": "netperf/TCP_RR/size=64", "workload": "netperf", "category": "TCP_RR",
                    "keys": {"size": "64"}, "metric": metric, "unit": unit, "repeat": repeat, "order": 0, "attempt": 1,
                    "boot": format!("{name}{repeat}"), "host_boot": "h", "block": repeat})
            };
            let (mut rate, mut cpu) = (line("trans.rate", "trans/s"), line("CPU", "%"));
            rate["value"] = json!(level + 10.0 * f64::from(repeat));
            match repeat {
                2 => cpu["invalid"] = json!({"reason": "the guest's /proc/stat went backwards"}),
                _ => cpu["value"] = json!(50 + repeat),
            }
            let at = format!("{name}/repeat{repeat}.default.netperf.host_guest");
            self.write(&format!("{at}/measurements.jsonl"), format!("{rate}\n{cpu}\n"));
            let series: Vec<String> = (0..10)
                .map(|i| {
                    json!({"v": 1, "case": "netperf/TCP_RR/size=64", "metric": "trans.rate", "session": 0,
                        "ending_unix": 1.0 + f64::from(i), "seconds": 1.0, "value": level + f64::from(i % 2) * 300.0})
                    .to_string()
                })
                .collect();
            self.write(&format!("{at}/series.jsonl"), series.join("\n") + "\n");
        }
    }

    /// Runs `perfvt` with these words, which must not panic and must not print a number that is none.
    #[track_caller]
    fn perfvt(&self, words: &str) -> Run {
        self.perfvt_words(&words.split_whitespace().collect::<Vec<_>>())
    }

    fn perfvt_words(&self, words: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perfvt"));
        command.current_dir(&self.0).args(words).env("COLUMNS", "200").stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let run =
            Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!run.err.contains("panicked"), "{}", run.err);
        let none = |w: &str| matches!(w, "NaN" | "inf" | "Infinity");
        assert!(!run.out.split(|c: char| !c.is_alphanumeric()).any(none), "{}", run.out);
        run
    }
}

/// A row of `show` or `plan` as its words.
fn line<'a>(run: &'a Run, start: &str) -> Vec<&'a str> {
    let found = run.out.lines().find(|l| l.trim_start().starts_with(start));
    found.unwrap_or_else(|| panic!("no line '{start}' in {}", run.out)).split_whitespace().collect()
}

const ROW: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";

#[test]
fn show_gives_every_row_its_mean_and_spread() {
    let place = Place::two_sides();
    let run = place.perfvt("show base");
    run.is(0, "base: 4 repeats", "");
    assert!(run.out.contains("netperf/TCP_STREAM/\n"), "{}", run.out);
    // 980, 1000, 1020, 990: mean 997.5, SD 17.08, CV 1.71 %.
    let row = line(&run, "size=64,sessions=1/throughput");
    assert_eq!(row[1..], ["4", "997.5", "17.1", "1.7%", "Mbit/s"]);
    assert!(!run.out.contains("within") && !run.out.contains("invalid"), "{}", run.out);

    let shown = place.perfvt("show base --format json").json();
    assert_eq!((&shown["schema_version"], &shown["rows"][0]["id"]), (&json!(2), &json!(ROW)));
    assert_eq!(shown["rows"][0]["sample"]["values"].as_array().unwrap().len(), 4);
    assert_eq!(shown["files"].as_array().unwrap().len(), 4);
}

#[test]
fn show_tells_boots_from_intervals_and_names_what_is_invalid() {
    let place = Place::two_sides();
    place.run_dir("head", "e1000", 1000.0);
    let run = place.perfvt("show head");
    run.is(0, "head/repeat2.default.netperf.host_guest/measurements.jsonl:2:1: the guest's /proc/stat", "");
    // 1010, 1020, 1030 have SD 10; ten intervals of 1000 and 1300 have SD 158, their mean an error of 50.
    assert_eq!(line(&run, "size=64/trans.rate")[1..7], ["3", "1020", "10.0", "0.98%", "0", "50.0"]);
    assert_eq!(line(&run, "size=64/CPU").last(), Some(&"1"));
    assert_eq!(line(&run, "size=64/CPU")[1], "2");
    assert!(run.out.contains("the governor is powersave"), "{}", run.out);
    fs::remove_dir_all(place.path("head/repeat3.default.netperf.host_guest")).unwrap();
    place.perfvt("show head").is(0, "2 of 3 planned repeats have values", "");
}

#[test]
fn an_option_whose_variable_was_never_set_is_refused() {
    let place = Place::two_sides();
    for line in
        ["lake add L base --commit=", "nightly --lake=", "run netperf --set=", "compare base slow --format="]
    {
        let flag = line.split_whitespace().last().unwrap().trim_end_matches('=');
        place.perfvt(line).refuses(flag);
    }
    place
        .perfvt("lake add L base --commit=")
        .refuses("--commit has an empty value; was a variable of the shell never set?");
    assert!(!place.path("L").exists());
}

#[test]
fn show_and_plan_refuse_what_is_no_side() {
    let place = Place::two_sides();
    place.run_dir("X/base", "virtio", 1000.0);
    place.run_dir("X/head", "e1000", 900.0);
    let environments = json!([{"name": "base"}, {"name": "head"}]);
    place.write("X/campaign.json", json!({"format": 1, "environments": environments}).to_string());
    fs::create_dir(place.path("empty")).unwrap();
    // The two environments of a campaign are its two sides.
    place.perfvt("plan X").is(0, "size=64/trans.rate", "");
    place.perfvt("show X").refuses("name one of them: X/base, X/head");
    place.perfvt("show base slow").refuses("unexpected argument 'slow'");
    for verb in ["show", "plan"] {
        place.perfvt(&format!("{verb} nowhere")).refuses("reading nowhere: No such file");
        place.perfvt(&format!("{verb} empty")).refuses("empty is empty");
        place.perfvt(verb).refuses("<DIR>");
        place.perfvt(&format!("{verb} X/base")).is(0, "size=64/trans.rate", "");
        place.perfvt(&format!("{verb} base --only size=65")).refuses("no row is left by --only size=65");
        place.perfvt(&format!("{verb} base --metric thruput")).refuses("--metric thruput");
        place.perfvt(&format!("{verb} base --workload netpref")).refuses("has no section");
        place.perfvt(&format!("{verb} base --format csv")).refuses("possible values: text, json");
    }
    let run = place.perfvt("show base --metric throughput --only size=64");
    assert!(run.out.contains("size=64,") && !run.out.contains("size=1024") && !run.out.contains("/CPU"));
}

#[test]
fn a_side_without_a_value_is_shown_with_its_reasons() {
    let place = Place::two_sides();
    place.run_dir("dead", "e1000", 1000.0);
    for repeat in 1..=3 {
        let file = format!("dead/repeat{repeat}.default.netperf.host_guest/measurements.jsonl");
        let mut line: Value =
            serde_json::from_str(fs::read_to_string(place.path(&file)).unwrap().lines().next().unwrap())
                .unwrap();
        line.as_object_mut().unwrap().remove("value");
        line["invalid"] = json!({"reason": "the guest did not boot"});
        place.write(&file, format!("{line}\n"));
    }
    place.perfvt("show dead").is(3, "the guest did not boot", "");
    place.perfvt("show dead --format json").is(3, "\"n\":0", "");
    place.perfvt("plan dead").is(3, "n/a", "");
    place.perfvt("calibrate dead base --output noise.json").refuses("values that vary in two sessions");
    assert!(!place.path("noise.json").exists());
}

#[test]
fn plan_counts_the_boots_that_an_effect_needs() {
    let place = Place::two_sides();
    let run = place.perfvt("plan base --effect 10%");
    run.is(0, "how often the verdict finds a change of 10%, simulated", "");
    assert!(
        run.out.contains("4 primary rows decided together at alpha 0.04; by Welch's test"),
        "{}",
        run.out
    );
    let row = line(&run, "size=64,sessions=1/throughput");
    assert_eq!(row[1..3], ["4", "1.7%"]);
    let boots = |words: &str| {
        let plan = place.perfvt(&format!("plan base --format json {words}")).json();
        assert_eq!(plan["rows"][0]["id"], ROW);
        let end = |end: &str| plan["rows"][0]["boots"][end].as_u64();
        (end("low"), end("high"))
    };
    let (low, high) = boots("--effect 10%");
    assert!(
        low < high && (2..=4).contains(&low.unwrap()) && (3..=8).contains(&high.unwrap()),
        "{low:?} {high:?}"
    );
    assert_eq!(boots("--effect 0.1"), (low, high));
    assert!(boots("--effect 10% --alpha 0.001").1 > high && boots("--effect 7%").1 > high);
    // No number of boots decides what lies within the band of 5 %.
    assert_eq!(boots("--effect 5%"), (None, None));
    // Without an effect twice each metric's own; with more boots more is found.
    let power = |words: &str| {
        let plan = place.perfvt(&format!("plan base --format json {words}")).json();
        assert_eq!(plan["rows"][0]["effect"], 0.1);
        plan["rows"][0]["power"]["low"].as_f64().unwrap()
    };
    assert!(power("--boots 3") < power("") && power("") < power("--boots 8"));
    for (words, said) in [
        ("--effect 5", "--effect 5: want a change above 0, 10% or 0.1"),
        ("--effect 0%", "want a change above 0"),
        ("--effect=-5%", "want a change above 0"),
        ("--effect nan", "want a change above 0"),
        ("--effect much", "want a change above 0"),
        ("--alpha 5", "want a number between 0 and 1"),
        ("--boots 1", "boots = 1: want a number from 2 to 1000"),
        ("--boots 1001", "boots = 1001: want"),
    ] {
        place.perfvt(&format!("plan base {words}")).refuses(said);
    }
}

#[test]
fn plan_says_what_to_add() {
    let place = Place::two_sides();
    place.run_dir("head", "e1000", 1000.0);
    assert_eq!(line(&place.perfvt("plan head --all"), "size=64/trans.rate").last(), Some(&"iterations"));
    let constant = place.perfvt("plan base --all");
    constant.is(0, "size=64,sessions=1/CPU", "");
    assert!(constant.out.contains("nothing, it does not vary"), "{}", constant.out);
    place.side("once", 1000.0, 1);
    place.perfvt("plan once").is(3, "n/a", "");
}

#[test]
fn explain_gives_values_with_places_and_numbers_with_formulas() {
    let place = Place::two_sides();
    for row in [ROW, "size=64,sessions=1/throughput", "TCP_STREAM/size=64,sessions=1/through"] {
        let run = place.perfvt(&format!("explain base slow {row}"));
        run.is(0, "REGRESSED, beyond the band\n", "");
        for part in [
            "slow/repeat3/netperf-result.1700000003.RHS:4",
            "mean of ln(values)",
            "sqrt(SD A^2/nA + SD B^2/nB)",
            "P(|T| >= |t|) with df",
            "How the verdict was reached",
        ] {
            assert!(run.out.contains(part), "{part}: {}", run.out);
        }
    }
    let all = place.perfvt(&format!("explain base slow {ROW} --format json")).json();
    assert_eq!((&all["row"]["id"], &all["row"]["verdict"]), (&json!(ROW), &json!("REGRESSED")));
    let step = |name: &str| {
        let steps = all["steps"].as_array().unwrap();
        steps.iter().find(|s| s["name"] == name).unwrap()["value"].as_f64().unwrap()
    };
    // Both sides vary alike about levels of 1000 and 700.
    assert!((step("estimate") - 0.7_f64.ln()).abs() < 1e-6);
    assert!((step("estimate") / step("SE") - step("t")).abs() < 1e-9);
    assert!((step("band") - 1.05_f64.ln()).abs() < 1e-12);
    let source = &all["row"]["b"]["sources"][2];
    let file = &all["files"][source[0].as_u64().unwrap() as usize];
    assert_eq!((file, &source[1]), (&json!("slow/repeat3/netperf-result.1700000003.RHS"), &json!(4)));
    // Flags of the comparison decide here too.
    place.perfvt(&format!("explain base slow {ROW} --test student")).is(0, "pooled SD", "");
}

#[test]
fn explain_refuses_rows_that_are_none_or_several() {
    let place = Place::two_sides();
    for (words, said) in [
        (
            "base slow throughput",
            "'throughput' is a part of 2 rows; name one of them: netperf/TCP_STREAM/size=",
        ),
        ("base slow size=65", "no row is called 'size=65'"),
        ("base slow", "'slow' is a file or directory, and no row was given: perfvt explain A B ROW"),
        ("base size=64,sessions=1/throughput", "base is one side"),
        ("base", "<ROW>"),
        ("", "<DIR>"),
        ("base nowhere size=64", "reading nowhere"),
    ] {
        place.perfvt(&format!("explain {words}")).refuses(said);
    }
}

#[test]
fn explain_takes_the_name_that_a_campaign_shows_and_suggests_the_nearest_row() {
    let place = Place::two_sides();
    let explain = |row: &str| place.perfvt_words(&["explain", "base", "slow", row]);
    explain("netperf/TCP_STREAM (RX)/size=64,sessions=1/throughput").is(0, "REGRESSED", "");
    explain("netperf/TCP_STREAM (RX)/size=6").refuses("'netperf/TCP_STREAM/size=6' is a part of ");
    explain("netperf/TCP_STREAM/size=64,sessions=1/troughput")
        .refuses("did you mean 'netperf/TCP_STREAM/size=64,sessions=1/throughput'?");
}

#[test]
fn explain_names_the_missing_side_of_a_row() {
    let place = Place::two_sides();
    place.run_dir("head", "e1000", 1000.0);
    let run = place.perfvt("explain base head size=1024,sessions=1/throughput");
    run.is(0, "MISSING-B", "");
    place.perfvt("explain base head size=1024,sessions=1/throughput --format json").json();
}

#[test]
fn what_calibrate_says_of_sessions_is_a_part_of_every_error() {
    let place = Place::two_sides();
    for (name, level) in [("tue", 1100.0), ("wed", 900.0), ("thu", 1050.0), ("fri", 960.0)] {
        place.side(name, level, 4);
    }
    let run = place.perfvt("calibrate base tue wed thu fri --output noise.json");
    run.is(0, "written: noise.json", "");
    assert!(run.out.contains("sessions of one build differ by an SD of 5."), "{}", run.out);
    let file: Value = serde_json::from_slice(&fs::read(place.path("noise.json")).unwrap()).unwrap();
    let sessions = &file["session"];
    assert!(file["rows"][0]["id"] == ROW && sessions["sessions"] == 5 && sessions["rows"] == 4, "{file}");
    assert_eq!(place.perfvt("calibrate base tue wed thu fri").json(), file, "standard output has the same");

    let compare = "compare base slow --format json --fail-on regression";
    place.perfvt(compare).is(1, "", "");
    let quiet = place.perfvt(&format!("{compare} --noise noise.json"));
    quiet.is(0, "", "");
    let quiet = quiet.json();
    assert!(quiet["rows"][0]["verdict"] == "INCONCLUSIVE", "{}", quiet["rows"][0]["verdict"]);
    assert_eq!(quiet["rows"][0]["min_effect"].as_f64(), Some(0.05), "the band is what it was");
    let variance = 2.0 * sessions["tau2"].as_f64().unwrap();
    assert!((quiet["rows"][0]["session"]["variance"].as_f64().unwrap() - variance).abs() < 1e-12);
    let command = quiet["method"]["command"].as_array().unwrap();
    assert!(command.contains(&json!("--noise")) && command.contains(&json!("noise.json")), "{command:?}");
    place.perfvt(&format!("explain base slow {ROW} --noise noise.json")).is(0, "variance of sessions", "");
}

#[test]
fn calibrate_refuses_one_session_and_shouts_at_two() {
    let place = Place::two_sides();
    place.perfvt("calibrate base").refuses("1 directory of one session");
    place.perfvt("calibrate base nowhere").refuses("reading nowhere");
    place.perfvt("calibrate").refuses("<DIR>");
    place.perfvt("calibrate base slow").is(0, "\"sessions\": 2", "warning: TWO SESSIONS");
    let no_folder = "there is no folder no, make it first: mkdir -p no";
    place.perfvt("calibrate base slow --output no/noise.json").is(2, "", no_folder);
    place.perfvt("compare base slow --no-html --output badge=no/badge.svg").is(2, "", no_folder);
}

#[test]
fn a_plan_takes_one_side_or_two_and_no_more() {
    let place = Place::two_sides();
    place.perfvt("plan base slow").is(0, "", "");
    place.perfvt("plan base slow base").refuses("of one result or of two, and 3 were given");
    place.perfvt("help badge").is(0, "--output badge=badge.svg", "");
}

#[test]
fn the_classic_table_tells_what_speaks_against_the_sides_beside_it() {
    let place = Place::two_sides();
    let old = |qemu: &str, l: u32| {
        format!(
            "### kvm-userspace-ver : {qemu}\n### session-length : {l}\nCategory:TCP_STREAM (RX)\n\
             size|sessions|throughput|CPU\n64|1|100.0|40.0\n"
        )
    };
    for (side, l) in [("then", 60), ("now", 10)] {
        for repeat in 1..3 {
            place.write(&format!("{side}/{repeat}/netperf.RHS"), old("qemu-7.2", l));
        }
    }
    let run = place.perfvt("compare then now --format classic");
    run.is(0, "Category:TCP_STREAM", "warning: not-comparable: then and now were not measured alike");
    assert!(run.err.contains("warning: not-interleaved: "), "{}", run.err);
}

#[test]
fn calibrate_refuses_several_builds() {
    let place = Place::two_sides();
    place.run_dir("old", "virtio", 1000.0);
    place.run_dir("new", "e1000", 1000.0);
    place.run_dir("old2", "virtio", 1100.0);
    place.run_dir("old3", "virtio", 950.0);
    place
        .perfvt("calibrate old new")
        .refuses("more than one build: param.nic_model (old: 'virtio', new: 'e1000')");
    place.perfvt("calibrate old new --force").is(0, "", "NOT ONE BUILD: param.nic_model");
    assert_eq!(place.perfvt("calibrate old old2 old3").err, "");
}

#[test]
fn files_that_say_nothing_of_sessions_are_refused() {
    let place = Place::two_sides();
    place.write("text.json", "throughput 5%\n");
    place.write("other.json", "{\"format\": 2}");
    place.write("newer.json", "{\"format\": 9}");
    let session =
        json!({"tau2": -0.1, "df": 4.0, "sigma2": 0.1, "sigma2_df": 4.0, "n": 4.0, "sessions": 3, "rows": 1});
    let bad = json!({"format": 2, "perfvt": "0.1.0", "sources": [], "warnings": [], "rows": [], "session": session});
    place.write("bad.json", bad.to_string());
    for (file, said) in [
        ("none.json", "reading none.json: No such file"),
        ("base", "reading base"),
        ("text.json", "text.json"),
        ("other.json", "missing field"),
        ("newer.json", "newer.json"),
        ("bad.json", "want 0 or more"),
    ] {
        place.perfvt(&format!("compare base slow --noise {file}")).refuses(said);
    }
}

#[test]
fn known_changes_are_listed_and_do_not_gate() {
    let place = Place::two_sides();
    let compare = "compare base slow --no-html --fail-on regression --expect known";
    let line = |verdict: &str, until: &str| {
        format!("# ours\nnetperf/*/size=64,*/thr* | {verdict} | until {until} | mitigation X\n")
    };
    place.write("known", line("REGRESSED", "2999-12-31"));
    let run = place.perfvt(compare);
    run.is(0, "Known changes, which do not gate", "");
    assert!(run.out.contains("known until 2999-12-31: mitigation X (known:2)"), "{}", run.out);
    let json = place.perfvt(&format!("{compare} --format json")).json();
    assert_eq!(json["rows"][0]["expected"]["reason"], "mitigation X");
    let junit = place.perfvt(&format!("{compare} --format junit"));
    junit.is(0, "failures=\"0\"", "");
    assert!(junit.out.contains("mitigation X"), "{}", junit.out);

    place.write("known", line("REGRESSED", "2020-01-01"));
    place.perfvt(compare).is(1, "expired", "");
    place.write("known", line("IMPROVED", "2999-12-31"));
    place.perfvt(compare).is(1, "met by nothing", "");
    place.write("known", line("WORSE", "2999-12-31"));
    place.perfvt(compare).refuses("known:2: 'WORSE' is no verdict");
    // Missing rows count whatever their role, known or not.
    place.write("known", "netperf/*/size=1024,* | MISSING-B | until 2999-12-31 | no longer measured\n");
    place.side_of("less", 1000.0, 4, |text| {
        text.lines().filter(|l| !l.contains("1024|")).collect::<Vec<_>>().join("\n") + "\n"
    });
    place.perfvt("compare base less --no-html --fail-on missing").is(1, "MISSING-B", "");
    place.perfvt("compare base less --no-html --fail-on missing --expect known").is(
        0,
        "no longer measured",
        "",
    );
    // What is shown does not change what gates.
    let filtered = "compare base less --no-html --fail-on missing --expect known --only size=64";
    place.perfvt(filtered).is(0, "", "");
    place.perfvt("compare base less --no-html --fail-on regression,missing").is(1, "", "");
    fs::remove_file(place.path("known")).unwrap();
    place.perfvt(compare).refuses("reading known");
}

#[test]
fn baselines_are_pooled() {
    let place = Place::two_sides();
    place.side("older", 1000.0, 3);
    place.side("oldest", 1000.0, 2);
    let n = |words: &str| {
        let all = place.perfvt(&format!("compare {words} --format json")).json();
        (all["rows"][0]["a"]["n"].as_u64().unwrap(), all["rows"][0]["b"]["n"].as_u64().unwrap())
    };
    assert_eq!(n("base slow"), (4, 4));
    assert_eq!(n("base slow --baseline-from older oldest"), (9, 4));
    assert_eq!(n("base slow --baseline-from older --baseline-from oldest"), (9, 4));
    place.perfvt("compare base slow --baseline-from nowhere").refuses("reading nowhere");
    place.perfvt("compare --baseline-from older base slow").refuses("<DIR>");
    place.perfvt(&format!("explain base slow {ROW} --baseline-from older")).is(0, "older/repeat3", "");
}
