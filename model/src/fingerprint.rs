//! What a host and its tools were when a value was taken.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// No fact is longer than this, in bytes: guests tell some of them. The longest of a host's are the flags of its CPUs.
const LONGEST_FACT: usize = 8 << 10;

/// The name under which stands in which way facts were made: `host.id=dmi qemu.argv=2`.
pub const VERSIONS: &str = "facts.versions";
/// The way of facts that say nothing about it.
pub const FIRST: &str = "1";

/// Whether two sides tell the same thing by a fact, so that another value is a difference: not when both have it and made it
/// in two ways. A fact that one of them lacks is told by nobody else in another way.
pub fn are_comparable(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>, name: &str) -> bool {
    let has_both = a.contains_key(name) && b.contains_key(name);
    name != VERSIONS && !(has_both && version_in(a, name) != version_in(b, name))
}

/// In which way a fact was made. What does not say so was made in the first one.
pub fn version_in<'a>(facts: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    of_versions(facts).find(|(of, _)| *of == name).map_or(FIRST, |(_, version)| version)
}

fn of_versions(facts: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let text = facts.get(VERSIONS).map_or("", String::as_str);
    text.split(' ').filter_map(|word| word.split_once('='))
}

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

    /// Notes a fact that is made in one of several ways: facts of two ways cannot be held against one another.
    /// As [`Fingerprint::set`], it notes no blank.
    pub fn set_version(&mut self, name: &str, value: impl AsRef<str>, version: &str) {
        if value.as_ref().trim().is_empty() {
            return;
        }
        self.set(name, value);
        let mut all: BTreeMap<&str, &str> = self.versions().collect();
        all.insert(name, version);
        let text: Vec<String> = all.into_iter().map(|(name, version)| format!("{name}={version}")).collect();
        self.set(VERSIONS, text.join(" "));
    }

    /// In which way a fact was made. What does not say so was made in the first one.
    pub fn version(&self, name: &str) -> &str {
        version_in(&self.0, name)
    }

    fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        of_versions(&self.0)
    }

    /// Adds the facts of another source, which count more.
    pub fn extend(&mut self, other: Fingerprint) {
        let versions: Vec<(String, String)> =
            other.versions().map(|(name, version)| (name.to_owned(), version.to_owned())).collect();
        for (name, value) in other.0.into_iter().filter(|(name, _)| name != VERSIONS) {
            match versions.iter().find(|(of, _)| *of == name) {
                Some((_, version)) => self.set_version(&name, value, version),
                None => {
                    self.0.insert(name, value);
                }
            }
        }
    }

    /// Names whose values differ, with both values, in the order of the names. A fact that was made in two ways is not
    /// known to differ.
    pub fn diff<'a>(&'a self, other: &'a Fingerprint) -> Vec<(&'a str, Option<&'a str>, Option<&'a str>)> {
        let mut names: Vec<&str> = self.0.keys().chain(other.0.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let pairs = names.into_iter().filter(|name| are_comparable(&self.0, &other.0, name));
        let pairs = pairs.map(|name| (name, self.get(name), other.get(name)));
        pairs.filter(|(_, a, b)| a != b).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_that_was_made_in_two_ways_is_not_known_to_differ() {
        let made = |value: &str, version: Option<&str>| {
            let mut facts = Fingerprint::default();
            match version {
                Some(version) => facts.set_version("qemu.argv", value, version),
                None => facts.set("qemu.argv", value),
            }
            facts
        };
        assert_eq!(made("a", None).diff(&made("b", Some("2"))), []);
        assert_eq!(made("a", Some("2")).diff(&made("b", Some("2"))).len(), 1);
        assert_eq!(made("a", None).diff(&made("b", Some("1"))).len(), 1, "the first way needs no word");
        assert_eq!(
            made("a", Some("2")).diff(&Fingerprint::default()).len(),
            1,
            "one that is gone has changed"
        );
    }

    #[test]
    fn facts_of_several_sources_keep_their_versions() {
        let (mut all, mut more) = (Fingerprint::default(), Fingerprint::default());
        all.set_version("a", "1", "x");
        more.set_version("b", "2", "y");
        more.set("c", "3");
        all.extend(more);
        assert_eq!((all.version("a"), all.version("b"), all.version("c")), ("x", "y", FIRST));
        assert_eq!(all.get(VERSIONS), Some("a=x b=y"));
    }

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
