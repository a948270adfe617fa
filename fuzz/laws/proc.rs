//! What must hold for any bytes that are read as counters of the kernel or of KVM: no panic, and between two readings no
//! share outside of what a share can be.

// Each target uses one of these functions, the replay all of them.
#![allow(dead_code)]

use formats::counters::{Counters, Form};
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
    let read = |text: &str| Counters::read(Form::Files, text.to_owned()).unwrap();
    let (earlier, later, whole) = (read(before), read(after), read(&text));
    assert_eq!(whole.told(), text);
    for cpu in [0, 1, 12] {
        percent(later.stat.busy_percent_since(&earlier.stat, cpu));
    }
    for (name, value) in later.metrics_since(&earlier, 2.0) {
        assert!(value >= 0.0, "{name}: {value}");
        percent(Some(value).filter(|_| ["guest_CPU", "guest_steal"].contains(&name)));
    }
    if let Some(cpu) = later.stat.cpu {
        assert!(cpu.idle <= cpu.total && cpu.steal <= cpu.total, "{cpu:?}");
        assert_eq!(cpu.busy_percent_since(&cpu), None);
    }
    // More lines behind a file lessen no sum.
    assert!(earlier.softnet.drops <= whole.softnet.drops);
    let input = |counters: &Counters| counters.interrupts.virtio("input").map(|counted| counted.value);
    assert!(input(&earlier) <= input(&whole));
    // A count stands on a line that has its name.
    let line = |counted: Option<u32>| counted.and_then(|line| text.lines().nth(line as usize - 1));
    let names = [
        ("Tcp: ", whole.snmp.tcp_retransmits().and_then(|counted| line(counted.line))),
        ("Udp: ", whole.snmp.udp_received().and_then(|counted| line(counted.line))),
        ("lo:", whole.net_dev.interface("lo").and_then(|counted| line(counted.line))),
    ];
    for (name, line) in names {
        assert!(line.is_none_or(|line| line.trim_start().starts_with(name)), "{line:?}");
    }
    // What no agent said is given back.
    match Counters::read(Form::Agent, text.to_string()) {
        Ok(counters) => assert_eq!(counters.told(), text),
        Err(told) => assert_eq!(told, text),
    }
}

/// Two readings of the files that tell of other work on the host.
pub fn smaps(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let found = formats::smaps::Smaps::of(&text);
    assert_eq!(formats::smaps::Smaps::of(&text), found);
    assert!(found.pss.is_none() || text.contains("Pss:"));
}

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
