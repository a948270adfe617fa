//! What joins server and client: the links of a scenario with their addresses. What cannot work together is refused here,
//! before anything is made.

use super::address::Address;
use super::{ClientPlace, Kind, NetworkError};
use crate::scenario::Scenario;
use std::net::{IpAddr, Ipv4Addr};

/// What joins one NIC of each guest with the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name of the NIC: `nic1`, `nic2`.
    pub nic: String,
    /// What it is made of.
    pub kind: Kind,
    /// The device of this host that it is plugged into: a bridge that is there already, or the lower device of a macvtap.
    pub device: Option<String>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// The server guest's address; `None` where DHCP gives it one.
    pub server: Option<Address>,
    /// The client's address where perfvt sets it: the second guest's, the own bridge's, or the stand-in's.
    pub client: Option<Address>,
}

impl Link {
    /// Where the client is, as the server guest sees it; not known of a host on a bridge that was there before.
    pub fn peer(&self) -> Option<IpAddr> {
        match self.kind {
            // QEMU's user-mode network shows the host under the second address.
            Kind::User => {
                let [a, b, c, _] = self.server?.ip.octets();
                Some(Ipv4Addr::new(a, b, c, 2).into())
            }
            _ => self.client.map(|address| address.ip.into()),
        }
    }
}

/// All links of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Who talks to whom.
    pub scenario: Scenario,
    /// Where the client is.
    pub client: ClientPlace,
    /// The first carries the data, the last the control connections.
    pub links: Vec<Link>,
    /// How far guests reach over QEMU's user-mode network.
    pub reach: Reach,
}

/// How far a guest reaches over QEMU's user-mode network by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nowhere: it answers those who come over forwarded ports.
    #[default]
    Nowhere,
    /// As far as this host does, and to what listens on this host's loopback.
    Net,
}

/// What a guest has in QEMU's user-mode network, and everywhere else unless `ip` says otherwise.
pub fn default_address(kind: Kind, index: u8) -> Address {
    let ip = match kind {
        Kind::User => Ipv4Addr::new(10, 0, 2 + index, 15),
        _ => Ipv4Addr::new(192, 168, 100 + index, 2),
    };
    Address { ip, prefix: 24 }
}

/// What a NIC wants of its end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NicWiring {
    /// Whether the kernel's vhost moves the packets.
    pub vhost: bool,
    /// Queues.
    pub queues: u32,
}

impl Layout {
    /// One NIC of a kind, with the client on the host.
    pub fn simple(kind: Kind) -> Layout {
        let server = default_address(kind, 0);
        let client = (kind != Kind::User).then(|| server.neighbour());
        let link = Link { nic: "nic1".into(), kind, device: None, mtu: 1500, server: Some(server), client };
        Layout {
            scenario: Scenario::HostGuest,
            client: ClientPlace::Host,
            links: vec![link],
            reach: Reach::Nowhere,
        }
    }

    /// These links, the first of which carries the data.
    ///
    /// # Errors
    /// They cannot work together.
    pub fn new(
        scenario: Scenario,
        client: ClientPlace,
        links: Vec<Link>,
        reach: Reach,
    ) -> Result<Layout, NetworkError> {
        let layout = Layout { scenario, client, links, reach };
        layout.check()?;
        Ok(layout)
    }

    /// Whether guests are shut in with their forwarded ports.
    pub fn is_shut_in(&self) -> bool {
        self.reach == Reach::Nowhere && self.links.iter().any(|link| link.kind == Kind::User)
    }

    /// The link that carries the data.
    pub fn data(&self) -> Option<&Link> {
        self.links.first()
    }

    /// The link of the control connections.
    pub fn control(&self) -> Option<&Link> {
        self.links.last()
    }

    /// The kinds, each once, as files name them.
    pub fn kinds(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for link in &self.links {
            if !words.contains(&link.kind.word()) {
                words.push(link.kind.word());
            }
        }
        words.join(",")
    }

    fn check(&self) -> Result<(), NetworkError> {
        let has = |kind| self.links.iter().any(|link| link.kind == kind);
        if has(Kind::Tap) && has(Kind::Bridge) {
            return Err(NetworkError::Refused(
                "net=tap lives in a network namespace of perfvt's own and net=bridge on the host; one QEMU cannot be in \
                 both: give each NIC a bridge, or none"
                    .into(),
            ));
        }
        for link in &self.links {
            let (scenario, kind, nic) = (self.scenario, link.kind, &link.nic);
            let reason = match (kind, &self.client) {
                (Kind::User, ClientPlace::Guest) => {
                    "joins no two guests; tap, dgram, stream, bridge and macvtap do"
                }
                (Kind::User, ClientPlace::Namespace) => "is reached from this host only; tap is not",
                (Kind::User | Kind::Tap, ClientPlace::Remote(_)) => {
                    "is not reached by another host; give the NIC a bridge=NAME or macvtap=NAME that is"
                }
                (
                    Kind::Dgram | Kind::Stream,
                    ClientPlace::Host | ClientPlace::Namespace | ClientPlace::Remote(_),
                ) => "joins two guests and nothing else; scenario=guest_guest has two",
                (Kind::Macvtap, ClientPlace::Host) => {
                    "joins no guest with its own host, whose packets the device below does not give it; use a bridge, or net=tap"
                }
                (Kind::Bridge | Kind::Macvtap, ClientPlace::Namespace) => {
                    "is on this host, and the stand-in for another host in perfvt's own namespaces; use net=tap"
                }
                _ => continue,
            };
            return Err(NetworkError::Refused(format!("{scenario}: net={} of {nic} {reason}", kind.word())));
        }
        Ok(())
    }
}
