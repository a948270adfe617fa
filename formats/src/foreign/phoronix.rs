//! The Phoronix Test Suite's `composite.xml` (its result file format).
//!
//! The case is the test's identifier without its version, and its description. Where a file holds several systems, which are
//! merged results, the system is a level, too. Each trial (`RawString`) is a run.

use super::draft::{Facts, key};
use super::look::xml_root;
use super::scores::{Score, Scores};
use super::{Keys, Parsed};
use crate::tool::number;
use crate::xml::{self, Element};
use model::Direction;

/// Tells the document by its root.
pub(super) fn is(text: &str) -> bool {
    text.contains("<PhoronixTestSuite") && xml_root(text).as_deref() == Some("PhoronixTestSuite")
}

/// Reads every result of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let root = xml::parse(text)?;
    let mut systems: Vec<&str> = root.all("Result").flat_map(entries).filter_map(system).collect();
    systems.sort_unstable();
    systems.dedup();
    let mut scores = Scores::default();
    for result in root.all("Result") {
        for entry in entries(result) {
            match score(result, entry, systems.len() > 1) {
                Some((score, values)) => scores.take(score, values.into_iter().map(Ok)),
                None => scores.draft.lose(entry.line, "a result without a value: the test failed"),
            }
        }
    }
    Ok(scores.done())
}

fn entries(result: &Element) -> impl Iterator<Item = &Element> {
    result.all("Data").flat_map(|data| data.all("Entry"))
}

fn system(entry: &Element) -> Option<&str> {
    entry.text_of("Identifier")
}

fn score<'a>(result: &'a Element, entry: &Element, name_systems: bool) -> Option<(Score<'a>, Vec<f64>)> {
    let identifier = result.text_of("Identifier").or_else(|| result.text_of("Title"))?;
    // `pts/fio-1.15.0`: another version of a test is another test.
    let (name, version) = match identifier.rsplit_once('-') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => (name, version),
        _ => (identifier, ""),
    };
    let mut keys: Keys = vec![key("test", name)];
    if let Some(description) = result.text_of("Description").or_else(|| result.text_of("Arguments")) {
        keys.push(key("description", description));
    }
    if let (true, Some(system)) = (name_systems, system(entry)) {
        keys.push(key("system", system));
    }
    let raw = entry.text_of("RawString").unwrap_or_default();
    let trials: Option<Vec<f64>> = raw.split(':').map(number).collect();
    let values = trials.or_else(|| Some(vec![number(entry.text_of("Value")?)?]))?;
    let direction = match result.text_of("Proportion") {
        Some("HIB") => Some(Direction::HigherIsBetter),
        Some("LIB") => Some(Direction::LowerIsBetter),
        _ => None,
    };
    let mut facts = Facts::new();
    for (fact, value) in [
        ("bench.test_version", version),
        ("bench.app_version", result.text_of("AppVersion").unwrap_or_default()),
    ] {
        if !value.is_empty() {
            facts.insert(fact.into(), value.to_owned());
        }
    }
    let unit = result.text_of("Scale").unwrap_or_default();
    Some((Score { keys, unit, direction, facts, line: entry.line }, values))
}
