//! Where the threads and the memory of a guest go: a pure function of the topology and what is asked for.

use super::topology::{Node, Topology};
use model::ids::cpu_list;
use model::{CpuId, NodeId, VcpuIndex};
use serde::{Deserialize, Serialize};

/// Which node a guest is put on, in the ancestor's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeChoice {
    /// `0`: nothing is pinned.
    None,
    /// Negative: the last node.
    Last,
    /// Positive: counted from 1 over the online nodes.
    Nth(u32),
}

impl NodeChoice {
    /// Reads the value of `numa_node`.
    pub fn parse(text: &str) -> Option<NodeChoice> {
        match text.trim().parse::<i64>().ok()? {
            0 => Some(NodeChoice::None),
            n if n < 0 => Some(NodeChoice::Last),
            n => u32::try_from(n).ok().map(NodeChoice::Nth),
        }
    }
}

/// A plan that the host can hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinPlan {
    /// The node; its memory is bound to the guest.
    pub node: NodeId,
    /// One host CPU for each vCPU.
    pub vcpus: Vec<(VcpuIndex, CpuId)>,
    /// CPUs that QEMU's other threads and the client share.
    pub others: Vec<CpuId>,
}

/// Why a guest cannot be pinned as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortage {
    /// The node has too few CPUs.
    #[error(
        "node {node} has {have} usable CPUs ({list}), and {vcpus} vCPUs need {need}: one each, and one for QEMU and the client; \
         lower smp, choose another numa_node, or use --allow-unpinned"
    )]
    Cpus {
        /// The node.
        node: NodeId,
        /// CPUs that it has.
        have: usize,
        /// The same as a list.
        list: String,
        /// vCPUs wanted.
        vcpus: usize,
        /// CPUs wanted.
        need: usize,
    },
    /// There is no such node.
    #[error(
        "numa_node = {asked}, but this host has {have} nodes with CPUs and memory (counted from 1); use -1 for the last"
    )]
    NoNode {
        /// What was asked for.
        asked: u32,
        /// How many there are.
        have: usize,
    },
    /// No node can hold a guest.
    #[error("no node of this host has both CPUs that this process may use and memory; use --allow-unpinned")]
    Nothing,
}

/// Plans a guest with `smp` vCPUs, by default min(2, CPUs of the node - 1). Gives the number of vCPUs, and the plan
/// unless the guest runs unpinned: because that was asked for, or because `allow_unpinned` and the host is too small.
pub fn plan(
    topology: &Topology,
    choice: NodeChoice,
    smp: Option<usize>,
    allow_unpinned: bool,
) -> Result<(usize, Option<PinPlan>), Shortage> {
    let all = topology.cpus().len();
    let unpinned_smp = smp.unwrap_or_else(|| all.saturating_sub(1).clamp(1, 2));
    if choice == NodeChoice::None {
        return Ok((unpinned_smp, None));
    }
    let pinned = find_node(topology, choice).and_then(|node| on_node(node, smp));
    match pinned {
        Ok(plan) => Ok((plan.vcpus.len(), Some(plan))),
        Err(_) if allow_unpinned => Ok((unpinned_smp, None)),
        Err(shortage) => Err(shortage),
    }
}

fn find_node(topology: &Topology, choice: NodeChoice) -> Result<&Node, Shortage> {
    let nodes: Vec<&Node> = topology.nodes.iter().filter(|n| n.memory && !n.cpus.is_empty()).collect();
    match choice {
        NodeChoice::Nth(n) => nodes
            .get((n as usize).saturating_sub(1))
            .copied()
            .ok_or(Shortage::NoNode { asked: n, have: nodes.len() }),
        _ => nodes.last().copied().ok_or(Shortage::Nothing),
    }
}

/// vCPUs get the highest CPUs: the kernel's own work and most interrupts prefer the lowest.
fn on_node(node: &Node, smp: Option<usize>) -> Result<PinPlan, Shortage> {
    let have = node.cpus.len();
    let vcpus = smp.unwrap_or_else(|| have.saturating_sub(1).clamp(1, 2));
    let Some(others) = have.checked_sub(vcpus).filter(|others| *others > 0) else {
        return Err(Shortage::Cpus {
            node: node.id,
            have,
            list: cpu_list(&node.cpus),
            vcpus,
            need: vcpus + 1,
        });
    };
    let (others, mine) = node.cpus.split_at(others);
    Ok(PinPlan {
        node: node.id,
        vcpus: (0u32..).map(VcpuIndex).zip(mine.iter().copied()).collect(),
        others: others.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(nodes: &[(u32, std::ops::Range<u32>, bool)]) -> Topology {
        let node = |(id, cpus, memory): &(u32, std::ops::Range<u32>, bool)| Node {
            id: NodeId(*id),
            cpus: cpus.clone().map(CpuId).collect(),
            memory: *memory,
        };
        Topology { nodes: nodes.iter().map(node).collect() }
    }

    #[test]
    fn minus_one_is_the_last_node_and_positive_numbers_count_from_one() {
        let two = host(&[(0, 0..4, true), (1, 4..8, true)]);
        let node = |choice| plan(&two, choice, None, false).unwrap().1.unwrap().node;
        assert_eq!(node(NodeChoice::parse("-1").unwrap()), NodeId(1));
        assert_eq!(node(NodeChoice::parse("1").unwrap()), NodeId(0));
        assert_eq!(node(NodeChoice::parse("2").unwrap()), NodeId(1));
        assert_eq!(plan(&two, NodeChoice::Nth(3), None, false), Err(Shortage::NoNode { asked: 3, have: 2 }));
        assert_eq!(NodeChoice::parse("last"), None);
    }

    #[test]
    fn every_vcpu_has_a_cpu_of_its_own_and_one_is_left_for_the_rest() {
        for cpus in 2..9 {
            for smp in 1..cpus {
                let (n, p) =
                    plan(&host(&[(0, 0..cpus, true)]), NodeChoice::Last, Some(smp as usize), false).unwrap();
                let p = p.unwrap();
                let mut used: Vec<CpuId> = p.vcpus.iter().map(|(_, c)| *c).chain(p.others.clone()).collect();
                used.sort();
                used.dedup();
                assert_eq!((n, used.len()), (smp as usize, cpus as usize));
                assert!(p.others.contains(&CpuId(0)));
            }
        }
    }

    #[test]
    fn the_default_is_two_vcpus_or_what_the_node_has_less_one() {
        assert_eq!(plan(&host(&[(0, 0..2, true)]), NodeChoice::Last, None, false).unwrap().0, 1);
        assert_eq!(plan(&host(&[(0, 0..16, true)]), NodeChoice::Last, None, false).unwrap().0, 2);
    }

    #[test]
    fn a_node_that_is_too_small_is_an_error_that_says_what_is_short() {
        let small = host(&[(0, 0..2, true), (1, 2..2, true), (2, 2..8, false)]);
        let error = plan(&small, NodeChoice::Last, Some(2), false).unwrap_err().to_string();
        assert!(error.starts_with("node 0 has 2 usable CPUs (0-1), and 2 vCPUs need 3"), "{error}");
        assert_eq!(plan(&small, NodeChoice::Last, Some(2), true).unwrap(), (2, None));
    }
}
