//! What tests with real guests share. Each test file uses a part of it.
#![allow(dead_code)]

pub mod bootable;
pub mod campaigns;
pub mod console;
pub mod farm;
pub mod hosts;
pub mod pretended;
pub mod project;
pub mod quick;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

pub fn perfvt() -> Command {
    Command::new(env!("CARGO_BIN_EXE_perfvt"))
}

/// Gives the program behind it a sysfs of its own: locks on host CPUs are locks on directories there. sysfs belongs to a
/// network namespace, so it is mounted from a new one; the program itself stays in the old one.
const APART: &str = "unshare --net mount -t sysfs sysfs /sys && exec \"$0\" \"$@\"";

fn apart_from_others(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", APART, program]);
    command
}

/// Whether this machine lets campaigns run beside one another, as it lets root.
fn can_be_apart() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| output(&mut apart_from_others("true")).status.success())
}

/// perfvt that measures beside other campaigns, which no user's perfvt would: what it measures is worth little then, what it
/// does is the same. It sees no network devices in sysfs. For tests that are [`beside`] others.
pub fn apart() -> Command {
    if can_be_apart() { apart_from_others(env!("CARGO_BIN_EXE_perfvt")) } else { perfvt() }
}

/// The right to run guests while no other test does. Says why when the parts of a guest are missing.
pub fn ready() -> Option<testing::Turn> {
    if !testing::may_boot() {
        return None;
    }
    let turn = testing::alone();
    has_guests().then_some(turn)
}

/// The right to run campaigns whose guests pretend, which take no guest's part.
pub fn pretending() -> testing::Turn {
    if can_be_apart() { testing::busy() } else { testing::alone() }
}

/// The same beside other tests that may be beside others, with [`apart`] instead of [`perfvt`] for what measures.
pub fn beside() -> Option<testing::Turn> {
    if !testing::may_boot() {
        return None;
    }
    let turn = pretending();
    has_guests().then_some(turn)
}

/// Whether the parts of a guest are here; says why not.
pub fn has_guests() -> bool {
    static MISSING: OnceLock<bool> = OnceLock::new();
    let missing = *MISSING.get_or_init(|| {
        let doctor = perfvt().args(["doctor", "--json"]).output().unwrap();
        let checks: Value = serde_json::from_slice(&doctor.stdout).unwrap();
        let missing = |name: &str| {
            checks.as_array().unwrap().iter().any(|c| c["name"] == name && c["standing"] == "missing")
        };
        ["QEMU", "guest image", "netperf"].iter().any(|n| missing(n))
    });
    if missing {
        testing::skip("QEMU, netperf or the parts of the guest are missing; `make setup` gets them");
    }
    !missing
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
