//! Pure readers and writers of text; every fuzz target is about one of them.
//!
//! ```text
//!   *.RHS ──> rhs            perf.conf ──> perf_conf         tool output ──> netperf
//!   /proc of host and guest ──> counters, noise                     journal.jsonl <─> journal
//! ```
//!
//! Nothing here opens a file, and nothing panics on any input.

pub mod counters;
pub mod foreign;
pub mod journal;
pub mod netperf;
pub mod noise;
pub mod perf_conf;
pub mod provider;
pub mod rhs;
