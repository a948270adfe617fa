//! A guest that moves to another QEMU while it runs: the destination is started, placed and plugged as every QEMU is; then the
//! source is told to go, looked after, and ended when the guest is there. Whatever goes wrong before that, the guest stays where it
//! is and the destination is ended.

mod ends;
mod relay;

use super::start::{Going, Placed, Spawned};
use super::{BootSpec, Machine};
use crate::guest::error::GuestError;
use crate::guest::migration::{Ended, Migration, Mode, Record, Route, Sample};
use crate::guest::qmp::{Qmp, QmpEvent};
use ends::{cpu_ns, negotiate, open, version};
use model::{Code, Failure, Moment};
use process::deadlines::{HOST_ANSWER, LAST_WORDS};
use relay::Relay;
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

impl Machine {
    /// Moves the guest to another QEMU, which `spec` describes ([`super::Files::moves_in`]). Afterwards this machine is the one in
    /// which the guest runs: the destination where the migration completed, the source where it did not.
    ///
    /// # Errors
    /// The destination cannot be started, a QEMU cannot do what is asked for, or the guest is lost. A guest that is not lost goes on
    /// in the source.
    pub fn migrate(&mut self, spec: &BootSpec<'_>, how: &Migration) -> Result<Migrated, GuestError> {
        let destination = Spawned::start(spec).and_then(|spawned| spawned.place(spec));
        // A destination that does not come up is no fault of the guest.
        let mut destination =
            destination.map_err(|e| failed(format!("the destination's QEMU does not start: {e}")))?;
        let settings = negotiate(&mut self.qmp, &mut destination.qmp, how)?;
        let versions = [version(&mut self.qmp)?, version(&mut destination.qmp)?];
        let pids = [self.pid(), destination.process.qemu.pid()];
        let before = pids.map(cpu_ns);
        let (uri, _relay) = open(&mut self.qmp, &mut destination.qmp, how.route)?;
        let began = Moment::now();
        let mut going = Followed {
            until: Instant::now() + how.limit,
            cancel_at: how.cancel_after.map(|after| Instant::now() + after),
            samples: Vec::new(),
            cancelled: None,
            switched: false,
        };
        self.qmp.execute("migrate", json!({"uri": uri}), HOST_ANSWER)?;
        let told = self.follow(&mut destination, how, &mut going)?;
        let ended_ns = Moment::now().unix_ns;
        let after = pids.map(cpu_ns);
        let spent = |place: usize| -> Option<u64> {
            let [of_before, of_after] = [&before, &after].map(|all| all.get(place).copied().flatten());
            of_after?.checked_sub(of_before?)
        };
        let (source_cpu_ns, destination_cpu_ns) = (spent(0), spent(1));
        let (ended, reason) = verdict(&told, &going, how);
        let (stop_ns, resume_ns) = match ended {
            Ended::Completed => {
                let stop = last_event(&self.qmp.events(), "STOP", began.unix_ns);
                (stop, resumed(&destination.qmp, began.unix_ns))
            }
            _ => {
                self.stays()?;
                let events = self.qmp.events();
                let stop = last_event(&events, "STOP", began.unix_ns);
                (stop, stop.and_then(|stop| last_event(&events, "RESUME", stop)))
            }
        };
        match ended {
            Ended::Completed => self.become_destination(destination, spec)?,
            _ => destination.process.end(),
        }
        let (capabilities, parameters) = settings;
        Ok(Migrated {
            record: Record {
                mode: how.mode.word().to_owned(),
                route: how.route.word().to_owned(),
                ended,
                reason,
                begun_ns: began.unix_ns,
                begun_mono_ns: began.mono_ns,
                ended_ns,
                stop_ns,
                resume_ns,
                source_cpu_ns,
                destination_cpu_ns,
                versions,
                capabilities,
                parameters,
                told,
                samples: going.samples,
            },
        })
    }

    /// Looks after a migration until it has ended, and gives the last that QEMU says of it.
    fn follow(
        &mut self,
        destination: &mut Placed,
        how: &Migration,
        going: &mut Followed,
    ) -> Result<Value, GuestError> {
        loop {
            let told = match self.qmp.execute("query-migrate", json!({}), HOST_ANSWER) {
                Ok(told) => told,
                Err(error) => return Err(self.death().map_or_else(|| error.into(), GuestError::Died)),
            };
            let sample = Sample::of(&told, Moment::now().unix_ns);
            going.samples.push(sample);
            let status = told.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
            match status.as_str() {
                // Its figures are final one answer later.
                "completed" | "failed" | "cancelled" => {
                    return Ok(self.qmp.execute("query-migrate", json!({}), HOST_ANSWER)?);
                }
                "postcopy-paused" => return Err(lost(destination)),
                _ => {}
            }
            let now = Instant::now();
            if how.mode == Mode::Postcopy
                && !going.switched
                && status == "active"
                && sample.rounds > how.postcopy_after
            {
                self.qmp.execute("migrate-start-postcopy", json!({}), HOST_ANSWER)?;
                going.switched = true;
            }
            let late = now >= going.until;
            if late && going.switched {
                return Err(GuestError::Died(Failure::new(
                    Code::EarlyExit,
                    format!("the guest's memory was not whole within {} s of postcopy", how.limit.as_secs_f64()),
                )));
            }
            let asked = going.cancel_at.is_some_and(|at| now >= at);
            if going.cancelled.is_none() && !going.switched && (late || asked) {
                going.cancelled = Some(if asked { Ended::Cancelled } else { Ended::NotConverged });
                self.qmp.execute("migrate_cancel", json!({}), HOST_ANSWER)?;
            }
            if now >= going.until + how.limit.max(HOST_ANSWER) {
                return Err(failed(format!("QEMU does not end its migration, which is {status}")));
            }
            std::thread::sleep(LOOK);
        }
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
        let said = going.said(spec);
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
fn verdict(told: &Value, going: &Followed, how: &Migration) -> (Ended, Option<String>) {
    let said = told.get("error-desc").and_then(Value::as_str).map(edge::quoted);
    match (told.get("status").and_then(Value::as_str), going.cancelled) {
        (Some("completed"), _) => (Ended::Completed, None),
        (Some("cancelled"), Some(Ended::Cancelled)) => (Ended::Cancelled, Some("it was cancelled".to_owned())),
        (Some("cancelled"), Some(ended)) => {
            let last = going.samples.iter().rev().find(|sample| sample.rounds > 0);
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
