//! How guests, host and clients reach one another.
//!
//! ```text
//!   layout (pure: links, addresses, what cannot be) ──> make (namespaces, bridges, ports)
//!                                                   └──> netdev (pure: QEMU's arguments), opened (what QEMU gets opened)
//! ```
//!
//! Every NIC of a scenario is one [`Link`]: what joins it to the client. The first one carries the data, the last one
//! the control connections; with one NIC that is the same.
//!
//! `tap`: a bridge in a user and network namespace of perfvt's own, and a tap for each guest that is opened there for QEMU.
//! They are gone with the namespace and with QEMU, however those end. `user`: QEMU's user-mode network with forwarded
//! ports, for hosts that deny namespaces or `/dev/net/tun`. `dgram` and `stream`: two guests over a pair of sockets,
//! without any right. `bridge`: a bridge that is there already, which gets nothing but taps that go with QEMU. `macvtap`: devices on
//! top of one that is there already, in a namespace of perfvt's own, which they are gone with.

mod address;
mod bridge;
mod choice;
mod client;
mod ip;
mod kind;
mod layout;
mod macvtap;
mod make;
mod netdev;
mod opened;
mod ports;

pub use address::Address;
pub use choice::{resolve_auto, unusable};
pub use client::ClientPlace;
pub use kind::Kind;
pub use layout::{Layout, Link, NicWiring, Reach, default_address};
pub use macvtap::macvtaps_work;
pub use make::Network;
pub use netdev::{SSH_MAC, Wires, Wiring, mac};
pub use ports::{SERVER_PORT, free_ports};

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
    /// `ip` failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}
