//! The host's facts, out of its files.

use super::machine::machine;
use super::policy::policy;
use super::{SYSCTLS, hash_file, squeezed};
use crate::host::topology::Topology;
use model::Fingerprint;
use model::ids::cpu_list;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Facts of the host under `root` (`/` for this machine). What it does not tell is absent.
pub fn host(root: &Path) -> Fingerprint {
    let read = |path: &str| edge::read::kernel(root.join(path)).unwrap_or_default();
    let mut facts = Fingerprint::default();
    let cpuinfo = read("proc/cpuinfo");
    let cpu = |name: &str| {
        cpuinfo
            .lines()
            .find_map(|l| l.split_once(':').filter(|(k, _)| k.trim() == name))
            .map_or("", |(_, v)| v)
    };
    machine(root, &mut facts);
    facts.set("host.arch", std::env::consts::ARCH);
    facts.set("host.cpu.model", cpu("model name"));
    facts.set("host.cpu.microcode", cpu("microcode"));
    facts.set("host.cpu.count", cpuinfo.lines().filter(|l| l.starts_with("processor")).count().to_string());
    facts.set("host.kernel", read("proc/sys/kernel/osrelease"));
    facts.set("host.kernel.cmdline", read("proc/cmdline"));
    facts.set("host.boot_id", boot_id(root));
    facts.set("host.governor", governors(root));
    facts.set("host.no_turbo", read("sys/devices/system/cpu/intel_pstate/no_turbo"));
    facts.set("host.smt", read("sys/devices/system/cpu/smt/control"));
    facts.set("host.thp", bracketed(&read("sys/kernel/mm/transparent_hugepage/enabled")));
    facts.set("host.ksm", read("sys/kernel/mm/ksm/run"));
    let meminfo = read("proc/meminfo");
    facts.set("host.memory", meminfo.lines().next().unwrap_or_default().replace("MemTotal:", ""));
    facts.set("host.os", os_name(&read("etc/os-release")));
    facts.set("host.kernel.build", squeezed(&read("proc/version")));
    facts.set("host.kernel.config", kernel_config(root, read("proc/sys/kernel/osrelease").trim()));
    let dmi = |names: &[&str]| {
        let words: Vec<String> =
            names.iter().map(|n| squeezed(&read(&format!("sys/class/dmi/id/{n}")))).collect();
        squeezed(&words.join(" "))
    };
    facts.set("host.firmware", dmi(&["bios_vendor", "bios_version", "bios_date"]));
    facts.set("host.machine", dmi(&["sys_vendor", "product_name"]));
    facts.set("host.thp.defrag", bracketed(&read("sys/kernel/mm/transparent_hugepage/defrag")));
    facts.set("host.clocksource", read("sys/devices/system/clocksource/clocksource0/current_clocksource"));
    facts.set("host.boost", read("sys/devices/system/cpu/cpufreq/boost"));
    facts.set("host.tuned", read("etc/tuned/active_profile"));
    policy(root, &mut facts);
    for name in SYSCTLS {
        let value = squeezed(&read(&format!("proc/sys/{name}")));
        facts.set(format!("host.sysctl.{}", name.replace('/', ".")), value);
    }
    for (module, parameter) in KVM {
        let value = read(&format!("sys/module/{module}/parameters/{parameter}"));
        facts.set(format!("host.{module}.{parameter}"), value);
    }
    if let Ok(topology) = Topology::read(root, None) {
        facts.set("host.numa", numa(&topology));
        facts.set("host.isolated", cpu_list(&topology.isolated));
    }
    if let Ok(entries) = fs::read_dir(root.join("sys/devices/system/cpu/vulnerabilities")) {
        for name in entries.filter_map(|e| e.ok()?.file_name().into_string().ok()) {
            let told = read(&format!("sys/devices/system/cpu/vulnerabilities/{name}"));
            facts.set(format!("host.mitigation.{name}"), told);
        }
    }
    facts
}

/// Parameters of KVM's modules that change how guests run.
const KVM: [(&str, &str); 11] = [
    ("kvm", "halt_poll_ns"),
    ("kvm", "nx_huge_pages"),
    ("kvm", "tdp_mmu"),
    ("kvm_intel", "ept"),
    ("kvm_intel", "enable_apicv"),
    ("kvm_intel", "nested"),
    ("kvm_intel", "ple_gap"),
    ("kvm_intel", "preemption_timer"),
    ("kvm_amd", "npt"),
    ("kvm_amd", "avic"),
    ("kvm_amd", "nested"),
];

/// The governors in use, each once: `performance`, or `performance powersave` where CPUs differ.
fn governors(root: &Path) -> String {
    let dir = root.join("sys/devices/system/cpu");
    let Ok(entries) = fs::read_dir(&dir) else { return String::new() };
    let of = |name: &str| edge::read::kernel(dir.join(name).join("cpufreq/scaling_governor")).ok();
    let all: BTreeSet<String> =
        entries.filter_map(|e| Some(of(e.ok()?.file_name().to_str()?)?.trim().to_owned())).collect();
    all.into_iter().collect::<Vec<_>>().join(" ")
}

/// A hash of the kernel's configuration, where the distribution or the kernel itself keeps it.
fn kernel_config(root: &Path, release: &str) -> String {
    let places =
        [format!("boot/config-{release}"), format!("lib/modules/{release}/config"), "proc/config.gz".into()];
    places.iter().find_map(|place| hash_file(&root.join(place))).unwrap_or_default()
}

/// `0:0-7 1:8-15`: each node with its CPUs.
fn numa(topology: &Topology) -> String {
    let node = |n: &crate::host::topology::Node| format!("{}:{}", n.id, cpu_list(&n.cpus));
    topology.nodes.iter().map(node).collect::<Vec<_>>().join(" ")
}

/// The host's boot id, which changes with every boot (proc(5)); empty when the kernel does not tell.
pub fn boot_id(root: &Path) -> String {
    edge::read::kernel(root.join("proc/sys/kernel/random/boot_id")).unwrap_or_default().trim().to_owned()
}

/// `always [madvise] never` -> `madvise`.
pub(crate) fn bracketed(text: &str) -> &str {
    text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or(text, |(word, _)| word)
}

fn os_name(os_release: &str) -> &str {
    os_release.lines().find_map(|l| l.strip_prefix("PRETTY_NAME=")).unwrap_or_default().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_does_not_tell_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("proc")).unwrap();
        fs::write(dir.path().join("proc/cpuinfo"), "processor : 0\nmodel name : A CPU\nprocessor : 1\n")
            .unwrap();
        let facts = host(dir.path());
        assert_eq!(facts.get("host.cpu.model"), Some("A CPU"));
        assert_eq!(facts.get("host.cpu.count"), Some("2"));
        assert_eq!(facts.get("host.governor"), None);
        assert_eq!(facts.get("host.kernel"), None);
    }

    #[test]
    fn governors_that_differ_are_all_told_and_the_kernels_configuration_has_a_hash() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (cpu, governor) in [(0, "performance"), (1, "powersave"), (2, "performance")] {
            put(&format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"), governor);
        }
        put("sys/devices/system/cpu/online", "0-2");
        put("proc/sys/kernel/osrelease", "6.1\n");
        put("boot/config-6.1", "CONFIG_HZ=250\n");
        put("sys/class/dmi/id/bios_version", "1.2\n");
        put("proc/sys/net/ipv4/tcp_rmem", "1\t2\t3\n");
        let facts = host(dir.path());
        assert_eq!(facts.get("host.governor"), Some("performance powersave"));
        assert_eq!(facts.get("host.kernel.config").map(str::len), Some(16));
        assert_eq!((facts.get("host.firmware"), facts.get("host.machine")), (Some("1.2"), None));
        assert_eq!(facts.get("host.sysctl.net.ipv4.tcp_rmem"), Some("1 2 3"));
        assert_eq!(facts.get("host.numa"), Some("0:0-2"));
    }

    #[test]
    fn the_chosen_word_of_a_switch_is_the_bracketed_one() {
        assert_eq!(bracketed("always [madvise] never\n"), "madvise");
        assert_eq!(os_name("NAME=\"x\"\nPRETTY_NAME=\"Some Linux 1\"\n"), "Some Linux 1");
    }
}
