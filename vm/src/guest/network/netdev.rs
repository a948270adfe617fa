//! QEMU's arguments for one end of a link: a pure function.

use super::kind::End;
use super::layout::Layout;
use super::wires::{NicWiring, Wires};

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
    /// The value of `-netdev` for a NIC of a guest that wants these.
    pub fn netdev(&self, layout: &Layout, nic: usize, wants: &[NicWiring]) -> String {
        let Some(link) = layout.links.get(nic) else { return String::new() };
        let (id, is_control) = (format!("net{nic}"), nic + 1 == layout.links.len());
        End { id, link, wires: self, nic, is_control, wants }.netdev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::network::{ClientPlace, Kind, Link};
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
