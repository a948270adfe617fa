//! The end of everything at once, for a user who does not want to wait.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Process groups that were started and not waited for yet, and whether no more may be started.
struct Started {
    groups: BTreeSet<u32>,
    stopped: bool,
}

static STARTED: Mutex<Started> = Mutex::new(Started { groups: BTreeSet::new(), stopped: false });

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
