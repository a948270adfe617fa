//! The ends of cables that no guest has: who watches from outside, the switch, and what lies in them unread.

use super::super::observer::Observer;
use super::super::switched::Switched;
use super::super::{ClientPlace, Mac, NetworkError};
use super::Network;
use rustix::net::{RecvFlags, recv};
use std::sync::Arc;

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
