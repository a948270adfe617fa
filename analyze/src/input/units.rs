//! Files of other tools must agree in the unit of a metric. What most of them say counts, else what the first says; the file
//! that differs is named, and one that it differs from.

use super::LoadedSide;
use crate::AnalyzeError;
use std::collections::BTreeMap;

/// In which unit a file has a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// perf.conf section.
    pub workload: String,
    /// Canonical name of the metric.
    pub metric: String,
    /// The unit, never empty.
    pub unit: String,
    /// The file, and the line of its first value in that unit.
    pub place: String,
}

/// Refuses sides whose files have a metric in several units.
pub(super) fn check(sides: &[LoadedSide]) -> Result<(), AnalyzeError> {
    let mut metrics: BTreeMap<(&str, &str), Vec<&Unit>> = BTreeMap::new();
    for unit in sides.iter().flat_map(|side| &side.units) {
        metrics.entry((&unit.workload, &unit.metric)).or_default().push(unit);
    }
    for units in metrics.into_values() {
        let Some(first) = units.first() else { continue };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for unit in &units {
            *counts.entry(&unit.unit).or_default() += 1;
        }
        let count = |unit: &str| counts.get(unit).copied().unwrap_or(0);
        // Of units that as many files have, the first one's.
        let most =
            units.iter().fold(*first, |most, u| if count(&u.unit) > count(&most.unit) { u } else { most });
        if let Some(other) = units.iter().find(|u| u.unit != most.unit) {
            return Err(AnalyzeError::Units {
                place: other.place.clone(),
                metric: other.metric.clone(),
                found: other.unit.clone(),
                other: most.place.clone(),
                wanted: most.unit.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_thousands_of_files_are_counted_once() {
        let unit = |n: usize| Unit {
            workload: "w".into(),
            metric: "m".into(),
            unit: if n == 7 { "us" } else { "ms" }.into(),
            place: format!("{n}.json:1"),
        };
        let mut side = LoadedSide { units: (0..200_000).map(unit).collect(), ..LoadedSide::default() };
        let refused = testing::no_square(|| check(std::slice::from_ref(&side))).unwrap_err().to_string();
        assert!(refused.contains("7.json:1") && refused.contains("0.json:1"), "{refused}");
        side.units.remove(7);
        assert!(testing::no_square(|| check(&[side])).is_ok());
    }
}
