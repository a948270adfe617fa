//! What makes a series one, and what begins an epoch of it.

use crate::DifferenceClass;
use crate::comparability::class_of;
use std::collections::BTreeMap;

/// Keys that came after the first lakes, with the value that they had before there was such a key: with that value they are no
/// part of a series' identity, so that a series goes on when perfvt learns a key.
const INTRODUCED: &[(&str, &str)] = &[];

/// Parameters that say where a build lies. What lies there is told by `build_id`.
const PATHS: [&str; 12] = [
    "param.qemu_binary",
    "param.qemu_img_binary",
    "param.kernel",
    "param.kernel_modules",
    "param.initrd",
    "param.firmware",
    "param.image",
    "param.image_name",
    "param.image_backing",
    "param.images_base_dir",
    "param.disk_dir",
    "param.key",
];

/// The class of a fact whose value is another one elsewhere, of a tool by its major version.
fn class(name: &str) -> DifferenceClass {
    class_of(name, &["1".to_owned(), "2".to_owned()])
}

/// Facts of a class, those that tell a place left out.
fn facts_of(facts: &BTreeMap<String, String>, class_: DifferenceClass) -> Vec<(&str, &str)> {
    let is = |(name, value): &(&String, &String)| {
        !PATHS.contains(&name.as_str())
            && !INTRODUCED.contains(&(name.as_str(), value.as_str()))
            && class(name) == class_
    };
    facts.iter().filter(is).map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The first 16 bytes of BLAKE3 over words, each with its length.
pub(super) fn hash<'a>(words: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let mut out = [0; 16];
    let whole = hasher.finalize();
    out.iter_mut().zip(whole.as_bytes()).for_each(|(to, from)| *to = *from);
    out
}

/// A series: the machine, the case with its metric, the environment's role, what was meant to differ in it, and every fact
/// that forbids a comparison. Never a build, and never what a tool merely says.
pub(super) fn series_id(
    machine: &str,
    env: &str,
    case: &str,
    metric: &str,
    factors: &[String],
    facts: &BTreeMap<String, String>,
) -> [u8; 16] {
    let meant =
        factors.iter().map(|factor| format!("param.{factor}")).filter(|f| !PATHS.contains(&f.as_str()));
    let meant: Vec<String> =
        meant.map(|name| format!("{name}={}", facts.get(&name).map_or("", String::as_str))).collect();
    let blocking = facts_of(facts, DifferenceClass::Blocking);
    let words = ["series 1", machine, env, case, metric].into_iter();
    let meant = meant.iter().map(String::as_str);
    hash(words.chain(meant).chain(blocking.into_iter().flat_map(|(name, value)| [name, value])))
}

/// An epoch: the suspicious facts. Another one begins a segment, and can never be a build's doing.
pub(super) fn epoch_id(facts: &BTreeMap<String, String>) -> [u8; 16] {
    let tools = |value: &str| {
        let digits: String =
            value.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        digits
    };
    let mut words = vec!["epoch 1".to_owned()];
    for (name, value) in facts_of(facts, DifferenceClass::Suspicious) {
        words.push(name.to_owned());
        let is_tool = name.starts_with("tool.") || name.starts_with("guest.package.");
        words.push(if is_tool { tools(value) } else { value.to_owned() });
    }
    hash(words.iter().map(String::as_str))
}

/// Whether a fact says which software was run.
pub(super) fn is_software(name: &str) -> bool {
    class(name) == DifferenceClass::Software
}

/// What was measured, where nobody says it: the software facts, which are versions and hashes.
pub(super) fn build_id(facts: &BTreeMap<String, String>) -> String {
    let software = facts_of(facts, DifferenceClass::Software);
    if software.is_empty() {
        return String::new();
    }
    let short = hash(software.into_iter().flat_map(|(name, value)| [name, value]));
    hex(&short).chars().take(12).collect()
}

/// Bytes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn id(of: &[(&str, &str)]) -> [u8; 16] {
        series_id("host", "a", "netperf/TCP_STREAM", "throughput", &[], &facts(of))
    }

    #[test]
    fn a_series_is_the_same_for_every_build_and_another_where_comparing_is_forbidden() {
        let base =
            [("accel", "kvm"), ("qemu.version", "7.2"), ("param.qemu_binary", "/a/qemu"), ("param.l", "60")];
        let same =
            [("accel", "kvm"), ("qemu.version", "8.1"), ("param.qemu_binary", "/b/qemu"), ("param.l", "60")];
        assert_eq!(id(&base), id(&same));
        assert_ne!(build_id(&facts(&base)), build_id(&facts(&same)));
        assert_ne!(id(&base), id(&[("accel", "tcg"), ("param.l", "60")]));
        assert_ne!(id(&base), id(&[("accel", "kvm"), ("param.l", "10")]));
    }

    #[test]
    fn a_factor_is_part_of_a_series_and_where_a_build_lies_is_not() {
        let of = |factor: &str, value: &str| {
            let name = format!("param.{factor}");
            series_id("h", "a", "c", "m", &[factor.to_owned()], &facts(&[(&name, value)]))
        };
        assert_ne!(of("smp", "2"), of("smp", "4"));
        assert_eq!(of("kernel", "/a/bzImage"), of("kernel", "/b/bzImage"));
    }

    #[test]
    fn another_processor_is_an_epoch_and_another_patch_of_a_tool_is_none() {
        let of = |cpu: &str, tool: &str| {
            epoch_id(&facts(&[
                ("host.cpu.model", cpu),
                ("guest.package.netperf", tool),
                ("param.image", "/x"),
            ]))
        };
        assert_ne!(of("A", "2.7.0-1"), of("B", "2.7.0-1"));
        assert_eq!(of("A", "2.7.0-1"), of("A", "2.7.1-4"));
        assert_ne!(of("A", "2.7.0-1"), of("A", "3.0"));
        let with = |image: &str| epoch_id(&facts(&[("param.image", image)]));
        assert_eq!(with("/a"), with("/b"));
    }
}
