//! perf within the server's guest, where its system has it. What perf sees from outside is QEMU alone: names of the guest's
//! functions are known in the guest.

use super::host::{record, script};
use crate::lab::{Failed, Lab, Measured};
use edge::quoted_end;
use formats::counters::Counters;
use formats::folded::Folded;
use model::Phase;
use std::time::Instant;
use vm::guest::job::{JobRequest, Standing};
use vm::guest::os::Os;

/// The folder of the job in the guest.
const JOB: &str = "/run/perfvt-jobs/profile";
/// What perf writes there: into memory, as /run is.
const DATA: &str = "/run/perfvt-profile.data";

/// Profiles the guest from within.
pub(super) struct Inside {
    guest: String,
}

impl Inside {
    /// The server's guest, if it can be profiled; else says why not.
    pub(super) fn of(lab: &mut dyn Lab, told: &mut Vec<String>) -> Option<Inside> {
        let guest = lab.processes().into_iter().next()?.0;
        if lab.os() != Os::Linux {
            told.push(format!("{guest} is not profiled from within: its system is no Linux"));
            return None;
        }
        let soon = lab.soon();
        if lab.exec(&["perf", "--version"], soon).is_err() {
            told.push(format!(
                "{guest} is not profiled from within: its system has no perf (Debian's package linux-perf)"
            ));
            return None;
        }
        Some(Inside { guest })
    }

    /// The guest's name.
    pub(super) fn guest(&self) -> &str {
        &self.guest
    }

    /// Begins to look at all of the guest.
    pub(super) fn start(&self, lab: &mut dyn Lab) -> Result<(), Failed> {
        let soon = lab.soon();
        let argv = [&["perf"][..], &record(&["-a"], DATA)].concat();
        lab.job(&JobRequest::Start { job: JOB, argv: &argv, server: false }, soon)?;
        Ok(())
    }

    /// Tells perf to end, and waits until it has.
    pub(super) fn stop(&self, lab: &mut dyn Lab) -> Result<(), Failed> {
        let soon = lab.soon();
        lab.job(&JobRequest::Signal { job: JOB, signal: "INT" }, soon)?;
        let limit = lab.deadline(Phase::Prepare);
        let until = Instant::now() + limit;
        loop {
            let standing = lab.job(&JobRequest::Poll { jobs: &[JOB] }, soon)?.pop().unwrap_or_default();
            let Standing { heading, stderr, .. } = standing;
            if heading.status.is_some() {
                lab.job(&JobRequest::Forget { job: JOB }, soon)?;
                let there = lab.exec(&["test", "-s", DATA], soon).is_ok();
                let said = String::from_utf8_lossy(&stderr).into_owned();
                return match there {
                    true => Ok(()),
                    false => Err(Failed::tool(format!(
                        "perf in {} saw nothing: {}",
                        self.guest,
                        quoted_end(&said)
                    ))),
                };
            }
            if Instant::now() >= until {
                let how = format!("perf in {} did not end within {} s", self.guest, limit.as_secs());
                return Err(Failed::tool(how));
            }
            lab.sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Its stacks within the window, whose ends the guest's own clock tells.
    pub(super) fn folded(&self, lab: &mut dyn Lab, measured: Option<&Measured>) -> Result<Folded, Failed> {
        let limit = lab.deadline(Phase::Prepare);
        let argv = [&["perf"][..], &script(DATA)].concat();
        let printed = lab.exec(&argv, limit)?;
        lab.exec(&["rm", "-f", DATA], lab.soon())?;
        let window = measured.and_then(|m| Some((clock(&m.start.guest)?, clock(&m.end.guest)?)));
        Ok(Folded::of_perf(printed.as_bytes(), window))
    }
}

/// The guest's monotonic clock, nanoseconds, in steps of 10 ms where its kernel does not show it.
fn clock(counters: &Counters) -> Option<u64> {
    let clock = &counters.clock;
    clock.now_ns.or_else(|| clock.uptime.map(|seconds| (seconds * 1e9) as u64))
}
