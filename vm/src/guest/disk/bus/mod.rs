//! How a data disk is plugged in: one file for each bus, and one line in the table below.

mod nvme;
mod scsi;
mod virtio;

kinds! {
    /// What the device of a data disk is; the guest's own program finds the disk by its word as well.
    enum Bus,
    /// What `disk_bus` may be, as people read it.
    const BUSES = [];
    Virtio "virtio" virtio::Virtio: "virtio-blk.";
    Scsi "scsi" scsi::Scsi: "A disk of virtio-scsi.";
    Nvme "nvme" nvme::Nvme: "NVMe.";
}

/// What is a bus's own.
trait Own: Sync {
    /// Why an iothread of its own cannot serve it, if so.
    fn without_iothread(&self) -> Option<&'static str> {
        None
    }

    /// Whether it can be told to leave errors to the guest, instead of pausing it.
    fn tells_errors(&self) -> bool {
        true
    }

    /// The values of `-device`, in order.
    fn devices(&self, of: &Plug<'_>) -> Vec<String>;
}

/// What a disk is plugged in with.
pub(super) struct Plug<'a> {
    /// What the device is told of its drive: which one, its serial number, its cache.
    pub(super) drive: &'a str,
    /// Queues; `None` leaves them to QEMU.
    pub(super) queues: Option<u32>,
    /// `,iothread=ID`, or nothing.
    pub(super) thread: &'a str,
    /// Which disk of its guest it is, from 0.
    pub(super) index: usize,
}

impl Plug<'_> {
    /// Queues, by the name that a device has for them.
    fn queues(&self, name: &str) -> String {
        self.queues.map_or(String::new(), |n| format!(",{name}={n}"))
    }
}

impl Bus {
    /// Why an iothread of its own cannot serve it, if so.
    pub fn without_iothread(self) -> Option<&'static str> {
        self.own().without_iothread()
    }

    pub(super) fn tells_errors(self) -> bool {
        self.own().tells_errors()
    }

    pub(super) fn devices(self, plug: &Plug<'_>) -> Vec<String> {
        self.own().devices(plug)
    }
}
