//! A guest of the tests' own: nothing but a channel, and a monitor that answers.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use super::super::channel::Channel;
use super::super::forensics::Screen;
use super::super::health::Console;
use super::super::os::Os;
use super::super::qmp::Qmp;
use super::{CommandLine, Machine, Ready};
use crate::deadlines::Deadlines;
use crate::host::placement::Threads;
use model::Accel;
use process::deadlines::HOST_ANSWER;
use process::{Spec, private_folder};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A monitor that answers everything with a status.
fn monitor(status: &'static str) -> Qmp {
    let (ours, theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut out = theirs.try_clone().unwrap();
        for line in BufReader::new(theirs).lines() {
            let command: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            writeln!(out, "{}", json!({"return": {"status": status}, "id": command["id"]})).unwrap();
        }
    });
    Qmp::over(ours, HOST_ANSWER).unwrap()
}

/// A guest that is nothing but its channel, with a monitor that answers everything.
pub fn pretended(dir: &Path, channel: Box<dyn Channel>, os: Os) -> Machine {
    let serial = dir.join("serial.log");
    fs::write(&serial, "watchdog: BUG: soft lockup\n").unwrap();
    Machine {
        channel,
        os,
        qmp: monitor("running"),
        qemu: Spec::new("sleep").arg("1000").start().unwrap(),
        threads: Threads::default(),
        _sockets: private_folder().unwrap(),
        screen: Screen { drawn: dir.join("screen"), named: "/dev/fdset/1".into(), file: None },
        console: Console::new(&serial),
        nics: 1,
        vnc: None,
        deadlines: Deadlines::usual(Accel::Kvm),
        silent: false,
        writes: Vec::new(),
        restored: false,
        argv: CommandLine { executed: vec!["qemu".into(), "-S".into()], shown: vec!["-S".into()] },
        ready: Ready { kernel: "6.1".into(), uptime: 1.0 },
        started: std::time::Instant::now(),
        boot_seconds: 1.0,
    }
}
