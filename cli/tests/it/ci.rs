//! The parts for CI in the folder ci: their scripts do what they say, and their files hand no foreign text to a shell.

use crate::support::text;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci").canonicalize().unwrap()
}

/// Runs a script as a job does on a machine that has nothing but perfvt: no variables, another folder, another home.
fn job(at: &Path, script: &str, arguments: &[&str]) -> Output {
    let mut job = Command::new(folder().join(script));
    job.args(arguments).current_dir(at).env_clear();
    job.env("PATH", "/usr/bin:/bin").env("HOME", at).env("PERFVT", env!("CARGO_BIN_EXE_perfvt"));
    job.output().unwrap()
}

fn table(path: &Path, build: f64) {
    let mut text = "case,metric,repeat,value\n".to_owned();
    for repeat in 0..6 {
        let noise = 1.0 + 0.001 * f64::from(repeat);
        text += &format!(
            "build,throughput,{repeat},{}\n@someone,throughput,{repeat},{}\n",
            build * noise,
            12.0 * noise
        );
    }
    fs::write(path, text).unwrap();
}

#[test]
fn a_job_compares_keeps_what_people_read_and_fails_by_the_gate() {
    let at = tempfile::tempdir().unwrap();
    fs::write(at.path().join("perf.conf"), "[csv]\nmetric.throughput = MB/s higher primary log\n").unwrap();
    table(&at.path().join("old.csv"), 88.0);
    table(&at.path().join("new.csv"), 70.0);
    let compared = job(at.path(), "compare.sh", &["old.csv", "new.csv", "out"]);
    assert!(compared.status.success(), "{}", text(&compared.stderr));
    let read = |name: &str| fs::read_to_string(at.path().join("out").join(name)).unwrap();
    assert_eq!(read("code"), "1\n");
    assert!(read("page.html").contains("REGRESSED") && read("perfvt.xml").contains("<failure"));
    assert!(read("badge.svg").contains("<title>perfvt: gate failed</title>"));
    let comment = read("comment.md");
    assert!(comment.contains("REGRESSED") && !comment.contains("@someone"), "{comment}");
    let gate = |arguments: &[&str]| job(at.path(), "gate.sh", arguments).status.code();
    assert_eq!((gate(&["out"]), gate(&["out", "pass"])), (Some(1), Some(1)));
    let same = job(at.path(), "compare.sh", &["old.csv", "old.csv", "same"]);
    assert!(same.status.success() && gate(&["same"]) == Some(0), "{}", text(&same.stderr));
    let absent = job(at.path(), "compare.sh", &["old.csv", "gone.csv", "none"]);
    assert_eq!((absent.status.code(), gate(&["none"])), (Some(2), Some(1)), "{}", text(&absent.stderr));
    assert!(!at.path().join("none/page.html").exists());
    // What is gone fails, and further options reach the comparison; what an earlier one has left goes.
    let old = fs::read_to_string(at.path().join("old.csv")).unwrap();
    let part: String =
        old.lines().filter(|line| !line.starts_with('@')).map(|line| format!("{line}\n")).collect();
    fs::write(at.path().join("part.csv"), part).unwrap();
    assert!(job(at.path(), "compare.sh", &["old.csv", "part.csv", "out"]).status.success());
    assert_eq!((read("code").as_str(), gate(&["out"])), ("1\n", Some(1)));
    let words = ["old.csv", "new.csv", "out", "regression", "--alpha", "0.01"];
    assert!(job(at.path(), "compare.sh", &words).status.success());
    assert!(read("comment.md").contains("alpha 0.01"), "{}", read("comment.md"));
    assert_eq!(job(at.path(), "compare.sh", &["old.csv", "gone.csv", "out"]).status.code(), Some(2));
    assert!(!at.path().join("out/comment.md").exists());
    let never = job(at.path(), "gate.sh", &["nowhere"]);
    assert!(never.status.code() == Some(2) && text(&never.stderr).contains("run ci/compare.sh first"));
    // Nothing in common: whether that fails a job is the job's choice.
    fs::write(at.path().join("other.csv"), "case,metric,repeat,value\nx,latency,1,2\nx,latency,2,2\n")
        .unwrap();
    let nothing = job(at.path(), "compare.sh", &["old.csv", "other.csv", "nothing"]);
    assert!(nothing.status.success(), "{}", text(&nothing.stderr));
    assert_eq!((gate(&["nothing"]), gate(&["nothing", "pass"])), (Some(1), Some(0)));
}

#[test]
fn no_file_for_ci_hands_foreign_text_to_a_shell_or_trusts_a_pull_request() {
    let files = walkdir::WalkDir::new(folder()).into_iter().map(|entry| entry.unwrap().into_path());
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "yml")).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        assert!(!code.iter().any(|line| line.contains("pull_request_target")), "{}", file.display());
        // An expression in a script is replaced before the shell reads it: whatever it holds is then part of the program.
        let indent = |line: &str| line.len() - line.trim_start().len();
        let mut script = None;
        for line in code {
            if script.is_some_and(|depth| !line.trim().is_empty() && indent(line) <= depth) {
                script = None;
            }
            if line.trim_start().trim_start_matches("- ").starts_with("run:") {
                script = Some(indent(line));
            }
            assert!(script.is_none() || !line.contains("${{"), "{}: {line}", file.display());
        }
    }
}
