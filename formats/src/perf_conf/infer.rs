//! Which workload a file belongs to.

use super::conf::Conf;
use super::section::Section;
use std::path::{Component, Path};

impl Conf {
    /// The workload of a result file: the section whose name stands in the file's name, else in the nearest component of
    /// its path, else the one that its columns fit best. `tables` holds the column names of each of its tables.
    ///
    /// A name stands in a text when no letter touches it, whatever the case; of several the longest counts
    /// (`netperf-udp` before `netperf`). Names that mean something else (`boot2/x.RHS`, a repeat) are told by the columns:
    /// a section that knows none of them is passed over while another one is left.
    pub fn infer(&self, path: &Path, tables: &[&[&str]]) -> Option<&Section> {
        let named = || {
            path.components().rev().filter_map(|component| match component {
                Component::Normal(name) => self.named_in(&name.to_string_lossy()),
                _ => None,
            })
        };
        let by_name = named().find(|section| knows(section, tables));
        by_name.or_else(|| self.fitting(tables)).or_else(|| named().next())
    }

    fn named_in(&self, text: &str) -> Option<&Section> {
        let text = text.to_ascii_lowercase();
        self.sections
            .iter()
            .filter(|section| stands_in(&section.name.to_ascii_lowercase(), &text))
            .max_by_key(|section| section.name.len())
    }

    /// The section all of whose keys, and most of whose metrics, are among the columns of some table; the earlier of equals.
    fn fitting(&self, tables: &[&[&str]]) -> Option<&Section> {
        let mut best: Option<(usize, &Section)> = None;
        for section in &self.sections {
            let score = tables.iter().filter_map(|columns| fit(section, columns)).max().unwrap_or(0);
            if score > best.map_or(0, |(score, _)| score) {
                best = Some((score, section));
            }
        }
        best.map(|(_, section)| section)
    }
}

/// Whether a section knows some column; one that declares nothing, as the ancestor's do, may be about any.
fn knows(section: &Section, tables: &[&[&str]]) -> bool {
    let declares = !section.keys.is_empty() || !section.metrics.is_empty();
    let is_known = |written: &&str| {
        let name = section.canonical(written);
        section.keys.iter().any(|key| key == name) || section.declared(name).is_some()
    };
    !declares
        || tables.is_empty()
        || tables.iter().any(|columns| columns.is_empty() || columns.iter().any(is_known))
}

/// How many columns a section knows, if it knows every one of its keys and some metric.
fn fit(section: &Section, columns: &[&str]) -> Option<usize> {
    let canonical: Vec<&str> = columns.iter().map(|column| section.canonical(column)).collect();
    if !section.keys.iter().all(|key| canonical.contains(&key.as_str())) {
        return None;
    }
    let metrics = canonical.iter().filter(|name| section.declared(name).is_some()).count();
    (metrics > 0).then_some(metrics + section.keys.len())
}

fn stands_in(name: &str, text: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    text.match_indices(name).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        !name.is_empty() && !letter(before) && !letter(after)
    })
}
