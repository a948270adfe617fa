//! A link of a given rate and delay between two QEMUs: it takes the connections of one, and carries what they send to the other as
//! late and as slowly as the link is. All connections share its rate, as those of a cable do.

use crate::guest::migration::Route;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So much is taken from a connection at a time.
const PIECE: usize = 16 << 10;
/// So many pieces may wait for a link beside those that its delay keeps on their way.
const BACKLOG: u64 = 16;
/// The most pieces on their way: 64 MiB.
const MOST: u64 = 4096;

/// A link in both directions, which several ways between two QEMUs may have in common.
#[derive(Clone, Debug)]
pub(super) struct Link([Arc<Direction>; 2]);

impl Link {
    /// The one that a route describes.
    pub(super) fn of(route: Route) -> Link {
        match route {
            Route::Unix => Link::new(0, Duration::ZERO),
            Route::Tcp { rate, delay } => Link::new(rate, delay),
        }
    }

    fn new(rate: u64, delay: Duration) -> Link {
        Link([(); 2].map(|()| Arc::new(Direction::new(rate, delay))))
    }
}

/// A way over a link. It breaks when this goes.
#[derive(Debug)]
pub(super) struct Relay {
    port: u16,
    ends: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

/// One direction of the link.
#[derive(Debug)]
struct Direction {
    /// Bits a second; 0 is no bound.
    rate: u64,
    delay: Duration,
    /// When it has sent all that it was given.
    busy_until: Mutex<Instant>,
}

impl Direction {
    fn new(rate: u64, delay: Duration) -> Direction {
        Direction { rate, delay, busy_until: Mutex::new(Instant::now()) }
    }

    /// When so many bytes that are given now leave the link, and when they arrive.
    fn carry(&self, bytes: usize, now: Instant) -> (Instant, Instant) {
        let mut busy_until = self.busy_until.lock().unwrap_or_else(PoisonError::into_inner);
        let nanoseconds =
            (bytes as u64).saturating_mul(8_000_000_000).checked_div(self.rate).unwrap_or_default();
        *busy_until = (*busy_until).max(now) + Duration::from_nanos(nanoseconds);
        (*busy_until, *busy_until + self.delay)
    }

    /// How many pieces may be on their way.
    fn room(&self) -> usize {
        let rate = if self.rate == 0 { 10_000_000_000 } else { self.rate };
        let on_the_way = self.delay.as_secs_f64() * rate as f64 / 8.0 / PIECE as f64;
        (on_the_way as u64).saturating_add(BACKLOG).min(MOST) as usize
    }
}

impl Relay {
    /// A way over a link to a port of the loopback.
    pub(super) fn start(to: u16, link: &Link) -> io::Result<Relay> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let relay = Relay { port, ends: Arc::default(), open: Arc::default() };
        let (ends, open) = (Arc::clone(&relay.ends), Arc::clone(&relay.open));
        let Link(directions) = link.clone();
        std::thread::Builder::new().name("link".into()).spawn(move || {
            for near in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let joined = near.and_then(|near| join(near, to, &directions, &open));
                if joined.is_err() {
                    // QEMU finds its connection closed, and says so.
                    continue;
                }
            }
        })?;
        Ok(relay)
    }

    /// Where it waits for connections.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // One that is closed already has ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Who waits for the next connection gets one, and ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Joins a connection with one to the other end.
fn join(
    near: TcpStream,
    to: u16,
    directions: &[Arc<Direction>; 2],
    open: &Mutex<Vec<TcpStream>>,
) -> io::Result<()> {
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    for stream in [&near, &far] {
        stream.set_nodelay(true)?;
        open.lock().unwrap_or_else(PoisonError::into_inner).push(stream.try_clone()?);
    }
    let [there, back] = directions;
    for (from, to, direction) in [(&near, &far, there), (&far, &near, back)] {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (sender, receiver) = sync_channel(direction.room());
        let direction = Arc::clone(direction);
        std::thread::Builder::new().name("link".into()).spawn(move || take(from, &direction, &sender))?;
        std::thread::Builder::new().name("link".into()).spawn(move || give(to, &receiver))?;
    }
    Ok(())
}

type Piece = (Instant, Vec<u8>);

/// Takes what one end sends, as fast as the link is.
fn take(mut from: TcpStream, direction: &Direction, sender: &SyncSender<Piece>) {
    let mut buffer = vec![0; PIECE];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let (leaves, arrives) = direction.carry(length, Instant::now());
        let piece = buffer.get(..length).unwrap_or_default().to_vec();
        if sender.send((arrives, piece)).is_err() {
            return;
        }
        std::thread::sleep(leaves.saturating_duration_since(Instant::now()));
    }
}

/// Gives it to the other end when its time has come.
fn give(mut to: TcpStream, receiver: &Receiver<Piece>) {
    while let Ok((at, piece)) = receiver.recv() {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if to.write_all(&piece).is_err() {
            return;
        }
    }
    // The other end has said all.
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds that so many bytes take over a link, and their answer back.
    fn seconds(bytes: usize, rate: u64, delay: Duration) -> f64 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Relay::start(listener.local_addr().unwrap().port(), &Link::new(rate, delay)).unwrap();
        let far = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut all = vec![0; bytes];
            stream.read_exact(&mut all).unwrap();
            stream.write_all(b"!").unwrap();
            all.iter().all(|byte| *byte == 7)
        });
        let mut near = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
        let begun = Instant::now();
        near.write_all(&vec![7; bytes]).unwrap();
        near.read_exact(&mut [0]).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        assert!(far.join().unwrap(), "what arrives is what was sent");
        seconds
    }

    #[test]
    fn a_link_is_as_slow_and_as_late_as_it_was_asked_to_be() {
        // 1 MB at 20 Mbit/s are 0.4 s, and there and back 0.1 s.
        let slow = seconds(1_000_000, 20_000_000, Duration::from_millis(50));
        assert!((0.49..5.0).contains(&slow), "{slow}");
        let late = seconds(1, 0, Duration::from_millis(50));
        assert!((0.1..5.0).contains(&late), "{late}");
    }

    /// Bytes that tell their places, and one connection's from another's.
    fn noise(connection: u8) -> Vec<u8> {
        let mut bytes = vec![0; 3_000_000];
        blake3::Hasher::new().update(&[connection]).finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn several_connections_carry_each_its_own_bytes_in_order_in_both_directions() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = listener.local_addr().unwrap().port();
        let relay = Relay::start(to, &Link::new(400_000_000, Duration::from_millis(1))).unwrap();
        let send = |mut stream: TcpStream, bytes: Vec<u8>| {
            std::thread::spawn(move || {
                // Of every length, as QEMU writes.
                let mut left = &bytes[..];
                for length in (1..).map(|n| n * 7919 % 60_000 + 1) {
                    let (now, later) = left.split_at(left.len().min(length));
                    stream.write_all(now).unwrap();
                    if later.is_empty() {
                        break;
                    }
                    left = later;
                }
                stream.shutdown(Shutdown::Write).unwrap();
            })
        };
        let sum = |mut stream: TcpStream| {
            std::thread::spawn(move || {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).unwrap();
                (all.len(), blake3::hash(&all))
            })
        };
        let mut threads = Vec::new();
        for connection in 0..3 {
            let near = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
            let (far, _) = listener.accept().unwrap();
            let (there, back) = (noise(connection), noise(connection + 100));
            let sums = [&there, &back].map(|bytes| (bytes.len(), blake3::hash(bytes)));
            let heard = [sum(far.try_clone().unwrap()), sum(near.try_clone().unwrap())];
            let said = [send(near, there), send(far, back)];
            threads.push((sums, heard, said));
        }
        for (sums, heard, said) in threads {
            said.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(heard.map(|thread| thread.join().unwrap()), sums);
        }
    }

    #[test]
    fn a_link_that_goes_breaks_its_connections() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay =
            Relay::start(listener.local_addr().unwrap().port(), &Link::new(0, Duration::ZERO)).unwrap();
        let mut near = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.write_all(b"?").unwrap();
        far.read_exact(&mut [0]).unwrap();
        drop(relay);
        assert!(matches!(near.read(&mut [0]), Ok(0) | Err(_)));
        assert!(matches!(far.read(&mut [0]), Ok(0) | Err(_)));
    }
}
