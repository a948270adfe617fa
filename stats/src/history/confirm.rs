//! Whether a step of a history is the build's doing: what one campaign of both builds says, in blocks.
//!
//! A step is found where it stands out of many places of many series, at one night each: it says that something moved, not
//! what. The campaign measures the last build before the step, the first behind it and the newest one in the same blocks, so
//! that the host's days are no part of it, and is looked at after every block. Each interval and each p is valid at all of
//! these looks together ([`Look`]); no band of tolerance plays a part, because one of 5 % would blame the host for
//! a true 3 %.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::common::{Interval, Unavailable};
use crate::exact::constants_p;
use crate::multiple::benjamini_hochberg;
use crate::sequential::{Boundary, Look};
use crate::ttest::one_sample;

/// The level of a confirmation: 1 minus it is that of its intervals, over all looks.
pub const CONFIRM_LEVEL: f64 = 0.01;
/// The rate of false ones among the rows of an event that are called confirmed.
pub const CONFIRM_Q: f64 = 0.05;
/// The share of its step that every row's interval must exclude before an event of several rows is the host's; of what they have
/// together it is half.
pub const HOST_ROW_SHARE: f64 = 0.75;
/// The least spread of a row that weighs it, as a share of its step: one row without any would silence the others.
const SPREAD_MIN: f64 = 1e-3;

/// What a campaign says of a step, or of all steps of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// The first build behind the step differs from the last before it, towards the side of the step.
    Confirmed,
    /// It did, and the newest build does so by less than half of the step.
    FixedSince,
    /// The builds are alike: the interval holds no change, and excludes half of the step.
    Host,
    /// Neither is shown.
    Open,
}

impl Confirmation {
    /// The word that is kept.
    pub fn word(self) -> &'static str {
        match self {
            Confirmation::Confirmed => "confirmed",
            Confirmation::FixedSince => "fixed-since",
            Confirmation::Host => "host",
            Confirmation::Open => "open",
        }
    }
}

/// A row of an event, as the campaign has measured it so far.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfirmRow {
    /// The step, as the history has it, on the row's scale: the difference of means, or of means of logarithms. Not 0.
    pub step: f64,
    /// How far the history leaves the step open: half of its interval. Weighs the rows of an event, and nothing else.
    pub spread: Option<f64>,
    /// Blocks that hold both, each with the first build behind the step minus the last before it.
    pub after: Vec<(u32, f64)>,
    /// The newest build minus the last before the step; None where the newest is the first behind it.
    pub newest: Option<Vec<f64>>,
}

/// What the blocks say of one of the two differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfirmSeen {
    /// Blocks.
    pub n: usize,
    /// The mean difference, on the row's scale.
    pub estimate: f64,
    /// The .99 interval that is valid at every look.
    pub interval: Interval,
    /// The two-sided p that is valid at every look.
    pub p: f64,
}

/// What is said of a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfirmedRow {
    /// What the row says.
    pub outcome: Confirmation,
    /// The first build behind the step against the last before it; None before the first look.
    pub after: Option<ConfirmSeen>,
    /// The newest build against it.
    pub newest: Option<ConfirmSeen>,
    /// Benjamini and Hochberg's q over the rows of the event, of a difference towards the side of the step.
    pub q: f64,
}

/// What is said of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmed {
    /// What all rows say together.
    pub outcome: Confirmation,
    /// Whether more blocks are not needed to say it.
    pub settled: bool,
    /// How much of their steps the rows have together, where there are several: 1 is all of it, 0 nothing.
    pub together: Option<ConfirmSeen>,
    /// The rows, in their order.
    pub rows: Vec<ConfirmedRow>,
}

/// A difference with the side on which its step lies.
struct Sided {
    seen: ConfirmSeen,
    step: f64,
}

impl Sided {
    /// Whether it is there, on the side of the step.
    fn moved(&self) -> bool {
        let toward = if self.step > 0.0 { self.seen.interval.low } else { -self.seen.interval.high };
        self.seen.p <= CONFIRM_LEVEL && toward > 0.0
    }

    /// Whether it is less than half of the step: nothing that is as large, or on the other side, is left in the interval.
    fn is_below_half(&self) -> bool {
        self.is_below(0.5)
    }

    /// The same for another share of the step.
    fn is_below(&self, share: f64) -> bool {
        let part = share * self.step;
        if self.step > 0.0 { self.seen.interval.high < part } else { self.seen.interval.low > part }
    }

    /// Whether it looks like nothing: no change is in the interval, and half of the step is not.
    fn is_nothing(&self) -> bool {
        self.seen.interval.contains(0.0) && self.is_below_half()
    }

    /// The p of a difference towards the step's side.
    fn p(&self) -> f64 {
        if self.seen.estimate * self.step > 0.0 { self.seen.p } else { 1.0 }
    }
}

fn seen(differences: &[f64], step: f64, boundary: &Arc<Boundary>) -> Option<Sided> {
    let n = u32::try_from(differences.len()).ok()?;
    if n < boundary.floor() || step == 0.0 || !step.is_finite() {
        return None;
    }
    let look = Look::Planned { boundary: Arc::clone(boundary), n };
    let seen = match one_sample(differences) {
        Ok(test) => ConfirmSeen {
            n: differences.len(),
            estimate: test.estimate,
            interval: test.ci(1.0 - look.ordinary_level(CONFIRM_LEVEL)),
            p: look.p(test.p),
        },
        // Every block has the same difference: as many orders of two constants as there are could have come out.
        Err(Unavailable::ZeroVariance) => {
            let at = differences.first().copied()?;
            let p = if at == 0.0 { 1.0 } else { look.p(constants_p(differences.len(), differences.len())) };
            ConfirmSeen { n: differences.len(), estimate: at, interval: Interval::new(at, at), p }
        }
        Err(_) => return None,
    };
    Some(Sided { seen, step })
}

/// What the blocks of a campaign say of an event; rows without enough blocks count, and say nothing.
///
/// A row is [`Confirmation::Confirmed`] where its interval excludes no change on the step's side and its q over the event's
/// rows is at most [`CONFIRM_Q`]. The event is where one of its rows is and the smallest q is at most [`CONFIRM_LEVEL`]
/// (Simes' test of all rows together): with one row that is the same, and an event of a hundred rows is confirmed
/// falsely as seldom as one with a single row.
///
/// It is [`Confirmation::Host`] where what its rows have together of their steps is nothing: the interval holds 0 and not a half,
/// and each row's own excludes [`HOST_ROW_SHARE`] of its step. An event is one cause, whose rows moved together: asked one by one
/// for half of their steps, one of many stays open nearly always. With one row both are the same.
pub fn confirm(rows: &[ConfirmRow], boundary: &Arc<Boundary>) -> Confirmed {
    let read = |row: &ConfirmRow| {
        let newest = row.newest.as_ref().map(|newest| seen(newest, row.step, boundary));
        let after: Vec<f64> = row.after.iter().map(|(_, difference)| *difference).collect();
        (seen(&after, row.step, boundary), newest)
    };
    let read: Vec<_> = rows.iter().map(read).collect();
    let q = benjamini_hochberg(
        &read.iter().map(|(after, _)| after.as_ref().map_or(1.0, Sided::p)).collect::<Vec<_>>(),
    );
    let all_rows = q.iter().any(|q| *q <= CONFIRM_LEVEL);
    let mut undecided = false;
    let mut out = Vec::with_capacity(rows.len());
    for ((after, newest), q) in read.iter().zip(&q) {
        let moved = all_rows && *q <= CONFIRM_Q && after.as_ref().is_some_and(Sided::moved);
        let outcome = match (after, newest) {
            (_, Some(Some(newest))) if moved && !newest.moved() && newest.is_below_half() => {
                Confirmation::FixedSince
            }
            _ if moved => {
                // More blocks may still show that the newest build does not have it.
                undecided |= newest.as_ref().is_some_and(|n| !n.as_ref().is_some_and(Sided::moved));
                Confirmation::Confirmed
            }
            (Some(after), _) if after.is_nothing() => Confirmation::Host,
            _ => Confirmation::Open,
        };
        let told = |side: &Sided| side.seen;
        out.push(ConfirmedRow {
            outcome,
            after: after.as_ref().map(told),
            newest: newest.as_ref().and_then(|n| n.as_ref().map(told)),
            q: *q,
        });
    }
    let any = |what| out.iter().any(|row: &ConfirmedRow| row.outcome == what);
    let together = if rows.len() > 1 { seen(&shares(rows), 1.0, boundary) } else { None };
    let each_is_small =
        || read.iter().all(|(after, _)| after.as_ref().is_some_and(|after| after.is_below(HOST_ROW_SHARE)));
    let is_hosts = match &together {
        Some(together) => together.is_nothing() && each_is_small(),
        None => rows.len() == 1 && any(Confirmation::Host),
    };
    let outcome = match () {
        () if any(Confirmation::Confirmed) => Confirmation::Confirmed,
        () if any(Confirmation::FixedSince) => Confirmation::FixedSince,
        () if is_hosts => Confirmation::Host,
        () => Confirmation::Open,
    };
    let settled = outcome != Confirmation::Open && !undecided;
    Confirmed { outcome, settled, together: together.map(|together| together.seen), rows: out }
}

/// What the rows have of their steps, in each block that holds all of them: the share that fits their differences best (least
/// squares), each weighed by its spread in the history. Rows of a boot share its whims, which a t over blocks allows for.
fn shares(rows: &[ConfirmRow]) -> Vec<f64> {
    let weight = |row: &ConfirmRow| {
        let least = SPREAD_MIN * row.step.abs();
        let spread = row.spread.filter(|s| s.is_finite()).map_or(row.step.abs(), |s| s.max(least));
        row.step / (spread * spread)
    };
    let whole: f64 = rows.iter().map(|row| weight(row) * row.step).sum();
    let mut blocks: BTreeMap<u32, (usize, f64)> = BTreeMap::new();
    for row in rows {
        for (block, difference) in &row.after {
            let of = blocks.entry(*block).or_default();
            of.0 += 1;
            of.1 += weight(row) * difference / whole;
        }
    }
    blocks.into_values().filter(|(n, _)| *n == rows.len()).map(|(_, share)| share).collect()
}
