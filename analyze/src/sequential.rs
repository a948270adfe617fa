//! Which looks the rows of a pairing stand for, as the run files of its sides tell.

use crate::{Looked, Sequential};
use model::{Rule, RunFile};
use stats::{Boundary, Look};
use std::sync::Arc;

/// The level over all looks that [`Sequential::spent`] and [`Sequential::level`] are told for.
pub const LEVEL_OF_LOOKS: f64 = 0.05;

/// How the boots of some sides came to be so many.
#[derive(Clone, Debug)]
pub(crate) struct Looks {
    /// Of the rule that a side stopped by. When both have one, the earlier first and the later last look count, because
    /// a boundary is valid for every choice among its looks.
    boundary: Option<Arc<Boundary>>,
    sides: Vec<Boots>,
}

/// Boots of one side.
#[derive(Clone, Debug)]
struct Boots {
    /// By its rule.
    planned: u32,
    /// At each look after boots were added.
    later: Vec<u32>,
}

impl Looks {
    /// The looks at these sides; `None` when each was looked at once, after a number of boots fixed beforehand.
    pub fn of(runs: &[Option<&RunFile>]) -> Option<Looks> {
        let mut limits: Option<(u32, u32)> = None;
        for run in runs.iter().flatten() {
            if let Rule::Until { floor, ceiling, .. } = run.rule {
                let (low, high) = limits.unwrap_or((floor, ceiling));
                limits = Some((low.min(floor), high.max(ceiling)));
            }
        }
        let boots = |run: &Option<&RunFile>| match run {
            Some(run) => Boots { planned: run.rule.boots(), later: run.looks.clone() },
            None => Boots { planned: u32::MAX, later: Vec::new() },
        };
        let sides: Vec<Boots> = runs.iter().map(boots).collect();
        if limits.is_none() && sides.iter().all(|s| s.later.is_empty()) {
            return None;
        }
        Some(Looks { boundary: limits.map(|(floor, ceiling)| Boundary::of(floor, ceiling)), sides })
    }

    /// The look that a row of `n` replicates stands for, when its sides have values up to these repeats; `None` when
    /// the row was looked at once.
    pub fn at(&self, n: usize, last: &[Option<u32>]) -> Option<Look> {
        let later = |(side, last): (&Boots, &Option<u32>)| {
            let last = last.filter(|last| *last > side.planned)?;
            Some(1 + side.later.iter().take_while(|boots| **boots < last).count() as u32)
        };
        if let Some(index) = self.sides.iter().zip(last).filter_map(later).max() {
            return Some(Look::Later { after_rule: self.boundary.is_some(), index });
        }
        let boundary = Arc::clone(self.boundary.as_ref()?);
        Some(Look::Planned { boundary, n: u32::try_from(n).unwrap_or(u32::MAX) })
    }
}

impl Sequential {
    /// What a report says of a look at which an ordinary test had this p.
    pub(crate) fn of(look: &Look, ordinary: Option<f64>) -> Sequential {
        let (rule, n, floor, ceiling, index) = match look {
            Look::Planned { boundary, n } => {
                let (floor, ceiling) = (boundary.floor(), boundary.ceiling());
                let n = (*n).clamp(floor, ceiling);
                (Looked::Until, Some(n), Some(floor), Some(ceiling), n - floor + 1)
            }
            Look::Later { after_rule, index } => {
                (if *after_rule { Looked::UntilAndAdded } else { Looked::Added }, None, None, None, *index)
            }
        };
        Sequential {
            rule,
            look: index,
            n,
            floor,
            ceiling,
            spent: look.spent(LEVEL_OF_LOOKS),
            level: look.ordinary_level(LEVEL_OF_LOOKS),
            level90: look.ordinary_level(0.10),
            p_fixed: ordinary,
        }
    }

    /// The look again.
    pub(crate) fn look(&self) -> Look {
        match (self.n, self.floor, self.ceiling) {
            (Some(n), Some(floor), Some(ceiling)) => {
                Look::Planned { boundary: Boundary::of(floor, ceiling), n }
            }
            _ => Look::Later { after_rule: self.rule == Looked::UntilAndAdded, index: self.look },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(boundary: Option<(u32, u32)>, planned: u32, later: &[u32]) -> Looks {
        let side = Boots { planned, later: later.to_vec() };
        let boundary = boundary.map(|(f, c)| Boundary::of(f, c));
        Looks { boundary, sides: vec![side.clone(), side] }
    }

    #[test]
    fn a_row_without_added_boots_keeps_the_one_look_of_its_fixed_plan() {
        let added = looks(None, 5, &[10, 12]);
        assert!(added.at(5, &[Some(5), Some(5)]).is_none());
        let index = |last| match added.at(9, &[Some(5), last]) {
            Some(Look::Later { after_rule: false, index }) => index,
            other => panic!("{other:?}"),
        };
        assert_eq!((index(Some(6)), index(Some(10)), index(Some(11))), (1, 1, 2));
    }

    #[test]
    fn a_rule_looks_at_every_row_and_boots_beyond_its_ceiling_are_a_later_look() {
        let until = looks(Some((5, 30)), 30, &[40]);
        assert!(matches!(until.at(7, &[Some(7), Some(7)]), Some(Look::Planned { n: 7, .. })));
        let later = until.at(40, &[Some(40), Some(39)]);
        assert!(matches!(later, Some(Look::Later { after_rule: true, index: 1 })), "{later:?}");
    }

    #[test]
    fn what_a_report_says_gives_the_look_again() {
        for look in [
            Look::Planned { boundary: Boundary::of(5, 30), n: 9 },
            Look::Later { after_rule: true, index: 2 },
            Look::Later { after_rule: false, index: 1 },
        ] {
            let said = Sequential::of(&look, Some(0.01));
            assert_eq!(said.look().ordinary_level(0.05), look.ordinary_level(0.05));
            assert_eq!(Sequential::of(&said.look(), Some(0.01)), said);
        }
    }
}
