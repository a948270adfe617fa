//! Threads to CPUs of one node.

use super::request::Siblings;
use crate::host::topology::{Core, Topology};
use model::{CpuId, NodeId};

/// What one guest, or a part of it, needs on a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Demand {
    pub vcpus: usize,
    pub vhost: usize,
    pub iothreads: usize,
    /// Whether QEMU's other threads are here: they are with the first cell.
    pub emulator: bool,
}

/// What it got.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub vcpus: Vec<CpuId>,
    pub vhost: Vec<Vec<CpuId>>,
    pub iothreads: Vec<Vec<CpuId>>,
    pub emulator: Vec<CpuId>,
}

/// A node's CPUs, given out.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    pub given: Vec<Given>,
    pub client: Vec<CpuId>,
    pub notes: Vec<String>,
}

/// How vCPUs sit on cores; later ones give up more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vcpus {
    /// A core each.
    Core,
    /// A CPU each; a guest's vCPUs share cores with one another.
    Sibling,
    /// A CPU each, and other threads on the CPUs beside them.
    Mixed,
}

/// Which CPUs are left out; later ones give up more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Avoid {
    ZeroAndNics,
    Zero,
    Nothing,
}

/// How the other threads sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    Core,
    Cpu,
    /// All on what is left.
    Pool,
}

/// A core of the node with how little it is wanted.
#[derive(Clone, Debug)]
struct Place {
    cpus: Vec<CpuId>,
    /// It is wanted only with this much given up.
    from: Avoid,
    isolated: bool,
}

/// Tries from the roomiest arrangement to the tightest; `None` when even that one has no room.
pub(super) fn fit(
    topology: &Topology,
    node: NodeId,
    demands: &[Demand],
    client: usize,
    siblings: Siblings,
) -> Option<Fit> {
    let places = places(topology, node);
    let vcpus: &[Vcpus] = match siblings {
        Siblings::Auto => &[Vcpus::Core, Vcpus::Sibling, Vcpus::Mixed],
        Siblings::Whole => &[Vcpus::Core],
        Siblings::Pack => &[Vcpus::Sibling, Vcpus::Mixed],
    };
    for vcpus in vcpus {
        for avoid in [Avoid::ZeroAndNics, Avoid::Zero, Avoid::Nothing] {
            for (others, leave) in [
                (Others::Core, avoid),
                (Others::Cpu, avoid),
                (Others::Cpu, Avoid::Nothing),
                (Others::Pool, Avoid::Nothing),
            ] {
                let attempt = Attempt { places: &places, vcpus: *vcpus, avoid, others, leave };
                if let Some(mut fit) = attempt.run(demands, client) {
                    fit.notes = attempt.notes(topology, node, siblings, demands, &fit);
                    return Some(fit);
                }
            }
        }
    }
    None
}

/// Cores in the order in which vCPUs want them: isolated ones, then those without CPU 0 and NIC interrupts, the highest
/// first, because the kernel's own work prefers the lowest.
fn places(topology: &Topology, node: NodeId) -> Vec<Place> {
    let nics = topology.nic_cpus();
    let place = |core: &Core| {
        let mut cpus = core.cpus.clone();
        // Within a core CPU 0 comes last.
        cpus.sort_by_key(|cpu| (cpu.0 == 0, cpu.0));
        let from = if cpus.contains(&CpuId(0)) {
            Avoid::Nothing
        } else if cpus.iter().any(|c| nics.contains(c)) {
            Avoid::Zero
        } else {
            Avoid::ZeroAndNics
        };
        let isolated = cpus.iter().all(|c| topology.isolated.contains(c));
        Place { cpus, from, isolated }
    };
    let mut places: Vec<Place> = topology.cores.iter().filter(|c| c.node == node).map(place).collect();
    places.reverse();
    places.sort_by_key(|p| (p.from, !p.isolated));
    places
}

struct Attempt<'a> {
    places: &'a [Place],
    vcpus: Vcpus,
    /// What vCPUs leave out.
    avoid: Avoid,
    others: Others,
    /// What the other threads leave out.
    leave: Avoid,
}

impl Attempt<'_> {
    fn run(&self, demands: &[Demand], client: usize) -> Option<Fit> {
        let mut given = Vec::new();
        let mut next = 0;
        let wanted = self.places.iter().filter(|p| p.from <= self.avoid);
        let units: Vec<&[CpuId]> = match self.vcpus {
            Vcpus::Core => wanted.filter_map(|p| p.cpus.get(..1)).collect(),
            Vcpus::Sibling => wanted.map(|p| &p.cpus[..]).collect(),
            Vcpus::Mixed => wanted.flat_map(|p| p.cpus.chunks(1)).collect(),
        };
        let mut taken: Vec<CpuId> = Vec::new();
        for demand in demands {
            let mut mine = Vec::new();
            while mine.len() < demand.vcpus {
                mine.extend(units.get(next)?.iter().copied().take(demand.vcpus - mine.len()));
                next += 1;
            }
            taken.extend(&mine);
            given.push(Given { vcpus: mine, ..Given::default() });
        }
        let rest = self.rest(&taken);
        if self.others == Others::Pool {
            self.pool(&rest, demands, client, &mut given)
        } else {
            self.separate(rest, demands, client, &mut given)
        }
        .map(|client| Fit { given, client, notes: Vec::new() })
    }

    /// What vCPUs leave to the other threads, by core. Isolated cores come last: threads that share several CPUs would
    /// not be balanced over them.
    fn rest(&self, taken: &[CpuId]) -> Vec<Vec<CpuId>> {
        let mut rest: Vec<&Place> = self.places.iter().filter(|p| p.from <= self.leave).collect();
        rest.sort_by_key(|p| p.isolated);
        let free = |p: &&Place| -> Vec<CpuId> {
            let touched = p.cpus.iter().any(|c| taken.contains(c));
            if touched && self.vcpus != Vcpus::Mixed {
                return Vec::new();
            }
            p.cpus.iter().copied().filter(|c| !taken.contains(c)).collect()
        };
        rest.iter().map(free).filter(|cpus| !cpus.is_empty()).collect()
    }

    /// Each thread has a core or a CPU of its own; the client has what is left, as far as it can use it.
    fn separate(
        &self,
        rest: Vec<Vec<CpuId>>,
        demands: &[Demand],
        client: usize,
        given: &mut [Given],
    ) -> Option<Vec<CpuId>> {
        let units: Vec<Vec<CpuId>> = match self.others {
            Others::Core => rest,
            _ => rest.into_iter().flatten().map(|cpu| vec![cpu]).collect(),
        };
        let mut units = units.into_iter();
        for (demand, given) in demands.iter().zip(given) {
            let mut threads = |n: usize| -> Option<Vec<Vec<CpuId>>> {
                (0..n).map(|_| units.next().map(|unit| unit.into_iter().take(1).collect())).collect()
            };
            given.vhost = threads(demand.vhost)?;
            given.iothreads = threads(demand.iothreads)?;
            if demand.emulator {
                given.emulator = units.next()?;
            }
        }
        let mut left: Vec<CpuId> = Vec::new();
        while left.len() < client {
            match units.next() {
                Some(unit) => left.extend(unit),
                None if left.is_empty() => return None,
                None => break,
            }
        }
        left.truncate(client);
        left.sort_unstable();
        Some(left)
    }

    /// All threads share everything that is left.
    fn pool(
        &self,
        rest: &[Vec<CpuId>],
        demands: &[Demand],
        client: usize,
        given: &mut [Given],
    ) -> Option<Vec<CpuId>> {
        let mut pool: Vec<CpuId> = rest.iter().flatten().copied().collect();
        pool.sort_unstable();
        let wanted = client > 0 || demands.iter().any(|d| d.emulator || d.vhost > 0 || d.iothreads > 0);
        if pool.is_empty() && wanted {
            return None;
        }
        for (demand, given) in demands.iter().zip(given) {
            given.vhost = vec![pool.clone(); demand.vhost];
            given.iothreads = vec![pool.clone(); demand.iothreads];
            if demand.emulator {
                given.emulator = pool.clone();
            }
        }
        Some(if client > 0 { pool } else { Vec::new() })
    }

    /// What was given up.
    fn notes(
        &self,
        topology: &Topology,
        node: NodeId,
        siblings: Siblings,
        demands: &[Demand],
        fit: &Fit,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let few = format!("node {node} has too few cores");
        match self.vcpus {
            Vcpus::Sibling if siblings == Siblings::Auto => {
                notes.push(format!("vCPUs share cores with one another: {few}"));
            }
            Vcpus::Mixed => notes.push(format!("other threads share cores with vCPUs: {few}")),
            _ => {}
        }
        let vcpus = || fit.given.iter().flat_map(|g| &g.vcpus);
        if vcpus().any(|c| c.0 == 0) {
            notes.push(format!("a vCPU is on CPU 0, which does the kernel's own work: {few}"));
        }
        let nics = topology.nic_cpus();
        if vcpus().any(|c| nics.contains(c)) {
            notes.push("a vCPU is on a CPU that serves interrupts of a NIC: no other is left".into());
        }
        let kinds: usize =
            demands.iter().map(|d| d.vhost + d.iothreads + usize::from(d.emulator)).sum::<usize>();
        if self.others == Others::Pool && kinds + usize::from(!fit.client.is_empty()) > 1 {
            notes.push(format!("all threads but vCPUs share CPUs: {few}"));
        }
        notes
    }
}
