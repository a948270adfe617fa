//! Whether a guest is still one that can be measured, and if not, what happened to it.
//!
//! Four witnesses are heard, the one who says most first: QEMU's events (QEMU's `qapi/run-state.json` and
//! `qapi/block-core.json`), the guest's console, QEMU's own end, and QEMU's word on whether the guest runs.

use super::qmp::{Qmp, QmpEvent};
use crate::process::{Running, tail};
use model::{Code, Failure};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// What the kernel says on its console when it has found a bug of its own (Linux: `lib/bug.c`, `arch/*/mm/fault.c`,
/// `arch/*/kernel/dumpstack.c`, `arch/x86/kernel/traps.c`).
const OOPSES: [&str; 7] = [
    "BUG: kernel NULL pointer dereference",
    "BUG: unable to handle",
    "kernel BUG at ",
    "Oops: ",
    "general protection fault",
    "Internal error: Oops",
    "Unable to handle kernel",
];
/// What it says before it gives up (Linux: `kernel/panic.c`).
const PANIC: &str = "Kernel panic - not syncing";
/// A line is looked at whole, also when it was half written the last time: so much of what is known is read again.
const OVERLAP: u64 = 256;
/// A console that says more than this between two looks is read at its end only.
const MOST: u64 = 1 << 20;

/// The guest's console, looked at for what is new.
#[derive(Debug)]
pub(super) struct Console {
    path: PathBuf,
    read: u64,
}

impl Console {
    pub(super) fn new(path: &Path) -> Console {
        Console { path: path.to_owned(), read: 0 }
    }

    /// The end of the log, for people.
    pub(super) fn tail(&self) -> String {
        tail(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A panic or an oops that was not there before. A console that cannot be read tells nothing.
    fn complaint(&mut self) -> Option<Failure> {
        let length = std::fs::metadata(&self.path).ok()?.len();
        if length <= self.read {
            return None;
        }
        let from = self.read.saturating_sub(OVERLAP).max(length.saturating_sub(MOST));
        let mut bytes = Vec::new();
        let mut file = File::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(from)).ok()?;
        file.take(length - from).read_to_end(&mut bytes).ok()?;
        self.read = length;
        complaint_in(&String::from_utf8_lossy(&bytes))
    }
}

fn complaint_in(text: &str) -> Option<Failure> {
    let line = |words: &[&str]| text.lines().find(|l| words.iter().any(|w| l.contains(w))).map(str::trim);
    if let Some(line) = line(&[PANIC]) {
        return Some(Failure::new(Code::Panic, format!("the guest panicked: {line}")));
    }
    line(&OOPSES).map(|line| Failure::new(Code::Oops, format!("the guest's kernel oopsed: {line}")))
}

/// What happened to the guest, if something did.
pub(super) fn death(qemu: &mut Running, qmp: &Qmp, console: &mut Console) -> Option<Failure> {
    let events = qmp.events();
    if let Some(failure) = told_by(&events) {
        return Some(quoting(failure, console));
    }
    // Before QEMU's end: with `panic=-1` and without pvpanic a panic ends QEMU with status 0.
    if let Some(failure) = console.complaint() {
        return Some(failure);
    }
    if let Some(status) = qemu.ended() {
        return Some(exit_reason(status, &qemu.stderr_tail(), &console.tail()));
    }
    stopped(&events)
}

fn quoting(failure: Failure, console: &Console) -> Failure {
    match console.tail() {
        tail if tail.is_empty() => failure,
        tail => Failure::new(failure.code, format!("{}; the console ends with: {tail}", failure.reason)),
    }
}

/// What QEMU's events tell of panics and disks.
fn told_by(events: &[QmpEvent]) -> Option<Failure> {
    events.iter().find_map(|event| match event.name.as_str() {
        "GUEST_PANICKED" | "GUEST_CRASHLOADED" => {
            Some(Failure::new(Code::Panic, format!("the guest panicked ({})", event.name)))
        }
        "BLOCK_IO_ERROR" => disk_error(&event.data),
        _ => None,
    })
}

/// `BLOCK_IO_ERROR`: QEMU pauses the guest (`werror=stop`) or tells it (`report`); what is ignored is nobody's business.
fn disk_error(data: &Value) -> Option<Failure> {
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or("?");
    let action = text("action");
    if action == "ignore" {
        return None;
    }
    let full = data.get("nospace").and_then(Value::as_bool) == Some(true);
    let paused = if action == "stop" { ", and paused the guest" } else { "" };
    let disk = match text("device") {
        "" | "?" => text("node-name"),
        device => device,
    };
    let reason = format!("QEMU could not {} disk {disk}: {}{paused}", text("operation"), text("reason"));
    Some(Failure::new(if full { Code::HostNoSpace } else { Code::IoError }, reason))
}

/// A guest that was stopped and never let go on: by a debugger, a watchdog, or somebody at its monitor.
fn stopped(events: &[QmpEvent]) -> Option<Failure> {
    let last = events.iter().rev().find(|e| e.name == "STOP" || e.name == "RESUME")?;
    (last.name == "STOP").then(|| {
        Failure::new(Code::Hang, "the guest hangs: its vCPUs were stopped from outside (QMP event STOP)")
    })
}

/// How QEMU ended, in words.
pub(super) fn exit_reason(status: ExitStatus, stderr: &str, console: &str) -> Failure {
    // With -no-reboot a panic without pvpanic looks like a power-off; the console tells them apart.
    let panicked = status.code() == Some(0) && console.contains(PANIC);
    let how = match (status.code(), status.signal()) {
        _ if panicked => "the guest panicked and QEMU left".to_owned(),
        (Some(0), _) => "the guest powered off or QEMU was told to leave".to_owned(),
        (Some(code), _) => format!("QEMU ended with status {code}"),
        (None, Some(signal)) => format!("QEMU was killed by signal {signal}"),
        (None, None) => "QEMU ended".to_owned(),
    };
    let quote =
        |what: &str, text: &str| if text.is_empty() { String::new() } else { format!("; {what}: {text}") };
    let reason = format!("{how}{}{}", quote("it said", stderr), quote("the console ends with", console));
    Failure::new(if panicked { Code::Panic } else { Code::EarlyExit }, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(name: &str, data: Value) -> QmpEvent {
        QmpEvent { name: name.into(), data, unix_seconds: 0.0 }
    }

    #[test]
    fn an_oops_is_told_once_and_whole_also_when_it_was_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("serial.log");
        std::fs::write(&log, "booting\n[ 1.0] BUG: kernel NULL po").unwrap();
        let mut console = Console::new(&log);
        assert_eq!(console.complaint(), None);
        std::fs::write(&log, "booting\n[ 1.0] BUG: kernel NULL pointer dereference, address: 0\n").unwrap();
        let oops = console.complaint().unwrap();
        assert_eq!(oops.code, Code::Oops);
        assert!(oops.reason.ends_with("BUG: kernel NULL pointer dereference, address: 0"), "{oops}");
        assert_eq!(console.complaint(), None, "nothing is new");
    }

    #[test]
    fn a_panic_outweighs_the_oops_before_it_and_ordinary_lines_are_neither() {
        let text = "Oops: 0002 [#1]\nKernel panic - not syncing: Fatal exception\n";
        assert_eq!(complaint_in(text).unwrap().code, Code::Panic);
        for line in ["debug: bugs 0", "watchdog: BUG: soft lockup - CPU#0 stuck", "oops, says a program"] {
            assert_eq!(complaint_in(line), None, "{line}");
        }
    }

    #[test]
    fn a_full_host_a_bad_disk_and_an_ignored_error_are_told_apart() {
        let error = |action: &str, full: bool| {
            let data = json!({"device": "", "node-name": "disk0", "operation": "write", "action": action,
                              "nospace": full, "reason": "some error"});
            told_by(&[event("BLOCK_IO_ERROR", data)])
        };
        assert_eq!(error("stop", true).unwrap().code, Code::HostNoSpace);
        let paused = error("stop", false).unwrap();
        assert_eq!(paused.code, Code::IoError);
        assert_eq!(paused.reason, "QEMU could not write disk disk0: some error, and paused the guest");
        assert_eq!(error("report", false).unwrap().code, Code::IoError);
        assert_eq!(error("ignore", false), None);
    }

    #[test]
    fn a_guest_that_is_let_go_on_is_not_stopped() {
        let (stop, resume) = (event("STOP", Value::Null), event("RESUME", Value::Null));
        assert_eq!(stopped(std::slice::from_ref(&resume)), None);
        assert_eq!(stopped(&[resume.clone(), stop.clone()]).unwrap().code, Code::Hang);
        assert_eq!(stopped(&[resume.clone(), stop, resume]), None);
        assert_eq!(stopped(&[]), None, "nothing was ever told");
    }
}
