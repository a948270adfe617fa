//! A series of results over months or years: where its level changed, and what was a single bad day.
//!
//! ```
//! use stats::{HistoryPoint, HistoryRule, HISTORY_ALPHA};
//! let nights = [1.00, 1.01, 0.99, 1.00, 1.01, 1.00, 0.99, 1.20, 1.21, 1.19, 1.20];
//! let mut rule = HistoryRule::new(HISTORY_ALPHA).unwrap();
//! for value in nights {
//!     rule.push(HistoryPoint::of_one(f64::ln(value)));
//! }
//! let read = rule.reading();
//! assert_eq!(read.steps.len(), 1);
//! assert_eq!(read.steps[0].at, 7);
//! ```
//!
//! **Format 1 of the rule.** Points come in one by one. A *segment* holds those since the last step or the last new epoch,
//! at most the last [`HISTORY_WINDOW`], without those that were set aside. At every new point each split into the last m
//! and those before is looked at by a two-sample t with a common variance; the largest is held against a threshold that
//! keeps the chance of a false alarm at alpha / 2 a look, given that there was none before (the change-point model of Hawkins,
//! Qiu and Kang, "The Changepoint Model for Statistical Process Control", Journal of Quality Technology 35, 2003).
//! An alarm of the newest point alone is a *suspect*: two more points decide whether it was a step or is set aside, so that
//! a night on a busy host is no regression. An alarm of several points is a step only if it does not hang on the most
//! extreme of them. Behind a step the variance of the closed segment goes on, so that the next one is found early.
//!
//! Rates that were simulated with this code stand in docs/statistics.md.

mod confirm;
mod locate;
mod point;
mod rate;
mod rates;
mod rule;
mod split;
mod threshold;
mod thresholds;

pub use confirm::{
    CONFIRM_LEVEL, CONFIRM_Q, ConfirmRow, ConfirmSeen, Confirmation, Confirmed, ConfirmedRow, HOST_ROW_SHARE,
    confirm,
};
pub use locate::Location;
pub use point::{HISTORY_AUTOCORRELATION, HistoryPoint, lag_one, session_variance_of};
pub use rate::history_rate;
pub use rule::{
    HISTORY_FEWEST, HISTORY_WINDOW, HistoryReading, HistoryRule, HistorySegment, HistoryStep, Level,
};
pub use threshold::{HISTORY_ALPHA, HISTORY_ALPHA_MAX, HISTORY_ALPHA_MIN, history_threshold};

/// The version of the rule: what it decides on given points changes with this number alone.
pub const HISTORY_FORMAT: u32 = 1;
