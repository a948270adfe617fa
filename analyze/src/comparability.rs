//! Whether two sides may be compared (statistics.md, "Comparability").

use crate::warnings::note;
use crate::{Difference, DifferenceClass, Warning};
use edge::secret::SHOWN;
use formats::perf_conf::closest;
use model::RunFile;
use model::fingerprint::are_comparable;
use model::secret_keys::is_secret;
use std::collections::{BTreeMap, BTreeSet};

/// What the differences mean for the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparability {
    /// No row may be judged.
    pub blocked: bool,
    /// Rows of metrics that grow with the session may not be judged.
    pub counts_blocked: bool,
}

impl Comparability {
    /// Whether a row may be judged without `--force`.
    pub fn allows(self, kind_count: bool) -> bool {
        !(self.blocked || kind_count && self.counts_blocked)
    }
}

/// The facts of one side by dotted name: fingerprint and parameters of run.json, or the header of RHS files.
pub(crate) fn run_facts(run: &RunFile) -> BTreeMap<String, String> {
    let mut facts: BTreeMap<String, String> = run.fingerprint.0.clone();
    for (key, value) in &run.params {
        // Results of before there were secrets hold them in plain.
        let value = if is_secret(key) { SHOWN } else { value };
        facts.insert(format!("param.{key}"), value.to_owned());
    }
    // What the environment itself was found to use comes before what its campaign as a whole used ("tap,user").
    facts.entry("accel".into()).or_insert_with(|| run.accel.clone());
    facts.entry("network".into()).or_insert_with(|| run.network.clone());
    facts.insert("scenario".into(), run.scenario.clone());
    facts.insert("perfvt.version".into(), run.perfvt.clone());
    facts
}

/// The name of the length of a measurement in RHS headers and in netperf's parameters.
const SESSION_LENGTH: [&str; 2] = ["session-length", "param.l"];

/// Facts that name an occasion and no property: they always differ.
const OCCASION: [&str; 4] = ["host.boot_id", "boot_id", "host.hostname", "host.name"];

/// Whether a fact may differ from one run to the next by its nature. What Go benchmarks say of themselves, but for the
/// system, is anybody's text (`commit: ..`, `note: ..`).
pub(crate) fn is_occasion(name: &str) -> bool {
    let name = base(name);
    OCCASION.contains(&name)
        || name.starts_with("disk") && name.ends_with(".measured")
        || (name.starts_with("bench.") && name != "bench.goos")
}

/// Parameters that say which cases are measured and how the campaign goes about it. Cases are matched by name, and
/// unmatched ones are listed.
const HARMLESS: [&str; 21] = [
    "protocols",
    "sizes",
    "sessions",
    "sizes_rr",
    "sessions_rr",
    "rw",
    "bs",
    "iodepth",
    "numjobs",
    "threads",
    "repeat",
    "seed",
    "boot_timeout",
    "shuffle",
    "attempts",
    "expected_until",
    "samples",
    "noise",
    "noise_wait",
    "canary",
    "check_image",
];

/// Parameters of the guest and of its place on the host. Another value is another environment; nobody said that this is
/// what is compared, so it is suspicious, but the workload was the same.
const ENVIRONMENT: [&str; 15] = [
    "smp",
    "siblings",
    "mem",
    "nic_",
    "drive_",
    "image",
    "guest",
    "machine",
    "cpu_",
    "cpus_",
    "numa",
    "qemu",
    "queues",
    "vhost",
    "extra_args",
];

/// Facts that say which QEMU and which kernels were run, and those whose names begin with these and a dot: what old headers
/// call them, and what perfvt does.
const SOFTWARE: [&str; 9] = [
    "kvm-userspace-ver",
    "kvm_version",
    "guest-kernel-ver",
    "qemu.version",
    "qemu.binary",
    "qemu.build",
    "host.kernel",
    "guest.kernel",
    "guest.package.kernel",
];

fn is_software(name: &str) -> bool {
    let is = |of: &str| name.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    SOFTWARE.iter().any(|of| is(of))
}

/// Whether results that differ in a fact are of two builds or environments, and not of one that was measured twice.
pub(crate) fn is_build(name: &str, class: DifferenceClass) -> bool {
    match class {
        DifferenceClass::Blocking | DifferenceClass::Software => true,
        DifferenceClass::Suspicious => base(name).starts_with("param."),
        DifferenceClass::Intended | DifferenceClass::Other => false,
    }
}

/// What it means that a fact has all of these values.
pub(crate) fn class_of(name: &str, values: &[String]) -> DifferenceClass {
    class(name, values.first(), values.get(1), &BTreeSet::new())
}

/// A fact's own name: behind it may stand the case that it is of, as in `param.size [randread job=a]`.
fn base(name: &str) -> &str {
    name.split_once(" [").map_or(name, |(name, _)| name)
}

/// What compared facts look like, from both sides.
pub(crate) struct Sides<'a> {
    /// Baseline's facts.
    pub a: &'a BTreeMap<String, String>,
    /// Candidate's facts.
    pub b: &'a BTreeMap<String, String>,
    /// Keys that `--env` or `--factor` named.
    pub factors: &'a BTreeSet<String>,
}

impl Sides<'_> {
    /// Names of facts that differ, with their class. A fact that only one side has counts as different, except where
    /// the other side has no facts at all (an RHS file beside a run directory).
    pub fn differences(&self) -> Vec<(String, DifferenceClass)> {
        let names: BTreeSet<&String> = self.a.keys().chain(self.b.keys()).collect();
        names
            .into_iter()
            .filter(|n| self.a.get(*n) != self.b.get(*n) && are_comparable(self.a, self.b, n))
            .map(|n| (n.clone(), class(n, self.a.get(n), self.b.get(n), self.factors)))
            .collect()
    }
}

/// The fact that says on which machine a side was measured.
pub(crate) const HOST: &str = "host.id";

/// Sides without a common host cannot be held against each other, whatever else is equal: a twin of the same model is another
/// machine. Where a side tells no host, or tells it in another way, nothing is known to differ.
pub(crate) fn apart(differences: &mut [(String, DifferenceClass)], a: &BTreeSet<&str>, b: &BTreeSet<&str>) {
    if a.is_empty() || b.is_empty() || !a.is_disjoint(b) {
        return;
    }
    for (_, class) in differences.iter_mut().filter(|(name, _)| name == HOST) {
        if *class == DifferenceClass::Suspicious {
            *class = DifferenceClass::Blocking;
        }
    }
}

/// What differences mean for the rows.
pub(crate) fn comparability(differences: &[(String, DifferenceClass)]) -> Comparability {
    let is_length = |name: &str| SESSION_LENGTH.contains(&base(name));
    let blocking =
        |name: &str, class: &DifferenceClass| *class == DifferenceClass::Blocking && !is_length(name);
    Comparability {
        blocked: differences.iter().any(|(n, c)| blocking(n, c)),
        counts_blocked: differences.iter().any(|(n, c)| is_length(n) && *c != DifferenceClass::Intended),
    }
}

/// Facts that follow from what the guest's kernel is told.
const OF_KERNEL_PARAMS: [&str; 4] =
    ["guest.kernel.cmdline", "guest.mitigation.", "guest.thp", "guest.clocksource"];

/// Whether a fact says where a data disk is: `disk1`.
fn is_disk(fact: &str) -> bool {
    fact.strip_prefix("disk").is_some_and(|number| number.parse::<u8>().is_ok())
}

/// Factors that say from which image a guest boots, and so which files QEMU is told to read and how.
const OF_IMAGE: [&str; 4] = ["guest", "image", "image_format", "image_backing"];

/// Factors that say what the cloud-init of a guest is told, and so what it makes of itself.
const OF_CLOUD_INIT: [&str; 7] =
    ["cloud_init", "user_data_file", "network_config", "first_boot", "proxy", "proxy_file", "debug_user"];

/// Whether a factor names a fact, or what is bound to follow from it. A tool of another version in another image is not: it
/// may be the tool that is slower.
fn means(factor: &str, fact: &str) -> bool {
    factor == fact
        || Some(factor) == fact.strip_prefix("param.")
        || (factor == "net" && fact == "network")
        || (factor.starts_with("link_") && fact.starts_with("net.link."))
        || (factor.starts_with("disk_") && is_disk(fact))
        || (fact.starts_with("placement.") && matches!(factor, "numa_node" | "smp"))
        || (factor == "kernel_params" && OF_KERNEL_PARAMS.iter().any(|of| fact.starts_with(of)))
        || (OF_IMAGE.contains(&factor) && fact == "qemu.argv")
        || (factor == "cloud_init" && fact == "qemu.argv")
        || (OF_CLOUD_INIT.contains(&factor) && fact == "guest.cloud_init")
        || (factor == "debug_user" && fact == "guest.debug_user")
        || ((OF_IMAGE.contains(&factor)
            || matches!(factor, "kernel" | "kernel_modules" | "initrd" | "firmware"))
            && fact.starts_with("guest.")
            && (fact == "guest.package.kernel" || !fact.starts_with("guest.package.")))
        || (fact.starts_with("qemu.") && factor == "qemu_binary")
        || (fact.starts_with("qemu_img.") && factor == "qemu_img_binary")
}

/// A warning for each `--factor` that names no fact of any side.
pub(crate) fn unknown_factors<'a>(
    factors: &[String],
    facts: impl Iterator<Item = &'a BTreeMap<String, String>>,
) -> Vec<Warning> {
    let known: BTreeSet<&str> = facts.flat_map(|f| f.keys().map(|name| base(name))).collect();
    let unknown = factors.iter().filter(|factor| !known.iter().any(|fact| means(factor, fact)));
    let names = || known.iter().map(|fact| fact.strip_prefix("param.").unwrap_or(fact));
    let warning = |factor: &String| {
        let hint = closest(factor, names()).map_or(String::new(), |n| format!(", did you mean '{n}'?"));
        let text = format!("--factor {factor}: no side has such a fact or parameter{hint}");
        note("unknown-factor", text, "the facts of the sides stand in the JSON, under a and b", 1)
    };
    unknown.map(warning).collect()
}

/// What one differing fact means. A fact that a side does not know is never blocking: it may well be equal.
fn class(name: &str, a: Option<&String>, b: Option<&String>, factors: &BTreeSet<String>) -> DifferenceClass {
    let name = base(name);
    let bare = name.strip_prefix("param.").unwrap_or(name);
    if factors.iter().any(|f| means(f, name)) {
        return DifferenceClass::Intended;
    }
    if is_occasion(name) {
        return DifferenceClass::Other;
    }
    let (Some(a), Some(b)) = (a, b) else { return DifferenceClass::Other };
    let last = name.rsplit('.').next().unwrap_or(name);
    if matches!(bare, "accel" | "confine" | "network" | "net" | "scenario")
        || last == "arch"
        || SESSION_LENGTH.contains(&name)
    {
        return DifferenceClass::Blocking;
    }
    if name.starts_with("param.") {
        return of_parameter(bare);
    }
    let suspicious = name.contains("cpu.model")
        || name.contains("microcode")
        || name.contains("mitigation")
        || name.contains("vulnerabilit")
        || name.contains("governor")
        || name.contains("firmware")
        || matches!(
            name,
            "host.id"
                | "host.no_turbo"
                | "host.boost"
                | "host.smt"
                | "host.numa"
                | "host.isolated"
                | "bench.goos"
        )
        || name.starts_with("placement")
        || name.starts_with("pin");
    // A hash has no major version.
    let versioned = !name.ends_with(".hash");
    let tool = name.starts_with("tool.")
        || name.contains("netperf")
        || name.contains("fio")
        || name.contains("iozone");
    if suspicious || (tool && versioned && major(a) != major(b)) {
        DifferenceClass::Suspicious
    } else if is_software(name) {
        DifferenceClass::Software
    } else {
        DifferenceClass::Other
    }
}

fn of_parameter(key: &str) -> DifferenceClass {
    if HARMLESS.contains(&key) {
        DifferenceClass::Other
    } else if ENVIRONMENT.iter().any(|prefix| key.starts_with(prefix)) {
        DifferenceClass::Suspicious
    } else {
        DifferenceClass::Blocking
    }
}

/// The first number of a version text.
fn major(version: &str) -> &str {
    let start = version.find(|c: char| c.is_ascii_digit()).unwrap_or(version.len());
    let rest = version.get(start..).unwrap_or("");
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end).unwrap_or("")
}

/// A candidate's facts, and those of them that differ.
pub(crate) type Candidate<'a> = (&'a BTreeMap<String, String>, &'a [(String, DifferenceClass)]);

/// One line for each fact on which any candidate differs from the baseline: intended ones first, then blocking ones.
pub(crate) fn table(a: &BTreeMap<String, String>, candidates: &[Candidate<'_>]) -> Vec<Difference> {
    let mut classes: BTreeMap<&str, DifferenceClass> = BTreeMap::new();
    for (name, class) in candidates.iter().flat_map(|(_, d)| d.iter()) {
        let known = classes.entry(name).or_insert(*class);
        *known = (*known).min(*class);
    }
    let mut out: Vec<Difference> = classes
        .into_iter()
        .map(|(name, class)| Difference {
            name: name.to_owned(),
            a: a.get(name).cloned(),
            b: candidates.iter().map(|(facts, _)| facts.get(name).cloned()).collect(),
            class,
        })
        .collect();
    out.sort_by_key(|d| d.class);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(a: &[(&str, &str)], b: &[(&str, &str)], factors: &[&str]) -> Vec<(String, DifferenceClass)> {
        let facts = |f: &[(&str, &str)]| f.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let (a, b): (BTreeMap<String, String>, BTreeMap<String, String>) = (facts(a), facts(b));
        let factors = factors.iter().map(|f| f.to_string()).collect();
        Sides { a: &a, b: &b, factors: &factors }.differences()
    }

    #[test]
    fn where_a_disk_is_follows_from_its_keys_and_what_was_measured_of_it_is_no_property() {
        let (a, b) = (
            [("disk1", "nbdkit"), ("disk1.measured", "1 ms")],
            [("disk1", "nbdkit, 2 ms later"), ("disk1.measured", "3 ms")],
        );
        let of = |factors: &[&str]| {
            classes(&a, &b, factors).into_iter().map(|(_, class)| class).collect::<Vec<_>>()
        };
        assert_eq!(of(&["disk_delay"])[0], DifferenceClass::Intended);
        assert_ne!(of(&[])[0], DifferenceClass::Intended);
        assert!(is_occasion("disk1.measured") && !is_occasion("disk1"));
    }

    #[test]
    fn each_kind_of_fact_has_its_class() {
        use DifferenceClass::*;
        for (name, a, b, class) in [
            ("accel", "kvm", "tcg", Blocking),
            ("confine", "sandbox", "none", Blocking),
            ("host.arch", "x86_64", "aarch64", Blocking),
            ("network", "tap", "user", Blocking),
            ("session-length", "60", "10", Blocking),
            ("param.test_type", "a", "b", Blocking),
            ("param.sizes", "64", "64 256", Other),
            ("param.smp", "2", "4", Suspicious),
            ("host.cpu.model", "x", "y", Suspicious),
            ("host.cpu.microcode", "1", "2", Suspicious),
            ("host.mitigation.spectre_v2", "on", "off", Suspicious),
            ("placement.vcpus", "0,1", "2,3", Suspicious),
            ("tool.fio", "fio-3.33", "fio-4.0", Suspicious),
            ("tool.fio", "fio-3.33", "fio-3.36", Other),
            ("tool.fio.hash", "1ab", "2ab", Other),
            ("host.firmware", "V 1.2", "V 1.3", Suspicious),
            ("host.smt", "on", "off", Suspicious),
            ("param.siblings", "whole", "pack", Suspicious),
            ("param.noise", "warn", "strict", Other),
            ("host.kernel", "6.1", "6.12", Software),
            ("host.boot_id", "x", "y", Other),
            ("bench.goos", "linux", "windows", Suspicious),
            ("param.ioengine", "libaio", "io_uring", Blocking),
            ("param.size [randread job=a]", "1g", "2g", Blocking),
            ("param.cpus_allowed", "0", "1", Suspicious),
            ("tool.fio [randread job=a.b]", "fio-3.33", "fio-4.0", Suspicious),
        ] {
            assert_eq!(classes(&[(name, a)], &[(name, b)], &[]), [(name.to_string(), class)], "{name}");
        }
        assert_eq!(classes(&[("accel", "kvm")], &[], &[]), [("accel".into(), Other)]);
        assert_eq!(
            classes(&[("param.nic_model", "a")], &[("param.nic_model", "b")], &["nic_model"])[0].1,
            Intended
        );
        assert_eq!(classes(&[("accel", "kvm")], &[("accel", "tcg")], &["accel"])[0].1, Intended);
        let (yes, no) = (("param.direct [read job=a]", "yes"), ("param.direct [read job=a]", "no"));
        assert_eq!(classes(&[yes], &[no], &["direct"])[0].1, Intended);
        for (factor, fact, class) in [
            ("kernel", "guest.mitigation.spectre_v2", Intended),
            ("image", "guest.package.kernel", Intended),
            ("image", "guest.package.fio", Suspicious),
            ("image", "host.kernel", Software),
            ("image_format", "qemu.argv", Intended),
            ("smp", "qemu.argv", Other),
            ("kernel_params", "guest.mitigation.spectre_v2", Intended),
            ("kernel_params", "guest.kernel", Software),
            ("qemu_binary", "qemu.version", Intended),
            ("qemu_img_binary", "qemu_img.version", Intended),
        ] {
            assert_eq!(classes(&[(fact, "1")], &[(fact, "2")], &[factor])[0].1, class, "{factor}, {fact}");
        }
    }

    #[test]
    fn facts_that_were_made_in_two_ways_are_not_known_to_differ() {
        let versions = |text| ("facts.versions", text);
        let differ = |a: &[(&str, &str)], b: &[(&str, &str)]| classes(a, b, &[]).len();
        assert_eq!(differ(&[("qemu.argv", "x")], &[("qemu.argv", "y"), versions("qemu.argv=2")]), 0);
        let id = |id: &'static str, source: &'static str| [("host.id", id), versions(source)];
        assert_eq!(differ(&id("x", "host.id=dmi"), &id("y", "host.id=machine-id")), 0);
        let two = classes(&id("x", "host.id=dmi"), &id("y", "host.id=dmi"), &[]);
        assert_eq!(two, [("host.id".into(), DifferenceClass::Suspicious)], "twins are two machines");
    }

    #[test]
    fn another_session_length_blocks_counts_only() {
        let length = comparability(&classes(&[("session-length", "60")], &[("session-length", "10")], &[]));
        assert!(length.allows(false) && !length.allows(true));
        let of_case = classes(&[("param.l [TCP_RR]", "60")], &[("param.l [TCP_RR]", "10")], &[]);
        assert!(comparability(&of_case).allows(false) && !comparability(&of_case).allows(true));
        let accel = comparability(&classes(&[("accel", "kvm")], &[("accel", "tcg")], &[]));
        assert!(!accel.allows(false));
    }
}
