//! What the host has: nodes, cores, caches, isolated CPUs, and the CPUs that serve its NICs.
//!
//! ```text
//!   sysfs and /proc/irq under a root ──read──> Topology ──> pin::plan, locks
//!                                                  └──draw──> perfvt doctor --topology
//! ```
//!
//! Everything is read under a given root, so that captured machines serve as test data.

mod draw;
mod machine;
mod read;

pub use draw::draw;
pub use machine::{Cache, Core, Nic, Node, Topology};
pub use read::TopologyError;
