//! Results over months: into a lake and out of it, and what the rule for histories says of each series.
//!
//! ```text
//! results, a table ──> ingest ──> lake::Campaign        identity (what makes a series one, and an epoch)
//! lake ──> names (what was renamed) ──> series (points in order) ──> stats::HistoryRule ──> events (steps that moved together)
//!                                         ├──> budget (an alpha for so many false alarms)   └──> oddities (what is odd of points)
//!                                         └──> export
//! an event ──> confirm (what a campaign of its builds has to measure, and says), place (where builds lie)
//! series, events ──> shown (what pages add: intervals, months, marks)
//! ```

mod alias;
mod budget;
mod by_name;
mod confirm;
mod events;
mod export;
mod identity;
mod ingest;
mod names;
mod oddities;
mod pattern;
mod place;
mod series;
mod shown;
mod table;

pub use alias::{Renamed, current_aliases, rename};
pub use budget::Budget;
pub use by_name::told_by_name;
pub use confirm::{Confirming, Measured, Row as ConfirmedSeries, machine_of, place_of};
pub use events::{Moved, Standing, StepEvent};
pub use export::{ExportedBoot, ExportedPoint, Exports, exported_boots, exported_points};
pub use ingest::{Told, lake_rows};
pub use place::Place;
pub use series::{Night, Series};
pub use shown::{Mark, MarkKind, Month, NightState, RangeCommit};
/// Fewest points of a series before the rule looks at it.
pub use stats::HISTORY_FEWEST as FEWEST_POINTS;
pub use stats::{ConfirmSeen, Confirmation, Confirmed};
pub use table::table_rows;

use crate::{AnalyzeError, Warning};
use lake::{Event, Lake, Torn};
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
    /// How many false alarms are to be expected, where somebody said how many there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What is odd of the points: units that changed, clocks that jumped, names that ended.
    pub warnings: Vec<Warning>,
    /// Everything that people said of this lake, what has expired too.
    #[serde(skip)]
    pub said: Vec<Event>,
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
    told(lake, asked, None)
}

/// The same with the alpha that makes so many false steps a month ([`Budget`]); that of `asked` is not looked at.
///
/// # Errors
/// As [`history`]; a number of false alarms that cannot be kept.
pub fn history_within(lake: &Lake, asked: &Asked, false_alarms: f64) -> Result<History, AnalyzeError> {
    told(lake, asked, Some(false_alarms))
}

fn told(lake: &Lake, asked: &Asked, false_alarms: Option<f64>) -> Result<History, AnalyzeError> {
    let all = lake.events()?;
    let said = series::valid(&all);
    let gathered = series::gather(lake, &asked.series, &said);
    let budget = match false_alarms {
        Some(a_month) => Some(Budget::of(&gathered, &said, a_month)?),
        None => None,
    };
    let alpha = budget.as_ref().map_or(asked.alpha, |budget| budget.alpha);
    let (mut series, torn) = gathered.judged(&said, alpha)?;
    series.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
    let events = events::of(&series, &said, asked.since);
    let warnings = oddities::of(&series, &events, now());
    let format = stats::HISTORY_FORMAT;
    Ok(History { format, alpha, series, events, budget, warnings, said: all, torn })
}

/// Seconds since the epoch of a moment as people write it: `2026-11-29`, `2026-11-29T22:00:00Z`, with an offset, or the seconds
/// themselves. Days and times without an offset are in UTC.
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds).filter(is_a_date);
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

/// Whether seconds lie between the years 0 and 9999. What counts milliseconds or finer does not.
fn is_a_date(seconds: &i64) -> bool {
    (-62_167_219_200..=253_402_300_799).contains(seconds)
}

/// The month that is now, YYYYMM in UTC.
pub fn this_month() -> String {
    ingest::month_of(lake::Micros(jiff::Timestamp::now().as_microsecond()))
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
