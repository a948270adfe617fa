//! What is asked of a network card whatever joins the guests: how far user mode reaches, how large packets are, and what takes a tap.

use super::error::{LayoutError, refused};
use model::{Params, ParamsError};
use vm::guest::network::{Home, Kind, Reach};

/// How far guests reach. Campaigns of before there was the key reach everything.
pub(super) fn reach(params: &Params) -> Result<Reach, ParamsError> {
    match params.get("guest_reach").map(str::trim) {
        Some("none") => Ok(Reach::Nowhere),
        None | Some("net") => Ok(Reach::Net),
        Some("host") => Err(params.wrong(
            "guest_reach",
            "none or net: QEMU's user-mode network does not lead to its host alone; net=tap does",
        )),
        Some(_) => Err(params.wrong("guest_reach", "none or net")),
    }
}

/// Least and most of what a packet may have: below the first IPv4 does not work, above the second virtio does not.
const MTU: std::ops::RangeInclusive<u32> = 576..=65_521;

pub(super) fn mtu(of_nic: &Params, kind: Kind) -> Result<u32, LayoutError> {
    let wanted = format!("bytes, {} to {}", MTU.start(), MTU.end());
    let mtu: u32 = of_nic.number("mtu", *MTU.start(), &wanted)?;
    if mtu > *MTU.end() {
        return Err(of_nic.wrong("mtu", &wanted).into());
    }
    if kind.home() == Home::Ports && mtu != 1500 {
        let kind = kind.word();
        return Err(refused(format!("mtu is {mtu}, but net={kind} carries 1500; use net=tap")));
    }
    Ok(mtu)
}

/// vhost and further queues are the tap's; elsewhere QEMU would do without them and say nothing.
pub(super) fn needs_tap(of_nic: &Params, nic: &str, kind: Kind) -> Result<(), LayoutError> {
    if kind.has_tap() {
        return Ok(());
    }
    let refused = |what: &str| {
        let kind = kind.word();
        Err(refused(format!("{what} of {nic} needs net=tap, a bridge or macvtap, and net is {kind}")))
    };
    if of_nic.switch("vhost")? {
        return refused("vhost=yes");
    }
    let queues: u32 = of_nic.number("queues", 1, "a number of queues, 1 or more")?;
    if queues > 1 { refused(&format!("queues={queues}")) } else { Ok(()) }
}
