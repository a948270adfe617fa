//! Signals that ask for an end.
//!
//! The first Ctrl-C (SIGINT) lets the sample in hand finish; a second one, or a SIGTERM, ends it at once: everything that
//! was started is killed, the journal notes the interruption, and the campaign can be resumed. SIGHUP is like the first
//! Ctrl-C, unless it is ignored (`nohup`, or the flag).

use process::stop_all;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long after a signal the flags are looked at. Two signals within this time count as one.
const LOOK: Duration = Duration::from_millis(50);
/// How long an end at once may take until the process leaves without ceremony.
const PATIENCE: Duration = Duration::from_secs(5);

/// The signals that have come.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// The one that asked for an end first; 0 while none did.
    first: Arc<AtomicI32>,
    at_once: Arc<AtomicBool>,
    /// Tells whoever waits that one of these has changed: beside a window nobody looks again and again.
    changed: Arc<(Mutex<()>, Condvar)>,
}

/// One flag for each signal that is listened to.
#[derive(Default)]
struct Flags {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
    hang_up: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on. `ignore_hup` keeps the campaign going when its terminal is closed.
    pub fn watch(ignore_hup: bool) -> io::Result<Signals> {
        let signals = Signals::default();
        let flags = Flags::default();
        let (came, tell) = UnixStream::pair()?;
        // What was ignored when perfvt started stays ignored: that is what nohup does.
        let ignored = ignored_signals();
        for (signal, flag) in
            [(SIGINT, &flags.interrupt), (SIGTERM, &flags.terminate), (SIGHUP, &flags.hang_up)]
        {
            if ignored >> (signal - 1) & 1 == 0 {
                flag::register(signal, Arc::clone(flag))?;
                // Behind the flag, so that who hears of a signal finds it set.
                pipe::register(signal, tell.try_clone()?)?;
            }
        }
        let seen = signals.clone();
        std::thread::spawn(move || seen.listen(&flags, came, ignore_hup));
        Ok(signals)
    }

    /// The name of the signal that came first.
    pub fn seen(&self) -> Option<&'static str> {
        match self.first.load(Ordering::Relaxed) {
            0 => None,
            SIGINT => Some("SIGINT"),
            SIGTERM => Some("SIGTERM"),
            _ => Some("SIGHUP"),
        }
    }

    /// Forgets a first Ctrl-C, for a user at a prompt who wants no more of the step in hand, and all that runs. Gives whether it was one,
    /// with nothing behind it.
    pub fn forgive(&self) -> bool {
        let forgiven = !self.at_once()
            && self.first.compare_exchange(SIGINT, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        self.tell();
        forgiven
    }

    /// Whether the end is wanted at once.
    pub fn at_once(&self) -> bool {
        self.at_once.load(Ordering::Relaxed)
    }

    fn listen(&self, flags: &Flags, mut told: UnixStream, ignore_hup: bool) {
        loop {
            // A read that fails, which none should, is a look as one that was told of something.
            let _ = told.read(&mut [0; 64]);
            std::thread::sleep(LOOK);
            let came = |flag: &AtomicBool| flag.swap(false, Ordering::Relaxed);
            if came(&flags.hang_up) && !ignore_hup {
                self.note(SIGHUP);
                self.tell();
            }
            let hard = came(&flags.terminate);
            let soft = came(&flags.interrupt);
            if hard || soft && self.seen().is_some() {
                // Nobody is told before both are set.
                self.note(if hard { SIGTERM } else { SIGINT });
                return self.end_at_once();
            }
            if soft {
                self.note(SIGINT);
                self.tell();
            }
        }
    }

    fn note(&self, signal: i32) {
        // The first one stays.
        let _ = self.first.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Wakes whoever waits for a change.
    fn tell(&self) {
        let (lock, changed) = &*self.changed;
        let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        changed.notify_all();
    }

    /// Waits until a change of these makes something true.
    fn wait_for(&self, reached: &dyn Fn() -> bool) {
        let (lock, changed) = &*self.changed;
        let mut held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !reached() {
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Kills what was started; the campaign then finds that its guest is gone and comes to its end by itself.
    fn end_at_once(&self) {
        self.at_once.store(true, Ordering::Relaxed);
        self.tell();
        stop_all();
        std::thread::sleep(PATIENCE);
        // Something holds the campaign up that no signal ends, a file system that does not answer, say. The kernel ends
        // what is left of its children.
        crate::say::print(None, "perfvt: leaving at once; `perfvt resume` goes on");
        std::process::exit(i32::from(crate::INTERRUPTED));
    }
}

/// Says at once that a signal was heard: the sample in hand may take a minute to end, and people would press again.
/// `soft` is what it means to be asked for an end, `hard` for one at once.
pub fn announce(
    signals: Signals,
    (soft, hard): (&'static str, &'static str),
    say: impl Fn(&str) + Send + 'static,
) {
    std::thread::spawn(move || {
        while !signals.at_once() {
            signals.wait_for(&|| signals.seen().is_some());
            let signal = signals.seen().unwrap_or_default();
            if !signals.at_once() {
                say(&format!("{signal}: {soft}"));
            }
            // The first one may be forgiven.
            signals.wait_for(&|| signals.at_once() || signals.seen().is_none());
        }
        say(hard);
    });
}

/// Signals that this process ignores, one bit each, signal 1 first (proc(5), `SigIgn`).
fn ignored_signals() -> u64 {
    let status = edge::read::kernel("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0)
}
