//! What a number means and which way is better.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a larger value is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Direction {
    /// Throughput, transaction rates, efficiency.
    #[serde(rename = "higher")]
    HigherIsBetter,
    /// Latency, CPU time, retransmits.
    #[serde(rename = "lower")]
    LowerIsBetter,
    /// Neither: packets, interrupts. A change is reported, never called good or bad.
    #[serde(rename = "none")]
    Informational,
}

/// How much a metric counts (statistics.md: "Metrics").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Gates, and is corrected for the number of tests.
    Primary,
    /// Drawn in strong colour, does not gate.
    Important,
    /// Explains; drawn light.
    Secondary,
}

/// The scale on which a metric is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Ratios of geometric means: throughput, rates, latency, time.
    Log,
    /// Differences of means: counts and percentages.
    Linear,
}

/// A metric as `run.json` repeats it, so that an environment's directory can be read alone.
/// The truth about metrics is perf.conf; a unit that differs from it is an error there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricDecl {
    /// Name, as it stands in RHS column lines: `thr_per_CPU`.
    pub name: String,
    /// Unit as text, for example `Mbit/s`; empty for a plain count.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::HigherIsBetter => "higher",
            Direction::LowerIsBetter => "lower",
            Direction::Informational => "none",
        })
    }
}
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Primary => "primary",
            Role::Important => "important",
            Role::Secondary => "secondary",
        })
    }
}
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scale::Log => "log",
            Scale::Linear => "linear",
        })
    }
}
