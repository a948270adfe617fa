//! Saying that a machine, a case or a metric has another name since.

use super::names::{Alias, aliases, name_of, part_of, resolved, written};
use super::pattern::matches;
use crate::AnalyzeError;
use crate::clock::day;
use lake::{Event, Lake, Part, Point, Said};
use std::collections::{BTreeMap, BTreeSet};

/// What an alias comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// Series of the old name.
    pub old: usize,
    /// Series of the new name, which they go on as; 0: the next night may bring them.
    pub new: usize,
}

/// The aliases that count: pattern of series, part, old and new name.
///
/// # Errors
/// Events of people that do not read.
pub fn current_aliases(lake: &Lake) -> Result<Vec<(String, Part, String, String)>, AnalyzeError> {
    let all = aliases(&super::series::valid(&lake.events()?));
    Ok(all.into_iter().map(|a| (a.series, a.part, a.old, a.new)).collect())
}

/// Whether a name may go on as another one by what was said before.
fn refused(
    current: &[Alias],
    event: &Event,
    part: Part,
    (old, new): (&str, &str),
) -> Result<(), AnalyzeError> {
    if let Some(why) = circle(current, part, old, new) {
        return Err(AnalyzeError::Option(why));
    }
    match current.iter().find(|a| a.part == part && a.old == *old && a.series == event.series) {
        None => Ok(()),
        Some(there) => Err(AnalyzeError::Option(format!(
            "{} {} is called {} already; `--undo` ends that",
            part.word(),
            edge::quoted(old),
            edge::quoted(&there.new)
        ))),
    }
}

/// Whether an alias or the end of one may be said of a lake, and what it comes to.
///
/// # Errors
/// It says nothing, or what would make a circle, or join series that were measured side by side; each with the way out.
pub fn rename(lake: &Lake, event: &Event) -> Result<Renamed, AnalyzeError> {
    let no = |why: String| AnalyzeError::Option(why);
    let current = aliases(&super::series::valid(&lake.events()?));
    let (part, old, new) = match &event.said {
        Said::Alias { part, old, new } => (*part, old, new),
        Said::NoAlias { part, old } => {
            let known = current.iter().any(|a| a.part == *part && a.old == *old);
            let why =
                || no(format!("no {} is said to have been called {} before", part.word(), edge::quoted(old)));
            return if known { Ok(Renamed { old: 0, new: 0 }) } else { Err(why()) };
        }
        _ => return Err(no("that is no alias".to_owned())),
    };
    refused(&current, event, part, (old, new))?;
    let word = part.word();
    let mut with = current.clone();
    with.push(Alias { series: event.series.clone(), part, old: old.clone(), new: new.clone() });
    let points = lake.rows::<Point>().rows;
    let is_old = |p: &&Point| {
        let name = name_of(p);
        part_of(&name, part) == old && matches(&event.series, &written(&name, &p.env))
    };
    let ends = |of: &mut dyn Iterator<Item = &Point>| {
        let mut out: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for p in of {
            let name = written(&resolved(name_of(p), &p.env, &with), &p.env);
            let at = p.measured_at.0.div_euclid(1_000_000);
            let of = out.entry(name).or_insert((at, at));
            *of = (of.0.min(at), of.1.max(at));
        }
        out
    };
    let before = ends(&mut points.iter().filter(is_old));
    if before.is_empty() {
        let known: BTreeSet<String> = points.iter().map(|p| part_of(&name_of(p), part).clone()).collect();
        let known: Vec<String> = known.into_iter().take(10).collect();
        return Err(no(format!(
            "no series has {word} {}; there are {}",
            edge::quoted(old),
            known.join(", ")
        )));
    }
    let after = ends(&mut points.iter().filter(|p| *part_of(&name_of(p), part) == *new));
    for (name, (_, ended)) in &before {
        if let Some((began, _)) = after.get(name).filter(|(began, _)| began <= ended) {
            return Err(no(format!(
                "{} was measured under its old name until {} and under the new one from {} on: series that live side by side \
                 are two",
                edge::quoted(name),
                day(*ended),
                day(*began)
            )));
        }
    }
    let new = before.keys().filter(|name| after.contains_key(*name)).count();
    Ok(Renamed { old: before.len(), new })
}

/// Why an alias would lead back to where it began.
fn circle(current: &[Alias], part: Part, old: &str, new: &str) -> Option<String> {
    let word = part.word();
    if old == new {
        return Some(format!("{word} {} would be called as it is", edge::quoted(old)));
    }
    let mut ways: Vec<Vec<&str>> = vec![vec![new]];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(way) = ways.pop() {
        let Some(name) = way.last().copied().filter(|name| seen.insert(name)) else { continue };
        if name == old {
            let way: Vec<String> = way.iter().map(|name| edge::quoted(name).to_string()).collect();
            return Some(format!(
                "{word} {} would go on as itself, by {}; `--undo` ends one of these",
                edge::quoted(old),
                way.join(" and ")
            ));
        }
        let next = current.iter().filter(|a| a.part == part && a.old == name);
        ways.extend(next.map(|alias| [way.as_slice(), &[alias.new.as_str()]].concat()));
    }
    None
}
