#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
//! Real guests under QEMU, real netperf, and whatever can happen to perfvt meanwhile.
//!
//! Where the parts are missing (`make setup` gets them), each test says so and passes.

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::campaigns::*;
use support::{NOBODY, files, measurements, output, packages_for, perfvt, ready, text};

#[test]
fn two_environments_are_measured_in_real_guests_and_compared() {
    let Some(_guard) = ready("two_environments_are_measured_in_real_guests_and_compared") else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let run = output(perfvt().args(run_args(&out, "2")));
    assert!(run.status.success(), "{}", text(&run.stderr));
    for environment in ["base", "head"] {
        assert_eq!(files(&out.join(environment), ".RHS").len(), 2);
    }
    let all = measurements(&out);
    assert!(all.iter().all(|m| m["value"].is_number()), "{all:?}");
    for stream in all.iter().filter(|m| m["metric"] == "throughput") {
        let same = |m: &&Value| {
            m["boot"] == stream["boot"] && m["case"] == stream["case"] && m["metric"] == "rx_byts"
        };
        let bytes = all.iter().find(same).unwrap()["value"].as_f64().unwrap();
        let seconds = stream["window"]["len_ns"].as_f64().unwrap() * 1e-9;
        let ratio = bytes * 8.0 / 1e6 / seconds / stream["value"].as_f64().unwrap();
        assert!((0.85..1.2).contains(&ratio), "the guest received {ratio} of what netperf says it sent");
    }
    let refused = output(perfvt().args(run_args(&out, "2")));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("exists already"), "{}", text(&refused.stderr));

    let mut compare = perfvt();
    compare.current_dir(dir.path()).args(["compare", "X/base", "X/head"]);
    let compared = output(&mut compare);
    assert!(compared.status.success(), "{}{}", text(&compared.stdout), text(&compared.stderr));
    assert!(dir.path().join("report.html").exists());
    assert!(!text(&compared.stdout).contains("NaN"));
}

fn status(out: &Path) -> Value {
    let looked = output(perfvt().args(["status", "--json"]).arg(out));
    assert!(looked.status.success(), "{}", text(&looked.stderr));
    serde_json::from_slice(&looked.stdout).unwrap()
}

#[test]
fn a_running_campaign_is_seen_from_outside_keeps_others_away_and_ends_at_once_at_the_second_ctrl_c() {
    let Some(_guard) = ready("a_running_campaign_is_seen_from_outside") else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut child = start(&out, "1");
    let started =
        || fs::read_to_string(out.join("journal.jsonl")).unwrap_or_default().contains("boot_started");
    wait_until(120, "the first boot", started);
    let seen = status(&out);
    assert_eq!(
        (seen["state"].as_str(), seen["cells"]["planned"].as_u64()),
        (Some("running"), Some(4)),
        "{seen}"
    );
    assert!(seen["holder"].as_str().unwrap().contains(&format!("process {} of ", child.id())), "{seen}");
    assert!(["base", "head"].contains(&seen["current"]["environment"].as_str().unwrap()), "{seen}");

    let other = output(perfvt().args(run_args(&dir.path().join("Y"), "1")));
    assert_eq!(other.status.code(), Some(2));
    let said = text(&other.stderr);
    assert!(said.contains(&format!("is in use by process {} of ", child.id())), "{said}");
    assert!(!dir.path().join("Y").exists());
    let mut wait = as_from_a_terminal();
    wait.args(run_args(&dir.path().join("Z"), "1"))
        .arg("--wait")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut waiting = Started(wait.spawn().unwrap());
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting: host CPU") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it never waited");
    }
    // Whatever else it says must not block it.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));

    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(processes_that_mention(&out).is_empty());
    let seen = status(&out);
    let cells = (seen["cells"]["valid"].as_u64(), seen["cells"]["invalid"].as_u64());
    assert_eq!((seen["state"].as_str(), cells), (Some("interrupted"), (Some(0), Some(0))), "{seen}");
    let id = seen["campaign"].as_str().unwrap();
    let left = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let left: Vec<_> =
        left.map(|e| e.path()).filter(|p| p.to_str().is_some_and(|p| p.contains(id))).collect();
    assert!(left.is_empty(), "{left:?}");
    let log = output(perfvt().args(["status", "--log"]).arg(&out));
    assert!(text(&log.stdout).trim_end().ends_with("interrupted by SIGINT"), "{}", text(&log.stdout));
    assert!(fs::read_to_string(out.join("run.html")).unwrap().contains("interrupted: 0 of 4 cells valid"));

    // The one that waited has its turn now; SIGTERM ends it at once.
    let begun = || dir.path().join("Z/journal.jsonl").exists();
    wait_until(60, "the campaign that waited", begun);
    signal(&waiting, "TERM");
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_exits_with_130() {
    let Some(_guard) = ready("ctrl_c_keeps_what_is_finished_and_exits_with_130") else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut child = start(&out, "1");
    wait_until(120, "the first finished case", || finished_cases(&out) >= 1);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(processes_that_mention(&out).is_empty());
    assert!(fs::read_to_string(out.join("journal.jsonl")).unwrap().contains("\"interrupted\""));
    assert!(output(perfvt().arg("resume").arg(&out)).status.success());
    assert_eq!(files(&out, ".RHS").len(), 2);
}

#[test]
fn a_guest_that_panics_is_told_from_one_that_ends() {
    let Some(_guard) = ready("a_guest_that_panics_is_told_from_one_that_ends") else { return };
    let hello = output(perfvt().args(["guest", "shell", "--", "echo", "a b; $(id)"]));
    assert_eq!((text(&hello.stdout).as_str(), hello.status.code()), ("a b; $(id)\n", Some(0)));
    let failed = output(perfvt().args(["guest", "shell", "--", "ls", "/nonexistent"]));
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("/nonexistent"));
    let panicked =
        output(perfvt().args(["guest", "shell", "--", "sh", "-c", "echo c > /proc/sysrq-trigger"]));
    assert_eq!(panicked.status.code(), Some(2));
    assert!(text(&panicked.stderr).contains("the guest panicked"), "{}", text(&panicked.stderr));
    let off = output(perfvt().args(["guest", "shell", "--", "poweroff", "-f"]));
    assert!(text(&off.stderr).contains("powered off"), "{}", text(&off.stderr));
}

#[test]
fn a_qemu_that_does_not_start_is_quoted_before_anything_is_written() {
    let Some(_guard) = ready("a_qemu_that_does_not_start_is_quoted_before_anything_is_written") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut args = run_args(&out, "1");
    args.extend(["--set", "extra_args=-device no-such-device"].map(String::from));
    let run = output(perfvt().args(args));
    assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("no-such-device"), "{}", text(&run.stderr));
    assert!(!out.exists());
}

#[test]
fn a_guest_that_is_never_ready_leaves_invalid_cells_with_the_reason() {
    let Some(_guard) = ready("a_guest_that_is_never_ready_leaves_invalid_cells_with_the_reason") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut args = run_args(&out, "1");
    args.extend(["--set", "boot_timeout=1", "--set", "attempts=1"].map(String::from));
    let run = output(perfvt().args(args));
    assert_eq!(run.status.code(), Some(4), "{}", text(&run.stderr));
    let all = measurements(&out);
    assert!(!all.is_empty());
    for m in all {
        let reason = m["invalid"]["reason"].as_str().unwrap();
        assert!(reason.contains("not ready within 1 s"), "{reason}");
    }
    assert!(!files(&out, "qmp-status.txt").is_empty(), "forensics of the boots that failed");
    let compared = output(perfvt().args(["compare", "--no-html"]).arg(&out));
    assert_eq!(compared.status.code(), Some(3), "{}", text(&compared.stdout));
}

#[test]
fn progress_on_a_terminal_does_not_get_in_the_way() {
    let Some(_guard) = ready("progress_on_a_terminal_does_not_get_in_the_way") else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut line = env!("CARGO_BIN_EXE_perfvt").to_owned();
    for arg in run_args(&out, "1").iter().filter(|a| *a != "--allow-unpinned") {
        line.push(' ');
        line.push_str(arg);
    }
    // script(1) gives a terminal; its command line holds nothing but the words of this file and a temporary path.
    let run = output(Command::new("timeout").args(["120", "script", "-qec", &line, "/dev/null"]));
    assert!(run.status.success(), "{}", text(&run.stdout));
    assert!(text(&run.stdout).contains("4 cells valid, 0 invalid"), "{}", text(&run.stdout));
}

#[test]
fn an_ordinary_user_can_do_it_all() {
    let Some(_guard) = ready("an_ordinary_user_can_do_it_all") else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("not repeated as another user: these tests run as an ordinary user already");
        return;
    }
    // That user can read neither root's cache nor, perhaps, the build folder.
    let dir = tempfile::Builder::new().prefix("perfvt-user").tempdir().unwrap();
    let home = dir.path();
    packages_for(&home.join("cache"));
    fs::copy(env!("CARGO_BIN_EXE_perfvt"), home.join("perfvt")).unwrap();
    assert!(Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(home).status().unwrap().success());
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let run_there = |name: &str, args: Vec<String>| {
        let out = home.join(name);
        let mut command = Command::new(home.join("perfvt"));
        command.args(args).arg(&out).uid(NOBODY).gid(NOBODY).current_dir(home);
        command.env("HOME", home).env("XDG_CACHE_HOME", home.join("cache"));
        let run = output(&mut command);
        assert!(run.status.success(), "{}", text(&run.stderr));
        out
    };
    let mut args = run_args(home, "1");
    args.pop();
    assert_eq!(files(&run_there("X", args), ".RHS").len(), 2);

    // Two guests, and a guest with a stand-in for another host, which needs a tap.
    let tun = Command::new("sh").args(["-c", "exec 3<> /dev/net/tun"]).uid(NOBODY).gid(NOBODY).output();
    let has_taps = tun.unwrap().status.success();
    if !has_taps {
        eprintln!(
            "skipped the external host of an ordinary user: /dev/net/tun is closed to other users here"
        );
    }
    let quick = "run netperf --profile quick --repeat 1 --allow-unpinned --set protocols=TCP_STREAM --set sizes=16384 \
                 --set sessions=1 --set l=1 --set mem=256";
    for (name, sets) in [
        ("two", "--set scenario=guest_guest --set net=dgram --out"),
        ("external", "--set scenario=exhost_guest --set client=netns --out"),
    ] {
        if name == "external" && !has_taps {
            continue;
        }
        let args = quick.split_whitespace().chain(sets.split_whitespace()).map(String::from).collect();
        assert_eq!(files(&run_there(name, args), ".RHS").len(), 1);
    }
}
