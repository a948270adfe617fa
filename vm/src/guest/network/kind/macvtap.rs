//! `net=macvtap`: devices on top of one that is there already, in a namespace of perfvt's own, which they are gone with.

use super::super::macvtap;
use super::{ClientPlace, End, Home, Link, NetworkError, Own, STAND_IN};

pub(super) struct Macvtap;

impl Own for Macvtap {
    fn home(&self) -> Home {
        Home::Above
    }

    fn device(&self) -> Option<(&'static str, &'static str)> {
        Some(("macvtap", "device"))
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        match client {
            ClientPlace::Host => Some(
                "joins no guest with its own host, whose packets the device below does not give it; use a bridge, or net=tap",
            ),
            ClientPlace::Namespace => Some(STAND_IN),
            ClientPlace::Guest | ClientPlace::Observer | ClientPlace::Remote(_) => None,
        }
    }

    fn usable(&self, link: &Link) -> Result<(), NetworkError> {
        macvtap::usable(link.device.as_deref().unwrap_or_default(), link.mtu)
    }

    fn netdev(&self, end: &End<'_>) -> String {
        end.tap()
    }
}
