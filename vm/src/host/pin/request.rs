//! What is asked for, and what comes out.

use model::ids::cpu_list;
use model::{CpuId, NodeId, VcpuIndex};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which node a guest is put on, in the ancestor's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeChoice {
    /// `0`: nothing is pinned.
    None,
    /// Negative: the last node.
    Last,
    /// Positive: counted from 1 over the nodes that have CPUs and memory.
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

/// What vCPUs do with the CPUs that share a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Siblings {
    /// A core for each vCPU, its other CPUs idle; where cores are too few, vCPUs share them.
    #[default]
    Auto,
    /// A core for each vCPU, or a shortage.
    Whole,
    /// vCPUs fill the CPUs of one core before they begin the next.
    Pack,
}

impl Siblings {
    /// The words of the parameter `siblings`.
    pub const WORDS: [&'static str; 3] = ["auto", "whole", "pack"];

    /// Reads one of [`Siblings::WORDS`].
    pub fn parse(word: &str) -> Option<Siblings> {
        match word.trim() {
            "auto" => Some(Siblings::Auto),
            "whole" => Some(Siblings::Whole),
            "pack" => Some(Siblings::Pack),
            _ => None,
        }
    }
}

/// One guest, with the threads that it will have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestRequest {
    /// Its name, for people: `vm1`.
    pub name: String,
    /// vCPUs; by default min(2, CPUs of the node - 1).
    pub vcpus: Option<usize>,
    /// Where it goes.
    pub node: NodeChoice,
    /// Over how many nodes it is spread, 1 or more. With more than one the guest has as many nodes.
    pub cells: usize,
    /// vhost threads: one for each queue of each NIC with `vhost=yes`.
    pub vhost: usize,
    /// iothreads.
    pub iothreads: usize,
    /// Memory in MiB; 0 when unknown.
    pub mem_mib: u64,
    /// Size in KiB of the huge pages that hold the memory, where it lies in such.
    pub hugepage_kib: Option<u64>,
}

impl GuestRequest {
    /// A guest on the last node with QEMU's own threads only.
    pub fn new(name: &str) -> GuestRequest {
        GuestRequest {
            name: name.into(),
            vcpus: None,
            node: NodeChoice::Last,
            cells: 1,
            vhost: 0,
            iothreads: 0,
            mem_mib: 0,
            hugepage_kib: None,
        }
    }
}

/// The guests of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The guests; those that ask for the last node go there together as long as they fit.
    pub guests: Vec<GuestRequest>,
    /// CPUs that the client tool on this host can make use of; 0 when it runs elsewhere. It goes to the first guest's
    /// node.
    pub client: usize,
    /// What vCPUs do with the CPUs of a core.
    pub siblings: Siblings,
    /// Let all guests run unpinned where they cannot be pinned.
    pub allow_unpinned: bool,
}

/// A part of a guest on one node of the host: one NUMA node of the guest when it has several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The node; the cell's memory is bound to it.
    pub node: NodeId,
    /// The vCPUs on it.
    pub vcpus: Vec<VcpuIndex>,
    /// Its share of the guest's memory in MiB.
    pub mem_mib: u64,
}

/// Where one guest's threads and memory go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestPins {
    /// Nodes with the memory bound to them, one at least.
    pub cells: Vec<Cell>,
    /// One host CPU for each vCPU, in the order of the vCPUs.
    pub vcpus: Vec<(VcpuIndex, CpuId)>,
    /// CPUs of each vhost thread.
    pub vhost: Vec<Vec<CpuId>>,
    /// CPUs of each iothread.
    pub iothreads: Vec<Vec<CpuId>>,
    /// CPUs of QEMU's other threads (main loop, workers). QEMU is started inside, so later workers stay there.
    pub emulator: Vec<CpuId>,
}

impl GuestPins {
    /// The node of the first cell.
    pub fn node(&self) -> Option<NodeId> {
        self.cells.first().map(|cell| cell.node)
    }

    /// CPUs that its threads other than vCPUs may be on.
    pub fn others(&self) -> Vec<CpuId> {
        let mut cpus: Vec<CpuId> =
            self.vhost.iter().chain(&self.iothreads).flatten().chain(&self.emulator).copied().collect();
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }

    /// CPUs of its vCPUs.
    pub fn vcpu_cpus(&self) -> Vec<CpuId> {
        self.vcpus.iter().map(|(_, cpu)| *cpu).collect()
    }
}

/// One guest of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestPlan {
    /// Its name, for people.
    pub name: String,
    /// vCPUs.
    pub smp: usize,
    /// Where it goes; `None` leaves it to the kernel.
    pub pins: Option<GuestPins>,
}

/// A plan that the host can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinPlan {
    /// The guests, in the order of the request.
    pub guests: Vec<GuestPlan>,
    /// CPUs of the client tool; empty when it runs elsewhere or unpinned.
    pub client: Vec<CpuId>,
    /// What had to be given up for lack of CPUs, in sentences.
    pub notes: Vec<String>,
}

impl PinPlan {
    /// Every CPU that the plan puts something on.
    pub fn cpus(&self) -> Vec<CpuId> {
        let pins = || self.guests.iter().filter_map(|g| g.pins.as_ref());
        let mut cpus: Vec<CpuId> = pins()
            .flat_map(|p| p.vcpu_cpus().into_iter().chain(p.others()))
            .chain(self.client.clone())
            .collect();
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }

    /// CPUs for perfvt's own threads: with QEMUs' other threads and the client, where no vCPU is; none when nothing is
    /// pinned.
    pub fn own_cpus(&self) -> Vec<CpuId> {
        let pins = self.guests.iter().filter_map(|guest| guest.pins.as_ref());
        let mut cpus: Vec<CpuId> = pins.flat_map(|pins| pins.emulator.clone()).collect();
        if !cpus.is_empty() {
            cpus.extend(&self.client);
        }
        cpus.sort_unstable();
        cpus.dedup();
        cpus
    }

    /// Whether any guest is pinned.
    pub fn is_pinned(&self) -> bool {
        self.guests.iter().any(|g| g.pins.is_some())
    }
}

fn sets(of: &[Vec<CpuId>]) -> String {
    let lists: Vec<String> = of.iter().map(|cpus| cpu_list(cpus)).collect();
    lists.join(" ")
}

/// One line for people.
impl fmt::Display for GuestPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pins) = &self.pins else {
            return write!(f, "{}: {} vCPUs, unpinned", self.name, self.smp);
        };
        let vcpus: Vec<String> =
            pins.vcpus.iter().map(|(vcpu, cpu)| format!("vCPU {vcpu} on CPU {cpu}")).collect();
        write!(f, "{}: {}", self.name, vcpus.join(", "))?;
        if !pins.vhost.is_empty() {
            write!(f, "; vhost on {}", sets(&pins.vhost))?;
        }
        if !pins.iothreads.is_empty() {
            write!(f, "; iothreads on {}", sets(&pins.iothreads))?;
        }
        write!(f, "; QEMU on {}", cpu_list(&pins.emulator))?;
        match &pins.cells[..] {
            [cell] => write!(f, "; memory bound to node {}", cell.node),
            cells => {
                let cells: Vec<String> =
                    cells.iter().map(|c| format!("{} MiB to node {}", c.mem_mib, c.node)).collect();
                write!(f, "; memory bound, {}, each a node of the guest", cells.join(", "))
            }
        }
    }
}

/// One line for each guest, one for the client, one for each note.
impl fmt::Display for PinPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.guests.iter().map(ToString::to_string).collect();
        if !self.client.is_empty() {
            lines.push(format!("client on CPUs {}", cpu_list(&self.client)));
        }
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        f.write_str(&lines.join("\n"))
    }
}

/// Why guests cannot be pinned as asked. Kept small, because it travels in many errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortage {
    /// The node has too few CPUs.
    #[error(
        "node {node} has {have} usable CPUs ({list}), and {vcpus} vCPUs of {guests} need {need}: one each, and one for \
         QEMU and the client; lower smp, or choose another numa_node"
    )]
    Cpus {
        /// The node.
        node: NodeId,
        /// CPUs that it has.
        have: u32,
        /// The same as a list.
        list: Box<str>,
        /// vCPUs wanted.
        vcpus: u32,
        /// Whose.
        guests: Box<str>,
        /// CPUs wanted.
        need: u32,
    },
    /// `siblings=whole`, and the node has too few cores.
    #[error(
        "node {node} has {have} usable cores, and with siblings=whole {vcpus} vCPUs of {guests} need {need}: one each, \
         and one for QEMU and the client; lower smp, choose another numa_node, or use siblings=auto"
    )]
    Cores {
        /// The node.
        node: NodeId,
        /// Cores that it has.
        have: u32,
        /// vCPUs wanted.
        vcpus: u32,
        /// Whose.
        guests: Box<str>,
        /// Cores wanted.
        need: u32,
    },
    /// The node has too little memory.
    #[error(
        "node {node} has {have_mib} MiB of memory, and {guests} need {want_mib} MiB there; lower mem, or choose another numa_node"
    )]
    Memory {
        /// The node.
        node: NodeId,
        /// MiB that it has.
        have_mib: u64,
        /// MiB wanted.
        want_mib: u64,
        /// Whose.
        guests: Box<str>,
    },
    /// The node has too few huge pages.
    #[error(
        "node {node} has {have} free huge pages of {kib} KiB, and {guest} needs {want} there; \
         perfvt host prepare --hugepages reserves them"
    )]
    Hugepages {
        /// The node.
        node: NodeId,
        /// Size of a page.
        kib: u64,
        /// Free pages.
        have: u64,
        /// Wanted pages.
        want: u64,
        /// Whose.
        guest: Box<str>,
    },
    /// A guest that spans more nodes than there are, or than it has vCPUs.
    #[error("{guest} asks for guest_nodes = {asked}, but {limit}")]
    Cells {
        /// Which guest.
        guest: Box<str>,
        /// What it asked for.
        asked: usize,
        /// What bounds it.
        limit: Box<str>,
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
    #[error("no node of this host has both CPUs that this process may use and memory")]
    Nothing,
}
