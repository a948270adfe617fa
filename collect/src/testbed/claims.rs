//! What a campaign must have for itself on this host.

use super::TestbedError;
use crate::environment::{EnvironmentSpec, Ground, pin};
use crate::parse::layout;
use crate::workload::Needs;
use model::{Accel, CampaignFile, CpuId, EnvironmentPlan, Params};
use vm::guest::image::{Cache, Image, builtin_with};
use vm::guest::network::ClientPlace;
use vm::guest::spec::Source;
use vm::host::locks::Claims;
use vm::host::topology::Topology;

/// Whether the clients of every environment run on another host, so that their tools are none of this one's.
pub fn clients_are_remote(file: &CampaignFile) -> bool {
    let remote = |params: Params| {
        let layout = layout(&params);
        layout.is_ok_and(|layout| matches!(layout.client, ClientPlace::Remote(_)))
    };
    file.environments.iter().map(EnvironmentPlan::to_params).all(remote)
}

/// How a campaign runs its guests.
pub(super) fn accel_of(file: &CampaignFile) -> Accel {
    if file.accel == Accel::Kvm.to_string() { Accel::Kvm } else { Accel::Tcg }
}

/// The CPUs that guests and clients are placed on, or all of them where they may run anywhere; the bridges and other devices
/// of the host that they are plugged into; and the images, shared: perfvt's own where there are guests at all. Without
/// guests nobody is on the CPUs of vCPUs. `needs` are the workload's.
///
/// # Errors
/// Parameters that describe no guest, or a host that is too small.
pub fn claims(
    file: &CampaignFile,
    cache: &Cache,
    image: Option<&Image>,
    needs: &Needs,
) -> Result<Claims, TestbedError> {
    let topology = Topology::here()?;
    let mut claims = Claims {
        images: image.map(|image| image.dir.clone()).into_iter().collect(),
        elsewhere: topology.nodes.iter().filter(|node| !node.cpus.is_empty()).count() > 1,
        ..Claims::default()
    };
    let accel = accel_of(file);
    let ground = Ground { topology: &topology, cache, accel, needs, allow_unpinned: file.allow_unpinned };
    let all = |cpus: Vec<CpuId>, pinned: bool| if pinned { cpus } else { topology.cpus() };
    for environment in &file.environments {
        let params = environment.to_params();
        if image.is_none() {
            let plan = pin(&topology, &params, needs.sessions, file.allow_unpinned)?;
            let pinned = plan.guests.iter().all(|guest| guest.pins.is_some());
            claims.cpus.extend(all(plan.own_cpus(), pinned));
            continue;
        }
        let spec = EnvironmentSpec::of(&params, &ground)?;
        claims.cpus.extend(all(spec.plan().cpus(), spec.is_pinned()));
        claim(&mut claims, &spec, cache)?;
    }
    Ok(claims)
}

/// Images of an environment's guests that are not perfvt's own, and devices that they are plugged into.
pub(super) fn claim(claims: &mut Claims, spec: &EnvironmentSpec, cache: &Cache) -> Result<(), TestbedError> {
    for guest in &spec.guests {
        let image = match &guest.source {
            Source::Own(own) => own.lock.clone(),
            Source::Builtin(Some(kernel)) => builtin_with(cache, Some(kernel))?.dir,
            Source::Builtin(None) => continue,
        };
        if !claims.images.contains(&image) {
            claims.images.push(image);
        }
    }
    claims.devices.extend(spec.layout.links.iter().filter_map(|link| link.device.clone()));
    Ok(())
}
