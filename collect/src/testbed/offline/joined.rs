//! What the host and a guest that nobody talks to saw of one window.

use super::{HEARD_WITHIN, Seen};
use crate::lab::{Failed, Measured, closed};

/// A window as host and guest saw it: the guest's counters, and all else of the host's.
pub(super) fn joined(guest: Measured, seen: Option<Seen>) -> Result<Measured, Failed> {
    let unseen = || Failed::nonsense("the guest had a window, but marked none");
    let Seen { mut start, end, samples, asleep } = seen.ok_or_else(unseen)?;
    let mut end = end.ok_or_else(unseen)?;
    for (host, guest) in [(&mut start, guest.start), (&mut end, guest.end)] {
        // The guest says how long it took to read its clock and to make its mark.
        let took = guest.heard_ns.zip(guest.asked_ns).map(|(heard, asked)| heard.saturating_sub(asked));
        let before = took.unwrap_or_default().saturating_add(HEARD_WITHIN);
        (host.asked_ns, host.heard_ns) =
            (Some(host.at.mono_ns.saturating_sub(before)), Some(host.at.mono_ns));
        host.guest = guest.guest;
    }
    closed((start, end), samples, guest.interface, asleep)
}
