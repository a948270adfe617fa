//! The data disk that is made for a boot: what it is, its file, and QEMU's arguments for it.
//!
//! The file is made anew for every boot, so that all begin alike, and its name is taken away as soon as QEMU has opened
//! it: whatever ends perfvt, the room is free again when QEMU is gone.

mod bus;

pub use bus::{BUSES, Bus};

use super::blockdev;
use crate::deadlines::{Deadlines, Step};
use bus::Plug;
use process::{PrivateFolder, ProcessError, Spec, private_folder_in};
use std::path::{Path, PathBuf};

/// The serial number by which the guest finds the disk.
pub const SERIAL: &str = "perfvt.disk";

/// The program that makes disks.
pub const QEMU_IMG: &str = "qemu-img";

/// A data disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes.
    pub size: u64,
    /// `raw` or `qcow2`.
    pub format: &'static str,
    /// How it is plugged in.
    pub bus: Bus,
    /// qemu-img's preallocation: `off` is sparse, `full` writes every block.
    pub preallocation: &'static str,
    /// QEMU's cache mode.
    pub cache: &'static str,
    /// How QEMU submits requests.
    pub aio: &'static str,
    /// Whether an iothread of its own serves it.
    pub iothread: bool,
    /// Queues; `None` leaves them to QEMU (one for each vCPU with virtio).
    pub queues: Option<u32>,
    /// Where its file is made.
    pub dir: PathBuf,
}

impl Disk {
    /// Whether its file grows as the guest writes.
    pub fn is_sparse(&self) -> bool {
        ["off", "metadata"].contains(&self.preallocation)
    }

    /// Makes the file in a private folder that goes with its owner.
    ///
    /// # Errors
    /// No folder, or qemu-img cannot make the file.
    pub fn make(&self, deadlines: &Deadlines) -> Result<DiskFile, DiskError> {
        self.make_with(self.preallocation, deadlines)
    }

    /// The same without its blocks, for a guest that never runs.
    ///
    /// # Errors
    /// As for [`Disk::make`].
    pub fn make_sparse(&self, deadlines: &Deadlines) -> Result<DiskFile, DiskError> {
        self.make_with("off", deadlines)
    }

    fn make_with(&self, preallocation: &str, deadlines: &Deadlines) -> Result<DiskFile, DiskError> {
        let folder = private_folder_in(&self.dir)
            .map_err(|source| DiskError::Folder { dir: self.dir.clone(), source })?;
        let path = folder.path().join("disk");
        let spec = Spec::new(QEMU_IMG)
            .args(["create", "-q", "-f", self.format, "-o", &format!("preallocation={preallocation}")])
            .arg(&path)
            .arg(self.size.to_string());
        process::run(spec, deadlines.within(Step::DataDisk))?;
        Ok(DiskFile { path, _folder: folder })
    }

    /// QEMU's arguments, pair by pair.
    pub fn arguments(&self, path: &Path) -> Vec<(&'static str, String)> {
        let node = blockdev::made("disk0", self.format, path, self.cache, self.aio);
        let mut all = vec![("-blockdev", node)];
        let mut thread = "";
        if self.iothread {
            all.push(("-object", "iothread,id=disk-io".into()));
            thread = ",iothread=disk-io";
        }
        let drive = format!("drive=disk0,serial={SERIAL}{}", blockdev::write_cache(self.cache));
        let plug = Plug { drive: &drive, queues: self.queues, thread };
        all.extend(self.bus.devices(&plug).into_iter().map(|device| ("-device", device)));
        all
    }
}

/// The file of a disk; it is gone with this.
#[derive(Debug)]
pub struct DiskFile {
    path: PathBuf,
    _folder: PrivateFolder,
}

impl DiskFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A disk that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// `disk_dir`.
    #[error("making a folder for the guest's disk in {dir}: {source}; disk_dir names another place", dir = dir.display())]
    Folder {
        /// Where.
        dir: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The image of a guest of the user's.
    #[error("reading the guest's image {image}: {source}; image names another one", image = image.display())]
    Image {
        /// Which file.
        image: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// qemu-img.
    #[error("making the guest's disk: {0}")]
    Process(#[from] ProcessError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Accel;

    fn disk(bus: &'static str) -> Disk {
        let bus = Bus::parse(bus).unwrap();
        Disk {
            size: 1 << 20,
            format: "qcow2",
            bus,
            preallocation: "off",
            cache: "none",
            aio: "native",
            iothread: bus.without_iothread().is_none(),
            queues: None,
            dir: PathBuf::from("/var/tmp"),
        }
    }

    #[test]
    fn a_disk_hangs_on_its_bus_with_its_queues_and_its_thread() {
        let line = |disk: &Disk| {
            let arguments = disk.arguments(Path::new("/a,b"));
            arguments.into_iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" ")
        };
        let virtio = line(&disk("virtio"));
        assert!(!virtio.contains("queues"), "{virtio}");
        for (bus, queues) in
            [("virtio", ",num-queues=4"), ("scsi", ",num_queues=4"), ("nvme", ",max_ioqpairs=4")]
        {
            assert!(line(&Disk { queues: Some(4), ..disk(bus) }).contains(queues), "{bus}");
        }
        assert!(virtio.contains(r#""filename":"/a,b""#) && virtio.contains("iothread=disk-io"), "{virtio}");
        let scsi = line(&Disk { iothread: false, ..disk("scsi") });
        assert!(scsi.contains("scsi-hd,bus=scsi0.0") && !scsi.contains("iothread"), "{scsi}");
    }

    #[test]
    fn a_disk_is_gone_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let made = Disk { dir: dir.path().to_owned(), ..disk("virtio") };
        let file = match made.make_sparse(&Deadlines::usual(Accel::Kvm)) {
            Ok(file) => file,
            Err(DiskError::Process(ProcessError::Start { .. })) => return, // no qemu-img on this host
            Err(other) => panic!("{other}"),
        };
        assert!(std::fs::read(file.path()).unwrap().starts_with(b"QFI"));
        drop(file);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
