//! KVM's counters out of debugfs, for a QEMU that does not tell them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where the kernel shows them: a folder `PID-FD` for each virtual machine of a process, with a file for each counter
/// that holds its sum over the vCPUs (virt/kvm/kvm_main.c, `kvm_create_vm_debugfs`).
const FOLDER: &str = "sys/kernel/debug/kvm";

/// Whether this user sees any counters there at all.
pub fn counts_in_debugfs(root: &Path) -> bool {
    fs::read_dir(root.join(FOLDER)).is_ok()
}

/// The counters of a process's virtual machines by KVM's own names; what is not there, or is no number, is left out.
pub fn debugfs_counters(root: &Path, pid: u32, names: &[&str]) -> BTreeMap<String, u64> {
    let prefix = format!("{pid}-");
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten();
    let machines: Vec<_> =
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).collect();
    let mut counters = BTreeMap::new();
    for name in names {
        let of_machine = |entry: &fs::DirEntry| {
            let text = fs::read_to_string(entry.path().join(name)).ok()?;
            text.trim().parse::<u64>().ok()
        };
        let values: Vec<u64> = machines.iter().filter_map(of_machine).collect();
        if !values.is_empty() {
            let sum = values.into_iter().fold(0, u64::saturating_add);
            counters.insert((*name).to_owned(), sum);
        }
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_all_machines_of_one_process_are_summed_and_those_of_others_left() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/debugfs"));
        assert!(counts_in_debugfs(root));
        let found = debugfs_counters(root, 4711, &["exits", "irq_injections", "no_such_counter"]);
        assert_eq!(found, [("exits".to_owned(), 180_242), ("irq_injections".to_owned(), 5120)].into());
        assert_eq!(debugfs_counters(root, 471, &["exits"]), [("exits".to_owned(), 5)].into());
        assert!(debugfs_counters(root, 47, &["exits"]).is_empty());
        let nothing = Path::new("/nonexistent");
        assert!(!counts_in_debugfs(nothing) && debugfs_counters(nothing, 4711, &["exits"]).is_empty());
    }
}
