//! `perfvt drive` as a user starts it: with guests that pretend, and once with real ones.

use crate::support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use support::pretended::Pretended;
use support::text;

/// A drive of guests that pretend, with what is said to it.
fn drive(pretended: &Pretended, more: &[&str]) -> Command {
    let mut command = pretended.perfvt();
    command.args(["drive", "--accel", "tcg"]);
    for set in ["net=user", "confine=sandbox"].into_iter().chain(pretended.qemu("").each_ref().map(|s| &**s))
    {
        command.args(["--set", set]);
    }
    command.arg("--out").arg(pretended.out()).args(more);
    command
}

/// The same with a script.
fn driven(pretended: &Pretended, script: &str, more: &[&str]) -> Command {
    let file = pretended.path().join("test.drive");
    fs::write(&file, script).unwrap();
    let mut command = drive(pretended, more);
    command.arg(file);
    command
}

fn journal(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("drive.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is written to its standard input, and what came of it.
fn fed(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_script_does_what_it_says_and_its_journal_times_each_step() {
    let pretended = Pretended::new();
    fs::write(pretended.path().join("in.txt"), "to the guest\n").unwrap();
    let script = "start_all # all of one\n\
                  vm1 wait_for_console_text 'Linux version [0-9.]+'\n\
                  subtest \"it answers\"\n\
                  vm1 succeed echo 'a | b'\n\
                  vm1 fail false\n\
                  vm1 execute sh -c 'echo out; echo err >&2; exit 3'\n\
                  end\n\
                  vm1 copy_to in.txt /root/in.txt\n\
                  vm1 copy_from /root/in.txt back.txt\n\
                  vm1 block\nvm1 unblock 1\n\
                  vm1 send_key ctrl-alt-delete\n\
                  vm1 send_chars 'Hi\\n'\n\
                  vm1 screendump screen.png\n\
                  vm1 forward_port 8080 80\n\
                  vm1 wait_until_succeeds test -e /root/in.txt\n\
                  log done\nsleep 0.01\n\
                  vm1 crash\nvm1 start\nvm1 reboot\nvm1 shutdown\n";
    let junit = pretended.path().join("junit.xml");
    let output = format!("junit={}", junit.display());
    let said = pretended.ends_with(0, &mut driven(&pretended, script, &["--output", &output]));
    assert!(said.contains("22 steps in") && said.contains("all passed"), "{said}");
    let steps = journal(&pretended.out());
    assert_eq!(steps.len(), 22);
    assert!(steps.iter().all(|step| step["result"] == "passed" && step["seconds"].is_number()), "{steps:?}");
    assert_eq!(steps[1]["output"], "[    0.0] Linux version 6.1.0-pretended");
    assert_eq!((&steps[3]["output"], &steps[3]["subtest"]), (&json!("a | b\n"), &json!("it answers")));
    let executed = (&steps[5]["status"], &steps[5]["output"], &steps[5]["stderr"], &steps[5]["machine"]);
    assert_eq!(executed, (&json!(3), &json!("out\n"), &json!("err\n"), &json!("vm1")));
    assert!(steps[7].get("subtest").is_none(), "the subtest has ended");
    assert_eq!(fs::read_to_string(pretended.out().join("back.txt")).unwrap(), "to the guest\n");
    assert!(fs::read(pretended.out().join("screen.png")).unwrap().starts_with(b"\x89PNG"));
    let log =
        |boot: &str| fs::read_to_string(pretended.out().join("vm1").join(boot).join("serial.log")).unwrap();
    let heard = log("boot1");
    for part in ["set_link {\"name\":\"net0\",\"up\":false}", "\"up\":true}", "\"delete\"", "\"shift\""] {
        assert!(heard.contains(part), "{part}: {heard}");
    }
    assert!(log("boot3").contains("Linux version"), "start, start and reboot");
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains("name=\"it answers\"") && junit.contains("failures=\"0\""), "{junit}");
    assert_eq!(pretended.starts().len(), 3);
    pretended.assert_nothing_left();
}

#[test]
fn a_step_that_fails_ends_the_script_with_what_tells_why_or_with_keep_going_its_subtest() {
    let pretended = Pretended::new();
    let script = "start_all\nsubtest one\nvm1 succeed sh -c 'echo because >&2; exit 5'\nvm1 succeed true\n\
                  subtest two\nvm1 succeed true\n";
    let said = pretended.ends_with(1, &mut driven(&pretended, script, &[]));
    let reason = "'sh -c echo because >&2; exit 5' ended with status 5: 'because'";
    assert!(said.contains("FAILED") && said.contains(reason), "{said}");
    let steps = journal(&pretended.out());
    assert_eq!(steps.len(), 3);
    assert_eq!((&steps[2]["result"], &steps[2]["error"]), (&json!("failed"), &json!(reason)));
    let forensics = PathBuf::from(steps[2]["forensics"].as_str().unwrap());
    assert!(forensics.ends_with(format!("step-{}", steps[2]["line"])), "{}", forensics.display());
    let forensics = forensics.join("vm1/serial.log");
    assert!(pretended.path().join(forensics).exists());
    fs::remove_dir_all(pretended.out()).unwrap();
    let junit = pretended.path().join("junit.xml");
    let output = format!("junit={}", junit.display());
    pretended.ends_with(1, &mut driven(&pretended, script, &["--keep-going", "--output", &output]));
    let done: Vec<Value> = journal(&pretended.out()).iter().map(|step| step["line"].clone()).collect();
    assert_eq!(done, [1, 2, 3, 5, 6]);
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains("tests=\"3\" failures=\"1\" errors=\"0\""), "{junit}");
    pretended.assert_nothing_left();
}

#[test]
fn a_deadline_that_passes_says_what_was_seen_last() {
    let pretended = Pretended::new();
    // What pretends runs commands on this host.
    let mark = pretended.path().join("once");
    let once = format!(
        "deadline 3 vm1 wait_until_succeeds sh -c 'test -e {0} && exec sleep 30; echo one; touch {0}; false'",
        mark.display()
    );
    for (line, parts) in [
        (
            "deadline 0.2 vm1 wait_for_console_text never",
            &["no line of the console matched 'never' within 0.2 s", "Run /init"][..],
        ),
        (
            "deadline 0.2 vm1 wait_until_succeeds sh -c 'echo not yet >&2; false'",
            &["did not succeed within 0.2 s", "status 1 last: 'not yet'"],
        ),
        ("deadline 0.2 vm1 wait_for_open_port 1", &["nobody listened at port 1 within 0.2 s", "sockets"]),
        (
            "deadline 1 vm1 succeed sh -c 'echo so far; sleep 30'",
            &["had not ended after 1 s, and was killed", "    so far"],
        ),
        (&once, &["ended with status 1 last; one more was killed as it ran", "    one"]),
        (
            "deadline 0.2 vm1 wait_for_console_text 'a\\.b'",
            &["no line of the console matched 'a\\.b' within 0.2 s"],
        ),
        ("vm1 copy_from /nonexistent x", &["reading '/nonexistent' in the guest", "No such file"]),
        ("vm1 copy_to /nonexistent /root/x", &["reading /nonexistent: No such file"]),
        ("vm1 block 2", &["vm1 has no network card '2'; there are 1"]),
        ("vm1 start", &["vm1 runs already"]),
        ("vm1 succeed fault panic", &["panicked"]),
    ] {
        let said = pretended.ends_with(1, &mut driven(&pretended, &format!("start_all\n{line}\n"), &[]));
        assert!(parts.iter().all(|part| said.contains(part)), "{line}: {said}");
        fs::remove_dir_all(pretended.out()).unwrap();
    }
    let said = pretended.ends_with(1, &mut driven(&pretended, "vm1 succeed true\n", &[]));
    assert!(said.contains("vm1 does not run; `vm1 start` or `start_all` boots it"), "{said}");
    pretended.assert_nothing_left();
}

#[test]
fn a_script_that_says_nothing_that_can_be_done_is_refused_before_anything_boots() {
    let pretended = Pretended::new();
    for (script, part) in [
        (
            "start_all\nvm1 suceed true\n",
            "test.drive line 2: there is no verb 'suceed', did you mean 'succeed'?",
        ),
        ("vm2 start\n", "there is no machine 'vm2', did you mean 'vm1'?; there are vm1"),
        ("# nothing\n", "says nothing"),
    ] {
        let said = pretended.ends_with(2, &mut driven(&pretended, script, &[]));
        assert!(said.contains(part), "{said}");
    }
    let said = pretended.ends_with(2, &mut driven(&pretended, "start_all\n", &["--set", "prepare=x.drive"]));
    assert!(
        said.contains("prepare") && said.contains("says how a campaign measures, and here is none"),
        "{said}"
    );
    assert!(pretended.starts().is_empty() && !pretended.out().exists());
    pretended.assert_nothing_left();
}

#[test]
fn a_dry_run_reads_the_script_and_plans_the_machines_and_boots_nothing() {
    let pretended = Pretended::new();
    let two = [
        "--dry-run",
        "--set",
        "vms=vm1 vm2",
        "--set",
        "vlans_vm1=1",
        "--set",
        "vlans_vm2=1 2",
        "--set",
        "net=auto",
    ];
    let script = "start_all\n# no step\ndeadline 5 vm2 succeed true\n";
    let said = pretended.ends_with(0, &mut driven(&pretended, script, &two));
    for part in [
        "network 1: 192.168.1.2, network 2: 192.168.2.2",
        "2 steps",
        "3       5 s  deadline 5 vm2",
        "nothing was booted",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Pinning that was asked for and cannot be had is told.
    let many = [&two[..], &["--set", "numa_node=1", "--set", "smp=300"]].concat();
    let said = pretended.ends_with(0, &mut driven(&pretended, "start_all\n", &many));
    assert!(said.contains("warning: nothing is pinned: node 0 has"), "{said}");
    let said = pretended.ends_with(0, &mut driven(&pretended, "start_all\n", &["--dry-run"]));
    assert!(said.contains("vm1  ") && said.contains("net=user"), "{said}");
    let said = pretended.ends_with(2, &mut driven(&pretended, "vm1 nonsense\n", &["--dry-run"]));
    assert!(said.contains("line 1: there is no verb 'nonsense'"), "{said}");
    assert!(pretended.starts().is_empty() && !pretended.out().exists());
    pretended.assert_nothing_left();
}

#[test]
fn a_script_may_be_piped_in() {
    let pretended = Pretended::new();
    let output = fed(&mut drive(&pretended, &[]), "start_all\nvm1 succeed echo piped\n");
    assert!(output.status.success() && text(&output.stdout).contains("    piped\n"), "{output:?}");
    pretended.assert_nothing_left();
}

#[test]
fn a_signal_ends_a_drive_with_all_its_guests() {
    let pretended = Pretended::new();
    let mut command = driven(&pretended, "start_all\nvm1 wait_for_console_text never\n", &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(pretended.out().join("drive.jsonl")).unwrap_or_default().contains("start_all") {
        assert!(Instant::now() < until, "it does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(journal(&pretended.out())[1]["result"], "interrupted");
    pretended.assert_nothing_left();
}

#[test]
fn a_program_asks_and_hears_line_by_line() {
    let pretended = Pretended::new();
    let requests = [
        json!({"id": 1, "verb": "machines"}),
        json!({"id": "two", "line": "start_all"}),
        json!({"machine": "vm1", "verb": "succeed", "args": ["echo", "a > $b"]}),
        json!({"machine": "vm1", "verb": "fail", "args": ["true"], "deadline": 5}),
        json!({"machine": "vm1", "verb": "sucseed"}),
    ];
    let input: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let output = fed(&mut drive(&pretended, &["--json"]), &format!("{input}nonsense\n"));
    assert!(output.status.success(), "{output:?}");
    let replies: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [machines, start, echo, fail, verb, nonsense] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!(*machines, json!({"id": 1, "ok": true, "machines": ["vm1"]}));
    assert_eq!((&start["id"], &start["ok"]), (&json!("two"), &json!(true)));
    assert_eq!((&echo["output"], &echo["status"]), (&json!("a > $b\n"), &json!(0)));
    assert_eq!((&fail["ok"], &fail["error"]), (&json!(false), &json!("'true' ended with status 0")));
    assert!(verb["error"].as_str().unwrap().contains("did you mean 'succeed'"), "{verb}");
    assert!(nonsense["error"].as_str().unwrap().contains("this is no request"), "{nonsense}");
    pretended.assert_nothing_left();
}

#[test]
fn the_program_of_the_documents_drives_a_guest() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join("docs/drive.py");
    let document = fs::read_to_string(root.join("docs/drive.md")).unwrap();
    assert!(document.contains(&fs::read_to_string(&program).unwrap()), "docs/drive.md shows docs/drive.py");
    if Command::new("python3").arg("--version").output().is_err() {
        return testing::skip("python3 is not there");
    }
    let pretended = Pretended::new();
    let drive = drive(&pretended, &[]);
    // What stands before the words of the verb starts perfvt apart from others.
    let words: Vec<_> = drive.get_args().collect();
    let verb = words.iter().position(|word| *word == "drive").unwrap();
    let wrapper = pretended.path().join("perfvt.sh");
    let quoted = |word: &std::ffi::OsStr| format!("'{}' ", word.to_str().unwrap().replace('\'', "'\\''"));
    let before: String =
        std::iter::once(drive.get_program()).chain(words[..verb].iter().copied()).map(quoted).collect();
    fs::write(&wrapper, format!("#!/bin/sh\nexec {before}\"$@\"\n")).unwrap();
    fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut python = Command::new("python3");
    python.arg(program).arg(&wrapper).args(&words[verb + 1..]);
    for (key, value) in drive.get_envs() {
        python.env(key, value.unwrap());
    }
    let said = pretended.ends_with(0, python.current_dir(pretended.path()));
    assert!(said.contains("vm1 runs Linux after"), "{said}");
    assert!(said.contains("as it should: 'sh -c echo no; exit 3' ended with status 3"), "{said}");
    pretended.assert_nothing_left();
}

/// Types lines at a prompt, each when the one before has been answered: what comes earlier is thrown away.
fn typed(command: &mut Command, lines: &[&str]) -> String {
    /// What the terminal is told when a line is waited for.
    const PROMPT: &str = "\u{1b}[?2004h";
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut said = Vec::new();
    for number in 1..=lines.len() {
        while text(&said).matches(PROMPT).count() < number {
            let mut piece = [0; 4096];
            let read = output.read(&mut piece).unwrap();
            assert_ne!(read, 0, "it has left: {}", text(&said));
            said.extend(&piece[..read]);
        }
        input.write_all(format!("{}\r", lines[number - 1]).as_bytes()).unwrap();
    }
    output.read_to_end(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    text(&said)
}

#[test]
fn a_session_at_the_prompt_is_saved_and_does_the_same_again() {
    if Command::new("script").arg("--version").output().is_err() {
        return testing::skip("script(1) is not there");
    }
    let pretended = Pretended::new();
    let drive = drive(&pretended, &[]);
    let quoted = |word: &std::ffi::OsStr| format!("'{}' ", word.to_str().unwrap().replace('\'', "'\\''"));
    let line: String = std::iter::once(drive.get_program()).chain(drive.get_args()).map(quoted).collect();
    let mut script = Command::new("timeout");
    script.args(["120", "script", "-qec", &line, "/dev/null"]).current_dir(pretended.path());
    for (key, value) in drive.get_envs() {
        script.env(key, value.unwrap());
    }
    let lines = [
        "start_all",
        "vm1 succeed echo one",
        "vm1 succeed false",
        "vm1 nonsense",
        "history",
        "save s.drive",
        "quit",
    ];
    let said = typed(&mut script, &lines);
    for part in
        ["machines: vm1", "    one", "FAILED", "there is no verb 'nonsense'", "# failed", "s.drive: 2 steps"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let saved = pretended.path().join("s.drive");
    assert_eq!(
        fs::read_to_string(&saved).unwrap(),
        "start_all\nvm1 succeed echo one\n# failed: vm1 succeed false\n"
    );
    fs::remove_dir_all(pretended.out()).unwrap();
    let again = fs::read_to_string(saved).unwrap();
    let said = pretended.ends_with(0, &mut driven(&pretended, &again, &[]));
    assert!(said.contains("2 steps in"), "{said}");
    pretended.assert_nothing_left();
}

#[test]
fn two_real_machines_lose_sight_of_one_another_while_a_cable_is_pulled() {
    let Some(_turn) = support::beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    fs::write(place("two.cfg"), "vms = vm1 vm2\nvlans_vm1 = 1\nvlans_vm2 = 1\nmem = 192\nsmp = 1\n").unwrap();
    let script = "start_all\nvm1 succeed ping -c 1 -w 20 vm2\n\
                  vm2 block\nvm1 fail ping -c 1 -W 1 vm2\n\
                  vm2 unblock 1\ndeadline 30 vm1 wait_until_succeeds ping -c 1 -W 2 vm2\n\
                  vm1 wait_for_console_text 'perfvt: user space'\n\
                  vm2 crash\nvm1 fail ping -c 1 -W 1 vm2\n\
                  vm2 start\ndeadline 30 vm1 wait_until_succeeds ping -c 1 -W 2 vm2\n\
                  vm2 shutdown\n";
    fs::write(place("two.drive"), script).unwrap();
    let mut command = support::apart();
    command.arg("drive").args([place("two.cfg"), place("two.drive")]).arg("--out").arg(place("X"));
    let output = support::output(command.current_dir(dir.path()));
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(journal(&place("X")).iter().all(|step| step["result"] == "passed"));
}

#[test]
fn a_real_machine_goes_on_from_the_moment_at_which_it_was_saved() {
    let Some(_turn) = support::beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    fs::write(place("two.cfg"), "vms = vm1 vm2\nvlans_vm1 = 1\nvlans_vm2 = 1\nmem = 192\nsmp = 1\n").unwrap();
    let script = "start_all\nvm1 succeed sh -c 'echo then > /root/when'\n\
                  vm1 save_state then.state\n\
                  vm1 succeed sh -c 'echo now > /root/when'\n\
                  vm1 crash\nvm1 restore_state then.state\n\
                  vm1 succeed grep then /root/when\n\
                  deadline 60 vm1 wait_until_succeeds ping -c 1 -W 2 vm2\n\
                  vm1 restore_state then.state\n";
    fs::write(place("s.drive"), script).unwrap();
    let mut command = support::apart();
    command.arg("drive").args([place("two.cfg"), place("s.drive")]).arg("--out").arg(place("X"));
    let output = support::output(command.current_dir(dir.path()));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    let steps = journal(&place("X"));
    assert_eq!(steps.len(), 9, "{said}");
    assert!(steps[..8].iter().all(|step| step["result"] == "passed"), "{said}");
    let restored: Vec<bool> = steps.iter().map(|step| step["restored"] == true).collect();
    assert_eq!(restored, [false, false, false, false, false, true, true, true, true]);
    assert!(said.contains("vm1 runs; `vm1 crash` ends it"), "{said}");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(place("X/then.state")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it has all that the guest knows");
}
