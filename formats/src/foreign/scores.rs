//! Results of tools that put benchmarks of any kind into one list: each has its own unit and its own direction.
//!
//! The metric is the unit, as with Go's benchmarks; `score` where there is none. A unit of which more is better of some and
//! less of others is two metrics.

use super::draft::{Draft, Facts};
use super::{Foreign, Keys, Statement};
use model::Direction;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One benchmark of a list.
pub(super) struct Score<'a> {
    /// What tells it from others.
    pub keys: Keys,
    /// As the file has it; empty where there is none.
    pub unit: Cow<'a, str>,
    /// What the file says of it.
    pub direction: Option<Direction>,
    /// A value of each run, or why there is none.
    pub values: Vec<Result<f64, String>>,
    /// What held.
    pub facts: Facts,
    /// Its line.
    pub line: u32,
}

/// The benchmarks as a file, with what it says of its metrics.
pub(super) fn foreign(scores: Vec<Score<'_>>, mut draft: Draft) -> Foreign {
    let mut directions: BTreeMap<Cow<'_, str>, Vec<Direction>> = BTreeMap::new();
    for score in &scores {
        if !directions.contains_key(&score.unit) {
            directions.insert(score.unit.clone(), Vec::new());
        }
        if let (Some(known), Some(direction)) = (directions.get_mut(&score.unit), score.direction)
            && !known.contains(&direction)
        {
            known.push(direction);
        }
    }
    for score in scores {
        let is_both = directions.get(&score.unit).is_some_and(|known| known.len() > 1);
        let plain = if score.unit.is_empty() { "score" } else { score.unit.as_ref() };
        let metric = match score.direction {
            Some(Direction::HigherIsBetter) if is_both => Cow::Owned(format!("{plain} (higher)")),
            _ => Cow::Borrowed(plain),
        };
        let mut values = score.values.into_iter();
        if let Some(first) = values.next() {
            let case = draft.case("", score.keys, &score.facts, score.line);
            draft.give_read(&case, &metric, &score.unit, first);
            for value in values {
                let case = draft.again(&case, "", score.line);
                draft.give_read(&case, &metric, &score.unit, value);
            }
        }
        if let Some(direction) = score.direction {
            let is_same = |known: &Statement| known.direction == direction && known.metric == *metric;
            if !draft.foreign.statements.iter().any(is_same) {
                draft.foreign.statements.push(Statement { metric: metric.into_owned(), direction });
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
        let score = |unit: &'static str, direction| Score {
            keys: Vec::new(),
            unit: Cow::Borrowed(unit),
            direction,
            values: vec![Ok(1.0)],
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
        let names: Vec<&str> = read.records.iter().map(|r| r.metric.as_ref()).collect();
        assert_eq!(names, ["ms", "score", "score (higher)", "fps", "x"]);
        assert_eq!(read.statements.len(), 4);
    }
}
