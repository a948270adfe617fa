//! Cases that were made to meet, those that meet nobody, and levels in the spellings of the sides.

use serde::Serialize;

/// A key that is compared, so that it tells no cases apart (`--compare`), or two levels that are one (`--map`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Matched {
    /// Canonical name of the key.
    pub key: String,
    /// The key is compared; else one level of each side is matched with one of the other.
    pub compared: bool,
    /// The baseline's levels.
    pub a: Vec<String>,
    /// The levels of each candidate, in the order of `b`; empty where it has none.
    pub b: Vec<Vec<String>>,
}

/// Cases that only one side has each, and that would be one without some of their keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Nearest {
    /// The keys in which they differ, with the levels of the first pair.
    pub keys: Vec<Differing>,
    /// Pairs of such cases.
    pub cases: usize,
    /// Index into [`super::Comparison::b`], of the first pair.
    pub candidate: usize,
    /// Id of the baseline's case of the first pair.
    pub a: String,
    /// Id of the candidate's case of the first pair.
    pub b: String,
    /// Words of the command line with which they meet; empty where none do.
    pub flags: Vec<String>,
}

/// A key in which two cases differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Differing {
    /// Canonical name of the key.
    pub key: String,
    /// The baseline's level; null where its case has no such key.
    pub a: Option<String>,
    /// The candidate's.
    pub b: Option<String>,
}

/// A level in the spellings of the sides: `4k` may be written `4096`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Spelled {
    /// Canonical name of the key.
    pub key: String,
    /// The level as it stands in ids and cases.
    pub level: String,
    /// As the baseline's files write it first; null where they do not have it.
    pub a: Option<String>,
    /// As each candidate's files write it, in the order of `b`.
    pub b: Vec<Option<String>>,
}

impl Spelled {
    /// As the first side that has it writes it.
    pub fn written(&self) -> Option<&str> {
        self.a.iter().chain(self.b.iter().flatten()).next().map(String::as_str)
    }

    /// Whether two sides write it differently.
    pub fn differs(&self) -> bool {
        let mut all = self.a.iter().chain(self.b.iter().flatten());
        let first = all.next();
        all.any(|other| Some(other) != first)
    }
}
