//! Machines on networks of their own: which machine is in which network, under which address, and which way packets take
//! between networks. Pure data; [`super::Joined`] makes the networks.

use super::client::ClientPlace;
use super::kind::{Kind, Link, default_address};
use super::layout::{Layout, Reach};
use super::mac::Mac;
use super::{Address, NetworkError};
use crate::scenario::Scenario;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use switch::Shape;

/// Machines on networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The machines, in order.
    pub machines: Vec<Node>,
    /// What the networks are made of.
    pub kind: Kind,
    /// The folder of the switch of VDE that they are plugged into; `None` is one of perfvt's own for each network.
    pub vde: Option<PathBuf>,
    /// How far machines reach over QEMU's user-mode network.
    pub reach: Reach,
    /// The machine that serves a workload, by its place among the machines.
    pub server: Option<usize>,
    /// The machine from which a workload is driven.
    pub client: Option<usize>,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, which is its hostname.
    pub name: String,
    /// Its NICs, in the order in which it finds them.
    pub nics: Vec<Plug>,
    /// Whether it passes packets on from one NIC to another.
    pub forwards: bool,
    /// Whether what it passes on by the last of its NICs bears the address that it has there.
    pub translates: bool,
    /// Ways to networks that it is not in.
    pub routes: Vec<Route>,
}

/// One NIC of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plug {
    /// The network that it is in.
    pub network: NetworkId,
    /// Its hardware address.
    pub mac: Mac,
    /// Its address.
    pub address: Address,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// What happens to packets on their way to it.
    pub shape: Shape,
}

/// Which network a NIC is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkId {
    /// A network of the topology: number n is 192.168.n.0/24.
    Of(u8),
    /// QEMU's user-mode network, which no other machine is in.
    User,
}

/// A way to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network; `None` is everything that no other way leads to.
    pub to: Option<Prefix>,
    /// The machine that passes packets on.
    pub via: Ipv4Addr,
}

/// A network by its first address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The first address.
    pub first: Ipv4Addr,
    /// Bits that all of its addresses have in common, 1 to 32.
    pub length: u8,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

impl Prefix {
    /// Reads `192.168.2.0/24`; bits behind the prefix are refused, because somebody meant something by them.
    pub fn parse(text: &str) -> Option<Prefix> {
        let (first, length) = text.trim().split_once('/')?;
        let prefix = Prefix { first: first.parse().ok()?, length: length.parse().ok()? };
        let behind = u32::MAX.checked_shr(u32::from(prefix.length)).unwrap_or(0);
        ((1..=32).contains(&prefix.length) && u32::from(prefix.first) & behind == 0).then_some(prefix)
    }

    /// Whether an address is in it.
    pub fn holds(&self, ip: Ipv4Addr) -> bool {
        let behind = u32::MAX.checked_shr(u32::from(self.length)).unwrap_or(0);
        u32::from(ip) & !behind == u32::from(self.first)
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkId::Of(number) => write!(f, "{number}"),
            NetworkId::User => f.write_str("user"),
        }
    }
}

impl Node {
    /// The networks of its NICs, in the order in which it finds them.
    pub fn networks(&self) -> Vec<String> {
        self.nics.iter().map(|plug| plug.network.to_string()).collect()
    }
}

impl NetworkId {
    /// The address of a machine in it, by the number of the machine, which begins at 1.
    pub fn address(self, machine: u8) -> Address {
        match self {
            NetworkId::Of(n) => Address { ip: Ipv4Addr::new(192, 168, n, machine), prefix: 24 },
            NetworkId::User => default_address(Kind::User, 0),
        }
    }

    /// The hardware address of a machine in it.
    pub fn mac(self, machine: u8) -> Mac {
        match self {
            NetworkId::Of(n) => Mac::of(n, machine),
            NetworkId::User => Mac::of(0, machine),
        }
    }
}

impl Node {
    /// The names of its NICs: `nic1`, `nic2` and so on.
    pub fn cards(&self) -> Vec<String> {
        (1..=self.nics.len()).map(|number| format!("nic{number}")).collect()
    }
}

impl Topology {
    /// A machine by its name, and its place.
    pub fn machine(&self, name: &str) -> Option<(usize, &Node)> {
        self.machines.iter().enumerate().find(|(_, node)| node.name == name)
    }

    /// The same machines in another order: the server first, then the client, as guests of any scenario are. Without a server
    /// that is the last machine, and without a client the first one that does not serve. Their addresses stay what they are.
    ///
    /// # Errors
    /// There are not two machines.
    pub fn server_first(mut self) -> Result<Topology, NetworkError> {
        let names: Vec<&str> = self.machines.iter().map(|node| node.name.as_str()).collect();
        let order = server_first(names.len(), self.server, self.client).ok_or_else(|| {
            NetworkError::Refused(
                "a topology is measured between two of its machines: vms needs a second one".into(),
            )
        })?;
        self.machines = order.iter().filter_map(|place| self.machines.get(*place).cloned()).collect();
        (self.server, self.client) = (Some(0), Some(1));
        Ok(self)
    }

    /// The numbers of the networks, each once, in order.
    pub fn networks(&self) -> Vec<u8> {
        let of = |plug: &Plug| match plug.network {
            NetworkId::Of(n) => Some(n),
            NetworkId::User => None,
        };
        let mut all: Vec<u8> =
            self.machines.iter().flat_map(|node| node.nics.iter().filter_map(of)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The NICs in a network: the place of the machine, and that of the NIC among its own.
    pub fn members(&self, network: u8) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for (machine, node) in self.machines.iter().enumerate() {
            let here =
                node.nics.iter().enumerate().filter(|(_, plug)| plug.network == NetworkId::Of(network));
            all.extend(here.map(|(nic, _)| (machine, nic)));
        }
        all
    }

    /// What one machine is plugged into, with a link for each of its NICs.
    pub fn layout(&self, machine: usize) -> Layout {
        let nics = self.machines.get(machine).map_or(&[][..], |node| &node.nics);
        let cards = self.machines.get(machine).map(Node::cards).unwrap_or_default();
        let link = |(nic, plug): (String, &Plug)| Link {
            nic,
            kind: if plug.network == NetworkId::User { Kind::User } else { self.kind },
            device: None,
            mtu: plug.mtu,
            server: Some(plug.address),
            client: None,
            shapes: [plug.shape, Shape::default()],
            vde: self.vde.clone(),
        };
        let links = cards.into_iter().zip(nics).map(link).collect();
        Layout { scenario: Scenario::GuestGuest, client: ClientPlace::Guest, links, reach: self.reach }
    }

    /// The lines of `/etc/hosts` on a machine: itself, then every other one under the address that is nearest, which is one in a
    /// network of both if there is any, and then under its others. NAME-N is the address in network N alone.
    pub fn hosts(&self, machine: usize) -> String {
        let near = |address: &Address| {
            let own = self.machines.get(machine).into_iter().flat_map(|node| &node.nics);
            own.into_iter().any(|plug| plug.network != NetworkId::User && plug.address.reaches(address.ip))
        };
        let mut text = String::from("127.0.0.1 localhost\n");
        for node in &self.machines {
            let of = |plug: &Plug| match plug.network {
                NetworkId::Of(n) => Some((plug.address, n)),
                NetworkId::User => None,
            };
            let mut addresses: Vec<(Address, u8)> = node.nics.iter().filter_map(of).collect();
            addresses.sort_by_key(|(address, _)| !near(address));
            let name = &node.name;
            let lines =
                addresses.into_iter().map(|(address, n)| format!("{} {name} {name}-{n}\n", address.ip));
            text.extend(lines);
        }
        text
    }
}

/// The places of so many machines, that of the server first and then that of the client; `None` where there are not two.
pub fn server_first(machines: usize, server: Option<usize>, client: Option<usize>) -> Option<Vec<usize>> {
    let mut places = (0..machines).filter(|place| Some(*place) != client && Some(*place) != server);
    let server = server.or_else(|| places.clone().next_back())?;
    let client = client.or_else(|| places.find(|place| *place != server))?;
    let others = (0..machines).filter(|place| ![server, client].contains(place));
    Some([server, client].into_iter().chain(others).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plug(n: u8, machine: u8) -> Plug {
        let network = NetworkId::Of(n);
        Plug {
            network,
            mac: network.mac(machine),
            address: network.address(machine),
            mtu: 1500,
            shape: Shape::default(),
        }
    }

    fn node(index: u8, networks: &[u8]) -> Node {
        Node {
            name: format!("vm{index}"),
            nics: networks.iter().map(|n| plug(*n, index)).collect(),
            forwards: false,
            translates: false,
            routes: Vec::new(),
        }
    }

    fn topology() -> Topology {
        Topology {
            machines: vec![node(1, &[1]), node(2, &[2, 1]), node(3, &[2])],
            kind: Kind::Dgram,
            vde: None,
            reach: Reach::Nowhere,
            server: None,
            client: None,
        }
    }

    #[test]
    fn a_network_knows_its_members_and_a_machine_its_links() {
        let topology = topology();
        assert_eq!(topology.networks(), [1, 2]);
        assert_eq!((topology.members(1), topology.members(2)), (vec![(0, 0), (1, 1)], vec![(1, 0), (2, 0)]));
        let links = topology.layout(1).links;
        let shown = |link: &Link| format!("{} {}", link.nic, link.server.unwrap());
        assert_eq!(
            links.iter().map(shown).collect::<Vec<_>>(),
            ["nic1 192.168.2.2/24", "nic2 192.168.1.2/24"]
        );
        assert_eq!(topology.machine("vm3").unwrap().0, 2);
    }

    #[test]
    fn the_last_machine_serves_and_the_first_asks_unless_they_are_named() {
        let of = |server, client| server_first(3, server, client).unwrap();
        assert_eq!(of(None, None), [2, 0, 1]);
        assert_eq!(of(Some(0), None), [0, 1, 2]);
        assert_eq!(of(None, Some(2)), [1, 2, 0]);
        assert_eq!(of(Some(1), Some(2)), [1, 2, 0]);
        assert_eq!(server_first(1, None, None), None);
        assert_eq!(server_first(0, None, None), None);
        let names = |t: Topology| t.machines.into_iter().map(|node| node.name).collect::<Vec<_>>();
        assert_eq!(names(topology().server_first().unwrap()), ["vm3", "vm1", "vm2"]);
    }

    #[test]
    fn a_name_is_the_address_in_a_network_of_both_where_there_is_one() {
        let hosts = topology().hosts(0);
        let lines: Vec<&str> = hosts.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "192.168.1.1 vm1 vm1-1",
                "192.168.1.2 vm2 vm2-1",
                "192.168.2.2 vm2 vm2-2",
                "192.168.2.3 vm3 vm3-2"
            ]
        );
        assert!(topology().hosts(2).contains("192.168.2.2 vm2 vm2-2\n192.168.1.2 vm2 vm2-1"));
    }

    #[test]
    fn a_network_that_is_meant_as_an_address_is_none() {
        assert_eq!(Prefix::parse("192.168.2.0/24").unwrap().to_string(), "192.168.2.0/24");
        for bad in ["192.168.2.1/24", "192.168.2.0", "0.0.0.0/0", "10.0.0.0/33", "x/24"] {
            assert_eq!(Prefix::parse(bad), None, "{bad}");
        }
    }
}
