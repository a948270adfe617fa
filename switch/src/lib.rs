//! A switch between datagram sockets: it learns who is where, floods what it does not know, and delays, loses and bounds what it
//! delivers at each port.
//!
//! ```text
//!   core (pure, on a given clock): table (who is where), line (what waits at a port) ──> serve (sockets, one poll for all)
//!   talk (what is asked of a switch in a process of its own, and what it answers)
//! ```
//!
//! It knows nothing of guests: a port is a socket, whose other end somebody else holds. Frames of a port are the work of whoever
//! is there, and may be anything.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
mod core;
mod line;
mod serve;
mod table;
mod talk;

pub use crate::core::{Core, LONGEST};
pub use line::Shape;
pub use serve::serve;
pub use talk::{Ask, Counters, Plan, Port, Told, ask, asked};
