//! The protocol of the console, with the guest's own script in a real shell behind a socket, and with consoles that show what
//! a table says.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

const SOON: Duration = Duration::from_secs(10);

fn login() -> Login {
    Login { user: "root".into(), password: edge::Secret::new("secret"), prompt: Regex::new(PROMPT).unwrap() }
}

#[test]
fn a_console_is_read_by_the_line_that_has_no_end() {
    let table = [
        ("Debian GNU/Linux 12 debian ttyS0\r\n\r\ndebian login: ", Screen::Login),
        ("root\r\nPassword: ", Screen::Password),
        ("\r\nLogin incorrect\r\ndebian login: ", Screen::Refused),
        ("Linux debian 6.1\r\nroot@debian:~# ", Screen::Prompt),
        ("\u{1b}[?2004hroot@debian:~# ", Screen::Prompt),
        ("[root@rhel ~]# \u{1b}[K", Screen::Prompt),
        ("[    1.5] random: crng init done #\r\n", Screen::Other),
        ("Last login: Mon Jan  1 00:00:00 on ttyS0\r\n", Screen::Other),
        ("[  OK  ] Started getty@tty1.\r\n         Starting", Screen::Other),
        ("", Screen::Other),
    ];
    for (shown, screen) in table {
        assert_eq!(login().screen(shown), screen, "{shown:?}");
    }
}

#[test]
fn the_typed_line_fits_into_a_terminal_and_holds_no_marker() {
    let typed = typed();
    assert!(typed.len() < 4000, "{}", typed.len());
    assert!(!typed.contains(MARKER.trim()) && typed.ends_with('\n'));
    assert_eq!(typed.lines().count(), 1);
}

/// What the kernel does to a line of the console.
type Spoil = dyn FnMut(String) -> String + Send;

/// The guest's script in a shell of this host; what it prints goes through `spoil`, line by line.
fn guest(spoil: Box<Spoil>) -> Option<(SerialChannel, tempfile::TempDir)> {
    guest_with("sh -c \"$0\"", spoil)
}

/// The same where another script runs it, which has it as `$0`, and the guest's folder as `$1`.
fn guest_with(starter: &str, mut spoil: Box<Spoil>) -> Option<(SerialChannel, tempfile::TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    // The script works in /run/perfvt, which is the guest's.
    let script = SCRIPT.replace("/run/perfvt", dir.path().to_str().unwrap());
    let mut shell = std::process::Command::new("sh")
        .args(["-c", starter, &script, dir.path().to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut input, output) = (shell.stdin.take()?, shell.stdout.take()?);
    let mut from_host = theirs.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = from_host.read(&mut bytes) {
            if input.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        drop(input);
        let _ = shell.wait();
    });
    let mut to_host = theirs;
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if to_host.write_all(format!("{}\r\n", spoil(line)).as_bytes()).is_err() {
                break;
            }
        }
    });
    let mut channel = SerialChannel::over(Wire::over(ours), login());
    let ready = channel.answer(0, &Limit::new("ready", SOON), &mut || None).ok()?;
    assert_eq!(ready.first().map(String::as_str), Some("ready"));
    Some((channel, dir))
}

#[test]
fn a_command_gives_its_status_and_both_outputs_byte_for_byte() {
    let (mut channel, _dir) = guest(Box::new(|line| line)).unwrap();
    let all: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let octal: String = all.iter().map(|b| format!("\\{b:03o}")).collect();
    let argv = ["sh", "-c", "printf \"$1\"; printf 'x y\n' >&2; exit 7", "sh", &octal];
    let reply = channel.exec(&argv, SOON, &mut || None).unwrap();
    assert_eq!((reply.status, reply.stderr.as_slice()), (Status::Exit(7), &b"x y\n"[..]));
    assert!(reply.stdout == all);
    // What the command prints is not taken for an answer, whatever it looks like.
    let reply = channel.exec(&["echo", "@perfvt 4 end $(x) 'y'"], SOON, &mut || None).unwrap();
    assert_eq!(reply.stdout, b"@perfvt 4 end $(x) 'y'\n");
    let missing = channel.exec(&["perfvt-no-such-program"], SOON, &mut || None).unwrap();
    assert_eq!(missing.status, Status::Exit(127));
}

#[test]
fn a_guest_without_room_says_so_and_is_as_good_as_before_when_there_is_some() {
    // The folder is on a disk of its own, which is small.
    let small = "exec unshare --user --map-root-user --mount sh -c \
                 'mount -t tmpfs -o size=64k small \"$1\" && exec sh -c \"$0\"' \"$0\" \"$1\"";
    // Some machines deny mounts in a user namespace.
    let Some((mut channel, dir)) = guest_with(small, Box::new(|line| line)) else { return };
    let large = vec![b'x'; 200_000];
    let failures = [
        channel.put("/none/x", "644", &large, SOON, &mut || None).unwrap_err().to_string(),
        String::from_utf8(
            channel.exec(&["head", "-c", "99999", "/dev/zero"], SOON, &mut || None).unwrap().stderr,
        )
        .unwrap(),
    ];
    for failure in failures {
        assert!(failure.contains("No space left on device"), "{failure}");
    }
    let fill = format!("head -c 99999 /dev/zero > {0}/x; exit 0", dir.path().display());
    channel.exec(&["sh", "-c", &fill], SOON, &mut || None).unwrap();
    let full = channel.exec(&["seq", "1", "4000"], SOON, &mut || None).unwrap();
    assert!(String::from_utf8_lossy(&full.stderr).contains("No space left on device"), "{full:?}");
    channel.exec(&["rm", &format!("{}/x", dir.path().display())], SOON, &mut || None).unwrap();
    let reply = channel.exec(&["echo", "again"], SOON, &mut || None).unwrap();
    assert_eq!((reply.status, reply.stdout.as_slice()), (Status::Exit(0), &b"again\n"[..]));
}

#[test]
fn output_without_an_end_is_given_up_before_it_fills_the_hosts_memory() {
    let endless = |line: String| match line.split_once(" b64 ") {
        Some((head, _)) => format!("{head} b64 {}", "QUJD".repeat(200_000)),
        None => line,
    };
    let (mut channel, _dir) = guest(Box::new(endless)).unwrap();
    let error = channel.exec(&["seq", "1", "40000"], SOON * 6, &mut || None).unwrap_err();
    assert_eq!(error.to_string(), "in the guest, 'seq 1 40000' wrote more than 64 MiB of output");
}

#[test]
fn a_command_is_killed_at_its_deadline() {
    let (mut channel, _dir) = guest(Box::new(|line| line)).unwrap();
    let reply = channel.exec(&["sleep", "60"], Duration::from_secs(1), &mut || None).unwrap();
    assert_eq!(reply.status, Status::Timeout);
    let reply = channel.exec(&["sh", "-c", "kill -KILL $$"], SOON, &mut || None).unwrap();
    assert_eq!(reply.status, Status::Exit(137));
}

#[test]
fn what_the_kernel_writes_into_an_answer_is_asked_for_again() {
    let mut count = 0;
    let noisy = move |line: String| {
        count += 1;
        let message = "[   12.345678] perf: interrupt took too long";
        match line {
            // The first time in the middle of a line, later between lines.
            line if line.contains(" b64 ") && count < 9 => {
                let (a, b) = line.split_at(line.len() - 5);
                format!("{a}{message}\r\n{b}")
            }
            line if line.starts_with(MARKER) => format!("{message}\r\n{line}"),
            line => line,
        }
    };
    let (mut channel, _dir) = guest(Box::new(noisy)).unwrap();
    let reply = channel.exec(&["seq", "1", "40"], SOON, &mut || None).unwrap();
    let want: String = (1..=40).map(|n| format!("{n}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&reply.stdout), want);
}

#[test]
fn an_answer_that_is_always_spoilt_is_no_result() {
    let (mut channel, _dir) =
        guest(Box::new(|line| if line.contains(" b64 ") { format!("{line} [ 1.0] x") } else { line }))
            .unwrap();
    let error = channel.exec(&["echo", "x"], SOON, &mut || None).unwrap_err().to_string();
    assert!(error.contains("spoilt again and again"), "{error}");
}

/// A console that answers each line that is typed by the next text of a list.
fn console(shows: &'static [&'static str]) -> SerialChannel {
    let (ours, theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut out = theirs.try_clone().unwrap();
        let mut lines = BufReader::new(theirs).lines();
        for show in shows {
            out.write_all(show.as_bytes()).unwrap();
            let Some(Ok(_)) = lines.next() else { return };
        }
        while let Some(Ok(_)) = lines.next() {}
    });
    SerialChannel::over(Wire::over(ours), login())
}

#[test]
fn a_login_goes_by_name_and_password_and_what_is_echoed_is_no_answer() {
    let mut channel = console(&[
        "[    0.1] booting\r\ndebian login: ",
        "root\r\nPassword: ",
        "\r\nLinux debian\r\nroot@debian:~# ",
        " exec sh -c \"$(echo QHBlcmZ2dA== | base64 -d)\"\r\n\n@perfvt 0 ready 6.1.0-56-amd64 17.25\n",
    ]);
    let ready = channel.wait_ready(SOON, &mut || None).unwrap();
    assert_eq!(ready, Ready { kernel: "6.1.0-56-amd64".into(), uptime: 17.25 });
}

#[test]
fn a_refused_login_says_which_keys_are_wrong() {
    let mut channel = console(&["debian login: ", "Password: ", "\r\nLogin incorrect\r\ndebian login: "]);
    let error = channel.wait_ready(SOON, &mut || None).unwrap_err().to_string();
    assert!(error.contains("refuses the login of root") && error.contains("user and password"), "{error}");
}

#[test]
fn the_prompt_of_a_loader_that_passes_is_not_taken_for_a_shells() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut channel = SerialChannel::over(Wire::over(ours), login());
    let guest = std::thread::spawn(move || {
        theirs.write_all(b"Press ESC to skip startup.nsh\r\nShell> ").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        theirs.write_all(b"vmlinuz quiet\r\nDebian GNU/Linux 12\r\n\r\ndebian login: ").unwrap();
        let mut line = String::new();
        BufReader::new(theirs).read_line(&mut line).unwrap();
        line
    });
    assert!(
        channel.wait_ready(Duration::from_secs(1), &mut || None).is_err(),
        "nobody says that it is ready"
    );
    assert_eq!(guest.join().unwrap(), "root\n");
}
