//! `net=bridge`: a bridge that is there already, which gets nothing but taps that go with QEMU.

use super::super::bridge::check_bridge;
use super::{ClientPlace, End, Home, Link, NetworkError, Own, STAND_IN};

pub(super) struct Bridge;

impl Own for Bridge {
    fn home(&self) -> Home {
        Home::Bridge
    }

    fn device(&self) -> Option<(&'static str, &'static str)> {
        Some(("bridge", "bridge"))
    }

    fn refuses(&self, client: &ClientPlace) -> Option<&'static str> {
        (*client == ClientPlace::Namespace).then_some(STAND_IN)
    }

    fn usable(&self, link: &Link) -> Result<(), NetworkError> {
        link.device.as_ref().map_or(Ok(()), |name| check_bridge(name, link.mtu))
    }

    fn netdev(&self, end: &End<'_>) -> String {
        match end.wires.helper {
            true => format!("bridge,id={},br={}", end.id, end.link.device.as_deref().unwrap_or_default()),
            false => end.tap(),
        }
    }
}
