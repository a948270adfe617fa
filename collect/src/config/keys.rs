//! The keys that perfvt knows, under all their names.

use super::aliases::{self, Told};
use super::named;
use crate::parameters::{guest, without_objects};
use crate::workload::Workload;
use edge::text::cut;
use formats::perf_conf::closest;
use model::{Origin, Param, Params};
use std::collections::HashSet;

/// Ends of keys that bound another key; the language itself takes care of them.
pub const BOUNDS: [&str; 3] = ["_min", "_max", "_fixed"];
/// The key that names the workload, which is no parameter of it.
pub const WORKLOAD: &str = "workload";
/// The key that says in configurations of avocado-vt which test a variant is; where that is the name of a workload it is understood.
pub const TYPE: &str = "type";
/// Unknown keys that are named one by one; of more, the first are.
const SHOWN: usize = 5;

/// All keys of a workload and of its guests.
pub fn known(workload: &dyn Workload) -> impl Iterator<Item = &'static str> {
    guest().chain(workload.parameters()).map(|k| k.key)
}

/// The name by which perfvt knows a key, which may be meant for one object only (`mem_vm2`); `None` for others.
pub fn canonical(key: &str, workload: &dyn Workload) -> Option<String> {
    resolved(key, |key| workload.knows(key))
}

/// The same for a guest without a workload.
///
/// # Errors
/// No guest has that key; what to write instead, for the end of a sentence.
pub fn canonical_of_guest(key: &str) -> Result<String, Option<String>> {
    resolved(key, |_| false).ok_or_else(|| advice_among(key, guest().map(|known| known.key)))
}

fn resolved(key: &str, knows: impl Fn(&str) -> bool) -> Option<String> {
    let full = aliases::key(key).unwrap_or_else(|| key.to_owned());
    let real = without_objects(&full);
    let is_known = guest().any(|k| k.key == real) || knows(real) || knows(key);
    is_known.then_some(full)
}

/// Keys that say what a guest boots from; `image_name_image1` says it of one of its disks.
const OF_DISKS: [&str; 3] = [named::NAME, named::FORMAT, named::RAW];
/// The key that names the disks of a guest, the one that it boots from first.
pub const IMAGES: &str = "images";
/// The key that lists data disks.
const DISKS: &str = "disks";
/// The disk that a guest boots from, where `images` names no other one first.
const FIRST_DISK: &str = "image1";

/// Entries of one variant under the names by which perfvt knows their keys.
#[derive(Debug, Default)]
pub struct Normal {
    /// Those that it knows.
    pub params: Params,
    /// Those that it does not know.
    pub unknown: Vec<Param>,
    /// Other names that count.
    pub told: Vec<Told>,
}

/// Sorts entries by whether perfvt knows their keys. This is the one way from entries to parameters: aliases and the keys of the
/// first disk are understood wherever a guest is defined.
pub fn normal(entries: Vec<Param>, canonical: impl Fn(&str) -> Option<String>) -> Normal {
    let images = entries.iter().find(|param| param.key == IMAGES);
    let names: Vec<String> =
        images.map(|param| param.value.split_whitespace().map(str::to_owned).collect()).unwrap_or_default();
    let first = names.first().cloned().unwrap_or_else(|| FIRST_DISK.to_owned());
    let asked = images.cloned();
    let (mut params, mut unknown, mut special) = (Params::new(), Vec::new(), Vec::new());
    let (mut told, mut has_data_disks) = (Vec::new(), false);
    for param in entries {
        if let Some(key) = of_disk(&param.key, &first) {
            special.push(param.renamed(key));
            continue;
        }
        let data = of_data_disk(&param.key, names.get(1..).unwrap_or_default());
        has_data_disks |= data.is_some();
        let Some(key) = data.or_else(|| canonical(&param.key)) else {
            unknown.push(param);
            continue;
        };
        // Under two names at once: the proper one counts, unless it is a mere default.
        let set = params.param(&key).is_some_and(|known| known.origin != Origin::BuiltIn);
        if key == param.key || !set {
            told.extend(renamed(&param.key, &key, &param.origin));
            params.put(param.renamed(key));
        }
    }
    if let Some(images) =
        asked.filter(|_| has_data_disks && params.param(DISKS).is_none_or(|p| p.origin == Origin::BuiltIn))
    {
        let all: Vec<String> = (1..names.len()).map(|at| format!("disk{at}")).collect();
        let meant = format!("{DISKS} = {}", all.join(" "));
        told.push(Told {
            said: format!("{IMAGES} = {}", images.value.trim()),
            meant,
            origin: images.origin.to_string(),
        });
        params.set(DISKS, all.join(" "), images.origin);
    }
    special.into_iter().for_each(|param| params.put(param));
    Normal { params, unknown, told }
}

/// What there is to tell of a key under its proper name.
pub fn renamed(said: &str, key: &str, origin: &Origin) -> Option<Told> {
    let told = || Told { said: said.to_owned(), meant: key.to_owned(), origin: origin.to_string() };
    (said != key).then(told)
}

/// The key for all disks of one that is meant for the first: `image_name_vm2` for `image_name_image1_vm2`.
fn of_disk(key: &str, first: &str) -> Option<String> {
    let stem = without_objects(key);
    let object = key.strip_prefix(stem).unwrap_or_default();
    let general = stem.strip_suffix(first)?.strip_suffix('_')?;
    OF_DISKS.contains(&general).then(|| format!("{general}{object}"))
}

/// The key of a data disk that is meant by one of a disk behind the first of `images`: `disk_size_disk1` for `image_size_stg` of
/// `images = sys stg`.
fn of_data_disk(key: &str, names: &[String]) -> Option<String> {
    let stem = without_objects(key);
    let object = key.strip_prefix(stem).unwrap_or_default();
    let (general, at) = names
        .iter()
        .enumerate()
        .find_map(|(at, name)| Some((stem.strip_suffix(name.as_str())?.strip_suffix('_')?, at + 1)))?;
    // Of the disk that boots, the format of its image is a key of its own.
    let real = if general == named::FORMAT { "disk_format".to_owned() } else { aliases::key(general)? };
    real.starts_with("disk_").then(|| format!("{real}_disk{at}{object}"))
}

/// A key that perfvt does not know, and where it was set first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The key.
    pub key: String,
    /// `file:line`.
    pub origin: String,
}

/// What there is to say about unknown keys: those that look like a typo and those that perfvt has under another name one by one,
/// the others in one sentence, which names some of them, or `all`.
pub fn warnings(unknown: &[Unknown], workload: &dyn Workload, all: bool) -> Vec<String> {
    let mut seen = HashSet::new();
    let once = unknown.iter().filter(|u| seen.insert(u.key.as_str()));
    let once = once.filter(|u| !BOUNDS.iter().any(|end| bounds_known(&u.key, end, workload)));
    let (advised, others): (Vec<_>, Vec<_>) =
        once.map(|u| (u, advice(&u.key, workload))).partition(|(_, advice)| advice.is_some());
    let said = |(u, advice): &(&Unknown, Option<String>)| {
        let advice = advice.as_deref().unwrap_or_default();
        format!("{}: perfvt does not know the key '{}'{advice}", u.origin, cut(&u.key))
    };
    let mut said: Vec<String> = advised.iter().map(said).collect();
    if let [(first, _), rest @ ..] = others.as_slice() {
        let shown = if all { others.len() } else { SHOWN };
        let mut names: Vec<String> =
            others.iter().take(shown).map(|(u, _)| format!("{} ({})", cut(&u.key), u.origin)).collect();
        if others.len() > shown {
            names.push(format!("and {} others, which -v names", others.len() - shown));
        }
        let (which, serve) = if rest.is_empty() { ("this key", "serves") } else { ("these keys", "serve") };
        let text = format!(
            "perfvt does not know {which}, which {serve} for ${{{}}} and filters only: {}",
            cut(&first.key),
            names.join(", ")
        );
        said.push(text);
    }
    said
}

/// What to write instead of a key that perfvt does not know, for the end of a sentence.
pub fn advice(key: &str, workload: &dyn Workload) -> Option<String> {
    advice_among(key, known(workload))
}

fn advice_among(key: &str, known: impl Iterator<Item = &'static str>) -> Option<String> {
    let names = known.chain(aliases::KEYS.into_iter().map(|(alias, _)| alias));
    let near = || closest(without_objects(key), names).map(|near| format!(", did you mean '{near}'?"));
    aliases::foreign(key).map(|here| format!("; here that is {here}")).or_else(near)
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
            let normal = normal(entries.iter().map(param).collect(), |key| canonical(key, &Netperf));
            let all: Vec<String> = normal.params.iter().map(|p| format!("{}={}", p.key, p.value)).collect();
            (all.join(" "), normal.unknown.len())
        };
        let one = [("image_name_image1", "a"), ("image_name", "b"), ("os_type", "windows"), ("site", "x")];
        assert_eq!(said(&one), ("image_name=a guest_os=windows".into(), 1));
        let two = [("images", "sys stg"), ("image_name_sys_vm2", "a"), ("image_name_stg", "b"), ("smp", "1")];
        assert_eq!(said(&two), ("smp=1 image_name_vm2=a".into(), 2));
        let three = [
            ("images", "sys stg b"),
            ("image_name_sys", "a"),
            ("image_size_stg", "1G"),
            ("image_format_stg", "qcow2"),
            ("drive_format_b_vm1", "scsi-hd"),
        ];
        let want = "disk_size_disk1=1G disk_format_disk1=qcow2 disk_bus_disk2_vm1=scsi-hd disks=disk1 disk2 image_name=a";
        assert_eq!(said(&three), (want.into(), 1));
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
            warnings(&all, &Netperf, false),
            [
                "t.cfg:1: perfvt does not know the key 'memm', did you mean 'mem'?",
                "perfvt does not know this key, which serves for ${site} and filters only: site (t.cfg:3)",
            ]
        );
        let many: Vec<Unknown> = (1..9).map(|n| unknown(&format!("my_own_{n}"), n)).collect();
        let said = warnings(&many, &Netperf, false);
        let want = "my_own_5 (t.cfg:5), and 3 others, which -v names";
        assert!(said.len() == 1 && said[0].ends_with(want), "{said:?}");
        let said = warnings(&many, &Netperf, true);
        assert!(said.len() == 1 && said[0].ends_with("my_own_7 (t.cfg:7), my_own_8 (t.cfg:8)"), "{said:?}");
    }

    #[test]
    fn a_key_of_avocado_vt_is_told_with_what_it_is_here() {
        let unknown = |key: &str| Unknown { key: key.into(), origin: "t.cfg:1".into() };
        let all = ["nic_mode", "vcpu_cores_vm2", "hugepage", "kill_vm"].map(unknown);
        assert_eq!(
            warnings(&all, &Netperf, false),
            [
                "t.cfg:1: perfvt does not know the key 'nic_mode'; here that is net = tap, user, bridge or macvtap",
                "t.cfg:1: perfvt does not know the key 'vcpu_cores_vm2'; here that is smp = N, and siblings",
                "t.cfg:1: perfvt does not know the key 'hugepage'; here that is hugepages = 2M or 1G",
                "perfvt does not know this key, which serves for ${kill_vm} and filters only: kill_vm (t.cfg:1)",
            ]
        );
        for (alias, real) in [
            ("machine_type", "machine"),
            ("extra_params_vm2", "extra_args_vm2"),
            ("netdst_nic2", "bridge_nic2"),
        ] {
            assert_eq!(canonical(alias, &Netperf).as_deref(), Some(real));
        }
    }
}
