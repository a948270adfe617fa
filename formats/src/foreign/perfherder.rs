//! Perfherder's JSON (Mozilla's performance-artifact schema), alone or behind `PERFHERDER_DATA:` in a log.
//!
//! The case is suite, subtest and extra options. Replicates are runs; without any, the value is one. `lowerIsBetter` is true
//! where it is not given. A suite's own value, a mean over its subtests, is read where it has no subtests or is given besides.

use super::draft::{Facts, key};
use super::scores::{Score, Scores};
use super::{Keys, Parsed};
use crate::json::{self, Found, Value};
use model::Direction;

/// Tells the JSON by its suites and subtests.
pub(super) fn is(text: &str) -> bool {
    ["\"suites\"", "\"framework\"", "\"name\""].iter().all(|word| text.contains(word))
        && ["\"subtests\"", "\"lowerIsBetter\"", "PERFHERDER_DATA"].iter().any(|word| text.contains(word))
}

/// Suites are read one by one.
struct Suites;

impl json::Passed for Suites {
    const KEYS: &'static [&'static str] = &[];
    const PARTS: Option<&'static str> = Some("suites");
}

/// Reads every suite of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut scores = Scores::default();
    json::each_part::<Suites>(text, |found| match found {
        Found::Part(suite, line) => read(&suite, line, &mut scores),
        Found::Document(document) => {
            // A second list of suites.
            let line = document.line_of_key("suites");
            for suite in document.value.get("suites").and_then(Value::as_array).into_iter().flatten() {
                read(suite, line, &mut scores);
            }
        }
    })?;
    Ok(scores.done())
}

fn read(suite: &Value<'_>, line: u32, scores: &mut Scores) {
    let mut keys: Keys = vec![key("suite", name(suite))];
    let options = suite.get("extraOptions").and_then(Value::as_array).into_iter().flatten();
    let mut options: Vec<&str> = options.filter_map(Value::as_str).collect();
    options.sort_unstable();
    if !options.is_empty() {
        keys.push(key("options", options.join(" ")));
    }
    let mut take = |part: &Value<'_>, keys: Keys, inherited: Option<&Value<'_>>| {
        let replicates = part.get("replicates").and_then(Value::as_array).unwrap_or_default();
        let single = if replicates.is_empty() { json::figure(part, "value") } else { None };
        let mut values = replicates.iter().map(json::finite).chain(single).peekable();
        let of = |name: &str| part.get(name).or_else(|| inherited?.get(name));
        let unit = of("unit").and_then(Value::as_str).unwrap_or_default();
        let lower = of("lowerIsBetter").and_then(Value::as_bool).unwrap_or(true);
        let direction = Some(if lower { Direction::LowerIsBetter } else { Direction::HigherIsBetter });
        if values.peek().is_some() {
            scores.take(Score { keys, unit, direction, facts: Facts::new(), line }, values);
        }
    };
    for subtest in suite.get("subtests").and_then(Value::as_array).into_iter().flatten() {
        let mut own = Keys::with_capacity(keys.len() + 1);
        own.extend_from_slice(&keys);
        own.push(key("subtest", name(subtest)));
        take(subtest, own, Some(suite));
    }
    take(suite, keys, None);
}

fn name<'v>(part: &'v Value<'_>) -> &'v str {
    part.get("name").and_then(Value::as_str).unwrap_or_default()
}
