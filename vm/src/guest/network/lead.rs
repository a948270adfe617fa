//! A way for programs of this host to guests at perfvt's own switch: a tap in a network namespace of its own, and a process that
//! carries frames between it and a port of the switch.
//!
//! It notes what a guest sends in TCP segments, by this host's clock. So whoever reads that sees when a stream stood, whatever the
//! clocks of both ends say: the guest's stands with it while it moves to another QEMU.

use super::ip::ip;
use super::switched::program;
use super::{Address, Mac, NetworkError};
use model::Moment;
use process::{Inherited, Namespace, Running, Sink, Spec, taken_over};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

/// The hidden first argument with which perfvt carries frames in a process of its own.
pub const LEAD_VERB: &str = "__lead";

/// The descriptors of that process: its tap, and the end of a cable.
const TAP: RawFd = 100;
const CABLE: RawFd = 101;

/// What the tap is called in its namespace.
const DEVICE: &str = "eth0";
/// virtio's header before each frame of a tap (`struct virtio_net_hdr`), all zeros where nothing is left to others.
const HEADER: usize = 10;
/// The longest frame, with its header.
const LONGEST: usize = 65_536 + HEADER;
/// Segments that come within this time of one another are one line.
const TOGETHER_NS: u64 = 2_000_000;

/// What a guest sent in TCP segments, without a break of more than two milliseconds, by this host's time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// When the first segment came, nanoseconds since the epoch.
    pub from_ns: u64,
    /// When the last one came.
    pub to_ns: u64,
    /// Bytes of data in them; what was sent twice is counted twice.
    pub bytes: u64,
}

impl Carried {
    /// Reads a line of what was noted: `FROM_NS TO_NS BYTES`.
    pub fn parse(line: &str) -> Option<Carried> {
        let mut words = line.split(' ').map(str::parse);
        let mut next = || words.next()?.ok();
        let carried = Carried { from_ns: next()?, to_ns: next()?, bytes: next()? };
        (words.next().is_none() && carried.from_ns <= carried.to_ns).then_some(carried)
    }
}

/// A way that is open. It closes with this.
#[derive(Debug)]
pub(super) struct Lead {
    pub(super) namespace: Arc<Namespace>,
    _process: Running,
}

impl Lead {
    /// Opens it over the end of a cable, with an address in the guests' network; what is carried is noted in a file.
    ///
    /// # Errors
    /// This host lets nobody make a namespace or a tap, or the program is not perfvt itself.
    pub(super) fn open(
        end: &Arc<OwnedFd>,
        address: Address,
        mtu: u32,
        noted: &Path,
    ) -> Result<Lead, NetworkError> {
        let nobody =
            || NetworkError::Refused("only perfvt itself leads programs to a switch of its own".into());
        let program = program().ok_or_else(nobody)?;
        let namespace = Namespace::create().map(Arc::new).map_err(|e| NetworkError::NoLead(e.to_string()))?;
        let open = vec![Inherited::tap(DEVICE, false, TAP), Inherited::shared(end, CABLE)];
        let spec = Spec::new(program).arg(LEAD_VERB).namespace(Some(&namespace)).inherit(open);
        let spec = spec.stdout(Sink::File(noted.to_owned())).stderr(Sink::Capture);
        let process = spec.start().map_err(|e| NetworkError::NoLead(e.to_string()))?;
        let (mac, mtu) = (Mac::LEAD.to_string(), mtu.to_string());
        let inside =
            |args: &[&str]| ip(Some(&namespace), args).map_err(|e| NetworkError::NoLead(e.to_string()));
        inside(&["link", "set", "dev", "lo", "up"])?;
        inside(&["link", "set", "dev", DEVICE, "address", &mac])?;
        inside(&["link", "set", "dev", DEVICE, "mtu", &mtu])?;
        inside(&["address", "add", &address.to_string(), "dev", DEVICE])?;
        inside(&["link", "set", "dev", DEVICE, "up"])?;
        Ok(Lead { namespace, _process: process })
    }
}

/// What perfvt does when it is started with [`LEAD_VERB`]: it carries until it is killed, or an end is gone, and writes what it notes
/// to standard output.
///
/// # Errors
/// It was started by somebody else, or cannot write.
pub fn lead_main(out: &mut dyn Write) -> io::Result<()> {
    let mut all = taken_over([TAP, CABLE])?.into_iter();
    let (Some(tap), Some(cable)) = (all.next(), all.next()) else { return Ok(()) };
    carry(&tap, &cable, out)
}

fn carry(tap: &OwnedFd, cable: &OwnedFd, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    let mut notes = Notes::default();
    loop {
        let mut fds = [PollFd::new(tap, PollFlags::IN), PollFd::new(cable, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [of_tap, of_cable] = fds.map(|fd| !fd.revents().is_empty());
        if of_tap {
            let length = rustix::io::read(tap, &mut buffer)?;
            // One that finds the cable full waits, as on any slow link.
            match send(cable, buffer.get(HEADER..length).unwrap_or_default(), SendFlags::NOSIGNAL) {
                Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::NOBUFS) => {}
                Err(_) => return Ok(()),
            }
        }
        if of_cable {
            let room = buffer.get_mut(HEADER..).unwrap_or_default();
            let length = match recv(cable, room, RecvFlags::DONTWAIT) {
                Ok((_, length)) => length,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                Err(_) => return Ok(()),
            };
            let frame = buffer.get(HEADER..HEADER + length).unwrap_or_default();
            if let Some(bytes) = segment(frame) {
                notes.add(Moment::now().unix_ns, bytes, out)?;
            }
            buffer.get_mut(..HEADER).unwrap_or_default().fill(0);
            give(tap.as_fd(), buffer.get(..HEADER + length).unwrap_or_default())?;
        }
    }
}

/// Writes a frame to the tap, which takes none before it is up.
fn give(tap: std::os::fd::BorrowedFd<'_>, frame: &[u8]) -> io::Result<()> {
    match rustix::io::write(tap, frame) {
        Ok(_) | Err(rustix::io::Errno::IO | rustix::io::Errno::INVAL | rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What was heard and is not written yet.
#[derive(Debug, Default)]
struct Notes {
    last: Option<Carried>,
}

impl Notes {
    fn add(&mut self, at: u64, bytes: u64, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.last {
            // A stream without a break gets a line for each of these times, too.
            Some(last) if at.saturating_sub(last.from_ns) <= TOGETHER_NS => {
                (last.to_ns, last.bytes) = (last.to_ns.max(at), last.bytes.saturating_add(bytes));
            }
            last => {
                if let Some(Carried { from_ns, to_ns, bytes }) = last.take() {
                    writeln!(out, "{from_ns} {to_ns} {bytes}")?;
                    out.flush()?;
                }
                *last = Some(Carried { from_ns: at, to_ns: at, bytes });
            }
        }
        Ok(())
    }
}

/// Bytes of data in a frame, where it is a TCP segment over IPv4 (RFC 791, RFC 9293).
fn segment(frame: &[u8]) -> Option<u64> {
    const TCP: u8 = 6;
    let head = frame.get(14..).filter(|_| frame.get(12..14) == Some(&[0x08, 0x00]))?;
    let words = usize::from(head.first()? & 0xf);
    if head.first()? >> 4 != 4 || *head.get(9)? != TCP {
        return None;
    }
    let length = usize::from(u16::from_be_bytes(head.get(2..4)?.first_chunk().copied()?));
    let offset = usize::from(head.get(words * 4 + 12)? >> 4);
    length.checked_sub(words * 4 + offset * 4).map(|bytes| bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of a protocol with so many bytes of data behind a head of 20 and one of 32.
    fn frame(protocol: u8, data: usize) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend(u16::try_from(20 + 32 + data).unwrap().to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        frame.extend([0; 8 + 12]);
        frame.extend([0x80; 20]);
        frame.resize(frame.len() + data, 7);
        frame
    }

    #[test]
    fn data_of_segments_are_counted_and_nothing_else() {
        assert_eq!(segment(&frame(6, 1448)), Some(1448));
        assert_eq!(segment(&frame(6, 0)), Some(0));
        assert_eq!(segment(&frame(17, 100)), None);
        let whole = frame(6, 10);
        for length in 0..14 + 20 + 13 {
            assert_eq!(segment(&whole[..length]), None, "{length}");
        }
        assert_eq!(segment(&[0xff; 200]), None);
    }

    #[test]
    fn what_comes_together_is_one_line_and_a_break_is_seen_between_two() {
        let (mut notes, mut out) = (Notes::default(), Vec::new());
        for (at, bytes) in [(1_000_000, 5), (1_500_000, 6), (9_000_000, 7), (20_000_000, 1)] {
            notes.add(at, bytes, &mut out).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "1000000 1500000 11\n9000000 9000000 7\n");
        let first = Carried { from_ns: 1_000_000, to_ns: 1_500_000, bytes: 11 };
        assert_eq!(Carried::parse("1000000 1500000 11"), Some(first));
        for odd in ["", "1 2", "1 2 3 4", "2 1 3", "a 1 2", "1 2 -3"] {
            assert_eq!(Carried::parse(odd), None, "{odd}");
        }
    }
}
