//! `perfvt ab` and `perfvt bisect` with real guests: a repository whose build wraps the distribution's QEMU, and whose commits
//! make it slower by an option. They take minutes, and belong to the soak.

use crate::support;

use formats::journal::{Entry, write_entry};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
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
        output(self.command(verb, range).args(more))
    }

    fn command(&self, verb: &str, range: &str) -> Command {
        let mut command = apart();
        command.current_dir(self.path()).env("XDG_CACHE_HOME", self.path().join("cache"));
        command.args([verb, range, "netperf", "--allow-unpinned", "--noise", "off", "--profile", "quick"]);
        command.args(["--repo", "repo", "--script", "build.sh", "--product", "bin/qemu"]);
        for set in ["protocols=TCP_RR", "sizes_rr=64", "sessions_rr=1", "l=2", "latency_probe=no"] {
            command.args(["--set", set]);
        }
        command
    }

    /// Lets a bisection go on until its journal has an event of this type behind those that it had, and interrupts it then.
    fn until(&self, event: &str, range: &str, more: &[&str]) {
        let count = |what: &str| self.events().iter().filter(|entry| entry.event["type"] == what).count();
        let had = count(event);
        let log = fs::File::create(self.path().join("log")).unwrap();
        let mut command = self.command("bisect", range);
        command.args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        while count(event) == had {
            let ended = child.try_wait().unwrap();
            let log = || fs::read_to_string(self.path().join("log")).unwrap();
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "{event}: {ended:?}: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        child.wait().unwrap();
    }

    /// Events of the journal so far; none while there is no journal. The last line may be half a line.
    fn events(&self) -> Vec<Entry<Value>> {
        let text = fs::read_to_string(self.path().join("b/journal.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// How long a few boots may take beside whatever else a machine does.
const PATIENCE: Duration = Duration::from_secs(600);

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
#[ignore = "soak: five boots of real guests"]
fn a_planted_effect_is_found_beside_a_commit_that_does_not_build_in_real_guests() {
    let Some(_turn) = ready() else { return };
    let wrapped = Wrapped::new(4, 2, &[3]);
    let more = ["--row", "trans.rate", "--out", "b"];
    wrapped.until("measured", "c0..c4", &more);
    // One round of both ends was measured. The rule wants five; the others differ from it by thousandths here, and take no boots.
    let events = wrapped.events();
    let measured = events.iter().find(|entry| entry.event["type"] == "measured").unwrap();
    let mut text = String::new();
    for again in 1..=4_u64 {
        let mut event = measured.event.clone();
        for (at, value) in event["values"].as_array_mut().unwrap().iter_mut().enumerate() {
            let nudge = ((again * 7 + at as u64 * 3) % 5) as f64 / 1000.0;
            value["value"] = (value["value"].as_f64().unwrap() + nudge).into();
        }
        let began =
            serde_json::json!({"type": "began", "commits": [0, 4], "folder": format!("rounds/again{again}")});
        for (at, event) in [began, event].into_iter().enumerate() {
            let seq = events.len() as u64 + 2 * again - 1 + at as u64;
            text += &write_entry(&Entry { seq, unix_ns: measured.unix_ns, event }).unwrap();
        }
    }
    let journal = wrapped.path().join("b/journal.jsonl");
    fs::write(&journal, fs::read_to_string(&journal).unwrap() + &text).unwrap();
    // The commits in between are real, up to the final comparison, whose ten boots are the soak's.
    wrapped.until("judging", "c0..c4", &more);
    let told: Value =
        serde_json::from_slice(&fs::read(wrapped.path().join("b/result.json")).unwrap()).unwrap();
    assert_eq!(
        (told["outcome"].as_str(), told["likeliest"].as_u64()),
        (Some("unfinished"), Some(2)),
        "{told}"
    );
    assert!(
        told["commits"][2]["share"].as_f64().unwrap() >= 0.95 && told["change"].as_f64().unwrap() < -0.3,
        "{told}"
    );
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
