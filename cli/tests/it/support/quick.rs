//! A workload in its quick profile, in one real guest, and what came of it.

use super::{apart, files, measurements, output, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// One boot of a workload in its quick profile. Gives the campaign's directory.
pub fn run(dir: &Path, workload: &str, sets: &[&str]) -> PathBuf {
    let (out, code, said) = try_to_run(dir, workload, sets);
    assert_eq!(code, 0, "{said}");
    out
}

/// The same where it may fail: the directory, the exit code, and what was said, reasons of invalid cells included.
pub fn try_to_run(dir: &Path, workload: &str, sets: &[&str]) -> (PathBuf, i32, String) {
    let out = dir.join(workload);
    let mut command = apart();
    command.args(["run", workload, "--profile", "quick", "--repeat", "1", "--allow-unpinned", "--out"]);
    command.arg(&out).current_dir(dir);
    for set in sets {
        command.args(["--set", set]);
    }
    let run = output(&mut command);
    let said = format!("{}{}\n{}", text(&run.stdout), text(&run.stderr), reasons(&out));
    (out, run.status.code().unwrap(), said)
}

/// Why cells are invalid, for the message of a failed test.
pub fn reasons(out: &Path) -> String {
    if !out.exists() {
        return String::new();
    }
    let reason = |m: &Value| Some(format!("{}: {}", m["case"], m["invalid"]["reason"].as_str()?));
    let mut all: Vec<String> = measurements(out).iter().filter_map(reason).collect();
    all.dedup();
    all.join("\n")
}

/// The value of a metric in the one case whose id contains a text.
pub fn value(all: &[Value], case: &str, metric: &str) -> f64 {
    let found: Vec<&Value> =
        all.iter().filter(|m| m["case"].as_str().unwrap().contains(case) && m["metric"] == metric).collect();
    assert_eq!(found.len(), 1, "{metric} of {case}: {found:?}");
    found[0]["value"].as_f64().unwrap_or_else(|| panic!("{}", found[0]))
}

/// A raw file of the case whose folder's name contains a text.
pub fn raw(out: &Path, case: &str, name: &str) -> String {
    let found: Vec<PathBuf> =
        files(out, name).into_iter().filter(|f| f.to_str().unwrap().contains(case)).collect();
    assert_eq!(found.len(), 1, "{name} of {case}: {found:?}");
    fs::read_to_string(&found[0]).unwrap()
}

/// The JSON behind what a tool has to note.
pub fn json(text: &str) -> Value {
    serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap()
}

pub fn near(what: &str, a: f64, b: f64, part: f64) {
    assert!((a / b - 1.0).abs() <= part, "{what}: {a} and {b} differ by more than {}", part);
}
