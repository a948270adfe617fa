//! One path whose levels of a key are the sides: `perfvt compare both.json --compare command`.

use super::facts::{self, CaseFact};
use super::matching::{Plan, cases_of, key, levels_of, list, unknown_key};
use super::repeat::Repeat;
use super::{LoadedSide, load_one, run_dir};
use crate::options::CompareOptions;
use crate::warnings::{counted, note};
use crate::{AnalyzeError, Matched};
use edge::quoted;
use std::path::Path;

/// The levels of a key of one path as the sides.
pub(super) fn levels_as_sides(
    path: &Path,
    options: &CompareOptions,
) -> Result<(Vec<LoadedSide>, Vec<Matched>), AnalyzeError> {
    let refuse = |why: &str| AnalyzeError::Sides(format!("{} is one side: {why}", path.display()));
    if !options.pooled.is_empty() || !options.maps.is_empty() {
        return Err(refuse(
            "--baseline-from and --map are of two sides, and --compare makes its levels the sides",
        ));
    }
    if run_dir::is_run_dir(path) {
        let why =
            "it was measured by perfvt, all levels in the same boots; give a second path to compare it with";
        return Err(refuse(why));
    }
    let whole = load_one(path, options)?;
    let (mut sides, matched) = by_level(&whole, options)?;
    let by_case = facts::by_case(&sides);
    sides.iter_mut().for_each(|side| side.find_facts(&by_case));
    Ok((sides, matched))
}

/// Adds the keys whose levels could be the sides, where one path was given.
pub(super) fn with_choices(error: AnalyzeError, options: &CompareOptions) -> AnalyzeError {
    let ([only], AnalyzeError::Sides(text)) = (options.paths.as_slice(), &error) else { return error };
    if run_dir::is_run_dir(only) {
        return error;
    }
    let Ok(side) = load_one(only, options) else { return error };
    let found = choices(&side);
    let Some((key, levels)) = found.first() else { return error };
    let others: Vec<String> = found.iter().skip(1).map(|(key, _)| quoted(key).to_string()).collect();
    let others = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
    AnalyzeError::Sides(format!(
        "{text}; or --compare {}{others}, and its {levels} levels become the sides",
        quoted(key)
    ))
}

/// Files of one path whose levels of a key become the sides: `--compare KEY` with one path. Each level has its name.
fn by_level(
    side: &LoadedSide,
    options: &CompareOptions,
) -> Result<(Vec<LoadedSide>, Vec<Matched>), AnalyzeError> {
    let cases = cases_of(&side.repeats);
    let [written] = options.compared.as_slice() else {
        return Err(AnalyzeError::Option(
            "with one path --compare takes one key, whose levels become the sides".into(),
        ));
    };
    let said = format!("--compare {}", quoted(written));
    let Some(key) = key(written, cases.iter(), &options.conf) else {
        return Err(unknown_key(&said, written, cases.iter()));
    };
    let levels = levels_of(&cases, &key);
    if levels.len() < 2 {
        return Err(AnalyzeError::Option(format!(
            "{said}: {} has one level of it, {}; give a second path to compare it with",
            side.path.display(),
            list(&levels)
        )));
    }
    let plan = Plan { compared: vec![key.clone()], maps: Vec::new() };
    let mut sides: Vec<LoadedSide> = Vec::with_capacity(levels.len());
    for (index, level) in levels.iter().enumerate() {
        let mut repeats: Vec<Repeat> = side.repeats.iter().filter_map(|r| r.only(&key, level)).collect();
        repeats.iter_mut().for_each(|repeat| plan.apply(repeat, true));
        let of_level = |fact: &&CaseFact| fact.keys.iter().all(|(k, l)| *k != key || l == level);
        let mut case_facts: Vec<CaseFact> = side.case_facts.iter().filter(of_level).cloned().collect();
        case_facts.iter_mut().for_each(|fact| plan.apply_to_fact(fact, true));
        let label = options.labels.get(index).unwrap_or(level).clone();
        let own = LoadedSide {
            path: side.path.clone(),
            label,
            repeats,
            case_facts,
            spelled: side.spelled.clone(),
            ..LoadedSide::default()
        };
        sides.push(own);
    }
    let without = cases.iter().filter(|case| case.keys.get(&key).is_none()).count();
    if let Some(first) = sides.first_mut() {
        // What is said of the files is said once.
        (first.losses, first.notes) = (side.losses.clone(), side.notes.clone());
        (first.said, first.units) = (side.said.clone(), side.units.clone());
        if without > 0 {
            let text = format!("{} without a level of {}, left out", counted(without, "case"), quoted(&key));
            first.notes.push(note("left-out", text, "", without));
        }
    }
    let others = levels.iter().skip(1).map(|level| vec![level.clone()]).collect();
    let matched = Matched { key, compared: true, a: levels.iter().take(1).cloned().collect(), b: others };
    Ok((sides, vec![matched]))
}

/// Keys of which the files of one path have several levels, with their number.
fn choices(side: &LoadedSide) -> Vec<(String, usize)> {
    let cases = cases_of(&side.repeats);
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in cases.iter().flat_map(|case| &case.keys.0) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let several = keys.into_iter().map(|key| (key.to_owned(), levels_of(&cases, key).len()));
    several.filter(|(_, levels)| *levels > 1).collect()
}
