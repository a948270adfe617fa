//! What must hold for any bytes that are read as counters of the kernel or of KVM: no panic, and between two readings no
//! share outside of what a share can be.

// Each target uses one of these functions, the replay all of them.
#![allow(dead_code)]

use formats::counters::{self, CpuTicks, Traffic};
use formats::{kvm, noise};

/// A line that holds nothing but this parts two readings of the same file.
const BETWEEN: &str = "\n--\n";

fn readings(text: &str) -> (&str, &str) {
    text.split_once(BETWEEN).unwrap_or((text, text))
}

fn percent(share: Option<f64>) {
    assert!(share.is_none_or(|p| (0.0..=100.0).contains(&p)), "{share:?}");
}

/// Two readings of the files that a guest sends, one behind the other.
pub fn counters(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (before, after) = readings(&text);
    if let (Some(earlier), Some(later)) = (CpuTicks::parse(before), CpuTicks::parse(after)) {
        assert!(later.idle <= later.total && later.steal <= later.total, "{later:?}");
        percent(later.busy_percent_since(&earlier));
        percent(later.steal_percent_since(&earlier));
        assert_eq!(later.busy_percent_since(&later), None);
    }
    for cpu in [0, 1, 12] {
        percent(counters::vcpu_busy_percent(before, after, cpu));
    }
    for name in ["intr", "ctxt", "cpu"] {
        counters::stat_value(&text, name);
    }
    // A file alone says what the first of two says: more lines behind it lessen no sum.
    let sums = [counters::softnet_drops, |text: &str| counters::virtio_interrupts(text, "input")];
    for sum in sums {
        let (part, whole) = (sum(before), sum(&text));
        assert!(part.is_none() || part <= whole, "{part:?} of {whole:?}");
    }
    counters::pressure_total(&text);
    counters::tcp_retransmits(&text);
    counters::udp_received(&text);
    for interface in ["eth0", "lo", ""] {
        Traffic::parse(&text, interface);
    }
}

/// Two readings of the files that tell of other work on the host.
pub fn noise(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for time in noise::cpu_times(&text).into_values() {
        let parts = [time.work, time.irq, time.steal].iter().try_fold(0u64, |sum, t| sum.checked_add(*t));
        assert!(parts.is_some_and(|parts| parts <= time.total), "{time:?}");
    }
    noise::procs_running(&text);
    noise::Stall::parse(&text);
    noise::SchedStat::parse(&text);
    noise::migrations(&text);
    noise::ProcessStat::parse(&text);
    noise::vmstat(&text, "pswpin");
    for disk in noise::disk_busy_ms(&text).into_keys() {
        assert!(text.contains(&disk) && !disk.starts_with("loop"), "{disk}");
    }
}

/// A reply of QEMU's monitor.
pub fn kvm(data: &[u8]) {
    let Ok(reply) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let sums = kvm::vcpu_sums(&reply);
    let Some(vcpus) = reply.as_array() else { return assert!(sums.is_empty(), "{sums:?}") };
    // The sum over all is the sum over each alone.
    let mut added = std::collections::BTreeMap::<String, u64>::new();
    for vcpu in vcpus {
        for (name, value) in kvm::vcpu_sums(&serde_json::Value::Array(vec![vcpu.clone()])) {
            let sum = added.entry(name).or_insert(0);
            *sum = sum.saturating_add(value);
        }
    }
    assert_eq!(sums, added);
}
