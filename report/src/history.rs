//! Earlier results of one machine, as a page shows them beside its own.

use analyze::Sample;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One side of a row at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// Arithmetic mean.
    pub mean: f64,
    /// Smallest replicate.
    pub min: f64,
    /// Largest replicate.
    pub max: f64,
    /// Replicates.
    pub n: usize,
}

impl Spot {
    /// The replicates of a side; `None` without any.
    pub fn of(sample: &Sample) -> Option<Spot> {
        Some(Spot { mean: sample.mean?, min: sample.min?, max: sample.max?, n: sample.n })
    }
}

/// A row at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointRow {
    /// Unit as text.
    pub unit: String,
    /// The baseline.
    pub a: Option<Spot>,
    /// The candidate.
    pub b: Option<Spot>,
}

/// One earlier result.
#[derive(Clone, Debug, PartialEq)]
pub struct Occasion {
    /// `base → head`.
    pub title: String,
    /// When it was measured, or published.
    pub when_unix: i64,
    /// Its rows, by [`analyze::Row::id`].
    pub rows: BTreeMap<String, PointRow>,
}

/// Earlier results, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The machine that all of them were measured on.
    pub machine: String,
    /// The results.
    pub occasions: Vec<Occasion>,
}
