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

    /// What QEMU 7.2 with two vCPUs answered, its histograms cut short.
    const REPLY: &str = r#"[{"provider": "kvm", "stats": [{"name": "exits", "value": 27}, {"name": "irq_injections", "value": 2},
        {"name": "halt_wait_hist", "value": [0, 0, 0, 1]}], "qom-path": "/machine/unattached/device[2]"},
        {"provider": "kvm", "stats": [{"name": "exits", "value": 1209}, {"name": "irq_injections", "value": 0},
        {"name": "halt_wait_hist", "value": [0, 0, 0, 0]}], "qom-path": "/machine/unattached/device[0]"}]"#;

    #[test]
    fn counters_are_summed_over_vcpus_and_histograms_left_out() {
        let sums = vcpu_sums(&serde_json::from_str(REPLY).unwrap());
        assert_eq!(sums, [("exits".to_owned(), 1236), ("irq_injections".to_owned(), 2)].into());
        assert!(vcpu_sums(&Value::Null).is_empty());
    }
}
