//! `net=user`: QEMU's user-mode network with forwarded ports, for hosts that deny namespaces or `/dev/net/tun`.

use super::super::ports::SERVER_PORT;
use super::{ClientPlace, ELSEWHERE, End, Home, Own};
use std::net::Ipv4Addr;

pub(super) struct User;

impl Own for User {
    fn home(&self) -> Home {
        Home::Ports
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        match client {
            ClientPlace::Guest => Some("joins no two guests; tap, dgram, stream, bridge and macvtap do"),
            ClientPlace::Namespace => Some("is reached from this host only; tap is not"),
            ClientPlace::Remote(_) => Some(ELSEWHERE),
            ClientPlace::Host | ClientPlace::Observer => None,
        }
    }

    fn netdev(&self, end: &End<'_>) -> String {
        let (id, wires) = (&end.id, end.wires);
        let Some(server) = end.link.server else { return String::new() };
        let [a, b, c, _] = server.ip.octets();
        let mut value = format!("user,id={id},net={}/{}", Ipv4Addr::new(a, b, c, 0), server.prefix);
        if wires.restricted {
            value.push_str(",restrict=on");
        }
        // Without an address it is the first one that QEMU's DHCP would give.
        let guest = if server.ip.octets()[3] == 15 { String::new() } else { server.ip.to_string() };
        if end.is_control {
            value.push_str(&format!(",hostfwd=tcp:127.0.0.1:{}-{guest}:{SERVER_PORT}", wires.control_port));
        }
        for port in wires.data_ports.iter().filter(|_| end.nic == 0) {
            for protocol in ["tcp", "udp"] {
                value.push_str(&format!(",hostfwd={protocol}:127.0.0.1:{port}-{guest}:{port}"));
            }
        }
        value
    }
}
