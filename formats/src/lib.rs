//! formats
pub mod counters;
pub mod journal;
pub mod netperf;
pub mod perf_conf;
pub mod rhs;
