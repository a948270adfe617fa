//! Where a build lay when it was measured, and what was seen of it there: so that it can be found again, or missed.

use super::identity::is_software;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Parameters that say where the parts of a build lie.
const PARTS: [&str; 7] =
    ["qemu_binary", "qemu_img_binary", "kernel", "kernel_modules", "initrd", "firmware", "image"];

/// Where a build lay, and what was seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Parameters that say where its parts lie, and those that its environment was meant to differ by.
    pub params: BTreeMap<String, String>,
    /// Facts of software, but for the host's own: both builds of a confirmation run on the host as it is.
    pub software: BTreeMap<String, String>,
}

impl Place {
    /// The place that an environment's facts tell; None where they tell none.
    pub(super) fn of(facts: &BTreeMap<String, String>, factors: &[String]) -> Option<Place> {
        let keys = PARTS.into_iter().chain(factors.iter().map(String::as_str));
        let param = |key: &str| {
            let value = facts.get(&format!("param.{key}")).filter(|value| !value.is_empty())?;
            Some((key.to_owned(), value.clone()))
        };
        let params: BTreeMap<String, String> = keys.filter_map(param).collect();
        let own = |name: &str| is_software(name) && !name.starts_with("host.");
        let software =
            facts.iter().filter(|(name, _)| own(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
        (!params.is_empty()).then_some(Place { params, software })
    }

    /// As a lake keeps it.
    pub(super) fn to_text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Out of a lake; None for what does not read.
    pub(super) fn parse(text: &str) -> Option<Place> {
        serde_json::from_str(text).ok()
    }

    /// The first of these facts that is another one now: its name, what it was, what it is.
    pub(super) fn changed(
        &self,
        of: &BTreeSet<String>,
        facts: &BTreeMap<String, String>,
    ) -> Option<(String, String, String)> {
        let is = |name: &String| facts.get(name).map_or("unknown", String::as_str);
        let mut changed =
            self.software.iter().filter(|(name, was)| of.contains(*name) && is(name) != was.as_str());
        changed.next().map(|(name, was)| (name.clone(), was.clone(), is(name).to_owned()))
    }

    /// The facts in which places differ: what makes their builds several.
    pub(super) fn differing<'a>(places: impl Iterator<Item = &'a Place>) -> BTreeSet<String> {
        let mut seen: BTreeMap<&String, BTreeSet<Option<&String>>> = BTreeMap::new();
        let places: Vec<&Place> = places.collect();
        for name in places.iter().flat_map(|place| place.software.keys()) {
            seen.entry(name).or_default().extend(places.iter().map(|place| place.software.get(name)));
        }
        seen.into_iter().filter(|(_, values)| values.len() > 1).map(|(name, _)| name.clone()).collect()
    }

    /// The first part of a build that is not where it lay: the parameter and its value.
    pub fn missing(&self) -> Option<(&str, &str)> {
        let gone = |(key, value): &(&String, &String)| {
            PARTS.contains(&key.as_str()) && value.contains('/') && !Path::new(value.as_str()).exists()
        };
        self.params.iter().find(gone).map(|(key, value)| (key.as_str(), value.as_str()))
    }
}
