//! The guests' networks up, and whether the guest and its client reach one another.

use super::super::cables::Cables;
use super::super::failures::of_client;
use super::super::nics::{Up, bring_up, settle_in};
use super::GuestLab;
use super::others::of_machine;
use crate::environment::EnvironmentSpec;
use crate::lab::{Failed, Lab};
use model::Code;
use std::time::Duration;
use vm::guest::channel::Status;
use vm::guest::machine::{GuestError, Machine};
use vm::guest::network::Link;

/// Brings the NICs of one guest up, by its place among the guests.
fn bring_one_up(
    machine: &mut Machine,
    (spec, cables, guest): (&EnvironmentSpec, &Cables, usize),
) -> Result<Vec<Up>, GuestError> {
    let up = bring_up(machine, cables.of(guest), spec.guests.get(guest))?;
    if let Some(topology) = &spec.topology {
        settle_in(machine, topology, guest)?;
    }
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
        for peer in self.cables.way.peers.clone().into_iter().flatten().map(|peer| peer.to_string()) {
            let mut tries = 0;
            // A bridge and ARP take seconds to let the first packet through.
            while !self.reaches(&peer, 1).map_err(|e| e.failure())? {
                tries += 1;
                if tries == 20 {
                    let lost = format!("the network is lost: the guest does not reach the client at {peer}");
                    return Err(Failed::new(Code::NetworkLost, lost));
                }
                self.sleep(Duration::from_millis(100));
            }
        }
        self.connected = true;
        Ok(())
    }

    /// Whether a peer answers the server's guest within so many seconds.
    pub(super) fn reaches(&mut self, peer: &str, seconds: u32) -> Result<bool, GuestError> {
        let (os, ping) = (self.machine.os, self.machine.os.ping(peer, seconds));
        let words: Vec<&str> = ping.iter().map(String::as_str).collect();
        let reply = self.machine.exec(&words, self.machine.soon())?;
        let printed = String::from_utf8_lossy(&reply.stdout);
        Ok(matches!(reply.status, Status::Exit(status) if os.is_answered(status, &printed)))
    }
}
