//! Cases that meet nobody: which of the other side comes nearest, and the flags that would make the two meet.
//!
//! ```text
//!   cases of one side only ──> pairs that differ in one key, then in two, .. ──> kinds (which keys differ) ──> flags, tried
//! ```

use crate::frame::{Frame, FrameCase};
use crate::input::matching::{CATEGORY, Map, Plan};
use crate::pairing::Pairing;
use crate::{Differing, Matched, Nearest};
use formats::perf_conf::likeness;
use model::{Case, Keys};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// So many keys may differ; what differs in more is not near.
const FURTHEST: usize = 4;
/// So many times a case is looked at, over all sets of keys that could differ.
const EFFORT: usize = 500_000;
/// So many pairs of levels are compared letter by letter; more are paired in their order.
const SPELLED: usize = 2_500;
/// So many pairs of levels a command line takes.
const MAPS: usize = 20;

/// Pairs that differ in the same keys.
struct Kind {
    keys: Vec<String>,
    /// Candidate, case of the baseline, case of the candidate.
    pairs: Vec<(usize, usize, usize)>,
}

/// The nearest cases of those that meet nobody, a finding for each set of keys in which they differ: fewest keys first.
pub(crate) fn nearest(
    frame: &Frame,
    ranges: &[Range<usize>],
    pairings: &[Pairing],
    matched: &[Matched],
    takes_maps: bool,
) -> Vec<Nearest> {
    let mut kinds: Vec<Kind> = Vec::new();
    for pairing in pairings {
        for (a, b) in pairs_of(frame, ranges, pairing.candidate + 1) {
            let keys = differing(frame, a, b);
            let pair = (pairing.candidate, a, b);
            match kinds.iter_mut().find(|kind| kind.keys == keys) {
                Some(kind) => kind.pairs.push(pair),
                None => kinds.push(Kind { keys, pairs: vec![pair] }),
            }
        }
    }
    if kinds.is_empty() {
        return Vec::new();
    }
    kinds.sort_by_key(|kind| (kind.keys.len(), std::cmp::Reverse(kind.pairs.len())));
    let sides: Vec<Vec<Case>> = (0..ranges.len()).map(|side| cases_of(frame, ranges, side)).collect();
    let id = |case: usize| frame.cases.get(case).map(|c| c.id.clone()).unwrap_or_default();
    let told = |kind: Kind| {
        let (candidate, a, b) = kind.pairs.first().copied()?;
        let flags = flags(frame, &sides, &kind, matched, takes_maps);
        let level = |case: usize, key: &str| {
            frame.cases.get(case).and_then(|case| level_of(case, key)).map(str::to_owned)
        };
        let cases = kind.pairs.len();
        let keys = kind.keys.into_iter();
        let keys = keys.map(|key| Differing { a: level(a, &key), b: level(b, &key), key }).collect();
        Some(Nearest { keys, cases, candidate, a: id(a), b: id(b), flags })
    };
    kinds.into_iter().filter_map(told).collect()
}

fn cases_of(frame: &Frame, ranges: &[Range<usize>], side: usize) -> Vec<Case> {
    let own = frame.cases.iter().enumerate().filter(|(index, _)| frame.has(ranges, side, *index));
    let name = |case: &FrameCase| frame.workloads.get(case.workload as usize).map(|w| w.name.to_string());
    let case = |(_, case): (usize, &FrameCase)| Case {
        workload: name(case).unwrap_or_default(),
        category: case.category.to_string(),
        keys: Keys::clone(&case.keys),
    };
    own.map(case).collect()
}

/// Pairs of cases that only one of the two sides has.
fn pairs_of(frame: &Frame, ranges: &[Range<usize>], side: usize) -> Vec<(usize, usize)> {
    let mut groups: BTreeMap<(u32, &str), [Vec<usize>; 2]> = BTreeMap::new();
    for (index, case) in frame.cases.iter().enumerate() {
        let [of_a, of_b] = groups.entry((case.workload, &case.category)).or_default();
        match (frame.has(ranges, 0, index), frame.has(ranges, side, index)) {
            (true, false) => of_a.push(index),
            (false, true) => of_b.push(index),
            _ => {}
        }
    }
    let open = groups.values().filter(|[a, b]| !a.is_empty() && !b.is_empty());
    let mut found: Vec<(usize, usize)> = open.flat_map(|[a, b]| pairs(frame, a.clone(), b.clone())).collect();
    // Then those of different categories that differ in nothing else.
    let gone: BTreeSet<usize> = found.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let mut rest: BTreeMap<u32, [Vec<usize>; 2]> = BTreeMap::new();
    for ((workload, _), [of_a, of_b]) in &groups {
        let [a, b] = rest.entry(*workload).or_default();
        a.extend(of_a.iter().filter(|case| !gone.contains(case)));
        b.extend(of_b.iter().filter(|case| !gone.contains(case)));
    }
    for [a, b] in rest.into_values().filter(|[a, b]| a.len() + b.len() <= EFFORT) {
        found.extend(meeting(frame, &a, &b, &[CATEGORY]));
    }
    found
}

/// The level of a key, or the category under the name by which it is matched.
fn level_of<'f>(case: &'f FrameCase, key: &str) -> Option<&'f str> {
    let category = || (key == CATEGORY && !case.category.is_empty()).then_some(&*case.category);
    case.keys.get(key).or_else(category)
}

/// Pairs of the cases of a category, those that differ in fewest keys first.
fn pairs(frame: &Frame, mut a: Vec<usize>, mut b: Vec<usize>) -> Vec<(usize, usize)> {
    let keys = |case: &usize| frame.cases.get(*case).map(|case| &*case.keys);
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in a.iter().chain(&b).filter_map(keys).flat_map(|keys| &keys.0) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut effort = EFFORT;
    let mut out = Vec::new();
    for size in 1..=names.len().min(FURTHEST) {
        for set in subsets(&names, size) {
            let cost = a.len() + b.len();
            if a.is_empty() || b.is_empty() || cost > effort {
                return out;
            }
            effort -= cost;
            let found = meeting(frame, &a, &b, &set);
            let gone: BTreeSet<usize> = found.iter().flat_map(|(a, b)| [*a, *b]).collect();
            a.retain(|case| !gone.contains(case));
            b.retain(|case| !gone.contains(case));
            out.extend(found);
        }
    }
    out
}

/// The sets of so many names, in their order.
fn subsets<'n>(names: &[&'n str], size: usize) -> Vec<Vec<&'n str>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut out = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for mut rest in subsets(names.get(at + 1..).unwrap_or_default(), size - 1) {
            rest.insert(0, *name);
            out.push(rest);
        }
    }
    out
}

/// Pairs of cases that are equal without a set of keys. Of several that are, those with the most similar levels.
fn meeting(frame: &Frame, a: &[usize], b: &[usize], without: &[&str]) -> Vec<(usize, usize)> {
    let rest = |case: usize| -> Vec<(&str, &str)> {
        let keys = frame.cases.get(case).map(|case| case.keys.0.as_slice()).unwrap_or_default();
        let kept = keys.iter().filter(|(key, _)| !without.contains(&key.as_str()));
        kept.map(|(key, level)| (key.as_str(), level.as_str())).collect()
    };
    let mut buckets: HashMap<Vec<(&str, &str)>, Vec<usize>> = HashMap::new();
    for case in b {
        buckets.entry(rest(*case)).or_default().push(*case);
    }
    let mut order: Vec<Vec<(&str, &str)>> = Vec::new();
    let mut of_a: HashMap<Vec<(&str, &str)>, Vec<usize>> = HashMap::new();
    for case in a {
        let name = rest(*case);
        if buckets.contains_key(&name) {
            let own = of_a.entry(name.clone()).or_default();
            if own.is_empty() {
                order.push(name);
            }
            own.push(*case);
        }
    }
    let both = order.iter().filter_map(|name| Some((of_a.get(name)?, buckets.get(name)?)));
    both.flat_map(|(a, b)| most_alike(frame, a, b, without)).collect()
}

/// Pairs the cases of two lists, the most similar levels first.
fn most_alike(frame: &Frame, a: &[usize], b: &[usize], keys: &[&str]) -> Vec<(usize, usize)> {
    if a.len() * b.len() > SPELLED {
        return a.iter().copied().zip(b.iter().copied()).collect();
    }
    let level =
        |case: usize, key: &str| frame.cases.get(case).and_then(|case| level_of(case, key)).unwrap_or("");
    let alike =
        |a: usize, b: usize| keys.iter().map(|key| likeness(level(a, key), level(b, key))).sum::<f64>();
    let mut all: Vec<(f64, usize, usize)> = Vec::with_capacity(a.len() * b.len());
    all.extend(a.iter().flat_map(|a| b.iter().map(move |b| (alike(*a, *b), *a, *b))));
    all.sort_by(|x, y| y.0.total_cmp(&x.0));
    let mut taken = BTreeSet::new();
    let mut out = Vec::new();
    for (_, a, b) in all {
        if !taken.contains(&(0, a)) && !taken.contains(&(1, b)) {
            taken.extend([(0, a), (1, b)]);
            out.push((a, b));
        }
    }
    out.sort_unstable();
    out
}

/// The keys in which two cases differ.
fn differing(frame: &Frame, a: usize, b: usize) -> Vec<String> {
    let (Some(of_a), Some(of_b)) = (frame.cases.get(a), frame.cases.get(b)) else { return Vec::new() };
    let (a, b) = (&*of_a.keys, &*of_b.keys);
    let category = (of_a.category != of_b.category).then(|| CATEGORY.to_owned());
    let own = a.0.iter().filter(|(key, level)| b.get(key) != Some(level)).map(|(key, _)| key.clone());
    let others = b.0.iter().filter(|(key, _)| a.get(key).is_none()).map(|(key, _)| key.clone());
    category.into_iter().chain(own).chain(others).collect()
}

/// The flags with which the pairs of a kind meet and no two cases of a side become one; none where there are none.
fn flags(
    frame: &Frame,
    sides: &[Vec<Case>],
    kind: &Kind,
    matched: &[Matched],
    takes_maps: bool,
) -> Vec<String> {
    let clashes =
        |plan: &Plan| sides.iter().enumerate().any(|(index, cases)| plan.clash(cases, index == 0).is_some());
    let words = |flag: &str, values: Vec<String>| {
        values.into_iter().flat_map(|value| [flag.to_owned(), value]).collect::<Vec<String>>()
    };
    let mapped = |key: &String| matched.iter().any(|matched| !matched.compared && matched.key == *key);
    let whole = Plan { compared: kind.keys.clone(), maps: Vec::new() };
    if !kind.keys.iter().any(mapped) && !clashes(&whole) {
        return words("--compare", whole.compared);
    }
    match maps(frame, kind) {
        Some(maps) if takes_maps && maps.len() <= MAPS => {
            let plan = Plan { compared: Vec::new(), maps };
            if clashes(&plan) {
                Vec::new()
            } else {
                words("--map", plan.maps.iter().map(Map::to_string).collect())
            }
        }
        _ => Vec::new(),
    }
}

/// Which levels must be one for the pairs of a kind to meet; `None` where a side has no level, or one would be two.
fn maps(frame: &Frame, kind: &Kind) -> Option<Vec<Map>> {
    let mut out: Vec<Map> = Vec::new();
    for (_, a, b) in &kind.pairs {
        let (a, b) = (frame.cases.get(*a)?, frame.cases.get(*b)?);
        for key in &kind.keys {
            let map =
                Map { key: key.clone(), a: level_of(a, key)?.to_owned(), b: level_of(b, key)?.to_owned() };
            match out.iter().find(|known| known.key == map.key && known.b == map.b) {
                Some(known) if known.a != map.a => return None,
                Some(_) => {}
                None => out.push(map),
            }
        }
    }
    Some(out)
}
