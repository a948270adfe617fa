//! What is in the way of a campaign on this host: a dry run tells all of it beside the plan, and a run is refused with the same.

use crate::sshd_support::Sshd;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn perfvt(dir: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let run = ["run", "--accel", "tcg", "--allow-unpinned"];
    let output: Output = Command::new(env!("CARGO_BIN_EXE_perfvt"))
        .args(run)
        .args(words)
        .current_dir(dir)
        .env("XDG_CONFIG_HOME", dir)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_dry_run_shows_the_plan_and_all_that_is_in_the_way_and_a_run_is_refused_with_the_same() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("qemu"), "no program").unwrap();
    let cfg = "only uperf.host_guest\nbridge = pvtnosuchbr\nqemu_binary = ./qemu\nuperf_binary = deps/uperf\n\
               disk_size = 1G\ndisk_dir = away\n";
    fs::write(dir.path().join("tests.cfg"), cfg).unwrap();
    fs::create_dir(dir.path().join("deps")).unwrap();
    fs::write(dir.path().join("deps/uperf"), "").unwrap();
    let words = ["-c", "tests.cfg", "--env", "base", "--env", "head:mem=1G,qemu_binary=away/qemu"];
    let (code, plan, said) = perfvt(dir.path(), &[&words[..], &["--dry-run"]].concat());
    assert_eq!(code, Some(2), "{plan}{said}");
    assert!(
        plan.contains("bridge = pvtnosuchbr    (tests.cfg:2)") && plan.contains("\nboots, in order\n"),
        "{plan}"
    );
    assert!(
        plan.contains("  mem = 1024    (--env head:mem=1G") && plan.contains("  mem = 512\n"),
        "a key that differs is shown on both sides: {plan}"
    );
    assert!(!plan.contains("server_vcpus"), "nobody set it: {plan}");
    assert!(plan.contains(" keys with their defaults are not shown: -v shows them\n"), "{plan}");
    let mut lines = plan.lines().skip_while(|line| !line.starts_with("in the way here: 4 things")).skip(2);
    assert!(lines.next().is_some_and(|head| head.starts_with("environment  differs in  ")), "{plan}");
    assert!(lines.next().is_some_and(|base| base.starts_with("base         -  ")), "{plan}");
    let head = "head         mem=1024 qemu_binary=away/qemu  perfvt's own  builtin";
    assert_eq!(lines.next(), Some(head), "{plan}");
    let (_, all, _) = perfvt(dir.path(), &[&words[..], &["--dry-run", "-v"]].concat());
    assert!(all.contains("  server_vcpus: unset; the guest's choice\n"), "{all}");
    assert!(!all.contains("are not shown"), "{all}");
    let (_, told) = said.split_once("perfvt: ").unwrap();
    let wanted = [
        "4 things of this host are in the way:",
        "  environment base: parameter 'qemu_binary' is './qemu' (tests.cfg:3), want a program that can be started: the file may \
         not be executed",
        "  environments base, head: parameter 'disk_dir' is 'away' (tests.cfg:6), want a folder that this user may write to",
        "  environments base, head: bridge pvtnosuchbr: this host has no such device; name one that is there, or",
        "  environment head: parameter 'qemu_binary' is 'away/qemu' (--env ",
    ];
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), wanted.len(), "{told}");
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line.starts_with(wanted), "{line}\n{wanted}");
    }
    let (code, _, refused) = perfvt(dir.path(), &[&words[..], &["--out", "X"]].concat());
    assert_eq!((code, refused.ends_with(told)), (Some(2), true), "{refused}");
    assert!(!dir.path().join("X").exists());
}

#[test]
fn a_known_failure_without_a_day_that_comes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for value in ["soon, BUG-17", "2027-02-30, BUG-17", "2027-01-31"] {
        let set = format!("expected_until={value}");
        let (code, _, said) = perfvt(dir.path(), &["boot", "--set", &set, "--dry-run"]);
        assert!(code == Some(2) && said.contains("want a day and what is known, such as"), "{said}");
    }
}

#[test]
fn a_client_that_ssh_does_not_reach_is_told_before_anything_boots() {
    let dir = tempfile::tempdir().unwrap();
    let words =
        ["netperf", "--profile", "quick", "--set", "scenario=exhost_guest", "--set", "client=127.0.0.1"];
    let more = ["--set", "client_port=1", "--set", "bridge=pvtnosuchbr", "--dry-run"];
    let (code, plan, said) = perfvt(dir.path(), &[&words[..], &more].concat());
    assert_eq!(code, Some(2), "{said}");
    assert!(plan.starts_with("netperf, exhost_guest: "), "{plan}");
    assert!(
        said.contains("bridge pvtnosuchbr: ") && said.contains("environment base: the client's host: "),
        "{said}"
    );
}

#[test]
fn a_client_without_the_workloads_program_is_told_with_the_key_that_names_its_folder() {
    let Some(sshd) = Sshd::start("127.0.0.1", &[]) else { return testing::skip("there is no sshd here") };
    let dir = tempfile::tempdir().unwrap();
    let tools = dir.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let cfg = format!(
        "only netperf.exhost_guest\nbridge = pvtnosuchbr\nclient = 127.0.0.1\nclient_user = {}\nclient_port = {}\nclient_key = {}\n\
         client_ssh_config = {}\nclient_tools = {}\n",
        sshd.user,
        sshd.port,
        sshd.key().display(),
        sshd.config().display(),
        tools.display()
    );
    fs::write(dir.path().join("tests.cfg"), cfg).unwrap();
    let (code, _, said) = perfvt(dir.path(), &["-c", "tests.cfg", "--dry-run"]);
    let wanted =
        format!("  environment base: the client's host: 127.0.0.1 has no netperf in '{}': ", tools.display());
    assert!(code == Some(2) && said.contains(&wanted) && said.contains("client_tools = FOLDER"), "{said}");
    let netperf = tools.join("netperf");
    fs::write(&netperf, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&netperf, fs::Permissions::from_mode(0o755)).unwrap();
    let (_, _, said) = perfvt(dir.path(), &["-c", "tests.cfg", "--dry-run"]);
    assert!(said.contains("bridge pvtnosuchbr: ") && !said.contains("netperf in"), "{said}");
}

#[test]
fn a_long_plan_without_a_profile_says_how_long_the_quick_one_takes() {
    let dir = tempfile::tempdir().unwrap();
    let quick = |words: &[&str]| {
        let all = [&["netperf", "--dry-run"], words].concat();
        let (_, plan, said) = perfvt(dir.path(), &all);
        assert!(plan.contains("boots, in order"), "{said}");
        plan.lines().find(|line| line.starts_with("with --profile quick, ")).map(str::to_owned)
    };
    let told = quick(&[]).unwrap();
    assert!(told.contains(": about ") && !told.ends_with("about "), "{told}");
    assert_eq!(quick(&["--profile", "quick"]), None);
    assert_eq!(
        quick(&["--set", "l=1", "--set", "sizes=64", "--set", "protocols=TCP_STREAM"]),
        None,
        "a short plan"
    );
}
