//! Ports of the loopback for user-mode networks.

use super::NetworkError;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// The server's control port in the guest (netserver's own default).
pub const SERVER_PORT: u16 = 12_865;

/// So many ports are held at a time while others are looked for: each takes a descriptor.
const HELD: usize = 100;

/// Different ports of the loopback that are free for TCP and UDP.
///
/// # Errors
/// There are not so many.
pub fn free_ports(count: usize) -> Result<Vec<u16>, NetworkError> {
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
