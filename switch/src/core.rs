//! The switch itself, on a clock that it is given.

use crate::line::{Fate, Line, Shape};
use crate::table::{Address, Table};
use crate::talk::{Counters, Plan};
use stats::seed_from;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The longest frame: what QEMU's virtio cards send at the largest MTU, with its head.
pub const LONGEST: usize = 65_521 + 18;
/// An Ethernet frame has a head of two addresses and a type.
const HEAD: usize = 14;

/// Ports, and who is behind them. Times are nanoseconds of any one clock.
#[derive(Debug)]
pub struct Core {
    ports: Vec<Seat>,
    tables: BTreeMap<u32, Table>,
}

#[derive(Debug)]
struct Seat {
    network: u32,
    line: Line,
    counters: Counters,
    /// The port for which whoever sends here has to wait.
    waits_for: Option<usize>,
}

impl Core {
    /// The switch of a plan.
    pub fn new(plan: &Plan) -> Core {
        let seat = |(index, port): (usize, &crate::talk::Port)| Seat {
            network: port.network,
            line: Line::new(port.shape, seed_from(plan.seed, &format!("port {index}"))),
            counters: Counters::default(),
            waits_for: None,
        };
        let tables = plan.ports.iter().map(|port| (port.network, Table::default())).collect();
        Core { ports: plan.ports.iter().enumerate().map(seat).collect(), tables }
    }

    /// Takes a frame that was sent at a port. One that is none is counted and goes nowhere.
    pub fn take(&mut self, from: usize, frame: &[u8], now: u64) {
        let Some(seat) = self.ports.get_mut(from) else { return };
        let network = seat.network;
        let Some((to, source)) = addresses(frame) else {
            seat.counters.malformed += 1;
            return;
        };
        seat.counters.received += 1;
        seat.counters.received_bytes += frame.len() as u64;
        let table = self.tables.entry(network).or_default();
        let moved = table.learn(source, from, now);
        let is_group = to.first().is_some_and(|first| first & 1 == 1);
        let known = if is_group { None } else { table.port(&to, now) };
        if known == Some(from) {
            return;
        }
        let frame: Rc<[u8]> = frame.into();
        if let Some(before) = moved {
            // Whoever waited to send there is let go: nobody is there any more.
            self.ports
                .iter_mut()
                .filter(|seat| seat.waits_for == Some(before))
                .for_each(|seat| seat.waits_for = None);
        }
        let mut crowded = None;
        for (index, seat) in self.ports.iter_mut().enumerate() {
            let meant = known.map_or(index != from && seat.network == network, |known| known == index);
            if !meant {
                continue;
            }
            match seat.line.offer(&frame, now) {
                Fate::Sent => {}
                Fate::Lost => seat.counters.lost += 1,
                Fate::Dropped => seat.counters.dropped += 1,
            }
            // What is for all is for nobody in particular: one who takes nothing keeps nobody from the others.
            crowded = crowded.or((known.is_some() && seat.line.is_crowded(now)).then_some(index));
        }
        if let Some(seat) = self.ports.get_mut(from) {
            seat.waits_for = crowded;
        }
    }

    /// Whether nothing is to be taken from a port, because one that it sends to takes no more at present.
    pub fn waits(&mut self, port: usize, now: u64) -> bool {
        let Some(other) = self.ports.get(port).and_then(|seat| seat.waits_for) else { return false };
        let crowded = self.ports.get(other).is_some_and(|seat| seat.line.is_crowded(now));
        if let Some(seat) = self.ports.get_mut(port).filter(|_| !crowded) {
            seat.waits_for = None;
        }
        crowded
    }

    /// The frame that is to be delivered at a port now.
    pub fn due(&self, port: usize, now: u64) -> Option<&[u8]> {
        self.ports.get(port)?.line.due(now)
    }

    /// What [`Core::due`] gave has been delivered.
    pub fn sent(&mut self, port: usize) {
        let Some(seat) = self.ports.get_mut(port) else { return };
        seat.counters.sent += 1;
        seat.counters.sent_bytes += seat.line.due(u64::MAX).map_or(0, |frame| frame.len() as u64);
        seat.line.pop();
    }

    /// What [`Core::due`] gave cannot be delivered, and is not tried again.
    pub fn refused(&mut self, port: usize) {
        let Some(seat) = self.ports.get_mut(port) else { return };
        seat.counters.dropped += 1;
        seat.line.pop();
    }

    /// A port takes nothing at present.
    pub fn full(&mut self, port: usize, now: u64) {
        if let Some(seat) = self.ports.get_mut(port) {
            seat.line.is_full_since(now);
        }
    }

    /// When the next frame at a port is due.
    pub fn next(&self, port: usize) -> Option<u64> {
        self.ports.get(port)?.line.next()
    }

    /// Changes the link of a port for what comes from now on. False when there is no such port.
    pub fn reshape(&mut self, port: usize, shape: Shape) -> bool {
        self.ports.get_mut(port).map(|seat| seat.line.reshape(shape)).is_some()
    }

    /// What was counted, port by port.
    pub fn counters(&self) -> Vec<Counters> {
        self.ports.iter().map(|seat| seat.counters).collect()
    }
}

/// Destination and source of a frame, unless it is none: too short, too long, or from a group.
fn addresses(frame: &[u8]) -> Option<(Address, Address)> {
    let of = |range: std::ops::Range<usize>| -> Option<Address> { frame.get(range)?.try_into().ok() };
    let (to, source) = (of(0..6)?, of(6..12)?);
    let is_group = source.first().is_some_and(|first| first & 1 == 1);
    ((HEAD..=LONGEST).contains(&frame.len()) && !is_group).then_some((to, source))
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
