//! KVM's counters of one QEMU, from the same source for a whole boot.

use super::debugfs_counters;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What is asked for, by KVM's own names (arch/x86/kvm/x86.c, `kvm_vcpu_stats_desc`), and what perfvt calls it. An exit is
/// counted once under the reason that hardware gave; an emulated instruction is a way to handle one and counted beside it.
pub const METRICS: [(&str, &str); 13] = [
    ("exits", EXITS),
    ("exit_io", "io_exits"),
    ("exit_mmio", "mmio_exits"),
    ("exit_halt", "halt_exits"),
    ("exit_hypercall", "hypercalls"),
    ("exit_irq", "irq_exits"),
    ("exit_irq_window", "irq_window_exits"),
    ("exit_request_irq", "request_irq_exits"),
    ("exit_nmi_window", "nmi_window_exits"),
    ("exit_signal", "signal_exits"),
    ("exit_page_fault", "pf_taken"),
    ("exit_emulated", "insn_emulation"),
    ("irq_inj", "irq_injections"),
];
/// Their names in the kernel.
fn counters() -> Vec<&'static str> {
    METRICS.iter().map(|(_, counter)| *counter).collect()
}

/// Exits of all vCPUs since they were made.
pub const EXITS: &str = "exits";

/// Who tells KVM's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvmSource {
    /// QEMU's monitor, since QEMU 7.1.
    QueryStats,
    /// The kernel's own files.
    Debugfs,
}

impl fmt::Display for KvmSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KvmSource::QueryStats => "query-stats",
            KvmSource::Debugfs => "debugfs",
        })
    }
}

/// Reads the counters of one QEMU.
///
/// The monitor is asked first, and debugfs when it tells nothing. Whatever told them first tells them for the whole boot:
/// counters of two sources have no difference.
#[derive(Debug)]
pub struct KvmReader {
    root: PathBuf,
    pid: u32,
    source: Option<KvmSource>,
}

impl KvmReader {
    /// A reader for the QEMU with this process id, on the host whose files stand under `root` (`/` for this machine).
    pub fn new(root: &Path, pid: u32) -> KvmReader {
        KvmReader { root: root.to_owned(), pid, source: None }
    }

    /// Who tells the counters, once somebody did.
    pub fn source(&self) -> Option<KvmSource> {
        self.source
    }

    /// The counters now, summed over the vCPUs; none when nobody tells them. `query_stats` puts the arguments of QMP's
    /// `query-stats` to QEMU and gives its reply, if there was one.
    pub fn read(&mut self, query_stats: impl FnOnce(Value) -> Option<Value>) -> BTreeMap<String, u64> {
        let of_debugfs = || debugfs_counters(&self.root, self.pid, &counters());
        let of_monitor = || query_stats(arguments()).map(|r| formats::kvm::vcpu_sums(&r)).unwrap_or_default();
        let (counters, source) = match self.source {
            Some(KvmSource::QueryStats) => (of_monitor(), KvmSource::QueryStats),
            Some(KvmSource::Debugfs) => (of_debugfs(), KvmSource::Debugfs),
            None => match of_monitor() {
                none if none.is_empty() => (of_debugfs(), KvmSource::Debugfs),
                counters => (counters, KvmSource::QueryStats),
            },
        };
        if !counters.is_empty() {
            self.source = Some(source);
        }
        counters
    }
}

/// Puts the exits of one end of a kept window among KVM's counters: they stood beside them once, and before there were others.
pub(in crate::lab) fn exits_of_before(snapshot: &mut Value) {
    let Some(snapshot) = snapshot.as_object_mut() else { return };
    let Some(exits) = snapshot.remove(EXITS).filter(Value::is_u64) else { return };
    let kvm = snapshot.entry("kvm").or_insert_with(|| json!({}));
    if let Some(kvm) = kvm.as_object_mut() {
        kvm.entry(EXITS).or_insert(exits);
    }
}

/// Of `query-stats` (QEMU's qapi/stats.json).
fn arguments() -> Value {
    json!({"target": "vcpu", "providers": [{"provider": "kvm", "names": counters()}]})
}

#[cfg(test)]
mod tests {
    use super::super::debugfs::tests::captured;
    use super::*;

    /// What QEMU 121 answered while it was stopped, in the moment of which debugfs was captured as well.
    const REPLY: &str = include_str!("../../../testdata/kvm/query-stats-121-vcpu.json");

    fn reply(_: Value) -> Option<Value> {
        serde_json::from_str(REPLY).ok()
    }

    /// A QEMU before 7.1.
    fn refused(_: Value) -> Option<Value> {
        None
    }

    #[test]
    fn monitor_and_debugfs_tell_the_same_of_a_guest_that_stands_still() {
        let host = captured();
        let mut by_monitor = KvmReader::new(Path::new("/nonexistent"), 121);
        let told = by_monitor.read(reply);
        let mut by_debugfs = KvmReader::new(host.path(), 121);
        let seen = by_debugfs.read(refused);
        for counter in counters() {
            assert_eq!(told[counter], seen[counter], "{counter}");
        }
        assert_eq!((seen["exits"], seen["irq_injections"]), (3011, 417));
        assert_eq!(by_monitor.source(), Some(KvmSource::QueryStats));
        assert_eq!(by_debugfs.source(), Some(KvmSource::Debugfs));
    }

    #[test]
    fn whoever_told_them_first_tells_them_for_the_whole_boot() {
        let host = captured();
        let mut reader = KvmReader::new(host.path(), 121);
        assert!(!reader.read(reply).is_empty());
        // A monitor that is late once leaves a gap, which is honest, and no number of somebody else's.
        assert!(reader.read(refused).is_empty());
        assert_eq!(reader.source(), Some(KvmSource::QueryStats));
        let mut reader = KvmReader::new(host.path(), 121);
        assert!(!reader.read(refused).is_empty());
        assert!(!reader.read(|_| panic!("the monitor is not asked any more")).is_empty());
        assert_eq!(reader.source(), Some(KvmSource::Debugfs));
    }

    #[test]
    fn exits_of_before_are_those_of_kvm() {
        let read = |mut snapshot: Value| {
            exits_of_before(&mut snapshot);
            snapshot
        };
        let kvm = |kvm: Value| json!({"at": 1, "kvm": kvm});
        assert_eq!(read(json!({"at": 1, "exits": 7})), kvm(json!({"exits": 7})));
        let both = json!({"at": 1, "exits": 7, "kvm": {"exits": 7, "irq_injections": 3}});
        assert_eq!(read(both), kvm(json!({"exits": 7, "irq_injections": 3})));
        // Under emulation nobody counted them.
        assert_eq!(read(json!({"at": 1, "exits": null, "kvm": {}})), kvm(json!({})));
    }

    #[test]
    fn nobody_told_them_until_somebody_does() {
        let mut reader = KvmReader::new(Path::new("/nonexistent"), 121);
        assert!(reader.read(refused).is_empty());
        // The reply of a guest under emulation: an empty list.
        assert!(reader.read(|_| Some(json!([]))).is_empty());
        assert_eq!(reader.source(), None);
        assert!(!reader.read(reply).is_empty());
        assert_eq!(reader.source().map(|s| s.to_string()).as_deref(), Some("query-stats"));
    }
}
