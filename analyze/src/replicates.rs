//! The replicates of one side: which files they come from, and how many a complete row has.

use crate::input::repeat::Repeat;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Where the replicates of one side are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replicates {
    /// Its files, as indices into all files.
    pub files: Range<usize>,
    /// Session of every boot of every file of the side, when the session is the replicate.
    pub sessions: Option<Vec<Vec<u32>>>,
    /// How many replicates a row has that all files of the side give.
    pub complete: usize,
    /// The same for each workload: not every file need hold each of them.
    pub of_workload: BTreeMap<String, usize>,
    /// Files that must stay out of boot scores, because more than one guest boot gave them.
    pub split: Vec<bool>,
}

impl Replicates {
    /// How many replicates a complete row of a workload has.
    pub fn complete_of(&self, workload: &str) -> usize {
        self.of_workload.get(workload).copied().unwrap_or(self.complete)
    }
}

/// How many files hold each workload.
pub(crate) fn of_workload(files: &[Repeat]) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for file in files {
        for name in file.tables.iter().map(|t| &t.workload).collect::<BTreeSet<_>>() {
            *out.entry(name.clone()).or_default() += 1;
        }
    }
    out
}
