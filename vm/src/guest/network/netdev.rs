//! QEMU's arguments for one end of a link: a pure function.

use super::{Kind, Layout, Link, NicWiring, SERVER_PORT, opened};
use std::net::Ipv4Addr;

/// What the names of a network's parts are made of.
#[derive(Clone, Debug)]
pub struct Wires {
    /// Tells the taps of one campaign from those of another on the same bridge: six letters or digits.
    pub tag: String,
    /// The forwarded port of the server's control connection, with `net=user`.
    pub control_port: u16,
    /// Forwarded ports for data connections, the same on both sides, one for each session.
    pub data_ports: Vec<u16>,
    /// Whether QEMU's helper opens the taps on existing bridges, because this user may not.
    pub helper: bool,
    /// Whether QEMU itself keeps the guest from reaching further than forwarded ports, where there is no namespace for that.
    pub restricted: bool,
}

/// What a guest's NICs are plugged into.
#[derive(Clone, Copy, Debug)]
pub struct Wiring<'a> {
    /// The links.
    pub layout: &'a Layout,
    /// Names and ports.
    pub wires: &'a Wires,
    /// Which guest of the scenario: 0 is the server.
    pub guest: usize,
}

/// The hardware address of the NIC for ssh: the guest may know it by that, no other NIC of a scenario has it.
pub const SSH_MAC: &str = "52:54:00:70:76:fe";

/// A guest's hardware address: different for every guest and NIC of a scenario, and for every campaign on a bridge.
pub fn mac(layout: &Layout, tag: &str, guest: usize, nic: usize) -> String {
    let number = u8::try_from(guest * 16 + nic + 1).unwrap_or(u8::MAX);
    let [a, b] = match layout.links.get(nic).map(|link| link.kind) {
        Some(kind) if kind.is_plugged() => {
            let [a, b, ..] = *blake3::hash(tag.as_bytes()).as_bytes();
            [a, b]
        }
        // A network of its own needs no distinction, and one command line in every campaign is worth something.
        _ => [0x70, 0x76],
    };
    format!("52:54:00:{a:02x}:{b:02x}:{number:02x}")
}

impl Wires {
    /// The tap of a guest's NIC: at most 15 characters.
    pub fn tap(&self, guest: usize, nic: usize) -> String {
        format!("pvt{}g{guest}n{nic}", self.tag)
    }

    /// The value of `-netdev` for a NIC of a guest that wants these.
    pub fn netdev(&self, layout: &Layout, nic: usize, wants: &[NicWiring]) -> String {
        let Some(link) = layout.links.get(nic) else { return String::new() };
        let id = format!("net{nic}");
        match link.kind {
            Kind::Bridge if self.helper => {
                format!("bridge,id={id},br={}", link.device.as_deref().unwrap_or_default())
            }
            Kind::Tap | Kind::Bridge | Kind::Macvtap => opened::netdev(&id, wants, nic),
            Kind::User => self.user(layout, link, nic, &id),
            // Both ends of a pair of sockets are connected already.
            Kind::Dgram => {
                format!("dgram,id={id},local.type=fd,local.str={}", opened::queue(wants, nic, 0))
            }
            Kind::Stream => {
                format!("stream,id={id},server=off,addr.type=fd,addr.str={}", opened::queue(wants, nic, 0))
            }
        }
    }

    fn user(&self, layout: &Layout, link: &Link, nic: usize, id: &str) -> String {
        let Some(server) = link.server else { return String::new() };
        let [a, b, c, _] = server.ip.octets();
        let mut value = format!("user,id={id},net={}/{}", Ipv4Addr::new(a, b, c, 0), server.prefix);
        if self.restricted {
            value.push_str(",restrict=on");
        }
        // Without an address it is the first one that QEMU's DHCP would give.
        let guest = if server.ip.octets()[3] == 15 { String::new() } else { server.ip.to_string() };
        if nic + 1 == layout.links.len() {
            value.push_str(&format!(",hostfwd=tcp:127.0.0.1:{}-{guest}:{SERVER_PORT}", self.control_port));
        }
        for port in self.data_ports.iter().filter(|_| nic == 0) {
            for protocol in ["tcp", "udp"] {
                value.push_str(&format!(",hostfwd={protocol}:127.0.0.1:{port}-{guest}:{port}"));
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::network::ClientPlace;
    use crate::scenario::Scenario;

    fn wires() -> Wires {
        Wires {
            tag: "1a2b3c".into(),
            control_port: 4001,
            data_ports: vec![4002, 4003],
            helper: false,
            restricted: false,
        }
    }

    const PLAIN: NicWiring = NicWiring { vhost: false, queues: 1 };

    fn of_kind(kind: Kind) -> Layout {
        let mut layout = Layout::simple(kind);
        if matches!(kind, Kind::Dgram | Kind::Stream) {
            (layout.scenario, layout.client) = (Scenario::GuestGuest, ClientPlace::Guest);
        }
        layout
    }

    #[test]
    fn names_of_taps_fit_into_the_kernels_fifteen_characters() {
        assert_eq!(wires().tap(1, 1), "pvt1a2b3cg1n1");
        assert!(wires().tap(1, 1).len() <= 15);
    }

    #[test]
    fn two_guests_meet_over_a_pair_of_sockets_that_is_open_already() {
        let of = |kind| wires().netdev(&of_kind(kind), 0, &[PLAIN]);
        assert_eq!(of(Kind::Dgram), "dgram,id=net0,local.type=fd,local.str=200");
        assert_eq!(of(Kind::Stream), "stream,id=net0,server=off,addr.type=fd,addr.str=200");
    }

    #[test]
    fn control_and_data_are_forwarded_by_the_nic_that_carries_them() {
        let mut two = of_kind(Kind::User);
        let second = Link { nic: "nic2".into(), ..two.links[0].clone() };
        two.links.push(second);
        let (data, control) = (wires().netdev(&two, 0, &[PLAIN; 2]), wires().netdev(&two, 1, &[PLAIN; 2]));
        assert!(data.contains("hostfwd=udp:127.0.0.1:4003-:4003") && !data.contains("12865"), "{data}");
        assert!(control.ends_with("hostfwd=tcp:127.0.0.1:4001-:12865"), "{control}");
        let one = wires().netdev(&of_kind(Kind::User), 0, &[PLAIN]);
        assert!(one.contains("12865") && one.contains("4002-:4002"), "{one}");
    }

    #[test]
    fn hardware_addresses_differ_by_guest_nic_and_on_a_bridge_by_campaign() {
        let mut layout = of_kind(Kind::Tap);
        layout.links.push(layout.links[0].clone());
        assert_eq!(mac(&layout, "x", 0, 0), "52:54:00:70:76:01");
        assert_eq!(mac(&layout, "x", 1, 1), "52:54:00:70:76:12");
        layout.links[1].kind = Kind::Bridge;
        assert_ne!(mac(&layout, "x", 0, 1), mac(&layout, "y", 0, 1));
    }
}
