//! The standing record of campaigns of two environments that are the same (`scripts/aa-record.sh`), with guests that pretend.

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::pretended::Pretended;

/// A program that starts perfvt as these tests do: one word, as the script wants it.
fn program(guests: &Pretended) -> PathBuf {
    let started = guests.perfvt();
    let words = std::iter::once(started.get_program()).chain(started.get_args());
    let quoted: Vec<String> =
        words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"))).collect();
    let file = guests.path().join("perfvt");
    fs::write(&file, format!("#!/bin/sh\nexec {} \"$@\"\n", quoted.join(" "))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    file
}

/// The script, in the surroundings of these guests.
fn script(guests: &Pretended, verb: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    let started = guests.perfvt();
    command.envs(started.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(guests.path()).env("PERFVT", program(guests));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/aa-record.sh")).arg(verb).arg(folder);
    command
}

/// What a campaign measures: the words behind `perfvt run`, without the folder.
fn measured(guests: &Pretended, command: &str) -> Vec<String> {
    let words = guests.words(Path::new("-"), command, &["--repeat", "2"]);
    let out = words.iter().position(|word| word == "--out").unwrap();
    words
        .into_iter()
        .enumerate()
        .filter(|(i, _)| *i > 0 && *i != out && *i != out + 1)
        .map(|(_, w)| w)
        .collect()
}

#[test]
fn campaigns_of_one_build_make_a_record_and_one_that_failed_is_named_in_it() {
    let guests = Pretended::new();
    let folder = guests.path().join("aa");
    let said = guests.ends_with(2, &mut script(&guests, "summary", &folder));
    assert!(said.contains("there is none") && said.contains("collect"), "{said}");

    for _ in 0..2 {
        guests.ends_with(0, script(&guests, "collect", &folder).args(measured(&guests, "sleep 0.01")));
        // Folders are named after the second.
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    let said = guests.ends_with(2, script(&guests, "collect", &folder).arg("netprf"));
    assert!(said.contains("netprf"), "{said}");
    // The host went down in the middle of one.
    fs::create_dir(folder.join("2026-01-01T000000Z")).unwrap();

    let said = guests.ends_with(0, &mut script(&guests, "summary", &folder));
    let line =
        |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{said}"));
    assert!(line("campaigns").contains(" 2, in 1 boot"), "{said}");
    assert!(line("rows").contains("of 2 ("), "{said}");
    assert!(line("decided").contains("of 2 ("), "{said}");
    assert!(line("notes").contains("0 of 2 ("), "{said}");
    assert!(line("sessions").contains("tau2"), "{said}");
    assert!(line("left out").ends_with(" 2:") && said.contains("2026-01-01T000000Z: it runs, or"), "{said}");
    assert!(said.contains("exit status 2"), "{said}");
    guests.assert_nothing_left();
}

#[test]
fn the_record_is_asked_in_its_own_words() {
    let guests = Pretended::new();
    let said = guests.ends_with(2, &mut script(&guests, "show", guests.path()));
    assert!(said.contains("'show'") && said.contains("collect or summary"), "{said}");
}
