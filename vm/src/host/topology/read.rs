//! The reader.
//!
//! Sources: the kernel's Documentation/ABI/stable/sysfs-devices-node, admin-guide/cputopology.rst,
//! ABI/testing/sysfs-devices-system-cpu (caches, isolated), core-api/irq/irq-affinity.rst.

use super::machine::{Cache, Core, Nic, Node, Topology};
use model::ids::parse_cpu_list;
use model::{CpuId, NodeId};
use std::fs;
use std::path::{Path, PathBuf};

/// A host whose sysfs cannot be made out.
#[derive(Debug, thiserror::Error)]
#[error("reading the host's topology: {path}: {reason}", path = path.display())]
pub struct TopologyError {
    path: PathBuf,
    reason: String,
}

impl Topology {
    /// Reads the host under `root` (`/` for this machine). `allowed` bounds the CPUs, as a container's cpuset does.
    ///
    /// # Errors
    /// The list of online CPUs or nodes is not there or is no list. Everything else is absent where it is not told.
    pub fn read(root: &Path, allowed: Option<&[CpuId]>) -> Result<Topology, TopologyError> {
        let system = root.join("sys/devices/system");
        let mut usable = read_list(&system.join("cpu/online"))?;
        usable.retain(|c| allowed.is_none_or(|a| a.contains(c)));
        let nodes = nodes(&system.join("node"), &usable)?;
        let cores = cores(&system.join("cpu"), &nodes);
        let of_cpus = |name: &str| {
            let mut cpus = list(&system.join("cpu").join(name)).unwrap_or_default();
            cpus.retain(|c| usable.contains(c));
            cpus
        };
        Ok(Topology {
            nodes,
            cores,
            caches: caches(&system.join("cpu"), &usable),
            isolated: of_cpus("isolated"),
            nohz_full: of_cpus("nohz_full"),
            nics: nics(root, &usable),
        })
    }

    /// This machine, bounded by the CPUs that this process may use. Isolated CPUs count as usable for a process that
    /// was not put on some CPUs by hand: the kernel leaves them out of everybody's affinity, and they are there to be
    /// pinned to.
    ///
    /// # Errors
    /// As for [`Topology::read`].
    pub fn here() -> Result<Topology, TopologyError> {
        let root = Path::new("/");
        let status = edge::read::kernel("/proc/self/status").unwrap_or_default();
        let mut allowed = status.lines().find_map(|l| parse_cpu_list(l.strip_prefix("Cpus_allowed_list:")?));
        let cpu = Path::new("/sys/devices/system/cpu");
        if let (Some(allowed), Some(online), Some(isolated)) =
            (&mut allowed, list(&cpu.join("online")), list(&cpu.join("isolated")))
            && online.iter().all(|c| allowed.contains(c) || isolated.contains(c))
        {
            allowed.extend(isolated);
        }
        Self::read(root, allowed.as_deref())
    }
}

fn nodes(dir: &Path, usable: &[CpuId]) -> Result<Vec<Node>, TopologyError> {
    if !dir.join("online").exists() {
        let cpus = usable.to_vec();
        let whole = Node {
            id: NodeId(0),
            cpus,
            memory: true,
            memory_mib: None,
            free_hugepages: Vec::new(),
            distances: Vec::new(),
        };
        return Ok(vec![whole]);
    }
    let with_memory = list(&dir.join("has_memory")).or_else(|| list(&dir.join("has_normal_memory")));
    let mut nodes = Vec::new();
    for id in read_list(&dir.join("online"))? {
        let node = dir.join(format!("node{id}"));
        let mut cpus = match list(&node.join("cpulist")) {
            Some(cpus) => cpus,
            None => read_mask(&node.join("cpumap"))?,
        };
        cpus.retain(|c| usable.contains(c));
        let memory_mib = memory_mib(&node.join("meminfo"));
        let listed = with_memory.as_ref().is_none_or(|nodes| nodes.contains(&id));
        let distances = text(&node.join("distance")).unwrap_or_default();
        nodes.push(Node {
            id: NodeId(id.0),
            cpus,
            memory: memory_mib.map_or(listed, |mib| mib > 0),
            memory_mib,
            free_hugepages: free_hugepages(&node.join("hugepages")),
            distances: distances.split_whitespace().filter_map(|d| d.parse().ok()).collect(),
        });
    }
    Ok(nodes)
}

/// `Node 1 MemTotal:  16777216 kB`.
fn memory_mib(meminfo: &Path) -> Option<u64> {
    let text = text(meminfo)?;
    let line = text.lines().find_map(|l| l.split_once("MemTotal:"))?.1;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()?.div_ceil(1024))
}

/// `hugepages-2048kB/free_hugepages`.
fn free_hugepages(dir: &Path) -> Vec<(u64, u64)> {
    let size = |name: &str| name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse::<u64>().ok();
    let mut pages: Vec<(u64, u64)> = names(dir)
        .iter()
        .filter_map(|name| {
            Some((size(name)?, text(&dir.join(name).join("free_hugepages"))?.trim().parse().ok()?))
        })
        .collect();
    pages.sort_unstable();
    pages
}

fn cores(dir: &Path, nodes: &[Node]) -> Vec<Core> {
    let mut cores: Vec<Core> = Vec::new();
    for node in nodes {
        for cpu in &node.cpus {
            if cores.iter().any(|core| core.cpus.contains(cpu)) {
                continue;
            }
            let topology = dir.join(format!("cpu{cpu}/topology"));
            let mut cpus = list(&topology.join("core_cpus_list"))
                .or_else(|| list(&topology.join("thread_siblings_list")))
                .or_else(|| read_mask(&topology.join("core_cpus")).ok())
                .or_else(|| read_mask(&topology.join("thread_siblings")).ok())
                .unwrap_or_default();
            cpus.retain(|c| node.cpus.contains(c));
            if !cpus.contains(cpu) {
                cpus = vec![*cpu];
            }
            let package = text(&topology.join("physical_package_id"));
            let package = package.and_then(|p| p.trim().parse().ok());
            cores.push(Core { node: node.id, package, cpus });
        }
    }
    cores.sort_by_key(|core| core.cpus.first().copied());
    cores
}

fn caches(dir: &Path, usable: &[CpuId]) -> Vec<Cache> {
    let mut caches = Vec::new();
    for cpu in usable {
        let of_cpu = dir.join(format!("cpu{cpu}/cache"));
        for index in names(&of_cpu).iter().filter(|n| n.starts_with("index")) {
            let at = |name: &str| of_cpu.join(index).join(name);
            let shared = list(&at("shared_cpu_list")).or_else(|| read_mask(&at("shared_cpu_map")).ok());
            let (Some(level), Some(kind), Some(mut cpus)) = (text(&at("level")), text(&at("type")), shared)
            else {
                continue;
            };
            cpus.retain(|c| usable.contains(c));
            let size = text(&at("size")).and_then(|s| s.trim().trim_end_matches('K').parse().ok());
            if let (Ok(level), Some(size_kib)) = (level.trim().parse(), size)
                && cpus.first() == Some(cpu)
            {
                caches.push(Cache { level, kind: kind.trim().into(), size_kib, cpus });
            }
        }
    }
    caches.sort();
    caches
}

/// NICs with a device below them, and where their interrupts go. One that is down interrupts nobody.
fn nics(root: &Path, usable: &[CpuId]) -> Vec<Nic> {
    let class = root.join("sys/class/net");
    let mut nics = Vec::new();
    for name in names(&class) {
        let device = class.join(&name).join("device");
        if !device.exists() {
            continue;
        }
        let up = text(&class.join(&name).join("operstate")).is_none_or(|s| s.trim() != "down");
        let node = text(&device.join("numa_node"))
            .or_else(|| text(&device.join("../numa_node")))
            .and_then(|n| n.trim().parse().ok())
            .map(NodeId);
        let mut irq_cpus: Vec<CpuId> =
            if up { irqs(&device).iter().flat_map(|irq| irq_cpus(root, irq)).collect() } else { Vec::new() };
        irq_cpus.retain(|c| usable.contains(c));
        irq_cpus.sort_unstable();
        irq_cpus.dedup();
        nics.push(Nic { name, node, irq_cpus });
    }
    nics
}

/// Interrupt numbers of a device; those of a virtio device are its parent's.
fn irqs(device: &Path) -> Vec<String> {
    let of = |dir: PathBuf| {
        let mut found = names(&dir.join("msi_irqs"));
        if found.is_empty() {
            found.extend(text(&dir.join("irq")).map(|i| i.trim().to_owned()).filter(|i| i != "0"));
        }
        found
    };
    let own = of(device.to_owned());
    if own.is_empty() { of(device.join("..")) } else { own }
}

fn irq_cpus(root: &Path, irq: &str) -> Vec<CpuId> {
    let dir = root.join("proc/irq").join(irq);
    let effective = list(&dir.join("effective_affinity_list")).filter(|cpus| !cpus.is_empty());
    effective.or_else(|| list(&dir.join("smp_affinity_list"))).unwrap_or_default()
}

fn text(path: &Path) -> Option<String> {
    edge::read::kernel(path).ok()
}

/// Names in a directory, sorted; none when it is not there.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// A list that may be absent, or say nothing (`(null)` is what a kernel without isolated CPUs prints).
fn list(path: &Path) -> Option<Vec<CpuId>> {
    parse_cpu_list(&text(path)?)
}

/// CPU lists and node lists have one syntax.
fn read_list(path: &Path) -> Result<Vec<CpuId>, TopologyError> {
    let wrong = |reason: String| TopologyError { path: path.to_owned(), reason };
    let text = edge::read::kernel(path).map_err(|e| wrong(e.to_string()))?;
    parse_cpu_list(&text).ok_or_else(|| wrong(format!("{:?} is not a list of numbers", text.trim())))
}

/// A bitmap in 32-bit hexadecimal words, the highest first: `00000000,00000101`.
fn read_mask(path: &Path) -> Result<Vec<CpuId>, TopologyError> {
    let wrong = |reason: String| TopologyError { path: path.to_owned(), reason };
    let text = edge::read::kernel(path).map_err(|e| wrong(e.to_string()))?;
    let words: Option<Vec<u32>> =
        text.trim().split(',').rev().map(|word| u32::from_str_radix(word, 16).ok()).collect();
    let words = words.ok_or_else(|| wrong(format!("{:?} is not a bitmap", text.trim())))?;
    let mut cpus = Vec::new();
    for (base, word) in (0u32..).step_by(32).zip(words) {
        cpus.extend((0..32).filter(|bit| word & (1 << bit) != 0).map(|bit| CpuId(base + bit)));
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn ids(cpus: &[u32]) -> Vec<CpuId> {
        cpus.iter().copied().map(CpuId).collect()
    }

    const TWO_NODES: [(&str, &str); 5] = [
        ("sys/devices/system/cpu/online", "0-2,4-7\n"),
        ("sys/devices/system/node/online", "0,2\n"),
        ("sys/devices/system/node/has_memory", "2\n"),
        ("sys/devices/system/node/node0/cpulist", "0-3\n"),
        ("sys/devices/system/node/node2/cpulist", "4-7\n"),
    ];

    #[test]
    fn nodes_have_their_online_and_allowed_cpus_and_may_lack_memory() {
        let dir = machine(&TWO_NODES);
        let t = Topology::read(dir.path(), Some(&ids(&[0, 1, 2, 3, 4, 5, 6]))).unwrap();
        assert_eq!((t.nodes[0].id, &t.nodes[0].cpus), (NodeId(0), &ids(&[0, 1, 2])));
        assert_eq!((t.nodes[1].id, &t.nodes[1].cpus), (NodeId(2), &ids(&[4, 5, 6])));
        assert_eq!((t.nodes[0].memory, t.nodes[1].memory), (false, true));
        assert_eq!(t.cores.len(), 6, "without a word about siblings every CPU is a core");
    }

    #[test]
    fn a_kernel_without_numa_counts_as_one_node_and_a_broken_sysfs_is_named() {
        let dir = machine(&[("sys/devices/system/cpu/online", "0-1\n")]);
        assert_eq!(Topology::read(dir.path(), None).unwrap().cpus(), ids(&[0, 1]));
        let dir = machine(&[("sys/devices/system/cpu/online", "nonsense\n")]);
        let error = Topology::read(dir.path(), None).unwrap_err().to_string();
        assert!(error.contains("cpu/online: \"nonsense\" is not a list of numbers"), "{error}");
    }

    #[test]
    fn interrupts_of_a_nic_are_found_below_the_device_or_its_parent_and_a_nic_that_is_down_has_none() {
        let mut files = TWO_NODES.to_vec();
        files.extend([
            ("sys/class/net/eth0/device/msi_irqs/30", "msix"),
            ("sys/class/net/eth0/device/msi_irqs/31", "msix"),
            ("sys/class/net/eth0/device/numa_node", "2\n"),
            ("sys/class/net/eth1/device/irq", "40\n"),
            ("sys/class/net/eth1/operstate", "down\n"),
            ("sys/class/net/eth2/device/vendor", "x"),
            ("sys/class/net/eth2/irq", "41\n"),
            ("sys/class/net/br0/operstate", "up\n"),
            ("proc/irq/30/effective_affinity_list", "4\n"),
            ("proc/irq/30/smp_affinity_list", "0-7\n"),
            ("proc/irq/31/effective_affinity_list", "\n"),
            ("proc/irq/31/smp_affinity_list", "3,6\n"),
            ("proc/irq/40/smp_affinity_list", "1\n"),
            ("proc/irq/41/smp_affinity_list", "2\n"),
        ]);
        let dir = machine(&files);
        let t = Topology::read(dir.path(), None).unwrap();
        let nic = |name: &str, node, cpus: &[u32]| Nic { name: name.into(), node, irq_cpus: ids(cpus) };
        assert_eq!(
            t.nics,
            [nic("eth0", Some(NodeId(2)), &[4, 6]), nic("eth1", None, &[]), nic("eth2", None, &[2])]
        );
        assert_eq!(t.nic_cpus(), ids(&[2, 4, 6]));
    }

    #[test]
    fn a_bitmap_is_read_where_there_is_no_list() {
        let dir = machine(&[("m", "00000001,80000101\n")]);
        assert_eq!(read_mask(&dir.path().join("m")).unwrap(), ids(&[0, 8, 31, 32]));
        let dir = machine(&[("m", "xyz\n")]);
        assert!(
            read_mask(&dir.path().join("m")).unwrap_err().to_string().contains("\"xyz\" is not a bitmap")
        );
    }

    #[test]
    fn memory_hugepages_and_distances_of_a_node_are_read() {
        let mut files = TWO_NODES.to_vec();
        let node = "sys/devices/system/node/node2";
        let (meminfo, huge, distance) = (
            format!("{node}/meminfo"),
            format!("{node}/hugepages/hugepages-2048kB/free_hugepages"),
            format!("{node}/distance"),
        );
        files.extend([
            (meminfo.as_str(), "Node 2 MemTotal:  2048000 kB\nNode 2 MemFree: 1 kB\n"),
            (huge.as_str(), "64\n"),
            (distance.as_str(), "20 10\n"),
        ]);
        let t = Topology::read(machine(&files).path(), None).unwrap();
        let node = &t.nodes[1];
        assert_eq!(
            (node.memory_mib, &node.free_hugepages[..], &node.distances[..]),
            (Some(2000), &[(2048, 64)][..], &[20, 10][..])
        );
    }
}
