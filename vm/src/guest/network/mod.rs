//! How guests, host and clients reach one another.
//!
//! ```text
//!   kind (one file each) ──> layout (pure: links, addresses, what cannot be) ──> make (namespaces, bridges, ports)
//!                                                                            ├──> netdev (pure: QEMU's arguments)
//!                                                                            └──> opened (what QEMU gets opened)
//! ```
//!
//! Every NIC of a scenario is one [`Link`]: what joins it to the client. The first one carries the data, the last one
//! the control connections; with one NIC that is the same.
//!
//! A [`Topology`] is another thing: several machines, each in networks of its own choice, which are made once ([`Joined`]) and of
//! which each machine has its part as a [`Network`].
//!
//! Each kind of link has a file of its own (`kind`), which says what it lives on; what links live on is made here.

mod address;
mod bridge;
mod cables;
mod choice;
mod client;
mod ip;
mod joined;
mod kind;
mod layout;
mod lead;
mod mac;
mod macvtap;
mod make;
mod nat;
mod netdev;
mod netem;
mod observer;
mod opened;
mod ports;
mod station;
mod switched;
mod topology;
mod vde;
mod way;
mod wires;

pub use ::switch::{Counters as SwitchCounters, Shape, Told as SwitchTold};
pub use address::Address;
pub use choice::{resolve_auto, unusable};
pub use client::ClientPlace;
pub use joined::{Joined, Member, between_machines};
pub use kind::{Home, Kind, Link, WORDS, default_address};
pub use layout::{Layout, Reach};
pub use lead::{Carried, LEAD_VERB, lead_main};
pub use mac::Mac;
pub use macvtap::macvtaps_work;
pub use make::Network;
pub use nat::NFT;
pub use netdev::{SSH_MAC, Wiring, mac};
pub use observer::{EVERY as OBSERVED_EVERY, Observer, Probe};
pub use ports::{SERVER_PORT, free_ports};
pub use switched::{SWITCH_VERB, Switched, switch_main, switches_by};
pub use topology::{NetworkId, Node, Plug, Prefix, Route, Topology, server_first};
pub use way::{Lost, Path, Translated};
pub use wires::{NicWiring, Wires};

use process::ProcessError;

/// A network that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// No namespace, no bridge or no tap.
    #[error("net=tap does not work here: {0}; net=auto chooses what does")]
    NoTap(String),
    /// What was asked for contradicts itself, or cannot work here.
    #[error("{0}")]
    Refused(String),
    /// No free port.
    #[error("looking for a free port on the loopback: {0}")]
    NoPort(std::io::Error),
    /// No sockets.
    #[error("making a pair of sockets between two guests: {0}")]
    NoPair(std::io::Error),
    /// No switch, or it does not answer.
    #[error("the switch between guests: {0}")]
    NoSwitch(std::io::Error),
    /// Nobody can watch the guest.
    #[error("watching a guest from outside: {0}")]
    NoObserver(std::io::Error),
    /// No program of this host reaches the guest.
    #[error("leading a program of this host to a guest at perfvt's own switch: {0}")]
    NoLead(String),
    /// `ip` failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}
