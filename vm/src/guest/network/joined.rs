//! The networks of a topology: made once, and there while its machines start, end and start again.

use super::cables::{Cables, Wanted};
use super::layout::Layout;
use super::make::Network;
use super::switched::Switched;
use super::topology::Topology;
use super::{NetworkError, Shape};

/// A NIC of a topology: the places of machine and NIC.
pub type Member = (usize, usize);

/// The networks of a topology.
#[derive(Debug)]
pub struct Joined {
    topology: Topology,
    cables: Cables,
    /// The NICs of each network, in the order of the networks.
    members: Vec<Vec<Member>>,
}

impl Joined {
    /// Makes the networks of a topology.
    ///
    /// # Errors
    /// The kernel gives no sockets, or a network has machines that its kind cannot join.
    pub fn make(topology: &Topology) -> Result<Joined, NetworkError> {
        let shape = |(machine, nic): &Member| {
            topology.machines.get(*machine).and_then(|node| node.nics.get(*nic)).map(|plug| plug.shape)
        };
        let mut members = Vec::new();
        let mut networks = Vec::new();
        for number in topology.networks() {
            let here = topology.members(number);
            networks.push(Wanted {
                name: format!("network {number}"),
                kind: topology.kind,
                shapes: here.iter().map(|member| shape(member).unwrap_or_default()).collect(),
                vde: topology.vde.as_deref(),
            });
            members.push(here);
        }
        let cables = Cables::lay(&networks, "topology")?;
        Ok(Joined { topology: topology.clone(), cables, members })
    }

    /// The switch that joins the machines, or makes their links slow, if there is one.
    pub fn switch(&self) -> Option<&Switched> {
        self.cables.switch.as_ref()
    }

    /// Changes the link of a NIC for what is delivered there from now on.
    ///
    /// # Errors
    /// No switch leads to it, or the switch does not answer.
    pub fn reshape(&self, member: Member, shape: Shape) -> Result<(), NetworkError> {
        let seat = |(network, nic): &(usize, usize)| self.members.get(*network)?.get(*nic).copied();
        let port = self.cables.ports.iter().position(|port| port.as_ref().and_then(seat) == Some(member));
        match (self.switch(), port) {
            (Some(switch), Some(port)) => switch.reshape(port, shape),
            _ => Err(NetworkError::Refused(
                "no switch of perfvt's own leads to this network card: the link stays as it is; net=switch has one".into(),
            )),
        }
    }

    /// What one machine is plugged into, for one boot of it. `name` tells its taps from others.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub fn network(&self, machine: usize, name: &str) -> Result<Network, NetworkError> {
        let layout = self.topology.layout(machine);
        let end = |nic: usize| {
            let of_network = self.members.iter().zip(&self.cables.ends);
            let mut all = of_network.flat_map(|(members, ends)| members.iter().zip(ends));
            all.find(|(member, _)| **member == (machine, nic)).map(|(_, end)| end.clone())
        };
        let ends = (0..layout.links.len()).map(|nic| end(nic).into_iter().collect()).collect();
        Network::plugged(&layout, ends, name)
    }
}

/// What a client and a server talk over that are machines of a topology ([`Topology::way`]): their addresses, and nothing to plug in.
///
/// # Errors
/// There are too few free ports.
pub fn between_machines(way: &Layout, name: &str) -> Result<Network, NetworkError> {
    Network::plugged(way, way.links.iter().map(|_| Vec::new()).collect(), name)
}
