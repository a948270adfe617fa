//! From a configuration to samples on disk.
//!
//! ```text
//!   cartesian (the language) ──> config (variants of a campaign) ──> matrix (cases) ──> campaign (plan, journal, resume)
//!                                                                                          │
//!        vm (host: topology, pin plan; guest: image, QEMU, QMP, channel, network) ──> workload ──> model::store
//! ```
//!
//! Nothing here judges a number; `analyze` reads what this crate writes. Processes are started in
//! [`process`] alone.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
pub mod brought;
pub mod campaign;
pub mod config;
pub mod doctor;
pub mod drive;
pub mod environment;
pub mod inside;
pub mod installer;
pub mod lab;
pub mod matrix;
pub mod parameters;
pub mod parse;
pub mod sources;
pub mod testbed;
pub mod workload;
