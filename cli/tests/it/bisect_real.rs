//! `perfvt ab` and `perfvt bisect` with real guests: a repository whose build wraps the distribution's QEMU, and whose commits
//! make it slower by an option. They take minutes, and belong to the soak.

use crate::support;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use support::{apart, output, packages_for, ready, text};
use tempfile::TempDir;

/// Packets wait up to 20 ms: transactions get slower by much more than a busy host makes them differ.
const SLOW: &str = "-object filter-buffer,id=slow,netdev=net0,interval=20000";

/// A range `c0` to `cN` of wrappers, in a folder with a cache of its own.
struct Wrapped {
    dir: TempDir,
}

impl Wrapped {
    fn new(last: usize, culprit: usize, unbuildable: &[usize]) -> Wrapped {
        let wrapped = Wrapped { dir: tempfile::tempdir().unwrap() };
        packages_for(&wrapped.path().join("cache"));
        fs::create_dir(wrapped.path().join("repo")).unwrap();
        wrapped.git(&["init", "-q"]);
        let build = "#!/bin/sh\nset -e\ngrep -q WRAPPER qemu\nmkdir -p \"$PERFVT_OUT/bin\"\ncp qemu \"$PERFVT_OUT/bin/qemu\"\n";
        wrapped.script("build.sh", build);
        let qemu = format!("qemu-system-{}", std::env::consts::ARCH);
        for at in 0..=last {
            let slow = if at >= culprit { SLOW } else { "" };
            let mark = if unbuildable.contains(&at) { "" } else { "WRAPPER" };
            wrapped.script("repo/qemu", &format!("#!/bin/sh\n# {mark} {at}\nexec {qemu} \"$@\" {slow}\n"));
            wrapped.git(&["add", "-A"]);
            wrapped.git(&["commit", "-q", "-m", &format!("c{at}")]);
            wrapped.git(&["tag", &format!("c{at}")]);
        }
        wrapped
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn script(&self, name: &str, content: &str) {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.path().join("repo"));
        let done = output(git.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args));
        assert!(done.status.success(), "{}", text(&done.stderr));
    }

    fn run(&self, verb: &str, range: &str, more: &[&str]) -> Output {
        let mut command = apart();
        command.current_dir(self.path()).env("XDG_CACHE_HOME", self.path().join("cache"));
        command.args([verb, range, "netperf", "--allow-unpinned", "--noise", "off", "--profile", "quick"]);
        command.args(["--repo", "repo", "--script", "build.sh", "--product", "bin/qemu"]);
        for set in ["protocols=TCP_RR", "sizes_rr=64", "sessions_rr=1", "l=2", "latency_probe=no"] {
            command.args(["--set", set]);
        }
        output(command.args(more))
    }
}

#[test]
#[ignore = "soak: minutes of real guests"]
fn two_wrapped_builds_are_compared_in_real_guests() {
    let Some(_turn) = ready() else { return };
    let wrapped = Wrapped::new(2, 2, &[]);
    let done = wrapped.run("ab", "c0..c2", &["--repeat", "6", "--fail-on", "regression", "--out", "ab"]);
    let said = format!("{}{}", text(&done.stdout), text(&done.stderr));
    assert_eq!(done.status.code(), Some(1), "{said}");
    let run = fs::read_to_string(wrapped.path().join("ab/campaign/c2/run.json")).unwrap();
    let run: Value = serde_json::from_str(&run).unwrap();
    assert!(run["fingerprint"]["qemu.build.commit"].is_string(), "{run}");
    println!("{said}");
}

/// One bisection; gives what it told.
fn bisected(last: usize, culprit: usize) -> Value {
    let after = [culprit + 1, culprit + 2];
    let wrapped = Wrapped::new(last, culprit, after.as_slice());
    let range = format!("c0..c{last}");
    let done = wrapped.run("bisect", &range, &["--row", "trans.rate", "--out", "b", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stdout), text(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    println!("{} boots, {} builds, {} s", told["boots"], told["builds"], told["seconds"]);
    told
}

#[test]
#[ignore = "soak: minutes of real guests"]
fn a_planted_effect_is_found_among_8_commits_in_real_guests() {
    let Some(_turn) = ready() else { return };
    assert_eq!(bisected(8, 3)["likeliest"].as_u64(), Some(3));
}

#[test]
#[ignore = "soak: an hour of real guests"]
fn a_planted_effect_is_found_among_64_commits_in_real_guests_5_times() {
    let Some(_turn) = ready() else { return };
    for culprit in [7, 20, 33, 46, 59] {
        assert_eq!(bisected(64, culprit)["likeliest"].as_u64(), Some(culprit as u64));
    }
}
