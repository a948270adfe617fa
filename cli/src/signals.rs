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
        for signal in [SIGINT, SIGTERM, SIGHUP] {
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
