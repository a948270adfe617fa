//! From parameters to the hardware and the placement of each guest: pure functions.

use super::TestbedError;
use crate::accel::Accel;
use crate::cartesian::Objects;
use crate::guest::argv::{Hardware, NIC_MODELS, Nic};
use crate::guest::network::nics;
use crate::host::pin::{NodeChoice, PinPlan, Shortage, plan};
use crate::host::topology::Topology;
use crate::scenario::Scenario;
use model::{Params, ParamsError, VcpuIndex};

/// Where one guest goes: its number of vCPUs, and the plan unless it runs unpinned.
pub type Place = (usize, Option<PinPlan>);

/// Where each guest of a scenario goes, the server first.
///
/// # Errors
/// Parameters of the wrong kind, or a host that is too small.
pub fn pin(topology: &Topology, params: &Params, allow_unpinned: bool) -> Result<Vec<Place>, TestbedError> {
    let choice = NodeChoice::parse(params.text("numa_node")?).ok_or_else(|| {
        params.wrong("numa_node", "a whole number: -1 the last node, 1 the first, 0 no pinning")
    })?;
    let mut sizes = Vec::new();
    for guest in Scenario::of(params)?.guests() {
        let own = params.object_params(guest);
        sizes.push(match own.get("smp") {
            None => None,
            Some(_) => Some(own.number("smp", 1usize, "a number of vCPUs, 1 or more")?),
        });
    }
    Ok(places(topology, choice, &sizes, allow_unpinned)?)
}

/// Guests of one scenario share a node: its CPUs are planned together, and each guest gets its part.
fn places(
    topology: &Topology,
    choice: NodeChoice,
    sizes: &[Option<usize>],
    allow_unpinned: bool,
) -> Result<Vec<Place>, Shortage> {
    if let [size] = sizes {
        return Ok(vec![plan(topology, choice, *size, allow_unpinned)?]);
    }
    let sizes: Vec<usize> = sizes.iter().map(|size| size.unwrap_or(1)).collect();
    let (_, whole) = plan(topology, choice, Some(sizes.iter().sum()), allow_unpinned)?;
    let mut cpus = whole.iter().flat_map(|plan| plan.vcpus.iter().map(|(_, cpu)| *cpu));
    let mut all = Vec::new();
    for size in sizes {
        let vcpus = (0u32..).map(VcpuIndex).zip(cpus.by_ref().take(size)).collect();
        let part = whole.as_ref().map(|plan| PinPlan { vcpus, ..plan.clone() });
        all.push((size, part));
    }
    Ok(all)
}

/// The hardware that one guest's parameters describe.
///
/// # Errors
/// Parameters of the wrong kind.
pub fn hardware(
    params: &Params,
    accel: Accel,
    smp: usize,
    pin: Option<&PinPlan>,
) -> Result<Hardware, ParamsError> {
    let models: Vec<&'static str> = NIC_MODELS.iter().map(|(name, _)| *name).collect();
    let mut all = Vec::new();
    for name in nics(params)? {
        let own = params.object_params(&name);
        all.push(Nic {
            model: own.choice("nic_model", &models)?.into(),
            queues: own.number("queues", 1u32, "a number of queues, 1 or more")?,
            vhost: own.switch("vhost")?,
        });
    }
    Ok(Hardware {
        accel,
        machine: params.choice("machine", &["pc", "q35"])?.into(),
        cpu_model: params.text("cpu_model")?.into(),
        smp,
        mem_mib: params.number("mem", 128u64, "a number of MiB, 128 or more")?,
        memory_node: pin.map(|p| p.node),
        nics: all,
        extra: params.words("extra_args")?.into_iter().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::topology::Node;
    use model::{CpuId, NodeId};

    #[test]
    fn two_guests_share_a_node_and_no_cpu() {
        let cpus: Vec<CpuId> = (0..8).map(CpuId).collect();
        let topology = Topology { nodes: vec![Node { id: NodeId(0), cpus, memory: true }] };
        let all = places(&topology, NodeChoice::Last, &[Some(2), Some(3)], false).unwrap();
        let mut used: Vec<CpuId> = Vec::new();
        for (size, plan) in &all {
            let plan = plan.as_ref().unwrap();
            assert_eq!(plan.vcpus.len(), *size);
            assert_eq!(plan.vcpus[0].0, VcpuIndex(0));
            used.extend(plan.vcpus.iter().map(|(_, cpu)| *cpu));
        }
        used.sort_unstable();
        used.dedup();
        assert_eq!((all.len(), used.len()), (2, 5));
        assert!(places(&topology, NodeChoice::Last, &[Some(4), Some(4)], false).is_err());
    }
}
