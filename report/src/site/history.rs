//! Earlier results of the same machine, acceleration and workload, row by row: the history strip.
//!
//! Each entry keeps the means of its gating rows in `points.json`. A page shows those measured before its own data.

use super::SiteError;
use super::entry::{self, Entry};
use super::publish::{machine, same};
use super::settings::SITE_FILE;
use crate::rows;
use analyze::{Comparison, Sample, Side};
use model::store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the file.
pub(super) const POINTS_FILE: &str = "points.json";
/// The version that [`Points::format`] carries.
///
/// Changelog: 1, the first.
const POINTS_FORMAT: u32 = 1;
/// So many earlier results at most: the newest.
const OCCASIONS: usize = 60;

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

/// `points.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Points {
    pub format: u32,
    /// By [`analyze::Row::id`].
    pub rows: BTreeMap<String, PointRow>,
}

impl Points {
    pub fn of(comparison: &Comparison) -> Points {
        let gating = comparison.rows.iter().filter(|r| rows::gates(comparison, r));
        let point = |row: &analyze::Row| PointRow {
            unit: row.unit.to_string(),
            a: Spot::of(&row.a),
            b: Spot::of(&row.b),
        };
        let rows = gating.map(|r| (r.id.clone(), point(r))).collect();
        Points { format: POINTS_FORMAT, rows }
    }
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

/// What a site knows of the time before a comparison that is not published in it.
///
/// # Errors
/// A folder that is no site.
pub fn history(site: &Path, comparison: &Comparison) -> Result<History, SiteError> {
    if !site.join(SITE_FILE).is_file() {
        return Err(SiteError::NoSite { path: site.to_owned() });
    }
    let sides: Vec<&Side> = std::iter::once(&comparison.a).chain(&comparison.b).collect();
    let when = entry::set(sides.iter().filter_map(|s| s.date_unix).max()).unwrap_or(i64::MAX);
    // The comparison itself may have been published before: equal data are not earlier data.
    Ok(of(site, &machine(&sides), same(&sides, "accel").as_deref(), |e| e.when() < when))
}

/// What a site knows of the time before an entry.
pub(super) fn before(site: &Path, entry: &Entry) -> History {
    of(site, &entry.machine, entry.accel.as_deref(), |e| e.when() <= entry.when() && e.id != entry.id)
}

fn of(site: &Path, machine: &str, accel: Option<&str>, earlier: impl Fn(&Entry) -> bool) -> History {
    let (entries, _) = entry::all(site);
    let alike = |e: &&Entry| e.machine == machine && e.accel.as_deref() == accel;
    let earlier = entries.iter().filter(alike).filter(|e| earlier(e));
    // Newest first; an entry whose points cannot be read has none, and its own page still has everything.
    let mut occasions: Vec<Occasion> = earlier
        .filter_map(|e| {
            let path = site.join("r").join(&e.id).join(POINTS_FILE);
            let points: Points = store::read_json(&path, POINTS_FORMAT).ok()?;
            Some(Occasion { title: e.title.clone(), when_unix: e.when(), rows: points.rows })
        })
        .take(OCCASIONS)
        .collect();
    occasions.reverse();
    History { machine: machine.to_owned(), occasions }
}
