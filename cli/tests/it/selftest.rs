//! `perfvt selftest`, with guests that pretend (`fake_qemu`).

use crate::support::pretended::Pretended;
use crate::support::{files, output, perfvt, text};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const CONF: &str = "[mytool]\nkeys = case\nmetric.speed = x/s higher primary log\n";

/// A self test of a command that says the same in every guest.
fn selftest(here: &Pretended, out: &str, command: &str) -> Command {
    fs::write(here.path().join("perf.conf"), CONF).unwrap();
    let mut selftest = here.perfvt();
    selftest.current_dir(here.path()).args(["selftest", "--hardware", "--emulated", "--workload", "command"]);
    selftest.args(["--repeat", "2", "--out", out]);
    let words = here.words(Path::new("unused"), command, &[]);
    for pair in words.windows(2).filter(|pair| pair[0] == "--set") {
        selftest.args(pair);
    }
    for set in ["command_section=mytool", "metrics=speed", "pattern_speed=^speed: ([0-9]+)"] {
        selftest.args(["--set", set]);
    }
    selftest
}

/// What tar finds in a bundle: names and contents.
fn bundle(path: &Path) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    assert!(output(Command::new("tar").arg("-xzf").arg(path).arg("-C").arg(dir.path())).status.success());
    let name = |file: &Path| file.strip_prefix(dir.path()).unwrap().display().to_string();
    files(dir.path(), "").iter().map(|file| (name(file), fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn what_is_planted_is_measured_and_told_in_a_bundle_without_words_of_the_user() {
    let here = Pretended::new();
    let out = here.path().join("try");
    let said = here.ends_with(1, &mut selftest(&here, &out.display().to_string(), "echo speed: 42"));
    for want in [
        "same: as it should: 1 EQUIVALENT\n",
        "unpinned: as it should: 1 EQUIVALENT\n",
        // Packets of net=user are no matter of vhost.
        "vhost-off: not run: ",
        "mitigations-off: as it should: 1 EQUIVALENT\n",
        "3 of 4 as they should (emulated, which says nothing of the machine)\n",
    ] {
        assert!(said.contains(want), "{want}\n{said}");
    }
    let bundled = bundle(&here.path().join("try.tar.gz"));
    let names: Vec<&str> = bundled.keys().map(String::as_str).collect();
    let want = ["doctor.json", "mitigations-off.json", "mitigations-off.txt", "same.json", "same.txt"];
    let want = want.into_iter().chain(["selftest.txt", "topology.json", "unpinned.json", "unpinned.txt"]);
    assert_eq!(names, want.map(|name| format!("try/{name}")).collect::<Vec<_>>());
    assert!(bundled["try/selftest.txt"].contains("vhost-off: not run: "), "{}", bundled["try/selftest.txt"]);
    assert!(bundled["try/unpinned.json"].contains("numa_node"), "what was planted is told");
    let folder = here.path().display().to_string();
    for (name, content) in &bundled {
        assert!(!content.contains(&folder), "{name}: {content}");
    }
}

#[test]
fn guests_that_die_pass_no_test() {
    let here = Pretended::new();
    let said = here.ends_with(1, &mut selftest(&here, "try", "exit 3"));
    assert!(said.contains("same: NOT as it should") || said.contains("same: not run"), "{said}");
    assert!(said.contains("0 of 4 as they should"), "{said}");
}

#[test]
fn where_kvm_does_not_execute_it_says_so_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    if vm::accel::probe(Path::new(env!("CARGO_BIN_EXE_perfvt"))).is_ok() {
        return testing::skip("KVM executes guests here");
    }
    let done = output(perfvt().current_dir(dir.path()).args(["selftest", "--hardware"]));
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("KVM does not execute guests here (") && said.contains("--emulated"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_not_overwritten() {
    let here = Pretended::new();
    for name in ["try", "try.tar.gz"] {
        let path = here.path().join(name);
        fs::write(&path, "mine").unwrap();
        let said = here.ends_with(2, &mut selftest(&here, "try", "true"));
        assert!(said.contains("try"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(path).unwrap();
    }
}
