//! A campaign itself: what ran, what failed and why, and how long each part took. Views of its plan and its events.
//!
//! ```text
//!   plan + events ──> Standing ──> status (text)
//!                 └──> log (one line an event)
//!                 ├──> page (run.html)
//!                 └──> junit (for CI)
//! ```

mod junit;
mod log;
mod page;
mod profiles;
mod status;

pub use junit::junit;
pub use log::log;
pub use page::{Kept, page};
pub use status::{Life, status};

use model::CampaignFile;
use model::journal::{Event, State};

/// An event with the moment at which it was written, nanoseconds since the epoch.
pub type Stamped = (u64, Event);

/// What the views are made from.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    /// The plan.
    pub file: &'a CampaignFile,
    /// The journal.
    pub events: &'a [Stamped],
}

impl Story<'_> {
    /// The fold of the events.
    pub fn state(&self) -> State {
        State::of(self.events)
    }
}

/// `61 s`, `12 min 5 s`, `3 h 20 min`; tenths of a second below ten.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// `2026-11-26 00:31:58`, UTC.
fn clock(unix_ns: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns))
        .map(|t| t.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_else(|_| unix_ns.to_string())
}
