//! Which kind of network works here, and which it is where that is left open.

use super::NetworkError;
use super::kind::{Home, Kind, Link};
use super::layout::Layout;
use super::make::Network;
use crate::scenario::Scenario;

/// What `net=auto` means for a scenario here: the first that works, with the reason when that is not the best.
///
/// # Errors
/// Trying taps failed in a way that says nothing about them.
pub fn resolve_auto(scenario: Scenario) -> Result<(Kind, Option<String>), NetworkError> {
    // Machines on networks of their own need no right, and links that delay are what they are for.
    if scenario == Scenario::Topology {
        return Ok((Kind::Switch, None));
    }
    match (try_tap(&Layout::simple(Kind::Tap)), scenario) {
        (Ok(()), _) => Ok((Kind::Tap, None)),
        (Err(NetworkError::NoTap(reason)), Scenario::HostGuest) => Ok((Kind::User, Some(reason))),
        // Datagrams lose nothing over a unix socket, and requests are twice as fast as over the stream.
        (Err(NetworkError::NoTap(reason)), Scenario::GuestGuest) => Ok((Kind::Dgram, Some(reason))),
        // An external host is reached by taps only; what is in their way is told with everything else ([`unusable`]).
        (Err(NetworkError::NoTap(_)), _) => Ok((Kind::Tap, None)),
        (Err(error), _) => Err(error),
    }
}

/// Why links of a layout cannot be had here, as far as that can be seen without a guest.
pub fn unusable(layout: &Layout) -> Vec<NetworkError> {
    let taps = layout.has(Home::Namespace).then(|| try_tap(&layout.taps()));
    let links = layout.links.iter().map(Link::usable);
    taps.into_iter().chain(links).filter_map(Result::err).collect()
}

/// Whether a tap can be made in a namespace at all, and be as slow as the links of a layout.
fn try_tap(layout: &Layout) -> Result<(), NetworkError> {
    Network::create(layout, 1, "try")?.try_tap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_tap_is_the_kernels_or_refused_with_what_is_missing() {
        let mut layout = Layout::simple(Kind::Tap);
        if let Some(link) = layout.links.first_mut() {
            link.shapes[0].delay_ns = 5_000_000;
        }
        match &unusable(&layout)[..] {
            [] => {}
            [NetworkError::NoTap(reason)] => testing::skip(reason),
            [error] => {
                let said = error.to_string();
                assert!(said.starts_with("nic1: the link keys of net=tap need the kernel's netem"), "{said}");
                assert!(
                    said.contains("sch_netem") && said.ends_with("or use net=switch between guests"),
                    "{said}"
                );
            }
            more => panic!("{more:?}"),
        }
    }
}
