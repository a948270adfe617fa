//! A guest that moves to another QEMU.

use std::time::Duration;
use vm::guest::migration::{Migration, Record};
use vm::guest::network::Probe;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// How it moves.
    pub how: Migration,
    /// The destination's QEMU, where it is another one.
    pub qemu: Option<String>,
    /// For how long the guest is watched behind that, at least.
    pub watch: Duration,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// What the QEMUs told.
    pub record: Record,
    /// What was asked of the guest from outside, and when it answered.
    pub probes: Vec<Probe>,
}
