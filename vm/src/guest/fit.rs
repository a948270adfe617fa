//! What a Linux guest of the user's is made fit for workloads with, whoever carries it out there.

/// Makes a Linux guest fit. How the daemon that moves interrupts stands is told by a file that the fingerprint reads.
pub(super) const SETUP: &str = concat!(
    include_str!("../../guest/foreign/setup"),
    "(\n",
    include_str!("../../guest/foreign/irqbalance"),
    ") > /run/perfvt/irqbalance\n"
);
