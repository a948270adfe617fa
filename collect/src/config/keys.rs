//! The keys that perfvt knows, under all their names.

use super::named;
use crate::parameters::GUEST;
use crate::scenario::without_objects;
use crate::workload::Workload;
use formats::perf_conf::closest;
use model::{Origin, Param, Params};
use std::collections::HashSet;

/// Other spellings of keys.
const ALIASES: [(&str, &str); 12] = [
    ("numanode", "numa_node"),
    ("vcpus", "smp"),
    ("memory", "mem"),
    ("username", "user"),
    ("shell_prompt", "prompt"),
    ("os_type", "guest_os"),
    ("login_timeout", "boot_timeout"),
    ("image_size", "disk_size"),
    ("drive_format", "disk_bus"),
    ("drive_cache", "disk_cache"),
    ("image_aio", "disk_aio"),
    ("preallocated", "disk_prealloc"),
];
/// Ends of keys that bound another key; the language itself takes care of them.
const BOUNDS: [&str; 3] = ["_min", "_max", "_fixed"];
/// The key that names the workload, which is no parameter of it.
pub const WORKLOAD: &str = "workload";
/// Unknown keys that are named one by one; of more, the first are.
const SHOWN: usize = 5;

/// All keys of a workload and of its guests.
pub fn known(workload: &dyn Workload) -> impl Iterator<Item = &'static str> {
    GUEST.iter().chain(workload.parameters()).map(|k| k.key)
}

/// The name by which perfvt knows a key, which may be meant for one object only (`mem_vm2`); `None` for others.
pub fn canonical(key: &str, workload: &dyn Workload) -> Option<String> {
    resolved(key, |key| workload.knows(key))
}

/// The same for a guest without a workload.
///
/// # Errors
/// No guest has that key; the one that was probably meant.
pub fn canonical_of_guest(key: &str) -> Result<String, Option<&'static str>> {
    let near = || closest(without_objects(key), GUEST.iter().map(|known| known.key));
    resolved(key, |_| false).ok_or_else(near)
}

fn resolved(key: &str, knows: impl Fn(&str) -> bool) -> Option<String> {
    let stem = without_objects(key);
    let real = ALIASES.iter().find(|(alias, _)| *alias == stem).map_or(stem, |(_, real)| real);
    let object = key.strip_prefix(stem).unwrap_or_default();
    let full = || format!("{real}{object}");
    let is_known = GUEST.iter().any(|k| k.key == real) || knows(real) || knows(key);
    is_known.then(full)
}

/// Keys that say what a guest boots from; `image_name_image1` says it of one of its disks.
const OF_DISKS: [&str; 3] = [named::NAME, named::FORMAT, named::RAW];
/// The disk that a guest boots from, where `images` names no other one first.
const FIRST_DISK: &str = "image1";

/// Entries of one variant under the names by which perfvt knows their keys, and those that it does not know. This is the one
/// way from entries to parameters: aliases and the keys of the first disk are understood wherever a guest is defined.
pub fn normal(entries: Vec<Param>, canonical: impl Fn(&str) -> Option<String>) -> (Params, Vec<Param>) {
    let images = entries.iter().find(|param| param.key == "images");
    let first =
        images.and_then(|param| param.value.split_whitespace().next()).unwrap_or(FIRST_DISK).to_owned();
    let (mut params, mut unknown, mut special) = (Params::new(), Vec::new(), Vec::new());
    for param in entries {
        if let Some(key) = of_disk(&param.key, &first) {
            special.push(param.renamed(key));
            continue;
        }
        let Some(key) = canonical(&param.key) else {
            unknown.push(param);
            continue;
        };
        // Under two names at once: the proper one counts, unless it is a mere default.
        let set = params.param(&key).is_some_and(|known| known.origin != Origin::BuiltIn);
        if key == param.key || !set {
            params.put(param.renamed(key));
        }
    }
    special.into_iter().for_each(|param| params.put(param));
    (params, unknown)
}

/// The key for all disks of one that is meant for the first: `image_name_vm2` for `image_name_image1_vm2`.
fn of_disk(key: &str, first: &str) -> Option<String> {
    let stem = without_objects(key);
    let object = key.strip_prefix(stem).unwrap_or_default();
    let general = stem.strip_suffix(first)?.strip_suffix('_')?;
    OF_DISKS.contains(&general).then(|| format!("{general}{object}"))
}

/// The key that was probably meant.
pub fn suggestion(key: &str, workload: &dyn Workload) -> Option<&'static str> {
    closest(without_objects(key), known(workload))
}

/// A key that perfvt does not know, and where it was set first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The key.
    pub key: String,
    /// `file:line`.
    pub origin: String,
}

/// What there is to say about unknown keys: those that look like a typo one by one, the others in one sentence.
pub fn warnings(unknown: &[Unknown], workload: &dyn Workload) -> Vec<String> {
    let mut seen = HashSet::new();
    let once = unknown.iter().filter(|u| seen.insert(u.key.as_str()));
    let once = once.filter(|u| !BOUNDS.iter().any(|end| bounds_known(&u.key, end, workload)));
    let (typos, others): (Vec<_>, Vec<_>) =
        once.map(|u| (u, suggestion(&u.key, workload))).partition(|(_, near)| near.is_some());
    let typo = |(u, near): &(&Unknown, Option<&str>)| {
        let near = near.unwrap_or_default();
        format!("{}: perfvt does not know the key '{}', did you mean '{near}'?", u.origin, u.key)
    };
    let mut all: Vec<String> = typos.iter().map(typo).collect();
    if let [(first, _), rest @ ..] = others.as_slice() {
        let mut names: Vec<String> =
            others.iter().take(SHOWN).map(|(u, _)| format!("{} ({})", u.key, u.origin)).collect();
        if others.len() > SHOWN {
            names.push(format!("and {} others", others.len() - SHOWN));
        }
        let (which, serve) = if rest.is_empty() { ("this key", "serves") } else { ("these keys", "serve") };
        let text = format!(
            "perfvt does not know {which}, which {serve} for ${{{}}} and filters only: {}",
            first.key,
            names.join(", ")
        );
        all.push(text);
    }
    all
}

fn bounds_known(key: &str, end: &str, workload: &dyn Workload) -> bool {
    key.strip_suffix(end).is_some_and(|stem| canonical(stem, workload).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::netperf::Netperf;

    #[test]
    fn keys_are_known_by_their_aliases_and_for_single_objects() {
        let name = |key: &str| canonical(key, &Netperf);
        assert_eq!(name("numanode").as_deref(), Some("numa_node"));
        assert_eq!(name("vcpus_vm2").as_deref(), Some("smp_vm2"));
        assert_eq!(name("sizes").as_deref(), Some("sizes"));
        assert_eq!(name("sizess"), None);
        assert_eq!(name("mem_vm2x"), None);
    }

    #[test]
    fn entries_are_known_under_one_name_and_the_first_disk_is_the_one_that_boots() {
        let said = |entries: &[(&str, &str)]| {
            let param = |(key, value): &(&str, &str)| Param::new(*key, *value, Origin::Flag("--set".into()));
            let (params, unknown) =
                normal(entries.iter().map(param).collect(), |key| canonical(key, &Netperf));
            let all: Vec<String> = params.iter().map(|p| format!("{}={}", p.key, p.value)).collect();
            (all.join(" "), unknown.len())
        };
        let one = [("image_name_image1", "a"), ("image_name", "b"), ("os_type", "windows"), ("site", "x")];
        assert_eq!(said(&one), ("image_name=a guest_os=windows".into(), 1));
        let two = [("images", "sys stg"), ("image_name_sys_vm2", "a"), ("image_name_stg", "b"), ("smp", "1")];
        assert_eq!(said(&two), ("smp=1 image_name_vm2=a".into(), 2));
        assert_eq!(
            said(&[("vcpus", "2"), ("smp", "1"), ("login_timeout", "9")]),
            ("smp=1 boot_timeout=9".into(), 0)
        );
    }

    #[test]
    fn unknown_keys_are_warned_about_once_and_bounds_are_known() {
        let unknown = |key: &str, line: u32| Unknown { key: key.into(), origin: format!("t.cfg:{line}") };
        let all = [unknown("memm", 1), unknown("mem_max", 2), unknown("site", 3), unknown("memm", 4)];
        assert_eq!(
            warnings(&all, &Netperf),
            [
                "t.cfg:1: perfvt does not know the key 'memm', did you mean 'mem'?",
                "perfvt does not know this key, which serves for ${site} and filters only: site (t.cfg:3)",
            ]
        );
        let many: Vec<Unknown> = (1..9).map(|n| unknown(&format!("my_own_{n}"), n)).collect();
        let said = warnings(&many, &Netperf);
        assert!(said.len() == 1 && said[0].ends_with("my_own_5 (t.cfg:5), and 3 others"), "{said:?}");
    }
}
