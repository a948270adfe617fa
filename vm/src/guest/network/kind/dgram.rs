//! `net=dgram`: two guests over unix datagram sockets, without any right.

use super::{ClientPlace, End, Home, Own};

pub(super) struct Dgram;

impl Own for Dgram {
    fn home(&self) -> Home {
        Home::Sockets
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        (*client != ClientPlace::Guest)
            .then_some("joins two guests and nothing else; scenario=guest_guest has two")
    }

    fn netdev(&self, end: &End<'_>) -> String {
        let (id, own, other) = (&end.id, end.socket(end.guest), end.socket(end.other()));
        format!("dgram,id={id},local.type=unix,local.path={own},remote.type=unix,remote.path={other}")
    }
}
