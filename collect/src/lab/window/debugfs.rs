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
            let text = edge::read::kernel(entry.path().join(name)).ok()?;
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
pub(super) mod tests {
    use super::*;

    /// Files of a host, out of lines of a path and what stands in the file.
    fn lay_out(lines: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for line in lines.lines() {
            let (path, content) = line.split_once(' ').unwrap();
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{content}\n")).unwrap();
        }
        root
    }

    /// The files of a real host with two QEMUs (testdata/NOTICE).
    pub(in crate::lab::window) fn captured() -> tempfile::TempDir {
        lay_out(include_str!("../../../testdata/kvm/debugfs.txt"))
    }

    #[test]
    fn the_counters_of_one_process_are_told_from_those_of_another_and_of_all() {
        let host = captured();
        assert!(counts_in_debugfs(host.path()));
        let found = debugfs_counters(host.path(), 122, &["exits", "irq_injections", "no_such_counter"]);
        assert_eq!(found, [("exits".to_owned(), 3038), ("irq_injections".to_owned(), 431)].into());
        assert!(debugfs_counters(host.path(), 12, &["exits"]).is_empty());
        let nothing = Path::new("/nonexistent");
        assert!(!counts_in_debugfs(nothing) && debugfs_counters(nothing, 121, &["exits"]).is_empty());
    }

    #[test]
    fn all_machines_of_a_process_count_and_what_is_no_number_does_not() {
        let host = lay_out(
            "sys/kernel/debug/kvm/7-3/exits 5\nsys/kernel/debug/kvm/7-9/exits 6\nsys/kernel/debug/kvm/7-9/odd x",
        );
        assert_eq!(debugfs_counters(host.path(), 7, &["exits", "odd"]), [("exits".to_owned(), 11)].into());
    }
}
