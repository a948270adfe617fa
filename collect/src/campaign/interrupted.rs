//! Telling a failure from the end of everything.
//!
//! A failure that comes while perfvt itself is asked to end is none: nothing of it is written down, no attempt is burnt,
//! and what it spoilt is taken when the campaign goes on.

use super::hooks::Observer;
use process::struck_within;
use std::time::{Duration, Instant};

/// How long perfvt's own signal may come after that of a guest or a tool. A batch system signals every process of a job,
/// in any order.
const PATIENCE: Duration = Duration::from_secs(2);
/// A process that was ended by a signal is found to be gone at the latest so long before its failure is told.
const LATELY: Duration = Duration::from_secs(4);
/// How often is looked whether it came.
const LOOK: Duration = Duration::from_millis(10);

/// The signal that asked for an end, when a failure that was just seen is its doing.
pub(super) fn asked(observer: &mut dyn Observer) -> Option<String> {
    if observer.at_once() {
        return observer.stop();
    }
    let until = Instant::now() + PATIENCE;
    while struck_within(PATIENCE + LATELY) {
        if let Some(signal) = observer.stop() {
            return Some(signal);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(LOOK);
    }
    None
}
