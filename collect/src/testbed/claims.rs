//! What a campaign must have for itself on this host.

use super::TestbedError;
use crate::environment::{EnvironmentSpec, Place, Stage};
use model::CpuId;
use vm::guest::image::{Cache, Image, builtin_with};
use vm::guest::spec::{GuestSpec, Source};
use vm::host::locks::Claims;

/// The CPUs that guests and clients are placed on, or all of them where they may run anywhere; the bridges and other devices
/// of the host that they are plugged into; and the images, shared: perfvt's own where there are guests at all. Without
/// guests nobody is on the CPUs of vCPUs.
///
/// # Errors
/// A host that is too small, or a kernel of the user's for the built-in guest.
pub fn claims(stage: &Stage, image: Option<&Image>) -> Result<Claims, TestbedError> {
    let topology = &stage.topology;
    let mut claims = Claims {
        images: image.map(|image| image.dir.clone()).into_iter().collect(),
        elsewhere: topology.nodes.iter().filter(|node| !node.cpus.is_empty()).count() > 1,
        ..Claims::default()
    };
    let all = |cpus: Vec<CpuId>, pinned: bool| if pinned { cpus } else { topology.cpus() };
    for room in &stage.rooms {
        match room.ready()? {
            Place::Host(host) => claims.cpus.extend(all(host.cpus.clone(), host.is_pinned)),
            Place::Guests(spec) => {
                claims.cpus.extend(all(spec.plan().cpus(), spec.is_pinned()));
                claims.cpus.extend(spec.crowd.iter().flat_map(|crowd| crowd.cpus.iter().copied()));
                claim(&mut claims, spec, &stage.cache)?;
            }
        }
    }
    Ok(claims)
}

/// Images of an environment's guests that are not perfvt's own, and devices that they are plugged into.
pub(super) fn claim(claims: &mut Claims, spec: &EnvironmentSpec, cache: &Cache) -> Result<(), TestbedError> {
    claim_guests(claims, &spec.guests, cache)?;
    claims.devices.extend(spec.layout.links.iter().filter_map(|link| link.device.clone()));
    Ok(())
}

/// Images of guests that are not perfvt's own.
pub(super) fn claim_guests(
    claims: &mut Claims,
    guests: &[GuestSpec],
    cache: &Cache,
) -> Result<(), TestbedError> {
    for guest in guests {
        let image = match &guest.source {
            Source::Own(own) => own.lock.clone(),
            Source::Builtin(Some(kernel)) => builtin_with(cache, Some(kernel))?.dir,
            Source::Builtin(None) => continue,
        };
        if !claims.images.contains(&image) {
            claims.images.push(image);
        }
    }
    Ok(())
}
