//! The data disk that is made for a boot: what it is, its file, and QEMU's arguments for it.
//!
//! The file is made anew for every boot, so that all begin alike, and its name is taken away as soon as QEMU has opened
//! it: whatever ends perfvt, the room is free again when QEMU is gone.

mod at;
mod bus;
mod device;
mod nbd;
mod remote;
mod serve;

pub use at::At;
pub use bus::{BUSES, Bus};
pub use device::{Device, allow_writing};
pub use remote::{FORMS as URI_FORMS, Remote};
pub use serve::{Measured, Program, Serve};

use super::blockdev;
use super::qemu_img::QemuImg;
use crate::deadlines::{Deadlines, Step};
use bus::Plug;
use model::CpuId;
use process::deadlines::HOST_ANSWER;
use process::{PrivateFolder, ProcessError, private_folder, private_folder_in};
use serve::Server;
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// The serial number by which the guest finds the first disk; that of the second is `perfvt.disk2`.
pub const SERIAL: &str = "perfvt.disk";

/// A data disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Which one of its guest's it is, from 1.
    pub number: usize,
    /// Where its bytes are.
    pub at: At,
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
    /// What makes its file.
    pub qemu_img: QemuImg,
    /// The number by which the guest finds it, where it has one of the user's choice.
    pub own_serial: Option<String>,
}

impl Disk {
    /// Whether its file grows as the guest writes.
    pub fn is_sparse(&self) -> bool {
        ["off", "metadata"].contains(&self.preallocation)
    }

    /// The number by which the guest finds it.
    pub fn serial(&self) -> String {
        if let Some(own) = &self.own_serial {
            return own.clone();
        }
        if self.number > 1 { format!("{SERIAL}{}", self.number) } else { SERIAL.to_owned() }
    }

    /// What stands for its file, or its server's socket, before it is made: a name in a folder that is called BOOT.
    pub(super) fn for_people(&self) -> PathBuf {
        match &self.at {
            At::Device(device) => device.path.clone(),
            _ if self.number > 1 => PathBuf::from(format!("BOOT/disk{}", self.number)),
            _ => PathBuf::from("BOOT/disk"),
        }
    }

    /// Makes its file in a private folder that goes with its owner, and starts what serves it, on these CPUs. A disk that is
    /// elsewhere is looked at.
    ///
    /// # Errors
    /// No folder, qemu-img cannot make the file, a server that does not come up or is not as slow as it is to be, or a device
    /// that is in use.
    pub fn make(&self, deadlines: &Deadlines, cpus: &[CpuId]) -> Result<DiskFile, DiskError> {
        self.make_with(self.preallocation, deadlines, cpus)
    }

    /// The same without its blocks, for a guest that never runs.
    ///
    /// # Errors
    /// As for [`Disk::make`].
    pub fn make_sparse(&self, deadlines: &Deadlines, cpus: &[CpuId]) -> Result<DiskFile, DiskError> {
        self.make_with("off", deadlines, cpus)
    }

    fn make_with(
        &self,
        preallocation: &str,
        deadlines: &Deadlines,
        cpus: &[CpuId],
    ) -> Result<DiskFile, DiskError> {
        let number = self.number;
        match &self.at {
            At::File | At::Served(_) => {}
            At::Remote(_) => {
                return Ok(DiskFile { number, path: PathBuf::new(), server: None, folders: vec![] });
            }
            At::Device(device) => {
                device.check().map_err(DiskError::Device)?;
                let path = device.path.clone();
                return Ok(DiskFile { number, path, server: None, folders: vec![] });
            }
        }
        let in_dir = |dir: &Path, source| DiskError::Folder { dir: dir.to_owned(), source };
        let folder = private_folder_in(&self.dir).map_err(|source| in_dir(&self.dir, source))?;
        let path = folder.path().join("disk");
        let spec = self
            .qemu_img
            .spec()
            .args(["create", "-q", "-f", self.format, "-o", &format!("preallocation={preallocation}")])
            .arg(&path)
            .arg(self.size.to_string());
        process::run(spec, deadlines.within(Step::DataDisk))?;
        let At::Served(serve) = &self.at else {
            return Ok(DiskFile { number, path, server: None, folders: vec![folder] });
        };
        // Its name is short, as that of a socket has to be.
        let sockets = private_folder().map_err(|source| in_dir(&std::env::temp_dir(), source))?;
        let server = serve.start(self, &path, sockets.path().join("disk"), cpus)?;
        Ok(DiskFile { number, path, server: Some(server), folders: vec![folder, sockets] })
    }

    /// A connection to its server for QEMU; `None` where QEMU opens a file or connects itself. `path` is that of the socket.
    pub(super) fn connect(&self, path: &Path) -> std::io::Result<Option<OwnedFd>> {
        match &self.at {
            At::Served(_) => Ok(Some(std::os::unix::net::UnixStream::connect(path)?.into())),
            At::Remote(remote) => remote.connect(HOST_ANSWER),
            At::File | At::Device(_) => Ok(None),
        }
    }

    /// The name of its node in QEMU.
    pub fn node(&self) -> String {
        format!("disk{}", self.number.saturating_sub(1))
    }

    /// QEMU's arguments, pair by pair. `connection`: that to its server, by its number in QEMU.
    pub fn arguments(&self, path: &Path, connection: Option<RawFd>) -> Vec<(&'static str, String)> {
        let name = self.node();
        let own = if self.number > 1 { self.number.to_string() } else { String::new() };
        let below = self.at.node(path, self.aio, connection);
        // What is not made for the boot may be larger, and is refused by QEMU where it is smaller.
        let size = (!self.at.is_made()).then_some(self.size);
        let node = blockdev::data(&name, self.format, below, self.cache, (size, self.at.writes()));
        let mut all = Vec::new();
        if let At::Remote(remote) = &self.at {
            all.extend(remote.secret().map(|secret| ("-object", secret)));
        }
        all.push(("-blockdev", node));
        let mut thread = String::new();
        if self.iothread {
            all.push(("-object", format!("iothread,id=disk{own}-io")));
            thread = format!(",iothread=disk{own}-io");
        }
        let errors = if self.bus.tells_errors() { ",werror=report,rerror=report" } else { "" };
        let drive =
            format!("drive={name},serial={}{}{errors}", self.serial(), blockdev::write_cache(self.cache));
        let plug = Plug {
            drive: &drive,
            queues: self.queues,
            thread: &thread,
            index: self.number.saturating_sub(1),
        };
        all.extend(self.bus.devices(&plug).into_iter().map(|device| ("-device", device)));
        all
    }
}

/// What a disk is made of on this host; it is gone with this.
#[derive(Debug)]
pub struct DiskFile {
    number: usize,
    path: PathBuf,
    /// Before the folders that its socket and its file lie in.
    server: Option<Server>,
    folders: Vec<PrivateFolder>,
}

impl DiskFile {
    /// Which disk of its guest it is, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Where it is, or the socket of its server.
    pub fn path(&self) -> &Path {
        self.server.as_ref().map_or(&self.path, |server| &server.socket)
    }

    /// The file that was made for it and that QEMU itself opens, if it is one.
    pub fn own_file(&self) -> Option<&Path> {
        let made = self.server.is_none() && !self.folders.is_empty();
        made.then_some(self.path.as_path())
    }

    /// What was measured of its server.
    pub fn measured(&self) -> Option<Measured> {
        self.server.as_ref().map(|server| server.measured)
    }

    /// Takes its names away: QEMU and the server have it open.
    pub fn forget_names(&mut self) {
        self.folders.clear();
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
    /// A server that does not serve.
    #[error(
        "serving the guest's disk by {program}: {what}; the package {package} has it, and disk_server says which one"
    )]
    Server {
        /// The program.
        program: &'static str,
        /// Why not.
        what: String,
        /// Where it comes from.
        package: &'static str,
    },
    /// A server that is faster or slower than it is to be.
    #[error(
        "{0}; a busier host than usual, or a program that does not do it: nothing is measured on such a disk"
    )]
    Speed(String),
    /// A device that cannot be had.
    #[error("disk_device: {0}")]
    Device(String),
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
            number: 1,
            at: At::File,
            size: 1 << 20,
            format: "qcow2",
            bus,
            preallocation: "off",
            cache: "none",
            aio: "native",
            iothread: bus.without_iothread().is_none(),
            queues: None,
            dir: PathBuf::from("/var/tmp"),
            qemu_img: QemuImg::default(),
            own_serial: None,
        }
    }

    #[test]
    fn a_disk_hangs_on_its_bus_with_its_queues_and_its_thread() {
        let line = |disk: &Disk| {
            let arguments = disk.arguments(Path::new("/a,b"), None);
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
        let file = match made.make_sparse(&Deadlines::usual(Accel::Kvm), &[]) {
            Ok(file) => file,
            Err(DiskError::Process(ProcessError::Start { .. })) => return, // no qemu-img on this host
            Err(other) => panic!("{other}"),
        };
        assert!(std::fs::read(file.path()).unwrap().starts_with(b"QFI"));
        drop(file);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
