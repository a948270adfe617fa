//! Signals that ask for an end: noted, and looked at between cases.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The signals that have come.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    last: Arc<AtomicUsize>,
}

impl Signals {
    /// Notes SIGINT, SIGTERM and SIGHUP from now on. A second SIGINT, SIGTERM or SIGHUP ends the process at once:
    /// the kernel then ends everything that it started, and the campaign can be resumed.
    pub fn watch() -> io::Result<Signals> {
        let signals = Signals::default();
        let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let ignored = ignored_signals();
        // What was ignored when perfvt started stays ignored: that is what nohup does.
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|s| ignored >> (s - 1) & 1 == 0) {
            // In this order: the first signal finds `seen` unset.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(crate::INTERRUPTED),
                Arc::clone(&seen),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&seen))?;
            signal_hook::flag::register_usize(
                signal,
                Arc::clone(&signals.last),
                signal.unsigned_abs() as usize,
            )?;
        }
        Ok(signals)
    }

    /// The name of the signal that came.
    pub fn seen(&self) -> Option<&'static str> {
        match i32::try_from(self.last.load(Ordering::Relaxed)).unwrap_or_default() {
            0 => None,
            SIGINT => Some("SIGINT"),
            SIGTERM => Some("SIGTERM"),
            _ => Some("SIGHUP"),
        }
    }
}

/// Signals that this process ignores, one bit each, signal 1 first (proc(5), `SigIgn`).
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0)
}
