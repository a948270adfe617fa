//! The data disk that is made for a boot: what it is, its file, and QEMU's arguments for it.
//!
//! The file is made anew for every boot, so that all begin alike, and its name is taken away as soon as QEMU has opened
//! it: whatever ends perfvt, the room is free again when QEMU is gone.

use super::blockdev;
use crate::deadlines::{Deadlines, Step};
use model::bytes;
use model::{Params, ParamsError};
use process::{PrivateFolder, ProcessError, Spec, private_folder_in};
use std::path::{Path, PathBuf};

/// The serial number by which the guest finds the disk.
pub const SERIAL: &str = "perfvt.disk";

/// The program that makes disks.
pub const QEMU_IMG: &str = "qemu-img";
const BUSES: [&str; 3] = ["virtio", "scsi", "nvme"];
const FORMATS: [&str; 2] = ["raw", "qcow2"];
const PREALLOCATIONS: [&str; 4] = ["off", "metadata", "falloc", "full"];
const CACHES: [&str; 5] = ["none", "writeback", "writethrough", "directsync", "unsafe"];
const AIOS: [&str; 3] = ["native", "threads", "io_uring"];

/// Most queues of a disk: QEMU's own bound for virtio is 1024, and its NVMe device counts in 16 bits.
const MAX_QUEUES: u32 = 1024;

/// A data disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes.
    pub size: u64,
    /// `raw` or `qcow2`.
    pub format: &'static str,
    /// `virtio`, `scsi` or `nvme`.
    pub bus: &'static str,
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
    /// The disk that parameters describe; none without a `disk_size`.
    ///
    /// # Errors
    /// Values that no disk has, or that do not go together.
    pub fn of(params: &Params) -> Result<Option<Disk>, ParamsError> {
        if params.get("disk_size").is_none_or(|size| size.trim().is_empty()) {
            return Ok(None);
        }
        let size = bytes(params.text("disk_size")?).filter(|size| size.is_multiple_of(1 << 20));
        let disk = Disk {
            size: size.ok_or_else(|| params.wrong("disk_size", "a size of whole MiB, such as 512M or 2G"))?,
            format: params.choice("disk_format", &FORMATS)?,
            bus: params.choice("disk_bus", &BUSES)?,
            preallocation: params.choice("disk_prealloc", &PREALLOCATIONS)?,
            cache: params.choice("disk_cache", &CACHES)?,
            aio: params.choice("disk_aio", &AIOS)?,
            iothread: params.switch("disk_iothread")?,
            queues: match params.get("disk_queues").is_none_or(|queues| queues.trim().is_empty()) {
                true => None,
                false => Some(params.number("disk_queues", 1u32, "a number of queues, 1 or more")?),
            },
            dir: PathBuf::from(params.text("disk_dir")?),
        };
        if disk.queues.is_some_and(|queues| queues > MAX_QUEUES) {
            return Err(params.wrong("disk_queues", &format!("a number of queues, 1 to {MAX_QUEUES}")));
        }
        if disk.aio == "native" && !["none", "directsync"].contains(&disk.cache) {
            return Err(params.wrong(
                "disk_aio",
                "threads or io_uring with this disk_cache; native needs none or directsync",
            ));
        }
        if disk.bus == "nvme" && disk.iothread {
            return Err(params.wrong("disk_iothread", "no, because QEMU's NVMe device has no iothread"));
        }
        if disk.format == "raw" && disk.preallocation == "metadata" {
            return Err(
                params.wrong("disk_prealloc", "off, falloc or full, because a raw file has no metadata")
            );
        }
        Ok(Some(disk))
    }

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
        let mut thread = String::new();
        if self.iothread {
            all.push(("-object", "iothread,id=disk-io".into()));
            thread = ",iothread=disk-io".into();
        }
        let cached = blockdev::write_cache(self.cache);
        let queues = |name: &str| self.queues.map_or(String::new(), |n| format!(",{name}={n}"));
        match self.bus {
            "scsi" => {
                let queues = queues("num_queues");
                all.push(("-device", format!("virtio-scsi-pci,id=scsi0{queues}{thread}")));
                all.push(("-device", format!("scsi-hd,bus=scsi0.0,drive=disk0,serial={SERIAL}{cached}")));
            }
            "nvme" => {
                let queues = queues("max_ioqpairs");
                all.push(("-device", format!("nvme,drive=disk0,serial={SERIAL}{cached}{queues}")));
            }
            _ => {
                let queues = queues("num-queues");
                let device = "virtio-blk-pci,drive=disk0,serial=";
                all.push(("-device", format!("{device}{SERIAL}{cached}{queues}{thread}")));
            }
        }
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
    use crate::parameters::guest;
    use model::Accel;
    use model::Origin;

    fn disk(set: &[(&str, &str)]) -> Result<Option<Disk>, ParamsError> {
        let mut params = Params::new();
        for known in guest() {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        Disk::of(&params)
    }

    #[test]
    fn a_guest_has_a_disk_when_it_is_given_a_size() {
        assert_eq!(disk(&[]), Ok(None));
        let made = disk(&[("disk_size", "512M")]).unwrap().unwrap();
        assert_eq!((made.size, made.format, made.bus, made.cache), (512 << 20, "raw", "virtio", "none"));
        let line = |set: &[(&str, &str)]| {
            let arguments = disk(set).unwrap().unwrap().arguments(Path::new("/a,b"));
            arguments.into_iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" ")
        };
        let virtio = line(&[("disk_size", "1G")]);
        assert!(!virtio.contains("queues"), "{virtio}");
        for (bus, queues) in
            [("virtio", ",num-queues=4"), ("scsi", ",num_queues=4"), ("nvme", ",max_ioqpairs=4")]
        {
            let iothread = if bus == "nvme" { "no" } else { "yes" };
            let set =
                [("disk_size", "1G"), ("disk_bus", bus), ("disk_iothread", iothread), ("disk_queues", "4")];
            assert!(line(&set).contains(queues), "{bus}");
        }
        assert!(disk(&[("disk_size", "1G"), ("disk_queues", "0")]).is_err());
        assert!(virtio.contains(r#""filename":"/a,b""#) && virtio.contains("iothread=disk-io"), "{virtio}");
        let scsi = line(&[("disk_size", "1G"), ("disk_bus", "scsi"), ("disk_iothread", "no")]);
        assert!(scsi.contains("scsi-hd,bus=scsi0.0") && !scsi.contains("iothread"), "{scsi}");
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_the_way_out() {
        let says = |set: &[(&str, &str)], text: &str| {
            let mut all = vec![("disk_size", "1G")];
            all.extend_from_slice(set);
            let error = disk(&all).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        says(&[("disk_cache", "writeback")], "native needs none or directsync");
        says(&[("disk_bus", "nvme")], "NVMe device has no iothread");
        says(&[("disk_prealloc", "metadata")], "off, falloc or full");
        says(&[("disk_format", "vmdk")], "one of raw, qcow2");
        says(&[("disk_size", "1500")], "whole MiB");
    }

    #[test]
    fn a_disk_is_gone_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().to_str().unwrap();
        let made =
            disk(&[("disk_size", "1M"), ("disk_format", "qcow2"), ("disk_dir", place)]).unwrap().unwrap();
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
