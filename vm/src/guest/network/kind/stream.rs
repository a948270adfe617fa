//! `net=stream`: two guests over a unix stream socket, at which the server's QEMU listens; without any right.

use super::{ClientPlace, End, Home, Own};

pub(super) struct Stream;

impl Own for Stream {
    fn home(&self) -> Home {
        Home::Sockets
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        (*client != ClientPlace::Guest)
            .then_some("joins two guests and nothing else; scenario=guest_guest has two")
    }

    fn netdev(&self, end: &End<'_>) -> String {
        let server = if end.guest == 0 { "on" } else { "off" };
        format!("stream,id={},server={server},addr.type=unix,addr.path={}", end.id, end.socket(0))
    }
}
