//! Scripts and commands of the user's around the windows of a campaign, with guests that pretend.

use crate::support;

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::pretended::Pretended;
use support::text;

#[test]
fn a_campaign_does_what_its_user_wants_around_its_windows_and_keeps_what_it_said() {
    let pretended = Pretended::new();
    let place = |name: &str| pretended.path().join(name);
    fs::write(place("in.txt"), "prepared\n").unwrap();
    fs::write(place("prepare.drive"), "start_all\nvm1 copy_to in.txt /root/ready\n").unwrap();
    fs::write(place("after.drive"), "vm1 succeed echo done\nvm1 copy_from /root/ready ready.txt\n").unwrap();
    let keys = [
        "prepare=prepare.drive",
        "after=after.drive",
        "pre_command=sh -c 'echo before; echo x >&2'",
        "post_command=echo behind",
    ];
    let sets: Vec<&str> = keys.iter().flat_map(|key| ["--set", key]).chain(["--repeat", "1"]).collect();
    pretended.ends_with(0, &mut pretended.run("test -e /root/ready", &sets));
    let kept = |name: &str| {
        let found = support::files(&pretended.out(), name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        fs::read_to_string(&found[0]).unwrap()
    };
    assert_eq!((&*kept("pre_command.stdout"), &*kept("pre_command.stderr")), ("before\n", "x\n"));
    assert_eq!((&*kept("post_command.stdout"), &*kept("ready.txt")), ("behind\n", "prepared\n"));
    assert!(kept("/prepare.jsonl").contains("\"result\":\"passed\"") && kept("after.jsonl").contains("done"));
    assert!(kept("run.json").contains("file.prepare.prepare.drive"));
    pretended.assert_nothing_left();
}

#[test]
fn a_campaign_that_is_interrupted_while_its_guests_are_prepared_has_failed_in_nothing() {
    let pretended = Pretended::new();
    fs::write(pretended.path().join("x.drive"), "deadline 100 vm1 wait_for_console_text never\n").unwrap();
    let mut run = pretended.run("true", &["--set", "prepare=x.drive"]);
    let child = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let there = || pretended.out().is_dir();
    let journal = || there().then(|| support::files(&pretended.out(), "/prepare.jsonl").pop()).flatten();
    while journal().is_none() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let journal = journal().expect("its guests are prepared");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(begun.elapsed() < Duration::from_secs(90), "it waits no longer");
    let step = fs::read_to_string(journal).unwrap();
    assert!(step.contains("\"result\":\"interrupted\""), "{step}");
    assert!(!pretended.journal().contains("boot-failed"), "{}", pretended.journal());
    pretended.assert_nothing_left();
}

#[test]
fn what_fails_around_a_window_fails_the_boot_with_its_reason_and_what_cannot_be_is_refused_before() {
    let pretended = Pretended::new();
    let file = pretended.path().join("x.drive");
    fs::write(&file, "vm1 succeed sh -c 'echo no >&2; exit 9'\n").unwrap();
    let once = ["--repeat", "1", "--set", "attempts=1"];
    for (set, reason) in [
        ("prepare=x.drive", "x.drive line 1: 'sh -c echo no >&2; exit 9' ended with status 9: 'no'"),
        (
            "pre_command=sh -c 'echo never >&2; exit 4'",
            "pre_command: 'sh -c echo never >&2; exit 4' ended with exit status: 4: 'never'",
        ),
        ("pre_command=/nonexistent/program", "pre_command: "),
    ] {
        let words = [&once[..], &["--set", set]].concat();
        pretended.ends_with(4, &mut pretended.run("true", &words));
        let invalid = pretended.invalid("base");
        assert!(
            invalid.iter().all(|(code, said)| code == "tool-failed" && said.contains(reason)),
            "{invalid:?}"
        );
        assert!(!invalid.is_empty());
        fs::remove_dir_all(pretended.out()).unwrap();
    }
    let said = pretended.ends_with(2, &mut pretended.run("true", &["--set", "pre_command=echo a > b"]));
    assert!(said.contains("pre_command: '>' is a shell's, and here is none"), "{said}");
    // Values that are there stay, and the journal tells.
    for set in ["after=x.drive", "post_command=false"] {
        let words = [&once[..], &["--set", set]].concat();
        pretended.ends_with(0, &mut pretended.run("true", &words));
        let key = set.split('=').next().unwrap();
        assert!(pretended.journal().contains(&format!("\"reason\":\"{key}: ")), "{}", pretended.journal());
        fs::remove_dir_all(pretended.out()).unwrap();
    }
    for (text, part) in [
        ("vm1 crash\n", "x.drive line 1: vm1 crash: a campaign boots and ends its guests itself"),
        ("vm1 save_state x\n", "x.drive line 1: vm1 save_state x: a guest that stood to be saved"),
        ("vm2 succeed true\n", "there is no machine 'vm2'"),
    ] {
        fs::write(&file, text).unwrap();
        let said = pretended.ends_with(2, &mut pretended.run("true", &["--set", "prepare=x.drive"]));
        assert!(said.contains("environment base: prepare: ") && said.contains(part), "{said}");
    }
    pretended.assert_nothing_left();
}
