//! `perfvt run --keep-failed guest` and `perfvt drive --attach`, with guests that pretend.

use crate::support;

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::pretended::Pretended;
use support::text;

/// A campaign of two boots, each of which fails before its first window, while its guest runs.
fn failing(pretended: &Pretended, more: &[&str]) -> Child {
    fs::write(pretended.path().join("no.drive"), "vm1 succeed sh -c 'exit 9'\n").unwrap();
    let words =
        ["--repeat", "2", "--set", "attempts=1", "--set", "prepare=no.drive", "--keep-failed", "guest"];
    let mut run = pretended.run("true", &[&words[..], more].concat());
    run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !there() {
        assert!(Instant::now() < until, "no {what} after a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_guest_whose_boot_failed_waits_for_its_user_and_the_campaign_goes_on_when_he_is_done() {
    let pretended = Pretended::new();
    let run = failing(&pretended, &[]);
    let kept = pretended.out().join("kept-guest");
    wait_for("guest that is kept", || kept.exists());
    let starts = pretended.starts();
    for verb in ["status", "gc"] {
        let said = pretended.ends_with(0, pretended.perfvt().arg(verb).arg(pretended.out()));
        assert!(said.contains("drive --attach") && said.contains("`quit` there ends it"), "{verb}: {said}");
    }
    let attach = |more: &[&str]| {
        let mut drive = pretended.perfvt();
        drive.args(["drive", "--attach"]).arg(pretended.out()).args(more);
        drive
    };
    fs::write(
        pretended.path().join("look.drive"),
        "vm1 succeed echo alive\nvm1 registers\nvm1 screendump seen.png\nvm1 copy_to look.drive /root/copied\n",
    )
    .unwrap();
    let said = pretended.ends_with(0, &mut attach(&["look.drive"]));
    for part in ["    alive", "RIP=", "4 steps in", "forensics/boot1/drive.jsonl"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(pretended.path().join("seen.png").exists(), "what is written is where its user is");
    // It is there for whoever comes next, and may not be ended as if it were his own.
    fs::write(pretended.path().join("end.drive"), "vm1 crash\n").unwrap();
    let said = pretended.ends_with(1, &mut attach(&["end.drive"]));
    assert!(said.contains("a campaign boots and ends its guests itself"), "{said}");
    assert_eq!(pretended.starts(), starts, "nothing boots beside it");
    let said = pretended.ends_with(2, pretended.perfvt().args(["guest", "shell", "--attach", "X"]));
    assert!(said.contains("`perfvt drive --attach X` looks at"), "{said}");

    let mut quit = attach(&["--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut quit.stdin.take().unwrap(), b"{\"verb\": \"quit\"}\n").unwrap();
    assert!(quit.wait().unwrap().success());
    let output = run.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_eq!(said.matches("its guest is kept").count(), 1, "one a campaign: {said}");
    assert!(said.contains("perfvt drive --attach") && said.contains("its user is done with it"), "{said}");
    assert_eq!(pretended.starts().len(), starts.len() + 1);
    assert!(!kept.exists());
    let said = pretended.ends_with(0, pretended.perfvt().arg("status").arg(pretended.out()));
    assert!(!said.contains("--attach"), "{said}");
    let forensics = support::files(&pretended.out(), "registers.txt");
    assert_eq!(forensics.len(), 2, "{forensics:?}");
    let said = pretended.ends_with(2, &mut attach(&[]));
    assert!(said.contains("keeps no guest") && said.contains("--keep-failed guest"), "{said}");
    pretended.assert_nothing_left();
}

#[test]
fn a_guest_that_never_got_ready_is_kept_and_takes_no_commands_but_is_looked_at() {
    let pretended = Pretended::new();
    // The rehearsal is the first start; the one that is booted says nothing, and the next one is well.
    let never = pretended.extra("never-ready@2-2");
    let words = ["--repeat", "1", "--set", "attempts=2", "--keep-failed", "guest", "--set", &never];
    let mut run = pretended.run("echo speed 42", &[&words[..], &["--set", "boot_timeout=3"]].concat());
    let run = run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("guest that is kept", || pretended.out().join("kept-guest").exists());
    let said = pretended.ends_with(0, pretended.perfvt().args(["status", "--json", "X"]));
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(status["kept_guest"]["boot"].as_str().unwrap().ends_with("-a1"), "{said}");
    let reason = status["kept_guest"]["reason"].as_str().unwrap();
    assert!(reason.contains("was not ready within"), "{said}");
    let out = pretended.out().canonicalize().unwrap();
    let said = pretended.ends_with(0, pretended.perfvt().args(["guest", "list"]));
    assert!(
        said.contains(&format!("kept {}", out.display())) && said.contains("perfvt drive --attach"),
        "{said}"
    );

    let look = |script: &str, code: i32| {
        fs::write(pretended.path().join("look.drive"), script).unwrap();
        pretended.ends_with(code, pretended.perfvt().args(["drive", "--attach", "X", "look.drive"]))
    };
    let said = look(
        "vm1 wait_for_console_text 'Run /init'\nvm1 registers\nvm1 screendump seen.png\nvm1 block\nvm1 unblock\n",
        0,
    );
    assert!(said.contains("RIP=") && said.contains("5 steps in"), "{said}");
    for step in [
        "vm1 succeed true",
        "vm1 wait_until_succeeds true",
        "vm1 wait_for_open_port 22",
        "vm1 copy_to look.drive /x",
    ] {
        let said = look(&format!("{step}\n"), 1);
        assert!(said.contains("vm1 takes no commands, because it never got ready"), "{step}: {said}");
    }
    let mut quit = pretended.perfvt();
    quit.args(["drive", "--attach", "X", "--json"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut quit = quit.spawn().unwrap();
    std::io::Write::write_all(&mut quit.stdin.take().unwrap(), b"{\"verb\": \"quit\"}\n").unwrap();
    assert!(quit.wait().unwrap().success());
    let output = run.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("the guest was not ready within") && said.contains("its user is done with it"),
        "{said}"
    );
    let said = pretended.ends_with(0, pretended.perfvt().args(["status", "--json", "X"]));
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(status["kept_guest"].is_null(), "{said}");
    let said = pretended.ends_with(0, pretended.perfvt().args(["guest", "list"]));
    assert!(!said.contains("--attach"), "{said}");
    pretended.assert_nothing_left();
}

#[test]
fn a_kept_guest_ends_with_its_run_whatever_ends_it() {
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let pretended = Pretended::new();
        let run = failing(&pretended, &[]);
        wait_for("guest that is kept", || pretended.out().join("kept-guest").exists());
        kill_process(Pid::from_child(&run), signal).unwrap();
        assert_eq!(run.wait_with_output().unwrap().status.code(), code);
        let guest = *pretended.starts().last().unwrap();
        wait_for("end of the guest", || !std::path::Path::new(&format!("/proc/{guest}")).exists());
        let said = pretended.ends_with(2, pretended.perfvt().args(["drive", "--attach", "X"]));
        assert!(said.contains("keeps no guest, and no perfvt works on it"), "{said}");
        pretended.ends_with(0, pretended.perfvt().arg("gc"));
        pretended.assert_nothing_left();
    }
}

#[test]
fn nobody_looks_into_a_guest_that_is_measured() {
    let pretended = Pretended::new();
    let mut run = pretended.run("sh -c 'echo begun > begun; sleep 60'", &["--repeat", "1"]);
    let mut run = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("measurement", || {
        pretended.out().join("journal.jsonl").exists() && !pretended.starts().is_empty()
    });
    let out = pretended.out().display().to_string();
    for words in [&["drive", "--attach", &out][..], &["guest", "shell", "--attach", &out, "--", "true"]] {
        let said = pretended.ends_with(2, pretended.beside(run.id()).args(words));
        assert!(said.contains("is being measured by") && said.contains("guests are not touched"), "{said}");
        assert!(said.contains("--keep-failed guest"), "{said}");
    }
    kill_process(Pid::from_child(&run), Signal::TERM).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let said = pretended.ends_with(2, pretended.perfvt().args(["drive", "--attach", "nowhere"]));
    assert!(said.contains("nowhere is no campaign"), "{said}");
    let said = pretended.ends_with(2, &mut pretended.run("true", &["--keep-passed", "guest"]));
    assert!(said.contains("--keep-failed guest"), "{said}");
}
