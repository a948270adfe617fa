//! What a child does between fork and exec: only system calls, because the child of a threaded process must not allocate.

use super::inherited::Inherited;
use super::namespace::Namespace;
use super::rules::Rules;
use super::strangers;
use super::user::User;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

/// One thing that a child does before it becomes its program.
#[derive(Debug)]
pub(super) enum Step {
    /// Moves into namespaces.
    Enter(Arc<Namespace>),
    /// Moves into the network of namespaces, and keeps its user namespace: for one that changes its user.
    EnterNetwork(Arc<Namespace>),
    /// Runs on these CPUs.
    Cpus(CpuSet),
    /// Gives up what perfvt was started with.
    ShutOut(&'static [RawFd]),
    /// Opens or keeps a file.
    Inherit(Inherited),
    /// Becomes another user.
    Become(User),
    /// Opens nothing from now on but what rules allow.
    Keep(Arc<Rules>),
    /// Dies with its parent.
    DieWith(Pid),
}

/// Between the number of a step and the error of a system call in the one number that comes back from a child.
const FACTOR: i32 = 4096;

impl Step {
    fn take(&self) -> io::Result<()> {
        match self {
            Step::Enter(namespace) => namespace.enter(),
            Step::EnterNetwork(namespace) => namespace.enter_network(),
            Step::Cpus(mask) => Ok(sched_setaffinity(None, mask)?),
            Step::ShutOut(numbers) => strangers::shut_out(numbers),
            Step::Inherit(file) => file.hand_over(),
            Step::Become(user) => user.take(),
            Step::Keep(rules) => rules.take(),
            Step::DieWith(parent) => {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                // perfvt may have died before the line above: then nobody would ever send the signal.
                if getppid() == Some(*parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
            }
        }
    }

    /// What it was doing, for a message.
    fn what(&self) -> String {
        match self {
            Step::Enter(_) | Step::EnterNetwork(_) => "entering a namespace".to_owned(),
            Step::Cpus(_) => "choosing its CPUs".to_owned(),
            Step::ShutOut(_) => "closing what perfvt was started with".to_owned(),
            Step::Inherit(file) => file.what(),
            Step::Become(user) => format!("becoming user {}", user.uid()),
            Step::Keep(_) => "keeping it from files (landlock)".to_owned(),
            Step::DieWith(_) => "tying it to perfvt".to_owned(),
        }
    }
}

/// Has a command take the steps in its child, in their order.
#[allow(unsafe_code)]
pub(super) fn prepare(command: &mut Command, steps: &Arc<[Step]>) {
    let steps = Arc::clone(steps);
    let in_child = move || {
        for (number, step) in (1..).zip(steps.iter()) {
            step.take().map_err(|e| coded(number, &e))?;
        }
        Ok(())
    };
    // SAFETY: the steps make system calls on what they own, and neither allocate nor lock.
    unsafe {
        command.pre_exec(in_child);
    }
}

/// A child tells its parent one number.
fn coded(step: i32, error: &io::Error) -> io::Error {
    let error = error.raw_os_error().unwrap_or(rustix::io::Errno::INVAL.raw_os_error());
    io::Error::from_raw_os_error(step.saturating_mul(FACTOR).saturating_add(error))
}

/// What a command's error says once it is known which step it came from; one of exec itself is as it was.
pub(super) fn told(error: io::Error, steps: &[Step]) -> io::Error {
    let Some(code) = error.raw_os_error().filter(|code| *code >= FACTOR) else { return error };
    let step = usize::try_from(code / FACTOR).ok().and_then(|number| steps.get(number.checked_sub(1)?));
    let cause = io::Error::from_raw_os_error(code % FACTOR);
    let what = step.map_or_else(String::new, |step| format!("{}: ", step.what()));
    io::Error::new(cause.kind(), format!("{what}{cause}"))
}
