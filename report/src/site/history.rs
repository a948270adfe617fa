//! Earlier results of the same machine, acceleration and workload, row by row: the history strip.
//!
//! Each entry keeps the means of its gating rows in `points.json`. A page shows those measured before its own data.

use super::SiteError;
use super::entry::{self, Entry};
use super::settings::SITE_FILE;
use crate::history::{History, Occasion, PointRow, Spot};
use crate::machine::{machine, same};
use crate::sentence;
use analyze::{Comparison, Side};
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

/// `points.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Points {
    pub format: u32,
    /// By [`analyze::Row::id`].
    pub rows: BTreeMap<String, PointRow>,
}

impl Points {
    pub fn of(comparison: &Comparison) -> Points {
        let gating = comparison.rows.iter().filter(|r| sentence::gates(comparison, r));
        let point = |row: &analyze::Row| PointRow {
            unit: row.unit.to_string(),
            a: Spot::of(&row.a),
            b: Spot::of(&row.b),
        };
        let rows = gating.map(|r| (r.id.clone(), point(r))).collect();
        Points { format: POINTS_FORMAT, rows }
    }
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
