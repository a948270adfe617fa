//! Labels and the trail of them that leads to a variant; what a filter says about a trail that is not complete.

use super::ids::{AtomId, LabelId};
use super::program::{Filter, Program, Reach, Test};

/// No atom: no filter asks for it.
pub(super) const NONE: AtomId = AtomId::MAX;

/// What a filter says about all variants below a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It matches every one of them.
    Yes,
    /// It matches none of them.
    Never,
    /// It is not decided yet.
    Open,
}

/// The labels from the root to where an expansion stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    labels: Vec<LabelId>,
    /// How often each atom is on the trail.
    counts: Vec<u32>,
}

impl Trail {
    pub fn new(program: &Program) -> Trail {
        Trail { labels: Vec::new(), counts: vec![0; program.atoms.len()] }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn push(&mut self, program: &Program, label: LabelId) {
        self.labels.push(label);
        self.count(program, label, 1);
    }

    pub fn truncate(&mut self, program: &Program, len: usize) {
        while self.labels.len() > len {
            if let Some(label) = self.labels.pop() {
                self.count(program, label, -1);
            }
        }
    }

    fn count(&mut self, program: &Program, label: LabelId, by: i32) {
        let Some(label) = program.labels.get(label as usize) else { return };
        for atom in label.atoms {
            if let Some(count) = self.counts.get_mut(atom as usize) {
                *count = count.wrapping_add_signed(by);
            }
        }
    }

    fn holds(&self, atom: AtomId) -> bool {
        self.counts.get(atom as usize).is_some_and(|count| *count > 0)
    }

    /// Whether a complete trail matches.
    pub fn matches(&self, program: &Program, filter: &Filter) -> bool {
        filter.iter().any(|tests| {
            tests.iter().all(|test| match test {
                Test::One(atom) => self.holds(*atom),
                Test::Row(row) => self.has_row(program, row),
            })
        })
    }

    /// What can be said about all trails that begin with this one and go on within `reach`.
    pub fn standing(&self, program: &Program, filter: &Filter, reach: &Reach) -> Standing {
        let mut best = Standing::Never;
        for tests in filter {
            match self.all(program, tests, reach) {
                Standing::Yes => return Standing::Yes,
                Standing::Open => best = Standing::Open,
                Standing::Never => {}
            }
        }
        best
    }

    fn all(&self, program: &Program, tests: &[Test], reach: &Reach) -> Standing {
        let mut worst = Standing::Yes;
        for test in tests {
            let one = match test {
                Test::One(atom) if self.holds(*atom) => Standing::Yes,
                Test::One(atom) if reach.has(*atom) => Standing::Open,
                Test::One(_) => Standing::Never,
                Test::Row(row) => self.row(program, row, reach),
            };
            match one {
                Standing::Never => return Standing::Never,
                Standing::Open => worst = Standing::Open,
                Standing::Yes => {}
            }
        }
        worst
    }

    fn row(&self, program: &Program, row: &[AtomId], reach: &Reach) -> Standing {
        if row.iter().any(|atom| !self.holds(*atom) && !reach.has(*atom)) {
            return Standing::Never;
        }
        if self.has_row(program, row) {
            return Standing::Yes;
        }
        // A row that is completed further down begins on the trail's end (as long a part of it as can be) or below.
        let begun = (1..row.len()).rev().find(|n| self.ends_with(program, row, *n)).unwrap_or(0);
        match row.iter().skip(begun).all(|atom| reach.has(*atom)) {
            true => Standing::Open,
            false => Standing::Never,
        }
    }

    fn has_row(&self, program: &Program, row: &[AtomId]) -> bool {
        row.iter().all(|atom| self.holds(*atom))
            && self.labels.windows(row.len()).any(|window| same(program, window, row))
    }

    fn ends_with(&self, program: &Program, row: &[AtomId], n: usize) -> bool {
        let from = self.labels.len().checked_sub(n);
        let tail = from.and_then(|from| self.labels.get(from..));
        tail.zip(row.get(..n)).is_some_and(|(tail, head)| same(program, tail, head))
    }
}

fn same(program: &Program, labels: &[LabelId], row: &[AtomId]) -> bool {
    labels.iter().zip(row).all(|(label, atom)| {
        program.labels.get(*label as usize).is_some_and(|label| label.atoms.contains(atom))
    })
}
