//! `perfvt guest fetch` and `perfvt demo`, for a user who has the program alone.

use crate::support::pretended::Pretended;
use crate::support::{output, perfvt, text};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

fn fetch(cache: &Path, more: &[&str]) -> Command {
    let mut command = perfvt();
    command.args(["guest", "fetch"]).args(more).env("XDG_CACHE_HOME", cache);
    command
}

/// Code and all that was said.
fn said(command: &mut Command) -> (Option<i32>, String) {
    let out = output(command);
    (out.status.code(), text(&out.stdout) + &text(&out.stderr))
}

#[test]
fn packages_that_are_missing_are_told_with_the_verb_that_gets_them() {
    let cache = tempfile::tempdir().unwrap();
    let (code, told) = said(&mut fetch(cache.path(), &["--check"]));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("`perfvt guest fetch` gets them"), "{told}");
    assert!(fs::read_dir(cache.path()).unwrap().next().is_none(), "nothing is made by a look");

    // A set that was made for this system is all that is asked for.
    let packages = cache.path().join("perfvt/packages");
    fs::create_dir_all(packages.join("netperf_1")).unwrap();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str, otherwise: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map_or(otherwise.to_owned(), |value| value.trim_matches('"').to_owned())
    };
    let stamp = format!("# perfvt packages 3 for {} {}", value("ID", "unknown"), value("VERSION_ID", ""));
    fs::write(packages.join("set"), format!("{stamp}\nnetperf 1 netperf_1\n")).unwrap();
    assert_eq!(said(&mut fetch(cache.path(), &["--check"])).0, Some(0));
    let (code, told) = said(&mut fetch(cache.path(), &[]));
    assert!(code == Some(0) && told.contains("all packages are in"), "{told}");
}

#[test]
fn a_system_without_apt_is_told_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    for program in ["bash", "head", "id", "tail"] {
        symlink(format!("/usr/bin/{program}"), dir.path().join(program)).unwrap();
    }
    let (code, told) = said(fetch(&dir.path().join("cache"), &[]).env("PATH", dir.path()));
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("no apt: install a kernel"), "{told}");
    assert!(told.contains("perfvt: fetching the packages of the guest: exit status: 1"), "{told}");
    let (code, told) = said(fetch(&dir.path().join("cache"), &[]).env("PATH", "/nonexistent"));
    assert!(code == Some(2) && told.contains("starting bash"), "{told}");
}

#[test]
fn the_demo_shows_what_it_runs_and_ends_where_no_guest_gives_a_value() {
    let pretended = Pretended::new();
    pretended.make_packages();
    let mut demo = pretended.perfvt();
    demo.args([
        "demo",
        "--out",
        "D",
        "--set",
        "net=user",
        "--set",
        "confine=sandbox",
        "--set",
        "numa_node=0",
    ]);
    for set in pretended.qemu("die-at=cont") {
        demo.args(["--set", &set]);
    }
    let (code, told) = said(&mut demo);
    assert_eq!(code, Some(2), "{told}");
    for step in
        ["guest image: ", "$ perfvt run netperf --env virtio", "`perfvt resume` goes on when that is mended"]
    {
        assert!(told.contains(step), "{step} is not in {told}");
    }
    assert!(!told.contains("fetching"), "everything is there: {told}");
    assert!(!told.contains("$ perfvt compare"), "there is nothing to compare: {told}");
    assert!(pretended.path().join("D/campaign/journal.jsonl").is_file());
    pretended.assert_nothing_left();

    let (code, told) = said(pretended.perfvt().args(["demo", "--out", "D"]));
    assert!(code == Some(2) && told.contains("perfvt: D is there already; --out DIR"), "{told}");
}
