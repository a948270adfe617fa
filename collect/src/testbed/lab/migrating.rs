//! The server's guest moves to another QEMU, while perfvt watches it at the switch.

use super::super::failures::odd;
use super::{GuestLab, KvmReader, Meter};
use crate::lab::{Failed, Move, Moved};
use model::Code;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use vm::guest::machine::{BootSpec, Files};
use vm::guest::migration::{Ended, Record, recovery_ns};
use vm::guest::network::Probe;
use vm::guest::overlay::Overlay;
use vm::guest::seed::SeedFile;

/// For how long the guest is watched before it moves: what it is like when it stays.
const BEFORE: Duration = Duration::from_millis(500);
/// How often it is looked whether it answers as before.
const LOOK: Duration = Duration::from_millis(100);
/// So many times [`Move::watch`] it is watched at most.
const PATIENCE: u32 = 5;

/// Where the guest of a lab is.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    /// The place of its cables.
    place: usize,
    /// How often it was to move.
    moves: u32,
}

impl GuestLab {
    /// Moves the guest, and gives what was seen of it from outside.
    pub(super) fn move_guest(&mut self, request: &Move) -> Result<Moved, Failed> {
        let nobody = || Failed::tool("nobody watches this guest from outside");
        let guest = match self.cables.way.server(0) {
            IpAddr::V4(guest) => guest,
            IpAddr::V6(_) => return Err(nobody()),
        };
        self.cables.way.observer().ok_or_else(nobody)?.watch(guest);
        std::thread::sleep(BEFORE);
        let moved = self.switch_over(request);
        if let Ok(record) = &moved {
            self.watch_on(record, request.watch);
        }
        let observer = self.cables.way.observer();
        let announced = observer.map(|observer| observer.announced()).unwrap_or_default();
        let probes = observer.map(|observer| observer.end_watch()).unwrap_or_default();
        let mut record = moved?;
        record.heard(&announced);
        if record.ended == Ended::Completed {
            self.settle_down();
        }
        Ok(Moved { record, probes })
    }

    fn switch_over(&mut self, request: &Move) -> Result<Record, Failed> {
        let whereabouts = &mut self.whereabouts;
        let to = 1 - whereabouts.place.min(1);
        whereabouts.moves += 1;
        let (spec, here) = self.spec.guests.first().zip(self.guests.first()).ok_or_else(|| {
            let error = odd("there is no guest to move");
            error.failure()
        })?;
        let folder = format!("move-{}", whereabouts.moves);
        let (logs, forensics) = (here.logs.join(&folder), here.forensics.join(&folder));
        edge::write::create_directory(&logs)
            .map_err(|e| Failed::new(Code::Host, format!("creating {}: {e}", logs.display())))?;
        let mut guest = spec.clone();
        if let Some(qemu) = &request.qemu {
            guest.qemu = qemu.clone();
        }
        // What lies there is of the QEMU that was there before.
        self.cables.way.drain(to);
        let deadlines = self.spec.deadlines;
        let boot = BootSpec {
            guest: &guest,
            network: &self.cables.way,
            index: 0,
            files: Files {
                image: &here.image,
                overlay: here.overlay.as_ref().map(Overlay::path),
                data: self.disks.first().map(Vec::as_slice).unwrap_or_default(),
                brought: self.brought.disk(),
                seed: here.seed.as_ref().map(SeedFile::path),
                offline: None,
                ssh_port: here.port,
                state: None,
                moves_in: Some(to),
            },
            log_dir: &logs,
            forensics: &forensics,
            deadlines,
            deadline: deadlines.boot(guest.own().is_some()),
        };
        let record = self.machine.migrate(&boot, &request.how).map_err(|e| e.failure())?.record;
        if record.ended == Ended::Completed {
            whereabouts.place = to;
        }
        Ok(record)
    }

    /// Watches on until the guest answers as it did before, or nobody waits for that any longer.
    fn watch_on(&self, record: &Record, watch: Duration) {
        std::thread::sleep(watch);
        let until = Instant::now() + watch.saturating_mul(PATIENCE - 1);
        let is_well = |probes: &[Probe]| {
            let resume = record.resume_ns.unwrap_or(record.ended_ns);
            recovery_ns(probes, record.begun_ns, resume).is_some()
        };
        let seen = || self.cables.way.observer().and_then(|observer| observer.seen()).unwrap_or_default();
        while Instant::now() < until && !is_well(&seen()) {
            std::thread::sleep(LOOK);
        }
    }

    /// What was counted of the process in which the guest ran is counted of the other one from now on.
    fn settle_down(&mut self) {
        self.kvm = KvmReader::new(Path::new("/"), self.machine.pid());
        if let Some(meter) = self.meters.first_mut() {
            *meter = Meter::new(Path::new("/proc"), 0, self.machine.pid(), self.machine.threads());
        }
    }
}
