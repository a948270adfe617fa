//! `net=tap`: a bridge in a user and network namespace of perfvt's own, and a tap for each guest that is opened there for QEMU.
//! They are gone with the namespace and with QEMU, however those end.

use super::{ClientPlace, ELSEWHERE, End, Home, Own};

pub(super) struct Tap;

impl Own for Tap {
    fn home(&self) -> Home {
        Home::Namespace
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        match client {
            ClientPlace::Remote(_) => Some(ELSEWHERE),
            ClientPlace::Host | ClientPlace::Guest | ClientPlace::Observer | ClientPlace::Namespace => None,
        }
    }

    fn netdev(&self, end: &End<'_>) -> String {
        end.tap()
    }
}
