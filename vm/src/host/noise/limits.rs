//! What counts as noise.

use serde::{Deserialize, Serialize};

/// Limits above which a host is not quiet, and a sample not clean. Fractions are of one CPU's time or of the time that
/// has passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Before a sample: CPU time of other processes, all CPUs together. An idle server with its daemons needs less
    /// than a hundredth of a CPU; a cron job or a package manager needs a whole one.
    pub foreign: f64,
    /// Before: tasks beyond perfvt's own that want to run, averaged over ten looks.
    pub running: f64,
    /// Before: time in which some task waited for a CPU (PSI).
    pub stall_cpu: f64,
    /// Before: time in which some task waited for a disk (PSI).
    pub stall_io: f64,
    /// Before and during: time in which some task waited for memory (PSI). Guest memory is allocated before a boot, so
    /// any waiting means that the host reclaims.
    pub stall_memory: f64,
    /// Before: time in which the busiest disk worked.
    pub disk: f64,
    /// Before: degrees above the coolest moment of the campaign. Turbo and throttling follow the temperature.
    pub warmer: f64,
    /// Before and during: time that the hypervisor below took.
    pub steal: f64,
    /// During: time in which a vCPU wanted its CPU and another task had it. Its CPU is its own, so this is somebody
    /// else's work; at one hundredth it explains a fifth of the smallest effect that is judged by default (5 %).
    pub vcpu_waits: f64,
    /// During: time of other processes on a vCPU's CPU. Wider than `vcpu_waits`, because the kernel counts it in ticks.
    pub foreign_vcpu: f64,
    /// During: time that a vCPU's thread ran and its CPU did not spend. Coarse, because ticks may fall between the
    /// bursts of a thread; a thread that is somewhere else misses by all of it.
    pub elsewhere: f64,
    /// During: time of other processes on the CPUs of QEMU, vhost threads and client, of one CPU.
    pub foreign_others: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            foreign: 0.10,
            running: 1.0,
            stall_cpu: 0.02,
            stall_io: 0.02,
            stall_memory: 0.005,
            disk: 0.10,
            warmer: 5.0,
            steal: 0.01,
            vcpu_waits: 0.01,
            foreign_vcpu: 0.03,
            elsewhere: 0.20,
            foreign_others: 0.10,
        }
    }
}
