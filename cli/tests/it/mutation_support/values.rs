//! What `compare` and `show` tell of values, and whether it is what the original told, less what is said to be lost.

use super::mutations::Effect;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Warnings about numbers. They come and go with the numbers, and say nothing of what is lost.
const OF_NUMBERS: &[&str] = &[
    "autocorrelation",
    "bimodal",
    "drift",
    "few-boots",
    "first-boot",
    "incomplete-blocks",
    "no-primary",
    "position",
    "ratio-of-means",
    "retakes",
    "step",
    "variance-ratio",
    "waits",
];

/// What one JSON document tells.
#[derive(Debug, Default)]
pub struct Told {
    /// Values of a side's row, as they are written.
    values: BTreeMap<String, Vec<String>>,
    /// Everything that says that something is lost or odd.
    reports: BTreeSet<String>,
    /// A row's id.
    pub row: String,
}

impl Told {
    /// What standard output and standard error tell; nothing when that is no JSON.
    pub fn of(out: &[u8], err: &str) -> Option<Told> {
        let document: Value = serde_json::from_slice(out).ok()?;
        let mut told = Told { reports: err.lines().map(String::from).collect(), ..Told::default() };
        told.report(&document["warnings"]);
        for side in [&document["a"], &document["side"]]
            .into_iter()
            .chain(document["b"].as_array().into_iter().flatten())
        {
            told.report(&side["losses"]);
        }
        for row in document["rows"].as_array().into_iter().flatten() {
            told.row = row["id"].as_str().unwrap_or_default().into();
            for sample in ["sample", "a", "b"] {
                told.take(sample, row);
            }
            if let Some(verdict) = row["verdict"].as_str().filter(|verdict| verdict.starts_with("MISSING")) {
                told.reports.insert(format!("{}: {verdict}", told.row));
            }
        }
        Some(told)
    }

    fn report(&mut self, list: &Value) {
        let of_numbers = |one: &&Value| one["code"].as_str().is_some_and(|code| OF_NUMBERS.contains(&code));
        let all = list.as_array().into_iter().flatten().filter(|one| !of_numbers(one));
        self.reports.extend(all.map(Value::to_string));
    }

    fn take(&mut self, sample: &str, row: &Value) {
        self.report(&row[sample]["invalid"]);
        let Some(values) = row[sample]["values"].as_array() else { return };
        self.values
            .entry(format!("{sample} {}", row["id"]))
            .or_default()
            .extend(values.iter().map(Value::to_string));
    }
}

/// What was done to what, as far as it decides what must be noticed.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    pub effect: Effect,
    /// [`super::inputs::Input::counted`].
    pub counted: bool,
    /// A text was cut within a line.
    pub within_a_line: bool,
}

impl Demand {
    /// No other value may be there, unless something is reported.
    fn no_other(self) -> bool {
        match self.effect {
            Effect::Reencodes | Effect::Removes => true,
            // A file without sums cannot tell lines that were put elsewhere from what was measured.
            Effect::Rearranges => self.counted,
            Effect::Rewrites => false,
        }
    }

    /// No value may be missing, unless something is reported.
    fn no_loss(self) -> bool {
        match self.effect {
            Effect::Reencodes => true,
            Effect::Removes => self.counted || self.within_a_line,
            Effect::Rearranges => self.counted,
            Effect::Rewrites => false,
        }
    }
}

/// What is wrong without a word about it.
pub fn silently_wrong(original: &Told, mutated: &Told, demand: Demand) -> Option<String> {
    if !mutated.reports.is_subset(&original.reports) {
        return None;
    }
    let none = Vec::new();
    let rows: BTreeSet<&String> = original.values.keys().chain(mutated.values.keys()).collect();
    for row in rows {
        let (before, after) =
            (original.values.get(row).unwrap_or(&none), mutated.values.get(row).unwrap_or(&none));
        if demand.no_other()
            && let Some(other) = beyond(after, before)
        {
            return Some(format!("{row}: {other} is not in the original, which has {before:?}"));
        }
        if demand.no_loss()
            && let Some(lost) = beyond(before, after)
        {
            return Some(format!("{row}: {lost} is lost, and nothing says so: {before:?} became {after:?}"));
        }
    }
    None
}

/// A value of the one that the other does not have so many times.
fn beyond<'a>(one: &'a [String], other: &[String]) -> Option<&'a String> {
    let mut left = other.to_vec();
    one.iter().find(|value| match left.iter().position(|v| v == *value) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    })
}
