//! QEMUs and guests to which bad things happen, as the user sees it: the exit code, what is said, what the result holds, and
//! that a resume goes on. The guests pretend (`fake_qemu`); collect/tests/it/faults.rs has real ones.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::pretended::Pretended;
use support::{files, output, perfvt, text};

#[test]
fn a_campaign_of_guests_that_pretend_is_measured_and_leaves_nothing() {
    let here = Pretended::new();
    here.ends_with(
        0,
        &mut here.run("echo speed 42", &["--env", "base", "--env", "head:smp=3", "--repeat", "2"]),
    );
    assert_eq!(here.starts().len(), 2 + 4, "each environment is rehearsed once");
    assert_eq!(files(&here.out(), ".RHS").len(), 2 * 2);
    assert!(fs::read_to_string(&files(&here.out(), "command.txt")[0]).unwrap().contains("speed 42"));
    here.assert_nothing_left();
}

#[test]
fn a_guest_that_is_never_ready_leaves_invalid_cells_with_the_reason() {
    let here = Pretended::new();
    let sets = ["--set", "boot_timeout=1", "--set", "attempts=1", "--set", &here.extra("never-ready@3")];
    let envs = ["--env", "base", "--env", "head", "--repeat", "1"];
    here.ends_with(4, &mut here.run("true", &[&sets[..], &envs].concat()));
    for environment in ["base", "head"] {
        let [(code, reason)] = here.invalid(environment).try_into().unwrap();
        assert_eq!(code, "deadline-boot");
        assert!(reason.contains("not ready within 1 s") && reason.contains("Run /init"), "{reason}");
    }
    assert!(!files(&here.out(), "qmp-status.txt").is_empty(), "forensics of the boots that failed");
    let compared = output(perfvt().args(["compare", "--no-html"]).arg(here.out()));
    assert_eq!(compared.status.code(), Some(3), "{}", text(&compared.stdout));
    here.assert_nothing_left();
}

/// What QEMU says that dies.
const LAST_WORDS: &str = "QEMU ended with status 1; it said 'fake-qemu: pretending to fail'";

#[test]
fn a_qemu_that_dies_before_its_guest_is_let_go_is_quoted_and_nothing_is_written() {
    for moment in ["start", "qmp_capabilities", "query-cpus-fast", "query-version"] {
        let here = Pretended::new();
        let dies = here.extra(&format!("die-at={moment}"));
        let said = here.ends_with(2, &mut here.run("true", &["--set", &dies]));
        assert!(
            said.contains("environment base cannot be booted here: ") && said.contains(LAST_WORDS),
            "{said}"
        );
        assert!(!here.out().exists());
        here.assert_nothing_left();
    }
}

#[test]
fn a_qemu_that_dies_when_its_guest_is_let_go_is_told_with_its_last_words_and_another_one_is_booted() {
    let here = Pretended::new();
    here.goes_wrong("die-at=cont@2-2 die-at=boot@4-4");
    here.ends_with(0, &mut here.run("true", &["--repeat", "2"]));
    let journal = here.journal();
    let failed: Vec<&str> = journal.lines().filter(|line| line.contains("\"boot_failed\"")).collect();
    assert_eq!(failed.len(), 2, "{failed:#?}");
    for line in failed {
        assert!(line.contains("\"early-exit\"") && line.contains(LAST_WORDS), "{line}");
    }
    // What there is to see of either.
    let stderr = files(&here.out(), "forensics/boot1/qemu.stderr");
    assert_eq!(stderr.len(), 2, "{stderr:?}");
    assert_eq!(files(&here.out(), "forensics/boot1/threads.txt").len(), 2);
    here.assert_nothing_left();
}

#[test]
fn garbage_on_the_monitor_is_passed_over() {
    let here = Pretended::new();
    let said = here.ends_with(0, &mut here.run("true", &["--set", &here.extra("garbage-on-monitor")]));
    assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "{said:?}");
    here.assert_nothing_left();
}

#[test]
fn a_qemu_that_does_not_leave_when_it_is_told_to_is_killed() {
    let here = Pretended::new();
    here.goes_wrong("ignore-quit@2");
    // The guest itself sees that no QEMU of an earlier boot is there any more.
    let gone = "sh -c 'for pid in $(head -n -1 starts); do [ ! -d /proc/$pid ] || exit 1; done'";
    here.ends_with(0, &mut here.run(gone, &["--repeat", "3", "--set", "deadline_factor=0.05"]));
    assert_eq!(here.starts().len(), 1 + 3);
    here.assert_nothing_left();
}

#[test]
fn a_qemu_that_does_not_leave_when_it_is_rehearsed_is_killed_and_refused() {
    let here = Pretended::new();
    here.goes_wrong("ignore-quit");
    let said = here.ends_with(2, &mut here.run("true", &["--set", "deadline_factor=0.05"]));
    assert!(said.contains("QEMU does not end when its monitor is told to quit"), "{said}");
    assert!(!here.out().exists());
    here.assert_nothing_left();
}

#[test]
fn guests_that_die_in_every_boot_of_one_environment_cost_that_one_its_cells_and_more_boots_may_follow() {
    let here = Pretended::new();
    let faults = here.path().join("of-head");
    fs::write(&faults, "panic@3").unwrap();
    let head = format!("head:{} -scenario {}", here.extra(""), faults.display());
    let envs = ["--env", "base", "--env", &head, "--repeat", "2", "--set", "attempts=1"];
    here.ends_with(4, &mut here.run("true", &envs));
    assert_eq!(here.invalid("base"), []);
    let [(code, reason)] = here.invalid("head").try_into().unwrap();
    assert!(code == "panic" && reason.contains("Kernel panic"), "{code}: {reason}");
    assert_eq!(here.starts().len(), 2 + 4);

    // All is finished: nothing but the rehearsal is started again.
    let resume = |more: &[&str]| here.ends_with(4, here.perfvt().arg("resume").arg(here.out()).args(more));
    let said = resume(&[]);
    assert!(said.contains("2 cells valid, 2 invalid"), "{said}");
    assert_eq!(here.starts().len(), 6 + 2);
    fs::write(&faults, "").unwrap();
    let said = resume(&["--repeat", "3"]);
    assert!(said.contains("4 cells valid, 2 invalid"), "{said}");
    here.assert_nothing_left();
}

#[test]
fn a_campaign_in_which_nothing_works_stops_after_six_boots_and_goes_on_when_it_is_mended() {
    let here = Pretended::new();
    here.goes_wrong("exit=3@2");
    let said = here.ends_with(2, &mut here.run("true", &["--repeat", "9"]));
    assert!(said.contains("QEMU ended with status 3"), "{said}");
    assert_eq!(here.starts().len(), 1 + 6);
    here.goes_wrong("");
    let said = here.ends_with(4, here.perfvt().arg("resume").arg(here.out()));
    assert!(said.contains("6 cells valid, 3 invalid"), "{said}");
    here.assert_nothing_left();
}

#[test]
fn a_full_host_stops_the_campaign_and_a_resume_measures_what_is_left() {
    let here = Pretended::new();
    here.goes_wrong("full-host@3-4");
    let said = here.ends_with(2, &mut here.run("true", &["--repeat", "2"]));
    assert!(said.contains("No space left on device") && said.contains("`perfvt resume` goes on"), "{said}");
    assert_eq!(here.invalid("base"), []);
    here.goes_wrong("");
    let said = here.ends_with(0, here.perfvt().arg("resume").arg(here.out()));
    assert!(said.contains("2 cells valid, 0 invalid"), "{said}");
    here.assert_nothing_left();
}

#[test]
fn every_end_of_a_guest_under_its_command_has_a_code_and_a_reason() {
    let here = Pretended::new();
    let ends = [
        ("panic", "panic", "the guest panicked (GUEST_PANICKED)"),
        ("oops", "oops", "BUG: kernel NULL pointer dereference"),
        ("exit=0", "early-exit", "the guest powered off or QEMU was told to leave"),
        ("signal=9", "early-exit", "QEMU was killed by signal 9"),
        ("hang", "hang", "the guest hangs: no answer to 'perfvt-job start "),
    ];
    let mut words: Vec<String> = ["--env", "fine:command=true"].map(String::from).into();
    for (index, (fault, ..)) in ends.iter().enumerate() {
        words.extend(["--env".to_owned(), format!("e{index}:command=fault {fault}")]);
    }
    words.extend(["--repeat", "1", "--set", "attempts=1", "--set", "deadline_factor=0.1"].map(String::from));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    here.ends_with(4, &mut here.run("true", &words));
    assert_eq!(here.invalid("fine"), []);
    for (index, (fault, code, words)) in ends.iter().enumerate() {
        let [(found, reason)] = here.invalid(&format!("e{index}")).try_into().unwrap();
        assert!(found == *code && reason.contains(words), "{fault} is {found}: {reason}");
    }
    here.assert_nothing_left();
}

#[test]
fn a_guest_that_oopses_before_anybody_asks_is_not_measured() {
    let here = Pretended::new();
    here.goes_wrong("oops@2");
    here.ends_with(4, &mut here.run("true", &["--repeat", "1"]));
    assert_eq!(here.invalid("base")[0].0, "oops");
    assert_eq!(here.starts().len(), 1 + 2, "both attempts are burnt");
}

#[test]
fn a_qemu_that_closes_its_monitor_and_goes_on_is_not_measured_with() {
    let here = Pretended::new();
    here.goes_wrong("close-monitor@2-2");
    here.ends_with(0, &mut here.run("true", &["--repeat", "1"]));
    let journal = here.journal();
    assert!(
        journal.contains("QEMU has closed its monitor") && journal.contains("\"channel-broken\""),
        "{journal}"
    );
    assert_eq!(here.starts().len(), 1 + 2, "another one was booted");
    here.assert_nothing_left();
}

#[test]
fn a_command_that_fails_is_a_record_with_what_it_said() {
    let here = Pretended::new();
    let cases = ["--repeat", "1", "--set", "command_cases=a b"];
    here.ends_with(4, &mut here.run("ls /nonexistent/${case}", &cases));
    let reasons = here.invalid("base");
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    for case in ["/nonexistent/a", "/nonexistent/b"] {
        assert!(
            reasons.iter().any(|(code, reason)| code == "tool-failed" && reason.contains(case)),
            "{reasons:?}"
        );
    }
}

#[test]
fn what_failed_is_measured_again_when_its_cause_is_mended_and_run_json_still_lists_the_failed_attempts() {
    let here = Pretended::new();
    let tool = here.path().join("tool");
    let script = |ends: &str| fs::write(&tool, format!("[ $1 = fine ] || {ends}\n")).unwrap();
    script("{ echo no luck >&2; exit 3; }");
    let words = ["--repeat", "1", "--set", "command_cases=fine other"];
    here.ends_with(4, &mut here.run(&format!("sh {} ${{case}}", tool.display()), &words));
    assert_eq!(here.invalid("base").len(), 1);
    let failures = || {
        let run: Value =
            serde_json::from_slice(&fs::read(here.out().join("base/run.json")).unwrap()).unwrap();
        assert_eq!(run["ended"], true, "{run}");
        (run["started"].as_u64().unwrap(), run["failures"].as_array().unwrap().clone())
    };
    let (started, before) = failures();
    assert_eq!((started, before.len()), (1, 1), "{before:?}");
    assert!(before[0]["case"].as_str().unwrap().contains("other") && before[0]["code"] == "tool-failed");

    // Not mended: another failed attempt of the same cell.
    let resume =
        |code, more: &[&str]| here.ends_with(code, here.perfvt().arg("resume").arg(here.out()).args(more));
    resume(4, &["--failed"]);
    assert_eq!(failures().1.len(), 2);
    script("true");
    resume(4, &[]);
    assert_eq!(here.invalid("base").len(), 1, "nothing is tried again without being asked for");
    let said = resume(0, &["--failed"]);
    assert!(said.contains("2 cells valid, 0 invalid"), "{said}");
    assert_eq!(here.invalid("base"), []);
    let (started, after) = failures();
    assert_eq!((started, after.len()), (3, 2), "one guest for each try");
    assert_eq!(after[0], before[0]);
    assert_eq!(files(&here.out(), ".RHS").len(), 1, "the repeat is whole now");
    here.assert_nothing_left();
}

#[test]
fn guests_that_died_in_every_attempt_are_booted_again_when_their_cause_is_mended() {
    let here = Pretended::new();
    here.goes_wrong("panic@2");
    here.ends_with(4, &mut here.run("true", &["--repeat", "1"]));
    here.goes_wrong("");
    let said = here.ends_with(0, here.perfvt().arg("resume").arg(here.out()).arg("--failed"));
    assert!(said.contains("1 cells valid, 0 invalid"), "{said}");
    let run: Value = serde_json::from_slice(&fs::read(here.out().join("base/run.json")).unwrap()).unwrap();
    let failures = run["failures"].as_array().unwrap();
    assert!(failures.iter().all(|f| f["code"] == "panic" && f["case"].is_null()), "{failures:?}");
    assert_eq!((failures.len(), run["started"].as_u64()), (2, Some(3)));
    here.assert_nothing_left();
}

#[test]
fn what_failed_is_published_with_the_result() {
    let here = Pretended::new();
    here.goes_wrong("panic@3-3");
    here.ends_with(0, &mut here.run("true", &["--env", "base", "--env", "head", "--repeat", "2"]));
    let failed = |root: &Path| -> Vec<Value> {
        let runs = files(root, "run.json").into_iter();
        let runs = runs.map(|file| serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap());
        runs.flat_map(|run| run["failures"].as_array().cloned().unwrap_or_default()).collect()
    };
    let kept = failed(&here.out());
    assert_eq!((kept.len(), &kept[0]["code"]), (1, &Value::from("panic")), "{kept:?}");
    let site = here.path().join("site");
    here.ends_with(0, here.perfvt().arg("publish").arg(&site).arg(here.out()));
    for archive in files(&site, ".tar.gz") {
        assert!(
            Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&site).status().unwrap().success()
        );
    }
    assert_eq!(failed(&site), kept);
}
