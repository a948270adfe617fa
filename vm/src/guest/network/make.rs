//! Making a network: namespaces, bridges, the stand-in for another host, forwarded ports.

mod ends;

use super::bridge::{host_address, own_taps};
use super::cables::{Cables, Wanted};
use super::ip::ip;
use super::lead::Lead;
use super::macvtap::Macvtaps;
use super::observer::Observer;
use super::ports::{SERVER_PORT, free_ports};
use super::{
    Address, ClientPlace, Home, Layout, Link, NetworkError, NicWiring, Wires, Wiring, netdev, netem, opened,
};
use formats::counters::{NetDev, Section, Traffic};
use process::{Inherited, Namespace, ProcessError, Spec};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use switch::Shape;

/// The network of one boot. What it is made of goes with it.
#[derive(Debug)]
pub struct Network {
    /// What it was made from.
    pub layout: Layout,
    /// Where QEMU runs; `None` is the host's own network namespace.
    pub namespace: Option<Arc<Namespace>>,
    /// The stand-in for another host.
    outside: Option<Arc<Namespace>>,
    /// Devices on top of the host's.
    macvtaps: Option<Macvtaps>,
    /// Names and ports.
    pub wires: Wires,
    /// Where the client is on each link, as the server guest sees it.
    pub peers: Vec<Option<IpAddr>>,
    /// The server guest's address on each link; DHCP gives those that the layout leaves open.
    servers: Vec<Option<Address>>,
    /// The address of a client on another host.
    remote: Option<Ipv4Addr>,
    /// Who watches the server's guest from outside, link by link.
    observers: Vec<Observer>,
    /// The way of programs of this host to the server's guest, where that is at a switch.
    lead: Option<Lead>,
    /// What joins guests without a network of the host, link by link.
    cables: Cables,
}

impl Network {
    /// Makes what a layout describes, for a client with up to so many sessions at a time: two servers that wait on the
    /// same port at the same time clash, so each session has one of its own where ports are forwarded. `name` is the
    /// campaign's, or whatever else tells its taps from others.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub fn create(layout: &Layout, sessions: usize, name: &str) -> Result<Network, NetworkError> {
        let wanted = layout.links.iter().map(|link| Wanted {
            name: link.nic.clone(),
            kind: link.kind,
            shapes: shapes(layout, link),
            vde: link.vde.as_deref(),
        });
        let wanted: Vec<Wanted<'_>> = wanted.collect();
        let cables = Cables::lay(&wanted, name)?;
        let mut network = Network::with(layout, Wires::new(layout, sessions, name)?, cables)?;
        network.observe()?;
        Ok(network)
    }

    /// The part of one machine in networks that are there already: for each link the end of a cable, where it has one.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub(super) fn plugged(
        layout: &Layout,
        ends: Vec<Vec<Arc<OwnedFd>>>,
        name: &str,
    ) -> Result<Network, NetworkError> {
        Network::with(layout, Wires::new(layout, 1, name)?, Cables::of(ends))
    }

    fn with(layout: &Layout, mut wires: Wires, cables: Cables) -> Result<Network, NetworkError> {
        let namespace = if layout.has(Home::Namespace) {
            Some(Namespace::create().map(Arc::new).map_err(|e| NetworkError::NoTap(e.to_string()))?)
        } else if layout.is_shut_in() {
            // In a network of its own there is nothing to reach but forwarded ports.
            Namespace::create().map(Arc::new).ok()
        } else {
            None
        };
        // By the namespace that there is, not by one that could be made before: where it is missing QEMU shuts the guest in.
        wires.restricted = layout.is_shut_in() && namespace.is_none();
        let mut network = Network {
            layout: layout.clone(),
            namespace,
            outside: None,
            macvtaps: if layout.has(Home::Above) { Some(Macvtaps::new()?) } else { None },
            wires,
            peers: layout.links.iter().map(Link::peer).collect(),
            servers: vec![None; layout.links.len()],
            remote: match &layout.client {
                ClientPlace::Remote(host) => resolve(&host.address),
                _ => None,
            },
            observers: Vec::new(),
            lead: None,
            cables,
        };
        network.build()?;
        Ok(network)
    }

    fn build(&mut self) -> Result<(), NetworkError> {
        if let Some(namespace) = &self.namespace {
            ip(Some(namespace), &["link", "set", "lo", "up"]).map_err(no_tap)?;
            if self.layout.is_shut_in() {
                // netperf asks getaddrinfo(3) with AI_ADDRCONFIG, which finds no address of a family where this host has but
                // 127.0.0.1 of it. This one is nobody's (RFC 5737).
                ip(Some(namespace), &["address", "add", "192.0.2.1/32", "dev", "lo"]).map_err(no_tap)?;
            }
        }
        if self.layout.client == ClientPlace::Namespace
            && let Some(namespace) = &self.namespace
        {
            let outside = Namespace::beside(namespace).map_err(|e| NetworkError::NoTap(e.to_string()))?;
            self.outside = Some(Arc::new(outside));
        }
        for (index, link) in self.layout.links.clone().iter().enumerate() {
            match link.kind.home() {
                Home::Namespace => self.own_bridge(index, link).map_err(no_tap)?,
                Home::Above => self.macvtaps(index, link)?,
                Home::Bridge | Home::Pair | Home::Switch | Home::Vde | Home::Ports => {}
            }
        }
        for (index, link) in self.layout.links.clone().iter().enumerate() {
            if let Some(address) = link.server {
                self.set_server(index, address)?;
            }
        }
        Ok(())
    }

    /// Notes the server guest's address on a link, and where it finds a client outside from there.
    ///
    /// # Errors
    /// The client is on this host, which has no address in that network.
    pub fn set_server(&mut self, index: usize, address: Address) -> Result<(), NetworkError> {
        if let Some(server) = self.servers.get_mut(index) {
            *server = Some(address);
        }
        let device = self.layout.links.get(index).and_then(|link| link.device.as_deref());
        let peer = match (&self.layout.client, device) {
            (ClientPlace::Host, Some(bridge)) => Some(host_address(bridge, address)?),
            (ClientPlace::Remote(_), _) => self.remote.filter(|ip| address.reaches(*ip)).map(IpAddr::V4),
            _ => return Ok(()),
        };
        if let Some(known) = self.peers.get_mut(index) {
            *known = peer;
        }
        Ok(())
    }

    /// Notes the address that DHCP gave the client's guest on a link.
    pub fn set_client(&mut self, index: usize, address: Address) {
        if let Some(peer) = self.peers.get_mut(index) {
            *peer = Some(address.ip.into());
        }
    }

    /// The link of the control connections: the last one, and for a client on another host the last one whose network
    /// that host is in, for a NIC may be there for this host alone.
    pub fn control(&self) -> usize {
        let last = self.layout.links.len().saturating_sub(1);
        match self.layout.client {
            ClientPlace::Remote(_) => self.peers.iter().rposition(Option::is_some).unwrap_or(0),
            _ => last,
        }
    }

    /// A bridge of a link's own, with the client's end where that is not a guest.
    fn own_bridge(&self, index: usize, link: &Link) -> Result<(), ProcessError> {
        let inside = self.namespace.as_ref();
        let (bridge, mtu) = (own_bridge(index), link.mtu.to_string());
        ip(inside, &["link", "add", &bridge, "type", "bridge"])?;
        ip(inside, &["link", "set", "dev", &bridge, "mtu", &mtu, "up"])?;
        let address = link.client.map(|a| a.to_string()).unwrap_or_default();
        match (&self.layout.client, &self.outside) {
            (ClientPlace::Host, _) => ip(inside, &["address", "add", &address, "dev", &bridge]),
            (ClientPlace::Namespace, Some(outside)) => {
                let (near, far) = (format!("pvtveth{index}"), format!("eth{index}"));
                // `ip` moves an interface to where a process is; this one is there for nothing else.
                let there = Spec::new("sleep").arg("60").namespace(Some(outside)).start()?;
                let pid = there.pid().to_string();
                let peer = ["type", "veth", "peer", "name", &far, "netns", &pid];
                ip(inside, &[&["link", "add", &near][..], &peer].concat())?;
                ip(inside, &["link", "set", "dev", &near, "mtu", &mtu, "master", &bridge, "up"])?;
                ip(Some(outside), &["address", "add", &address, "dev", &far])?;
                ip(Some(outside), &["link", "set", "dev", &far, "mtu", &mtu, "up"])?;
                ip(Some(outside), &["link", "set", "lo", "up"])
            }
            _ => Ok(()),
        }
    }

    /// A macvtap for each guest.
    fn macvtaps(&mut self, index: usize, link: &Link) -> Result<(), NetworkError> {
        let Some(macvtaps) = &mut self.macvtaps else { return Ok(()) };
        let lower = link.device.as_deref().unwrap_or_default();
        for guest in 0..self.layout.scenario.guests().len() {
            let mac = netdev::mac(&self.layout, &self.wires.tag, guest, index);
            macvtaps.add((guest, index), (lower, link.mtu), &self.wires.tap(guest, index), &mac)?;
        }
        Ok(())
    }

    /// What a guest's QEMU gets opened for NICs that want these.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn opened(&self, guest: usize, wants: &[NicWiring]) -> Result<Vec<Inherited>, NetworkError> {
        let mut all = Vec::new();
        for (nic, link) in self.layout.links.iter().enumerate() {
            let queues = wants.get(nic).map_or(1, |nic| nic.queues);
            match link.kind.home() {
                Home::Bridge if self.wires.helper => continue,
                Home::Namespace | Home::Bridge => {
                    let name = self.wires.tap(guest, nic);
                    let tap = |at| Inherited::tap(&name, queues > 1, opened::queue(wants, nic, at));
                    all.extend((0..queues).map(tap));
                }
                Home::Above => {
                    if let Some(macvtaps) = &self.macvtaps {
                        all.extend(macvtaps.open((guest, nic), wants)?);
                    }
                }
                Home::Pair | Home::Switch | Home::Vde => {
                    let end = self.cables.ends.get(nic).and_then(|ends| ends.get(guest));
                    all.extend(end.map(|end| Inherited::shared(end, opened::queue(wants, nic, 0))));
                }
                Home::Ports => {}
            }
            if link.kind.has_tap() {
                all.extend(opened::vhost(wants, nic)?);
            }
        }
        Ok(all)
    }

    /// Packets and bytes of the server's data link as its tap counts them, with `host`'s directions: what was received is
    /// what the guest sent. `qemu` is its process.
    pub fn traffic(&self, qemu: u32) -> Option<Traffic> {
        let is_macvtap = self.layout.data().is_some_and(|link| link.kind.home() == Home::Above);
        let macvtaps = self.macvtaps.as_ref().filter(|_| is_macvtap);
        let pid = macvtaps.map_or(qemu, Macvtaps::pid);
        let text = edge::read::kernel(format!("/proc/{pid}/net/dev")).ok()?;
        let counted = NetDev::of(&text).interface(&self.wires.tap(0, 0))?.value;
        // A macvtap is the guest's NIC itself, where a tap is the other end of its cable.
        Some(if is_macvtap { counted.other_end() } else { counted })
    }

    /// Whether a tap can be made where QEMU will run.
    pub(super) fn try_tap(&self) -> Result<(), NetworkError> {
        let (tap, inside) = (self.wires.tap(0, 0), self.namespace.as_ref());
        ip(inside, &["tuntap", "add", "dev", &tap, "mode", "tap"]).map_err(no_tap)?;
        let slow = self.layout.links.iter().flat_map(|link| link.shapes.map(|shape| (link, shape)));
        for (link, shape) in slow {
            netem::shape(inside, &tap, link, shape)?;
        }
        ip(inside, &["tuntap", "del", "dev", &tap, "mode", "tap"]).map_err(no_tap)
    }

    /// The namespace in which a client on the host runs.
    pub fn client_namespace(&self) -> Option<&Arc<Namespace>> {
        self.lead.as_ref().map(|lead| &lead.namespace).or(self.outside.as_ref()).or(self.namespace.as_ref())
    }

    /// What a guest's NICs are plugged into.
    pub fn wiring(&self, guest: usize) -> Wiring<'_> {
        Wiring { layout: &self.layout, wires: &self.wires, guest }
    }

    /// The hardware address of a guest's NIC.
    pub fn mac(&self, guest: usize, nic: usize) -> String {
        netdev::mac(&self.layout, &self.wires.tag, guest, nic)
    }

    /// Where a client reaches the server on a link.
    pub fn server(&self, index: usize) -> IpAddr {
        match (self.layout.links.get(index), self.servers.get(index)) {
            (Some(link), Some(Some(address))) if link.kind.home() != Home::Ports => address.ip.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Plugs the taps that a guest's QEMU has into their bridges.
    ///
    /// # Errors
    /// `ip` or the kernel refuse.
    pub fn plug(&self, guest: usize) -> Result<(), NetworkError> {
        for (index, link) in self.layout.links.iter().enumerate() {
            let bridge = match (link.kind.home(), &link.device) {
                (Home::Namespace, _) => own_bridge(index),
                (Home::Bridge, Some(bridge)) if !self.wires.helper => bridge.clone(),
                _ => continue,
            };
            let (tap, mtu) = (self.wires.tap(guest, index), link.mtu.to_string());
            let set = ["link", "set", "dev", &tap, "mtu", &mtu, "master", &bridge, "up"];
            ip(self.namespace.as_ref(), &set)?;
            if let Some(shape) = link.shapes.get(guest) {
                netem::shape(self.namespace.as_ref(), &tap, link, *shape)?;
            }
        }
        Ok(())
    }
}

/// What happens to packets on their way to whoever is in a link: the guests of the scenario; for one that moves also the place to
/// which it does, a program of this host that is led there ([`Network::lead_in`]), and who watches.
fn shapes(layout: &Layout, link: &Link) -> Vec<Shape> {
    let [server, _] = link.shapes;
    match layout.client {
        ClientPlace::Observer => vec![server, server, Shape::default(), Shape::default()],
        _ => link.shapes.into_iter().take(layout.scenario.guests().len()).collect(),
    }
}

fn no_tap(error: ProcessError) -> NetworkError {
    NetworkError::NoTap(error.to_string())
}

/// A bridge in the namespace, which it has to itself, so that its name is free.
fn own_bridge(index: usize) -> String {
    format!("pvtbr{index}")
}

impl Wires {
    /// Names and ports for a layout; see [`Network::create`].
    ///
    /// # Errors
    /// There are too few free ports.
    pub fn new(layout: &Layout, sessions: usize, name: &str) -> Result<Wires, NetworkError> {
        let mut wires = Wires { tag: tag(name), ..Wires::planned(layout, sessions) };
        let forwards_control = wires.control_port != SERVER_PORT;
        let mut free = free_ports(wires.data_ports.len() + usize::from(forwards_control))?.into_iter();
        if forwards_control {
            wires.control_port = free.next().unwrap_or_default();
        }
        wires.data_ports = free.collect();
        Ok(wires)
    }

    /// What stands for them where no ports are taken: see [`Wires::for_people`].
    pub fn planned(layout: &Layout, sessions: usize) -> Wires {
        let on = |link: Option<&Link>| link.is_some_and(|link| link.kind.home() == Home::Ports);
        let wires = Wires {
            tag: String::new(),
            control_port: if on(layout.control()) { 0 } else { SERVER_PORT },
            data_ports: if on(layout.data()) { vec![0; sessions.max(1)] } else { Vec::new() },
            helper: layout.has(Home::Bridge) && own_taps().is_err(),
            restricted: layout.is_shut_in() && !namespaces_work(),
        };
        wires.for_people()
    }

    /// The same as people read it and as the fingerprint has a hash of it: the names of a campaign that is called NAME, and the
    /// first ports that there are.
    #[must_use]
    pub fn for_people(&self) -> Wires {
        Wires {
            tag: tag("NAME"),
            control_port: if self.control_port == SERVER_PORT { SERVER_PORT } else { 1 },
            data_ports: (2..=u16::MAX).take(self.data_ports.len()).collect(),
            helper: self.helper,
            restricted: self.restricted,
        }
    }
}

/// Whether this host lets this user make namespaces.
fn namespaces_work() -> bool {
    static WORK: OnceLock<bool> = OnceLock::new();
    *WORK.get_or_init(|| Namespace::create().is_ok())
}

/// What tells the taps of one campaign from those of another.
fn tag(name: &str) -> String {
    blake3::hash(name.as_bytes()).to_hex().chars().take(6).collect()
}

/// The first IPv4 address of a host.
fn resolve(host: &str) -> Option<Ipv4Addr> {
    let v4 = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    };
    (host, 0).to_socket_addrs().ok()?.find_map(v4)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, NicWiring, resolve_auto, unusable};
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn user_mode_has_a_control_port_and_a_data_port_for_each_session() {
        let n = Network::create(&Layout::simple(Kind::User), 3, "t").unwrap();
        assert_eq!(n.wires.data_ports.len(), 3);
        assert!(!n.wires.data_ports.contains(&n.wires.control_port));
    }

    #[test]
    fn the_most_sessions_get_different_ports_with_few_descriptors() {
        let n = Network::create(&Layout::simple(Kind::User), 1024, "t").unwrap();
        let mut ports = n.wires.data_ports.clone();
        ports.push(n.wires.control_port);
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 1025);
        // One argument of a program may have 128 KiB (execve(2)).
        let wants = [NicWiring { vhost: false, queues: 1 }];
        assert!(n.wires.netdev(&n.layout, 0, &wants).len() < 128 << 10);
    }

    #[test]
    fn auto_finds_a_network_on_any_host_and_two_do_not_meet() {
        for scenario in [Scenario::HostGuest, Scenario::GuestGuest] {
            let (kind, reason) = resolve_auto(scenario).unwrap();
            assert_eq!(kind == Kind::Tap, reason.is_none());
            let layout = Layout::simple(kind);
            assert!(unusable(&layout).is_empty());
            let (_one, _two) =
                (Network::create(&layout, 1, "t").unwrap(), Network::create(&layout, 1, "t").unwrap());
        }
    }

    #[test]
    fn the_stand_in_for_another_host_reaches_the_bridge_over_its_own_wire() {
        let mut layout = Layout::simple(Kind::Tap);
        (layout.scenario, layout.client) = (Scenario::ExhostGuest, ClientPlace::Namespace);
        layout.links[0].mtu = 9000;
        let network = match Network::create(&layout, 1, "t") {
            Ok(network) => network,
            Err(NetworkError::NoTap(reason)) => {
                testing::skip(reason);
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let outside = network.client_namespace().unwrap();
        let devices = |namespace| {
            let spec = Spec::new("ip").args(["-json", "address"]).namespace(Some(namespace));
            String::from_utf8(process::run(spec, process::deadlines::HOST_ANSWER).unwrap()).unwrap()
        };
        let there = devices(outside);
        assert!(there.contains("192.168.100.1") && there.contains("\"mtu\":9000"), "{there}");
        assert!(!there.contains("pvtbr0"), "{there}");
        let here = devices(network.namespace.as_ref().unwrap());
        assert!(here.contains("pvtveth0") && !here.contains("192.168.100.1"), "{here}");
    }
}
