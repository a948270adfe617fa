//! What a case came to.

use model::Window;

/// One value of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Metric.
    pub metric: String,
    /// The value, finite.
    pub value: f64,
    /// File below the case's raw folder, and line from 1.
    pub raw: Option<(String, u32)>,
}

/// A value over part of the window, for `series.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// What was measured.
    pub metric: String,
    /// Which session, counted from 0, when there are several.
    pub session: Option<u32>,
    /// End of the interval, seconds since the epoch.
    pub ending: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// The value.
    pub value: f64,
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The common window of all values.
    pub window: Window,
    /// The values.
    pub values: Vec<Value>,
    /// Per-second and per-session values.
    pub series: Vec<Point>,
}
