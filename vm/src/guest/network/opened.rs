//! What QEMU gets opened of a network, and under which numbers, which are the same in every boot: QEMU opens nothing of it
//! itself, so that it needs no right to.

use super::NetworkError;
use super::wires::NicWiring;
use process::Inherited;
use std::os::fd::RawFd;

/// The first descriptor of a guest's first NIC in QEMU. perfvt itself has fewer open when it starts a guest.
const FIRST: RawFd = 200;

/// Moves packets between a tap and a guest within the kernel (vhost of Linux).
const VHOST: &str = "/dev/vhost-net";

/// The number of a queue of a NIC; `wants` are all NICs of the guest.
pub(super) fn queue(wants: &[NicWiring], nic: usize, queue: u32) -> RawFd {
    let before: u32 = wants.iter().take(nic).map(|nic| 2 * nic.queues).sum();
    FIRST.saturating_add(RawFd::try_from(before.saturating_add(queue)).unwrap_or(RawFd::MAX))
}

/// The value of `-netdev` for a NIC whose queues are opened taps.
pub(super) fn netdev(id: &str, wants: &[NicWiring], nic: usize) -> String {
    let Some(NicWiring { vhost, queues }) = wants.get(nic).copied() else { return String::new() };
    let several = queues > 1;
    let list = |from: u32| {
        let numbers = (from..from + queues).map(|at| queue(wants, nic, at).to_string());
        numbers.collect::<Vec<_>>().join(":")
    };
    let (taps, moved) = if several { ("fds", "vhostfds") } else { ("fd", "vhostfd") };
    let moved = if vhost { format!(",vhost=on,{moved}={}", list(queues)) } else { String::new() };
    format!("tap,id={id},{taps}={}{moved}", list(0))
}

/// What moves the packets of a NIC, for each of its queues.
///
/// # Errors
/// This user may not, or the kernel has no vhost.
pub(super) fn vhost(wants: &[NicWiring], nic: usize) -> Result<Vec<Inherited>, NetworkError> {
    let Some(NicWiring { vhost: true, queues }) = wants.get(nic).copied() else { return Ok(Vec::new()) };
    let opened = (queues..2 * queues).map(|at| {
        let file = edge::write::open_device(VHOST).map_err(|e| {
            let reason =
                format!("vhost=on: opening {VHOST}: {e}; load vhost_net, join its group, or set vhost=off");
            NetworkError::Refused(reason)
        })?;
        Ok(Inherited::new(file, queue(wants, nic, at)))
    });
    opened.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_of_every_nic_has_a_descriptor_of_its_own_that_is_the_same_in_each_boot() {
        let nic = |queues, vhost| NicWiring { queues, vhost };
        assert_eq!(netdev("net0", &[nic(1, false)], 0), "tap,id=net0,fd=200");
        let two = [nic(1, true), nic(3, true), nic(1, false)];
        assert_eq!(netdev("net0", &two, 0), "tap,id=net0,fd=200,vhost=on,vhostfd=201");
        let several = "tap,id=net1,fds=202:203:204,vhost=on,vhostfds=205:206:207";
        assert_eq!(netdev("net1", &two, 1), several);
        assert_eq!(netdev("net2", &two, 2), "tap,id=net2,fd=208");
    }
}
