//! What was counted at one moment.

use super::window::{HostCounters, ThreadTime};
use formats::counters::{Counters, CpuTicks};
use model::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counters of host and guest at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at: Moment,
    /// CPU time of the whole host.
    pub host_cpu: CpuTicks,
    /// The same of the client's host, when that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cpu: Option<CpuTicks>,
    /// What the guest counted; its answer is kept in a file of its own.
    #[serde(skip)]
    pub guest: Counters,
    /// CLOCK_MONOTONIC of the host when the guest was asked, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_ns: Option<u64>,
    /// The same when its answer was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_ns: Option<u64>,
    /// CPU time of QEMU's threads.
    #[serde(default)]
    pub threads: Vec<ThreadTime>,
    /// CPU time of perfvt itself, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_ns: Option<u64>,
    /// KVM's counters by its own names, summed over the vCPUs, exits ([`super::window::EXITS`]) among them; none under emulation.
    #[serde(default)]
    pub kvm: BTreeMap<String, u64>,
    /// Counters of the host.
    #[serde(default)]
    pub host: HostCounters,
}

impl Snapshot {
    /// What of it is the host's.
    pub(super) fn host_sample(&self) -> HostSample {
        let threads = self.threads.clone();
        HostSample { at: self.at, cpu: self.host_cpu, threads, own_ns: self.own_ns }
    }
}

/// The host's CPU time at one instant of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSample {
    /// When.
    pub at: Moment,
    /// CPU time of the whole host.
    pub cpu: CpuTicks,
    /// CPU time of QEMU's threads.
    #[serde(default)]
    pub threads: Vec<ThreadTime>,
    /// CPU time of perfvt itself, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_ns: Option<u64>,
}
