//! Machines that pass packets on under an address of their own, and the way of the answers. Pure, as [`super::way`] is.

use super::topology::Topology;
use super::way::{Lost, Path};
use super::{Address, Shape};
use std::net::Ipv4Addr;

/// The program that has the kernel translate addresses.
pub const NFT: &str = "nft";

impl Topology {
    /// The way of an answer from a machine to what came to it on a path: to the last machine that translated, which knows whose it
    /// is, and from there on.
    ///
    /// # Errors
    /// Where it gets lost.
    pub fn answer(&self, from: usize, there: &Path) -> Result<Path, Lost> {
        let mut whole = Path { machines: vec![from], ..self.path(from, there.seen().ip)? };
        whole.shape = Shape::default();
        let stops = there.translated.iter().rev().map(|stop| stop.to.ip).chain([there.source.ip]);
        for stop in stops {
            let begin = whole.machines.last().copied().unwrap_or(from);
            let leg = self.path(begin, stop)?;
            if let Some(odd) = leg.translated.iter().find(|odd| !there.machines.contains(&odd.machine)) {
                return Err(Lost::Hidden(odd.machine));
            }
            whole.machines.extend(leg.machines.iter().skip(1));
            whole.shape = whole.shape.then(leg.shape);
        }
        Ok(Path { translated: Vec::new(), ..whole })
    }

    /// Whether a machine gives others its own address, for which it needs nft.
    pub fn translates(&self) -> bool {
        self.machines.iter().any(|node| node.translates)
    }

    /// Whether a machine that asks another one is known to it by another address than its own: then only it can begin to talk.
    pub fn hides(&self, from: usize, to: Ipv4Addr) -> bool {
        self.path(from, to).is_ok_and(|path| !path.translated.is_empty())
    }
}

impl Path {
    /// The sender that the last machine sees.
    pub fn seen(&self) -> Address {
        self.translated.last().map_or(self.source, |last| last.to)
    }
}

#[cfg(test)]
mod tests {
    use super::super::topology::{NetworkId, Node, Plug, Route};
    use super::super::{Kind, Reach};
    use super::*;

    fn node(number: u8, networks: &[u8], default: Option<Ipv4Addr>) -> Node {
        let plug = |n: &u8| {
            let network = NetworkId::Of(*n);
            let (mac, address) = (network.mac(number), network.address(number));
            let shape = Shape { delay_ns: u64::from(number), ..Shape::default() };
            Plug { network, mac, address, mtu: 1500, shape }
        };
        let is_router = networks.len() > 1;
        Node {
            name: format!("vm{number}"),
            nics: networks.iter().map(plug).collect(),
            forwards: is_router,
            translates: is_router,
            routes: default.map(|via| Route { to: None, via }).into_iter().collect(),
        }
    }

    fn ip(network: u8, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(192, 168, network, number)
    }

    /// A server without any way, a client, and two routers between them that translate.
    fn twice() -> Topology {
        let machines = vec![
            node(4, &[3], None),
            node(1, &[1], Some(ip(1, 2))),
            node(2, &[1, 2], Some(ip(2, 3))),
            node(3, &[2, 3], None),
        ];
        let kind = Kind::Switch;
        Topology { machines, kind, vde: None, reach: Reach::Nowhere, server: Some(0), client: Some(1) }
    }

    #[test]
    fn answers_find_their_way_through_every_machine_that_translates() {
        let topology = twice();
        let there = topology.path(1, ip(3, 4)).unwrap();
        assert_eq!(
            (there.source.ip, there.seen().ip, &there.machines[..]),
            (ip(1, 1), ip(3, 3), &[1, 2, 3, 0][..])
        );
        let back = topology.answer(0, &there).unwrap();
        assert_eq!((back.machines, back.shape.delay_ns), (vec![0, 3, 2, 1], 3 + 2 + 1));
        assert!(topology.hides(1, ip(3, 4)) && !topology.hides(1, ip(1, 2)));
        let link = topology.way().unwrap().links.remove(0);
        assert_eq!(link.client.unwrap().ip, ip(3, 3), "as the server sees it");
    }

    #[test]
    fn what_goes_inwards_keeps_its_sender() {
        let mut topology = twice();
        topology.machines[0].routes = vec![Route { to: None, via: ip(3, 3) }];
        topology.machines[3].routes = vec![Route { to: None, via: ip(2, 2) }];
        let inwards = topology.path(0, ip(1, 1)).unwrap();
        assert!(inwards.translated.is_empty());
        assert_eq!(topology.answer(1, &inwards).unwrap().machines, [1, 2, 3, 0]);
    }

    #[test]
    fn answers_that_another_machine_translates_get_lost_there() {
        let mut topology = twice();
        // A second router between networks 1 and 3, which is asked for answers alone.
        topology.machines[2].translates = false;
        topology.machines[3].translates = false;
        topology.machines.push(node(5, &[3, 1], None));
        topology.machines[0].routes = vec![Route { to: None, via: ip(3, 5) }];
        let there = topology.path(1, ip(3, 4)).unwrap();
        assert_eq!(topology.answer(0, &there), Err(Lost::Hidden(4)));
        let said = topology.way().unwrap_err().to_string();
        assert!(said.contains("nat_vm5 = yes"), "{said}");
    }
}
