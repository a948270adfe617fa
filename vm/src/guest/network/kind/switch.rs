//! `net=switch`: guests over a switch of perfvt's own, without any right; links may delay, lose and be bounded.

use super::{ClientPlace, End, Home, Own, between_guests, socket_pair};

pub(super) struct Switch;

impl Own for Switch {
    fn home(&self) -> Home {
        Home::Switch
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        match client {
            ClientPlace::Observer => None,
            other => between_guests(other),
        }
    }

    fn netdev(&self, end: &End<'_>) -> String {
        socket_pair(end)
    }
}
