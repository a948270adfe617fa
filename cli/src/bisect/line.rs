//! The commits of a range that can be told apart: those that make the same files are one.

use super::known::Known;
use super::plan::Plan;
use std::collections::BTreeMap;

/// Positions are counted from 0 (the good end) on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The commit at each position: the first of those that are one program.
    kept: Vec<usize>,
}

impl Line {
    /// By the trees of a range, and what was built of it. Between two commits that are one program the step is not: if the files
    /// changed there, they changed back.
    pub fn of(plan: &Plan, known: &Known) -> Line {
        let mut same = vec![false; plan.commits.len()];
        let trees = plan.commits.iter().enumerate().map(|(at, commit)| (at, commit.tree.as_str()));
        let hashes = known.hashes.iter().map(|(at, hash)| (*at, hash.as_str()));
        for keys in [trees.collect::<Vec<_>>(), hashes.collect()] {
            let mut first: BTreeMap<&str, usize> = BTreeMap::new();
            for (at, key) in keys {
                let from = *first.entry(key).or_insert(at);
                same.get_mut(from + 1..=at).unwrap_or_default().fill(true);
            }
        }
        let kept = same.iter().enumerate().filter(|(_, same)| !**same).map(|(at, _)| at).collect();
        Line { kept }
    }

    /// The last position.
    pub fn last(&self) -> usize {
        self.kept.len().saturating_sub(1)
    }

    /// The commit at a position.
    pub fn commit(&self, position: usize) -> usize {
        self.kept.get(position).copied().unwrap_or_default()
    }

    /// The position of a commit.
    pub fn position(&self, commit: usize) -> usize {
        self.kept.partition_point(|kept| *kept <= commit).saturating_sub(1)
    }

    /// All commits of a plan, by position.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The weights of the positions behind the good end, by those of the commits.
    pub fn weights(&self, plan: &Plan) -> Vec<f64> {
        let of = |commit: &usize| commit.checked_sub(1).and_then(|at| plan.weights.get(at)).copied();
        self.kept.iter().skip(1).map(|commit| of(commit).unwrap_or(1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bisect::Event;
    use builds::Commit;

    fn plan(trees: &[&str]) -> Plan {
        let commit = |(at, tree): (usize, &&str)| Commit {
            id: format!("{at:040}"),
            tree: (*tree).to_owned(),
            parents: Vec::new(),
            time: 0,
            authored: 0,
            author: String::new(),
            subject: String::new(),
        };
        Plan {
            format: 1,
            perfvt: String::new(),
            created: 0,
            repository: "/".into(),
            recipe: "script".into(),
            range: "a..b".into(),
            commits: trees.iter().enumerate().map(commit).collect(),
            weights: (1..trees.len()).map(|at| at as f64).collect(),
            row: String::new(),
            measuring: Vec::new(),
            seed: 0,
        }
    }

    #[test]
    fn commits_of_one_program_are_one_position_and_what_lies_between_is_none() {
        let plan = plan(&["a", "b", "c", "b", "d", "e"]);
        let line = Line::of(&plan, &Known::default());
        assert_eq!(line.kept(), [0, 1, 4, 5]);
        assert_eq!((0..6).map(|at| line.position(at)).collect::<Vec<_>>(), [0, 1, 1, 1, 2, 3]);
        assert_eq!(line.weights(&plan), [1.0, 4.0, 5.0]);
        let mut known = Known::default();
        for (commit, hash) in [(0, "x"), (5, "z"), (1, "x"), (4, "y")] {
            known.apply(&Event::Built { commit, hash: hash.into(), seconds: 1.0 });
        }
        assert_eq!(Line::of(&plan, &known).kept(), [0, 4, 5]);
        known.apply(&Event::Built { commit: 5, hash: "x".into(), seconds: 1.0 });
        assert_eq!(Line::of(&plan, &known).last(), 0);
    }
}
