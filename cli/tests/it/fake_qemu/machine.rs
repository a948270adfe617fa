//! What monitor and agent share.

use super::arguments::Arguments;
use super::faults::{self, Fault};
use super::moves::Moves;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::sync::{Condvar, Mutex};
use std::time::{Instant, SystemTime};

/// What monitor and agent share.
pub struct Machine {
    /// What it was started with.
    pub arguments: Arguments,
    /// Ids of the threads that stand for vCPUs.
    pub vcpus: Vec<i32>,
    /// The same of iothreads.
    pub iothreads: Vec<i32>,
    /// When it was started.
    pub started: Instant,
    /// Where events go.
    pub listener: Mutex<Option<UnixStream>>,
    /// The state of a move.
    pub moves: Moves,
    running: (Mutex<bool>, Condvar),
}

impl Machine {
    /// With its threads, and paused.
    pub fn new(arguments: Arguments) -> Machine {
        let threads = |count: usize| (0..count).map(|_| idle_thread()).collect();
        Machine {
            vcpus: threads(arguments.vcpus),
            iothreads: threads(arguments.iothreads.len()),
            arguments,
            started: Instant::now(),
            listener: Mutex::new(None),
            moves: Moves::default(),
            running: (Mutex::new(false), Condvar::new()),
        }
    }

    /// A fault by its name, where it was asked for.
    pub fn fault(&self, name: &str) -> Option<&Fault> {
        self.arguments.faults.iter().find(|fault| fault.name == name)
    }

    /// Something was heard, which may be the moment to die at.
    pub fn heard(&self, moment: &str) {
        if self.arguments.faults.iter().any(|fault| fault.name == "die-at" && fault.value == moment) {
            faults::end(1);
        }
    }

    /// Writes on the console.
    pub fn console(&self, text: &str) {
        let Some(path) = &self.arguments.serial else { return };
        let mut log = std::fs::File::options().create(true).append(true).open(path).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    /// Tells an event to whoever is at the monitor.
    pub fn event(&self, name: &str, data: Value) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let stamp = json!({"seconds": now.as_secs(), "microseconds": now.subsec_micros()});
        self.tell(&json!({"event": name, "data": data, "timestamp": stamp}));
    }

    /// A line to whoever is at the monitor.
    pub fn tell(&self, message: &Value) {
        if let Some(stream) = self.listener.lock().unwrap().as_mut() {
            let garbage = "\u{1b}[2J}{ not JSON \u{7}\n";
            let before = if self.fault("garbage-on-monitor").is_some() { garbage } else { "" };
            // Whoever has gone hears nothing.
            let _ = stream.write_all(format!("{before}{message}\n").as_bytes());
        }
    }

    /// Lets the guest go.
    pub fn let_go(&self) {
        *self.running.0.lock().unwrap() = true;
        self.running.1.notify_all();
    }

    /// The guest stands.
    pub fn stop(&self) {
        *self.running.0.lock().unwrap() = false;
    }

    /// Whether it was let go.
    pub fn is_running(&self) -> bool {
        *self.running.0.lock().unwrap()
    }

    /// Waits until it is let go.
    pub fn wait(&self) {
        let running = self.running.0.lock().unwrap();
        let _running = self.running.1.wait_while(running, |running| !*running).unwrap();
    }
}

/// A thread that does nothing, by its id.
fn idle_thread() -> i32 {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        tell.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        faults::halt()
    });
    told.recv().unwrap()
}
