//! `net=dgram`: two guests over a pair of datagram sockets, without any right.

use super::{ClientPlace, End, Home, Own, between_guests, socket_pair};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

pub(super) struct Dgram;

impl Own for Dgram {
    fn home(&self) -> Home {
        Home::Pair
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        between_guests(client)
    }

    fn pair(&self) -> io::Result<Option<[OwnedFd; 2]>> {
        let (one, other) = UnixDatagram::pair()?;
        Ok(Some([one.into(), other.into()]))
    }

    fn netdev(&self, end: &End<'_>) -> String {
        socket_pair(end)
    }
}
