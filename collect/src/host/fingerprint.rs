//! What the host and its tools are, as facts that `perfvt compare` holds against those of the other side.

use model::Fingerprint;
use std::fs;
use std::path::Path;

/// Facts of the host under `root` (`/` for this machine). What it does not tell is absent.
pub fn host(root: &Path) -> Fingerprint {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let mut facts = Fingerprint::default();
    let cpuinfo = read("proc/cpuinfo");
    let cpu = |name: &str| {
        cpuinfo
            .lines()
            .find_map(|l| l.split_once(':').filter(|(k, _)| k.trim() == name))
            .map_or("", |(_, v)| v)
    };
    facts.set("host.arch", std::env::consts::ARCH);
    facts.set("host.cpu.model", cpu("model name"));
    facts.set("host.cpu.microcode", cpu("microcode"));
    facts.set("host.cpu.count", cpuinfo.lines().filter(|l| l.starts_with("processor")).count().to_string());
    facts.set("host.kernel", read("proc/sys/kernel/osrelease"));
    facts.set("host.kernel.cmdline", read("proc/cmdline"));
    facts.set("host.boot_id", boot_id(root));
    facts.set("host.governor", read("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    facts.set("host.no_turbo", read("sys/devices/system/cpu/intel_pstate/no_turbo"));
    facts.set("host.smt", read("sys/devices/system/cpu/smt/control"));
    facts.set("host.thp", bracketed(&read("sys/kernel/mm/transparent_hugepage/enabled")));
    facts.set("host.ksm", read("sys/kernel/mm/ksm/run"));
    facts.set("host.numa_balancing", read("proc/sys/kernel/numa_balancing"));
    facts
        .set("host.memory", read("proc/meminfo").lines().next().unwrap_or_default().replace("MemTotal:", ""));
    facts.set("host.os", os_name(&read("etc/os-release")));
    if let Ok(entries) = fs::read_dir(root.join("sys/devices/system/cpu/vulnerabilities")) {
        for name in entries.filter_map(|e| e.ok()?.file_name().into_string().ok()) {
            facts.set(
                format!("host.mitigation.{name}"),
                read(&format!("sys/devices/system/cpu/vulnerabilities/{name}")),
            );
        }
    }
    facts
}

/// The host's boot id, which changes with every boot (proc(5)); empty when the kernel does not tell.
pub fn boot_id(root: &Path) -> String {
    fs::read_to_string(root.join("proc/sys/kernel/random/boot_id")).unwrap_or_default().trim().to_owned()
}

/// `always [madvise] never` -> `madvise`.
pub(super) fn bracketed(text: &str) -> &str {
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
    fn the_chosen_word_of_a_switch_is_the_bracketed_one() {
        assert_eq!(bracketed("always [madvise] never\n"), "madvise");
        assert_eq!(os_name("NAME=\"x\"\nPRETTY_NAME=\"Some Linux 1\"\n"), "Some Linux 1");
    }
}
