//! Bisecting by noisy measurements: what is known, and what is done next. Nothing here builds, boots or writes but [`Journal`].
//!
//! ```text
//!   bisect.json (Plan: the range, what is measured)     journal.jsonl (Event) ──fold──> Known
//!                          └───────────────┬──────────────────────────────────────────────┘
//!                     Line (which commits can be told apart) ──> next: a Step ──> the verb does it, and writes what came of it
//! ```
//!
//! The step is a function of what is written down, so that whoever goes on after a kill does what would have been done.

mod events;
mod journal;
mod known;
mod line;
mod plan;
#[cfg(test)]
mod simulated;
mod step;

pub use events::{Event, Judged, RowFacts, Stage, Value};
pub use journal::Journal;
pub use known::{Check, Known, Round};
pub use line::Line;
pub use plan::{FORMAT, Limits, Plan};
pub use step::{End, Ends, Step, ends, next, read};
