//! NVMe, which counts a pair of queues as one.

use super::{Own, Plug};

pub(super) struct Nvme;

impl Own for Nvme {
    fn without_iothread(&self) -> Option<&'static str> {
        Some("QEMU's NVMe device has no iothread")
    }

    // It has no such option, and leaves errors to the guest.
    fn tells_errors(&self) -> bool {
        false
    }

    fn devices(&self, of: &Plug<'_>) -> Vec<String> {
        vec![format!("nvme,{}{}", of.drive, of.queues("max_ioqpairs"))]
    }
}
