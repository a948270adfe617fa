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
    match (try_tap(), scenario) {
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
    let taps = layout.has(Home::Namespace).then(try_tap);
    let links = layout.links.iter().map(Link::usable);
    taps.into_iter().chain(links).filter_map(Result::err).collect()
}

/// Whether a tap can be made in a namespace at all.
fn try_tap() -> Result<(), NetworkError> {
    Network::create(&Layout::simple(Kind::Tap), 1, "try")?.try_tap()
}
