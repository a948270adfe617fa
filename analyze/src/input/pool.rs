//! Several directories as one side, and what is odd of its files.

use super::{LoadedSide, facts, run_dir};
use crate::warnings::note;
use model::counted;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

/// The directories of a side as one.
pub(super) fn pooled(of_side: Vec<LoadedSide>, path: PathBuf) -> Option<LoadedSide> {
    let mut of_side = of_side.into_iter();
    let mut side = of_side.next()?;
    of_side.for_each(|other| side.pool(other));
    side.path = path;
    Some(side)
}

impl LoadedSide {
    /// Adds the repeats of another directory as further boots. Blocks end here: they belong to one campaign.
    pub(super) fn pool(&mut self, other: LoadedSide) {
        if self.pooled_facts.is_empty() {
            self.pooled_facts.push(self.own_facts());
        }
        self.pooled_facts.push(other.own_facts());
        if let (Some(run), Some(added)) = (&mut self.run, &other.run) {
            run.blocks.clear();
            run.repeats = run.repeats.saturating_add(added.repeats);
            run.warnings.extend(added.warnings.iter().cloned());
            run.failures.extend(added.failures.iter().cloned());
            run.started = run.started.saturating_add(added.started);
            run.ended = [run.ended, added.ended].into_iter().flatten().min();
        }
        self.repeats.extend(other.repeats);
        self.losses.extend(other.losses);
        self.notes.extend(other.notes);
        self.said.extend(other.said);
        self.units.extend(other.units);
        other.decimals.into_iter().for_each(|(mark, file)| {
            self.decimals.entry(mark).or_insert(file);
        });
        other.spelled.into_iter().for_each(|(level, written)| {
            self.spelled.entry(level).or_insert(written);
        });
        let mut known: BTreeSet<facts::CaseFact> = self.case_facts.iter().cloned().collect();
        self.case_facts.extend(other.case_facts.into_iter().filter(|fact| known.insert(fact.clone())));
    }

    /// Facts of run.json; files carry their own.
    fn own_facts(&self) -> BTreeMap<String, String> {
        self.run.as_ref().map(crate::comparability::run_facts).unwrap_or_default()
    }

    /// Warns about files with the same bytes, about cells that were averaged, and about files whose end nobody knows.
    pub(super) fn find_copies(&mut self) {
        let different: HashSet<u64> = self.repeats.iter().map(|r| r.content).collect();
        let copies = self.repeats.len() - different.len();
        if copies > 0 {
            let text =
                format!("{}: {} byte for byte equal to another one", self.label, counted(copies, "repeat"));
            let advice = "a copied file is no second measurement; remove it, or the spread is underestimated";
            self.notes.push(note("identical-repeats", text, advice, copies));
        }
        let averaged: usize = self.repeats.iter().map(|r| r.averaged).sum();
        if averaged > 0 {
            let text = format!(
                "{}: {} given twice in one file; the mean counts",
                self.label,
                counted(averaged, "value")
            );
            self.notes.push(note("averaged", text, "", averaged));
        }
        self.notes.extend(run_dir::unsealed(&self.label, &self.repeats));
    }
}
