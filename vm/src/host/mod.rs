//! The host: what CPUs and memory it has, where a guest goes, whether it really sits there, whether it was quiet, and how
//! it is made fit for measuring.

pub mod fingerprint;
pub mod locks;
pub mod noise;
pub mod pin;
pub mod placement;
pub mod prepare;
pub mod program;
pub mod room;
pub mod topology;
