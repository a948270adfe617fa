//! The kinds of networks, and which of them work here.

use super::make::{self, Network};
use super::{Layout, NetworkError, nics};
use crate::cartesian::Objects;
use crate::scenario::Scenario;
use model::{Params, ParamsError};

/// What a link is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Tap and bridge in a namespace.
    Tap,
    /// QEMU's user mode.
    User,
    /// Two guests over unix datagram sockets.
    Dgram,
    /// Two guests over a unix stream socket.
    Stream,
    /// A bridge that is there already.
    Bridge,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Tap, Kind::User, Kind::Dgram, Kind::Stream, Kind::Bridge];

    /// The word in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Tap => "tap",
            Kind::User => "user",
            Kind::Dgram => "dgram",
            Kind::Stream => "stream",
            Kind::Bridge => "bridge",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Tap => "a tap and a bridge of perfvt's own",
            Kind::User => "QEMU's user mode",
            Kind::Dgram => "datagrams between the two QEMUs",
            Kind::Stream => "a stream between the two QEMUs",
            Kind::Bridge => "a bridge of this host",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it ends in the host's kernel, where vhost can move its packets and where its MTU can be set.
    pub fn has_tap(self) -> bool {
        matches!(self, Kind::Tap | Kind::Bridge)
    }
}

/// The keys that leave the choice of a network to perfvt: `net`, or `net_NIC`. A NIC with a bridge leaves nothing open.
///
/// # Errors
/// `nics` is wrong.
pub fn open_choices(params: &Params) -> Result<Vec<String>, ParamsError> {
    let mut keys = Vec::new();
    for nic in nics(params)? {
        let own = params.object_params(&nic);
        let has_bridge = own.get("bridge").is_some_and(|name| !name.trim().is_empty());
        let special = format!("net_{nic}");
        let key = if params.get(&special).is_some() { special } else { "net".to_owned() };
        if own.get("net").map(str::trim) == Some("auto") && !has_bridge && !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// What `net=auto` means for a scenario here: the first that works, with the reason when that is not the best.
///
/// # Errors
/// Nothing works: an external host is reached by taps only.
pub fn resolve_auto(scenario: Scenario) -> Result<(Kind, Option<String>), NetworkError> {
    match (try_tap(), scenario) {
        (Ok(()), _) => Ok((Kind::Tap, None)),
        (Err(NetworkError::NoTap(reason)), Scenario::HostGuest) => Ok((Kind::User, Some(reason))),
        // Datagrams lose nothing over a unix socket, and requests are twice as fast as over the stream.
        (Err(NetworkError::NoTap(reason)), Scenario::GuestGuest) => Ok((Kind::Dgram, Some(reason))),
        (Err(error), _) => Err(error),
    }
}

/// Makes sure that every link of a layout can be had here, as far as that can be seen without a guest.
///
/// # Errors
/// The first one that cannot.
pub fn usable(layout: &Layout) -> Result<(), NetworkError> {
    if layout.links.iter().any(|link| link.kind == Kind::Tap) {
        try_tap()?;
    }
    for link in &layout.links {
        if let Some(bridge) = &link.bridge {
            make::check_bridge(bridge, link.mtu)?;
        }
    }
    Ok(())
}

/// Whether a tap can be made in a namespace at all.
fn try_tap() -> Result<(), NetworkError> {
    Network::create(&Layout::simple(Kind::Tap), 1, "try")?.try_tap()
}
