//! What host, guest and tools are, as facts that `perfvt compare` holds against those of the other side, and a campaign
//! against those of its own earlier boots.
//!
//! ```text
//!   /proc, /sys, /etc, /boot under a root ──host──> host.*        ethtool ──nics──> host.nic.*, guest.nic.*
//!   the same of a guest, by one command   ──guest─> guest.*       files   ──hash──> qemu.binary, tool.*.hash
//! ```
//!
//! What a machine does not tell is absent. docs/host.md lists the names.

mod guest;
mod hash;
mod host;
mod machine;
mod nics;
mod policy;

pub use guest::command as guest_command;
pub use guest::{Guest, guest};
pub use hash::hash_file;
pub use host::{boot_id, host};
pub use machine::name_machine;
pub use nics::{coalescing, host_nics, offloads, rings};
pub use policy::bridge_delay;

pub(crate) use host::bracketed;

/// Kernel settings that change what a network or a disk does, or what runs beside a guest.
const SYSCTLS: [&str; 22] = [
    "kernel/numa_balancing",
    "kernel/watchdog",
    "kernel/sched_autogroup_enabled",
    "kernel/sched_rt_runtime_us",
    "kernel/timer_migration",
    "vm/swappiness",
    "vm/dirty_ratio",
    "vm/dirty_background_ratio",
    "vm/stat_interval",
    "vm/zone_reclaim_mode",
    "net/core/rmem_max",
    "net/core/wmem_max",
    "net/core/netdev_max_backlog",
    "net/core/netdev_budget",
    "net/core/busy_poll",
    "net/core/default_qdisc",
    "net/ipv4/tcp_congestion_control",
    "net/ipv4/tcp_rmem",
    "net/ipv4/tcp_wmem",
    "net/ipv4/tcp_sack",
    "net/ipv4/tcp_timestamps",
    "net/ipv4/conf/all/rp_filter",
];

/// A value with single blanks between its words.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
