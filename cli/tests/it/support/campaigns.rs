//! Short campaigns of two environments in real guests, started as a terminal starts them, and what is left of them.

use super::text;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A cell takes about two seconds: one stream and one request case of a second each.
pub const QUICK: [&str; 10] = [
    "--set",
    "protocols=TCP_STREAM,TCP_RR",
    "--set",
    "sizes=16384",
    "--set",
    "sessions=1",
    "--set",
    "sizes_rr=64",
    "--set",
    "l=1",
];

pub fn run_args(out: &Path, repeat: &str) -> Vec<String> {
    let mut args: Vec<String> =
        ["run", "netperf", "--env", "base", "--env", "head:nic_model=e1000"].map(String::from).into();
    args.extend(QUICK.map(String::from));
    args.extend(
        ["--set", "sessions_rr=1", "--repeat", repeat, "--allow-unpinned", "--out"].map(String::from),
    );
    args.push(out.display().to_string());
    args
}

/// Processes whose command line or environment of file names mentions a path.
pub fn processes_that_mention(path: &Path) -> Vec<String> {
    let wanted = path.to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let command_line =
            text(&fs::read(entry.path().join("cmdline")).unwrap_or_default()).replace('\0', " ");
        if pid != std::process::id() && command_line.contains(wanted) {
            found.push(format!("{pid}: {command_line}"));
        }
    }
    found
}

pub fn wait_until(seconds: u64, what: &str, mut reached: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while !reached() {
        assert!(Instant::now() < until, "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// perfvt as a terminal starts it: whoever runs the tests in the background ignores SIGINT, and children inherit that.
pub fn as_from_a_terminal() -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_perfvt")]);
    command
}

/// A perfvt that does not outlive a test that fails: it would hold the CPUs that the other tests need.
pub struct Started(pub Child);

impl Deref for Started {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn start(out: &Path, repeat: &str) -> Started {
    let mut command = as_from_a_terminal();
    command.args(run_args(out, repeat)).stdout(Stdio::null()).stderr(Stdio::null());
    Started(command.spawn().unwrap())
}

pub fn finished_cases(out: &Path) -> usize {
    let journal = fs::read_to_string(out.join("journal.jsonl")).unwrap_or_default();
    journal.matches("\"case_finished\"").count()
}

pub fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success()
    );
}

/// A process and everything that it has started, QEMU and clients included, which are in process groups of their own. What
/// runs in a guest that pretends would be no process of this host in a real one.
fn family(of: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, parent))
        })
        .collect();
    let pretends =
        |pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm == "fake-qemu\n");
    let mut all = vec![of];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        if pretends(parent) {
            at += 1;
            continue;
        }
        all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        at += 1;
    }
    all
}

/// Signals a job as a batch system does that takes it back: every process of it, in any order, some of them a moment later.
pub fn signal_job(child: &Child, name: &str, rng: &mut stats::SplitMix64) {
    let mut all = family(child.id());
    rng.shuffle(&mut all);
    for pid in all {
        // Some end by themselves, or with perfvt.
        let kill = ["-s", name, &pid.to_string()].map(str::to_owned);
        let _ = Command::new("kill").args(kill).stderr(Stdio::null()).status().unwrap();
        std::thread::sleep(Duration::from_millis([0, 0, 0, 120][(rng.next_u64() % 4) as usize]));
    }
}

/// No boot has failed, and every value is of the first attempt.
pub fn assert_no_attempt_was_burnt(out: &Path) {
    let journal = fs::read_to_string(out.join("journal.jsonl")).unwrap();
    assert!(!journal.contains("\"boot_failed\""), "{journal}");
    let values = super::measurements(out);
    assert!(values.iter().all(|m| m["attempt"] == 1 && m["value"].is_number()), "{values:?}");
}
