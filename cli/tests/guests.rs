#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
//! Real guests under QEMU, real netperf, and whatever can happen to perfvt meanwhile.
//!
//! Where the parts are missing (`make setup` gets them), each test says so and passes.

mod support;

use serde_json::Value;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{files, measurements, output, perfvt, ready, text};

/// A cell takes about two seconds: one stream and one request case of a second each.
const QUICK: [&str; 10] = [
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

fn run_args(out: &Path, repeat: &str) -> Vec<String> {
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
fn processes_that_mention(path: &Path) -> Vec<String> {
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

fn wait_until(seconds: u64, what: &str, mut reached: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while !reached() {
        assert!(Instant::now() < until, "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start(out: &Path, repeat: &str) -> Child {
    perfvt().args(run_args(out, repeat)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn finished_cases(out: &Path) -> usize {
    let journal = fs::read_to_string(out.join("journal.jsonl")).unwrap_or_default();
    journal.matches("\"case_finished\"").count()
}

fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success()
    );
}

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

#[test]
fn kill_9_leaves_no_process_and_no_half_file_and_resume_completes() {
    let Some(_guard) = ready("kill_9_leaves_no_process_and_no_half_file_and_resume_completes") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut child = start(&out, "1");
    wait_until(120, "the first finished case", || finished_cases(&out) >= 1);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(10, "QEMU and its clients to end", || processes_that_mention(&out).is_empty());
    let before = finished_cases(&out);

    let resumed = output(perfvt().arg("resume").arg(&out));
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert_eq!(files(&out, ".RHS").len(), 2);
    assert!(
        files(&out, "").iter().all(|f| !f.to_str().unwrap().contains("/.perfvt-")),
        "a temporary file is left"
    );
    assert_eq!(
        finished_cases(&out),
        4,
        "{before} were finished when perfvt was killed, and none was measured again"
    );
    let again = output(perfvt().arg("resume").arg(&out));
    assert!(again.status.success());
    assert_eq!(finished_cases(&out), 4, "nothing is left to do");
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

/// The user called nobody, on Debian and Ubuntu.
const NOBODY: u32 = 65_534;

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
    let cache = Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/perfvt");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or(cache, |c| PathBuf::from(c).join("perfvt"));
    let ours = home.join("cache/perfvt");
    fs::create_dir_all(&ours).unwrap();
    let copy = Command::new("cp").args(["-rL"]).arg(cache.join("packages")).arg(&ours).status().unwrap();
    assert!(copy.success());
    fs::copy(env!("CARGO_BIN_EXE_perfvt"), home.join("perfvt")).unwrap();
    assert!(Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(home).status().unwrap().success());
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let out = home.join("X");
    let mut command = Command::new(home.join("perfvt"));
    command.args(run_args(&out, "1")).uid(NOBODY).gid(NOBODY).current_dir(home);
    command.env("HOME", home).env("XDG_CACHE_HOME", home.join("cache"));
    let run = output(&mut command);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(files(&out, ".RHS").len(), 2);
}
