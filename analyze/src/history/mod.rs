//! Results over months: into a lake and out of it, and what the rule for histories says of each series.
//!
//! ```text
//! results, a table ──> ingest ──> lake::Campaign        identity (what makes a series one, and an epoch)
//! lake ──> series (points in order) ──> stats::HistoryRule ──> events (steps that moved together)
//! an event ──> confirm (what a campaign of its builds has to measure, and says), place (where builds lie)
//! ```

mod confirm;
mod events;
mod identity;
mod ingest;
mod place;
mod series;
mod table;

pub use confirm::{Confirming, Measured, Row as ConfirmedSeries, machine_of, place_of};
pub use events::{Moved, Standing, StepEvent};
pub use ingest::{Told, lake_rows};
pub use place::Place;
pub use series::{Night, Series};
pub use stats::{ConfirmSeen, Confirmation, Confirmed};
pub use table::table_rows;

use crate::AnalyzeError;
use lake::{Lake, Torn};
use serde::Serialize;

/// What a lake says.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The rule's version.
    pub format: u32,
    /// The chance of a false alarm that it was given.
    pub alpha: f64,
    /// Every series that was chosen.
    pub series: Vec<Series>,
    /// Steps, those that moved together as one, the newest first.
    pub events: Vec<StepEvent>,
    /// Files of the lake that do not read.
    pub torn: Vec<Torn>,
}

/// What is asked of a lake.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Patterns of series' names, with `*` and `?`; without any, all.
    pub series: Vec<String>,
    /// Seconds since the epoch: steps before it are not told.
    pub since: Option<i64>,
    /// See [`stats::HISTORY_ALPHA`].
    pub alpha: f64,
}

/// Reads a lake and applies the rule to each of its series.
///
/// # Errors
/// An alpha without a threshold, or events of people that do not read.
pub fn history(lake: &Lake, asked: &Asked) -> Result<History, AnalyzeError> {
    let said = series::valid(lake)?;
    let (mut series, torn) = series::read(lake, asked, &said)?;
    series.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
    let events = events::of(&series, &said, asked.since);
    Ok(History { format: stats::HISTORY_FORMAT, alpha: asked.alpha, series, events, torn })
}

/// Seconds since the epoch of a moment as people write it: `2026-11-29`, `2026-11-29T22:00:00Z`, with an offset, or the seconds
/// themselves. Days and times without an offset are in UTC.
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(stamp.as_second());
    }
    let utc = |at: jiff::civil::DateTime| {
        at.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp().as_second())
    };
    if let Ok(at) = text.parse::<jiff::civil::DateTime>() {
        return utc(at);
    }
    utc(text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0))
}

/// The month that is now, YYYYMM in UTC.
pub fn this_month() -> String {
    ingest::month_of(lake::Micros(jiff::Timestamp::now().as_microsecond()))
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
