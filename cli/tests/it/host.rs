//! `perfvt host`: on a host that is laid out in a folder, and on this one where it lets itself be changed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn perfvt(args: &[&str]) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_perfvt")).args(args).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code().unwrap(), text)
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_host_is_prepared_looked_at_and_restored() {
    let _turn = testing::alone();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    put(dir.path(), "proc/sys/vm/swappiness", "60\n");
    put(dir.path(), "proc/sys/vm/drop_caches", "0\n");
    put(dir.path(), "proc/sys/kernel/random/boot_id", "x\n");
    let (code, text) = perfvt(&["host", "prepare", "--root", root]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("swappiness      /proc/sys/vm/swappiness: 60 -> 1"), "{text}");
    assert!(text.contains("1 values changed, the old ones are in"), "{text}");
    let (_, text) = perfvt(&["host", "status", "--root", root]);
    assert!(text.contains("/proc/sys/vm/swappiness: 60 -> 1") && text.contains("isolcpus="), "{text}");
    let (code, text) = perfvt(&["host", "restore", "--root", root]);
    assert!(code == 0 && text.contains("swappiness      /proc/sys/vm/swappiness: 1 -> 60"), "{text}");
    let (code, text) = perfvt(&["host", "restore", "--root", root]);
    assert!(code == 0 && text.starts_with("nothing to restore"), "{text}");
    let (code, text) = perfvt(&["host", "prepare", "--only", "swapines", "--root", root]);
    assert!(code == 2 && text.contains("unknown knob 'swapines'"), "{text}");
}

/// Something that keeps a CPU busy for some tenths of a second: of one that rests there is no CPU time to tell.
const BUSY: &str = "command=sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'";

/// A campaign on the host alone, in a folder, with further arguments.
fn on_the_host(out: &Path, more: &[&str]) -> (i32, String) {
    let out = out.to_str().unwrap();
    let command = ["run", "command", "--set", BUSY, "--set", "command_on=host", "--env", "base"];
    perfvt(
        &[&command[..], &["--repeat", "1", "--allow-unpinned", "--set", "noise=off", "--out", out], more]
            .concat(),
    )
}

#[test]
fn a_campaign_that_goes_on_prepares_the_host_and_turns_it_back() {
    let _turn = testing::alone();
    let path = "/proc/sys/vm/swappiness";
    let before = fs::read_to_string(path).unwrap();
    let (_, status) = perfvt(&["host", "status"]);
    if before.trim() == "1"
        || fs::OpenOptions::new().write(true).open(path).is_err()
        || !status.starts_with("nothing is changed")
    {
        testing::skip("this host cannot be prepared, or is already");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let (code, text) = on_the_host(&out, &[]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = perfvt(&["resume", out.to_str().unwrap(), "--repeat", "2", "--prepare"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 cells valid, 0 invalid"), "{text}");
    let (turned, back) =
        (text.find("swappiness").unwrap(), text.find("the host is as it was before").unwrap());
    assert!(turned < back, "{text}");
    assert_eq!(fs::read_to_string(path).unwrap(), before);
}

#[test]
fn this_very_host_comes_back_as_it_was() {
    let _turn = testing::alone();
    let path = "/proc/sys/vm/swappiness";
    let before = fs::read_to_string(path).unwrap();
    if before.trim() == "1" || fs::OpenOptions::new().write(true).open(path).is_err() {
        testing::skip(format_args!("{path} cannot be changed here"));
        return;
    }
    // A journal that is there belongs to somebody who prepared this host on purpose.
    let (_, status) = perfvt(&["host", "status"]);
    if !status.starts_with("nothing is changed") {
        testing::skip("this host is prepared already");
        return;
    }
    let (code, text) = perfvt(&["host", "prepare", "--only", "swappiness"]);
    assert_eq!(code, 0, "{text}");
    let during = fs::read_to_string(path).unwrap();
    let (code, text) = perfvt(&["host", "restore"]);
    assert_eq!((code, during.trim(), fs::read_to_string(path).unwrap()), (0, "1", before), "{text}");
}
