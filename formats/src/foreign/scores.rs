//! Results of tools that put benchmarks of any kind into one list: each has its own unit and its own direction.
//!
//! The metric is the unit, as with Go's benchmarks; `score` where there is none. A unit of which more is better of some and
//! less of others is two metrics.

use super::draft::{Draft, Facts};
use super::{Foreign, Keys, Statement};
use model::Direction;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// One benchmark of a list, without its values.
pub(super) struct Score<'a> {
    /// What tells it from others.
    pub keys: Keys,
    /// As the file has it; empty where there is none.
    pub unit: &'a str,
    /// What the file says of it.
    pub direction: Option<Direction>,
    /// What held.
    pub facts: Facts,
    /// Its line.
    pub line: u32,
}

/// The benchmarks of a file, as they are read.
#[derive(Default)]
pub(super) struct Scores {
    /// Their records, and what is lost.
    pub draft: Draft,
    /// Units with what is said of them, in the order of the file; and each once.
    said: Vec<(String, Direction)>,
    known: BTreeMap<String, Vec<Direction>>,
    /// The records of which more is better: where less is better of others of their unit, they have another metric.
    higher: Vec<Range<usize>>,
}

impl Scores {
    /// Takes a benchmark with a value of each run, or why there is none.
    pub fn take(&mut self, score: Score<'_>, values: impl IntoIterator<Item = Result<f64, String>>) {
        let Score { keys, unit, direction, facts, line } = score;
        let from = self.draft.foreign.records.len();
        let mut values = values.into_iter();
        if let Some(first) = values.next() {
            let mut case = self.draft.case("", keys, &facts, line);
            let measure = self.draft.measure(plain(unit), unit);
            self.draft.give_of(&case, &measure, first);
            for value in values {
                self.draft.again(&mut case, "", line);
                self.draft.give_of(&case, &measure, value);
            }
        }
        if let Some(direction) = direction {
            self.say(unit, direction);
        }
        if direction == Some(Direction::HigherIsBetter) {
            let to = self.draft.foreign.records.len();
            match self.higher.last_mut() {
                Some(last) if last.end == from => last.end = to,
                _ => self.higher.push(from..to),
            }
        }
    }

    fn say(&mut self, unit: &str, direction: Direction) {
        // Mostly it is what was said of the one before.
        if self.said.last().is_some_and(|(known, said)| known == unit && *said == direction) {
            return;
        }
        match self.known.get_mut(unit) {
            Some(known) if known.contains(&direction) => return,
            Some(known) => known.push(direction),
            None => {
                self.known.insert(unit.to_owned(), vec![direction]);
            }
        }
        self.said.push((unit.to_owned(), direction));
    }

    /// The file, with what it says of its metrics.
    pub fn done(self) -> Foreign {
        let Scores { draft, said, known, higher } = self;
        let mut foreign = draft.done();
        let is_both = |unit: &str| known.get(unit).is_some_and(|known| known.len() > 1);
        if known.values().any(|known| known.len() > 1) {
            let records = higher.into_iter().flatten();
            for at in records {
                if let Some(record) = foreign.records.get_mut(at).filter(|record| is_both(&record.unit)) {
                    record.metric = more(&record.unit).into();
                }
            }
        }
        let mut stated = BTreeSet::new();
        for (unit, direction) in said {
            let is_more = direction == Direction::HigherIsBetter && is_both(&unit);
            let metric = if is_more { more(&unit) } else { plain(&unit).to_owned() };
            if stated.insert((metric.clone(), direction == Direction::HigherIsBetter)) {
                foreign.statements.push(Statement { metric, direction });
            }
        }
        foreign
    }
}

/// The metric of a unit.
fn plain(unit: &str) -> &str {
    if unit.is_empty() { "score" } else { unit }
}

/// The same where more is better of some and less of others.
fn more(unit: &str) -> String {
    format!("{} (higher)", plain(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_with_two_directions_is_two_metrics() {
        let mut scores = Scores::default();
        let (higher, lower) = (Some(Direction::HigherIsBetter), Some(Direction::LowerIsBetter));
        for (unit, direction) in [("ms", lower), ("", lower), ("", higher), ("fps", higher), ("x", None)] {
            scores.take(Score { keys: Vec::new(), unit, direction, facts: Facts::new(), line: 1 }, [Ok(1.0)]);
        }
        let read = scores.done();
        let names: Vec<&str> = read.records.iter().map(|r| r.metric.as_ref()).collect();
        assert_eq!(names, ["ms", "score", "score (higher)", "fps", "x"]);
        assert_eq!(read.statements.len(), 4);
    }
}
