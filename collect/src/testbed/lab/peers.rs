//! The guests' networks up, and whether the guest and its client reach one another.

use super::super::cables::Cables;
use super::super::failures::of_client;
use super::super::nics::{Up, acquaint, bring_up, settle_in};
use super::others::of_machine;
use super::{GuestLab, odd};
use crate::environment::EnvironmentSpec;
use crate::lab::{Failed, Lab};
use model::Code;
use std::time::Duration;
use vm::guest::channel::{Reply, Status};
use vm::guest::machine::{GuestError, Machine};
use vm::guest::network::Link;
use vm::guest::os::Os;

/// The place of the client's guest among all.
const CLIENT: usize = 1;

/// Brings the NICs of one guest up, by its place among the guests.
fn bring_one_up(
    machine: &mut Machine,
    (spec, cables, guest): (&EnvironmentSpec, &Cables, usize),
) -> Result<Vec<Up>, GuestError> {
    let up = bring_up(machine, cables.of(guest), spec.guests.get(guest))?;
    if let Some(topology) = &spec.topology {
        settle_in(machine, topology, guest)?;
    }
    acquaint(machine, spec, guest)?;
    Ok(up)
}

impl GuestLab {
    /// Brings the NICs of all guests up. A machine of a topology is told its name, those of the others, and its ways.
    pub(super) fn bring_all_up(&mut self) -> Result<(), Failed> {
        let GuestLab { machine, second, others, cables, spec, .. } = self;
        let mut server = bring_one_up(machine, (spec, cables, 0)).map_err(|e| e.failure())?;
        let mut client = Vec::new();
        if let Some(second) = second
            && let Some(machine) = &mut second.borrow_mut().machine
        {
            client = bring_one_up(machine, (spec, cables, 1)).map_err(of_client)?;
        }
        for (place, machine) in others.iter_mut().enumerate() {
            let place = spec.measured() + place;
            let name = spec.guests.get(place).map_or("", |guest| guest.name.as_str());
            bring_one_up(machine, (spec, cables, place)).map_err(|e| of_machine(name, &e.failure()))?;
        }
        for (index, leased) in server.iter().enumerate().filter_map(|(i, nic)| Some((i, nic.leased?))) {
            let known = cables.way.set_server(index, leased);
            known.map_err(|e| Failed::new(Code::Host, e.to_string()))?;
        }
        for (index, leased) in client.iter().enumerate().filter_map(|(i, nic)| Some((i, nic.leased?))) {
            cables.way.set_client(index, leased);
        }
        // A machine of a topology may have other NICs than those of the way to the client.
        let carries = |link: &Link| Some(server.extract_if(.., |up| up.nic == link.nic).next()?.name);
        self.interfaces = cables.way.layout.links.iter().filter_map(carries).collect();
        Ok(())
    }

    /// Waits until the server's guest reaches the client over every link.
    pub(super) fn wait_for_peers(&mut self) -> Result<(), Failed> {
        for sight in self.sights() {
            let mut tries = 0;
            // A bridge and ARP take seconds to let the first packet through.
            while !self.meets(&sight, 1).map_err(|e| e.failure())? {
                tries += 1;
                if tries == 20 {
                    return Err(Failed::new(Code::NetworkLost, sight.lost()));
                }
                self.sleep(Duration::from_millis(100));
            }
        }
        self.connected = true;
        Ok(())
    }

    /// The question that shows that server and client meet over a link. Where a machine between them hides the client, only that can
    /// begin.
    pub(super) fn sight(&self, link: usize) -> Option<Sight> {
        let server = self.cables.way.layout.links.get(link)?.server;
        if let (Some(topology), Some(server)) = (&self.spec.topology, server)
            && topology.hides(CLIENT, server.ip)
        {
            return Some(Sight { by_client: true, to: server.ip.to_string() });
        }
        let peer = self.cables.way.peers.get(link).copied().flatten()?;
        Some(Sight { by_client: false, to: peer.to_string() })
    }

    /// Those of all links.
    pub(super) fn sights(&self) -> Vec<Sight> {
        (0..self.cables.way.layout.links.len()).filter_map(|link| self.sight(link)).collect()
    }

    /// Whether who is asked answers within so many seconds.
    pub(super) fn meets(&mut self, sight: &Sight, seconds: u32) -> Result<bool, GuestError> {
        let os = if sight.by_client { Os::Linux } else { self.machine.os };
        let ping = os.ping(&sight.to, seconds);
        let words: Vec<&str> = ping.iter().map(String::as_str).collect();
        let reply = self.ask(sight, &words)?;
        let printed = String::from_utf8_lossy(&reply.stdout);
        Ok(matches!(reply.status, Status::Exit(status) if os.is_answered(status, &printed)))
    }

    /// Runs a command in the guest that asks.
    pub(super) fn ask(&mut self, sight: &Sight, argv: &[&str]) -> Result<Reply, GuestError> {
        if !sight.by_client {
            return self.machine.exec(argv, self.machine.soon());
        }
        let gone = || odd("the client's guest is gone");
        let mut client = self.second.as_ref().ok_or_else(gone)?.borrow_mut();
        let machine = client.machine.as_mut().ok_or_else(gone)?;
        machine.exec(argv, machine.soon())
    }
}

/// Which guest asks, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    /// Whether it is the client's.
    by_client: bool,
    to: String,
}

impl Sight {
    /// The address that is asked for.
    pub(super) fn to(&self) -> &str {
        &self.to
    }

    /// That nobody answers.
    pub(super) fn lost(&self) -> String {
        let (from, to) = if self.by_client { ("client", "server") } else { ("guest", "client") };
        format!("the network is lost: the {from} does not reach the {to} at {}", self.to)
    }
}
