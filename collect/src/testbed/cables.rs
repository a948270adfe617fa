//! What the guests of a boot are plugged into: one network for all, or each machine's own part of several.

use crate::environment::EnvironmentSpec;
use vm::guest::network::{Joined, Network, NetworkError, Switched, between_machines};

/// What the guests of a boot are plugged into.
pub(super) struct Cables {
    /// What server and client talk over.
    pub(super) way: Network,
    /// The networks of a topology, and the part of each machine in them.
    apart: Option<(Joined, Vec<Network>)>,
    /// What guests behind the first are plugged into that move together with it, one by one.
    alike: Vec<Network>,
    /// What a further guest is plugged into, by the place of the first such guest: nothing.
    beside: Option<(usize, Network)>,
}

impl Cables {
    /// Makes what an environment describes. `name` is the campaign's.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub(super) fn make(spec: &EnvironmentSpec, name: &str) -> Result<Cables, NetworkError> {
        let Some(topology) = &spec.topology else {
            let own = |_| Network::create(&spec.layout, spec.sessions, name);
            let alike = (1..spec.moving).map(own).collect::<Result<_, _>>()?;
            let beside = match spec.guests.len() > spec.beside() {
                true => Some((spec.beside(), between_machines(&spec.layout_beside(), name)?)),
                false => None,
            };
            let way = Network::create(&spec.layout, spec.sessions, name)?;
            return Ok(Cables { way, apart: None, alike, beside });
        };
        let joined = Joined::make(topology)?;
        let part = |index| joined.network(index, name);
        let parts = (0..topology.machines.len()).map(part).collect::<Result<_, _>>()?;
        let way = between_machines(&spec.layout, name)?;
        Ok(Cables { way, apart: Some((joined, parts)), alike: Vec::new(), beside: None })
    }

    /// What a guest is plugged into, and its place there.
    pub(super) fn of(&self, guest: usize) -> (&Network, usize) {
        match (self.apart.as_ref().and_then(|(_, parts)| parts.get(guest)), &self.beside) {
            (Some(own), _) => (own, 0),
            (None, Some((first, nothing))) if guest >= *first => (nothing, 0),
            (None, _) => match guest.checked_sub(1).and_then(|before| self.alike.get(before)) {
                Some(own) => (own, 0),
                None => (&self.way, guest),
            },
        }
    }

    /// The switch between the guests, if they have one.
    pub(super) fn switch(&self) -> Option<&Switched> {
        match &self.apart {
            Some((joined, _)) => joined.switch(),
            None => self.way.switch(),
        }
    }
}
