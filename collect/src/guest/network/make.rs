//! Making a network: namespaces, bridges, the stand-in for another host, forwarded ports.

use super::super::argv::Wiring;
use super::ports::free_ports;
use super::{Address, ClientPlace, Kind, Layout, Link, NetworkError, Wires, netdev};
use crate::deadlines::HOST_ANSWER;
use crate::process::{self, Namespace, PrivateFolder, ProcessError, Spec, private_folder};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

/// The server's control port in the guest (netserver's own default).
pub const SERVER_PORT: u16 = 12_865;

/// The network of one boot. What it is made of goes with it.
#[derive(Debug)]
pub struct Network {
    /// What it was made from.
    pub layout: Layout,
    /// Where QEMU runs; `None` is the host's own network namespace.
    pub namespace: Option<Arc<Namespace>>,
    /// The stand-in for another host.
    outside: Option<Arc<Namespace>>,
    /// Names and ports.
    pub wires: Wires,
    /// Where the client is on each link, as the server guest sees it.
    pub peers: Vec<Option<IpAddr>>,
    /// The server guest's address on each link; DHCP gives those that the layout leaves open.
    servers: Vec<Option<Address>>,
    /// The address of a client on another host.
    remote: Option<Ipv4Addr>,
    /// Holds the sockets between guests.
    _folder: Option<PrivateFolder>,
}

impl Network {
    /// Makes what a layout describes, for a client with up to so many sessions at a time: two servers that wait on the
    /// same port at the same time clash, so each session has one of its own where ports are forwarded. `name` is the
    /// campaign's, or whatever else tells its taps from others.
    ///
    /// # Errors
    /// Whatever the host refuses.
    pub fn create(layout: &Layout, sessions: usize, name: &str) -> Result<Network, NetworkError> {
        let has = |kind| layout.links.iter().any(|link| link.kind == kind);
        let namespace = if has(Kind::Tap) {
            Some(Namespace::create().map(Arc::new).map_err(|e| NetworkError::NoTap(e.to_string()))?)
        } else {
            None
        };
        let folder = if has(Kind::Dgram) || has(Kind::Stream) {
            Some(private_folder().map_err(NetworkError::NoFolder)?)
        } else {
            None
        };
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let wires = Wires::new(layout, sessions, name, path.unwrap_or_default())?;
        let mut network = Network {
            layout: layout.clone(),
            namespace,
            outside: None,
            wires,
            peers: layout.links.iter().map(Link::peer).collect(),
            servers: vec![None; layout.links.len()],
            remote: match &layout.client {
                ClientPlace::Remote(host) => resolve(&host.address),
                _ => None,
            },
            _folder: folder,
        };
        network.build()?;
        Ok(network)
    }

    fn build(&mut self) -> Result<(), NetworkError> {
        if let Some(namespace) = &self.namespace {
            ip(Some(namespace), &["link", "set", "lo", "up"]).map_err(no_tap)?;
        }
        if self.layout.client == ClientPlace::Namespace
            && let Some(namespace) = &self.namespace
        {
            let outside = Namespace::beside(namespace).map_err(|e| NetworkError::NoTap(e.to_string()))?;
            self.outside = Some(Arc::new(outside));
        }
        for (index, link) in self.layout.links.iter().enumerate() {
            match link.kind {
                Kind::Tap => self.own_bridge(index, link).map_err(no_tap)?,
                Kind::Bridge | Kind::User | Kind::Dgram | Kind::Stream => {}
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
        let bridge = self.layout.links.get(index).and_then(|link| link.bridge.as_deref());
        let peer = match (&self.layout.client, bridge) {
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

    /// Whether a tap can be made where QEMU will run.
    pub(super) fn try_tap(&self) -> Result<(), NetworkError> {
        let tap = self.wires.tap(0, 0);
        for verb in ["add", "del"] {
            ip(self.namespace.as_ref(), &["tuntap", verb, "dev", &tap, "mode", "tap"]).map_err(no_tap)?;
        }
        Ok(())
    }

    /// The namespace in which a client on the host runs.
    pub fn client_namespace(&self) -> Option<&Arc<Namespace>> {
        self.outside.as_ref().or(self.namespace.as_ref())
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
            (Some(link), Some(Some(address))) if link.kind != Kind::User => address.ip.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Plugs the taps that a guest's QEMU has opened into their bridges.
    ///
    /// # Errors
    /// `ip` or the kernel refuse.
    pub fn plug(&self, guest: usize) -> Result<(), NetworkError> {
        for (index, link) in self.layout.links.iter().enumerate() {
            let bridge = match (link.kind, &link.bridge) {
                (Kind::Tap, _) => own_bridge(index),
                (Kind::Bridge, Some(bridge)) if !self.wires.helper => bridge.clone(),
                _ => continue,
            };
            let (tap, mtu) = (self.wires.tap(guest, index), link.mtu.to_string());
            let set = ["link", "set", "dev", &tap, "mtu", &mtu, "master", &bridge, "up"];
            ip(self.namespace.as_ref(), &set)?;
        }
        Ok(())
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
    pub fn new(layout: &Layout, sessions: usize, name: &str, folder: PathBuf) -> Result<Wires, NetworkError> {
        let has = |kind| layout.links.iter().any(|link| link.kind == kind);
        let mut ports =
            if has(Kind::User) { free_ports(sessions.max(1).saturating_add(1))? } else { Vec::new() };
        let on = |link: Option<&Link>| link.is_some_and(|link| link.kind == Kind::User);
        let control_port = if on(layout.control()) { ports.pop().unwrap_or_default() } else { SERVER_PORT };
        if !on(layout.data()) {
            ports.clear();
        }
        let helper = has(Kind::Bridge) && own_taps().is_err();
        let tag = blake3::hash(name.as_bytes()).to_hex().chars().take(6).collect();
        Ok(Wires { tag, folder, control_port, data_ports: ports, helper })
    }
}

fn ip(namespace: Option<&Arc<Namespace>>, args: &[&str]) -> Result<(), ProcessError> {
    process::run(Spec::new("ip").args(args).namespace(namespace), HOST_ANSWER).map(drop)
}

/// What `ip -json` says; nothing where there is no such device.
fn ip_json(args: &[&str]) -> Result<Value, ProcessError> {
    let out = process::run(Spec::new("ip").arg("-json").args(args), HOST_ANSWER)?;
    Ok(serde_json::from_slice(&out).unwrap_or(Value::Null))
}

/// Whether this user may make taps on the host itself.
fn own_taps() -> Result<(), ProcessError> {
    let name = format!("pvttry{}", std::process::id() % 1_000_000);
    ip(None, &["tuntap", "add", "dev", &name, "mode", "tap"])?;
    ip(None, &["tuntap", "del", "dev", &name, "mode", "tap"])
}

/// Where distributions keep QEMU's helper, and who may use it for what.
const HELPERS: [&str; 3] = [
    "/usr/lib/qemu/qemu-bridge-helper",
    "/usr/libexec/qemu-bridge-helper",
    "/usr/local/libexec/qemu-bridge-helper",
];
const HELPER_RULES: &str = "/etc/qemu/bridge.conf";

/// Makes sure that a bridge is there, up, wide enough, and that taps can be plugged into it.
pub(super) fn check_bridge(bridge: &str, mtu: u32) -> Result<(), NetworkError> {
    let refused = |text: String| Err(NetworkError::Refused(text));
    let found = ip_json(&["-details", "link", "show", "dev", bridge])
        .map_err(|e| NetworkError::Refused(format!("bridge {bridge}: {e}")))?;
    let Some(device) = found.get(0) else {
        return refused(format!("bridge {bridge}: `ip` says nothing of it"));
    };
    if device.pointer("/linkinfo/info_kind").and_then(Value::as_str) != Some("bridge") {
        return refused(format!("{bridge} is no bridge"));
    }
    let flags = device.get("flags").and_then(Value::as_array).cloned().unwrap_or_default();
    if !flags.iter().any(|flag| flag == "UP") {
        return refused(format!("bridge {bridge} is down: ip link set {bridge} up"));
    }
    let carries = device.get("mtu").and_then(Value::as_u64).unwrap_or(0);
    if carries < u64::from(mtu) {
        return refused(format!(
            "bridge {bridge} carries packets of {carries} bytes and mtu is {mtu}; perfvt changes nothing of a bridge that \
             is there already"
        ));
    }
    let Err(error) = own_taps() else { return Ok(()) };
    let rules = std::fs::read_to_string(HELPER_RULES).unwrap_or_default();
    if HELPERS.iter().any(|path| std::path::Path::new(path).exists()) && helper_allows(&rules, bridge) {
        return Ok(());
    }
    refused(format!(
        "taps cannot be plugged into {bridge}: {error}; run as root, or have `allow {bridge}` in {HELPER_RULES} with \
         qemu-bridge-helper setuid root, or use net=tap, which has a bridge of its own"
    ))
}

/// Whether qemu-bridge-helper's rules allow a bridge: some `allow` fits and no `deny` does.
fn helper_allows(rules: &str, bridge: &str) -> bool {
    let fits = |verb: &str| {
        rules.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(verb) && words.next().is_some_and(|name| name == bridge || name == "all")
        })
    };
    fits("allow") && !fits("deny")
}

/// The first IPv4 address of a host.
fn resolve(host: &str) -> Option<Ipv4Addr> {
    let v4 = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    };
    (host, 0).to_socket_addrs().ok()?.find_map(v4)
}

/// The host's own address on a bridge, in the network of the guest's.
fn host_address(bridge: &str, guest: Address) -> Result<IpAddr, NetworkError> {
    let found = ip_json(&["-4", "address", "show", "dev", bridge])?;
    let addresses = found.pointer("/0/addr_info").and_then(Value::as_array).cloned().unwrap_or_default();
    let here = addresses
        .iter()
        .filter_map(|info| info.get("local")?.as_str()?.parse::<Ipv4Addr>().ok())
        .find(|ip| guest.reaches(*ip) && *ip != guest.ip);
    here.map(IpAddr::V4).ok_or_else(|| {
        NetworkError::Refused(format!(
            "this host has no address in the network of {guest} on bridge {bridge}, so a client here does not reach the guest"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{NicWiring, resolve_auto, usable};
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
        let wants = NicWiring { vhost: false, queues: 1 };
        assert!(n.wires.netdev(&n.layout, 0, 0, wants).len() < 128 << 10);
    }

    #[test]
    fn auto_finds_a_network_on_any_host_and_two_do_not_meet() {
        for scenario in [Scenario::HostGuest, Scenario::GuestGuest] {
            let (kind, reason) = resolve_auto(scenario).unwrap();
            assert_eq!(kind == Kind::Tap, reason.is_none());
            let layout = Layout::simple(kind);
            usable(&layout).unwrap();
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
                eprintln!("skipped the_stand_in_for_another_host: {reason}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let outside = network.client_namespace().unwrap();
        let devices = |namespace| {
            let spec = Spec::new("ip").args(["-json", "address"]).namespace(Some(namespace));
            String::from_utf8(process::run(spec, HOST_ANSWER).unwrap()).unwrap()
        };
        let there = devices(outside);
        assert!(there.contains("192.168.100.1") && there.contains("\"mtu\":9000"), "{there}");
        assert!(!there.contains("pvtbr0"), "{there}");
        let here = devices(network.namespace.as_ref().unwrap());
        assert!(here.contains("pvtveth0") && !here.contains("192.168.100.1"), "{here}");
    }

    #[test]
    fn the_helpers_rules_are_read_as_it_reads_them() {
        assert!(helper_allows("# x\nallow virbr0\n", "virbr0"));
        assert!(helper_allows("allow all\n", "br7"));
        assert!(!helper_allows("allow all\ndeny br7\n", "br7"));
        assert!(!helper_allows("", "br7") && !helper_allows("allow br70", "br7"));
    }

    #[test]
    fn a_bridge_that_is_none_is_refused() {
        let error = check_bridge("lo", 1500).unwrap_err().to_string();
        assert_eq!(error, "lo is no bridge");
        assert!(check_bridge("pvtnosuchbr", 1500).unwrap_err().to_string().contains("bridge pvtnosuchbr: "));
    }
}
