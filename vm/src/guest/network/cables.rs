//! What joins guests without a network of the host: cables between sockets, each with a near end for QEMU.

use super::NetworkError;
use super::kind::{Home, Kind};
use super::switched::{Switched, seed};
use super::vde::Vde;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use switch::{Plan, Port, Shape};

/// A network that is to be cabled.
pub(super) struct Wanted<'a> {
    /// What it is called in messages.
    pub(super) name: String,
    /// What it is made of.
    pub(super) kind: Kind,
    /// For each NIC in it, what happens to packets on their way there.
    pub(super) shapes: Vec<Shape>,
    /// The switch of VDE that is there already.
    pub(super) vde: Option<&'a Path>,
}

/// Cables of networks. They are gone with this.
#[derive(Debug, Default)]
pub(super) struct Cables {
    /// The near ends, NIC by NIC of each network. They are open here, too, so that a guest that is started again is plugged into the
    /// same cable.
    pub(super) ends: Vec<Vec<Arc<OwnedFd>>>,
    /// The switch in which they end, or that makes them slow. It has a port for each of `ports`.
    pub(super) switch: Option<Switched>,
    /// The network and the NIC at each port of the switch; `None` is a port that leads out of it.
    pub(super) ports: Vec<Option<(usize, usize)>>,
    _vde: Vec<Vde>,
}

/// A port of the switch that is to be made: what it is for, and its socket, where it has one.
type Planned = (Port, Option<(usize, usize)>, Option<UnixDatagram>);

impl Cables {
    /// Cables that somebody else has laid, and keeps.
    pub(super) fn of(ends: Vec<Vec<Arc<OwnedFd>>>) -> Cables {
        Cables { ends, ..Cables::default() }
    }

    /// Lays the cables of networks. `seed_name`: the same name loses the same packets.
    pub(super) fn lay(networks: &[Wanted<'_>], seed_name: &str) -> Result<Cables, NetworkError> {
        let mut cables = Cables::default();
        let mut planned: Vec<Planned> = Vec::new();
        for (index, network) in networks.iter().enumerate() {
            let ends = match network.kind.home() {
                Home::Pair => pair(network)?,
                Home::Switch => {
                    let number = id(index, 0);
                    let port = |(nic, shape): (usize, &Shape)| {
                        (Port { network: number, shape: *shape }, Some((index, nic)), None)
                    };
                    planned.extend(network.shapes.iter().enumerate().map(port));
                    Vec::new()
                }
                Home::Vde => cables.vde(index, network, &mut planned)?,
                Home::Namespace | Home::Bridge | Home::Above | Home::Ports => Vec::new(),
            };
            cables.ends.push(ends);
        }
        if !planned.is_empty() {
            let mut sockets = Vec::new();
            let mut ports = Vec::new();
            for (port, seat, socket) in planned {
                ports.push(port);
                cables.ports.push(seat);
                sockets.push(socket);
            }
            let (switched, far) = Switched::start(Plan { seed: seed(seed_name), ports }, sockets)?;
            cables.switch = Some(switched);
            let mut far = far.into_iter();
            for (network, _) in cables.ports.iter().flatten() {
                if let (Some(ends), Some(end)) = (cables.ends.get_mut(*network), far.next()) {
                    ends.push(end);
                }
            }
        }
        Ok(cables)
    }

    /// Plugs the NICs of a network into a switch of VDE. Links that are slow lead through perfvt's own switch, in a network of two
    /// each, so that all kinds are slow by one rule.
    fn vde(
        &mut self,
        index: usize,
        network: &Wanted<'_>,
        planned: &mut Vec<Planned>,
    ) -> Result<Vec<Arc<OwnedFd>>, NetworkError> {
        let mut vde = Vde::open(network.vde)?;
        let plain = network.shapes.iter().all(|shape| *shape == Shape::default());
        let mut ends = Vec::new();
        for (nic, shape) in network.shapes.iter().enumerate() {
            let socket = vde.plug()?;
            if plain {
                ends.push(Arc::new(socket.into()));
                continue;
            }
            let number = id(index, nic + 1);
            planned.push((Port { network: number, shape: *shape }, Some((index, nic)), None));
            planned.push((Port { network: number, shape: Shape::default() }, None, Some(socket)));
        }
        self._vde.push(vde);
        Ok(ends)
    }
}

/// The number of a network of the switch: that of a cable, or with 0 that of a whole network.
fn id(network: usize, cable: usize) -> u32 {
    u32::try_from(network * 1000 + cable).unwrap_or(u32::MAX)
}

fn pair(network: &Wanted<'_>) -> Result<Vec<Arc<OwnedFd>>, NetworkError> {
    let Wanted { name, kind, shapes, .. } = network;
    if shapes.len() > 2 {
        let (kind, number) = (kind.word(), shapes.len());
        return Err(NetworkError::Refused(format!(
            "net={kind} joins two network cards, and {number} are in {name}; net=switch joins any number"
        )));
    }
    Ok(kind.pair().map_err(NetworkError::NoPair)?.unwrap_or_default())
}
