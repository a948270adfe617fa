//! How often a row that did not change is shown to be equal: the power of the equivalence test, on the pages of a plan.

use super::simulate::{PAGES, Row, fewest};
use super::values::Size;
use crate::MIN_BLOCKS;
use crate::row::POWER;

impl Row<'_> {
    /// The fewest boots on each side with which an unchanged row is shown to be equal as often as [`POWER`] says, and with any
    /// more; or sessions, where `apart` says how many boots each has.
    pub fn equal(&self, apart: Option<usize>) -> Option<usize> {
        let model = if self.pages.scheme.blocks { MIN_BLOCKS } else { 2 };
        let Some(boots) = apart else {
            return fewest(model, |boots| self.is_equal(Size { boots, sessions: 1 }));
        };
        let known = self.pages.scheme.apart.is_some_and(|apart| apart.part.is_some());
        if known && self.is_equal(Size { boots, sessions: 1 }) {
            return Some(1);
        }
        fewest(2, |sessions| self.is_equal(Size { boots, sessions }))
    }

    /// Whether an unchanged row is shown to be equal as often as [`POWER`] says. No family has a say in that.
    fn is_equal(&self, size: Size) -> bool {
        self.share_equal(size) >= POWER
    }

    /// How often an unchanged row is shown to be equal.
    pub fn share_equal(&self, size: Size) -> f64 {
        let [session_sd, _] = self.session_sds();
        let equal = (0..PAGES).filter(|page| self.found(*page, 0.0, size, session_sd).equal).count();
        self.end.share(equal)
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::FamilyOf;
    use super::super::simulate::{End, Pages, Scheme};
    use super::super::values::Change;
    use crate::options::CompareOptions;
    use formats::perf_conf::Conf;
    use model::Scale;

    /// Blocks with the place within them as a term are the two-period crossover of bioequivalence: 80 % to 125 %, true ratio 1,
    /// both one-sided tests at 5 %, power .8 (Diletti, Hauschke and Steinijans 1991: 10, 16, 24, 32 in even numbers). By
    /// integration of the exact power, which gives the 12, 20, 28, 40 of R's PowerTOST at a true ratio of .95, any number of
    /// blocks: 10, 16, 23, 32.
    #[test]
    fn as_many_blocks_show_equality_as_tables_of_bioequivalence_say() {
        let options = CompareOptions::new(Conf::builtin(), Vec::new());
        let scheme = Scheme { blocks: true, rule: None, apart: None };
        let pages = Pages::draw(&options, FamilyOf { size: 24, level: 0.04 }, scheme, 200);
        for (cv, blocks) in [(0.15f64, 10), (0.2, 16), (0.25, 23), (0.3, 32)] {
            let change = Change {
                scale: Scale::Log,
                base: 1.0,
                sd: (cv * cv).ln_1p().sqrt(),
                shared: 0.0,
                margin: 0.25,
                margin_abs: None,
                exact: false,
                in_family: true,
            };
            let found = pages.row(change, 0.0, End::Hoped).equal(None).unwrap();
            assert!(found.abs_diff(blocks) <= 1, "CV {cv}: {found} blocks, {blocks} are right");
        }
    }
}
