//! Guests move to other QEMUs, while perfvt watches each at its switch.

use super::super::failures::odd;
use super::super::scene::SceneGuest;
use super::{GuestLab, KvmReader, Meter};
use crate::lab::{Failed, Move, Moved};
use model::Code;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::deadlines::Deadlines;
use vm::guest::disk::DiskFile;
use vm::guest::machine::{BootSpec, Files, Machine, Migrated};
use vm::guest::migration::{Ended, Record, recovery_ns};
use vm::guest::network::{Network, Observer, Probe};
use vm::guest::overlay::Overlay;
use vm::guest::seed::SeedFile;
use vm::guest::spec::GuestSpec;

/// For how long guests are watched before they move: what they are like when they stay.
const BEFORE: Duration = Duration::from_millis(500);
/// How often it is looked whether they answer as before.
const LOOK: Duration = Duration::from_millis(100);
/// So many times [`Move::watch`] they are watched at most.
const PATIENCE: u32 = 5;

/// Where a guest is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Whereabouts {
    /// The place of its cables.
    place: usize,
    /// How often it was to move.
    moves: u32,
}

/// Where the QEMU writes into which a guest moves.
type Folders = (PathBuf, PathBuf);

impl GuestLab {
    /// Puts one of the guests that move together in the place of the server's.
    pub(super) fn attend_to(&mut self, guest: usize) -> Result<(), Failed> {
        let nobody = || Failed::tool(format!("there is no guest {} here", guest + 1));
        let other = |wanted: usize| wanted.checked_sub(1);
        for place in [other(self.attended), other(guest)].into_iter().flatten() {
            let there = self.others.get_mut(place).ok_or_else(nobody)?;
            std::mem::swap(&mut self.machine, there);
        }
        self.attended = guest;
        Ok(())
    }

    fn observer(&self, guest: usize) -> Result<&Observer, Failed> {
        let nobody = || Failed::tool("nobody watches this guest from outside");
        self.cables.of(guest).0.observer().ok_or_else(nobody)
    }

    /// Moves them all, and gives what was seen of each from outside.
    pub(super) fn move_guests(&mut self, request: &Move) -> Result<Vec<Result<Moved, Failed>>, Failed> {
        self.attend_to(0)?;
        let number = self.spec.moving;
        self.whereabouts.resize(number, Whereabouts::default());
        for guest in 0..number {
            let IpAddr::V4(address) = self.cables.of(guest).0.server(0) else {
                return Err(Failed::tool("guests that move have addresses of IPv4"));
            };
            self.observer(guest)?.watch(address);
        }
        std::thread::sleep(BEFORE);
        let moved = self.switch_over(request);
        let records: Vec<&Record> =
            moved.iter().flatten().filter_map(|one| Some(&one.as_ref().ok()?.record)).collect();
        if records.len() == number {
            self.watch_on(&records, request.watch);
        }
        let mut seen = Vec::new();
        for guest in 0..number {
            let observer = self.observer(guest)?;
            seen.push((observer.announced(), observer.end_watch()));
        }
        self.settle_down();
        let mut all = Vec::new();
        for (guest, (moved, (announced, probes))) in moved?.into_iter().zip(seen).enumerate() {
            let name = self.name(guest);
            let named = |failure: Failed| match number {
                1 => failure,
                _ => Failed::new(failure.code, format!("in {name}: {failure}")),
            };
            all.push(moved.map_err(named).map(|Migrated { mut record }| {
                record.heard(&announced);
                Moved { record, probes }
            }));
        }
        Ok(all)
    }

    /// Folders of the QEMUs into which they move.
    fn folders(&mut self) -> Result<Vec<Folders>, Failed> {
        let mut all = Vec::new();
        for (whereabouts, here) in self.whereabouts.iter_mut().zip(&self.guests) {
            whereabouts.moves += 1;
            let folder = format!("move-{}", whereabouts.moves);
            let (logs, forensics) = (here.logs.join(&folder), here.forensics.join(&folder));
            edge::write::create_directory(&logs)
                .map_err(|e| Failed::new(Code::Host, format!("creating {}: {e}", logs.display())))?;
            all.push((logs, forensics));
        }
        Ok(all)
    }

    fn switch_over(&mut self, request: &Move) -> Result<Vec<Result<Migrated, Failed>>, Failed> {
        let folders = self.folders()?;
        let mut guests: Vec<GuestSpec> = self.spec.guests.clone();
        if let Some(qemu) = &request.qemu {
            guests.iter_mut().for_each(|guest| guest.qemu = qemu.clone());
        }
        let places: Vec<usize> = self.whereabouts.iter().map(|one| 1 - one.place.min(1)).collect();
        let mut boots = Vec::new();
        for (index, (guest, (folders, to))) in guests.iter().zip(folders.iter().zip(&places)).enumerate() {
            let network = self.cables.of(index).0;
            // What lies there is of the QEMU that was there before.
            network.drain(*to);
            let missing = || odd("there is no guest to move").failure();
            let here = self.guests.get(index).ok_or_else(missing)?;
            let disks = self.disks.get(index).map(Vec::as_slice).unwrap_or_default();
            let files = Files { brought: self.brought.disk(), ..moves_in(here, disks, *to) };
            boots.push(boot((guest, network), files, folders, self.spec.deadlines));
        }
        let machines: Vec<&mut Machine> =
            std::iter::once(&mut self.machine).chain(&mut self.others).take(self.spec.moving).collect();
        let moved = Machine::migrate_all(machines, &boots, &request.how);
        for ((whereabouts, to), moved) in self.whereabouts.iter_mut().zip(places).zip(&moved) {
            if moved.as_ref().is_ok_and(|moved| moved.record.ended == Ended::Completed) {
                whereabouts.place = to;
            }
        }
        Ok(moved.into_iter().map(|moved| moved.map_err(|e| e.failure())).collect())
    }

    /// Watches on until all answer as they did before, or nobody waits for that any longer.
    fn watch_on(&self, records: &[&Record], watch: Duration) {
        std::thread::sleep(watch);
        let until = Instant::now() + watch.saturating_mul(PATIENCE - 1);
        let is_well = |record: &Record, probes: &[Probe]| {
            let resume = record.resume_ns.unwrap_or(record.ended_ns);
            recovery_ns(probes, record.begun_ns, resume).is_some()
        };
        let seen = |guest| self.observer(guest).ok().and_then(Observer::seen).unwrap_or_default();
        let are_well = || records.iter().enumerate().all(|(guest, record)| is_well(record, &seen(guest)));
        while Instant::now() < until && !are_well() {
            std::thread::sleep(LOOK);
        }
    }

    /// What was counted of the processes in which the guests ran is counted of the other ones from now on.
    fn settle_down(&mut self) {
        self.kvm = KvmReader::new(Path::new("/"), self.machine.pid());
        let machines = std::iter::once(&self.machine).chain(&self.others);
        for (meter, (place, machine)) in self.meters.iter_mut().zip(machines.enumerate()) {
            // As the lab numbers them: others stand behind server and client.
            let number = if place == 0 { 0 } else { place as u32 + 1 };
            if meter.pid() != machine.pid() {
                *meter = Meter::new(Path::new("/proc"), number, machine.pid(), machine.threads());
            }
        }
    }
}

/// The files of a guest that moves in.
fn moves_in<'a>(here: &'a SceneGuest, disks: &'a [DiskFile], to: usize) -> Files<'a> {
    Files {
        image: &here.image,
        overlay: here.overlay.as_ref().map(Overlay::path),
        data: disks,
        brought: None,
        seed: here.seed.as_ref().map(SeedFile::path),
        offline: None,
        ssh_port: here.port,
        state: None,
        moves_in: Some(to),
    }
}

fn boot<'a>(
    (guest, network): (&'a GuestSpec, &'a Network),
    files: Files<'a>,
    (logs, forensics): &'a Folders,
    deadlines: Deadlines,
) -> BootSpec<'a> {
    let deadline = deadlines.boot(guest.own().is_some());
    BootSpec { guest, network, index: 0, files, log_dir: logs, forensics, deadlines, deadline }
}
