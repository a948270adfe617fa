//! From parameters to a troupe: several machines on networks of their own.

use super::describe::pin_machines;
use super::machines::doubts;
use super::portrait::debug_user;
use super::{EnvironmentError, Ground, guest};
use crate::parse;
use model::{Accel, CpuId, Params};
use vm::deadlines::Deadlines;
use vm::guest::network::Topology;
use vm::guest::os::Os;
use vm::guest::spec::GuestSpec;
use vm::host::pin::GuestPlan;

/// Machines on networks, as they are booted.
#[derive(Clone, Debug)]
pub struct TroupeSpec {
    /// What joins them.
    pub topology: Topology,
    /// The guest that each machine is, in the order of the topology.
    pub guests: Vec<GuestSpec>,
    /// CPUs of the switch that joins them; none where it is not pinned.
    pub switch: Vec<CpuId>,
    /// What had to be given up to place them, and ways that lead nowhere.
    pub notes: Vec<String>,
    /// How long anything may take.
    pub deadlines: Deadlines,
    /// How they are run.
    pub accel: Accel,
}

impl TroupeSpec {
    /// The troupe that parameters describe; `net=auto` must have been resolved.
    ///
    /// # Errors
    /// Parameters of the wrong kind, what cannot work together, or a host that is too small.
    pub fn of(params: &Params, ground: &Ground<'_>) -> Result<TroupeSpec, EnvironmentError> {
        let topology = parse::topology(params)?;
        let plan = pin_machines(ground.topology, params, &topology, (false, ground.allow_unpinned))?;
        let guests = machines(params, &topology, plan.guests, ground)?;
        let deadlines = parse::deadlines(params, ground.accel)?;
        let (client, mut notes) = (plan.client, plan.notes);
        notes.extend(doubts(&topology));
        notes.extend(guests.iter().filter_map(debug_user));
        Ok(TroupeSpec { topology, guests, switch: client, notes, deadlines, accel: ground.accel })
    }
}

/// The guest that each machine of a topology is.
pub(super) fn machines(
    params: &Params,
    topology: &Topology,
    plans: Vec<GuestPlan>,
    ground: &Ground<'_>,
) -> Result<Vec<GuestSpec>, EnvironmentError> {
    let mut guests = Vec::new();
    for (node, plan) in topology.machines.iter().zip(plans) {
        let own = params.object_params(&node.name);
        let mut spec = guest(&own, &node.cards(), plan, ground)?;
        if spec.os() == Os::Windows {
            return Err(own
                .wrong("guest_os", "linux: machines of vms are given names and ways as Linux takes them")
                .into());
        }
        for (nic, plug) in spec.hardware.nics.iter_mut().zip(&node.nics) {
            nic.mac = Some(plug.mac);
        }
        // The program that sets its tables up is there.
        spec.disks.tools |= node.translates;
        guests.push(spec);
    }
    Ok(guests)
}
