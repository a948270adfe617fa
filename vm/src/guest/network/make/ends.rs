//! The ends of cables that no guest has: who watches from outside, the switch, and what lies in them unread.

use super::super::lead::Lead;
use super::super::observer::Observer;
use super::super::switched::Switched;
use super::super::{ClientPlace, Mac, NetworkError};
use super::Network;
use rustix::net::{RecvFlags, recv};
use std::path::Path;
use std::sync::Arc;

/// The place of the cable of a program of this host that is led to a guest: behind both of the guest, and before who watches.
const LED: usize = 2;

impl Network {
    /// Puts who watches at the last cable of each link.
    pub(super) fn observe(&mut self) -> Result<(), NetworkError> {
        if self.layout.client != ClientPlace::Observer {
            return Ok(());
        }
        for (link, ends) in self.layout.links.iter().zip(&self.cables.ends) {
            let (Some(address), Some(end)) = (link.client, ends.last()) else { continue };
            let started = Observer::start(Arc::clone(end), address.ip, Mac::OBSERVER);
            self.observers.push(started.map_err(NetworkError::NoObserver)?);
        }
        Ok(())
    }

    /// Who watches the server's guest from outside, on the link that carries data.
    pub fn observer(&self) -> Option<&Observer> {
        self.observers.first()
    }

    /// Leads clients of this host to the server's guest, where that is at a switch and somebody watches it: from now on they run where
    /// they reach it ([`Network::client_namespace`]). What it sends to them is noted in a file ([`Carried`](super::super::Carried)). With `None` they are led no more.
    ///
    /// # Errors
    /// This host lets nobody make a namespace or a tap.
    pub fn lead_in(&mut self, noted: Option<&Path>) -> Result<(), NetworkError> {
        // Two at one cable would take from each other.
        self.lead = None;
        let Some(noted) = noted else { return Ok(()) };
        let link = self.layout.links.first().zip(self.cables.ends.first());
        let found = link.and_then(|(link, ends)| {
            let watcher = link.client?;
            Some((link.mtu, watcher.third(link.server?.ip)?, ends.get(LED)?))
        });
        let Some((mtu, address, end)) = found.filter(|_| self.layout.client == ClientPlace::Observer) else {
            return Err(NetworkError::Refused("no program of this host is led to these guests".into()));
        };
        self.drain(LED);
        self.lead = Some(Lead::open(end, address, mtu, noted)?);
        Ok(())
    }

    /// Takes what lies in the cables of a place, which nobody has read: a QEMU that ended there, or one that is to begin. It is of
    /// a time that is over.
    pub fn drain(&self, place: usize) {
        let mut buffer = [0; 64];
        for end in self.cables.ends.iter().filter_map(|ends| ends.get(place)) {
            while recv(end, &mut buffer[..], RecvFlags::DONTWAIT).is_ok() {}
        }
    }

    /// The switch between the guests, if they have one.
    pub fn switch(&self) -> Option<&Switched> {
        self.cables.switch.as_ref()
    }
}
