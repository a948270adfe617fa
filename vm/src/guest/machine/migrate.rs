//! A guest that moves to another QEMU while it runs: the destination is started, placed and plugged as every QEMU is; then the
//! source is told to go, looked after, and ended when the guest is there. Whatever goes wrong before that, the guest stays where it
//! is and the destination is ended.

mod ends;
mod relay;

use super::start::{Going, Placed, Spawned};
use super::{BootSpec, Machine};
use crate::deadlines::Step;
use crate::guest::error::GuestError;
use crate::guest::migration::{Ended, Migration, Mode, Record, Sample};
use crate::guest::qmp::{Qmp, QmpError, QmpEvent};
use ends::{all_stay, cpu_ns, negotiate, open, spent, version};
use model::{Code, Failure, Moment};
use process::deadlines::{HOST_ANSWER, LAST_WORDS};
use relay::{Link, Relay};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(10);

/// A migration that has ended, and left a guest that can be used.
#[derive(Debug)]
pub struct Migrated {
    /// What is known of it.
    pub record: Record,
}

fn failed(why: impl Into<String>) -> GuestError {
    GuestError::Died(Failure::new(Code::MigrationFailed, why))
}

/// What is kept while it goes on.
struct Followed {
    until: Instant,
    cancel_at: Option<Instant>,
    samples: Vec<Sample>,
    /// Why it was cancelled, and how that ends.
    cancelled: Option<Ended>,
    switched: bool,
}

impl Followed {
    fn begin(how: &Migration) -> Followed {
        let now = Instant::now();
        Followed {
            until: now + how.limit,
            cancel_at: how.cancel_after.map(|after| now + after),
            samples: Vec::new(),
            cancelled: None,
            switched: false,
        }
    }

    /// What the source is to be told now, if anything.
    ///
    /// # Errors
    /// It goes on for longer than anybody waits, and cannot be stopped.
    fn next(
        &mut self,
        how: &Migration,
        status: &str,
        rounds: u64,
    ) -> Result<Option<&'static str>, GuestError> {
        let now = Instant::now();
        let (late, seconds) = (now >= self.until, how.limit.as_secs_f64());
        if late && self.switched {
            let why = format!("the guest's memory was not whole within {seconds} s of postcopy");
            return Err(GuestError::Died(Failure::new(Code::EarlyExit, why)));
        }
        if now >= self.until + HOST_ANSWER {
            return Err(failed(format!(
                "QEMU does not end its migration, which is {}",
                edge::quoted(status)
            )));
        }
        let asked = self.cancel_at.is_some_and(|at| now >= at);
        if (late || asked) && self.cancelled.is_none() && !self.switched {
            self.cancelled = Some(if asked { Ended::Cancelled } else { Ended::NotConverged });
            return Ok(Some("migrate_cancel"));
        }
        let goes = how.mode == Mode::Postcopy && status == "active" && rounds > how.postcopy_after;
        if goes && !self.switched && self.cancelled.is_none() {
            self.switched = true;
            return Ok(Some("migrate-start-postcopy"));
        }
        Ok(None)
    }
}

/// What is known of a migration at its end.
struct LastSeen {
    /// The last that QEMU said.
    told: Value,
    /// When it was known that it is.
    at_ns: u64,
    /// CPU time of both QEMUs until then.
    cpu_ns: [Option<u64>; 2],
}

/// A guest on its way, and what is needed for that.
struct Moving<'a> {
    machine: &'a mut Machine,
    spec: &'a BootSpec<'a>,
    destination: Placed,
    uri: String,
    _relay: Option<Relay>,
    capabilities: Vec<String>,
    parameters: Value,
    versions: [String; 2],
    /// CPU time of both QEMUs before.
    before: [Option<u64>; 2],
    began: Moment,
    followed: Followed,
    ended: Option<Result<LastSeen, GuestError>>,
}

impl<'a> Moving<'a> {
    /// Starts the destination, and opens the way to it.
    fn prepare(
        machine: &'a mut Machine,
        spec: &'a BootSpec<'a>,
        how: &Migration,
        link: &Link,
    ) -> Result<Moving<'a>, GuestError> {
        let destination = Spawned::start(spec).and_then(|spawned| spawned.place(spec));
        // A destination that does not come up is no fault of the guest.
        let mut destination =
            destination.map_err(|e| failed(format!("the destination's QEMU does not start: {e}")))?;
        let (capabilities, parameters) = negotiate(&mut machine.qmp, &mut destination.qmp, how)?;
        let versions = [version(&mut machine.qmp)?, version(&mut destination.qmp)?];
        let before = [machine.pid(), destination.process.qemu.pid()].map(cpu_ns);
        let (uri, relay) = open(&mut machine.qmp, &mut destination.qmp, how.route, link)?;
        Ok(Moving {
            machine,
            spec,
            destination,
            uri,
            _relay: relay,
            capabilities,
            parameters,
            versions,
            before,
            began: Moment::now(),
            followed: Followed::begin(how),
            ended: None,
        })
    }

    fn go(&mut self, how: &Migration) {
        (self.began, self.followed) = (Moment::now(), Followed::begin(how));
        let told = self.machine.qmp.execute("migrate", json!({"uri": self.uri}), HOST_ANSWER);
        self.ended = told.err().map(|error| Err(error.into()));
    }

    /// Looks how far it is, unless it has ended.
    fn look(&mut self, how: &Migration) {
        if self.ended.is_none() {
            let told = self.machine.look_after(&mut self.destination, how, &mut self.followed);
            // Others may still be on their way for long.
            let pids = [self.machine.pid(), self.destination.process.qemu.pid()];
            let seen = |told| LastSeen {
                told,
                at_ns: Moment::now().unix_ns,
                cpu_ns: spent(self.before, pids.map(cpu_ns)),
            };
            self.ended = told.map(|told| told.map(seen)).transpose();
        }
    }

    /// Ends the QEMU in which the guest is not.
    fn conclude(self, how: &Migration) -> Result<Migrated, GuestError> {
        let Moving { machine, spec, destination, began, followed, .. } = self;
        let never = || failed("it has not ended");
        let LastSeen { told, at_ns, cpu_ns } = self.ended.unwrap_or_else(|| Err(never()))?;
        let [source_cpu_ns, destination_cpu_ns] = cpu_ns;
        let (ended, reason) = verdict(&told, &followed, how);
        let (stop_ns, resume_ns) = machine.conclude(ended, destination, spec, began.unix_ns)?;
        let record = Record {
            mode: how.mode.word().to_owned(),
            route: how.route.word().to_owned(),
            ended,
            reason,
            begun_ns: began.unix_ns,
            begun_mono_ns: began.mono_ns,
            ended_ns: at_ns,
            stop_ns,
            resume_ns,
            announced_ns: None,
            source_cpu_ns,
            destination_cpu_ns,
            versions: self.versions,
            capabilities: self.capabilities,
            parameters: self.parameters,
            told,
            samples: followed.samples,
        };
        Ok(Migrated { record })
    }
}

impl Machine {
    /// Moves the guest to another QEMU, which `spec` describes ([`super::Files::moves_in`]). Afterwards this machine is the one in
    /// which the guest runs: the destination where the migration completed, the source where it did not.
    ///
    /// # Errors
    /// The destination cannot be started, a QEMU cannot do what is asked for, or the guest is lost. A guest that is not lost goes on
    /// in the source.
    pub fn migrate(&mut self, spec: &BootSpec<'_>, how: &Migration) -> Result<Migrated, GuestError> {
        let mut all = Machine::migrate_all(vec![self], std::slice::from_ref(spec), how);
        all.pop().unwrap_or_else(|| Err(failed("there is no guest to move")))
    }

    /// The same with several guests at once, each to a QEMU of its own: none begins before the ways of all are open. A link of a
    /// given rate is one for all of them. What became of each, in their order.
    pub fn migrate_all(
        machines: Vec<&mut Machine>,
        specs: &[BootSpec<'_>],
        how: &Migration,
    ) -> Vec<Result<Migrated, GuestError>> {
        let (number, link) = (machines.len(), Link::of(how.route));
        let mut all = Vec::new();
        for (place, (machine, spec)) in machines.into_iter().zip(specs).enumerate() {
            match Moving::prepare(machine, spec, how, &link) {
                Ok(moving) => all.push(moving),
                Err(error) => return all_stay(number, place, error),
            }
        }
        all.iter_mut().for_each(|moving| moving.go(how));
        while all.iter().any(|moving| moving.ended.is_none()) {
            all.iter_mut().for_each(|moving| moving.look(how));
            std::thread::sleep(LOOK);
        }
        all.into_iter().map(|moving| moving.conclude(how)).collect()
    }

    /// Is where the guest runs from now on, and ends the other QEMU. Gives when the guest stood and when it went on.
    fn conclude(
        &mut self,
        ended: Ended,
        destination: Placed,
        spec: &BootSpec<'_>,
        since_ns: u64,
    ) -> Result<(Option<u64>, Option<u64>), GuestError> {
        if ended == Ended::Completed {
            let stop = last_event(&self.qmp.events(), "STOP", since_ns);
            let resume = resumed(&destination.qmp, since_ns);
            self.become_destination(destination, spec)?;
            return Ok((stop, resume));
        }
        destination.process.end();
        self.stays()?;
        let events = self.qmp.events();
        let stop = last_event(&events, "STOP", since_ns);
        Ok((stop, stop.and_then(|stop| last_event(&events, "RESUME", stop))))
    }

    /// Looks how far a migration is, and gives the last that QEMU says of it when it has ended.
    fn look_after(
        &mut self,
        destination: &mut Placed,
        how: &Migration,
        followed: &mut Followed,
    ) -> Result<Option<Value>, GuestError> {
        let told = match self.qmp.execute("query-migrate", json!({}), HOST_ANSWER) {
            Ok(told) => told,
            Err(error) => return Err(self.death().map_or_else(|| error.into(), GuestError::Died)),
        };
        let sample = Sample::of(&told, Moment::now().unix_ns);
        followed.samples.push(sample);
        let status = told.get("status").and_then(Value::as_str).unwrap_or_default();
        match status {
            // Its figures are final one answer later.
            "completed" | "failed" | "cancelled" => {
                return Ok(Some(self.qmp.execute("query-migrate", json!({}), HOST_ANSWER)?));
            }
            "postcopy-paused" => return Err(lost(destination)),
            _ => {}
        }
        if let Some(command) = followed.next(how, status, sample.rounds)? {
            match self.qmp.execute(command, json!({}), HOST_ANSWER) {
                // It may have ended since it was asked, which the next answer tells.
                Ok(_) | Err(QmpError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Makes sure that the guest runs where it was.
    fn stays(&mut self) -> Result<(), GuestError> {
        let until = Instant::now() + HOST_ANSWER;
        loop {
            let told = self.qmp.execute("query-status", json!({}), HOST_ANSWER)?;
            if told.get("running").and_then(Value::as_bool) == Some(true) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(failed("the guest does not go on in the source"));
            }
            // A QEMU of long ago leaves that to others.
            let _ = self.qmp.execute("cont", json!({}), LAST_WORDS);
            std::thread::sleep(LOOK);
        }
    }

    /// Is the destination from now on, and ends the source.
    fn become_destination(&mut self, placed: Placed, spec: &BootSpec<'_>) -> Result<(), GuestError> {
        let mut going = Going(placed);
        let patience = spec.deadlines.within(Step::WarmUp);
        going.is_late_at(Instant::now() + patience);
        let said = going.said(spec).map_err(|error| match error {
            GuestError::NotReady { console, .. } => silent(patience, &console),
            other => other,
        });
        let moved = Machine {
            ready: self.ready.clone(),
            started: self.started,
            boot_seconds: self.boot_seconds,
            ..going.into_machine(spec, self.ready.clone())
        };
        std::mem::replace(self, moved).quit();
        said.map(drop)
    }
}

/// How it ended, and why.
fn verdict(told: &Value, followed: &Followed, how: &Migration) -> (Ended, Option<String>) {
    let said = told.get("error-desc").and_then(Value::as_str).map(edge::quoted);
    match (told.get("status").and_then(Value::as_str), followed.cancelled) {
        (Some("completed"), _) => (Ended::Completed, None),
        (Some("cancelled"), Some(Ended::Cancelled)) => {
            (Ended::Cancelled, Some("it was cancelled".to_owned()))
        }
        (Some("cancelled"), Some(ended)) => {
            let last = followed.samples.iter().rev().find(|sample| sample.rounds > 0);
            let Sample { remaining, mbps, rounds, dirty_pages_rate, .. } = last.copied().unwrap_or_default();
            let why = format!(
                "it did not converge within {} s: {} MB were left behind {rounds} passes at {mbps:.0} Mbit/s, while the guest \
                 wrote {dirty_pages_rate} pages a second",
                how.limit.as_secs_f64(),
                remaining / 1_000_000
            );
            (ended, Some(why))
        }
        (_, _) => {
            let said = said.map_or_else(|| "QEMU does not say why".to_owned(), |said| said.to_string());
            (Ended::Failed, Some(format!("QEMU gave the migration up: {said}")))
        }
    }
}

/// A guest that is in the destination, whose QEMU runs, and that takes no commands there.
fn silent(patience: Duration, console: &str) -> GuestError {
    let why = format!(
        "the guest moved to another QEMU, which runs it, and takes no commands there: it said nothing within {} s; its console ends \
         with {}",
        patience.as_secs(),
        edge::quoted_end(console)
    );
    GuestError::Died(Failure::new(Code::SilentAfterMove, why))
}

/// A guest whose memory is in two places, one of which is gone.
fn lost(destination: &mut Placed) -> GuestError {
    let ended = destination.process.qemu.wait_until(Instant::now() + LAST_WORDS);
    let how = ended.map_or_else(|| "it still runs".to_owned(), |status| status.to_string());
    GuestError::Died(Failure::new(
        Code::EarlyExit,
        format!("the guest is lost: the way to the destination broke in postcopy ({how})"),
    ))
}

/// When QEMU last told of something behind a moment, in nanoseconds since the epoch.
fn last_event(events: &[QmpEvent], name: &str, since_ns: u64) -> Option<u64> {
    let at = |event: &QmpEvent| (event.unix_seconds * 1e9) as u64;
    events.iter().rev().filter(|event| event.name == name).map(at).find(|at| *at >= since_ns)
}

/// When the guest went on in the destination, which tells of it soon.
fn resumed(qmp: &Qmp, since_ns: u64) -> Option<u64> {
    let until = Instant::now() + LAST_WORDS;
    loop {
        match last_event(&qmp.events(), "RESUME", since_ns) {
            None if Instant::now() < until => std::thread::sleep(LOOK),
            found => return found,
        }
    }
}
