//! `net=vde`: guests over a switch of VDE, one of perfvt's own or one that others are in.

use super::super::vde;
use super::{ClientPlace, End, Home, Link, NetworkError, Own, between_guests, socket_pair};

pub(super) struct Vde;

impl Own for Vde {
    fn home(&self) -> Home {
        Home::Vde
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        between_guests(client)
    }

    fn usable(&self, link: &Link) -> Result<(), NetworkError> {
        vde::usable(link.vde.as_deref())
    }

    fn netdev(&self, end: &End<'_>) -> String {
        socket_pair(end)
    }
}
