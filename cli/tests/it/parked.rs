//! Campaigns that an older perfvt began.

use crate::support;

use serde_json::{Value, json};
use std::fs;
use support::files;
use support::pretended::Pretended;

/// Makes the facts of every environment those that another program noted: QEMU's command line, with the way in which it was
/// made.
fn noted(guests: &Pretended, argv: &str, way: &str) {
    let runs = files(&guests.out(), "run.json");
    assert!(!runs.is_empty());
    for path in runs {
        let mut run: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let facts = run["fingerprint"].as_object_mut().unwrap();
        let versions = facts["facts.versions"].as_str().unwrap().to_owned();
        let (before, _) = versions.split_once("qemu.argv=").unwrap();
        facts["facts.versions"] = json!(format!("{before}qemu.argv={way}"));
        facts["qemu.argv"] = json!(argv);
        fs::write(path, serde_json::to_vec(&run).unwrap()).unwrap();
    }
}

#[test]
fn a_campaign_that_another_program_parked_goes_on_and_one_with_another_qemu_line_does_not() {
    let guests = Pretended::new();
    let more = ["--env", "a", "--env", "b:mem=256", "--repeat", "1"];
    guests.ends_with(0, &mut guests.run("true", &more));
    let out = guests.out();
    let resume = |repeat: &str, code| {
        let mut command = guests.perfvt();
        guests.ends_with(code, command.arg("resume").arg(&out).args(["--repeat", repeat]))
    };
    noted(&guests, "0123456789abcdef", "3");
    let said = resume("2", 0);
    assert!(said.contains("4 cells valid"), "{said}");
    noted(&guests, "0123456789abcdef", "4");
    let said = resume("3", 2);
    assert!(said.contains("qemu.argv"), "{said}");
    guests.assert_nothing_left();
}
