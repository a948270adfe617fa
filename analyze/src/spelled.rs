//! How the sides write levels that have one spelling here (`4096` and `4k`).

use crate::frame::Frame;
use crate::input::LoadedSide;
use crate::{Matched, Spelled};
use std::collections::BTreeSet;
use std::ops::Range;

/// Levels that some side writes otherwise than they are called here.
pub(crate) fn spelled(
    frame: &Frame,
    sides: &[LoadedSide],
    ranges: &[Range<usize>],
    matched: &[Matched],
) -> Vec<Spelled> {
    let levels: BTreeSet<&(String, String)> = sides.iter().flat_map(|side| side.spelled.keys()).collect();
    let mut there: Vec<BTreeSet<(&str, &str)>> = vec![BTreeSet::new(); sides.len()];
    if !levels.is_empty() {
        for (index, case) in frame.cases.iter().enumerate() {
            let of_case = case.keys.0.iter().map(|(key, level)| (key.as_str(), level.as_str()));
            for (side, there) in there.iter_mut().enumerate() {
                if frame.has(ranges, side, index) {
                    there.extend(of_case.clone());
                }
            }
        }
    }
    let of_level = |(key, level): &(String, String)| {
        let written = |(index, side): (usize, &LoadedSide)| {
            there.get(index).filter(|there| there.contains(&(key.as_str(), level.as_str())))?;
            let own = side.spelled.get(&(key.clone(), level.clone())).cloned();
            // What was mapped to the level is written in no spelling of it.
            let is_own =
                index == 0 || !matched.iter().any(|m| !m.compared && m.key == *key && m.a.contains(level));
            own.or_else(|| is_own.then(|| level.clone()))
        };
        let mut each = sides.iter().enumerate().map(written);
        let spelled =
            Spelled { key: key.clone(), level: level.clone(), a: each.next().flatten(), b: each.collect() };
        spelled.written().is_some().then_some(spelled)
    };
    levels.into_iter().filter_map(of_level).collect()
}
