//! The contract with the guest agent, against an agent of the tests' own that does what an argument says.

use super::pretend::{Seen, agent, ended};
use super::*;
use model::{Code, Failure};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

const SOON: Duration = Duration::from_secs(5);

fn windows(
    script: impl Fn(&str, &Value) -> Option<Value> + Send + 'static,
) -> (QgaChannel, Arc<Mutex<Seen>>) {
    agent(Os::Windows, script)
}

#[test]
fn a_windows_guest_is_ready_when_its_agent_answers() {
    let (mut channel, _) = windows(|command, _| match command {
        "guest-ping" => Some(json!({"return": {}})),
        "guest-get-osinfo" => Some(json!({"return": {
            "id": "mswindows", "name": "Microsoft Windows", "kernel-release": "20348", "kernel-version": "10.0",
            "pretty-name": "Windows Server 2022 Datacenter", "version-id": "2022"}})),
        _ => None,
    });
    let ready = channel.wait_ready(SOON, &mut || None).unwrap();
    assert_eq!(ready, Ready { kernel: "20348".into(), uptime: 0.0 });
}

#[test]
fn a_command_in_windows_gets_its_arguments_as_they_are_and_no_shell_of_ours() {
    let (mut channel, seen) = windows(|command, _| match command {
        "guest-exec" => Some(json!({"return": {"pid": 4242}})),
        "guest-exec-status" => Some(ended(3, b"C:\\Program Files\r\n\0\xff", b"no\r\n")),
        _ => None,
    });
    let argv = ["powershell.exe", "-Command", "Get-Item 'C:\\Program Files\\x \"y\"' | % { $_.Name }"];
    let reply = channel.exec(&argv, SOON, &mut || None).unwrap();
    assert_eq!(reply.status, Status::Exit(3));
    assert_eq!(
        (reply.stdout.as_slice(), reply.stderr.as_slice()),
        (&b"C:\\Program Files\r\n\0\xff"[..], &b"no\r\n"[..])
    );
    let seen = seen.lock().unwrap();
    let exec = seen.requests.iter().find(|r| r["execute"] == "guest-exec").unwrap();
    assert_eq!(exec["arguments"], json!({"path": argv[0], "arg": argv[1..], "capture-output": true}));
}

#[test]
fn statuses_of_windows_keep_their_bits_and_a_signal_is_a_status_of_linux() {
    let (mut channel, _) = windows(|command, _| match command {
        "guest-exec" => Some(json!({"return": {"pid": 1}})),
        _ => Some(json!({"return": {"exited": true, "signal": 0xC000_0005_u32 as i32}})),
    });
    let reply = channel.exec(&["cmd.exe"], SOON, &mut || None).unwrap();
    assert_eq!(reply.status, Status::Exit(0xC000_0005_u32 as i32));
    let (mut channel, _) = agent(Os::Linux, |command, _| match command {
        "guest-exec" => Some(json!({"return": {"pid": 1}})),
        _ => Some(json!({"return": {"exited": true, "signal": 9}})),
    });
    assert_eq!(channel.exec(&["x"], SOON, &mut || None).unwrap().status, Status::Exit(137));
}

#[test]
fn a_command_that_runs_on_is_asked_for_again_and_killed_with_its_children_at_its_deadline() {
    let (killed, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let (mut channel, seen) = windows(move |command, arguments| match command {
        "guest-exec" => {
            killed.fetch_or(arguments["path"] == "taskkill.exe", Relaxed);
            Some(json!({"return": {"pid": if killed.load(Relaxed) { 78 } else { 77 }}}))
        }
        // It takes a moment until it is dead.
        _ => {
            let dead = killed.load(Relaxed) && asked.fetch_add(1, Relaxed) > 1;
            Some(json!({"return": {"exited": dead, "exitcode": 1}}))
        }
    });
    let reply = channel.exec(&["ping.exe", "-t", "::1"], Duration::from_millis(150), &mut || None).unwrap();
    assert_eq!(reply.status, Status::Timeout);
    let seen = seen.lock().unwrap();
    let asked = seen.requests.iter().filter(|r| r["execute"] == "guest-exec-status").count();
    assert!(asked >= 3, "{asked}");
    let kill = seen.requests.iter().rposition(|r| r["execute"] == "guest-exec").unwrap();
    assert_eq!(
        seen.requests[kill]["arguments"],
        json!({"path": "taskkill.exe", "arg": ["/F", "/T", "/PID", "77"]})
    );
    let after = &seen.requests[kill + 1..];
    assert!(after.len() == 3 && after.iter().all(|r| r["arguments"]["pid"] == 77), "{after:?}");
}

#[test]
fn what_the_agent_refuses_is_a_reply_with_its_reason() {
    let (mut channel, _) = windows(|_, _| {
        Some(
            json!({"error": {"class": "GenericError", "desc": "Guest agent command failed, error was 'Failed to execute child process'"}}),
        )
    });
    let reply = channel.exec(&["away.exe"], SOON, &mut || None).unwrap();
    assert_eq!(reply.status, Status::Refused);
    let error = reply.into_output(&["away.exe"]).unwrap_err().to_string();
    assert!(error.contains("away.exe") && error.contains("Failed to execute child process"), "{error}");
    let missing = channel.read(&["C:\\away.txt"], SOON, &mut || None).unwrap();
    assert!(String::from_utf8_lossy(&missing.stderr).contains("C:\\away.txt"));
}

#[test]
fn output_that_the_agent_cut_off_is_refused() {
    let (mut channel, _) = windows(|command, _| match command {
        "guest-exec" => Some(json!({"return": {"pid": 1}})),
        _ => Some(
            json!({"return": {"exited": true, "exitcode": 0, "out-data": "eA==", "out-truncated": true}}),
        ),
    });
    assert_eq!(channel.exec(&["cmd.exe"], SOON, &mut || None).unwrap().status, Status::Refused);
}

#[test]
fn a_file_is_written_and_read_byte_for_byte_however_small_the_agents_pieces_are() {
    let (mut channel, seen) = windows(|_, _| None);
    let content: Vec<u8> = (0..200_001u32).map(|n| (n % 251) as u8).collect();
    let path = "C:\\perfvt\\über tool.exe";
    let reply = channel.put(path, "755", &content, SOON, &mut || None).unwrap();
    assert_eq!(reply.status, Status::Exit(0), "{}", String::from_utf8_lossy(&reply.stderr));
    assert!(seen.lock().unwrap().files[path] == content);
    seen.lock().unwrap().files.insert("C:\\small.txt".into(), content[..50].to_vec());
    let reply = channel.read(&["C:\\small.txt", "C:\\small.txt"], SOON, &mut || None).unwrap();
    assert_eq!(reply.stdout, [&content[..50], &content[..50]].concat());
}

#[test]
fn an_answer_to_a_request_that_was_given_up_is_not_taken_for_the_next_ones() {
    let asked = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&asked);
    let (mut channel, seen) = windows(move |command, _| match command {
        "guest-exec" => {
            *counter.lock().unwrap() += 1;
            Some(json!({"return": {"pid": 5}}))
        }
        // The first question is not answered in time.
        _ if *counter.lock().unwrap() == 1 => None,
        _ => Some(ended(0, b"second", b"")),
    });
    let limit = Limit::new("guest-exec-status", Duration::from_millis(100));
    let _: Told<Started> = channel.ask("guest-exec", json!({}), &limit, &mut || None).unwrap();
    let late: Result<Told<Standing>, _> =
        channel.ask("guest-exec-status", json!({"pid": 5}), &limit, &mut || None);
    assert!(matches!(late, Err(ChannelError::Deadline { .. })));
    let reply = channel.exec(&["cmd.exe", "/c", "echo second"], SOON, &mut || None).unwrap();
    assert_eq!(reply.stdout, b"second");
    let syncs =
        seen.lock().unwrap().requests.iter().filter(|r| r["execute"] == "guest-sync-delimited").count();
    assert_eq!(syncs, 2);
}

#[test]
fn an_agent_that_dies_is_told_by_what_happened_to_the_guest() {
    let (mut channel, _) = windows(|_, _| Some(Value::Null));
    let error = channel
        .exec(&["cmd.exe"], SOON, &mut || Some(Failure::new(Code::EarlyExit, "QEMU ended with status 1")))
        .unwrap_err();
    assert_eq!(error.to_string(), "QEMU ended with status 1");
}

#[test]
fn an_answer_that_is_no_json_is_quoted() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut channel = QgaChannel { stale: false, ..QgaChannel::over(Wire::over(ours), Os::Windows) };
    theirs.write_all(b"Segmentation fault\n").unwrap();
    let error = channel.exec(&["cmd.exe"], SOON, &mut || None).unwrap_err().to_string();
    assert!(error.contains("Segmentation fault"), "{error}");
}

#[test]
fn a_guest_without_an_agent_is_not_ready_at_its_deadline() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let mut channel = QgaChannel::over(Wire::over(ours), Os::Linux);
    let error = channel.wait_ready(Duration::from_millis(200), &mut || None).unwrap_err();
    assert!(matches!(error, ChannelError::Deadline { .. }), "{error}");
}
