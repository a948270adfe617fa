//! Real guests under QEMU, real netperf, and whatever can happen to perfvt meanwhile.
//!
//! Where the parts are missing (`make setup` gets them), each test says so and passes.

use crate::support;

use serde_json::Value;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::campaigns::*;
use support::{NOBODY, files, measurements, output, packages_for, perfvt, ready, text};

#[test]
fn two_environments_are_measured_in_real_guests_and_compared() {
    let Some(_guard) = ready() else { return };
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
fn a_guest_that_panics_is_told_from_one_that_ends() {
    let Some(_guard) = ready() else { return };
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
    let Some(_guard) = ready() else {
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
fn an_ordinary_user_can_do_it_all() {
    let Some(_guard) = ready() else { return };
    if !rustix::process::geteuid().is_root() {
        testing::skip("these tests run as an ordinary user already");
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
        testing::skip("the external host of an ordinary user: /dev/net/tun is closed to other users here");
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

#[test]
fn a_guest_reaches_what_listens_on_its_hosts_loopback_only_when_it_is_told_to() {
    let Some(_guard) = ready() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"of the host\n");
        }
    });
    // User mode shows the host under this address.
    let script = "busybox nc -w 5 10.0.2.2 \"$1\" < /dev/null; true";
    let said = |reach: &str| {
        let mut shell = perfvt();
        shell.args([
            "guest", "shell", "--set", reach, "--set", "net=user", "--", "sh", "-c", script, "sh", &port,
        ]);
        text(&output(&mut shell).stdout)
    };
    assert_eq!(said("guest_reach=none"), "");
    assert_eq!(said("guest_reach=net"), "of the host\n");
}
