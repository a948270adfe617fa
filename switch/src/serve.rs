//! The switch at work: one thread that waits for all sockets at once, and sleeps for no single frame.

use crate::core::{Core, LONGEST};
use crate::talk::{Ask, Told, asked, say};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Instant;

/// So many frames are taken from a port before others have their turn.
const TURN: usize = 32;

/// Serves ports until nobody holds the other end of `control` any more. What is asked first there is its plan.
///
/// # Errors
/// No plan, or one that has another number of ports than there are sockets; what the kernel says.
pub fn serve(sockets: &[UnixDatagram], control: &UnixStream) -> io::Result<()> {
    let Some(first) = asked(control)? else { return Ok(()) };
    let Ask::Plan(plan) = first else {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "a switch was asked something before it had a plan",
        ));
    };
    if plan.ports.len() != sockets.len() {
        let text = format!("a switch with {} ports was given {} sockets", plan.ports.len(), sockets.len());
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    for socket in sockets {
        socket.set_nonblocking(true)?;
    }
    let mut at_work = AtWork {
        core: Core::new(&plan),
        sockets,
        full: vec![false; sockets.len()],
        dead: vec![false; sockets.len()],
        started: Instant::now(),
        buffer: vec![0; LONGEST + 1],
    };
    say(control, &at_work.told(None))?;
    while at_work.round(control)? {}
    Ok(())
}

struct AtWork<'a> {
    core: Core,
    sockets: &'a [UnixDatagram],
    /// Sockets that take nothing at present.
    full: Vec<bool>,
    /// Sockets of which there will be nothing any more.
    dead: Vec<bool>,
    started: Instant,
    /// A byte longer than the longest frame, so that one that is too long is seen.
    buffer: Vec<u8>,
}

impl AtWork<'_> {
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Delivers what is due, waits for what comes next, and takes it. False when there is nobody any more.
    fn round(&mut self, control: &UnixStream) -> io::Result<bool> {
        let now = self.now();
        for port in 0..self.sockets.len() {
            self.deliver(port, now);
        }
        let (waiting, events) = self.wait(control)?;
        let Some((asks, of_ports)) = events.split_first() else { return Ok(true) };
        let now = self.now();
        for (port, flags) in waiting.into_iter().zip(of_ports) {
            if flags.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::HUP)
                && let Some(full) = self.full.get_mut(port)
            {
                *full = false;
            }
            if flags.intersects(PollFlags::IN | PollFlags::ERR | PollFlags::HUP) {
                self.take(port, now);
            }
        }
        if asks.is_empty() { Ok(true) } else { self.answer(control) }
    }

    /// Waits until a frame is due, a socket has something or takes something, or something is asked.
    fn wait(&mut self, control: &UnixStream) -> io::Result<(Vec<usize>, Vec<PollFlags>)> {
        let now = self.now();
        let mut fds = vec![PollFd::new(control, PollFlags::IN)];
        let (mut ports, mut until) = (Vec::new(), None::<u64>);
        for (port, socket) in self.sockets.iter().enumerate() {
            let is = |list: &[bool]| list.get(port).copied().unwrap_or_default();
            if is(&self.dead) {
                continue;
            }
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, !self.core.waits(port, now));
            flags.set(PollFlags::OUT, is(&self.full));
            if !is(&self.full) {
                until = [until, self.core.next(port)].into_iter().flatten().min();
            } else {
                // Somebody who waits for it is let go when it has taken nothing for long.
                until = [until, Some(now.saturating_add(crate::line::STUCK_NS))].into_iter().flatten().min();
            }
            fds.push(PollFd::new(socket, flags));
            ports.push(port);
        }
        let left = until.map(|until| until.saturating_sub(now));
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(left % 1_000_000_000).unwrap_or_default(),
        });
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok((ports, fds.iter().map(PollFd::revents).collect()))
    }

    fn deliver(&mut self, port: usize, now: u64) {
        let Some(socket) = self.sockets.get(port) else { return };
        if self.full.get(port).copied().unwrap_or(true) {
            return;
        }
        while let Some(frame) = self.core.due(port, now) {
            match socket.send(frame) {
                Ok(_) => self.core.sent(port),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.core.full(port, now);
                    if let Some(full) = self.full.get_mut(port) {
                        *full = true;
                    }
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.core.refused(port),
            }
        }
    }

    fn take(&mut self, port: usize, now: u64) {
        let Some(socket) = self.sockets.get(port) else { return };
        for _ in 0..TURN {
            match socket.recv(&mut self.buffer) {
                Ok(length) => self.core.take(port, self.buffer.get(..length).unwrap_or_default(), now),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    let gone = error.kind() != ErrorKind::WouldBlock;
                    if let Some(dead) = self.dead.get_mut(port).filter(|_| gone) {
                        *dead = true;
                    }
                    return;
                }
            }
            if self.core.waits(port, now) {
                return;
            }
        }
    }

    fn answer(&mut self, control: &UnixStream) -> io::Result<bool> {
        let error = match asked(control) {
            Ok(None) => return Ok(false),
            Ok(Some(Ask::Counters)) => None,
            Ok(Some(Ask::Shape { port, shape })) => {
                let known = self.core.reshape(port, shape);
                (!known).then(|| format!("there is no port {port}"))
            }
            Ok(Some(Ask::Plan(_))) => Some("it has a plan already".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        say(control, &self.told(error))?;
        Ok(true)
    }

    fn told(&self, error: Option<String>) -> Told {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let seconds = u64::try_from(used.tv_sec).unwrap_or_default();
        let cpu_ns = seconds.saturating_mul(1_000_000_000).saturating_add(used.tv_nsec as u64);
        Told { ports: self.core.counters(), cpu_ns, error }
    }
}
