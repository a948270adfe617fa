//! Who looks at a guest from outside of it: a station at a port of perfvt's own switch that asks the guest for an echo every
//! [`EVERY`], and notes when each question left and when its answer came, by this host's clock. The guest's own clock stands
//! while it is moved, so nothing in the guest can measure that.
//!
//! Questions are ICMP echoes (RFC 792), which the guest's kernel answers: nothing has to run there. The station answers what the
//! guest asks of it: its hardware address (ARP, RFC 826) and echoes.

use super::Mac;
use super::station::{Heard, Station};
use model::Moment;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the guest is asked.
pub const EVERY: Duration = Duration::from_millis(2);
/// How long it sleeps when nothing is asked.
const IDLE: Duration = Duration::from_millis(20);
/// The most questions of one watch: two hours.
const MOST: usize = 3_600_000;
/// The longest frame that it reads whole; it has no use for the rest of a longer one.
const LONGEST: usize = 2048;

/// One question, by this host's time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// When it was sent, nanoseconds since the epoch.
    pub sent_ns: u64,
    /// When its answer came; none came to others.
    pub answered_ns: Option<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    ends: AtomicBool,
    /// The questions of the watch that goes on.
    watch: Mutex<Option<Watch>>,
}

#[derive(Debug)]
struct Watch {
    /// Tells its questions from those of the watches before.
    number: u32,
    guest: Ipv4Addr,
    probes: Vec<Probe>,
    /// When somebody said where it is, nanoseconds since the epoch.
    announced: Vec<u64>,
}

/// A station at a port of the switch. It ends with this.
#[derive(Debug)]
pub struct Observer {
    shared: Arc<Shared>,
    watches: Mutex<u32>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Puts a station with an address at the end of a cable.
    ///
    /// # Errors
    /// No thread.
    pub(super) fn start(end: Arc<OwnedFd>, ip: Ipv4Addr, mac: Mac) -> io::Result<Observer> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let named = std::thread::Builder::new().name("observer".into());
        let thread = named.spawn(move || work(&end, Station::new(ip, mac), &for_thread))?;
        Ok(Observer { shared, watches: Mutex::new(0), thread: Some(thread) })
    }

    /// Begins to ask a guest.
    pub fn watch(&self, guest: Ipv4Addr) {
        let mut watches = lock(&self.watches);
        *watches = watches.wrapping_add(1);
        *lock(&self.shared.watch) =
            Some(Watch { number: *watches, guest, probes: Vec::new(), announced: Vec::new() });
    }

    /// What was asked so far, in the order of the questions; `None` while nobody is watched.
    pub fn seen(&self) -> Option<Vec<Probe>> {
        lock(&self.shared.watch).as_ref().map(|watch| watch.probes.clone())
    }

    /// When somebody told the network where a guest is, which is done behind a move: nanoseconds since the epoch. Nothing while nobody
    /// is watched.
    pub fn announced(&self) -> Vec<u64> {
        lock(&self.shared.watch).as_ref().map(|watch| watch.announced.clone()).unwrap_or_default()
    }

    /// Asks no more, and gives what was asked.
    pub fn end_watch(&self) -> Vec<Probe> {
        lock(&self.shared.watch).take().map(|watch| watch.probes).unwrap_or_default()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// A lock whose holder panicked still holds whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(end: &OwnedFd, mut station: Station, shared: &Shared) {
    let mut next = Instant::now();
    let mut buffer = vec![0; LONGEST];
    while !shared.ends.load(Ordering::Relaxed) {
        let now = Instant::now();
        let watches = lock(&shared.watch).is_some();
        if watches && now >= next {
            ask(end, &mut station, shared);
            // One that was late asks once, not for all that it has missed.
            next = (next + EVERY).max(now);
        }
        let left = if watches { next.saturating_duration_since(Instant::now()) } else { IDLE };
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = [PollFd::new(end, PollFlags::IN)];
        // What cannot be waited for is read in vain.
        let _ = poll(&mut fds, Some(&wait));
        loop {
            let length = match recv(end, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, length)) => length,
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => break,
                // The switch is gone.
                Err(_) => return,
            };
            let at = Moment::now().unix_ns;
            match station.hear(buffer.get(..length.min(LONGEST)).unwrap_or_default()) {
                Heard::Asks(answer) => drop(put(end, &answer)),
                Heard::Answers { watch, number } => note(shared, watch, number, at),
                Heard::Announces => {
                    let mut watch = lock(&shared.watch);
                    if let Some(watch) = watch.as_mut().filter(|watch| watch.announced.len() < MOST) {
                        watch.announced.push(at);
                    }
                }
                Heard::Nothing => {}
            }
        }
    }
}

/// Sends a frame, unless there is no room for it at present.
fn put(end: &OwnedFd, frame: &[u8]) -> bool {
    send(end, frame, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).is_ok()
}

fn ask(end: &OwnedFd, station: &mut Station, shared: &Shared) {
    let mut watch = lock(&shared.watch);
    let Some(watch) = watch.as_mut().filter(|watch| watch.probes.len() < MOST) else { return };
    let number = u32::try_from(watch.probes.len()).unwrap_or(u32::MAX);
    let Some(frame) = station.echo(watch.guest, watch.number, number) else {
        // The guest has said nothing yet by which its hardware address is known.
        put(end, &station.who_has(watch.guest));
        return;
    };
    let sent_ns = Moment::now().unix_ns;
    // Where the cable is full, that is the guest's silence.
    put(end, &frame);
    watch.probes.push(Probe { sent_ns, answered_ns: None });
}

fn note(shared: &Shared, watch: u32, number: u32, at: u64) {
    let mut of = lock(&shared.watch);
    let Some(of) = of.as_mut().filter(|of| of.number == watch) else { return };
    let probe = usize::try_from(number).ok().and_then(|number| of.probes.get_mut(number));
    if let Some(probe) = probe {
        probe.answered_ns.get_or_insert(at);
    }
}
