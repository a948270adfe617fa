//! Guests to nodes, and from there to CPUs.

use super::fit::{Demand, Fit, fit};
use super::request::{
    Cell, GuestPins, GuestPlan, GuestRequest, NodeChoice, PinPlan, Request, Shortage, Siblings,
};
use crate::host::topology::{Node, Topology};
use model::ids::cpu_list;
use model::{NodeId, VcpuIndex};

/// Plans the guests of a scenario.
///
/// # Errors
/// What is short, unless [`Request::allow_unpinned`]: then nothing is pinned, and a note says why.
pub fn plan(topology: &Topology, request: &Request) -> Result<PinPlan, Shortage> {
    match pinned(topology, request) {
        Err(shortage) if request.allow_unpinned => Ok(unpinned(topology, request, &shortage)),
        other => other,
    }
}

/// A guest that is pinned, with the nodes it is on.
struct Assigned<'a> {
    /// Position in the request.
    index: usize,
    request: &'a GuestRequest,
    vcpus: usize,
    nodes: Vec<NodeId>,
}

impl Assigned<'_> {
    /// vCPUs of each cell: as even as can be, the first ones get the rest.
    fn cells(&self) -> Vec<usize> {
        let n = self.nodes.len().max(1);
        (0..n).map(|i| self.vcpus / n + usize::from(i < self.vcpus % n)).collect()
    }

    fn demand(&self, cell: usize, vcpus: usize) -> Demand {
        if cell > 0 {
            return Demand { vcpus, ..Demand::default() };
        }
        Demand { vcpus, vhost: self.request.vhost, iothreads: self.request.iothreads, emulator: true }
    }

    fn mem_mib(&self, cell: usize) -> u64 {
        let n = self.nodes.len().max(1) as u64;
        let share = self.request.mem_mib / n;
        // The first cell takes what does not divide.
        if cell == 0 { self.request.mem_mib - share * (n - 1) } else { share }
    }
}

fn default_vcpus(cpus: usize) -> usize {
    cpus.saturating_sub(1).clamp(1, 2)
}

fn unpinned(topology: &Topology, request: &Request, shortage: &Shortage) -> PinPlan {
    let smp = |g: &GuestRequest| g.vcpus.unwrap_or_else(|| default_vcpus(topology.cpus().len()));
    let guests = request.guests.iter().map(|g| GuestPlan { name: g.name.clone(), smp: smp(g), pins: None });
    PinPlan {
        guests: guests.collect(),
        client: Vec::new(),
        notes: vec![format!("nothing is pinned: {shortage}")],
    }
}

fn pinned(topology: &Topology, request: &Request) -> Result<PinPlan, Shortage> {
    let assigned = assign(topology, request)?;
    check_memory(topology, &assigned)?;
    let mut pins: Vec<GuestPins> = assigned.iter().map(blank).collect();
    let mut plan = PinPlan::default();
    let client_node = assigned.first().and_then(|a| a.nodes.first()).copied();
    for node in topology.nodes.iter().map(|n| n.id) {
        let here = on_node(&assigned, node);
        if here.is_empty() {
            continue;
        }
        let client = if client_node == Some(node) { request.client } else { 0 };
        let demands: Vec<Demand> = here.iter().map(|(_, _, demand)| *demand).collect();
        let Some(fit) = fit(topology, node, &demands, client, request.siblings) else {
            return Err(short(topology, node, &assigned, &here, client, request.siblings));
        };
        note_given(&mut pins, &here, &fit);
        plan.notes.extend(fit.notes);
        plan.client.extend(fit.client);
    }
    for pins in &mut pins {
        pins.vcpus.sort_unstable();
    }
    let mut by_index: Vec<Option<GuestPins>> = vec![None; request.guests.len()];
    for (guest, pins) in assigned.iter().zip(pins) {
        if let Some(slot) = by_index.get_mut(guest.index) {
            *slot = Some(pins);
        }
    }
    let everywhere = default_vcpus(topology.cpus().len());
    plan.guests = request
        .guests
        .iter()
        .zip(by_index)
        .map(|(g, pins)| {
            let smp = pins.as_ref().map_or(g.vcpus.unwrap_or(everywhere), |p| p.vcpus.len());
            GuestPlan { name: g.name.clone(), smp, pins }
        })
        .collect();
    Ok(plan)
}

fn blank(guest: &Assigned<'_>) -> GuestPins {
    let mut first = 0u32;
    let cells = guest.nodes.iter().zip(guest.cells()).enumerate().map(|(i, (node, vcpus))| {
        let vcpus: Vec<VcpuIndex> = (first..).map(VcpuIndex).take(vcpus).collect();
        first += vcpus.len() as u32;
        Cell { node: *node, vcpus, mem_mib: guest.mem_mib(i) }
    });
    let cells = cells.collect();
    GuestPins { cells, vcpus: Vec::new(), vhost: Vec::new(), iothreads: Vec::new(), emulator: Vec::new() }
}

/// What is on a node: position among the pinned guests, cell, demand.
fn on_node(assigned: &[Assigned<'_>], node: NodeId) -> Vec<(usize, usize, Demand)> {
    let mut here = Vec::new();
    for (at, guest) in assigned.iter().enumerate() {
        for (cell, (its, vcpus)) in guest.nodes.iter().zip(guest.cells()).enumerate() {
            if *its == node {
                here.push((at, cell, guest.demand(cell, vcpus)));
            }
        }
    }
    here
}

/// CPUs of one node go to its guests; vCPUs are numbered when every node is done.
fn note_given(pins: &mut [GuestPins], here: &[(usize, usize, Demand)], fit: &Fit) {
    for ((at, cell, demand), given) in here.iter().zip(&fit.given) {
        let Some(pins) = pins.get_mut(*at) else { continue };
        let indexes = pins.cells.get(*cell).map(|c| c.vcpus.clone()).unwrap_or_default();
        pins.vcpus.extend(indexes.into_iter().zip(given.vcpus.iter().copied()));
        if demand.emulator {
            (pins.vhost, pins.iothreads) = (given.vhost.clone(), given.iothreads.clone());
            pins.emulator.clone_from(&given.emulator);
        }
    }
}

/// Which nodes each pinned guest is on.
fn assign<'a>(topology: &Topology, request: &'a Request) -> Result<Vec<Assigned<'a>>, Shortage> {
    let nodes: Vec<&Node> = topology.nodes.iter().filter(|n| n.memory && !n.cpus.is_empty()).collect();
    let mut assigned: Vec<Assigned<'a>> = Vec::new();
    for (index, guest) in request.guests.iter().enumerate() {
        let first = match guest.node {
            NodeChoice::None => continue,
            NodeChoice::Nth(n) => nodes
                .get((n as usize).saturating_sub(1))
                .ok_or(Shortage::NoNode { asked: n, have: nodes.len() })?,
            NodeChoice::Last => nodes.last().ok_or(Shortage::Nothing)?,
        };
        let with = |first: &Node| -> Result<Assigned<'a>, Shortage> {
            let vcpus = guest.vcpus.unwrap_or_else(|| default_vcpus(first.cpus.len()).max(guest.cells));
            let nodes = spread(topology, &nodes, first, guest, vcpus)?;
            if vcpus >= topology.cpus().len() {
                return Err(too_many(first, vcpus, guest));
            }
            Ok(Assigned { index, request: guest, vcpus, nodes })
        };
        assigned.push(with(first)?);
        // Guests that do not care go to the last node together; who does not fit there any more goes to the nearest
        // one below. The first guest is where it was asked to be: if it does not fit, that is the shortage to tell.
        if guest.node != NodeChoice::Last || assigned.len() == 1 {
            continue;
        }
        for node in nodes.iter().rev() {
            assigned.pop();
            assigned.push(with(node)?);
            if fits(topology, request, &assigned) {
                break;
            }
            assigned.pop();
            assigned.push(with(first)?);
        }
    }
    Ok(assigned)
}

/// Whether what has been assigned so far has room on every node.
fn fits(topology: &Topology, request: &Request, assigned: &[Assigned<'_>]) -> bool {
    let client_node = assigned.first().and_then(|a| a.nodes.first()).copied();
    check_memory(topology, assigned).is_ok()
        && topology.nodes.iter().all(|node| {
            let demands: Vec<Demand> = on_node(assigned, node.id).iter().map(|(_, _, d)| *d).collect();
            let client = if client_node == Some(node.id) { request.client } else { 0 };
            demands.is_empty() || fit(topology, node.id, &demands, client, request.siblings).is_some()
        })
}

/// The nodes of a guest: the first one, and for further cells those nearest to it.
fn spread(
    topology: &Topology,
    nodes: &[&Node],
    first: &Node,
    guest: &GuestRequest,
    vcpus: usize,
) -> Result<Vec<NodeId>, Shortage> {
    let cells = guest.cells.max(1);
    let too_many = |limit: String| Shortage::Cells {
        guest: guest.name.as_str().into(),
        asked: cells,
        limit: limit.into(),
    };
    if cells > vcpus {
        return Err(too_many(format!("it has {vcpus} vCPUs, and each node of a guest needs one")));
    }
    if cells > nodes.len() {
        return Err(too_many(format!("this host has {} nodes with CPUs and memory", nodes.len())));
    }
    let distance = |to: &Node| {
        let position = topology.nodes.iter().position(|n| n.id == to.id);
        let told = position.and_then(|p| first.distances.get(p)).copied();
        (told.unwrap_or(u32::MAX), to.id.0.abs_diff(first.id.0), to.id)
    };
    let mut others: Vec<&&Node> = nodes.iter().filter(|n| n.id != first.id).collect();
    others.sort_by_key(|n| distance(n));
    Ok(std::iter::once(first.id).chain(others.iter().map(|n| n.id)).take(cells).collect())
}

/// Whether each node has the memory, and the huge pages, that its guests bind there.
fn check_memory(topology: &Topology, assigned: &[Assigned<'_>]) -> Result<(), Shortage> {
    for node in &topology.nodes {
        let here = on_node(assigned, node.id);
        let of = |at: usize, cell: usize| assigned.get(at).map_or(0, |a| a.mem_mib(cell));
        let want_mib: u64 = here.iter().map(|(at, cell, _)| of(*at, *cell)).sum();
        if let Some(have_mib) = node.memory_mib.filter(|have| *have < want_mib) {
            return Err(Shortage::Memory {
                node: node.id,
                have_mib,
                want_mib,
                guests: names(assigned, &here),
            });
        }
        let mut left = node.free_hugepages.clone();
        for (at, cell, _) in &here {
            let Some(guest) = assigned.get(*at) else { continue };
            let Some(kib) = guest.request.hugepage_kib.filter(|kib| *kib > 0) else { continue };
            let want = (of(*at, *cell) * 1024).div_ceil(kib);
            let have = left.iter_mut().find(|(size, _)| *size == kib).map(|(_, free)| free);
            match have {
                Some(free) if *free >= want => *free -= want,
                other => {
                    let (have, guest) = (other.map_or(0, |free| *free), guest.request.name.as_str().into());
                    return Err(Shortage::Hugepages { node: node.id, kib, have, want, guest });
                }
            }
        }
    }
    Ok(())
}

fn names(assigned: &[Assigned<'_>], here: &[(usize, usize, Demand)]) -> Box<str> {
    let names: Vec<&str> =
        here.iter().filter_map(|(at, ..)| Some(assigned.get(*at)?.request.name.as_str())).collect();
    names.join(" and ").into()
}

/// A guest with as many vCPUs as the whole host has CPUs, or more: nothing needs to be tried.
fn too_many(node: &Node, vcpus: usize, guest: &GuestRequest) -> Shortage {
    let (have, list) = (narrow(node.cpus.len()), cpu_list(&node.cpus).into());
    let (vcpus, guests) = (narrow(vcpus), guest.name.as_str().into());
    Shortage::Cpus { node: node.id, have, list, vcpus, guests, need: vcpus.saturating_add(1) }
}

/// Numbers for people; narrow ones keep the error small.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a node lacks.
fn short(
    topology: &Topology,
    node: NodeId,
    assigned: &[Assigned<'_>],
    here: &[(usize, usize, Demand)],
    client: usize,
    siblings: Siblings,
) -> Shortage {
    let vcpus: usize = here.iter().map(|(.., demand)| demand.vcpus).sum();
    let others = client > 0 || here.iter().any(|(.., demand)| demand.emulator);
    let (need, guests) = (narrow(vcpus + usize::from(others)), names(assigned, here));
    let vcpus = narrow(vcpus);
    if siblings == Siblings::Whole {
        let have = topology.cores.iter().filter(|c| c.node == node).count();
        return Shortage::Cores { node, have: narrow(have), vcpus, guests, need };
    }
    let cpus = topology.node(node).map(|n| n.cpus.clone()).unwrap_or_default();
    Shortage::Cpus { node, have: narrow(cpus.len()), list: cpu_list(&cpus).into(), vcpus, guests, need }
}
