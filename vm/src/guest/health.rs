//! Whether a guest is still one that can be measured, and if not, what happened to it.
//!
//! Six witnesses are heard, the one who says most first: QEMU's events (QEMU's `qapi/run-state.json` and
//! `qapi/block-core.json`), the guest's console, QEMU's own end, its monitor, the kernel's word on whether QEMU runs, and
//! QEMU's on whether the guest does.

use super::qmp::{Qmp, QmpEvent};
use edge::{quoted, quoted_end};
use model::{Code, Failure};
use process::deadlines::LAST_WORDS;
use process::{Running, note_struck, tail};
use serde_json::Value;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// The console's log in a boot's folder.
pub const SERIAL_LOG: &str = "serial.log";
/// The log of the firmware's debug port.
pub const DEBUG_LOG: &str = "debug.log";
/// What QEMU says.
pub(super) const QEMU_STDERR: &str = "qemu.stderr";

/// The most that a guest may write in one boot to a file that QEMU keeps for it on the host: its console, the firmware's
/// debug port, and what it makes QEMU complain of.
const LARGEST_LOG: u64 = 64 << 20;
/// How long a QEMU that is stopped may take to go on. Whoever stops a whole job lets its processes go on one after the
/// other.
const STOPPED_FOR: Duration = Duration::from_millis(500);
/// What QEMU says when a signal ends it (QEMU's `system/runstate.c`). It leaves in order then, with status 0.
const TERMINATING: &str = "terminating on signal ";

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
/// What process 1 of perfvt's own guest (`vm/guest/init`) says before it makes the kernel panic.
const GAVE_UP: &str = "perfvt-init: cannot go on: ";
/// A line is looked at whole, also when it was half written the last time: so much of what is known is read again.
const OVERLAP: u64 = 256;
/// A console that says more than this between two looks is read at its end only.
const MOST: u64 = 1 << 20;

/// The guest's console, looked at for what is new.
#[derive(Debug)]
pub(super) struct Console {
    path: PathBuf,
    read: u64,
    complaint: Option<Failure>,
}

impl Console {
    pub(super) fn new(path: &Path) -> Console {
        Console { path: path.to_owned(), read: 0, complaint: None }
    }

    /// The end of the log, for people.
    pub(super) fn tail(&self) -> String {
        tail(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says so when a file that QEMU keeps for the guest is too large.
    fn flood(&self) -> Option<Failure> {
        let logs = [
            (SERIAL_LOG, "the guest has written", "its console"),
            (DEBUG_LOG, "the guest has written", "the firmware's debug port"),
            (QEMU_STDERR, "QEMU has written", "its standard error"),
        ];
        logs.into_iter().find_map(|(name, who, place)| {
            let length = std::fs::metadata(self.path.with_file_name(name)).ok()?.len();
            (length > LARGEST_LOG).then(|| {
                let most = LARGEST_LOG >> 20;
                Failure::new(Code::ConsoleFlood, format!("{who} more than {most} MiB to {place} ({name})"))
            })
        })
    }

    /// A panic or an oops, from when it is there on: whoever hears of it first may have no use for it. A console that cannot
    /// be read tells nothing.
    fn complaint(&mut self) -> Option<Failure> {
        if let Some(new) = self.new_complaint() {
            self.complaint = Some(new);
        }
        self.complaint.clone()
    }

    /// One that was not there before.
    fn new_complaint(&mut self) -> Option<Failure> {
        let length = std::fs::metadata(&self.path).ok()?.len();
        if length <= self.read {
            return None;
        }
        let from = self.read.saturating_sub(OVERLAP).max(length.saturating_sub(MOST));
        let mut bytes = Vec::new();
        let mut file = edge::read::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(from)).ok()?;
        file.take(length - from).read_to_end(&mut bytes).ok()?;
        self.read = length;
        complaint_in(&String::from_utf8_lossy(&bytes))
    }
}

fn complaint_in(text: &str) -> Option<Failure> {
    let line = |words: &[&str]| text.lines().find(|l| words.iter().any(|w| l.contains(w))).map(str::trim);
    // Why it made the kernel panic: the panic itself tells nothing.
    if let Some((_, why)) = line(&[GAVE_UP]).and_then(|line| line.split_once(GAVE_UP)) {
        let reason = format!("the guest could not be set up: {}", quoted(why));
        return Some(Failure::new(Code::SetUp, reason));
    }
    if let Some(line) = line(&[PANIC]) {
        return Some(Failure::new(Code::Panic, format!("the guest panicked: {}", quoted(line))));
    }
    let reason = |line| format!("the guest's kernel oopsed: {}", quoted(line));
    line(&OOPSES).map(|line| Failure::new(Code::Oops, reason(line)))
}

/// What happened to the guest, if something did.
pub(super) fn death(qemu: &mut Running, qmp: &Qmp, console: &mut Console) -> Option<Failure> {
    let events = qmp.events();
    // QEMU tells of the panic that perfvt's own process 1 causes, and not why.
    if let Some(failure) = console.complaint().filter(|failure| failure.code == Code::SetUp) {
        return Some(failure);
    }
    if let Some(failure) = told_by(&events) {
        return Some(quoting(failure, console));
    }
    // Before QEMU's end: with `panic=-1` and without pvpanic a panic ends QEMU with status 0.
    if let Some(failure) = console.complaint() {
        return Some(failure);
    }
    // A QEMU that ends closes its monitor a moment before.
    let patience = if qmp.is_closed() { LAST_WORDS } else { Duration::ZERO };
    if let Some(status) = qemu.wait_until(Instant::now() + patience) {
        return Some(exit_reason(status, &qemu.stderr_tail(), &console.tail()));
    }
    if qmp.is_closed() {
        return Some(Failure::new(Code::ChannelBroken, "QEMU has closed its monitor, and goes on"));
    }
    console.flood().or_else(|| halted(qemu.pid())).or_else(|| stopped(&events))
}

/// Says so when QEMU itself is stopped and stays so.
pub(super) fn halted(pid: u32) -> Option<Failure> {
    let until = Instant::now() + STOPPED_FOR;
    while is_stopped(pid) {
        if Instant::now() >= until {
            return Some(Failure::new(Code::Hang, "the guest hangs: QEMU was stopped (SIGSTOP)"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Whether a process is stopped by a signal: state T in `/proc/PID/stat` (proc(5)). One that a debugger holds is in t.
pub(super) fn is_stopped(pid: u32) -> bool {
    let stat = edge::read::kernel(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T"))
}

fn quoting(failure: Failure, console: &Console) -> Failure {
    match console.tail() {
        tail if tail.is_empty() => failure,
        tail => {
            let reason = format!("{}; the console ends with {}", failure.reason, quoted_end(&tail));
            Failure::new(failure.code, reason)
        }
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
    let reason =
        format!("QEMU could not {} disk {disk}: {}{paused}", text("operation"), quoted(text("reason")));
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
    let ended_by = terminated_by(stderr).filter(|_| status.code() == Some(0) && !panicked);
    if let Some(signal) = ended_by {
        note_struck(signal);
    }
    let how = match (status.code(), status.signal()) {
        _ if panicked => "the guest panicked and QEMU left".to_owned(),
        _ if ended_by.is_some() => format!("QEMU was ended by signal {}", ended_by.unwrap_or_default()),
        (Some(0), _) => "the guest powered off or QEMU was told to leave".to_owned(),
        (Some(code), _) => format!("QEMU ended with status {code}"),
        (None, Some(signal)) => format!("QEMU was killed by signal {signal}"),
        (None, None) => "QEMU ended".to_owned(),
    };
    let quote = |what: &str, text: &str| {
        if text.is_empty() { String::new() } else { format!("; {what} {}", quoted_end(text)) }
    };
    let reason = format!("{how}{}{}", quote("it said", stderr), quote("the console ends with", console));
    Failure::new(if panicked { Code::Panic } else { Code::EarlyExit }, reason)
}

/// The signal that QEMU says has ended it.
fn terminated_by(stderr: &str) -> Option<i32> {
    let (_, told) = stderr.rsplit_once(TERMINATING)?;
    let digits = told.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::Spec;
    use rustix::process::Signal;
    use serde_json::json;

    fn event(name: &str, data: Value) -> QmpEvent {
        QmpEvent { name: name.into(), data, unix_seconds: 0.0 }
    }

    #[test]
    fn an_oops_is_told_whole_also_when_it_was_half_written_and_is_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("serial.log");
        std::fs::write(&log, "booting\n[ 1.0] BUG: kernel NULL po").unwrap();
        let mut console = Console::new(&log);
        assert_eq!(console.complaint(), None);
        std::fs::write(&log, "booting\n[ 1.0] BUG: kernel NULL pointer dereference, address: 0\n").unwrap();
        let oops = console.complaint().unwrap();
        assert_eq!(oops.code, Code::Oops);
        assert!(oops.reason.ends_with("BUG: kernel NULL pointer dereference, address: 0'"), "{oops}");
        assert_eq!(console.complaint(), Some(oops), "whoever heard of it first may have passed over it");
    }

    #[test]
    fn a_guest_that_gave_itself_up_says_why_and_not_that_its_kernel_panicked() {
        let text = "perfvt-init: cannot go on: loading modules: the kernel has no virtio_pci\r\n\
                    sysrq: Trigger a crash\nKernel panic - not syncing: sysrq triggered crash\n";
        let failure = complaint_in(text).unwrap();
        assert_eq!(failure.code, Code::SetUp);
        assert!(failure.reason.contains("the kernel has no virtio_pci"), "{}", failure.reason);
        assert!(!failure.reason.contains("panic"), "{}", failure.reason);
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
        assert_eq!(paused.reason, "QEMU could not write disk disk0: 'some error', and paused the guest");
        assert_eq!(error("report", false).unwrap().code, Code::IoError);
        assert_eq!(error("ignore", false), None);
    }

    #[test]
    fn a_qemu_that_is_stopped_hangs_and_one_that_goes_on_at_once_does_not() {
        let mut process = Spec::new("sleep").arg("1000").start().unwrap();
        let pid = process.pid();
        let wait_until_stopped = || {
            let begun = Instant::now();
            while !is_stopped(pid) && begun.elapsed() < Duration::from_secs(4) {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        assert_eq!(halted(pid), None);
        process.signal(Signal::STOP);
        wait_until_stopped();
        let failure = halted(pid).unwrap();
        assert_eq!((failure.code, failure.scope()), (Code::Hang, model::Scope::Guest));
        assert_eq!(failure.reason, "the guest hangs: QEMU was stopped (SIGSTOP)");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                process.signal(Signal::CONT);
            });
            assert_eq!(halted(pid), None, "its whole job was stopped, and goes on");
        });
    }

    #[test]
    fn a_file_that_a_guest_fills_on_the_host_ends_its_boot_before_the_hosts_disk_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let console = Console::new(&dir.path().join(SERIAL_LOG));
        for (name, place) in [
            (SERIAL_LOG, "the guest has written more than 64 MiB to its console (serial.log)"),
            (DEBUG_LOG, "the guest has written more than 64 MiB to the firmware's debug port (debug.log)"),
            (QEMU_STDERR, "QEMU has written more than 64 MiB to its standard error (qemu.stderr)"),
        ] {
            // It takes no room: what is between is a hole.
            let file = std::fs::File::create(dir.path().join(name)).unwrap();
            file.set_len(LARGEST_LOG).unwrap();
            assert_eq!(console.flood(), None, "{name}");
            file.set_len(LARGEST_LOG + 1).unwrap();
            let flood = console.flood().unwrap();
            assert_eq!((flood.code, flood.reason.as_str()), (Code::ConsoleFlood, place));
            std::fs::remove_file(dir.path().join(name)).unwrap();
        }
    }

    #[test]
    fn a_line_of_a_megabyte_makes_a_short_reason_without_escapes() {
        let line = format!("{PANIC}: \u{1b}[2J\u{7}{}", "x".repeat(1 << 20));
        let failure = complaint_in(&line).unwrap();
        assert!(failure.reason.len() < 300 && !failure.reason.contains('\u{1b}'), "{failure}");
        let status = ExitStatus::from_raw(1 << 8);
        let failure = exit_reason(status, &line, &line);
        assert!(failure.reason.len() < 600 && !failure.reason.contains('\u{1b}'), "{failure}");
    }

    #[test]
    fn a_qemu_that_leaves_in_order_because_of_a_signal_was_ended_by_it() {
        let stderr = "qemu-system-x86_64: terminating on signal 15 from pid 4711 (slurmstepd)";
        let failure = exit_reason(ExitStatus::from_raw(0), stderr, "");
        assert_eq!(failure.code, Code::EarlyExit);
        assert!(failure.reason.starts_with("QEMU was ended by signal 15; it said 'qemu-system"), "{failure}");
        assert!(process::struck_within(Duration::from_secs(4)));
        assert!(exit_reason(ExitStatus::from_raw(0), "", "").reason.starts_with("the guest powered off"));
        assert_eq!(terminated_by("terminating on signal x"), None);
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
