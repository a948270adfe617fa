//! What can go wrong. A word of `-fault`, or a command `fault WORD` of the guest.

use super::machine::Machine;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;
use std::time::Duration;

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// What stands behind `=`.
    pub value: String,
}

impl Fault {
    /// `NAME`, `NAME=VALUE`.
    pub fn parse(word: &str) -> Fault {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        Fault { name: name.to_owned(), value: value.to_owned() }
    }

    /// The same with `@FROM` or `@FROM-TO` behind it, where it is for this start.
    pub fn of_start(word: &str, start: usize) -> Option<Fault> {
        let Some((word, starts)) = word.rsplit_once('@') else { return Some(Fault::parse(word)) };
        let (from, to) = starts.split_once('-').unwrap_or((starts, "1000000"));
        let range = from.parse::<usize>().unwrap()..=to.parse::<usize>().unwrap();
        range.contains(&start).then(|| Fault::parse(word))
    }
}

/// Faults at a moment of their own, which whoever is concerned asks [`Machine::fault`] for:
///
/// - `die-at=MOMENT`: it ends with status 1 at `start`, or when the monitor hears `qmp_capabilities`, `cont`, or any other;
/// - `garbage-on-monitor`: what stands on the monitor before each answer is no JSON;
/// - `close-monitor`: it closes its monitor when its guest is let go;
/// - `ignore-quit`: it says that it will leave, and stays;
/// - `never-ready`, `slow=MILLISECONDS`: the guest is never ready, or that late;
/// - `garbage-on-channel`: the guest's announcement is none;
/// - `silent`: the guest is ready and answers nothing;
/// - `knows=CAPABILITY`: one more of migration; `moves-in=MILLISECONDS`, `stands=MILLISECONDS`, `endless`: how long a move takes, how
///   long the guest stands in it, and that it does not converge; `deaf-behind-move`: one that moved here answers no echo.
///
/// All others happen here: before the guest is ready, or when a command of the guest asks.
pub fn strike(machine: &Machine, fault: &Fault) {
    match fault.name.as_str() {
        "panic" => {
            machine.console("[    1.0] Kernel panic - not syncing: pretended\n");
            machine.event("GUEST_PANICKED", json!({"action": "pause"}));
            halt();
        }
        "oops" => {
            machine.console("[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000\n")
        }
        "exit" => end(fault.value.parse().unwrap_or(0)),
        "signal" => {
            let signal = Signal::from_named_raw(fault.value.parse().unwrap()).unwrap();
            kill_process(getpid(), signal).unwrap();
        }
        "full-host" => {
            let data = json!({"device": "", "node-name": "disk0", "operation": "write", "action": "stop",
                              "nospace": true, "reason": "No space left on device"});
            machine.event("BLOCK_IO_ERROR", data);
            halt();
        }
        "hang" => halt(),
        _ => {}
    }
}

/// Ends as QEMU does that has something to complain of.
pub fn end(status: i32) -> ! {
    if status != 0 {
        eprintln!("fake-qemu: pretending to fail");
    }
    std::process::exit(status)
}

/// Nothing happens on this thread any more.
pub fn halt() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
