//! The end of everything at once, for a user who does not want to wait, and ends that came from elsewhere.
//!
//! A batch system that takes a job back signals all of its processes, in an order that nobody knows: a guest may be gone
//! before perfvt hears that it is to stop. So every child that a signal ended which was not sent from here is noted, and
//! whoever has to say what that means waits a moment for a signal to perfvt itself.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The signals by which a whole group is asked to end.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::KILL, Signal::TERM];

/// Process groups that were started and not waited for yet, and whether no more may be started.
struct Started {
    groups: BTreeSet<u32>,
    stopped: bool,
    /// When one of them was last seen to have been ended by a signal that was not sent from here.
    struck: Option<Instant>,
}

static STARTED: Mutex<Started> =
    Mutex::new(Started { groups: BTreeSet::new(), stopped: false, struck: None });

fn started() -> MutexGuard<'static, Started> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a group, or says that none may be started any more.
pub(super) fn note(group: u32) -> bool {
    let mut started = started();
    if !started.stopped {
        started.groups.insert(group);
    }
    !started.stopped
}

/// Forgets a group. Before its leader is waited for, because its id may be another process's afterwards.
pub(super) fn forget(group: u32) {
    started().groups.remove(&group);
}

/// Kills every process group that this process has started, and lets it start no more. Whoever waits for one of them
/// then finds that it has ended.
pub fn stop_all() {
    let mut started = started();
    started.stopped = true;
    for group in &started.groups {
        if let Some(pid) = i32::try_from(*group).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Notes that a child was ended from outside, if this is a signal by which groups are ended.
pub fn note_struck(signal: i32) {
    if ENDING.iter().any(|known| known.as_raw() == signal) {
        started().struck = Some(Instant::now());
    }
}

/// Whether a child was ended by a signal from outside within the time before now.
pub fn struck_within(time: Duration) -> bool {
    started().struck.is_some_and(|at| at.elapsed() <= time)
}
