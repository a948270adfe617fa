//! What tests with real guests share. Each test file uses a part of it.
#![allow(dead_code)]

pub mod bootable;
pub mod campaigns;
pub mod hosts;
pub mod quick;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Guests share two CPUs: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub fn perfvt() -> Command {
    Command::new(env!("CARGO_BIN_EXE_perfvt"))
}

/// Says why when the parts of a guest are missing.
pub fn ready(test: &str) -> Option<MutexGuard<'static, ()>> {
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let doctor = perfvt().args(["doctor", "--json"]).output().unwrap();
    let checks: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let missing = |name: &str| {
        checks.as_array().unwrap().iter().any(|c| c["name"] == name && c["standing"] == "missing")
    };
    if ["QEMU", "guest image", "netperf"].iter().any(|n| missing(n)) {
        eprintln!(
            "skipped {test}: QEMU, netperf or the parts of the guest are missing; `make setup` gets them"
        );
        return None;
    }
    Some(guard)
}

pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Files of every environment whose name ends so.
pub fn files(out: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub fn measurements(out: &Path) -> Vec<Value> {
    let lines = |path: PathBuf| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let end = lines.pop().unwrap();
        assert_eq!(end["end"]["lines"].as_u64(), Some(lines.len() as u64), "{end}");
        lines
    };
    files(out, "measurements.jsonl").into_iter().flat_map(lines).collect()
}

/// The user called nobody, on Debian and Ubuntu.
pub const NOBODY: u32 = 65_534;

/// The downloaded parts of guests, in a cache folder that another user can be given: that user cannot read root's.
pub fn packages_for(cache: &Path) {
    let own = Path::new(&std::env::var_os("HOME").unwrap()).join(".cache");
    let own = std::env::var_os("XDG_CACHE_HOME").map_or(own, PathBuf::from).join("perfvt/packages");
    let to = cache.join("perfvt");
    fs::create_dir_all(&to).unwrap();
    // Not by hard links: the other user may be made the owner.
    let copied = Command::new("cp").arg("-rL").arg(&own).arg(&to).status().unwrap();
    assert!(copied.success());
}
