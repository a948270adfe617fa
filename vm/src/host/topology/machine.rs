//! The host as far as placement needs it.

use model::{CpuId, NodeId};
use serde::Serialize;

/// One NUMA node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// The kernel's number.
    pub id: NodeId,
    /// Its CPUs that are online and that this process may use.
    pub cpus: Vec<CpuId>,
    /// Whether it has memory.
    pub memory: bool,
    /// Its memory in MiB (`MemTotal` of the node's meminfo); `None` where the kernel does not tell.
    pub memory_mib: Option<u64>,
    /// Free huge pages by their size in KiB.
    pub free_hugepages: Vec<(u64, u64)>,
    /// Distances to the online nodes, in the order of their numbers (ACPI SLIT, 10 is the node itself).
    pub distances: Vec<u32>,
}

/// A physical core: the CPUs that share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Core {
    /// Node of its CPUs.
    pub node: NodeId,
    /// Package; `None` where the kernel does not tell.
    pub package: Option<u32>,
    /// Its CPUs that are online and that this process may use, lowest first.
    pub cpus: Vec<CpuId>,
}

/// A cache and the usable CPUs that share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cache {
    /// 1, 2, 3.
    pub level: u32,
    /// `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// Size in KiB.
    pub size_kib: u64,
    /// Who shares it.
    pub cpus: Vec<CpuId>,
}

/// A NIC that is a device (a bridge or a VLAN is none).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nic {
    /// The interface: `eth0`.
    pub name: String,
    /// The node that it is attached to; `None` where there is but one, or the kernel does not tell.
    pub node: Option<NodeId>,
    /// CPUs to which its interrupts go (effective affinity where the kernel tells); empty when it is down or unknown.
    pub irq_cpus: Vec<CpuId>,
}

/// The host as far as placement needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Online nodes by number. A kernel without NUMA counts as one node.
    pub nodes: Vec<Node>,
    /// Cores by their lowest CPU.
    pub cores: Vec<Core>,
    /// Caches, each once.
    pub caches: Vec<Cache>,
    /// CPUs that the scheduler leaves alone (`isolcpus=`).
    pub isolated: Vec<CpuId>,
    /// CPUs whose timer tick may stop (`nohz_full=`).
    pub nohz_full: Vec<CpuId>,
    /// NICs by name.
    pub nics: Vec<Nic>,
}

impl Topology {
    /// All usable CPUs.
    pub fn cpus(&self) -> Vec<CpuId> {
        self.nodes.iter().flat_map(|n| n.cpus.iter().copied()).collect()
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id == id)
    }

    /// CPUs that serve interrupts of a NIC.
    pub fn nic_cpus(&self) -> Vec<CpuId> {
        let mut cpus: Vec<CpuId> = self.nics.iter().flat_map(|n| n.irq_cpus.iter().copied()).collect();
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }

    /// The node of a CPU.
    pub fn node_of(&self, cpu: CpuId) -> Option<NodeId> {
        self.nodes.iter().find(|n| n.cpus.contains(&cpu)).map(|n| n.id)
    }
}
