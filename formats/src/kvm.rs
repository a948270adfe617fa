//! KVM's counters as QEMU's monitor tells them.

use serde_json::Value;
use std::collections::BTreeMap;

/// Counters by KVM's own names, summed over the vCPUs of a guest: the reply to `query-stats` for the target `vcpu` (QEMU's
/// qapi/stats.json). What is no single number, a histogram say, is left out, and so is what the reply does not have.
pub fn vcpu_sums(reply: &Value) -> BTreeMap<String, u64> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let of_kvm = |vcpu: &&Value| vcpu.get("provider").and_then(Value::as_str) == Some("kvm");
    let lists = reply.as_array().into_iter().flatten().filter(of_kvm).filter_map(|vcpu| vcpu.get("stats"));
    for counter in lists.filter_map(Value::as_array).flatten() {
        let name = counter.get("name").and_then(Value::as_str);
        if let (Some(name), Some(value)) = (name, counter.get("value").and_then(Value::as_u64)) {
            let sum = sums.entry(name.to_owned()).or_insert(0);
            *sum = sum.saturating_add(value);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What QEMU 7.2 with two vCPUs answered (../collect/testdata/NOTICE).
    const REPLY: &str = include_str!("../../collect/testdata/kvm/query-stats-121-vcpu.json");
    /// And of the whole machine.
    const OF_MACHINE: &str = include_str!("../../collect/testdata/kvm/query-stats-121-vm.json");

    #[test]
    fn counters_are_summed_over_vcpus_and_histograms_and_flags_left_out() {
        let sums = vcpu_sums(&serde_json::from_str(REPLY).unwrap());
        assert_eq!((sums["exits"], sums["irq_injections"]), (3011, 417));
        assert!(sums.contains_key("halt_wait_ns") && !sums.contains_key("halt_wait_hist"));
        assert!(!sums.contains_key("guest_mode"));
        // Another target has other counters.
        let machine = vcpu_sums(&serde_json::from_str(OF_MACHINE).unwrap());
        assert!(machine.contains_key("pages_4k") && !machine.contains_key("exits"));
        assert!(vcpu_sums(&Value::Null).is_empty());
    }
}
