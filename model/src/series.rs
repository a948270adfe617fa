//! One line of `series.jsonl`: one value over a part of a case's window.

use crate::lines::Versioned;
use serde::{Deserialize, Serialize};

/// The version that [`SeriesLine::v`] carries.
///
/// Changelog: 1, the first. 2, the file ends with a count and a sum of its lines ([`crate::lines`]).
pub const SERIES_FORMAT: u32 = 2;

/// One value of one interval. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLine {
    /// Format version, [`SERIES_FORMAT`].
    pub v: u32,
    /// [`crate::Case::id`].
    pub case: String,
    /// Metric name, as in RHS column lines.
    pub metric: String,
    /// Which session, or vCPU or thread; absent for values of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u32>,
    /// Seconds since the epoch at the end of the interval.
    pub ending_unix: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// The value, in the metric's unit.
    pub value: f64,
}

impl Versioned for SeriesLine {
    fn version(&self) -> u32 {
        self.v
    }
}
