//! The networks of a topology: made once, and there while its machines start, end and start again.

use super::layout::Layout;
use super::make::Network;
use super::switched::{Switched, seed};
use super::topology::Topology;
use super::{Home, Kind, NetworkError};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use switch::{Plan, Port};

/// A NIC of a topology: the places of machine and NIC.
pub type Member = (usize, usize);

/// The networks of a topology.
#[derive(Debug)]
pub struct Joined {
    topology: Topology,
    /// The end of each NIC's cable. It is open here, too, so that a machine that is started again
    /// is plugged into the same cable.
    ends: BTreeMap<Member, Arc<OwnedFd>>,
    /// The switch, with the NIC at each of its ports.
    switch: Option<(Switched, Vec<Member>)>,
}

impl Joined {
    /// Makes the networks of a topology.
    ///
    /// # Errors
    /// The kernel gives no sockets, or a network has machines that its kind cannot join.
    pub fn make(topology: &Topology) -> Result<Joined, NetworkError> {
        let mut ends = BTreeMap::new();
        if topology.kind.home() == Home::Switch {
            let (plan, members) = switch_plan(topology);
            let (switched, far) = Switched::start(plan)?;
            ends.extend(members.iter().copied().zip(far));
            return Ok(Joined { topology: topology.clone(), ends, switch: Some((switched, members)) });
        }
        for network in topology.networks() {
            for (member, end) in cables(topology, network)? {
                ends.insert(member, end);
            }
        }
        Ok(Joined { topology: topology.clone(), ends, switch: None })
    }

    /// The switch that joins the machines, if one does, and the NIC at each of its ports: the places of machine and NIC.
    pub fn switch(&self) -> Option<(&Switched, &[Member])> {
        self.switch.as_ref().map(|(switched, members)| (switched, &members[..]))
    }

    /// What one machine is plugged into, for one boot of it. `name` tells its taps from others.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub fn network(&self, machine: usize, name: &str) -> Result<Network, NetworkError> {
        let layout = self.topology.layout(machine);
        let end = |nic: usize| self.ends.get(&(machine, nic)).cloned().into_iter().collect();
        let ends = (0..layout.links.len()).map(end).collect();
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

/// The ports of a switch that joins all networks, and the NIC at each.
fn switch_plan(topology: &Topology) -> (Plan, Vec<Member>) {
    let mut members = Vec::new();
    let mut ports = Vec::new();
    for network in topology.networks() {
        for (machine, nic) in topology.members(network) {
            let plug = topology.machines.get(machine).and_then(|node| node.nics.get(nic));
            let shape = plug.map(|plug| plug.shape).unwrap_or_default();
            ports.push(Port { network: network.into(), shape });
            members.push((machine, nic));
        }
    }
    (Plan { seed: seed("topology"), ports }, members)
}

/// The cables of a network, each with the NIC that it ends in.
fn cables(topology: &Topology, network: u8) -> Result<Vec<(Member, Arc<OwnedFd>)>, NetworkError> {
    let members = topology.members(network);
    match (topology.kind, &members[..]) {
        (Kind::Dgram | Kind::Stream, [_] | [_, _]) => {
            let pair = topology.kind.pair().map_err(NetworkError::NoPair)?.unwrap_or_default();
            Ok(members.into_iter().zip(pair).collect())
        }
        (kind, _) => Err(NetworkError::Refused(format!(
            "net={} joins two machines, and {} are in network {network}",
            kind.word(),
            members.len()
        ))),
    }
}
