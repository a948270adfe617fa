//! Values out of the campaigns of a bisection.

use crate::Error;
use crate::bisect::RowFacts;
use analyze::{CompareOptions, show};
use std::collections::BTreeMap;
use std::path::Path;

/// Blocks after which a comparison of two builds ends, decided or not.
pub(super) const CEILING: u32 = 40;

/// What a side of a campaign has; nothing where it has no value.
pub(super) fn shown(options: &CompareOptions, dir: &Path) -> Result<Option<analyze::Shown>, Error> {
    use analyze::AnalyzeError::{NoRepeats, NoResults};
    match show(options, dir) {
        Err(NoResults { .. } | NoRepeats { .. }) => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// The values of a row by block, on its scale.
pub(super) fn values(
    options: &CompareOptions,
    dir: &Path,
    row: &RowFacts,
) -> Result<BTreeMap<u32, f64>, Error> {
    let Some(shown) = shown(options, dir)? else { return Ok(BTreeMap::new()) };
    let Some(found) = shown.rows.iter().find(|of| of.id == row.id) else { return Ok(BTreeMap::new()) };
    let on = |value: f64| if row.log { value.ln() } else { value };
    let sample = &found.sample;
    let blocks = sample.blocks.iter().copied().chain(1..);
    Ok(blocks.zip(sample.values.iter().map(|v| on(*v))).filter(|(_, v)| v.is_finite()).collect())
}
