//! Where the builds of a comparison come from: commits in between, symbols that changed by themselves.

use super::Told;
use super::sides::Side;
use crate::Error;
use crate::verbs::beside::Beside;
use builds::Repository;
use std::collections::BTreeMap;
use std::io::Write;

/// Commits of a range that are listed; the others are counted.
pub(super) const LISTED: usize = 200;
/// Commits that are among the facts of a result, the newest, and symbols.
const IN_FACTS: usize = 40;
/// Symbols that are told above the numbers; the others are counted, and stand in `builds.json`.
const TOLD: usize = 8;

/// The subjects of the commits between the first two builds.
pub(super) fn between(repository: &Repository, sides: &[Side]) -> Result<Vec<String>, Error> {
    let [good, bad, ..] = sides else { return Ok(Vec::new()) };
    shortlog(repository, good, bad)
}

/// The subjects of the commits from one build to another, the newest last; nothing where one is of no commit.
fn shortlog(repository: &Repository, good: &Side, bad: &Side) -> Result<Vec<String>, Error> {
    let (Some(good), Some(bad)) = (good.of_repository(), bad.of_repository()) else { return Ok(Vec::new()) };
    let log = repository.subjects(&good.id, &bad.id, LISTED)?;
    Ok(log.iter().map(|commit| format!("{} {}", commit.short(), commit.subject)).collect())
}

/// Symbols whose value is another one in a later build's configuration than in the first, with the name of that build: a default that
/// flipped is a finding. What a recipe does not know of its configuration is not compared.
pub(super) fn differences(sides: &[Side]) -> Result<Vec<String>, Error> {
    let Some((first, others)) = sides.split_first() else { return Ok(Vec::new()) };
    let Some(base) = first.build.configuration()? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for side in others {
        let Some(own) = side.build.configuration()? else { continue };
        all.extend(builds::changed_symbols(&base, &own).iter().map(|line| format!("{}: {line}", side.name)));
    }
    Ok(all)
}

/// The symbols of a build that changed by themselves.
fn changed<'a>(told: &'a Told<'_>, side: &Side) -> impl Iterator<Item = &'a str> {
    let start = format!("{}: ", side.name);
    told.configuration.iter().filter_map(move |line| line.strip_prefix(&start))
}

/// Sentences of what changed by itself, one for each of these builds.
fn sentences(told: &Told<'_>, sides: &[&Side]) -> Vec<String> {
    let of = |side: &&Side| {
        let own: Vec<&str> = changed(told, side).collect();
        if own.is_empty() {
            return None;
        }
        let shown: Vec<String> = own.iter().take(TOLD).map(|line| edge::text::cut(line)).collect();
        let more = own.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(", and {more} more (builds.json)") } else { String::new() };
        Some(format!(
            "the configuration of {} is not that of the first build: {}{more}; what is measured may come of that",
            edge::visible(&side.name),
            shown.join(", ")
        ))
    };
    sides.iter().filter_map(of).collect()
}

/// What stands above the numbers.
pub(super) fn before(told: &Told<'_>, out: &mut dyn Write) -> Result<(), Error> {
    for side in told.builds {
        let subject = side.of_repository().map_or("", |commit| commit.subject.as_str());
        let patched = if side.build.patch.is_some() { " with a patch" } else { "" };
        let line =
            format!("{}: {}{patched} {}", edge::visible(&side.name), side.origin(), edge::text::cut(subject));
        writeln!(out, "{}", line.trim_end())?;
    }
    let more = if told.commits.len() == LISTED { ", or more" } else { "" };
    writeln!(out, "between the first two: {}{more}", model::counted(told.commits.len(), "commit"))?;
    for sentence in sentences(told, &told.builds.iter().collect::<Vec<_>>()) {
        writeln!(out, "note: {sentence}")?;
    }
    Ok(())
}

/// What a campaign of these builds is told beside its plan: each one's way from the baseline among its facts, and what every report
/// must show. A build is the same one whatever it is compared with: these facts are no part of what identifies it.
pub(super) fn beside(told: &Told<'_>, sides: &[&Side]) -> Beside {
    let mut facts = BTreeMap::new();
    let Some((first, others)) = sides.split_first() else { return Beside::default() };
    for side in others {
        let mut own = BTreeMap::new();
        let mut set = |what: &str, lines: Vec<&str>| {
            if !lines.is_empty() {
                own.insert(format!("range.{what}"), lines.join("; "));
            }
        };
        set("since", vec![&first.origin()]);
        let is_second = told.builds.get(1).is_some_and(|second| second.name == side.name);
        if is_second {
            let from = told.commits.len().saturating_sub(IN_FACTS);
            set("shortlog", told.commits.iter().skip(from).map(String::as_str).collect());
        }
        set("config_changes", changed(told, side).take(IN_FACTS).collect());
        facts.insert(side.name.clone(), own);
    }
    Beside { warnings: sentences(told, others), facts }
}
