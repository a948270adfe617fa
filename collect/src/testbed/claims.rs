//! What a campaign must have for itself on this host.

use super::TestbedError;
use super::describe::pin;
use crate::guest::definition::{Definition, own_kernel};
use crate::guest::image::{Cache, Image, builtin_with};
use crate::guest::machine::GuestError;
use crate::guest::network::{ClientPlace, Layout};
use crate::host::locks::Claims;
use crate::host::topology::Topology;
use model::{CampaignFile, EnvironmentPlan, Params};

/// Whether the clients of every environment run on another host, so that their tools are none of this one's.
pub fn clients_are_remote(file: &CampaignFile) -> bool {
    let remote = |params: Params| {
        let layout = Layout::of(&params);
        layout.is_ok_and(|layout| matches!(layout.client, ClientPlace::Remote(_)))
    };
    file.environments.iter().map(EnvironmentPlan::to_params).all(remote)
}

/// The CPUs that guests and clients are placed on, or all of them where they may run anywhere; the bridges and other devices
/// of the host that they are plugged into; and the images, shared: perfvt's own where there are guests at all. Without
/// guests nobody is on the CPUs of vCPUs. `sessions` is how many processes the client has at a time.
///
/// # Errors
/// Parameters that describe no guest, or a host that is too small.
pub fn claims(
    file: &CampaignFile,
    cache: &Cache,
    image: Option<&Image>,
    sessions: usize,
) -> Result<Claims, TestbedError> {
    let topology = Topology::here()?;
    let mut claims = Claims {
        images: image.map(|image| image.dir.clone()).into_iter().collect(),
        elsewhere: topology.nodes.iter().filter(|node| !node.cpus.is_empty()).count() > 1,
        ..Claims::default()
    };
    for environment in &file.environments {
        let params = environment.to_params();
        let plan = pin(&topology, &params, sessions, file.allow_unpinned)?;
        if plan.guests.iter().all(|guest| guest.pins.is_some()) {
            claims.cpus.extend(if image.is_some() { plan.cpus() } else { plan.own_cpus() });
        } else {
            claims.cpus.extend(topology.cpus());
        }
        if image.is_none() {
            continue;
        }
        for guest in &plan.guests {
            let params = params.object_params(&guest.name);
            let own = Definition::of(&params, cache)?.map(|own| own.lock);
            let kernel = own_kernel(&params)?.map(|kernel| builtin_with(cache, Some(&kernel))).transpose()?;
            for image in own.into_iter().chain(kernel.map(|image| image.dir)) {
                if !claims.images.contains(&image) {
                    claims.images.push(image);
                }
            }
        }
        let layout = Layout::of(&params).map_err(GuestError::Network)?;
        claims.devices.extend(layout.links.into_iter().filter_map(|link| link.device));
    }
    Ok(claims)
}
