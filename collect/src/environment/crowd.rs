//! Several guests that are alike, at once: made of the one that an environment describes.

use super::{EnvironmentError, EnvironmentSpec};
use crate::parse::{self, OVERCOMMIT};
use model::{CpuId, Params, VcpuIndex};
use vm::guest::spec::GuestSpec;
use vm::host::pin::GuestPins;
use vm::host::topology::Topology;

/// How many guests there are at most, and where their vCPUs go.
#[derive(Clone, Debug, PartialEq)]
pub struct CrowdSpec {
    /// Guests at a time, at most.
    pub most: usize,
    /// The CPUs that their vCPUs have together; none where nothing is pinned.
    pub cpus: Vec<CpuId>,
    /// vCPUs for each CPU, as somebody asked for; `None`: every guest has the CPUs of the first.
    pub overcommit: Option<f64>,
}

impl CrowdSpec {
    /// What parameters say of a crowd of so many guests like this one.
    ///
    /// # Errors
    /// An overcommit that is none, that nothing is pinned for, or for which the node has too few CPUs.
    pub(super) fn of(
        params: &Params,
        most: usize,
        guest: &GuestSpec,
        topology: &Topology,
    ) -> Result<CrowdSpec, EnvironmentError> {
        let own: Vec<CpuId> =
            guest.pins.iter().flat_map(|pins| pins.vcpus.iter().map(|(_, cpu)| *cpu)).collect();
        let Some(number) = parse::overcommit(params)? else {
            return Ok(CrowdSpec { most, cpus: own, overcommit: None });
        };
        let wrong = |wanted: &str| params.wrong(OVERCOMMIT, wanted);
        let Some(node) = guest.pins.as_ref().and_then(GuestPins::node) else {
            return Err(wrong("it left out: nothing is pinned here, and guests run on all CPUs").into());
        };
        let want = cpus_for(most * guest.hardware.smp, number);
        let others = topology.node(node).map(|node| node.cpus.clone()).unwrap_or_default();
        let mut cpus = own.clone();
        cpus.extend(others.into_iter().filter(|cpu| !own.contains(cpu)));
        if cpus.len() < want {
            let wanted = format!(
                "more vCPUs for each CPU: {most} guests of {} take {want} CPUs then, and node {node} has {}",
                guest.hardware.smp,
                cpus.len()
            );
            return Err(wrong(&wanted).into());
        }
        cpus.truncate(want);
        Ok(CrowdSpec { most, cpus, overcommit: Some(number) })
    }

    /// The CPUs of the vCPUs of the guest at a place, of so many guests with so many vCPUs each.
    fn place(&self, place: usize, guests: usize, smp: usize) -> Vec<(VcpuIndex, CpuId)> {
        let (used, first) = match self.overcommit {
            Some(number) => (cpus_for(guests * smp, number).min(self.cpus.len()), place * smp),
            None => (self.cpus.len(), 0),
        };
        let cpu = |vcpu: usize| self.cpus.get((first + vcpu) % used.max(1)).copied();
        (0u32..).zip(0..smp).filter_map(|(index, vcpu)| Some((VcpuIndex(index), cpu(vcpu)?))).collect()
    }
}

/// So many CPUs for so many vCPUs, one at least.
fn cpus_for(vcpus: usize, overcommit: f64) -> usize {
    (vcpus as f64 / overcommit).ceil().max(1.0) as usize
}

impl EnvironmentSpec {
    /// The same environment with so many guests like its first one, in no network.
    pub fn of_crowd(&self, guests: usize) -> EnvironmentSpec {
        let mut spec = self.clone();
        spec.layout = self.layout_beside();
        spec.neighbours = Vec::new();
        let alike = |place: usize| {
            let mut guest = self.guests.first()?.clone();
            guest.name = format!("vm{}", place + 1);
            guest.hardware.nics = Vec::new();
            guest.irq_vcpus = None;
            let smp = guest.hardware.smp;
            if let (Some(pins), Some(crowd)) = (&mut guest.pins, &self.crowd) {
                pins.vcpus = crowd.place(place, guests, smp);
                pins.vhost = Vec::new();
            }
            Some(guest)
        };
        spec.guests = (0..guests).filter_map(alike).collect();
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_of_a_crowd_share_the_cpus_of_the_first_or_as_many_as_an_overcommit_leaves() {
        let cpus: Vec<CpuId> = (4..8).map(CpuId).collect();
        let on = |crowd: &CrowdSpec, place, guests| -> Vec<u32> {
            crowd.place(place, guests, 2).into_iter().map(|(_, cpu)| cpu.0).collect()
        };
        let same = CrowdSpec { most: 4, cpus: cpus[..2].to_vec(), overcommit: None };
        assert_eq!((on(&same, 0, 4), on(&same, 3, 4)), (vec![4, 5], vec![4, 5]));
        let half = CrowdSpec { most: 4, cpus: cpus.clone(), overcommit: Some(2.0) };
        // Four guests of two vCPUs have four CPUs; two have two, and one has one.
        assert_eq!((on(&half, 0, 4), on(&half, 1, 4), on(&half, 2, 4)), (vec![4, 5], vec![6, 7], vec![4, 5]));
        assert_eq!((on(&half, 0, 2), on(&half, 1, 2)), (vec![4, 5], vec![4, 5]));
        assert_eq!(on(&half, 0, 1), [4, 4]);
        let none = CrowdSpec { most: 4, cpus: Vec::new(), overcommit: None };
        assert_eq!(on(&none, 1, 4), [] as [u32; 0]);
        assert_eq!((cpus_for(8, 3.0), cpus_for(1, 8.0)), (3, 1));
    }
}
