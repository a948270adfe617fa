//! What must hold for any frames that come to a switch, whatever its links do and whenever its sockets take nothing.

use std::collections::VecDeque;
use switch::{Core, LONGEST, Plan, Port, Shape};

/// Ports of a plan at most, in networks of their own.
const PORTS: usize = 6;
const NETWORKS: u8 = 3;
/// Steps that are looked at.
const STEPS: usize = 2000;
/// What is on the way to one port at most; below this nothing is dropped for lack of room.
const ROOM: usize = 16 << 20;

/// The input, byte by byte.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn some(&mut self, count: usize) -> Vec<u8> {
        let (some, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        some.to_vec()
    }

    fn shape(&mut self) -> Option<Shape> {
        let delay_ns = u64::from(self.byte()?) * 1_000_000;
        let jitter_ns = delay_ns / 255 * u64::from(self.byte()?);
        let loss_ppm = u32::from(self.byte()?) * 4000;
        let rate =
            [0, 0, 10_000, 1_000_000, 1_000_000_000, u64::MAX].get(usize::from(self.byte()? % 6)).copied()?;
        Some(Shape { delay_ns, jitter_ns, loss_ppm, rate })
    }

    /// A frame between addresses that occur often, or any bytes.
    fn frame(&mut self) -> Option<Vec<u8>> {
        let (kind, length) = (self.byte()?, usize::from(self.byte()?));
        if kind & 3 == 3 {
            return Some(self.some(length));
        }
        let (to, from) = (self.byte()?, self.byte()?);
        let group = if kind & 3 == 2 { 255 } else { 2 };
        let mut frame = vec![group, 0, 0, 0, 0, to, 2, 0, 0, 0, kind >> 6, from];
        frame.extend(self.some(length % 32));
        let size = if kind & 4 == 0 { length } else { LONGEST + 2 - length % 4 };
        frame.resize(size.max(frame.len()), 0);
        Some(frame)
    }
}

/// What is known of a port.
#[derive(Default)]
struct Seen {
    network: u32,
    /// Frames that may come here, in order, each with its time.
    may_come: VecDeque<(u64, Vec<u8>)>,
    taken: u64,
    least_ns: u64,
    loses: bool,
    /// Whether it may drop: its link has a rate, or its socket took nothing.
    drops: bool,
    bytes: usize,
}

impl Seen {
    fn shaped(&mut self, shape: Shape) {
        self.least_ns = self.least_ns.min(shape.delay_ns - shape.jitter_ns);
        self.loses |= shape.loss_ppm > 0;
        self.drops |= shape.rate > 0;
    }
}

struct Bench {
    core: Core,
    seen: Vec<Seen>,
    now: u64,
}

impl Bench {
    fn new(input: &mut Input<'_>) -> Option<Bench> {
        let count = usize::from(input.byte()?) % PORTS + 1;
        let mut plan = Plan { seed: u64::from(input.byte()?), ports: Vec::new() };
        let mut seen = Vec::new();
        for _ in 0..count {
            let network = u32::from(input.byte()? % NETWORKS);
            let shape = input.shape()?;
            plan.ports.push(Port { network, shape });
            let mut port = Seen { network, least_ns: u64::MAX, ..Seen::default() };
            port.shaped(shape);
            seen.push(port);
        }
        Some(Bench { core: Core::new(&plan), seen, now: 0 })
    }

    fn take(&mut self, from: usize, frame: Vec<u8>) {
        self.core.take(from, &frame, self.now);
        let network = self.seen[from].network;
        self.seen[from].taken += 1;
        for (index, port) in self.seen.iter_mut().enumerate() {
            if index != from && port.network == network {
                port.bytes += frame.len();
                port.may_come.push_back((self.now, frame.clone()));
            }
        }
    }

    /// What is delivered was sent by another port of the network, in this order, and not before its link lets it.
    fn deliver(&mut self, port: usize) -> bool {
        let Some(frame) = self.core.due(port, self.now).map(<[u8]>::to_vec) else { return false };
        assert!((14..=LONGEST).contains(&frame.len()));
        let seen = &mut self.seen[port];
        let sent = loop {
            let (at, next) = seen.may_come.pop_front().expect("a frame that nobody sent, or out of order");
            if next == frame {
                break at;
            }
        };
        assert!(self.now >= sent + seen.least_ns, "{} ns after {sent} ns", self.now);
        true
    }

    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        let what = input.byte()?;
        let port = usize::from(what >> 3) % self.seen.len();
        match what & 7 {
            0..=2 => {
                let frame = input.frame()?;
                // Whoever sends is left waiting, and so does not send.
                if !self.core.waits(port, self.now) {
                    self.take(port, frame);
                }
            }
            3 => self.now += u64::from(input.byte()?).pow(2) * 20_000,
            4 => {
                while self.deliver(port) {
                    self.core.sent(port);
                }
            }
            5 => {
                if self.deliver(port) {
                    self.core.refused(port);
                    self.seen[port].drops = true;
                }
            }
            6 => {
                self.core.full(port, self.now);
                self.seen[port].drops = true;
            }
            _ => {
                let shape = input.shape()?;
                assert!(self.core.reshape(port, shape));
                self.seen[port].shaped(shape);
            }
        }
        Some(())
    }

    /// What was counted fits what was done.
    fn end(&mut self) {
        let ports = self.seen.len();
        assert!(!self.core.reshape(ports, Shape::default()) && self.core.due(ports, u64::MAX).is_none());
        for (counted, seen) in self.core.counters().iter().zip(&self.seen) {
            assert_eq!(counted.received + counted.malformed, seen.taken);
            assert!(seen.loses || counted.lost == 0);
            assert!(seen.drops || seen.bytes > ROOM || counted.dropped == 0);
        }
        // In the end everything that is on its way arrives.
        self.now = u64::MAX;
        for port in 0..ports {
            while self.deliver(port) {
                self.core.sent(port);
            }
            assert_eq!(self.core.next(port), None);
        }
    }
}

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let mut input = Input(data);
    let Some(mut bench) = Bench::new(&mut input) else { return };
    for _ in 0..STEPS {
        if bench.step(&mut input).is_none() {
            break;
        }
    }
    bench.end();
}
