//! One path whose levels of a key are the sides: `perfvt compare both.json --compare command`.

use super::facts::{self, CaseFact};
use super::matching::{
    CATEGORY, Plan, cases_of, key_or_category, level_of, levels_of, list, refused, told, unknown_key,
};
use super::repeat;
use super::{LoadedSide, load_one, run_dir};
use crate::options::CompareOptions;
use crate::warnings::note;
use crate::{AnalyzeError, Matched};
use edge::quoted;
use model::counted;
use model::{Case, Keys};
use std::collections::HashSet;
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
    let found = choices(&cases_of(&side.repeats));
    let flags = |keys: &[String]| {
        let flags: Vec<String> = keys.iter().map(|key| format!("--compare {}", quoted(key))).collect();
        flags.join(" ")
    };
    let Some((keys, levels)) = found.first() else { return error };
    let others: Vec<String> = found.iter().skip(1).map(|(keys, _)| flags(keys)).collect();
    let others = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", or ")) };
    let whose = match keys.as_slice() {
        [] | [_] => "its".to_owned(),
        [key, ..] => format!("of {} the", quoted(key)),
    };
    AnalyzeError::Sides(format!(
        "{text}; or {}{others}, and {whose} {levels} levels become the sides",
        flags(keys)
    ))
}

/// Files of one path whose levels of a key become the sides: `--compare KEY` with one path. Each level has its name.
fn by_level(
    side: &LoadedSide,
    options: &CompareOptions,
) -> Result<(Vec<LoadedSide>, Vec<Matched>), AnalyzeError> {
    let cases = cases_of(&side.repeats);
    let mut keys: Vec<String> = Vec::new();
    for written in &options.compared {
        let known = key_or_category(written, cases.iter(), &options.conf);
        let said = format!("--compare {}", quoted(written));
        keys.push(known.ok_or_else(|| unknown_key(&said, written, cases.iter()))?);
    }
    // The first makes the sides; the others only tell no cases apart.
    let (Some(key), Some(written)) = (keys.first().cloned(), options.compared.first()) else {
        return Err(AnalyzeError::Sides("nothing to compare: give a baseline and a candidate".into()));
    };
    let said = format!("--compare {}", quoted(written));
    let levels = levels_of(&cases, &key);
    if levels.len() < 2 {
        return Err(AnalyzeError::Option(format!(
            "{said}: {} has one level of it, {}; give a second path to compare it with",
            side.path.display(),
            list(&levels)
        )));
    }
    if options.labels.len() > levels.len() {
        return Err(AnalyzeError::Option(format!(
            "{} for {} of {}; give one for each, in the order of the file",
            counted(options.labels.len(), "label"),
            counted(levels.len(), "level"),
            quoted(&key)
        )));
    }
    let plan = Plan { compared: keys, maps: Vec::new() };
    let mut cases_of_sides: Vec<Vec<Case>> = Vec::with_capacity(levels.len());
    let mut sides: Vec<LoadedSide> = Vec::with_capacity(levels.len());
    for (index, level) in levels.iter().enumerate() {
        let mut own = of_level(side, &key, level);
        let cases = cases_of(&own.repeats);
        if let Some(clash) = plan.clash(&cases, true) {
            return Err(refused(&plan, level, clash, false));
        }
        cases_of_sides.push(cases);
        own.repeats.iter_mut().for_each(|repeat| plan.apply(repeat, true));
        own.case_facts.iter_mut().for_each(|fact| plan.apply_to_fact(fact, true));
        own.label = options.labels.get(index).unwrap_or(level).clone();
        sides.push(own);
    }
    let without = cases.iter().filter(|case| level_of(case, &key).is_none()).count();
    if let Some(first) = sides.first_mut() {
        // What is said of the files is said once.
        (first.losses, first.notes) = (side.losses.clone(), side.notes.clone());
        (first.said, first.units) = (side.said.clone(), side.units.clone());
        if without > 0 {
            let text = format!("{} without a level of {}, left out", counted(without, "case"), quoted(&key));
            first.notes.push(note("left-out", text, "", without));
        }
    }
    Ok((sides, told(&plan, &cases_of_sides)))
}

/// What of the files of a path has a level.
fn of_level(side: &LoadedSide, key: &str, level: &str) -> LoadedSide {
    let has = |fact: &&CaseFact| {
        let keys = fact.keys.iter().map(|(key, level)| (key.as_str(), level.as_str()));
        repeat::level_of(&fact.category, keys, key).is_none_or(|own| own == level)
    };
    LoadedSide {
        path: side.path.clone(),
        repeats: side.repeats.iter().filter_map(|repeat| repeat.only(key, level)).collect(),
        case_facts: side.case_facts.iter().filter(has).cloned().collect(),
        spelled: side.spelled.clone(),
        ..LoadedSide::default()
    }
}

/// So many keys are tried, and so many choices are named.
const TRIED: usize = 8;
const NAMED: usize = 4;

/// Keys whose levels make sides that meet, with their number: one, or where none does, one with another that only names the
/// same once more (hyperfine's `command` beside its parameters). The category may be one, too.
fn choices(cases: &[Case]) -> Vec<(Vec<String>, usize)> {
    let mut keys: Vec<&String> = Vec::new();
    for (key, _) in cases.iter().flat_map(|case| &case.keys.0) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.retain(|key| levels_of(cases, key).len() > 1);
    keys.truncate(TRIED);
    let single: Vec<Vec<String>> = keys.iter().map(|key| vec![(*key).clone()]).collect();
    let double = keys.iter().flat_map(|key| {
        let others = keys.iter().filter(move |other| *other != key);
        others.map(move |other| vec![(*key).clone(), (*other).clone()])
    });
    let works = |keys: Vec<String>| sides_that_meet(cases, &keys).map(|levels| (keys, levels));
    let mut found: Vec<_> = single.into_iter().filter_map(works).collect();
    if found.is_empty() {
        found = double.filter_map(works).collect();
    }
    if levels_of(cases, CATEGORY).len() > 1 && !keys.iter().any(|key| *key == CATEGORY) {
        found.extend(works(vec![CATEGORY.to_owned()]));
    }
    // Fewest sides first: a page of many is none that somebody asks for.
    found.sort_by_key(|(_, levels)| *levels);
    found.truncate(NAMED);
    found
}

/// How many sides the levels of the first key make, if each shares a case with the first and none has two cases that become one.
fn sides_that_meet(cases: &[Case], keys: &[String]) -> Option<usize> {
    let key = keys.first()?;
    let plan = Plan { compared: keys.to_vec(), maps: Vec::new() };
    let levels = levels_of(cases, key);
    let mut baseline: Option<HashSet<(String, String, Keys)>> = None;
    for level in &levels {
        let own: Vec<Case> =
            cases.iter().filter(|case| level_of(case, key) == Some(level.as_str())).cloned().collect();
        if plan.clash(&own, true).is_some() {
            return None;
        }
        let own = cases.iter().filter(|case| level_of(case, key) == Some(level.as_str()));
        let name = |case: &'_ Case| {
            (
                case.workload.clone(),
                plan.category(&case.category, true).to_owned(),
                plan.keys(&case.keys, true),
            )
        };
        let names: HashSet<_> = own.map(name).collect();
        match &baseline {
            None => baseline = Some(names),
            Some(known) if known.is_disjoint(&names) => return None,
            Some(_) => {}
        }
    }
    Some(levels.len())
}
