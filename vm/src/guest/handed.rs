//! The files of a boot as QEMU gets them: opened. It finds images and logs in descriptor sets (`-add-fd`, `/dev/fdset/N`), its
//! sockets by number, and what it must open itself (kernel, RAM disk, firmware) behind `/proc/self/fd`. So it needs no way to
//! any of them, neither a right to their folders nor a place among the files that it may open.

use super::argv::{BootFiles, Socket};
use super::backing::Layer;
use super::confine::Confine;
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
    /// Files that QEMU opens once more, by their names on this host.
    pub(super) read: Vec<PathBuf>,
}

/// How a file is opened.
#[derive(Clone, Copy)]
enum Use {
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
        let (guest, files) = (guest.clone(), files.clone());
        let mut handed = Handed { guest, files, open: Vec::new(), read: Vec::new() };
        handed.start()?;
        handed.disks()?;
        if talks {
            handed.files.serial = handed.set(&handed.files.serial.clone(), Use::Log)?;
            handed.files.qmp = handed.listen(&handed.files.qmp.clone())?;
            handed.files.screen = handed.set(&handed.files.screen.clone(), Use::Log)?;
            if handed.guest.way().is_none_or(|way| !way.is_ssh()) {
                handed.files.channel = handed.listen(&handed.files.channel.clone())?;
            }
            if handed.guest.listens {
                handed.files.debug = handed.set(&handed.files.debug.clone(), Use::Log)?;
            }
        }
        Ok(handed)
    }

    /// What the guest starts from.
    fn start(&mut self) -> Result<(), GuestError> {
        let mut guest = self.guest.clone();
        match &mut guest.source {
            Source::Builtin(_) => {
                self.files.kernel = self.again(&self.files.kernel.clone())?;
                self.files.initramfs = self.again(&self.files.initramfs.clone())?;
            }
            Source::Own(own) => {
                for file in [&mut own.kernel, &mut own.initrd, &mut own.firmware].into_iter().flatten() {
                    *file = self.again(file)?;
                }
                self.files.overlay = self.set(&self.files.overlay.clone(), Use::Write)?;
                for Layer { file, data, .. } in &mut own.chain.layers {
                    *file = self.set(file, Use::Read)?;
                    if let Some(data) = data {
                        *data = self.set(data, Use::Read)?;
                    }
                }
            }
        }
        self.guest = guest;
        Ok(())
    }

    fn disks(&mut self) -> Result<(), GuestError> {
        let (tools, data, brought) =
            (self.guest.disks.tools, self.guest.disks.data.is_some(), self.guest.disks.brought);
        if tools {
            self.files.tools = self.set(&self.files.tools.clone(), Use::Read)?;
        }
        if data {
            self.files.data = self.set(&self.files.data.clone(), Use::Write)?;
        }
        if brought {
            self.files.brought = self.set(&self.files.brought.clone(), Use::Read)?;
        }
        Ok(())
    }

    fn hand(&mut self, file: impl Into<OwnedFd>) -> RawFd {
        let number = FIRST.saturating_add(RawFd::try_from(self.open.len()).unwrap_or(RawFd::MAX));
        self.open.push(Inherited::new(file, number));
        number
    }

    /// A file in a set of its own, which has the number of the descriptor.
    fn set(&mut self, path: &Path, of: Use) -> Result<PathBuf, GuestError> {
        let file = match of {
            Use::Read => edge::read::open_disk(path),
            Use::Write => edge::write::open_disk(path),
            Use::Log => edge::write::create(path),
        };
        let number = self.hand(file.map_err(failed("opening", path))?);
        self.files.sets.push((number, path.to_owned()));
        Ok(PathBuf::from(format!("/dev/fdset/{number}")))
    }

    /// A file that QEMU opens once more. One that is not for everybody's eyes is copied into memory for a QEMU that is
    /// nobody.
    fn again(&mut self, path: &Path) -> Result<PathBuf, GuestError> {
        let copied = || -> io::Result<File> {
            let mut file = edge::read::open(path)?;
            if self.guest.confine < Confine::User || file.metadata()?.permissions().mode() & 0o004 != 0 {
                return Ok(file);
            }
            let mut copy = File::from(memfd_create(c"perfvt", MemfdFlags::CLOEXEC)?);
            io::copy(&mut file, &mut copy)?;
            Ok(copy)
        };
        let number = self.hand(copied().map_err(failed("opening", path))?);
        self.read.push(path.to_owned());
        Ok(PathBuf::from(format!("/proc/self/fd/{number}")))
    }

    /// A socket on which QEMU waits for perfvt.
    fn listen(&mut self, socket: &Socket) -> Result<Socket, GuestError> {
        let Socket::Path(path) = socket else { return Ok(socket.clone()) };
        let listener = UnixListener::bind(path).map_err(failed("making the socket", path))?;
        Ok(Socket::Descriptor(self.hand(listener)))
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GuestError {
    move |source| GuestError::Io { doing, path: path.to_owned(), source }
}
