//! Pure readers and writers of text; every fuzz target is about one of them.
//!
//! ```text
//!   *.RHS ──> rhs            perf.conf ──> perf_conf         tool output ──> netperf, fio, ..: a module each
//!   /proc of host and guest ──> counters, noise              journal.jsonl <─> journal
//! ```
//!
//! Nothing here opens a file, and nothing panics on any input.

pub mod boot;
pub mod counters;
pub mod ffsb;
pub mod fio;
pub mod foreign;
pub mod iperf3;
pub mod journal;
mod json;
pub mod kvm;
pub mod netperf;
pub mod noise;
pub mod ntttcp;
pub mod pattern;
pub mod perf_conf;
pub mod provider;
pub mod qemu_img;
pub mod quoted;
pub mod rhs;
pub mod sockperf;
pub mod tool;
pub mod uperf;

pub use quoted::{quoted, quoted_end};
