//! What a host and its tools were when a value was taken.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Facts about one side by dotted name (`host.kernel`, `qemu.version`, `accel`), as text.
/// A fact that a machine cannot give is absent, never an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub BTreeMap<String, String>);

impl Fingerprint {
    /// One fact.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Notes a fact; surrounding white space goes, and a blank text is not noted.
    pub fn set(&mut self, name: impl Into<String>, value: impl AsRef<str>) {
        let value = value.as_ref().trim();
        if !value.is_empty() {
            self.0.insert(name.into(), value.to_owned());
        }
    }

    /// Names whose values differ, with both values, in the order of the names.
    pub fn diff<'a>(&'a self, other: &'a Fingerprint) -> Vec<(&'a str, Option<&'a str>, Option<&'a str>)> {
        let mut names: Vec<&str> = self.0.keys().chain(other.0.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|n| (n, self.get(n), other.get(n))).filter(|(_, a, b)| a != b).collect()
    }
}
