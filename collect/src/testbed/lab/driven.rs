//! The guests of a boot that is measured, driven before and after its windows.

use super::GuestLab;
use crate::drive::Machines;
use crate::lab::{Driver, Failed};
use model::Failure;
use std::time::Duration;
use vm::guest::machine::Machine;

/// Guests that somebody else boots and ends.
struct Measured<'a> {
    names: Vec<String>,
    /// One is missing where it is gone already.
    machines: Vec<Option<&'a mut Machine>>,
}

impl GuestLab {
    /// Has somebody drive the guests, who may neither start nor end one.
    pub(super) fn driven(&mut self, by: &mut Driver<'_>) -> Result<(), Failed> {
        let names = self.spec.guests.iter().map(|guest| guest.name.clone()).collect();
        let mut second = self.second.as_ref().map(|second| second.borrow_mut());
        let client = second.as_mut().map(|second| second.machine.as_mut());
        let others = self.others.iter_mut().map(Some);
        let machines = std::iter::once(Some(&mut self.machine)).chain(client).chain(others).collect();
        by(&mut Measured { names, machines })
    }
}

impl Machines for Measured<'_> {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn machine(&mut self, place: usize) -> Option<&mut Machine> {
        self.machines.get_mut(place)?.as_deref_mut()
    }

    fn start(&mut self, _: &[usize], _: Option<Duration>) -> Result<(), Failure> {
        Err(Failure::tool("a guest of the campaign has ended, and is booted again by the campaign alone"))
    }

    fn take(&mut self, _: usize) -> Result<Machine, Failure> {
        Err(Failure::tool("a campaign boots and ends its guests itself"))
    }
}
