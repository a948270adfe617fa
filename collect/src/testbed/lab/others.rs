//! All guests of a boot alike: whether they live, where they run, and how they end. Beside server and client these are the other
//! machines of a topology.

use super::super::client::Shared;
use super::super::scene::folder;
use super::GuestLab;
use crate::lab::Failed;
use model::Fingerprint;
use std::path::Path;
use vm::guest::machine::Machine;
use vm::host::noise::{Vcpu, Watched};
use vm::host::pin::GuestPins;

/// A failure of a machine between server and client.
pub(super) fn of_machine(name: &str, failure: &Failed) -> Failed {
    Failed::new(failure.code, format!("in {name}: {failure}"))
}

impl GuestLab {
    pub(super) fn name(&self, guest: usize) -> &str {
        self.spec.guests.get(guest).map_or("", |guest| guest.name.as_str())
    }

    /// The processes of all QEMUs, the server's first.
    pub(super) fn qemus(&self) -> Vec<(String, u32)> {
        let second = self.second.as_ref().map(|second| second.borrow());
        let second = second.as_ref().and_then(|second| second.machine.as_ref());
        let measured = [Some(&self.machine), second].into_iter().take(self.spec.measured());
        let all = measured.chain(self.others.iter().map(Some)).enumerate();
        all.filter_map(|(guest, machine)| Some((self.name(guest).to_owned(), machine?.pid()))).collect()
    }

    fn pins(&self, guest: usize) -> Option<&GuestPins> {
        self.spec.guests.get(guest)?.pins.as_ref()
    }

    /// How some guest died, if one has.
    pub(super) fn any_death(&mut self) -> Option<Failed> {
        let client = |second: &Shared| {
            let death = second.borrow_mut().death()?;
            Some(Failed::new(death.code, format!("in the client's guest: {death}")))
        };
        let measured = self.spec.measured();
        let death = self.machine.death().or_else(|| self.second.as_ref().and_then(client));
        death.or_else(|| {
            let mut dead =
                self.others.iter_mut().enumerate().filter_map(|(i, machine)| Some((i, machine.death()?)));
            let (place, death) = dead.next()?;
            Some(of_machine(self.spec.guests.get(measured + place).map_or("", |guest| &guest.name), &death))
        })
    }

    /// Where some guest is not where it was put.
    pub(super) fn violations(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(plan) = self.pins(0) {
            found = self.machine.placement().violations(plan);
        }
        if let (Some(plan), Some(second)) = (self.pins(1), &self.second)
            && let Some(machine) = &second.borrow().machine
        {
            let violations = machine.placement().violations(plan);
            found.extend(violations.into_iter().map(|text| format!("in the client's guest: {text}")));
        }
        found.extend(self.cables.switch().and_then(|switch| switch.violation(&self.spec.client)));
        for (guest, machine) in (self.spec.measured()..).zip(&self.others) {
            let Some(plan) = self.pins(guest) else { continue };
            let violations = machine.placement().violations(plan);
            found.extend(violations.into_iter().map(|text| format!("in {}: {text}", self.name(guest))));
        }
        found
    }

    /// The CPUs that nobody else is to be on.
    pub(super) fn all_watched(&self) -> Watched {
        let mut watched = Watched { vcpus: Vec::new(), others: self.spec.client.clone() };
        let second = self.second.as_ref().map(|second| second.borrow());
        let second = second.as_ref().and_then(|second| second.machine.as_ref());
        let measured = [Some(&self.machine), second].into_iter().take(self.spec.measured());
        let machines = measured.chain(self.others.iter().map(Some));
        for ((index, machine), guest) in machines.enumerate().zip(&self.spec.guests) {
            let whose = if index == 0 { String::new() } else { format!(" of {}", guest.name) };
            let pins = guest.pins.as_ref();
            let Some(machine) = machine else { continue };
            for (index, thread) in machine.threads().vcpus.iter().enumerate() {
                let cpu = pins.and_then(|p| p.vcpus.get(index)).map(|(_, cpu)| *cpu);
                let name = format!("vCPU {index}{whose}");
                watched.vcpus.push(Vcpu { name, pid: machine.pid(), thread: *thread, cpu });
            }
            watched.others.extend(pins.into_iter().flat_map(GuestPins::others));
        }
        watched.others.sort_unstable();
        watched.others.dedup();
        watched
    }

    /// Ends all guests, and first keeps what tells of a failure, when it is asked for.
    pub(in crate::testbed) fn end_all(self, forensics: Option<&Path>) {
        let client = self.second.and_then(|second| second.borrow_mut().machine.take());
        let measured = [Some(self.machine), client].into_iter().take(self.spec.measured());
        let all = measured.chain(self.others.into_iter().map(Some));
        let mut all: Vec<(usize, Machine)> =
            all.enumerate().filter_map(|(i, machine)| Some((i, machine?))).collect();
        if let Some(dir) = forensics {
            for (guest, machine) in &mut all {
                let folder = folder(&self.spec, *guest);
                let dir = folder.map_or_else(|| dir.to_owned(), |folder| dir.join(folder));
                // What can be had is had; the failure itself is in the journal already.
                let _ = machine.forensics(&dir);
            }
        }
        // The server last: it ends when nobody asks it anything any more.
        all.into_iter().rev().for_each(|(_, machine)| machine.quit());
    }

    /// Facts of a topology: the way, its machines and links, and what each machine beside the server runs where. Of other scenarios
    /// the last of a neighbour, and of all what neighbours do.
    pub(in crate::testbed) fn facts_of_machines(&self, facts: &mut Fingerprint) {
        for neighbour in &self.spec.neighbours {
            facts.set(format!("neighbour.{}", self.name(neighbour.guest)), neighbour.load.word());
        }
        let Some(told) = self.spec.told() else { return self.facts_of_runs(facts, self.spec.measured()) };
        facts.set("net.way", told.way);
        for (name, machine) in told.machines {
            facts.set(format!("net.machine.{name}"), machine);
        }
        for (name, link) in told.links {
            facts.set(format!("net.link.{name}"), link);
        }
        self.facts_of_runs(facts, 1);
    }

    /// What each guest from this place on runs, and where.
    fn facts_of_runs(&self, facts: &mut Fingerprint, first: usize) {
        let second = self.second.as_ref().map(|second| second.borrow());
        let second = second.as_ref().and_then(|second| second.machine.as_ref());
        let client = std::iter::once(second).take(self.spec.measured() - 1);
        let all = client.chain(self.others.iter().map(Some)).enumerate();
        let all = all.filter_map(|(i, machine)| Some((i + 1, machine?)));
        for (guest, machine) in all.filter(|(guest, _)| *guest >= first) {
            let name = self.name(guest);
            facts.set(format!("machine.{name}.kernel"), &machine.ready.kernel);
            if self.pins(guest).is_some() {
                facts.set(format!("placement.{name}"), machine.placement().cpus());
            }
        }
    }
}
