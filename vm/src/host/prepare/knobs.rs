//! What is wanted of a host. docs/host.md says why, knob by knob.

use std::fs;
use std::path::{Path, PathBuf};

/// The knobs by name, in the order in which they are turned, with what each does.
pub const KNOBS: [(&str, &str); 12] = [
    ("services", "stop services that wake up while measuring"),
    ("governor", "performance on all CPUs"),
    ("turbo", "off: the frequency does not depend on the temperature"),
    ("ksm", "stop merging pages"),
    ("thp", "huge pages where asked for, which QEMU does for guest memory"),
    ("numa_balancing", "off: pages stay where they are bound"),
    ("watchdog", "soft and hard lockup detectors off"),
    ("swappiness", "swap only when there is no memory at all"),
    ("arp", "answer ARP on the interface of the address only"),
    ("bridge", "no firewall for bridged packets"),
    ("hugepages", "reserve huge pages (with --hugepages)"),
    ("caches", "write dirty pages back and drop caches"),
];

/// Services that are stopped unless others are named: they wake up by timers, move interrupts, or set what perfvt sets.
pub(super) const SERVICES: [&str; 27] = [
    "irqbalance.service",
    "tuned.service",
    "power-profiles-daemon.service",
    "thermald.service",
    "ksm.service",
    "ksmtuned.service",
    "cron.service",
    "crond.service",
    "atd.service",
    "anacron.timer",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "unattended-upgrades.service",
    "packagekit.service",
    "dnf-makecache.timer",
    "man-db.timer",
    "logrotate.timer",
    "fstrim.timer",
    "e2scrub_all.timer",
    "plocate-updatedb.timer",
    "fwupd-refresh.timer",
    "sysstat-collect.timer",
    "abrtd.service",
    "collectd.service",
    "smartd.service",
    "smartmontools.service",
    "rhsmcertd.service",
];

/// Huge pages to reserve: `COUNT[:SIZE][@NODE]`, size in KiB, 2048 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hugepages {
    /// Pages.
    pub count: u64,
    /// Size of one in KiB.
    pub kib: u64,
    /// The node; `None` leaves the distribution to the kernel.
    pub node: Option<u32>,
}

impl std::str::FromStr for Hugepages {
    type Err = String;
    fn from_str(text: &str) -> Result<Hugepages, String> {
        let wrong =
            || format!("'{text}' is not of the form COUNT[:KIB][@NODE], such as 512@1 or 4:1048576@0");
        let (rest, node) = match text.split_once('@') {
            Some((rest, node)) => (rest, Some(node.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (count, kib) = rest.split_once(':').unwrap_or((rest, "2048"));
        let (count, kib) = (count.parse().map_err(|_| wrong())?, kib.parse().map_err(|_| wrong())?);
        if kib == 0 { Err(wrong()) } else { Ok(Hugepages { count, kib, node }) }
    }
}

/// What to turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only these knobs; all when empty.
    pub only: Vec<String>,
    /// Not these.
    pub without: Vec<String>,
    /// Huge pages to reserve.
    pub hugepages: Vec<Hugepages>,
    /// Services to stop; `None` for perfvt's own list.
    pub services: Option<Vec<String>>,
}

impl Options {
    /// Whether a knob is turned.
    pub(super) fn has(&self, knob: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|k| k == knob);
        (self.only.is_empty() || named(&self.only)) && !named(&self.without)
    }
}

/// A file with the value that it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub knob: &'static str,
    /// From the root.
    pub path: PathBuf,
    pub value: String,
    /// The kernel may do a part only.
    pub partly: bool,
}

/// Files and values of all knobs that are files, and knobs that this host does not have, with what is missing.
pub(super) fn files(root: &Path, options: &Options) -> (Vec<Wanted>, Vec<(&'static str, String)>) {
    let (mut wanted, mut absent) = (Vec::new(), Vec::new());
    for (knob, _) in KNOBS.iter().filter(|(knob, _)| options.has(knob)) {
        let candidates = of_knob(root, knob, options);
        let before = wanted.len();
        for (path, value) in &candidates {
            if root.join(path).exists() {
                let (path, value) = (PathBuf::from(path), value.clone());
                wanted.push(Wanted { knob, path, value, partly: *knob == "hugepages" });
            } else if *knob == "hugepages" {
                absent.push((*knob, format!("there is no /{path}")));
            }
        }
        if wanted.len() == before && *knob != "hugepages" && !candidates.is_empty() {
            absent.push((*knob, missing(&candidates)));
        }
    }
    (wanted, absent)
}

fn missing(candidates: &[(String, String)]) -> String {
    let paths: Vec<String> = candidates.iter().map(|(path, _)| format!("/{path}")).collect();
    format!("there is no {}", paths.join(", "))
}

/// Where a knob is and what it is turned to; a knob may be in several places, of which a host has some.
fn of_knob(root: &Path, knob: &str, options: &Options) -> Vec<(String, String)> {
    let at = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
    };
    match knob {
        "governor" => governors(root),
        "turbo" => at(&[
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "1"),
            ("sys/devices/system/cpu/cpufreq/boost", "0"),
        ]),
        "ksm" => at(&[("sys/kernel/mm/ksm/run", "0")]),
        "thp" => at(&[
            ("sys/kernel/mm/transparent_hugepage/enabled", "madvise"),
            ("sys/kernel/mm/transparent_hugepage/defrag", "madvise"),
        ]),
        "numa_balancing" => at(&[("proc/sys/kernel/numa_balancing", "0")]),
        // `watchdog` turns both detectors; the other one comes first, so that its own old value is known.
        "watchdog" => at(&[("proc/sys/kernel/nmi_watchdog", "0"), ("proc/sys/kernel/watchdog", "0")]),
        "swappiness" => at(&[("proc/sys/vm/swappiness", "1")]),
        "arp" => at(&[
            ("proc/sys/net/ipv4/conf/all/arp_filter", "1"),
            ("proc/sys/net/ipv4/conf/default/arp_filter", "1"),
            ("proc/sys/net/ipv4/conf/all/arp_ignore", "1"),
        ]),
        "bridge" => at(&[
            ("proc/sys/net/bridge/bridge-nf-call-iptables", "0"),
            ("proc/sys/net/bridge/bridge-nf-call-ip6tables", "0"),
            ("proc/sys/net/bridge/bridge-nf-call-arptables", "0"),
        ]),
        "hugepages" => options.hugepages.iter().map(hugepages).collect(),
        _ => Vec::new(),
    }
}

fn hugepages(pages: &Hugepages) -> (String, String) {
    let pool = format!("hugepages/hugepages-{}kB/nr_hugepages", pages.kib);
    let path = match pages.node {
        Some(node) => format!("sys/devices/system/node/node{node}/{pool}"),
        None => format!("sys/kernel/mm/{pool}"),
    };
    (path, pages.count.to_string())
}

/// One file for each CPU, in the order of their numbers.
fn governors(root: &Path) -> Vec<(String, String)> {
    let dir = "sys/devices/system/cpu";
    let number = |name: &str| name.strip_prefix("cpu")?.parse::<u32>().ok();
    let mut cpus: Vec<u32> = fs::read_dir(root.join(dir))
        .map(|entries| entries.filter_map(|e| number(e.ok()?.file_name().to_str()?)).collect())
        .unwrap_or_default();
    cpus.sort_unstable();
    let path = |cpu: u32| format!("{dir}/cpu{cpu}/cpufreq/scaling_governor");
    let found: Vec<u32> = cpus.iter().copied().filter(|cpu| root.join(path(*cpu)).exists()).collect();
    let shown = if found.is_empty() { vec![0] } else { found };
    shown.into_iter().map(|cpu| (path(cpu), "performance".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_read_as_count_size_and_node() {
        let of = |text: &str| text.parse::<Hugepages>();
        assert_eq!(of("512"), Ok(Hugepages { count: 512, kib: 2048, node: None }));
        assert_eq!(of("4:1048576@1"), Ok(Hugepages { count: 4, kib: 1_048_576, node: Some(1) }));
        for wrong in ["", "x", "1:0", "1@", "1:2:3", "-1"] {
            assert!(of(wrong).unwrap_err().contains("COUNT[:KIB][@NODE]"), "{wrong}");
        }
    }

    #[test]
    fn only_and_without_choose_knobs() {
        let options = |only: &[&str], without: &[&str]| Options {
            only: only.iter().map(|k| (*k).to_owned()).collect(),
            without: without.iter().map(|k| (*k).to_owned()).collect(),
            ..Options::default()
        };
        assert!(options(&[], &[]).has("ksm"));
        assert!(!options(&["thp"], &[]).has("ksm"));
        assert!(!options(&["ksm"], &["ksm"]).has("ksm"));
    }
}
