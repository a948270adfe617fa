//! What a tree's keys are here: perfvt's own, mapped, said otherwise, or nothing.

use crate::config::aliases::{self, Told};
use crate::config::keys::{BOUNDS, IMAGES, TYPE, WORKLOAD, canonical};
use crate::workload;
use cartesian::Config;
use model::{Origin, Params};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A key, or a value of one, as a tree has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What stands there.
    pub said: String,
    /// `file:line` of the first place.
    pub at: String,
    /// How many places there are.
    pub places: usize,
    /// What it is here; none for what has no effect.
    pub here: Option<String>,
}

/// What all its configurations assign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// Keys that are perfvt's under the same name.
    pub same: usize,
    /// Keys and values of another name, which perfvt understands.
    pub mapped: Vec<Said>,
    /// Keys without an effect whose meaning is said otherwise here.
    pub otherwise: Vec<Said>,
    /// Keys that perfvt does not know; the most frequent first.
    pub unknown: Vec<Said>,
    /// Tests that perfvt has as workloads, by name.
    pub workloads: Vec<Said>,
    /// Tests that it has not.
    pub tests: Vec<Said>,
}

/// What is assigned, and in which lines.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    by_key: BTreeMap<String, BTreeSet<(PathBuf, u32)>>,
    by_value: BTreeMap<(String, String), BTreeSet<(PathBuf, u32)>>,
    by_type: BTreeMap<String, BTreeSet<(PathBuf, u32)>>,
}

impl Gathered {
    /// Adds a configuration, and gives the workloads of its tests.
    pub fn learn(&mut self, config: &Config) -> BTreeSet<String> {
        let mut of_this = BTreeSet::new();
        for one in config.assigned() {
            let place = || (one.file.to_owned(), one.line);
            self.by_key.entry(one.key.to_owned()).or_default().insert(place());
            let Some(value) = one.value.map(str::trim) else { continue };
            if one.key == TYPE || one.key == WORKLOAD {
                self.by_type.entry(value.to_owned()).or_default().insert(place());
                if workload::find(value).is_some() {
                    of_this.insert(value.to_owned());
                }
            } else if aliases::VALUES.iter().any(|(_, word, _)| *word == value)
                || value.starts_with(|c: char| c.is_ascii_digit())
            {
                self.by_value.entry((one.key.to_owned(), value.to_owned())).or_default().insert(place());
            }
        }
        of_this
    }

    /// What they are here.
    pub fn sorted(self) -> Keys {
        let mut keys = Keys::default();
        for (key, places) in &self.by_key {
            let named = |here: Option<String>| said(key, places, here);
            if let Some(here) = aliases::key(key) {
                keys.mapped.push(named(Some(here)));
            } else if is_known(key) {
                keys.same += 1;
            } else if key == TYPE {
                // Its values are told.
            } else if let Some(here) = aliases::foreign(key) {
                keys.otherwise.push(named(Some(here.to_owned())));
            } else {
                keys.unknown.push(named(None));
            }
        }
        keys.unknown.sort_by_key(|one| std::cmp::Reverse(one.places));
        for ((key, value), places) in &self.by_value {
            if let Some(told) = value_of(key, value) {
                keys.mapped.push(said(&told.said, places, Some(told.meant)));
            }
        }
        for (name, places) in &self.by_type {
            let list = if workload::find(name).is_some() { &mut keys.workloads } else { &mut keys.tests };
            list.push(said(name, places, None));
        }
        keys
    }
}

fn said(what: &str, places: &BTreeSet<(PathBuf, u32)>, here: Option<String>) -> Said {
    let shown = |(file, line): &(PathBuf, u32)| format!("{}:{line}", Path::display(file));
    Said {
        said: what.to_owned(),
        at: places.first().map(shown).unwrap_or_default(),
        places: places.len(),
        here,
    }
}

/// Whether guests or any workload have it, for one object or for all, or it bounds one that they have.
fn is_known(key: &str) -> bool {
    let of = |key: &str| workload::ALL.iter().any(|workload| canonical(key, *workload).is_some());
    let bounds = || BOUNDS.iter().any(|end| key.strip_suffix(end).is_some_and(of));
    key == WORKLOAD || key == IMAGES || of(key) || bounds()
}

/// perfvt's word for a value, when that is another one.
fn value_of(key: &str, value: &str) -> Option<Told> {
    let key = aliases::key(key).unwrap_or_else(|| key.to_owned());
    let mut params = Params::new();
    params.set(&key, value, Origin::BuiltIn);
    aliases::values(&mut params).pop()
}
