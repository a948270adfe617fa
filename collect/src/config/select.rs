//! From the variants of a configuration to the environments of a campaign: one variant for each, in as many boots as
//! there are repeats of it.

use super::aliases::Told;
use super::error::{MAX_ENVIRONMENTS, MAX_KEYS, MAX_REPEATS, SelectError};
use super::keys::{self, Unknown};
use super::named;
use super::names::labels;
use super::shipped::{self, BASE, Shipped};
use super::spec::{EnvSpec, specs_of};
use crate::parameters::GUEST_NAME;
use crate::workload;
use cartesian::{CartesianError, Config, Defaults, Dict, Dormant, Entry, Loader, Options};
use edge::quoted;
use edge::text::cut;
use model::{Origin, Param, Params};
use std::path::PathBuf;

/// What the user says about variants.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// WORKLOAD.
    pub workload: Option<String>,
    /// `-c`.
    pub config: Option<PathBuf>,
    /// `--only`, as written.
    pub only: Vec<String>,
    /// `--no`, as written.
    pub no: Vec<String>,
    /// The guest that a flag names for all environments.
    pub guest: Option<String>,
}

/// The variant that an environment takes from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name of the variant, without the labels of repeats.
    pub variant: String,
    /// Its workload.
    pub workload: String,
    /// Boots that its repeats ask for.
    pub repeats: Option<u32>,
    /// The keys that perfvt knows and the configuration sets, with their lines.
    pub params: Params,
    /// The other keys.
    pub unknown: Vec<Unknown>,
    /// Other names of keys that it has.
    pub told: Vec<Told>,
    /// A line that names a guest or its image, and to which no variant can come.
    pub dormant: Option<Dormant>,
}

/// An environment with its variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// What was asked for.
    pub spec: EnvSpec,
    /// What the configuration gives.
    pub choice: Choice,
}

/// Variants of one environment that are looked at before it is called ambiguous.
const MAX_KINDS: usize = 64;
/// Labels that an error shows.
const SHOWN: usize = 8;
const MAX_ALL_KEYS: usize = 5_000_000;

impl Source {
    /// Name of the configuration, for messages.
    fn name(&self) -> String {
        match (&self.config, &self.workload) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(workload)) => workload.clone(),
            (None, None) => BASE.to_owned(),
        }
    }

    /// The configuration after perfvt's base, with the filters of the command line at its end; and what there is to say
    /// about it.
    fn load(&self, more: &[String], guest: Option<&str>) -> Result<(Config, Vec<String>), CartesianError> {
        let files = Shipped::new(self.workload.as_deref());
        let options = Options { defaults: Defaults::Named, ..Options::default() };
        let mut loader = Loader::with_files(options, &files);
        loader.file(BASE.as_ref())?;
        if let Some(path) = &self.config {
            loader.file(&files.locate(path))?;
        }
        let filters = self.only.iter().map(|f| ("--only", format!("only {f}")));
        let filters = filters.chain(self.no.iter().map(|f| ("--no", format!("no {f}"))));
        let filters = filters.chain(more.iter().map(|f| ("--env", format!("only {f}"))));
        for (name, text) in filters.chain(guest.map(|guest| ("--guest", format!("only {guest}")))) {
            loader.text(name, &text)?;
        }
        let config = loader.finish();
        let warnings = config.warnings().iter().map(ToString::to_string).chain(files.notes()).collect();
        Ok((config, warnings))
    }
}

/// Finds the variant of each environment. `envs` are those of `--env`; a block that one of them names becomes an
/// environment for each of its variants.
///
/// # Errors
/// When the configuration cannot be read, or does not leave exactly one variant for each environment, repeats aside.
pub fn select(source: &Source, envs: &[String]) -> Result<(Vec<Selected>, Vec<String>), SelectError> {
    let (plain, warnings) = source.load(&[], None)?;
    let mut specs = Vec::new();
    for text in envs {
        specs.extend(specs_of(text, &plain)?);
        if specs.len() > MAX_ENVIRONMENTS {
            return Err(SelectError::TooManyEnvironments { text: cut(text) });
        }
    }
    if specs.is_empty() {
        specs.push(EnvSpec { name: "base".into(), ..EnvSpec::default() });
    }
    let mut all: Vec<Selected> = Vec::new();
    let mut ruled_out = None;
    for spec in specs {
        // Environments that filter alike have the same variant.
        let guest = spec.guest().or(source.guest.as_deref());
        let alike = |s: &&Selected| {
            s.spec.filters == spec.filters && s.spec.guest().or(source.guest.as_deref()) == guest
        };
        let choice = match (all.iter().find(alike), guest) {
            (Some(known), _) => Ok(known.choice.clone()),
            // A guest of the configuration's own is one of its variants.
            (None, Some(name)) if labels(name).all(|label| plain.has_label(label)) => {
                match choose(source, &spec, guest) {
                    Err(SelectError::Nothing { .. }) => choose(source, &spec, None),
                    choice => choice,
                }
            }
            (None, _) => choose(source, &spec, None),
        };
        match choice {
            Ok(choice) => all.push(Selected { spec, choice }),
            Err(error @ SelectError::Nothing { .. }) if spec.of_block => ruled_out = Some(error),
            Err(error) => return Err(error),
        }
    }
    if let Some(error) = ruled_out.filter(|_| all.is_empty()) {
        return Err(error);
    }
    same_workload(&all)?;
    Ok((all, warnings))
}

/// Boots that repeats of variants ask for, the same number in all environments.
///
/// # Errors
/// When they are not.
pub fn repeats(all: &[Selected]) -> Result<Option<u32>, SelectError> {
    let Some(first) = all.first() else { return Ok(None) };
    let shown = |s: &Selected| s.choice.repeats.map_or("no".to_owned(), |n| n.to_string());
    match all.iter().find(|s| s.choice.repeats != first.choice.repeats) {
        None => Ok(first.choice.repeats),
        Some(other) => Err(SelectError::Unequal {
            a: first.spec.name.clone(),
            n: shown(first),
            b: other.spec.name.clone(),
            m: shown(other),
        }),
    }
}

fn same_workload(all: &[Selected]) -> Result<(), SelectError> {
    let Some(first) = all.first() else { return Ok(()) };
    match all.iter().find(|s| s.choice.workload != first.choice.workload) {
        None => Ok(()),
        Some(other) => Err(SelectError::DifferentWorkloads {
            a: first.spec.name.clone(),
            workload: first.choice.workload.clone(),
            b: other.spec.name.clone(),
            other: other.choice.workload.clone(),
        }),
    }
}

/// Variants that are the same but for labels of repeats.
struct Kind {
    choice: Choice,
    repeats: Vec<String>,
}

/// The one variant of an environment.
fn choose(source: &Source, spec: &EnvSpec, guest: Option<&str>) -> Result<Choice, SelectError> {
    let what = || match spec.filters.is_empty() {
        true => source.name(),
        false => format!("{}, environment {},", source.name(), spec.name),
    };
    let (config, _) = source.load(&spec.filters, guest)?;
    let mut kinds: Vec<Kind> = Vec::new();
    let (mut repeats, mut keys) = (0, 0);
    let mut expansion = config.expand();
    while let Some(dict) = expansion.next_dict()? {
        let (variant, repeat) = without_repeats(dict.named.name);
        let own = dict.iter().count();
        (repeats, keys) = (repeats + usize::from(repeat.is_some()), keys + own);
        if own > MAX_KEYS {
            return Err(SelectError::TooManyKeys { what: what(), variant: cut(&variant) });
        }
        if repeats > MAX_REPEATS || keys > MAX_ALL_KEYS {
            return Err(SelectError::TooManyRepeats { what: what() });
        }
        let choice = choice(&dict, variant, &config)?;
        // perfvt's own variants of workloads stand beside those of the configuration, which says of each test what it is.
        let type_ = dict.get(keys::TYPE).and_then(|entry| workload::find(entry.value));
        if source.workload.is_none() && type_.is_some_and(|of| of.name() != choice.workload) {
            continue;
        }
        let full = kinds.len() >= MAX_KINDS;
        let known = kinds.iter().position(|kind| kind.choice.variant == choice.variant);
        match known.and_then(|index| kinds.get_mut(index)) {
            Some(kind) => {
                same(&kind.choice, &choice, what)?;
                kind.repeats.extend(repeat);
            }
            None if full => break,
            None => kinds.push(Kind { choice, repeats: repeat.into_iter().collect() }),
        }
    }
    match kinds.as_mut_slice() {
        [] => Err(SelectError::Nothing { what: what(), culprits: expansion.emptied_by() }),
        [kind] => {
            let repeats = u32::try_from(kind.repeats.len()).ok().filter(|n| *n > 0);
            Ok(Choice { repeats, ..kind.choice.clone() })
        }
        kinds => Err(ambiguous(&*kinds, what())),
    }
}

/// What a variant says to perfvt.
fn choice(dict: &Dict<'_>, variant: String, config: &Config) -> Result<Choice, SelectError> {
    let name = dict.get(keys::WORKLOAD);
    let workload =
        name.and_then(|entry| workload::find(entry.value)).ok_or_else(|| SelectError::UnknownWorkload {
            origin: name.map_or_else(|| variant.clone(), |e| format!("{}:{}", e.file.display(), e.line)),
            name: name.map_or("", |entry| entry.value).to_owned(),
            known: workload::ALL.iter().map(|w| w.name()).collect::<Vec<_>>().join(", "),
        })?;
    let origin = |entry: &Entry<'_>| match shipped::is_default(entry.file) {
        true => Origin::BuiltIn,
        false => Origin::File { path: entry.file.to_owned(), line: entry.line },
    };
    let entries = dict.iter().filter(|entry| entry.key != keys::WORKLOAD);
    let entries = entries.map(|entry| Param::new(entry.key, entry.value, origin(&entry))).collect();
    let keys::Normal { params, unknown, told } = keys::normal(entries, |key| keys::canonical(key, workload));
    let own = |origin: &Origin| matches!(origin, Origin::File { path, .. } if shipped::is_own(path));
    let unknown = unknown.into_iter().filter(|param| {
        let is_block = config.blocks().any(|block| block == param.key);
        let is_type = param.key == keys::TYPE && param.value == workload.name();
        !is_block && !is_type && !own(&param.origin) && param.origin != Origin::BuiltIn
    });
    let unknown = unknown.map(|p| Unknown { origin: p.origin.to_string(), key: p.key }).collect();
    let dormant = [named::NAME, named::IMAGE, GUEST_NAME].iter().find_map(|key| config.dormant(key));
    let workload = workload.name().to_owned();
    Ok(Choice { variant, workload, repeats: None, params, unknown, told, dormant })
}

/// The name of a variant without the labels of repeats, and these labels.
fn without_repeats(name: &str) -> (String, Option<String>) {
    let (repeats, others): (Vec<&str>, Vec<&str>) = name.split('.').partition(|label| is_repeat(label));
    (others.join("."), (!repeats.is_empty()).then(|| repeats.join(".")))
}

/// `repeat1`, `(x=repeat1)`, `(repeat=..)`.
fn is_repeat(label: &str) -> bool {
    let inner = label.strip_prefix('(').and_then(|l| l.strip_suffix(')')).and_then(|l| l.split_once('='));
    if matches!(inner, Some(("repeat", _))) {
        return true;
    }
    let label = inner.map_or(label, |(_, label)| label);
    let number = label.strip_prefix("repeat").map(|rest| rest.trim_start_matches(['_', '-']));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Repeats are boots of one environment, so their parameters are the same.
fn same(first: &Choice, other: &Choice, what: impl Fn() -> String) -> Result<(), SelectError> {
    let keys = first.params.iter().chain(other.params.iter()).map(|p| p.key.as_str());
    let Some(key) = keys.into_iter().find(|key| first.params.get(key) != other.params.get(key)) else {
        return Ok(());
    };
    let shown = |choice: &Choice| match choice.params.param(key) {
        Some(p) => format!("{} at {}", quoted(&p.value), p.origin),
        None => "not set".to_owned(),
    };
    Err(SelectError::Repeats {
        what: what(),
        variant: cut(&first.variant),
        difference: format!("{} ({}; {})", quoted(key), shown(first), shown(other)),
    })
}

fn ambiguous(kinds: &[Kind], what: String) -> SelectError {
    let mut workloads: Vec<&str> = Vec::new();
    for kind in kinds {
        if !workloads.contains(&kind.choice.workload.as_str()) {
            workloads.push(&kind.choice.workload);
        }
    }
    if let [first, _, ..] = workloads.as_slice() {
        let first = (*first).to_owned();
        return SelectError::Workloads { what, workloads: workloads.join(", "), first };
    }
    let names: Vec<Vec<&str>> = kinds.iter().map(|kind| kind.choice.variant.split('.').collect()).collect();
    let everywhere = |label: &&str| names.iter().all(|name| name.contains(label));
    let mut labels: Vec<String> = names
        .iter()
        .map(|name| name.iter().filter(|label| !everywhere(label)).copied().collect::<Vec<_>>().join("."))
        .map(|labels| cut(&labels))
        .filter(|labels| !labels.is_empty())
        .collect();
    labels.dedup();
    let first = labels.first().cloned().unwrap_or_default();
    if labels.len() > SHOWN {
        let more = labels.len() - SHOWN;
        labels.truncate(SHOWN);
        labels.push(format!("and {more} more"));
    }
    SelectError::Variants { what, labels: labels.join(", "), first }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The environments of a configuration that stands in a file.
    fn selected(text: &str, source: Source, envs: &[&str]) -> Result<Vec<Selected>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tests.cfg");
        std::fs::write(&path, text).unwrap();
        let source = Source { config: Some(path), ..source };
        let envs: Vec<String> = envs.iter().map(|s| (*s).to_owned()).collect();
        let shown = |e: SelectError| e.to_string().replace(&format!("{}/", dir.path().display()), "");
        select(&source, &envs).map(|(all, _)| all).map_err(shown)
    }

    fn netperf() -> Source {
        Source { workload: Some("netperf".into()), ..Source::default() }
    }

    #[test]
    fn repeats_become_boots_and_later_lines_win_over_the_base() {
        let text = "only netperf.guest_exhost\nvariants:\n    - repeat1:\n    - repeat2:\n    - repeat3:\nmem=1024\n";
        let all = selected(text, Source::default(), &[]).unwrap();
        let choice = &all[0].choice;
        assert_eq!((all.len(), choice.repeats, choice.workload.as_str()), (1, Some(3), "netperf"));
        assert_eq!(choice.variant, "netperf.guest_exhost");
        let mem = choice.params.param("mem").unwrap();
        assert!(mem.value == "1024" && mem.origin.to_string().ends_with("tests.cfg:6"), "{mem:?}");
        assert_eq!(choice.params.param("l").unwrap().origin, Origin::BuiltIn);
        assert_eq!(repeats(&all).unwrap(), Some(3));
    }

    #[test]
    fn the_default_scenario_is_taken_unless_a_filter_says_otherwise() {
        let scenario = |text: &str| {
            selected(text, netperf(), &[]).map(|all| all[0].choice.variant.clone()).unwrap_or_else(|e| e)
        };
        assert_eq!(scenario("mem = 1024"), "netperf.host_guest");
        assert_eq!(scenario("only guest_guest"), "netperf.guest_guest");
        assert!(
            scenario("no host_guest").contains("guest_guest, exhost_guest, guest_exhost, topology; take one")
        );
    }

    #[test]
    fn a_block_is_compared_by_its_name_and_variants_by_theirs() {
        let text = "variants nic:\n    - a: \n        nic_model = virtio_net\n    - b:\n        nic_model = e1000\n\
                    variants:\n    - repeat1:\n    - repeat2:\n";
        for envs in [&["@nic"][..], &["@a", "@b"], &["a:@(nic=a)", "b:@b"]] {
            let all = selected(text, netperf(), envs).unwrap();
            let seen: Vec<_> = all
                .iter()
                .map(|s| (s.spec.name.as_str(), s.choice.params.get("nic_model").unwrap(), s.choice.repeats))
                .collect();
            assert_eq!(seen, [("a", "virtio_net", Some(2)), ("b", "e1000", Some(2))], "{envs:?}");
        }
        let both = selected(text, netperf(), &["x:mem=512", "y:mem=1024"]).unwrap_err();
        assert!(both.starts_with("tests.cfg leaves several variants"), "{both}");
        assert!(both.contains("(nic=a), (nic=b); take one with `--only (nic=a)`"), "{both}");
        let missing = selected(text, netperf(), &["@nicc"]).unwrap_err();
        assert_eq!(
            missing,
            "--env @nicc: no block of variants and no variant is called 'nicc', did you mean 'nic'?"
        );
    }

    #[test]
    fn the_hardware_that_perfvt_ships_is_compared_by_block() {
        let all = selected("include perfvt:hardware.cfg", netperf(), &["@nic_model"]).unwrap();
        let seen: Vec<_> = all.iter().map(|s| s.choice.params.get("nic_model").unwrap()).collect();
        assert_eq!(seen, ["virtio_net", "e1000"]);
        assert_eq!(all[1].choice.params.get("machine"), Some("pc"));
        let filtered = Source { no: vec!["e1000".into()], ..netperf() };
        let all = selected("include perfvt:hardware.cfg", filtered, &["@nic_model"]).unwrap();
        assert_eq!(all.iter().map(|s| s.spec.name.as_str()).collect::<Vec<_>>(), ["virtio_net"]);
    }

    #[test]
    fn what_leaves_not_exactly_one_variant_is_refused_with_the_way_out() {
        let error = |text: &str, source: Source| selected(text, source, &[]).unwrap_err();
        let several = error("variants:\n    - old:\n    - new:\n", netperf());
        assert!(
            several.contains("old, new; take one with `--only old`, compare them with `--env @old"),
            "{several}"
        );
        let nothing = error("only netpref", netperf());
        assert!(nothing.contains("no variant is left\n    ruled out by"), "{nothing}");
        assert!(nothing.contains("did you mean 'netperf'?"), "{nothing}");
        let differ =
            error("variants:\n    - repeat1:\n        mem = 1\n    - repeat2:\n        mem = 2\n", netperf());
        assert!(
            differ.contains("the repeats of netperf.host_guest differ in 'mem' ('1' at ")
                && differ.contains(":3; '2' at "),
            "{differ}"
        );
        let workloads = error("mem = 1024", Source::default());
        assert!(
            workloads.contains("leaves several workloads (netperf, ")
                && workloads.contains("`type = netperf`")
        );
        let unknown = error("workload = nbench", Source::default());
        assert!(unknown.contains("tests.cfg:1: unknown workload 'nbench'; known: netperf"), "{unknown}");
    }

    #[test]
    fn a_test_whose_type_is_a_workload_is_measured_by_it_unless_another_one_is_asked_for() {
        let text = "variants:\n    - netperf:\n        type = netperf\n        l = 9\n    - other:\n        type = iperf3\n";
        let only = Source { only: vec!["netperf".into()], ..Source::default() };
        let choice = selected(text, only.clone(), &[]).unwrap().remove(0).choice;
        assert_eq!((choice.workload.as_str(), choice.params.get("l")), ("netperf", Some("9")));
        assert!(choice.unknown.is_empty(), "{:?}", choice.unknown);
        let asked = Source { workload: Some("iperf3".into()), ..only };
        assert_eq!(selected(text, asked, &[]).unwrap().remove(0).choice.workload, "iperf3");
    }

    #[test]
    fn unequal_repeats_are_told() {
        let text = "variants:\n    - a:\n        variants:\n            - repeat1:\n            - repeat2:\n    - b:\n";
        let all = selected(text, netperf(), &["@a", "@b"]).unwrap();
        assert!(repeats(&all).unwrap_err().to_string().starts_with("a has 2 repeats and b has no"));
    }

    #[test]
    fn keys_under_two_names_and_unknown_ones_are_told_apart() {
        let all = selected(
            "numanode = 2\nvcpus = 1\nsmp = 2\nsite = lab\nextra_args = -name ${site}\n",
            netperf(),
            &[],
        );
        let choice = all.unwrap().remove(0).choice;
        assert_eq!(choice.params.get("numa_node"), Some("2"));
        assert_eq!(choice.params.get("smp"), Some("2"));
        assert_eq!(choice.params.get("extra_args"), Some("-name lab"));
        assert_eq!(choice.unknown.iter().map(|u| u.key.as_str()).collect::<Vec<_>>(), ["site"]);
    }
}
