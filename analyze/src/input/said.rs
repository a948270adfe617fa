//! What the data themselves say of their metrics.

use model::Direction;

/// What the data themselves say of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Unit.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// The direction counts more than perf.conf's.
    pub overrides: bool,
}
