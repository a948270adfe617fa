//! What the host itself does to packets and programs on their way: its packet filter, SELinux, bridges that wait.

use model::Fingerprint;
use std::fs;
use std::path::Path;

/// Managers of a packet filter: the name, and the control group of the unit while it is up.
const MANAGERS: [(&str, &str); 2] = [
    ("firewalld", "sys/fs/cgroup/system.slice/firewalld.service"),
    ("firewalld", "sys/fs/cgroup/systemd/system.slice/firewalld.service"),
];
/// Modules by which the kernel filters packets.
const FILTERS: [&str; 4] = ["nf_tables", "ip_tables", "ip6_tables", "ebtables"];
/// Ticks of a second in which bridges count (`USER_HZ`).
const TICKS: u64 = 100;

/// `host.firewall`, `host.selinux` and `host.bridge.delay` of the machine under `root`.
pub(super) fn policy(root: &Path, facts: &mut Fingerprint) {
    facts.set("host.firewall", firewall(root));
    let selinux = match edge::read::kernel(root.join("sys/fs/selinux/enforce")).unwrap_or_default().trim() {
        "1" => "enforcing",
        "0" => "permissive",
        _ => "",
    };
    facts.set("host.selinux", selinux);
    facts.set("host.bridge.delay", delays(root));
}

/// Who filters packets: a manager that runs, and what the kernel has loaded; `none` where there is neither. The rules themselves are
/// root's to read.
fn firewall(root: &Path) -> String {
    let mut found: Vec<&str> = Vec::new();
    found.extend(MANAGERS.iter().find(|(_, group)| root.join(group).is_dir()).map(|(name, _)| *name));
    let ufw = edge::read::kernel(root.join("etc/ufw/ufw.conf")).unwrap_or_default();
    if ufw.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes")) {
        found.push("ufw");
    }
    let Ok(modules) = edge::read::kernel(root.join("proc/modules")) else { return found.join(" ") };
    let loaded = |name: &&&str| modules.lines().any(|line| line.split(' ').next() == Some(**name));
    found.extend(FILTERS.iter().filter(loaded));
    if found.is_empty() { "none".to_owned() } else { found.join(" ") }
}

/// For how many seconds a new port of a bridge of this host lets nothing through; `None` where it has no spanning tree, or waits for none.
pub fn bridge_delay(bridge: &str) -> Option<f64> {
    delay(Path::new("/"), bridge)
}

fn delay(root: &Path, bridge: &str) -> Option<f64> {
    let number = |what: &str| -> Option<u64> {
        let file = root.join("sys/class/net").join(bridge).join("bridge").join(what);
        edge::read::kernel(file).ok()?.trim().parse().ok()
    };
    let ticks = number("forward_delay").filter(|ticks| *ticks > 0)?;
    (number("stp_state")? > 0).then_some(ticks as f64 / TICKS as f64)
}

/// `br0:15`: bridges with the spanning tree, whose new ports let nothing through for so many seconds, twice.
fn delays(root: &Path) -> String {
    let dir = root.join("sys/class/net");
    let Ok(entries) = fs::read_dir(&dir) else { return String::new() };
    let mut names: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let waits = |name: String| delay(root, &name).map(|seconds| format!("{name}:{seconds}"));
    names.into_iter().filter_map(waits).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(files: &[(&str, &str)]) -> [Option<String>; 3] {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut facts = Fingerprint::default();
        policy(dir.path(), &mut facts);
        ["host.firewall", "host.selinux", "host.bridge.delay"].map(|name| facts.get(name).map(str::to_owned))
    }

    #[test]
    fn who_filters_packets_is_told_and_that_nobody_does() {
        let of = |files: &[(&str, &str)]| facts(files)[0].clone();
        let modules = "nf_tables 300000 1 - Live 0x0\nip_tables_like 1 0 - Live 0x0\n";
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("proc/modules", "ext4 1 1 - Live 0x0\n")]).as_deref(), Some("none"));
        let all = [
            ("proc/modules", modules),
            ("etc/ufw/ufw.conf", "# ufw\nENABLED=yes\n"),
            ("sys/fs/cgroup/system.slice/firewalld.service/cgroup.procs", ""),
        ];
        assert_eq!(of(&all).as_deref(), Some("firewalld ufw nf_tables"));
        assert_eq!(of(&[("etc/ufw/ufw.conf", "ENABLED=no\n")]), None);
    }

    #[test]
    fn selinux_and_bridges_that_wait_are_told() {
        let [_, selinux, delay] = facts(&[
            ("sys/fs/selinux/enforce", "1"),
            ("sys/class/net/br1/bridge/forward_delay", "1500\n"),
            ("sys/class/net/br1/bridge/stp_state", "1\n"),
            ("sys/class/net/br0/bridge/forward_delay", "1500\n"),
            ("sys/class/net/br0/bridge/stp_state", "0\n"),
            ("sys/class/net/eth0/mtu", "1500\n"),
        ]);
        assert_eq!((selinux.as_deref(), delay.as_deref()), (Some("enforcing"), Some("br1:15")));
        let [_, selinux, delay] = facts(&[("sys/fs/selinux/enforce", "0")]);
        assert_eq!((selinux.as_deref(), delay), (Some("permissive"), None));
    }
}
