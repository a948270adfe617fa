//! What is counted during a window, whatever the workload: CPU time of every kind of thread, the guest's own view, KVM's
//! counters, the host's noise, and the guest's clock.
//!
//! ```text
//!   threads (schedstat of QEMU's threads) ─┐
//!   host (/proc/stat, pressure, taps) ─────┼─> Snapshot, HostSample ──> values (rates and shares of the window)
//!   guest counters, clock, KVM ────────────┘
//! ```
//!
//! All of it lies in the same window, because the ends are read in one place. What a machine cannot give is absent, with
//! the reason among the facts of the boot (`absent.NAME`), and never 0.

mod borne;
mod clock;
mod debugfs;
mod host;
mod kvm;
mod threads;
mod values;

pub use borne::{Borne, CPU_TIME, borne};
pub use clock::ClockRate;
pub use debugfs::{counts_in_debugfs, debugfs_counters};
pub use host::{HostCounters, LinkMeasured, SwitchCounted};
pub(super) use kvm::METRICS as KVM_METRICS;
pub(super) use kvm::exits_of_before;
pub use kvm::{EXITS, KvmReader, KvmSource};
pub use threads::{Meter, Role, ThreadTime};
pub use values::{add, metrics};
