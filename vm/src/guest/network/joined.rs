//! The networks of a topology: made once, and there while its machines start, end and start again.

use super::make::Network;
use super::topology::Topology;
use super::{Kind, NetworkError};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A NIC of a topology: the places of machine and NIC.
type Member = (usize, usize);

/// The networks of a topology.
#[derive(Debug)]
pub struct Joined {
    topology: Topology,
    /// The end of each NIC's cable. It is open here, too, so that a machine that is started again
    /// is plugged into the same cable.
    ends: BTreeMap<Member, Arc<OwnedFd>>,
}

impl Joined {
    /// Makes the networks of a topology.
    ///
    /// # Errors
    /// The kernel gives no sockets, or a network has machines that its kind cannot join.
    pub fn make(topology: &Topology) -> Result<Joined, NetworkError> {
        let mut ends = BTreeMap::new();
        for network in topology.networks() {
            for (member, end) in cables(topology, network)? {
                ends.insert(member, end);
            }
        }
        Ok(Joined { topology: topology.clone(), ends })
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
