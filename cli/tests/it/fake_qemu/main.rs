//! A program with QEMU's command line as perfvt builds it, and no guest behind it: ready within milliseconds, and well or ill
//! as a test asks. It is built with the tests and never installed.
//!
//! ```text
//!   arguments ──> machine (threads, serial console, whether it was let go)
//!                   ├── monitor   QMP on its socket: answers what perfvt asks
//!                   ├── moves     to another one of these, and its network card
//!                   ├── agent     the built-in guest's protocol on the channel (vm/guest/agent); commands run on this host
//!                   └── faults    what goes wrong, at the start or when a command of the guest asks for it
//! ```
//!
//! Beside QEMU's own arguments it takes these, which a test hands over in `extra_args`:
//!
//! - `-starts FILE`: adds its process id to a file, a line for each start;
//! - `-fault WORD`: something goes wrong ([`faults`]), in every start, or with `WORD@2` from the second start on, with
//!   `WORD@2-3` in these alone. perfvt's rehearsal is a start as well;
//! - `-scenario FILE`: the same words out of a file, which a test may change between two starts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod agent;
mod arguments;
mod faults;
mod guest;
mod jobs;
mod machine;
mod monitor;
mod moves;

use arguments::{Arguments, listener};
use machine::Machine;
use std::sync::Arc;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--version" || word == "-version") {
        return println!("QEMU emulator version 7.2.0 (pretended)");
    }
    let arguments = Arguments::parse(&words);
    let machine = Arc::new(Machine::new(arguments));
    machine.heard("start");
    let monitor = machine.arguments.monitor.map(listener).expect("no monitor");
    if let Some(channel) = machine.arguments.channel.map(listener) {
        let machine = Arc::clone(&machine);
        std::thread::spawn(move || agent::serve(&machine, &channel));
    }
    for cable in machine.arguments.cables.clone() {
        let machine = Arc::clone(&machine);
        std::thread::spawn(move || moves::card(&machine, cable));
    }
    monitor::serve(&machine, &monitor);
}
