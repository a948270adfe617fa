//! The guests of a boot that is measured, driven before and after its windows.

use super::GuestLab;
use crate::drive::Machines;
use crate::lab::{Driver, Failed};
use model::Failure;
use std::path::Path;
use std::time::Duration;
use vm::guest::machine::Machine;
use vm::guest::network::{Node, Topology};

/// Guests that somebody else boots and ends.
struct Measured<'a> {
    names: Vec<String>,
    topology: Option<&'a Topology>,
    /// One is missing where it is gone already.
    machines: Vec<Option<&'a mut Machine>>,
}

impl GuestLab {
    /// Has somebody drive the guests, who may neither start nor end one.
    pub(super) fn driven(&mut self, by: &mut Driver<'_>) -> Result<(), Failed> {
        let names = self.spec.guests.iter().map(|guest| guest.name.clone()).collect();
        let topology = self.spec.topology.as_ref();
        let mut second = self.second.as_ref().map(|second| second.borrow_mut());
        let client = second.as_mut().map(|second| second.machine.as_mut());
        let others = self.others.iter_mut().map(Some);
        let machines = std::iter::once(Some(&mut self.machine)).chain(client).chain(others).collect();
        by(&mut Measured { names, topology, machines })
    }
}

impl Machines for Measured<'_> {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn networks(&self, place: usize) -> Vec<String> {
        let node = self.topology.and_then(|topology| topology.machines.get(place));
        node.map(Node::networks).unwrap_or_default()
    }

    fn machine(&mut self, place: usize) -> Option<&mut Machine> {
        self.machines.get_mut(place)?.as_deref_mut()
    }

    fn start(&mut self, _: &[usize], _: Option<Duration>) -> Result<(), Failure> {
        Err(Failure::tool("a guest of the campaign has ended, and is booted again by the campaign alone"))
    }

    fn restore(&mut self, _: usize, _: &Path, _: Option<Duration>) -> Result<(), Failure> {
        Err(Failure::tool("a campaign boots its guests: one that goes on from a saved state is no replicate"))
    }

    fn take(&mut self, _: usize) -> Result<Machine, Failure> {
        Err(Failure::tool("a campaign boots and ends its guests itself"))
    }
}
