//! The host: what CPUs and memory it has, where a guest goes, and whether it really sits there.

pub mod fingerprint;
pub mod pin;
pub mod placement;
pub mod topology;
