//! How host and guest reach one another.
//!
//! `tap`: a bridge in a user and network namespace of perfvt's own, and a tap that QEMU itself opens there. Both are
//! gone with the namespace and with QEMU, however those end. `user`: QEMU's user-mode network with two forwarded
//! ports, for hosts that deny namespaces or `/dev/net/tun`. `auto` takes the first that works, once for a campaign.

use crate::process::{self, Namespace, ProcessError, Spec};
use model::{Params, ParamsError};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);
/// The bridge in the namespace; it has the namespace to itself, so the name is free.
const BRIDGE: &str = "pvtbr0";
/// The guest's tap.
const TAP: &str = "pvttap0";

/// A network that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// No namespace, no bridge or no tap.
    #[error("net=tap does not work here: {0}; net=auto or net=user runs without it")]
    NoTap(String),
    /// No free port.
    #[error("looking for a free port on the loopback: {0}")]
    NoPort(std::io::Error),
    /// `ip` failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Which kind of network a campaign has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Tap and bridge in a namespace.
    Tap,
    /// QEMU's user mode.
    User,
}

impl Kind {
    /// The word in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Tap => "tap",
            Kind::User => "user",
        }
    }

    /// The kind that resolved parameters name.
    pub fn of(params: &Params) -> Result<Kind, ParamsError> {
        Ok(if params.choice("net", &["tap", "user"])? == "tap" { Kind::Tap } else { Kind::User })
    }
}

/// The network of one guest.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its kind.
    pub kind: Kind,
    /// Where QEMU and the client run; `None` is the host's own.
    pub namespace: Option<Arc<Namespace>>,
    /// The guest's address and prefix length, as `ip addr add` takes them.
    pub guest_address: String,
    /// The host as the guest sees it.
    pub gateway: IpAddr,
    /// Where a client on the host connects to.
    pub target: IpAddr,
    /// The port on which the client reaches the server's control connection.
    pub control_port: u16,
    /// Ports for data connections, the same on both sides, one for each session; none when any port will do.
    pub data_ports: Vec<u16>,
}

/// The server's control port in the guest (netserver's own default).
pub const SERVER_PORT: u16 = 12_865;

/// Makes what was asked for (`auto`, `tap`, `user`) into a kind, with the reason when `auto` had to fall back.
pub fn resolve(asked: &str) -> Result<(Kind, Option<String>), NetworkError> {
    match (asked, asked != "user") {
        (_, false) => Ok((Kind::User, None)),
        (asked, true) => match Network::tap().and_then(|n| n.try_tap().map(|()| Kind::Tap)) {
            Ok(kind) => Ok((kind, None)),
            Err(NetworkError::NoTap(reason)) if asked == "auto" => Ok((Kind::User, Some(reason))),
            Err(error) => Err(error),
        },
    }
}

impl Network {
    /// A new network of a kind for a client with up to so many sessions at a time: two servers that wait on the same
    /// port at the same time clash, so each session has one of its own where ports are forwarded.
    pub fn create(kind: Kind, sessions: usize) -> Result<Network, NetworkError> {
        match kind {
            Kind::Tap => Self::tap(),
            Kind::User => Self::user(sessions),
        }
    }

    fn tap() -> Result<Network, NetworkError> {
        let namespace = Namespace::create().map(Arc::new).map_err(|e| NetworkError::NoTap(e.to_string()))?;
        let network = Network {
            kind: Kind::Tap,
            namespace: Some(namespace),
            guest_address: "192.168.100.2/24".into(),
            gateway: IpAddr::V4(Ipv4Addr::new(192, 168, 100, 1)),
            target: IpAddr::V4(Ipv4Addr::new(192, 168, 100, 2)),
            control_port: SERVER_PORT,
            data_ports: Vec::new(),
        };
        let commands: [&[&str]; 4] = [
            &["link", "set", "lo", "up"],
            &["link", "add", BRIDGE, "type", "bridge"],
            &["address", "add", "192.168.100.1/24", "dev", BRIDGE],
            &["link", "set", BRIDGE, "up"],
        ];
        for command in commands {
            network.ip(command).map_err(|e| NetworkError::NoTap(e.to_string()))?;
        }
        Ok(network)
    }

    fn user(sessions: usize) -> Result<Network, NetworkError> {
        let mut ports = free_ports(sessions.max(1).saturating_add(1))?;
        Ok(Network {
            kind: Kind::User,
            namespace: None,
            guest_address: "10.0.2.15/24".into(),
            gateway: IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2)),
            target: IpAddr::V4(Ipv4Addr::LOCALHOST),
            control_port: ports.pop().unwrap_or_default(),
            data_ports: ports,
        })
    }

    /// Whether a tap can be made in the namespace at all.
    fn try_tap(&self) -> Result<(), NetworkError> {
        for command in
            [["tuntap", "add", "dev", TAP, "mode", "tap"], ["tuntap", "del", "dev", TAP, "mode", "tap"]]
        {
            self.ip(&command).map_err(|e| NetworkError::NoTap(e.to_string()))?;
        }
        Ok(())
    }

    fn ip(&self, args: &[&str]) -> Result<(), ProcessError> {
        process::run(Spec::new("ip").args(args).namespace(self.namespace.as_ref()), SOON).map(drop)
    }

    /// The value of QEMU's `-netdev` for the guest's NIC with this id.
    pub fn netdev(&self, id: &str, vhost: bool, queues: u32) -> String {
        match self.kind {
            Kind::Tap => {
                let vhost = if vhost { ",vhost=on" } else { "" };
                let queues = if queues > 1 { format!(",queues={queues}") } else { String::new() };
                format!("tap,id={id},ifname={TAP},script=no,downscript=no{vhost}{queues}")
            }
            Kind::User => {
                let control = self.control_port;
                let mut value =
                    format!("user,id={id},net=10.0.2.0/24,hostfwd=tcp:127.0.0.1:{control}-:{SERVER_PORT}");
                for port in &self.data_ports {
                    for protocol in ["tcp", "udp"] {
                        value.push_str(&format!(",hostfwd={protocol}:127.0.0.1:{port}-:{port}"));
                    }
                }
                value
            }
        }
    }

    /// Plugs the tap that QEMU has opened into the bridge.
    pub fn plug(&self) -> Result<(), NetworkError> {
        if self.kind == Kind::Tap {
            self.ip(&["link", "set", TAP, "master", BRIDGE])?;
            self.ip(&["link", "set", TAP, "up"])?;
        }
        Ok(())
    }
}

/// So many ports are held at a time while others are looked for: each takes a descriptor.
const HELD: usize = 100;

/// Different ports of the loopback that are free for TCP and UDP.
fn free_ports(count: usize) -> Result<Vec<u16>, NetworkError> {
    let (mut ports, mut held) = (BTreeSet::new(), Vec::new());
    // The kernel may offer a port again that is not held any more, or that UDP has taken.
    for _ in 0..count.saturating_mul(4).saturating_add(100) {
        if ports.len() >= count {
            return Ok(ports.into_iter().collect());
        }
        if held.len() >= HELD {
            held.clear();
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(NetworkError::NoPort)?;
        let port = listener.local_addr().map_err(NetworkError::NoPort)?.port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            ports.insert(port);
        }
        held.push(listener);
    }
    let text = format!("{count} are wanted, {} were found", ports.len());
    Err(NetworkError::NoPort(std::io::Error::other(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_mode_forwards_a_control_port_and_a_data_port_for_each_session() {
        let n = Network::user(3).unwrap();
        assert_eq!(n.data_ports.len(), 3);
        assert!(!n.data_ports.contains(&n.control_port));
        let netdev = n.netdev("net0", false, 1);
        for port in &n.data_ports {
            assert!(netdev.contains(&format!("hostfwd=udp:127.0.0.1:{port}-:{port}")), "{netdev}");
        }
        assert!(netdev.contains(&format!("hostfwd=tcp:127.0.0.1:{}-:12865", n.control_port)), "{netdev}");
    }

    #[test]
    fn the_most_sessions_get_different_ports_with_few_descriptors() {
        let n = Network::user(1024).unwrap();
        let mut ports = n.data_ports.clone();
        ports.push(n.control_port);
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 1025);
        // One argument of a program may have 128 KiB (execve(2)).
        assert!(n.netdev("net0", false, 1).len() < 128 << 10);
    }

    #[test]
    fn auto_finds_a_network_on_any_host_and_two_do_not_meet() {
        let (kind, reason) = resolve("auto").unwrap();
        assert_eq!(kind == Kind::User, reason.is_some());
        let (_one, _two) = (Network::create(kind, 1).unwrap(), Network::create(kind, 1).unwrap());
    }
}
