//! What `run` says of a design that cannot see the change that matters. The guests pretend (`fake_qemu`).

use crate::support;

use support::pretended::Pretended;
use support::{output, text};

#[test]
fn a_design_that_sees_too_little_is_told_before_anything_boots_and_in_a_dry_run() {
    let here = Pretended::new();
    let two = ["--env", "base", "--env", "head", "--repeat"];
    let warned = |more: &[&str]| {
        let said = output(&mut here.run("true", more));
        assert!(said.status.success(), "{}", text(&said.stderr));
        let said = text(&said.stderr);
        let found = said.lines().find(|line| line.contains(" a side")).map(str::to_owned);
        assert!(found.is_none() || said.starts_with(&format!("{}\n", found.clone().unwrap())), "{said}");
        found
    };
    let cases: Vec<String> = (1..=300).map(|n| n.to_string()).collect();
    let many = format!("command_cases={}", cases.join(" "));
    let few = warned(&[&two[..], &["3", "--dry-run", "--set", &many]].concat()).unwrap();
    let start = "warning: with 3 boots a side and 300 rows that gate, a change of 10 % is found at the gate in 4 of 5 comparisons";
    assert!(few.starts_with(start), "{few}");
    assert!(few.ends_with(" %; take more boots, fewer cases, or --until"), "{few}");
    let none = warned(&[&two[..], &["1", "--dry-run"]].concat()).unwrap();
    assert!(none.starts_with("warning: with 1 boot a side no change of any size can be found; "), "{none}");
    assert_eq!(warned(&[&two[..], &["10", "--dry-run"]].concat()), None);
    assert_eq!(warned(&["--repeat", "1", "--dry-run"]), None, "one environment is compared with nothing");
    let until = ["--env", "base", "--env", "head", "--until", "ci=2%", "--dry-run"];
    assert_eq!(warned(&until), None);
    let until = warned(&[&until[..], &["--repeat", "5", "--set", &many]].concat()).unwrap();
    assert!(until.starts_with("warning: with at most 5 boots a side and 300 rows that gate, "), "{until}");
    let run = warned(&[&two[..], &["1"]].concat()).unwrap();
    assert_eq!(run, none, "and when it is run");
}

#[test]
fn the_change_that_matters_is_that_of_the_perf_conf_at_hand() {
    let here = Pretended::new();
    let said = || {
        let mut run = here.run("true", &["--env", "base", "--env", "head", "--repeat", "10", "--dry-run"]);
        text(&output(&mut run).stderr)
    };
    assert!(!said().contains(" a side"), "{}", said());
    std::fs::write(here.path().join("perf.conf"), "[command]\nmetric.elapsed_s = min_effect=0.5%\n").unwrap();
    assert!(said().contains("a change of 1 % is found at the gate in 4 of 5 comparisons only"), "{}", said());
}
