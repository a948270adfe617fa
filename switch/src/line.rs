//! What waits to be delivered at one port: in order, late by the link's delay, as fast as the link is.

use serde::{Deserialize, Serialize};
use stats::SplitMix64;
use std::collections::VecDeque;
use std::rc::Rc;

/// What happens to frames on their way to a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// How long each frame is on its way, in nanoseconds.
    pub delay_ns: u64,
    /// By how much that varies to either side, evenly, in nanoseconds. Frames stay in order.
    pub jitter_ns: u64,
    /// So many of a million frames are lost.
    pub loss_ppm: u32,
    /// Bits a second; 0 is no bound.
    pub rate: u64,
}

impl Shape {
    /// What happens to frames that pass this and then another one: delays add up, the slowest rate is that of both.
    pub fn then(self, next: Shape) -> Shape {
        let all = 1_000_000 - u64::from(self.loss_ppm.min(1_000_000));
        let passed = all * (1_000_000 - u64::from(next.loss_ppm.min(1_000_000))) / 1_000_000;
        Shape {
            delay_ns: self.delay_ns.saturating_add(next.delay_ns),
            jitter_ns: self.jitter_ns.saturating_add(next.jitter_ns),
            loss_ppm: u32::try_from(1_000_000 - passed).unwrap_or(u32::MAX),
            rate: match (self.rate, next.rate) {
                (0, rate) | (rate, 0) => rate,
                (a, b) => a.min(b),
            },
        }
    }
}

/// So many bytes wait for a link that has a rate; the next frame is dropped.
pub(crate) const BACKLOG: u64 = 256 << 10;
/// So many bytes are on the way to one port.
pub(crate) const ON_THE_WAY: usize = 16 << 20;
/// So many frames that are due may wait for a socket before whoever sends more is left waiting.
pub(crate) const CROWD: usize = 32;
/// So many wait for a socket from which nobody takes anything for so long.
pub(crate) const STUCK_NS: u64 = 1_000_000_000;

/// Frames on their way to a port.
#[derive(Debug)]
pub(crate) struct Line {
    shape: Shape,
    random: SplitMix64,
    held: VecDeque<(u64, Rc<[u8]>)>,
    bytes: usize,
    /// When the link has sent all that it was given.
    busy_until: u64,
    /// When the last frame is delivered.
    last: u64,
    /// Since when the socket takes nothing.
    full_since: Option<u64>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is on its way.
    Sent,
    /// The link lost it, as it was asked to.
    Lost,
    /// There was no room for it.
    Dropped,
}

impl Line {
    pub(crate) fn new(shape: Shape, seed: u64) -> Line {
        Line {
            shape,
            random: SplitMix64::new(seed),
            held: VecDeque::new(),
            bytes: 0,
            busy_until: 0,
            last: 0,
            full_since: None,
        }
    }

    /// From now on; what is on its way arrives as it would have.
    pub(crate) fn reshape(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// Puts a frame on its way.
    pub(crate) fn offer(&mut self, frame: &Rc<[u8]>, now: u64) -> Fate {
        let Shape { delay_ns, jitter_ns, loss_ppm, rate } = self.shape;
        if loss_ppm > 0 && self.random.next_f64() * 1e6 < f64::from(loss_ppm) {
            return Fate::Lost;
        }
        let stuck = self.is_stuck(now) && self.held.len() >= CROWD;
        if stuck || self.bytes.saturating_add(frame.len()) > ON_THE_WAY {
            return Fate::Dropped;
        }
        let mut leaves = now;
        if let Some(nanoseconds) = (frame.len() as u64).saturating_mul(8_000_000_000).checked_div(rate) {
            let start = self.busy_until.max(now);
            let backlog = u128::from(start - now) * u128::from(rate) / 8_000_000_000;
            if backlog > u128::from(BACKLOG) {
                return Fate::Dropped;
            }
            leaves = start.saturating_add(nanoseconds);
            self.busy_until = leaves;
        }
        let varied = match jitter_ns {
            0 => delay_ns,
            _ => {
                let part = self.random.next_f64() * 2.0 - 1.0;
                delay_ns.saturating_add_signed((part * jitter_ns as f64) as i64)
            }
        };
        self.last = self.last.max(leaves.saturating_add(varied));
        self.bytes += frame.len();
        self.held.push_back((self.last, Rc::clone(frame)));
        Fate::Sent
    }

    /// The frame whose time has come.
    pub(crate) fn due(&self, now: u64) -> Option<&[u8]> {
        self.held.front().filter(|(at, _)| *at <= now).map(|(_, frame)| &**frame)
    }

    /// The first frame is gone.
    pub(crate) fn pop(&mut self) {
        if let Some((_, frame)) = self.held.pop_front() {
            self.bytes -= frame.len();
        }
        self.full_since = None;
    }

    /// The socket takes nothing at present.
    pub(crate) fn is_full_since(&mut self, now: u64) {
        self.full_since.get_or_insert(now);
    }

    /// When the next frame is due; nothing while the socket has to be waited for.
    pub(crate) fn next(&self) -> Option<u64> {
        self.held.front().map(|(at, _)| *at)
    }

    /// Whether more frames that are due wait for the socket than should.
    pub(crate) fn is_crowded(&self, now: u64) -> bool {
        let waits = self.held.get(CROWD).is_some_and(|(at, _)| *at <= now);
        waits && !self.is_stuck(now)
    }

    /// Whether nobody has taken anything for long: a machine that is down or paused, for which nobody waits.
    fn is_stuck(&self, now: u64) -> bool {
        self.full_since.is_some_and(|since| now.saturating_sub(since) > STUCK_NS)
    }
}
