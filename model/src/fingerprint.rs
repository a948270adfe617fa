//! What a host and its tools were when a value was taken.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// No fact is longer than this, in bytes: guests tell some of them. The longest of a host's are the flags of its CPUs.
const LONGEST_FACT: usize = 8 << 10;

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

    /// Notes a fact; surrounding white space goes, what is longer than 8 KiB is cut, and a blank text is not
    /// noted.
    pub fn set(&mut self, name: impl Into<String>, value: impl AsRef<str>) {
        let value = value.as_ref().trim();
        if !value.is_empty() {
            self.0.insert(name.into(), edge::text::bounded(value.to_owned(), LONGEST_FACT));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_of_a_megabyte_is_cut_and_others_are_kept_as_they_are() {
        let mut facts = Fingerprint::default();
        facts.set("guest.os", "ü".repeat(500_000));
        facts.set("host.cpu.flags", " fpu vme ");
        facts.set("blank", " ");
        assert!(facts.get("guest.os").unwrap().len() <= LONGEST_FACT);
        assert_eq!((facts.get("host.cpu.flags"), facts.get("blank")), (Some("fpu vme"), None));
    }
}
