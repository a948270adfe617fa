//! Measuring the cases of one boot.

use super::boot::{Boot, End};
use super::check::complete;
use super::hooks::{Hooks, Sample};
use super::interrupted;
use super::keep::Part;
use super::repeat::Repeat;
use super::{Campaign, CampaignError};
use crate::lab::{Failed, Lab};
use crate::workload::{self, Outcome};
use edge::Made;
use model::journal::Event;
use model::store::io_error;
use model::{Case, Code, MetricDecl, Scope};
use std::path::Path;
use std::time::Instant;

impl Campaign {
    /// Measures every case of a boot that has no result yet, as long as the guest lives and nobody asks for an end.
    pub(super) fn measure_all(
        &mut self,
        lab: &mut dyn Lab,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
    ) -> Result<Option<End>, CampaignError> {
        for (order, case) in self.pending(boot.block, boot.plan, boot.environment) {
            if let Some(signal) = hooks.observer.stop() {
                return Ok(Some(End::Asked(signal)));
            }
            if let Some(end) = self.cell(lab, hooks, boot, repeat, order, &case)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Measures one case and writes down what it came to. Says why the boot ends, if it does.
    fn cell(
        &mut self,
        lab: &mut dyn Lab,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
        order: u32,
        case: &Case,
    ) -> Result<Option<End>, CampaignError> {
        let id = case.id();
        self.tell(hooks, Event::CaseStarted { boot: boot.name.clone(), case: id.clone() })?;
        let metrics = self.metrics(case, boot.params);
        let host_boot = self.host_boot.clone();
        let cell = boot.cell(case, &metrics, order, &host_boot);
        // A plan from before there was this parameter allows one.
        let mut tries: u32 = match boot.params.get("samples") {
            Some(_) => boot.params.number("samples", 1, "a number of tries, 1 or more")?,
            None => 1,
        };
        for n in 1.. {
            tries = tries.saturating_sub(1);
            let (raw_dir, raw) = repeat.raw_dir(&cell)?;
            let (result, seconds) = self.sample(lab, hooks, boot, case, &metrics, raw_dir.path())?;
            if result.is_err()
                && let Some(signal) = interrupted::asked(hooks.observer)
            {
                return Ok(Some(End::Asked(signal)));
            }
            let again = match &result {
                Err(failed) if failed.code.is_passing() && tries > 0 => Some(failed),
                _ => None,
            };
            if let Some(failed) = again {
                let event = Event::SampleFailed {
                    boot: boot.name.clone(),
                    case: id.clone(),
                    code: failed.code,
                    reason: failed.reason.clone(),
                    seconds,
                };
                self.put_aside(repeat, boot, raw_dir, n)?;
                self.tell(hooks, event)?;
                continue;
            }
            let lost = result.as_ref().err().filter(|f| f.scope() != Scope::Sample).cloned();
            if lost.as_ref().is_some_and(|f| !boot.last || f.scope() == Scope::Host) {
                // Another boot will try this case again; nothing is written of it.
                self.put_aside(repeat, boot, raw_dir, n)?;
                return Ok(lost.map(End::Broken));
            }
            self.last_failure = result.as_ref().err().cloned().or(self.last_failure.take());
            repeat.store(&cell, &raw, &result)?;
            if !self.keep.of(result.is_err()).has(Part::Raw) {
                let path = raw_dir.path().to_owned();
                raw_dir.remove().map_err(io_error("removing", &path))?;
            }
            let finished = Event::CaseFinished {
                boot: boot.name.clone(),
                case: id,
                invalid: result.as_ref().err().map(ToString::to_string),
                code: result.as_ref().err().map(|f| f.code),
                seconds,
            };
            self.tell(hooks, finished)?;
            return Ok(lost.map(End::Broken));
        }
        Ok(None)
    }

    /// Raw output of a sample that failed and is taken again goes to the forensics, or away.
    fn put_aside(&self, repeat: &Repeat, boot: &Boot<'_>, raw: Made, n: u32) -> Result<(), CampaignError> {
        if self.keep.failed.has(Part::Raw) {
            return Ok(repeat.set_aside(raw, &boot.folder, n)?);
        }
        let path = raw.path().to_owned();
        Ok(raw.remove().map_err(io_error("removing", &path))?)
    }

    /// Takes one sample, guarded. Gives what it came to and the seconds that it took without waiting.
    fn sample(
        &mut self,
        lab: &mut dyn Lab,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        case: &Case,
        metrics: &[MetricDecl],
        raw: &Path,
    ) -> Result<(Result<Outcome, Failed>, f64), CampaignError> {
        let mut of = Sample { boot: &boot.name, case, params: boot.params, raw, lab };
        match hooks.guard.before(&mut of) {
            Err(failed) => return Ok((Err(failed), 0.0)),
            Ok(waited) if waited.is_zero() => {}
            Ok(waited) => {
                let (boot, case, seconds) = (boot.name.clone(), case.id(), waited.as_secs_f64());
                self.tell(hooks, Event::Waited { boot, case, seconds })?;
            }
        }
        let begun = Instant::now();
        // Neighbours bear their loads before anything is started, and until all of it is over.
        let measured =
            of.lab.load().and_then(|()| workload::measure(self.workload, of.lab, case, boot.params, raw));
        let relieved = of.lab.relieve();
        let result = measured
            .and(relieved)
            .and_then(|()| workload::parse(self.workload, case, boot.params, raw))
            .and_then(|outcome| complete(outcome, metrics));
        let mut result = judged(of.lab, result);
        if result.is_ok() {
            result = hooks.guard.after(&mut of).and(result);
        }
        Ok((result, begun.elapsed().as_secs_f64()))
    }
}

/// A sample is kept when its guest lived through it where it belongs; a failure of the tool in a guest that died is the
/// guest's.
fn judged(lab: &mut dyn Lab, result: Result<Outcome, Failed>) -> Result<Outcome, Failed> {
    match (result, lab.death()) {
        (Err(failed), Some(death)) if failed.scope() == Scope::Sample => {
            Err(Failed::new(death.code, format!("{death} ({failed})")))
        }
        (Err(failed), _) if matches!(failed.code, Code::ToolFailed | Code::Deadline(_)) => {
            Err(match lab.disconnected() {
                Some(lost) => Failed::new(lost.code, format!("{lost} ({failed})")),
                None => with_closed_port(failed),
            })
        }
        (Err(failed), _) => Err(failed),
        (Ok(_), Some(death)) => Err(death),
        (Ok(outcome), None) => {
            let misplaced = lab.misplaced();
            if misplaced.is_empty() {
                return Ok(outcome);
            }
            Err(Failed::new(Code::Misplaced, format!("placement did not hold: {}", misplaced.join("; "))))
        }
    }
}

/// What clients say when nobody lets them in.
const SHUT_OUT: [&str; 5] = [
    "are you sure there is a netserver",
    "No route to host",
    "Connection refused",
    "Connection timed out",
    "unable to connect",
];

/// A server has its port before a client is started, and the guests answer pings: who finds no server was kept out by a filter.
fn with_closed_port(failed: Failed) -> Failed {
    if failed.code != Code::ToolFailed || !SHUT_OUT.iter().any(|said| failed.reason.contains(said)) {
        return failed;
    }
    let hint = "the guests answer pings, so that a packet filter in the server's guest may keep its ports shut: in the image \
                `systemctl disable firewalld`, or `firewall-cmd --set-default-zone=trusted` there";
    Failed::new(failed.code, format!("{}; {hint}", failed.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_a_guest_keeps_shut_is_told_with_how_to_open_it() {
        let told = |reason: &str| with_closed_port(Failed::tool(reason)).reason;
        let netperf =
            "establish control: are you sure there is a netserver listening on 192.168.1.2 at port 12865?";
        for reason in [netperf, "iperf3: error - unable to connect to server: No route to host"] {
            let told = told(reason);
            assert!(told.starts_with(reason) && told.contains("firewall-cmd"), "{told}");
        }
        assert_eq!(told("ended with status 1: no memory"), "ended with status 1: no memory");
        let nonsense = Failed::nonsense("Connection refused");
        assert_eq!(with_closed_port(nonsense).reason, "Connection refused");
    }
}
