//! The files of a boot as QEMU gets them: opened. It finds images and logs in descriptor sets (`-add-fd`, `/dev/fdset/N`), its
//! sockets by number, and what it must open itself (kernel, RAM disk, firmware) behind `/proc/self/fd`. So it needs no way to
//! any of them, neither a right to their folders nor a place among the files that it may open.

use super::argv::{BootFiles, Data, Socket};
use super::backing::Layer;
use super::confine::Confine;
use super::disk::{At, Disk};
use super::error::GuestError;
use super::spec::{GuestSpec, Source};
use process::Inherited;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The number of the first one in QEMU. Those of NICs come behind ([`super::network`]).
const FIRST: RawFd = 100;

/// Files that are open for a QEMU, and how it is told of them.
#[derive(Debug)]
pub(super) struct Handed {
    /// The guest, with the files of the user's by the names that QEMU has for them.
    pub(super) guest: GuestSpec,
    /// The files of the boot by these names.
    pub(super) files: BootFiles,
    /// What QEMU inherits.
    pub(super) open: Vec<Inherited>,
    /// That of these that it draws its screen to.
    pub(super) screen: Option<Inherited>,
    /// Files that QEMU opens once more, by their names on this host.
    pub(super) read: Vec<PathBuf>,
}

/// How a file is opened.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// A disk that is read.
    Read,
    /// A disk that is read and written.
    Write,
    /// A log, which is made.
    Log,
}

impl Handed {
    /// Opens the files of a boot; `talks`: perfvt talks to QEMU and logs its console, which else has the terminal.
    pub(super) fn open(guest: &GuestSpec, files: &BootFiles, talks: bool) -> Result<Handed, GuestError> {
        let (mut guest, mut files) = (guest.clone(), files.clone());
        let mut hands = Hands::new(guest.confine);
        match &mut guest.source {
            Source::Builtin(_) => {
                hands.again(&mut files.kernel)?;
                hands.again(&mut files.initramfs)?;
            }
            Source::Own(own) => {
                for file in [&mut own.kernel, &mut own.initrd, &mut own.firmware].into_iter().flatten() {
                    hands.again(file)?;
                }
                hands.set(&mut files.overlay, Use::Write)?;
                for cdrom in &mut own.cdroms {
                    hands.set(&mut cdrom.file, Use::Read)?;
                }
                let layers = own.chain.layers.iter_mut();
                for file in layers.flat_map(|Layer { file, data, .. }| [Some(file), data.as_mut()]).flatten()
                {
                    hands.set(file, Use::Read)?;
                }
            }
        }
        let disks = &mut guest.disks;
        if disks.tools {
            hands.set(&mut files.tools, Use::Read)?;
        }
        for (disk, data) in disks.data.iter_mut().zip(&mut files.data) {
            hands.disk(disk, data)?;
        }
        if disks.brought {
            hands.set(&mut files.brought, Use::Read)?;
        }
        if disks.seed {
            hands.set(&mut files.seed, Use::Read)?;
        }
        if disks.output.is_some() {
            hands.set(&mut files.job, Use::Read)?;
            hands.set(&mut files.output, Use::Write)?;
        }
        let mut screen = None;
        if talks {
            hands.set(&mut files.serial, Use::Log)?;
            hands.listen(&mut files.qmp)?;
            hands.set(&mut files.screen, Use::Log)?;
            screen = hands.open.last().cloned();
            if guest.way().is_none_or(|way| !way.is_ssh() && !way.is_seen()) {
                hands.listen(&mut files.channel)?;
            }
            if guest.listens {
                hands.set(&mut files.debug, Use::Log)?;
            }
        }
        let Hands { open, sets, read, .. } = hands;
        files.sets = sets;
        Ok(Handed { guest, files, open, screen, read })
    }
}

/// What has been opened so far. Each function puts the name that QEMU has for it in the place of a file's own.
#[derive(Default)]
pub(super) struct Hands {
    confine: Confine,
    /// What QEMU inherits.
    pub(super) open: Vec<Inherited>,
    /// The sets in which it finds files, with their names on this host.
    pub(super) sets: Vec<(RawFd, PathBuf)>,
    /// Files that it opens once more.
    pub(super) read: Vec<PathBuf>,
}

impl Hands {
    /// For a QEMU that is confined so.
    pub(super) fn new(confine: Confine) -> Hands {
        Hands { confine, ..Hands::default() }
    }

    fn hand(&mut self, file: impl Into<OwnedFd>) -> RawFd {
        let number = FIRST.saturating_add(RawFd::try_from(self.open.len()).unwrap_or(RawFd::MAX));
        self.open.push(Inherited::new(file, number));
        number
    }

    /// A file in a set of its own, which has the number of the descriptor.
    pub(super) fn set(&mut self, path: &mut PathBuf, of: Use) -> Result<(), GuestError> {
        let file = match of {
            Use::Read => edge::read::open_disk(&*path),
            Use::Write => edge::write::open_disk(&*path),
            Use::Log => edge::write::create(&*path),
        };
        let number = self.hand(file.map_err(failed("opening", path))?);
        let opened = std::mem::replace(path, PathBuf::from(format!("/dev/fdset/{number}")));
        self.sets.push((number, opened));
        Ok(())
    }

    /// A file that QEMU opens once more. One that is not for everybody's eyes is copied into memory for a QEMU that is
    /// nobody.
    pub(super) fn again(&mut self, path: &mut PathBuf) -> Result<(), GuestError> {
        let copied = || -> io::Result<File> {
            let mut file = edge::read::open(&*path)?;
            if self.confine < Confine::User || file.metadata()?.permissions().mode() & 0o004 != 0 {
                return Ok(file);
            }
            let mut copy = File::from(memfd_create(c"perfvt", MemfdFlags::CLOEXEC)?);
            io::copy(&mut file, &mut copy)?;
            Ok(copy)
        };
        let file = copied().map_err(failed("opening", path))?;
        let number = self.hand(file);
        let opened = std::mem::replace(path, PathBuf::from(format!("/proc/self/fd/{number}")));
        self.read.push(opened);
        Ok(())
    }

    /// A data disk: its file, or a connection to its server, and the password for one that QEMU connects to.
    fn disk(&mut self, disk: &mut Disk, data: &mut Data) -> Result<(), GuestError> {
        let connection = disk.connect(&data.path).map_err(|source| GuestError::Io {
            doing: "connecting to the server of the guest's disk,",
            path: PathBuf::from(disk.at.describe().unwrap_or_default()),
            source,
        })?;
        data.connection = connection.map(|socket| self.hand(socket));
        match &mut disk.at {
            At::File => self.set(&mut data.path, Use::Write),
            At::Device(device) => {
                self.set(&mut data.path, if device.writes { Use::Write } else { Use::Read })
            }
            At::Remote(remote) => remote.login.as_mut().map_or(Ok(()), |(_, file)| self.again(file)),
            At::Served(_) => Ok(()),
        }
    }

    /// A socket on which QEMU waits for perfvt.
    pub(super) fn listen(&mut self, socket: &mut Socket) -> Result<(), GuestError> {
        if let Socket::Path(path) = socket {
            let listener = UnixListener::bind(&*path).map_err(failed("making the socket", path))?;
            *socket = Socket::Descriptor(self.hand(listener));
        }
        Ok(())
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GuestError {
    move |source| GuestError::Io { doing, path: path.to_owned(), source }
}
