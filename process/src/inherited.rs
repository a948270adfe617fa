//! Open files that a child gets beside its input and output.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::ioctl::{Setter, ioctl, opcode};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// An open file that a child gets under a number of its own. No other child gets it.
#[derive(Clone, Debug)]
pub struct Inherited {
    source: Source,
    number: RawFd,
}

#[derive(Clone, Debug)]
enum Source {
    /// Open here.
    Open(Arc<OwnedFd>),
    /// A queue of a tap, which the child opens itself, because it belongs to the network that the child is in.
    Tap(Interface),
}

/// A request to `TUNSETIFF` (Linux, Documentation/networking/tuntap.rst): `struct ifreq` of if.h.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// `IFF_TAP | IFF_NO_PI | IFF_VNET_HDR` of linux/if_tun.h: whole Ethernet frames behind virtio's header, as QEMU opens them.
const TAP: u16 = 0x0002 | 0x1000 | 0x4000;
/// `IFF_MULTI_QUEUE`.
const MULTI_QUEUE: u16 = 0x0100;

impl Inherited {
    /// A file or a socket, and the number of its descriptor in the child.
    pub fn new(file: impl Into<OwnedFd>, number: RawFd) -> Inherited {
        Inherited { source: Source::Open(Arc::new(file.into())), number }
    }

    /// The same of one that others get, too.
    pub fn shared(file: &Arc<OwnedFd>, number: RawFd) -> Inherited {
        Inherited { source: Source::Open(Arc::clone(file)), number }
    }

    /// Lets whoever writes to the file begin again at its beginning: who inherits it, and copies of that, have one place in it together.
    ///
    /// # Errors
    /// It is no file that has a beginning.
    pub fn rewind(&self) -> io::Result<()> {
        match &self.source {
            Source::Open(file) => {
                rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0)).map(drop).map_err(Into::into)
            }
            Source::Tap(_) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }

    /// A queue of a tap with a name of at most 15 characters, made in the network of the child when it is not there yet, and
    /// gone with its last queue. `several`: it has more than one.
    pub fn tap(name: &str, several: bool, number: RawFd) -> Inherited {
        let mut interface =
            Interface { name: [0; 16], flags: TAP | if several { MULTI_QUEUE } else { 0 }, rest: [0; 22] };
        for (to, from) in interface.name.iter_mut().take(15).zip(name.bytes()) {
            *to = from;
        }
        Inherited { source: Source::Tap(interface), number }
    }

    /// What handing it over does, for a message.
    pub(super) fn what(&self) -> String {
        match &self.source {
            Source::Open(file) => {
                let number = file.as_raw_fd();
                let name = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap_or_default();
                format!("handing {} over as descriptor {}", name.display(), self.number)
            }
            Source::Tap(interface) => {
                let name: Vec<u8> = interface.name.into_iter().take_while(|byte| *byte != 0).collect();
                format!("opening the tap {} (/dev/net/tun)", String::from_utf8_lossy(&name))
            }
        }
    }

    /// Gives it to the calling process. Only for a child between fork and exec.
    pub(super) fn hand_over(&self) -> io::Result<()> {
        match &self.source {
            Source::Open(file) => keep(file.as_fd(), self.number),
            Source::Tap(interface) => keep(tap(*interface)?.as_fd(), self.number),
        }
    }
}

/// Takes over descriptors that this process was started with, by their numbers, as [`Inherited`] promised them: for a child that is
/// perfvt itself. Each may be taken once, before anything else is opened.
///
/// # Errors
/// One of them is not open.
#[allow(unsafe_code)]
pub fn taken_over(numbers: impl IntoIterator<Item = RawFd>) -> io::Result<Vec<OwnedFd>> {
    let take = |number: RawFd| {
        let unknown = |error| io::Error::new(error, format!("descriptor {number} was not handed over"));
        // SAFETY: it is only asked after.
        let borrowed = unsafe { BorrowedFd::borrow_raw(number.max(0)) };
        // Nobody that is started from here gets it; a number that is not open is refused.
        fcntl_setfd(borrowed, FdFlags::CLOEXEC).map_err(|errno| unknown(io::Error::from(errno).kind()))?;
        // SAFETY: it is open, and whoever started this process meant it for the one who asks for it by its number.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    };
    numbers.into_iter().map(take).collect()
}

fn keep(file: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    // The first free number from the wanted one on: nothing that is open is lost, the pipe that tells of a failed exec
    // least of all.
    let copy = fcntl_dupfd_cloexec(file, number)?;
    if copy.as_raw_fd() != number {
        return Err(io::Error::from(rustix::io::Errno::BUSY));
    }
    fcntl_setfd(&copy, FdFlags::empty())?;
    // It stays open for the program that is about to run.
    let _ = copy.into_raw_fd();
    Ok(())
}

/// Opens a queue of a tap.
#[allow(unsafe_code)]
fn tap(interface: Interface) -> io::Result<OwnedFd> {
    const SET_INTERFACE: rustix::ioctl::Opcode = opcode::write::<i32>(b'T', 202);
    let tun = open(c"/dev/net/tun", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    // SAFETY: TUNSETIFF reads a `struct ifreq`, which `Interface` is; its number names an int all the same.
    unsafe { ioctl(&tun, Setter::<SET_INTERFACE, Interface>::new(interface)) }?;
    Ok(tun)
}
