//! Results of tools that put benchmarks of any kind into one list: each has its own unit and its own direction.
//!
//! The metric is the unit, as with Go's benchmarks; `score` where there is none. A unit of which more is better of some and
//! less of others is two metrics.

use super::draft::{Draft, Facts, Keys};
use super::{Foreign, Statement};
use model::Direction;
use std::collections::BTreeMap;

/// One benchmark of a list.
pub(super) struct Score {
    /// What tells it from others.
    pub keys: Keys,
    /// As the file has it; empty where there is none.
    pub unit: String,
    /// What the file says of it.
    pub direction: Option<Direction>,
    /// A value of each run.
    pub values: Vec<f64>,
    /// What held.
    pub facts: Facts,
    /// Its line.
    pub line: u32,
}

/// The benchmarks as a file, with what it says of its metrics.
pub(super) fn foreign(scores: Vec<Score>, mut draft: Draft) -> Foreign {
    let mut directions: BTreeMap<String, Vec<Direction>> = BTreeMap::new();
    for score in &scores {
        let known = directions.entry(score.unit.clone()).or_default();
        known.extend(score.direction.filter(|direction| !known.contains(direction)));
    }
    for score in scores {
        let is_both = directions.get(&score.unit).is_some_and(|known| known.len() > 1);
        let plain = if score.unit.is_empty() { "score" } else { score.unit.as_str() };
        let metric = match score.direction {
            Some(Direction::HigherIsBetter) if is_both => format!("{plain} (higher)"),
            _ => plain.to_owned(),
        };
        for value in score.values {
            let case = draft.case("", score.keys.clone(), score.facts.clone(), score.line);
            draft.give(&case, &metric, &score.unit, value);
        }
        if let Some(direction) = score.direction {
            let statement = Statement { metric, direction };
            if !draft.foreign.statements.contains(&statement) {
                draft.foreign.statements.push(statement);
            }
        }
    }
    draft.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_with_two_directions_is_two_metrics() {
        let score = |unit: &str, direction| Score {
            keys: Vec::new(),
            unit: unit.to_owned(),
            direction,
            values: vec![1.0],
            facts: Facts::new(),
            line: 1,
        };
        let (higher, lower) = (Some(Direction::HigherIsBetter), Some(Direction::LowerIsBetter));
        let scores = vec![
            score("ms", lower),
            score("", lower),
            score("", higher),
            score("fps", higher),
            score("x", None),
        ];
        let read = foreign(scores, Draft::default());
        let names: Vec<&str> = read.records.iter().map(|r| r.metric.as_str()).collect();
        assert_eq!(names, ["ms", "score", "score (higher)", "fps", "x"]);
        assert_eq!(read.statements.len(), 4);
    }
}
