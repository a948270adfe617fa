//! Whether a step of a history is the build's doing: what one campaign of both builds says, in blocks.
//!
//! A step is found where it stands out of many places of many series, at one night each: it says that something moved, not
//! what. The campaign measures the last build before the step, the first behind it and the newest one in the same blocks, so
//! that the host's days are no part of it, and is looked at after every block. Each interval and each p is valid at all of
//! these looks together ([`Look`]); no band of tolerance plays a part, because one of 5 % would blame the host for
//! a true 3 %.

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
    /// The first build behind the step minus the last before it, of each block that holds both.
    pub after: Vec<f64>,
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
        let half = 0.5 * self.step;
        if self.step > 0.0 { self.seen.interval.high < half } else { self.seen.interval.low > half }
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
/// falsely as seldom as one with a single row. It is [`Confirmation::Host`] where every row says so.
pub fn confirm(rows: &[ConfirmRow], boundary: &Arc<Boundary>) -> Confirmed {
    let read = |row: &ConfirmRow| {
        let newest = row.newest.as_ref().map(|newest| seen(newest, row.step, boundary));
        (seen(&row.after, row.step, boundary), newest)
    };
    let read: Vec<_> = rows.iter().map(read).collect();
    let q = benjamini_hochberg(
        &read.iter().map(|(after, _)| after.as_ref().map_or(1.0, Sided::p)).collect::<Vec<_>>(),
    );
    let together = q.iter().any(|q| *q <= CONFIRM_LEVEL);
    let mut undecided = false;
    let mut out = Vec::with_capacity(rows.len());
    for ((after, newest), q) in read.iter().zip(&q) {
        let moved = together && *q <= CONFIRM_Q && after.as_ref().is_some_and(Sided::moved);
        let outcome = match (after, newest) {
            (_, Some(Some(newest))) if moved && !newest.moved() && newest.is_below_half() => {
                Confirmation::FixedSince
            }
            _ if moved => {
                // More blocks may still show that the newest build does not have it.
                undecided |= newest.as_ref().is_some_and(|n| !n.as_ref().is_some_and(Sided::moved));
                Confirmation::Confirmed
            }
            (Some(after), _) if after.seen.interval.contains(0.0) && after.is_below_half() => {
                Confirmation::Host
            }
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
    let outcome = match () {
        () if any(Confirmation::Confirmed) => Confirmation::Confirmed,
        () if any(Confirmation::FixedSince) => Confirmation::FixedSince,
        () if !out.is_empty() && out.iter().all(|row| row.outcome == Confirmation::Host) => {
            Confirmation::Host
        }
        () => Confirmation::Open,
    };
    Confirmed { outcome, settled: outcome != Confirmation::Open && !undecided, rows: out }
}
