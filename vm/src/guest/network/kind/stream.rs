//! `net=stream`: two guests over a pair of stream sockets, without any right.

use super::{ClientPlace, End, Home, Own, between_guests};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

pub(super) struct Stream;

impl Own for Stream {
    fn home(&self) -> Home {
        Home::Pair
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        between_guests(client)
    }

    fn pair(&self) -> io::Result<Option<[OwnedFd; 2]>> {
        let (one, other) = UnixStream::pair()?;
        Ok(Some([one.into(), other.into()]))
    }

    fn netdev(&self, end: &End<'_>) -> String {
        format!("stream,id={},server=off,addr.type=fd,addr.str={}", end.id, end.socket())
    }
}
