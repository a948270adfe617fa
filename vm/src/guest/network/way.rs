//! The way of packets through a topology: which machine hands them to which, as the kernels of its machines will. Pure, so that a
//! topology in which client and server do not meet is refused before anything boots.

use super::client::ClientPlace;
use super::kind::Link;
use super::layout::Layout;
use super::topology::{NetworkId, Node, Plug, Topology};
use super::{Address, NetworkError, Shape};
use crate::scenario::Scenario;
use std::net::Ipv4Addr;

/// The way of packets from one machine to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The address that the first machine sends from.
    pub source: Address,
    /// The machines that have the packets in hand, by their places: the first one, those that pass them on, the last one.
    pub machines: Vec<usize>,
    /// What the links on it do to them, all together.
    pub shape: Shape,
    /// The machines that gave them another sender, in order.
    pub translated: Vec<Translated>,
}

/// A machine that gave packets its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translated {
    /// Its place.
    pub machine: usize,
    /// The sender that they had.
    pub from: Address,
    /// The one that they have since.
    pub to: Address,
}

/// Packets that get nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A machine has no way to that address.
    NoWay(usize, Ipv4Addr),
    /// No machine in a network has the address that packets are handed to.
    Nobody(Ipv4Addr),
    /// A machine gets them that does not pass them on.
    NotPassedOn(usize),
    /// They go round and round.
    Circle(usize),
    /// A machine gives answers another sender, because it has not seen what they answer.
    Hidden(usize),
}

impl Topology {
    /// The way of packets from a machine to an address.
    ///
    /// # Errors
    /// Where they get lost.
    pub fn path(&self, from: usize, to: Ipv4Addr) -> Result<Path, Lost> {
        let mut machines = vec![from];
        let mut source = None;
        let mut shape = Shape::default();
        let mut translated: Vec<Translated> = Vec::new();
        loop {
            let here = machines.last().copied().unwrap_or(from);
            let node = self.machines.get(here).ok_or(Lost::Nobody(to))?;
            if let Some(own) = node.nics.iter().find(|plug| is_of_topology(plug) && plug.address.ip == to) {
                return Ok(Path { source: source.unwrap_or(own.address), machines, shape, translated });
            }
            if machines.len() > 1 && !node.forwards {
                return Err(Lost::NotPassedOn(here));
            }
            let (plug, next) = node.next(to).ok_or(Lost::NoWay(here, to))?;
            let first = *source.get_or_insert(plug.address);
            if machines.len() > 1 && node.translates && node.nics.last() == Some(plug) {
                let from = translated.last().map_or(first, |before| before.to);
                translated.push(Translated { machine: here, from, to: plug.address });
            }
            let (there, taken) = self.who(plug.network, next).ok_or(Lost::Nobody(next))?;
            shape = shape.then(taken.shape);
            if machines.contains(&there) {
                return Err(Lost::Circle(there));
            }
            machines.push(there);
        }
    }

    /// Who has an address in a network: the machine, and its NIC there.
    fn who(&self, network: NetworkId, ip: Ipv4Addr) -> Option<(usize, &Plug)> {
        let has = |plug: &&Plug| plug.network == network && is_of_topology(plug) && plug.address.ip == ip;
        let mut all = self.machines.iter().enumerate();
        all.find_map(|(place, node)| Some((place, node.nics.iter().find(has)?)))
    }

    /// Ways of machines to somebody who will not pass anything on: by the places of machine and way.
    pub fn doubtful(&self) -> Vec<(usize, usize, Lost)> {
        let mut all = Vec::new();
        for (machine, node) in self.machines.iter().enumerate() {
            for (way, route) in node.routes.iter().enumerate() {
                let Some(plug) = node.nics.iter().find(|plug| plug.address.reaches(route.via)) else {
                    continue;
                };
                // QEMU itself passes packets on in its user-mode network.
                if !is_of_topology(plug) {
                    continue;
                }
                match self.who(plug.network, route.via) {
                    None => all.push((machine, way, Lost::Nobody(route.via))),
                    Some((via, _)) if self.machines.get(via).is_some_and(|node| !node.forwards) => {
                        all.push((machine, way, Lost::NotPassedOn(via)));
                    }
                    Some(_) => {}
                }
            }
        }
        all
    }

    /// The way from the client, which is the second machine, to the server, which is the first ([`Topology::server_first`]), as links
    /// of a scenario: the data go to the server's first NIC that is reached, and the answers come back. The control connections
    /// take the same way, unless both are in another network: then they take the last one of those.
    ///
    /// # Errors
    /// They do not reach one another, with the machine that has no way, and what to set.
    pub fn way(&self) -> Result<Layout, NetworkError> {
        let unmet = || NetworkError::Refused("a topology is measured between two of its machines".into());
        let [server, client, ..] = &self.machines[..] else { return Err(unmet()) };
        let mut links = Vec::new();
        let mut lost = None;
        for (card, plug) in
            server.cards().into_iter().zip(&server.nics).filter(|(_, plug)| is_of_topology(plug))
        {
            match self.there_and_back(plug) {
                Ok(both) if links.is_empty() => links.push(self.link(card, plug, &both)),
                Ok(both) if client.nics.iter().any(|own| own.network == plug.network) => {
                    links.truncate(1);
                    links.push(self.link(card, plug, &both));
                }
                Ok(_) => {}
                Err(why) => lost = lost.or(Some((plug.address.ip, why))),
            }
        }
        if links.is_empty() {
            return Err(NetworkError::Refused(match lost {
                None => format!(
                    "{} serves, and is in no network that another machine reaches; vlans_{} says which it is in",
                    server.name, server.name
                ),
                Some((to, why)) => self.says(&client.name, &server.name, to, &why),
            }));
        }
        Ok(Layout { scenario: Scenario::Topology, client: ClientPlace::Guest, links, reach: self.reach })
    }

    /// The ways by which the client reaches a NIC of the server, and the server the client's.
    fn there_and_back(&self, plug: &Plug) -> Result<[Path; 2], Lost> {
        let there = self.path(1, plug.address.ip)?;
        let back = self.answer(0, &there)?;
        Ok([there, back])
    }

    /// All links of the way as one: what they do to packets adds up.
    fn link(&self, nic: String, plug: &Plug, [there, back]: &[Path; 2]) -> Link {
        Link {
            nic,
            kind: self.kind,
            device: None,
            mtu: plug.mtu,
            server: Some(plug.address),
            client: Some(there.seen()),
            shapes: [there.shape, back.shape],
            vde: None,
        }
    }

    fn says(&self, client: &str, server: &str, to: Ipv4Addr, why: &Lost) -> String {
        let name = |place: &usize| self.machines.get(*place).map_or("", |node| node.name.as_str()).to_owned();
        let why = match why {
            Lost::NoWay(place, to) => {
                let name = name(place);
                format!(
                    "{name} has no way to {to}; say one, such as routes_{name} = default via {}",
                    self.router(*place)
                )
            }
            Lost::Nobody(ip) => format!("no machine in that network has the address {ip}"),
            Lost::NotPassedOn(place) => {
                let name = name(place);
                format!("{name} does not pass packets on; set forward_{name} = yes")
            }
            Lost::Circle(place) => format!("packets go round, and come back to {}", name(place)),
            Lost::Hidden(place) => {
                let name = name(place);
                format!(
                    "answers come over {name}, which gives them its own address (nat_{name} = yes), and the questions do not"
                )
            }
        };
        format!("{client} and {server} do not reach one another over {to}: {why}")
    }

    /// A machine that could pass packets on for one: the first in a network of its that does so, or any.
    fn router(&self, of: usize) -> String {
        let own = self.machines.get(of).map(|node| &node.nics[..]).unwrap_or_default();
        let is_near =
            |node: &Node| node.nics.iter().any(|plug| own.iter().any(|own| own.network == plug.network));
        let others = self.machines.iter().enumerate().filter(|(place, node)| *place != of && is_near(node));
        let mut near: Vec<&Node> = others.map(|(_, node)| node).collect();
        near.sort_by_key(|node| !node.forwards);
        near.first().map_or_else(|| "MACHINE".to_owned(), |node| node.name.clone())
    }
}

impl Node {
    /// Where it sends what is for an address: by which NIC, and to whom there. The longest prefix wins, its own networks before ways.
    fn next(&self, to: Ipv4Addr) -> Option<(&Plug, Ipv4Addr)> {
        let own = self.nics.iter().filter(|plug| plug.address.reaches(to));
        let own = own.map(|plug| (plug.address.prefix, plug, to)).next();
        let ways = self.routes.iter().filter_map(|route| {
            let length = match route.to {
                None => 0,
                Some(prefix) if prefix.holds(to) => prefix.length,
                Some(_) => return None,
            };
            let plug = self.nics.iter().find(|plug| plug.address.reaches(route.via))?;
            Some((length, plug, route.via))
        });
        let best = own.into_iter().chain(ways).reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, plug, next)| (plug, next))
    }
}

fn is_of_topology(plug: &Plug) -> bool {
    plug.network != NetworkId::User
}

#[cfg(test)]
mod tests {
    use super::super::layout::Reach;
    use super::super::topology::Route;
    use super::super::{Kind, Prefix};
    use super::*;

    fn node(index: u8, networks: &[u8], ways: &[&str]) -> Node {
        let plug = |n: &u8| {
            let network = NetworkId::Of(*n);
            let (mac, address) = (network.mac(index), network.address(index));
            Plug {
                network,
                mac,
                address,
                mtu: 1500,
                shape: Shape { delay_ns: u64::from(index), ..Shape::default() },
            }
        };
        let way = |text: &&str| {
            let (to, via) = text.split_once(' ').unwrap();
            Route { to: Prefix::parse(to), via: via.parse().unwrap() }
        };
        Node {
            name: format!("vm{index}"),
            nics: networks.iter().map(plug).collect(),
            forwards: false,
            translates: false,
            routes: ways.iter().map(way).collect(),
        }
    }

    type Change<'a> = &'a dyn Fn(&mut Topology);

    /// A server, a client and a router between them.
    fn routed() -> Topology {
        let mut machines = vec![
            node(3, &[2], &["192.168.1.0/24 192.168.2.2"]),
            node(1, &[1], &["default 192.168.1.2"]),
            node(2, &[1, 2], &[]),
        ];
        machines[2].forwards = true;
        Topology {
            machines,
            kind: Kind::Switch,
            vde: None,
            reach: Reach::Nowhere,
            server: Some(0),
            client: Some(1),
        }
    }

    fn shown(topology: &Topology) -> String {
        let layout = topology.way().unwrap_or_else(|e| panic!("{e}"));
        let link =
            |link: &Link| format!("{} {} {}", link.nic, link.client.unwrap().ip, link.server.unwrap().ip);
        layout.links.iter().map(link).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn packets_go_over_the_router_and_back() {
        let topology = routed();
        let path = topology.path(1, Ipv4Addr::new(192, 168, 2, 3)).unwrap();
        assert_eq!((path.machines, path.source.to_string().as_str()), (vec![1, 2, 0], "192.168.1.1/24"));
        assert_eq!(shown(&topology), "nic1 192.168.1.1 192.168.2.3");
        let link = topology.way().unwrap().links.remove(0);
        // vm2 and then vm3 take them on the way there, vm2 and then vm1 on the way back.
        assert_eq!(link.shapes.map(|shape| shape.delay_ns), [2 + 3, 2 + 1]);
    }

    #[test]
    fn ways_to_somebody_who_passes_nothing_on_are_doubtful() {
        let mut topology = routed();
        assert_eq!(topology.doubtful(), []);
        topology.machines[2].forwards = false;
        assert_eq!(topology.doubtful(), [(0, 0, Lost::NotPassedOn(2)), (1, 0, Lost::NotPassedOn(2))]);
        let nobody = Ipv4Addr::new(192, 168, 1, 9);
        topology.machines[1].routes[0].via = nobody;
        assert_eq!(topology.doubtful()[1], (1, 0, Lost::Nobody(nobody)));
    }

    #[test]
    fn control_connections_take_another_network_that_both_are_in() {
        let mut topology = routed();
        topology.machines[0].nics.extend(node(3, &[8, 9, 7], &[]).nics);
        topology.machines[1].nics.extend(node(1, &[9, 8], &[]).nics);
        assert_eq!(shown(&topology), "nic1 192.168.1.1 192.168.2.3, nic3 192.168.9.1 192.168.9.3");
    }

    #[test]
    fn two_machines_in_one_network_are_a_topology() {
        let mut topology = routed();
        topology.machines = vec![node(2, &[4], &[]), node(1, &[4], &[])];
        assert_eq!(shown(&topology), "nic1 192.168.4.1 192.168.4.2");
    }

    #[test]
    fn where_they_do_not_meet_the_machine_is_named_with_what_to_set() {
        let says = |change: &dyn Fn(&mut Topology)| {
            let mut topology = routed();
            change(&mut topology);
            topology.way().unwrap_err().to_string()
        };
        let begin = "vm1 and vm3 do not reach one another over 192.168.2.3: ";
        let cases: [(Change<'_>, &str); 5] = [
            (&|t| t.machines[2].forwards = false, "vm2 does not pass packets on; set forward_vm2 = yes"),
            (
                &|t| t.machines[1].routes.clear(),
                "vm1 has no way to 192.168.2.3; say one, such as routes_vm1 = default via vm2",
            ),
            // The answers get lost.
            (
                &|t| t.machines[0].routes.clear(),
                "vm3 has no way to 192.168.1.1; say one, such as routes_vm3 = default via vm2",
            ),
            (
                &|t| t.machines[1].routes[0].via = Ipv4Addr::new(192, 168, 1, 9),
                "no machine in that network has the address 192.168.1.9",
            ),
            (
                &|t| {
                    t.machines[2].nics.truncate(1);
                    t.machines[2].routes = node(2, &[], &["default 192.168.1.1"]).routes;
                },
                "packets go round, and come back to vm1",
            ),
        ];
        for (change, end) in cases {
            assert_eq!(says(change), format!("{begin}{end}"));
        }
        let none = says(&|t| t.machines[0].nics.clear());
        assert_eq!(
            none,
            "vm3 serves, and is in no network that another machine reaches; vlans_vm3 says which it is in"
        );
    }
}
