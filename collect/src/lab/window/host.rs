//! Counters of the host that tell of noise, and of what the network carried.

use formats::counters::{Pressure, Section, Stat, Traffic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use vm::guest::network::{SwitchCounters, SwitchTold};

/// Counters of the host at one moment. What the kernel does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCounters {
    /// Context switches since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_switches: Option<u64>,
    /// Microseconds in which some task waited, by resource: `cpu`, `io`, `memory`.
    #[serde(default)]
    pub pressure_us: BTreeMap<String, u64>,
    /// The data link's tap as the host sees it: what it received is what the guest sent. Whoever has the network knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<Traffic>,
    /// The switch between the guests, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchCounted>,
    /// What a train of pings over the data link found before anything was measured, where that link was asked to be slow or to lose
    /// something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkMeasured>,
}

/// A train of pings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMeasured {
    /// How many were sent.
    pub sent: u32,
    /// How many were answered.
    pub answered: u32,
    /// The shortest round trip, microseconds; absent where nothing was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_us: Option<u64>,
    /// The mean one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_us: Option<u64>,
}

/// What a switch of perfvt's own has counted, over all of its ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchCounted {
    /// CPU time of its process, nanoseconds.
    pub cpu_ns: u64,
    /// Frames that it delivered.
    pub sent: u64,
    /// Frames that were lost, as was asked for.
    pub lost: u64,
    /// Frames for which there was no room.
    pub dropped: u64,
    /// What was sent to it and was no frame.
    pub malformed: u64,
}

impl SwitchCounted {
    /// The sum over the ports of what a switch tells.
    pub fn of(told: &SwitchTold) -> SwitchCounted {
        let sum = |of: fn(&SwitchCounters) -> u64| told.ports.iter().map(of).fold(0, u64::saturating_add);
        SwitchCounted {
            cpu_ns: told.cpu_ns,
            sent: sum(|port| port.sent),
            lost: sum(|port| port.lost),
            dropped: sum(|port| port.dropped),
            malformed: sum(|port| port.malformed),
        }
    }
}

/// The resources whose pressure the kernel accounts (psi.rst).
const RESOURCES: [&str; 3] = ["cpu", "io", "memory"];

impl HostCounters {
    /// Reads them under `root` (`/` for this machine), all but those of the tap.
    pub fn read(root: &Path) -> HostCounters {
        let read = |path: String| edge::read::kernel(root.join(path)).ok();
        let pressure = RESOURCES.iter().filter_map(|resource| {
            let total = Pressure::of(&read(format!("proc/pressure/{resource}"))?).some_us?;
            Some(((*resource).to_owned(), total))
        });
        HostCounters {
            context_switches: read("proc/stat".into()).and_then(|text| Stat::of(&text).context_switches),
            pressure_us: pressure.collect(),
            tap: None,
            switch: None,
            link: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_the_kernel_does_not_tell_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(HostCounters::read(dir.path()), HostCounters::default());
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("proc/stat", "cpu  1 2 3 4 5 6 7 8 0 0\nctxt 77\n");
        // Older kernels have no `full` line for the CPU.
        put("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\n");
        let found = HostCounters::read(dir.path());
        assert_eq!(found.context_switches, Some(77));
        assert_eq!(found.pressure_us, [("cpu".to_owned(), 1234)].into());
    }
}
