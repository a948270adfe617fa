//! Virtual machines as they are measured in: where their threads go on this host, QEMU with its devices, networks and images,
//! the ways into a guest, and commands on other hosts. It takes typed values (`guest::spec`), and knows no parameter, sample,
//! campaign or workload.
//!
//! ```text
//!   host (topology ──> pin ──> placement) ──> guest (spec ──> argv ──> machine ──> channel)
//! ```

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
pub mod accel;
pub mod deadlines;
pub mod guest;
pub mod host;
pub mod scenario;
pub mod ssh;
