//! The reference of keys: `perfvt help keys`, and docs/keys.md, which a test makes of it.

use super::aliases;
use crate::parameters::{GROUPS, Known, guest, without_objects};
use crate::workload;
use formats::perf_conf::closest;
use model::secret_keys::is_secret;
use std::fmt::Write as _;

/// Keys that belong together.
#[derive(Clone, Debug)]
pub struct Section {
    /// What they are about.
    pub title: String,
    /// What one value is for.
    pub applies: String,
    /// The keys.
    pub keys: Vec<&'static Known>,
}

/// All keys: those of every guest, then those of each workload.
pub fn sections() -> Vec<Section> {
    let of_guests = GROUPS.into_iter().map(|group| Section {
        title: group.title.to_owned(),
        applies: group.applies.to_owned(),
        keys: group.keys.iter().collect(),
    });
    let of_workloads = workload::ALL.iter().map(|workload| Section {
        title: format!("Workload {}", workload.name()),
        applies: format!("`perfvt run {}`", workload.name()),
        keys: workload.parameters().iter().collect(),
    });
    of_guests.chain(of_workloads).filter(|section| !section.keys.is_empty()).collect()
}

/// The keys of a workload and its guests.
pub fn of(workload: &str) -> impl Iterator<Item = &'static Known> {
    let own = workload::find(workload).map(|workload| workload.parameters()).unwrap_or_default();
    guest().chain(own)
}

/// Other names of a key.
pub fn other_names(key: &str) -> Vec<&'static str> {
    aliases::KEYS.into_iter().filter(|(_, real)| *real == key).map(|(alias, _)| alias).collect()
}

/// Other words for values of a key, with perfvt's own.
pub fn other_words(key: &str) -> Vec<(&'static str, &'static str)> {
    aliases::VALUES.into_iter().filter(|(of, ..)| *of == key).map(|(_, word, own)| (word, own)).collect()
}

/// What a key does, with everything that is known of it beside its default and its values.
pub fn about(known: &Known) -> String {
    let mut text = known.help.to_owned();
    let names = other_names(known.key);
    if !names.is_empty() {
        let _ = write!(text, "; other name: {}", names.join(", "));
    }
    for (word, own) in other_words(known.key) {
        let _ = write!(text, "; {word} is {own}");
    }
    if is_secret(known.key) {
        text.push_str("; secret");
    }
    text
}

/// The reference as text, of keys that match a pattern: a part of a key, of another name, or of what the keys are about.
///
/// # Errors
/// None does; the key that was probably meant.
pub fn text(pattern: Option<&str>) -> Result<String, String> {
    if let Some((name, here)) = pattern.and_then(|name| Some((name, aliases::foreign(name)?))) {
        return Ok(format!("{name} is a key of avocado-vt; here that is {here}\n"));
    }
    // `disk_*` is what people write, and a key for one guest alone is that key.
    let wanted = pattern.map(|pattern| without_objects(pattern.trim_matches('*')).to_lowercase());
    let mut text = String::new();
    for section in sections() {
        let all = wanted.as_ref().is_none_or(|wanted| section.title.to_lowercase().contains(wanted));
        let fits = |known: &&&Known| {
            let names = std::iter::once(known.key).chain(other_names(known.key));
            all || wanted.as_ref().is_some_and(|wanted| names.into_iter().any(|name| name.contains(wanted)))
        };
        let keys: Vec<&&Known> = section.keys.iter().filter(fits).collect();
        if keys.is_empty() {
            continue;
        }
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{}, for {}", section.title, section.applies.replace('`', ""));
        for known in keys {
            let about = about(known);
            let more = about.strip_prefix(known.help).unwrap_or_default();
            let _ = writeln!(text, "  {}\n      {} ({}){more}", setting(known), known.help, known.values);
        }
    }
    match pattern {
        Some(pattern) if text.is_empty() => Err(none(pattern)),
        _ => Ok(text),
    }
}

/// What there is to say of one key by its whole name, also one of avocado-vt's.
///
/// # Errors
/// There is none of that name.
pub fn key(name: &str) -> Result<String, String> {
    let stem = without_objects(name);
    let is_name = |known: &Known| known.key == stem || other_names(known.key).contains(&stem);
    let known = sections().iter().any(|section| section.keys.iter().any(|known| is_name(known)));
    if known || aliases::foreign(name).is_some() { text(Some(name)) } else { Err(none(name)) }
}

/// A key with what it is unless somebody sets it: `mem = 512`, or `bridge, unset: none; net says what instead`.
fn setting(known: &Known) -> String {
    match known.default {
        Some(default) => format!("{} = {default}", known.key).trim_end().to_owned(),
        None => format!("{}, unset: {}", known.key, known.otherwise),
    }
}

/// What there is to say of a pattern that no key matches.
fn none(pattern: &str) -> String {
    let of_workloads = workload::ALL.iter().flat_map(|workload| workload.parameters());
    let names = guest().chain(of_workloads).map(|known| known.key);
    let near = closest(pattern, names.chain(aliases::KEYS.into_iter().map(|(alias, _)| alias)));
    let near = near.map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
    format!("no key is called {}{near}; `perfvt help keys` lists all", edge::quoted(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_a_part_of_their_names_and_by_other_names() {
        let of = |pattern: &str| text(Some(pattern)).unwrap_or_else(|e| e);
        let wanted = "Machine, for each guest; KEY_vm2 is for the second one alone\n  mem = 512\n      guest memory (MiB, or a \
                      size such as 1G, 128M or more); other name: memory\n";
        assert_eq!(of("memory"), wanted);
        let disk = of("disk_*");
        assert!(
            disk.contains("  disk_bus = virtio\n") && disk.contains("Workload ffsb, for perfvt run ffsb")
        );
        assert!(!disk.contains("  mem ="));
        assert!(of("password").contains("; secret\n"), "{}", of("password"));
        assert!(of("bridge").contains("  bridge, unset: none; net says what instead\n"), "{}", of("bridge"));
        assert_eq!(
            of("nic_mode"),
            "nic_mode is a key of avocado-vt; here that is net = tap, user, bridge or macvtap\n"
        );
        assert_eq!(
            of("disk_sizee"),
            "no key is called 'disk_sizee', did you mean 'disk_size'?; `perfvt help keys` lists all"
        );
    }

    #[test]
    fn every_key_says_what_it_does_what_it_takes_and_what_holds_without_it() {
        for section in sections() {
            assert!(!section.applies.is_empty());
            for known in section.keys {
                assert!(!known.help.is_empty() && !known.values.is_empty(), "{}", known.key);
                assert_eq!(known.default.is_none(), !known.otherwise.is_empty(), "{}", known.key);
            }
        }
        assert!(text(None).unwrap().lines().count() > 250);
    }
}
