//! virtio-blk.

use super::{Own, Plug};

pub(super) struct Virtio;

impl Own for Virtio {
    fn devices(&self, of: &Plug<'_>) -> Vec<String> {
        vec![format!("virtio-blk-pci,{}{}{}", of.drive, of.queues("num-queues"), of.thread)]
    }
}
