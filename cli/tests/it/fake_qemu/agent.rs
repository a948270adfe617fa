//! The built-in guest's agent, by the protocol that is described at the top of vm/guest/agent.

use super::faults::{self, halt, strike};
use super::guest::{Guest, Said};
use super::machine::Machine;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// Waits for perfvt and until the guest is let go, boots it, and does what it is told.
pub fn serve(machine: &Machine, socket: &UnixListener) {
    let folder = socket.local_addr().unwrap().as_pathname().unwrap().with_file_name("guest");
    let (stream, _) = socket.accept().unwrap();
    machine.wait();
    if machine.arguments.moves_in {
        return talk(
            &mut Guest::new(machine, folder),
            stream.try_clone().unwrap(),
            &mut stream.try_clone().unwrap(),
        );
    }
    machine.heard("boot");
    machine.console("[    0.0] Linux version 6.1.0-pretended\n[    0.0] Run /init as init process\n");
    if machine.fault("never-ready").is_some() || !machine.arguments.own_agent {
        halt();
    }
    if let Some(slow) = machine.fault("slow") {
        std::thread::sleep(Duration::from_millis(slow.value.parse().unwrap()));
    }
    machine.arguments.faults.iter().for_each(|fault| strike(machine, fault));
    let mut guest = Guest::new(machine, folder);
    let mut out = stream.try_clone().unwrap();
    if machine.fault("garbage-on-channel").is_some() {
        out.write_all(b"\x1b[2J\x07login: \n").unwrap();
        halt();
    }
    let uptime = machine.started.elapsed().as_secs_f64();
    out.write_all(format!("READY 6.1.0-pretended {uptime:.2}\n").as_bytes()).unwrap();
    if machine.fault("silent").is_some() {
        halt();
    }
    talk(&mut guest, stream, &mut out);
    faults::end(0);
}

fn talk(guest: &mut Guest<'_>, stream: UnixStream, out: &mut UnixStream) {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        let words: Vec<&str> = line.split_whitespace().collect();
        let [id, request @ ..] = words.as_slice() else { continue };
        let request = if let ["stoppable", rest @ ..] = request { rest } else { request };
        // It runs to its end before it hears of that.
        if *id == "stop" {
            continue;
        }
        let Said { status, stdout, stderr } = carry_out(guest, request);
        let head = format!("{id} {status} {} {}\n", stdout.len(), stderr.len());
        if [head.as_bytes(), &stdout, &stderr].into_iter().any(|bytes| out.write_all(bytes).is_err()) {
            return;
        }
    }
}

fn carry_out(guest: &mut Guest<'_>, request: &[&str]) -> Said {
    let decoded = |word: &str| STANDARD.decode(word).unwrap();
    let text = |word: &str| String::from_utf8(decoded(word)).unwrap();
    match request {
        ["read", paths @ ..] => guest.read("", paths),
        ["counters", paths @ ..] => {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            guest.read(&format!("now {}\n", now.tv_sec * 1_000_000_000 + now.tv_nsec), paths)
        }
        ["put", mode, path, content @ ..] => {
            let content = content.first().map(|content| decoded(content)).unwrap_or_default();
            guest.put(&text(path), mode, &content)
        }
        [seconds, argv] if seconds.bytes().all(|b| b.is_ascii_digit()) => {
            let argv: Vec<String> = text(argv).split('\0').map(str::to_owned).collect();
            guest.run(&argv, Duration::from_secs(seconds.parse().unwrap()))
        }
        _ => Said { status: "refused".into(), stdout: Vec::new(), stderr: b"unknown request".to_vec() },
    }
}
