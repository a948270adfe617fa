//! Guests that bear a load while others are measured.

use super::{EnvironmentError, Ground, guest};
use crate::parse::{self, Load};
use model::Params;
use std::net::Ipv4Addr;
use vm::guest::network::{ClientPlace, Layout, NetworkId, Topology};
use vm::guest::os::Os;
use vm::guest::spec::GuestSpec;
use vm::host::pin::GuestPlan;

/// A guest that bears a load while others are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its place among the guests.
    pub guest: usize,
    /// What it does.
    pub load: Load,
    /// The address of the server's guest to which a stream goes.
    pub to: Option<Ipv4Addr>,
}

/// How many guests are measured.
pub(super) fn measured(layout: &Layout) -> usize {
    if layout.client == ClientPlace::Guest { 2 } else { 1 }
}

/// The further guest of a scenario, in no network.
pub(super) fn guest_of(
    own: &Params,
    plan: GuestPlan,
    ground: &Ground<'_>,
) -> Result<GuestSpec, EnvironmentError> {
    let spec = guest(own, &[], plan, ground)?;
    if spec.os() == Os::Windows {
        return Err(own.wrong("guest_os", "linux: the load of a neighbour is one of Linux").into());
    }
    Ok(spec)
}

/// The neighbours among the guests, which get what their loads need.
pub(super) fn of(
    params: &Params,
    (layout, topology): (&Layout, Option<&Topology>),
    guests: &mut [GuestSpec],
) -> Result<Vec<Neighbour>, EnvironmentError> {
    let names: Vec<String> = guests.iter().map(|guest| guest.name.clone()).collect();
    let further = parse::further(params)?;
    let mut all = Vec::new();
    for (place, load) in parse::neighbours(params, &names, (measured(layout), further.as_deref()))? {
        let Some(guest) = guests.get_mut(place) else { continue };
        let own = params.object_params(&guest.name);
        guest.disks.data = load.disk(&own)?.into_iter().collect();
        guest.disks.tools |= load.has_tool();
        let to = topology.and_then(|topology| reached(topology, place)).filter(|_| load == Load::Netperf);
        if load == Load::Netperf && to.is_none() {
            let wanted = match topology {
                Some(_) => format!(
                    "a network beside it that leads to the server and back, such as vlans_{} = 1; or cpu or fio",
                    guest.name
                ),
                None => "cpu or fio here: a stream needs networks of several machines (vms and vlans)".into(),
            };
            return Err(own.wrong("neighbour", &wanted).into());
        }
        all.push(Neighbour { guest: place, load, to });
    }
    Ok(all)
}

/// An address of the server, which is the first machine, that a machine reaches and that reaches it back.
fn reached(topology: &Topology, from: usize) -> Option<Ipv4Addr> {
    let server = topology.machines.first()?.nics.iter().filter(|plug| plug.network != NetworkId::User);
    let both = |to: &Ipv4Addr| {
        let there = topology.path(from, *to);
        there.is_ok_and(|path| topology.path(0, path.source.ip).is_ok())
    };
    server.map(|plug| plug.address.ip).find(both)
}
