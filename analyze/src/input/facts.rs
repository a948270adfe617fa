//! Facts of a side's files: which hold for the side, which for single cases, and on which its files differ.
//!
//! ```text
//!   run.json of each directory ─┐
//!   header of each RHS file    ─┼──> facts of the side, mixed where its files differ
//!   settings of other tools    ─┘    by case (`param.size [randread job=a]`) where the cases of a side differ in them
//! ```

use super::LoadedSide;
use model::expected::EXPECTED_UNTIL;
use model::fingerprint::{FIRST, VERSIONS, version_in};
use std::collections::{BTreeMap, BTreeSet};

/// A fact of one case of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CaseFact {
    /// Dotted name.
    pub name: String,
    /// Category, empty where there is none.
    pub category: String,
    /// Levels, by the canonical names of their keys.
    pub keys: Vec<(String, String)>,
    /// What it is.
    pub value: String,
}

impl CaseFact {
    /// The name under which it stands in the facts of a side.
    fn name_in(&self, by_case: &BTreeSet<String>) -> String {
        if by_case.contains(&self.name) {
            format!("{} [{}]", self.name, self.case())
        } else {
            self.name.clone()
        }
    }

    /// `randread job=a`.
    fn case(&self) -> String {
        let levels = self.keys.iter().map(|(key, level)| format!("{key}={level}"));
        let category = Some(self.category.clone()).filter(|category| !category.is_empty());
        category.into_iter().chain(levels).collect::<Vec<String>>().join(" ")
    }
}

/// Category and levels of a case.
type CaseOf<'a> = (&'a str, &'a [(String, String)]);

/// Names of facts in which the cases of one of the sides differ: they are no facts of a side, but of its cases.
pub(super) fn by_case(sides: &[LoadedSide]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for side in sides {
        let mut values: BTreeMap<&str, BTreeMap<CaseOf<'_>, BTreeSet<&str>>> = BTreeMap::new();
        for fact in &side.case_facts {
            let cases = values.entry(&fact.name).or_default();
            cases.entry((&fact.category, &fact.keys)).or_default().insert(&fact.value);
        }
        for (name, cases) in values {
            let mut sets = cases.values();
            let first = sets.next();
            if sets.any(|set| Some(set) != first) {
                out.insert(name.to_owned());
            }
        }
    }
    out
}

impl LoadedSide {
    /// Its label, and what its key says of failures that are known.
    pub(crate) fn expected_until(&self) -> Option<(&str, &str)> {
        Some((&self.label, self.run.as_ref()?.params.get(EXPECTED_UNTIL)?))
    }

    /// Collects the facts of the side and those on which its files differ. Those of `by_case` are told case by case.
    pub(super) fn find_facts(&mut self, by_case: &BTreeSet<String>) {
        if let (Some(run), true) = (&self.run, self.pooled_facts.is_empty()) {
            self.facts = crate::comparability::run_facts(run);
            return;
        }
        let of_cases: Vec<BTreeMap<String, String>> = (self.case_facts.iter())
            .map(|fact| BTreeMap::from([(fact.name_in(by_case), fact.value.clone())]))
            .collect();
        let own = self.pooled_facts.iter().chain(self.repeats.iter().map(|r| &r.facts));
        let sources: Vec<&BTreeMap<String, String>> = own.chain(&of_cases).collect();
        // A fact that was made in several ways is of a way of its own: nobody else's can be held against it.
        let mut versions: Vec<String> = Vec::new();
        let mut values: BTreeMap<&String, Vec<(&str, &String)>> = BTreeMap::new();
        for facts in &sources {
            for (name, value) in facts.iter().filter(|(name, _)| *name != VERSIONS) {
                values.entry(name).or_default().push((version_in(facts, name), value));
            }
        }
        for (name, all) in values {
            let mut distinct: Vec<String> = Vec::new();
            let mut by_version: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (version, value) in all {
                by_version.entry(version).or_default().insert(value);
                if !distinct.contains(value) {
                    distinct.push(value.clone());
                }
            }
            self.facts.insert(name.clone(), distinct.join(" | "));
            let ways = by_version.keys().copied().collect::<Vec<_>>().join("|");
            if ways != FIRST {
                versions.push(format!("{name}={ways}"));
            }
            let differ = by_version.values().any(|values| values.len() > 1);
            if differ && !crate::comparability::is_occasion(name) {
                self.mixed.push((name.clone(), distinct));
            }
        }
        if !versions.is_empty() {
            self.facts.insert(VERSIONS.to_owned(), versions.join(" "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(facts: &[(&str, &str, &str)]) -> LoadedSide {
        let fact = |(name, case, value): &(&str, &str, &str)| CaseFact {
            name: (*name).to_owned(),
            category: (*case).to_owned(),
            keys: Vec::new(),
            value: (*value).to_owned(),
        };
        LoadedSide { case_facts: facts.iter().map(fact).collect(), ..LoadedSide::default() }
    }

    #[test]
    fn what_differs_between_cases_is_a_fact_of_cases_on_every_side() {
        let mut sides = [
            side(&[("direct", "a", "yes"), ("direct", "b", "no"), ("size", "a", "1g"), ("size", "b", "1g")]),
            side(&[("direct", "a", "no"), ("direct", "b", "no"), ("size", "a", "1g")]),
        ];
        let by_case = by_case(&sides);
        assert_eq!(by_case, BTreeSet::from(["direct".to_owned()]));
        sides.iter_mut().for_each(|side| side.find_facts(&by_case));
        let [a, b] = sides.map(|side| (side.facts, side.mixed));
        assert_eq!((a.0["direct [a]"].as_str(), b.0["direct [a]"].as_str()), ("yes", "no"));
        assert_eq!((a.0["direct [b]"].as_str(), a.0["size"].as_str()), ("no", "1g"));
        assert!(a.1.is_empty() && b.1.is_empty());
    }

    #[test]
    fn what_differs_between_files_of_the_same_cases_is_mixed() {
        let mut mixed = side(&[("direct", "a", "yes"), ("direct", "a", "no")]);
        let by_case = by_case(std::slice::from_ref(&mixed));
        mixed.find_facts(&by_case);
        assert_eq!(mixed.mixed, [("direct".to_owned(), vec!["yes".to_owned(), "no".to_owned()])]);
        assert_eq!(mixed.facts["direct"], "yes | no");
    }
}
