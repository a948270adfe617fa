//! NUMA nodes and their CPUs, read from sysfs under a given root, so that captured machines serve as test data.
//!
//! Source: the kernel's Documentation/ABI/stable/sysfs-devices-node and cputopology.rst.

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

/// One NUMA node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The kernel's number.
    pub id: NodeId,
    /// Its CPUs that are online and that this process may use.
    pub cpus: Vec<CpuId>,
    /// Whether it has memory.
    pub memory: bool,
}

/// The host as far as placement needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Online nodes by number. A kernel without NUMA counts as one node.
    pub nodes: Vec<Node>,
}

impl Topology {
    /// Reads the host under `root` (`/` for this machine). `allowed` bounds the CPUs, as a container's cpuset does.
    pub fn read(root: &Path, allowed: Option<&[CpuId]>) -> Result<Topology, TopologyError> {
        let system = root.join("sys/devices/system");
        let usable = |mut cpus: Vec<CpuId>| {
            cpus.retain(|c| allowed.is_none_or(|a| a.contains(c)));
            cpus
        };
        let online = read_list(&system.join("cpu/online"))?;
        let node_dir = system.join("node");
        if !node_dir.join("online").exists() {
            return Ok(Topology { nodes: vec![Node { id: NodeId(0), cpus: usable(online), memory: true }] });
        }
        let with_memory: Option<Vec<CpuId>> = read_list(&node_dir.join("has_memory"))
            .or_else(|_| read_list(&node_dir.join("has_normal_memory")))
            .ok();
        let mut nodes = Vec::new();
        for id in read_list(&node_dir.join("online"))? {
            let mut cpus = read_list(&node_dir.join(format!("node{id}/cpulist")))?;
            cpus.retain(|c| online.contains(c));
            let memory = with_memory.as_ref().is_none_or(|nodes| nodes.contains(&id));
            nodes.push(Node { id: NodeId(id.0), cpus: usable(cpus), memory });
        }
        Ok(Topology { nodes })
    }

    /// This machine, bounded by the CPUs that this process may use.
    pub fn here() -> Result<Topology, TopologyError> {
        let allowed = fs::read_to_string("/proc/self/status").ok().and_then(|status| {
            parse_cpu_list(status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?)
        });
        Self::read(Path::new("/"), allowed.as_deref())
    }

    /// All usable CPUs.
    pub fn cpus(&self) -> Vec<CpuId> {
        self.nodes.iter().flat_map(|n| n.cpus.iter().copied()).collect()
    }
}

/// CPU lists and node lists have one syntax.
fn read_list(path: &Path) -> Result<Vec<CpuId>, TopologyError> {
    let wrong = |reason: String| TopologyError { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    parse_cpu_list(&text).ok_or_else(|| wrong(format!("{:?} is not a list of numbers", text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("sys/devices/system").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn nodes_have_their_online_and_allowed_cpus_and_may_lack_memory() {
        let dir = machine(&[
            ("cpu/online", "0-2,4-7\n"),
            ("node/online", "0,2\n"),
            ("node/has_memory", "2\n"),
            ("node/node0/cpulist", "0-3\n"),
            ("node/node2/cpulist", "4-7\n"),
        ]);
        let allowed: Vec<CpuId> = (0..7).map(CpuId).collect();
        let t = Topology::read(dir.path(), Some(&allowed)).unwrap();
        assert_eq!(t.nodes[0], Node { id: NodeId(0), cpus: [0, 1, 2].map(CpuId).to_vec(), memory: false });
        assert_eq!(t.nodes[1], Node { id: NodeId(2), cpus: [4, 5, 6].map(CpuId).to_vec(), memory: true });
    }

    #[test]
    fn a_kernel_without_numa_counts_as_one_node_and_a_broken_sysfs_is_named() {
        let dir = machine(&[("cpu/online", "0-1\n")]);
        assert_eq!(Topology::read(dir.path(), None).unwrap().cpus(), [0, 1].map(CpuId));
        let dir = machine(&[("cpu/online", "nonsense\n")]);
        let error = Topology::read(dir.path(), None).unwrap_err().to_string();
        assert!(error.contains("cpu/online: \"nonsense\" is not a list of numbers"), "{error}");
    }
}
