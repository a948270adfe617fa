//! Cases that are to meet although a level of theirs differs: `--compare KEY` leaves the key out, `--map 'KEY: a=b'` makes
//! level b of a candidate level a of the baseline. Both change the sides before rows are aligned.

use super::LoadedSide;
use super::facts::CaseFact;
pub(crate) use super::repeat::CATEGORY;
use super::repeat::{self, LEVEL_SEPARATOR, Repeat, clamp};
use crate::options::CompareOptions;
use crate::{AnalyzeError, Matched};
use edge::quoted;
use formats::perf_conf::{Conf, closest};
use model::{Case, Keys};
use std::collections::{BTreeSet, HashMap, HashSet};

/// So many names and levels are listed in an error.
const LISTED: usize = 8;

/// What is left out and what is made one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Keys that are compared: they tell no cases apart.
    pub compared: Vec<String>,
    /// Levels that are one.
    pub maps: Vec<Map>,
}

/// `--map 'KEY: a=b'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    /// Canonical name of the key.
    pub key: String,
    /// The baseline's level.
    pub a: String,
    /// The candidates' level.
    pub b: String,
}

impl std::fmt::Display for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}={}", self.key, self.a, self.b)
    }
}

impl Plan {
    /// The level under which a case stands; `None` for a key that is left out.
    fn level<'t>(&'t self, key: &str, level: &'t str, is_baseline: bool) -> Option<&'t str> {
        if self.compared.iter().any(|compared| compared == key) {
            return None;
        }
        let map = self.maps.iter().find(|map| !is_baseline && map.key == key && map.b == level);
        Some(map.map_or(level, |map| &map.a))
    }

    /// The keys of a case as they are matched.
    pub fn keys(&self, keys: &Keys, is_baseline: bool) -> Keys {
        let kept = keys
            .0
            .iter()
            .filter_map(|(key, level)| Some((key.clone(), self.level(key, level, is_baseline)?)));
        kept.collect()
    }

    /// The category under which a case stands, empty where categories are compared.
    pub fn category<'t>(&'t self, category: &'t str, is_baseline: bool) -> &'t str {
        self.level(CATEGORY, category, is_baseline).unwrap_or_default()
    }

    /// The first two cases of a side that would become one.
    pub fn clash<'c>(&self, cases: &'c [Case], is_baseline: bool) -> Option<(&'c Case, &'c Case)> {
        let mut seen: HashMap<(&str, &str, Keys), &Case> = HashMap::new();
        for case in cases {
            let category = self.category(&case.category, is_baseline);
            let name = (case.workload.as_str(), category, self.keys(&case.keys, is_baseline));
            if let Some(known) = seen.insert(name, case) {
                return Some((known, case));
            }
        }
        None
    }

    /// Lays a file's levels out again.
    pub fn apply(&self, repeat: &mut Repeat, is_baseline: bool) {
        let mut levels = String::with_capacity(repeat.levels.len());
        let mut places = Vec::with_capacity(repeat.rows.len());
        for row in &repeat.rows {
            let start = levels.len();
            let keys = repeat.table_of(row).map(|t| t.keys.as_slice()).unwrap_or_default();
            let own = repeat.levels_of(row).split(LEVEL_SEPARATOR);
            let kept = keys.iter().zip(own).filter_map(|(key, level)| self.level(key, level, is_baseline));
            for (i, level) in kept.enumerate() {
                if i > 0 {
                    levels.push(LEVEL_SEPARATOR);
                }
                levels.push_str(level);
            }
            places.push((clamp(start), clamp(levels.len())));
        }
        for (row, place) in repeat.rows.iter_mut().zip(places) {
            row.levels = place;
        }
        repeat.levels = levels;
        for table in &mut repeat.tables {
            table.category = self.category(&table.category, is_baseline).to_owned();
            table.keys.retain(|key| !self.compared.contains(key));
        }
    }

    /// Gives facts of cases the names under which these meet.
    pub fn apply_to_fact(&self, fact: &mut CaseFact, is_baseline: bool) {
        let kept = std::mem::take(&mut fact.keys).into_iter();
        let kept = kept.filter_map(|(key, level)| {
            let level = self.level(&key, &level, is_baseline)?.to_owned();
            Some((key, level))
        });
        fact.keys = kept.collect();
        fact.category = self.category(&fact.category, is_baseline).to_owned();
    }
}

/// The cases of files, each once, in their order.
pub(crate) fn cases_of<'r>(repeats: impl IntoIterator<Item = &'r Repeat>) -> Vec<Case> {
    let mut seen: HashSet<(&str, &str, &[String], &str)> = HashSet::new();
    let mut out = Vec::new();
    for repeat in repeats {
        for row in &repeat.rows {
            let Some(table) = repeat.table_of(row) else { continue };
            let levels = repeat.levels_of(row);
            if seen.insert((&table.workload, &table.category, &table.keys, levels)) {
                let keys = table.keys.iter().cloned().zip(levels.split(LEVEL_SEPARATOR)).collect();
                let (workload, category) = (table.workload.clone(), table.category.clone());
                out.push(Case { workload, category, keys });
            }
        }
    }
    out
}

/// The level of a key, or the category, as [`CATEGORY`] says.
pub(crate) fn level_of<'c>(case: &'c Case, key: &str) -> Option<&'c str> {
    repeat::level_of(&case.category, case.keys.0.iter().map(|(k, l)| (k.as_str(), l.as_str())), key)
}

/// The levels of a key, each once, in the order of the cases.
pub(crate) fn levels_of(cases: &[Case], key: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let levels = cases.iter().filter_map(|case| level_of(case, key));
    levels.filter(|level| seen.insert(*level)).map(str::to_owned).collect()
}

/// Makes cases meet as the options say; gives what a reader must know of it.
pub(super) fn apply(
    sides: &mut [LoadedSide],
    options: &CompareOptions,
) -> Result<Vec<Matched>, AnalyzeError> {
    if options.compared.is_empty() && options.maps.is_empty() {
        return Ok(Vec::new());
    }
    let cases: Vec<Vec<Case>> = sides.iter().map(|side| cases_of(&side.repeats)).collect();
    let plan = plan(options, &cases)?;
    for (index, (side, cases)) in sides.iter().zip(&cases).enumerate() {
        if let Some(clash) = plan.clash(cases, index == 0) {
            return Err(refused(&plan, &side.label, clash, true));
        }
    }
    for (index, side) in sides.iter_mut().enumerate() {
        side.repeats.iter_mut().for_each(|repeat| plan.apply(repeat, index == 0));
        side.case_facts.iter_mut().for_each(|fact| plan.apply_to_fact(fact, index == 0));
    }
    Ok(told(&plan, &cases))
}

/// What was made to meet.
pub(super) fn told(plan: &Plan, cases: &[Vec<Case>]) -> Vec<Matched> {
    let Some((baseline, candidates)) = cases.split_first() else { return Vec::new() };
    let compared = plan.compared.iter().map(|key| Matched {
        key: key.clone(),
        compared: true,
        a: levels_of(baseline, key),
        b: candidates.iter().map(|cases| levels_of(cases, key)).collect(),
    });
    let maps = plan.maps.iter().map(|map| Matched {
        key: map.key.clone(),
        compared: false,
        a: vec![map.a.clone()],
        b: (candidates.iter())
            .map(|cases| levels_of(cases, &map.key).into_iter().filter(|level| *level == map.b).collect())
            .collect(),
    });
    compared.chain(maps).collect()
}

/// Reads the options against the cases that are there.
fn plan(options: &CompareOptions, cases: &[Vec<Case>]) -> Result<Plan, AnalyzeError> {
    let mut plan = Plan::default();
    let all = || cases.iter().flatten();
    for written in &options.compared {
        let key = key_or_category(written, all(), &options.conf)
            .ok_or_else(|| unknown_key(&format!("--compare {}", quoted(written)), written, all()))?;
        if !plan.compared.contains(&key) {
            plan.compared.push(key);
        }
    }
    for written in &options.maps {
        let map = map(written, cases, &options.conf)?;
        let said = format!("--map {}", quoted(written));
        if plan.compared.contains(&map.key) {
            return Err(AnalyzeError::Option(format!(
                "{said}: --compare leaves {} out already; give one of the two",
                quoted(&map.key)
            )));
        }
        let other =
            plan.maps.iter().find(|known| known.key == map.key && known.b == map.b && known.a != map.a);
        if let Some(other) = other {
            return Err(AnalyzeError::Option(format!(
                "{said}: level {} is matched with {} already; give one of the two",
                quoted(&map.b),
                quoted(&other.a)
            )));
        }
        if !plan.maps.contains(&map) {
            plan.maps.push(map);
        }
    }
    Ok(plan)
}

/// The canonical name of a key of which some case has a level.
fn key<'c>(written: &str, cases: impl Iterator<Item = &'c Case> + Clone, conf: &Conf) -> Option<String> {
    let written = written.trim();
    let has = |key: &str| cases.clone().any(|case| case.keys.get(key).is_some());
    if has(written) {
        return Some(written.to_owned());
    }
    let canonical = conf.sections().iter().map(|section| section.canonical(written));
    canonical.filter(|canonical| *canonical != written).find(|canonical| has(canonical)).map(str::to_owned)
}

/// The same, or the category.
pub(super) fn key_or_category<'c>(
    written: &str,
    cases: impl Iterator<Item = &'c Case> + Clone,
    conf: &Conf,
) -> Option<String> {
    let is_category = || written.trim() == CATEGORY && cases.clone().any(|case| !case.category.is_empty());
    key(written, cases.clone(), conf).or_else(|| is_category().then(|| CATEGORY.to_owned()))
}

/// The error for a key that no case has.
pub(super) fn unknown_key<'c>(
    said: &str,
    written: &str,
    cases: impl Iterator<Item = &'c Case>,
) -> AnalyzeError {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for case in cases {
        known.extend(case.keys.0.iter().map(|(key, _)| key.as_str()));
        known.extend(level_of(case, CATEGORY).map(|_| CATEGORY));
    }
    let hint = closest(written.trim(), known.iter().copied())
        .map_or(String::new(), |near| format!(", did you mean {}?", quoted(near)));
    let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
    let there =
        if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", list(&known)) };
    AnalyzeError::Option(format!("{said}: no case has such a key{hint}; {there}"))
}

/// Reads `KEY: a=b`. Keys and levels may hold the separators themselves: what is there tells where the parts end.
fn map(written: &str, cases: &[Vec<Case>], conf: &Conf) -> Result<Map, AnalyzeError> {
    let said = format!("--map {}", quoted(written));
    let Some((first, _)) = written.split_once(':') else {
        return Err(AnalyzeError::Option(format!(
            "{said}: want KEY: a=b, a level of the baseline and one of the other side"
        )));
    };
    let parts = || {
        written.match_indices(':').filter_map(|(at, _)| Some((written.get(..at)?, written.get(at + 1..)?)))
    };
    let all = || cases.iter().flatten();
    let Some((key, levels)) =
        parts().find_map(|(name, rest)| Some((key_or_category(name, all(), conf)?, rest)))
    else {
        return Err(unknown_key(&said, first, all()));
    };
    let Some((first_a, _)) = levels.split_once('=') else {
        return Err(AnalyzeError::Option(format!(
            "{said}: want a level of {} of the baseline, '=', and one of the other side",
            quoted(&key)
        )));
    };
    let (baseline, candidates) =
        cases.split_first().map(|(a, b)| (a.as_slice(), b.concat())).unwrap_or_default();
    let (of_a, of_b) = (levels_of(baseline, &key), levels_of(&candidates, &key));
    let pairs =
        levels.match_indices('=').filter_map(|(at, _)| Some((levels.get(..at)?, levels.get(at + 1..)?)));
    let found = pairs.clone().filter_map(|(a, b)| Some((level(&key, a, &of_a)?, level(&key, b, &of_b)?)));
    match found.collect::<Vec<_>>().as_slice() {
        [(a, b)] => Ok(Map { key, a: a.clone(), b: b.clone() }),
        [] => {
            // A side that has the level of some parting is not to blame.
            let of_baseline = pairs.clone().find(|(a, _)| level(&key, a, &of_a).is_some());
            let of_other = pairs.clone().find(|(_, b)| level(&key, b, &of_b).is_some());
            let (text, side, there) = match (of_baseline, of_other) {
                (Some((_, b)), _) => (b, "the other side", of_b),
                (None, Some((a, _))) => (a, "the baseline", of_a),
                (None, None) => (first_a, "the baseline", of_a),
            };
            let there = if there.is_empty() { "none at all".to_owned() } else { list(&there) };
            Err(AnalyzeError::Option(format!(
                "{said}: {side} has no level {} of {}; it has {there}",
                quoted(text.trim()),
                quoted(&key)
            )))
        }
        several => Err(AnalyzeError::Option(format!(
            "{said}: the levels can be parted at {} of its '='; rename a level, or give --compare KEY",
            several.len()
        ))),
    }
}

/// The level that is meant, in any spelling of a size or a time.
fn level(key: &str, written: &str, there: &[String]) -> Option<String> {
    let written = written.trim();
    let canonical = formats::foreign::level(key, written);
    let is = |level: &&String| level.trim() == written || **level == canonical;
    there.iter().find(is).cloned()
}

/// Names in quotes, as many as are listed.
pub(super) fn list(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(LISTED).map(|name| quoted(name).to_string()).collect();
    if names.len() > LISTED {
        shown.push(format!("and {} more", names.len() - LISTED));
    }
    shown.join(", ")
}

/// The error for two cases of a side that would become one.
pub(super) fn refused(
    plan: &Plan,
    label: &str,
    (one, other): (&Case, &Case),
    takes_maps: bool,
) -> AnalyzeError {
    let differs = |key: &&str| level_of(one, key) != level_of(other, key);
    let level =
        |case: &Case, key: &str| level_of(case, key).map_or("no level".to_owned(), |l| quoted(l).to_string());
    let names = plan.compared.iter().map(String::as_str);
    let category = plan.category(&one.category, true).to_owned();
    let rest = Case { keys: plan.keys(&one.keys, true), category, ..one.clone() };
    AnalyzeError::Option(match names.into_iter().find(differs) {
        Some(key) => {
            let way = match takes_maps {
                true => format!(
                    "match them level by level instead: --map {}, a of the baseline and b of the other side, once for each \
                     pair",
                    quoted(&format!("{key}: a=b"))
                ),
                false => "leave one of the keys away".to_owned(),
            };
            format!(
                "--compare {}: {} has two levels of it for one case, {} and {} (of {}), and they would become one; {way}",
                quoted(key),
                quoted(label),
                level(one, key),
                level(other, key),
                quoted(&rest.id()),
            )
        }
        None => {
            let of_one = plan.maps.iter().find(|map| level_of(one, &map.key) != level_of(other, &map.key));
            let (said, key) = of_one.map_or((String::new(), ""), |map| (map.to_string(), map.key.as_str()));
            format!(
                "--map {}: {} has both {} and {} (of {}), and two cases would become one; map the other one, too, or \
                 measure them apart",
                quoted(&said),
                quoted(label),
                level(one, key),
                level(other, key),
                quoted(&rest.id())
            )
        }
    })
}
