//! A disk of virtio-scsi. Queues and thread are the controller's.

use super::{Own, Plug};

pub(super) struct Scsi;

impl Own for Scsi {
    fn devices(&self, of: &Plug<'_>) -> Vec<String> {
        vec![
            format!("virtio-scsi-pci,id=scsi{}{}{}", of.index, of.queues("num_queues"), of.thread),
            format!("scsi-hd,bus=scsi{}.0,{}", of.index, of.drive),
        ]
    }
}
