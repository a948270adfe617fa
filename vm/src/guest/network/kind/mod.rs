//! The kinds of networks: one file each, and one line each in the table below. Whoever makes a network or reads its keys asks a
//! kind by these functions and knows none by name.

mod bridge;
mod dgram;
mod macvtap;
mod stream;
mod switch;
mod tap;
mod user;
mod vde;

use super::NetworkError;
use super::address::Address;
use super::client::ClientPlace;
use super::opened;
use super::wires::{NicWiring, Wires};
use ::switch::Shape;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

kinds! {
    /// What a link is made of.
    enum Kind,
    /// What `net` may be, as people read it.
    const WORDS = ["auto",];
    Tap "tap" tap::Tap: "a tap and a bridge of perfvt's own";
    User "user" user::User: "QEMU's user mode";
    Dgram "dgram" dgram::Dgram: "datagrams between the two QEMUs";
    Stream "stream" stream::Stream: "a stream between the two QEMUs";
    Switch "switch" switch::Switch: "a switch of perfvt's own between guests";
    Vde "vde" vde::Vde: "a switch of VDE between guests";
    Bridge "bridge" bridge::Bridge: "a bridge of this host";
    Macvtap "macvtap" macvtap::Macvtap: "a macvtap on a device of this host";
}

/// What QEMU's end of a link lives on, which is made for all links that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A bridge of perfvt's own in a namespace, in which QEMU runs.
    Namespace,
    /// A bridge of the host that is there already.
    Bridge,
    /// A device of perfvt's own on top of one of the host.
    Above,
    /// A pair of sockets, of which the QEMU of each guest gets one.
    Pair,
    /// A switch of perfvt's own, to which each NIC has a pair of sockets.
    Switch,
    /// A switch of VDE.
    Vde,
    /// Nothing: QEMU forwards ports of this host.
    Ports,
}

/// Why kinds that join two guests alone join nothing else.
fn between_guests(client: &ClientPlace) -> Option<&'static str> {
    (*client != ClientPlace::Guest)
        .then_some("joins two guests and nothing else; scenario=guest_guest has two")
}

/// QEMU's end of a pair of datagram sockets.
fn socket_pair(end: &End<'_>) -> String {
    format!("dgram,id={},local.type=fd,local.str={}", end.id, end.socket())
}

/// Why kinds that live on this host alone are not reached from another one.
const ELSEWHERE: &str = "is not reached by another host; give the NIC a bridge=NAME or macvtap=NAME that is";

/// Why what is plugged into a device of this host does not meet a client in a namespace of perfvt's own.
const STAND_IN: &str =
    "is on this host, and the stand-in for another host in perfvt's own namespaces; use net=tap";

/// What is a kind's own. A function with a body is what most kinds do.
trait Own: Sync {
    /// What it lives on.
    fn home(&self) -> Home;

    /// The key that names the device of the host that it is plugged into, and what that is called.
    fn device(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Why it does not join guests to a client there, behind the name of the NIC, with the way out.
    fn refuses(&self, client: &ClientPlace) -> Option<&'static str>;

    /// Looks whether a link can be had here, as far as that can be seen without a guest.
    fn usable(&self, link: &Link) -> Result<(), NetworkError> {
        let _ = link;
        Ok(())
    }

    /// Makes the sockets by which it joins two guests, if that is what it lives on.
    fn pair(&self) -> io::Result<Option<[OwnedFd; 2]>> {
        Ok(None)
    }

    /// The value of `-netdev`, a pure function.
    fn netdev(&self, end: &End<'_>) -> String;
}

/// One guest's end of a link.
pub(super) struct End<'a> {
    /// What QEMU calls it.
    pub(super) id: String,
    pub(super) link: &'a Link,
    pub(super) wires: &'a Wires,
    /// Which NIC of its guest.
    pub(super) nic: usize,
    /// Whether the link carries the control connections.
    pub(super) is_control: bool,
    /// What all NICs of the guest want.
    pub(super) wants: &'a [NicWiring],
}

impl End<'_> {
    /// A tap that QEMU gets opened.
    fn tap(&self) -> String {
        opened::netdev(&self.id, self.wants, self.nic)
    }

    /// The number of the socket that QEMU gets.
    fn socket(&self) -> RawFd {
        opened::queue(self.wants, self.nic, 0)
    }
}

impl Kind {
    /// What it lives on.
    pub fn home(self) -> Home {
        self.own().home()
    }

    /// Whether it ends in the host's kernel, where vhost can move its packets and where its MTU can be set.
    pub fn has_tap(self) -> bool {
        matches!(self.home(), Home::Namespace | Home::Bridge | Home::Above)
    }

    /// Whether its links can be made slow and lose packets.
    pub fn is_shaped(self) -> bool {
        matches!(self.home(), Home::Switch | Home::Vde | Home::Namespace)
    }

    /// Whether it joins machines of a topology.
    pub fn joins_machines(self) -> bool {
        matches!(self.home(), Home::Pair | Home::Switch | Home::Vde)
    }

    /// Whether it is plugged into a device of the host that is there already, and so into a network that is others', too.
    pub fn is_plugged(self) -> bool {
        self.own().device().is_some()
    }

    /// The key that names the device of the host that it is plugged into, and what that is called.
    pub fn device(self) -> Option<(&'static str, &'static str)> {
        self.own().device()
    }

    /// What joins two guests on a link that is no network of the host: one end for each.
    pub(super) fn pair(self) -> io::Result<Option<Vec<Arc<OwnedFd>>>> {
        Ok(self.own().pair()?.map(|ends| ends.map(Arc::new).into()))
    }

    pub(super) fn refuses(self, client: &ClientPlace) -> Option<&'static str> {
        if *client == ClientPlace::Observer && self.home() != Home::Switch {
            return Some("does not lead a guest from one QEMU to another; use net=switch, which does");
        }
        self.own().refuses(client)
    }
}

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
    /// The client's address where perfvt sets it: the second guest's (that by which the server knows it), the own bridge's, or the stand-in's.
    pub client: Option<Address>,
    /// What happens to packets on their way to each guest's NIC, the server's first.
    pub shapes: [Shape; 2],
    /// The folder of the switch of VDE that it is plugged into; `None` is one of perfvt's own.
    pub vde: Option<PathBuf>,
}

impl Link {
    /// Where the client is, as the server guest sees it; not known of a host on a bridge that was there before.
    pub fn peer(&self) -> Option<IpAddr> {
        if self.kind.home() == Home::Ports {
            // QEMU's user-mode network shows the host under the second address.
            let [a, b, c, _] = self.server?.ip.octets();
            return Some(Ipv4Addr::new(a, b, c, 2).into());
        }
        self.client.map(|address| address.ip.into())
    }

    pub(super) fn usable(&self) -> Result<(), NetworkError> {
        self.kind.own().usable(self)
    }
}

impl End<'_> {
    pub(super) fn netdev(&self) -> String {
        self.link.kind.own().netdev(self)
    }
}

/// What a guest has in QEMU's user-mode network, and everywhere else unless `ip` says otherwise.
pub fn default_address(kind: Kind, index: u8) -> Address {
    let ip = match kind.home() {
        Home::Ports => Ipv4Addr::new(10, 0, 2 + index, 15),
        _ => Ipv4Addr::new(192, 168, 100 + index, 2),
    };
    Address { ip, prefix: 24 }
}
