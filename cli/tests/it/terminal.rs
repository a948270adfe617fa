//! Nothing that comes from a guest, a file, a path or another user commands the operator's terminal.

use crate::support;

use perfvt::run;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use support::pretended::Pretended;
use support::{files, text};

/// Sets the title, colours the rest, is a C1 command, turns the line around, has no width.
const EVIL: &str = "x\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}2J\u{202e}y\u{200b}\u{2066}z";

/// Exit code, standard output and standard error of a command line.
fn said(words: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = std::iter::once("perfvt").chain(words.iter().copied()).map(OsString::from);
    let code = run(words, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn assert_harmless(words: &[&str]) -> (u8, String, String) {
    let (code, out, err) = said(words);
    for text in [&out, &err] {
        let found = text.chars().find(|c| edge::text::is_hidden(*c) && !matches!(c, '\n' | '\t'));
        assert_eq!(found, None, "{words:?} writes it: {text:?}");
    }
    (code, out, err)
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else if entry.path().extension().is_some_and(|e| e == "RHS" || e == "json" || e == "jsonl") {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A copy of a sample in whose files a text is replaced.
fn planted(dir: &Path, sample: &str, ending: &str, old: &str, new: &str) -> PathBuf {
    let to = dir.join(format!("{sample}-{EVIL}"));
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(sample), &to);
    let mut changed = 0;
    for entry in walkdir::WalkDir::new(&to).into_iter().map(Result::unwrap) {
        if entry.path().to_string_lossy().ends_with(ending) {
            let text = fs::read_to_string(entry.path()).unwrap();
            changed += usize::from(text.contains(old));
            fs::write(entry.path(), text.replace(old, new)).unwrap();
        }
    }
    assert!(changed > 0, "nothing in {sample} holds {old}");
    to
}

#[test]
fn names_of_classic_files_and_paths_are_shown_and_not_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let sides =
        ["virtio", "e1000"].map(|s| planted(dir.path(), s, ".RHS", "TCP_STREAM", &format!("TCP{EVIL}")));
    let [a, b] = [&sides[0], &sides[1]].map(|p| p.to_str().unwrap());
    let (_, out, _) = assert_harmless(&["compare", a, b, "--format", "classic", "--no-html"]);
    assert!(out.contains("TCPx\\u{1b}]0;owned\\u{7}"), "{out}");
    for format in ["text", "markdown", "csv", "junit", "json"] {
        assert_harmless(&["compare", a, b, "--format", format, "--no-html"]);
    }
    for verb in ["show", "status", "reparse"] {
        assert_harmless(&[verb, a]);
    }
    let absent = format!("{a}/{EVIL}");
    let (code, _, err) = assert_harmless(&["compare", &absent, b]);
    assert!(code == 2 && err.contains("\\u{202e}"), "{err}");
}

#[test]
fn what_a_result_says_of_itself_is_shown_and_reads_back_the_same_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let json = serde_json::to_string(EVIL).unwrap();
    let evil = json.trim_matches('"');
    let sides = ["virtio", "e1000"].map(|s| {
        planted(dir.path(), s, "run.json", "\"qemu.version\": \"", &format!("\"qemu.version\": \"{evil}"))
    });
    let [a, b] = [&sides[0], &sides[1]].map(|p| p.to_str().unwrap());
    for format in ["text", "markdown", "csv", "junit"] {
        assert_harmless(&["compare", a, b, "--format", format, "--no-html"]);
    }
    let (_, out, _) = assert_harmless(&["compare", a, b, "--format", "json", "--no-html"]);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(read.to_string().contains(evil), "the text is the same for a program");
    for verb in ["show", "explain", "plan"] {
        for json in [&["--json"][..], &[]] {
            assert_harmless(&[&[verb, a], json].concat());
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_quoted_and_not_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/virtio");
    let conf = file("perf.conf", format!("[netperf]\n{EVIL} = 1\n{EVIL}\n"));
    let expect = file("expect", format!("{EVIL}: {EVIL}\n"));
    let cfg = file("x.cfg", format!("variants:\n    - {EVIL}:\n  {EVIL} ~~ \n"));
    let csv = file("x.csv", format!("metric,value,unit\n{EVIL},1,{EVIL}\n{EVIL},x,\n"));
    assert_harmless(&["compare", sample, sample, "--config", &conf]);
    assert_harmless(&["compare", sample, sample, "--expect", &expect, "--no-html"]);
    assert_harmless(&["compare", sample, sample, "--noise", &expect, "--no-html"]);
    assert_harmless(&["list", "--config", &cfg]);
    assert_harmless(&["run", "netperf", "--config", &cfg, "--dry-run"]);
    assert_harmless(&["compare", &csv, &csv, "--no-html"]);
    assert_harmless(&[EVIL]);
    assert_harmless(&["run", EVIL, "--dry-run"]);
}

/// `--html /dev/null`, as root, must not take the device from the whole host; nor a result its own files.
#[test]
fn outputs_replace_no_device_and_no_file_of_what_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let side = dir.path().join("side");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/virtio"), &side);
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/e1000");
    let null = dir.path().join("null");
    std::os::unix::fs::symlink("/dev/null", &null).unwrap();
    let page = null.to_str().unwrap();
    let (code, _, err) = said(&[
        "compare",
        side.to_str().unwrap(),
        other,
        "--html",
        page,
        "--output",
        &format!("json={page}"),
    ]);
    assert_eq!(code, 0, "{err}");
    assert!(fs::symlink_metadata(&null).unwrap().is_symlink());
    let run = side.join("run.json");
    let before = fs::read(&run).unwrap();
    let inside = side.join("report.html");
    for (path, wanted) in [(&run, 2), (&inside, 0), (&inside, 0)] {
        let (code, _, err) =
            said(&["compare", side.to_str().unwrap(), other, "--html", path.to_str().unwrap()]);
        assert_eq!(code, wanted, "{}: {err}", path.display());
    }
    assert_eq!(fs::read(&run).unwrap(), before);
}

#[test]
fn progress_on_a_terminal_does_not_get_in_the_way() {
    let here = Pretended::new();
    let words = ["--env", "base", "--env", "head", "--repeat", "1", "--set", "command_cases=a b"];
    let run = here.on_terminal(&here.run("true", &words));
    let shown = text(&run.stdout);
    assert!(run.status.success() && shown.contains("4 cells valid, 0 invalid"), "{shown}");
    here.assert_nothing_left();
}

/// On a real terminal, where progress is drawn as well: only what perfvt itself draws goes there.
#[test]
fn a_guest_that_answers_with_a_megabyte_of_escape_sequences_writes_nothing_on_the_terminal() {
    let here = Pretended::new();
    let script = here.path().join("evil.sh");
    fs::write(&script, "#!/bin/sh\nyes \"$(printf '\\033]0;owned\\007\\033[2J')\" | head -c 1000000 | tee /dev/stderr\nexit 3\n")
        .unwrap();
    let (file, channel) = (format!("command_files={}", script.display()), here.extra("garbage-on-channel@3"));
    let envs = ["--env", "base", "--env", &format!("head:{channel}"), "--repeat", "1", "--set", "attempts=1"];
    let run = here.on_terminal(&here.run("/root/evil.sh", &[&envs[..], &["--set", &file]].concat()));
    let shown = text(&run.stdout);
    assert_eq!(run.status.code(), Some(4), "{shown}");
    assert!(shown.contains("owned\\u{7}"), "it is quoted: {shown}");
    assert!(shown.len() < 20_000, "{} bytes", shown.len());
    for sequence in ["\u{1b}]0;", "\u{7}", "\u{1b}[2J\u{7}"] {
        assert!(!shown.contains(sequence), "{shown:?}");
    }
    let raw = fs::read(&files(&here.out(), "command.txt")[0]).unwrap();
    assert_eq!((raw.len(), raw[0]), (1_000_000, 0x1b), "the raw output has it as it is");
    let kept = here.invalid("base").into_iter().chain(here.invalid("head"));
    let codes: Vec<String> = kept.map(|(code, _)| code).collect();
    assert_eq!(codes, ["tool-failed", "channel-broken"]);
    here.assert_nothing_left();
}
