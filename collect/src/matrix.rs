//! From what the user says to the parameters of each environment and the cases of the matrix.
//!
//! Precedence, later wins: built in <- workload <- guest definition <- configuration <- `--profile` <- `--set` <-
//! `--env`.

use crate::brought;
use crate::config::aliases::{self, Told};
use crate::config::defined::{Of, Places, define};
use crate::config::guests::GuestError;
use crate::config::{Selected, keys, named};
use crate::parameters::{GUEST_NAME, guest, without_objects};
use crate::parse::CACHED;
use crate::sources::settle_here;
use crate::workload::{MAX_CASES, Workload, check};
use edge::quoted;
use model::secret_keys::masked;
use model::store::{CAMPAIGN_FILE, JOURNAL_FILE};
use model::{Case, Origin, Param, Params, ParamsError};
use std::path::Path;

/// What the user got wrong.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// `--set x` or `--env a:x`.
    #[error("{flag}: '{part}' is not of the form KEY=VALUE")]
    NotAnAssignment {
        /// The flag as it was written.
        flag: String,
        /// The part in question.
        part: String,
    },
    /// A key that nobody knows.
    #[error("{flag}: unknown parameter {}{}", quoted(key), advice.as_deref().unwrap_or_default())]
    UnknownKey {
        /// The flag as it was written.
        flag: String,
        /// The key.
        key: String,
        /// What to write instead, as the end of the sentence.
        advice: Option<String>,
    },
    /// `--profile x`.
    #[error("--profile {name}: unknown profile; there is one, quick: a few cases of a few seconds each")]
    UnknownProfile {
        /// What was asked for.
        name: String,
    },
    /// A name that cannot be a directory's.
    #[error(
        "--env '{name}': a name is made of letters, digits, '.', '_' and '-', and begins with a letter or digit"
    )]
    EnvironmentName {
        /// The name.
        name: String,
    },
    /// The same name twice.
    #[error("--env {name} is given twice; environments are told apart by their names")]
    EnvironmentTwice {
        /// The name.
        name: String,
    },
    /// A guest that nobody defines.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// Nothing to measure.
    #[error("the matrix has no cases: {workload} is asked for nothing")]
    NoCases {
        /// The workload.
        workload: &'static str,
    },
    /// More than anybody measures.
    #[error("the matrix of {workload} has {cases} cases, more than {}; shorten its lists", MAX_CASES)]
    TooManyCases {
        /// The workload.
        workload: &'static str,
        /// Its cases.
        cases: usize,
    },
    /// Environments whose matrices differ cannot be compared case by case.
    #[error("--env {name} changes the matrix of cases; environments of one campaign measure the same cases")]
    DifferentCases {
        /// The environment.
        name: String,
    },
    /// A value of the wrong kind.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

/// One environment with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name, also of its directory.
    pub name: String,
    /// Everything in force.
    pub params: Params,
    /// Keys that `--env` set.
    pub factors: Vec<String>,
    /// Other names of keys and values that were understood.
    pub told: Vec<Told>,
}

/// Builds the environments of a campaign.
///
/// # Errors
/// When a flag cannot be understood, or parameters contradict each other.
pub fn environments(
    workload: &dyn Workload,
    selected: &[Selected],
    profile: Option<&str>,
    sets: &[String],
) -> Result<Vec<Environment>, MatrixError> {
    environments_of(workload, selected, profile, sets, &Places::from_env())
}

/// The same with guests and images of some places.
///
/// # Errors
/// As those of [`environments`].
pub fn environments_of(
    workload: &dyn Workload,
    selected: &[Selected],
    profile: Option<&str>,
    sets: &[String],
    places: &Places,
) -> Result<Vec<Environment>, MatrixError> {
    let mut all: Vec<Environment> = Vec::new();
    for Selected { spec, choice } in selected {
        check_name(&spec.name)?;
        if all.iter().any(|e| e.name == spec.name) {
            return Err(MatrixError::EnvironmentTwice { name: spec.name.clone() });
        }
        let mut params = Params::new();
        for known in guest().chain(workload.parameters()) {
            if let Some(default) = known.default {
                params.set(known.key, default, Origin::BuiltIn);
            }
        }
        for param in choice.params.iter() {
            params.put(param.clone());
        }
        if let Some(profile) = profile {
            apply_profile(&mut params, workload, profile)?;
        }
        let mut told = choice.told.clone();
        for set in sets {
            told.extend(assign(&mut params, workload, set, &masked(&format!("--set {set}")))?.1);
        }
        let mut factors = Vec::new();
        for part in &spec.sets {
            let (key, other) = assign(&mut params, workload, part, &masked(&format!("--env {}", spec.text)))?;
            told.extend(other);
            factors.extend(factors_of(&key));
        }
        if workload.needs(&params).guest {
            let canonical = |key: &str| keys::canonical(key, workload);
            let of = Of { variant: &choice.variant, dormant: choice.dormant.as_ref() };
            define(&mut params, &canonical, places, of)?;
        }
        told.extend(aliases::values(&mut params));
        absolute_paths(&mut params, Some(workload));
        settle_here(&mut params)?;
        workload.check_request(&params)?;
        all.push(Environment { name: spec.name.clone(), params, factors, told });
    }
    for index in 0..all.len() {
        let filtered = selected.get(index).is_some_and(|s| !s.spec.filters.is_empty());
        let other_guest = all.get(index).is_some_and(|e| e.factors.iter().any(|f| f == GUEST_NAME));
        if filtered || other_guest {
            add_factors(&mut all, index);
        }
    }
    Ok(all)
}

/// The keys in which stands what a key says, when guests are settled.
fn factors_of(key: &str) -> Vec<String> {
    let stem = without_objects(key);
    let object = key.strip_prefix(stem).unwrap_or_default();
    let settled: &[&str] = match stem {
        named::NAME | named::RAW | named::FOLDER => &[named::IMAGE, named::FORMAT],
        "shell_client" => &["channel"],
        _ => return vec![key.to_owned()],
    };
    settled.iter().map(|settled| format!("{settled}{object}")).collect()
}

/// The one profile that there is.
pub const QUICK: &str = "quick";

/// Sets what a profile of the workload says.
fn apply_profile(params: &mut Params, workload: &dyn Workload, profile: &str) -> Result<(), MatrixError> {
    if profile != QUICK {
        return Err(MatrixError::UnknownProfile { name: profile.into() });
    }
    for (key, value) in workload.quick() {
        params.set(*key, *value, Origin::Flag(format!("--profile {profile}")));
    }
    Ok(())
}

/// Keys of every guest that name a file or folder of this host.
const PATHS: &[&str] = &[
    "image",
    "cdrom",
    "kernel",
    "kernel_modules",
    "initrd",
    "firmware",
    "user_data_file",
    "network_config",
    "first_boot",
    "proxy_file",
    "key",
    "client_key",
    "password_file",
    "disk_password_file",
    "prepare",
    "after",
    "vde",
];

/// Keys of every guest that name several, quoted as in a shell.
const PATH_LISTS: [&str; 1] = ["image_backing"];

/// Makes paths absolute, so that the plan means the same files wherever it is resumed.
pub fn absolute_paths(params: &mut Params, workload: Option<&dyn Workload>) {
    // An object's own, such as image_vm2, as well.
    let names_files = |key: &str| {
        PATH_LISTS.contains(&without_objects(key))
            || workload.is_some_and(|workload| workload.path_lists().contains(&key))
    };
    let names_a_file = |key: &str| {
        PATHS.contains(&without_objects(key))
            || workload.is_some_and(|workload| workload.paths().contains(&key))
            || names_files(key)
    };
    let all: Vec<Param> = params.iter().filter(|param| names_a_file(&param.key)).cloned().collect();
    for param in all {
        // A name in the cache is no path, and one in a Windows guest is none of this host's.
        let value = param.value.trim();
        if value.is_empty() || value.starts_with(CACHED) || brought::in_windows(value) {
            continue;
        }
        let base = match &param.origin {
            Origin::File { path, .. } => path.parent().unwrap_or(Path::new("")),
            _ => Path::new(""),
        };
        // Only an unreadable working folder keeps a path as it is; then looking for the file says so.
        let full = |path: &str| Some(std::path::absolute(base.join(path)).ok()?.display().to_string());
        let value = if names_files(&param.key) {
            let words = params.words(&param.key).unwrap_or_default();
            let paths: Option<Vec<String>> = words.iter().map(|word| full(word)).collect();
            paths.and_then(|paths| Params::quoted(paths.iter().map(String::as_str)))
        } else {
            full(value)
        };
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            params.set(&param.key, value, param.origin);
        }
    }
}

/// What the variant of an environment sets otherwise than those of the others is compared on purpose.
fn add_factors(all: &mut [Environment], index: usize) {
    let Some(own) = all.get(index) else { return };
    let keys = all.iter().flat_map(|e| e.params.iter().map(|p| p.key.clone()));
    let mut factors = own.factors.clone();
    for key in keys {
        let differs = all.iter().any(|e| e.params.get(&key) != own.params.get(&key));
        if differs && !factors.contains(&key) {
            factors.push(key);
        }
    }
    if let Some(own) = all.get_mut(index) {
        own.factors = factors;
    }
}

/// Key and value of one `KEY=VALUE`, without blanks around them.
///
/// # Errors
/// It is not of that form.
pub fn assignment<'a>(part: &'a str, flag: &str) -> Result<(&'a str, &'a str), MatrixError> {
    let halves = part.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
    halves
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| MatrixError::NotAnAssignment { flag: flag.into(), part: masked(part) })
}

/// Sets one `KEY=VALUE` and gives the key, with what there is to tell when it has another name.
fn assign(
    params: &mut Params,
    workload: &dyn Workload,
    part: &str,
    flag: &str,
) -> Result<(String, Option<Told>), MatrixError> {
    let (key, value) = assignment(part, flag)?;
    let Some(known) = keys::canonical(key, workload) else {
        let advice = keys::advice(key, workload);
        return Err(MatrixError::UnknownKey { flag: flag.into(), key: key.into(), advice });
    };
    let origin = Origin::Flag(flag.into());
    let told = keys::renamed(key, &known, &origin);
    params.set(&known, value, origin);
    Ok((known, told))
}

/// Whether a name can be an environment's, which is also its directory's.
pub fn check_name(name: &str) -> Result<(), MatrixError> {
    let good = ![CAMPAIGN_FILE, JOURNAL_FILE].contains(&name)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good { Ok(()) } else { Err(MatrixError::EnvironmentName { name: name.into() }) }
}

/// The matrix, which is the same in every environment.
pub fn cases(workload: &dyn Workload, environments: &[Environment]) -> Result<Vec<Case>, MatrixError> {
    let mut first: Option<Vec<Case>> = None;
    for environment in environments {
        let mut cases = workload.cases(&environment.params)?;
        check(workload, &environment.params)?;
        let mut seen = std::collections::HashSet::new();
        cases.retain(|c| seen.insert(c.id()));
        if cases.len() > MAX_CASES {
            return Err(MatrixError::TooManyCases { workload: workload.name(), cases: cases.len() });
        }
        match &first {
            None => first = Some(cases),
            Some(have) if *have == cases => {}
            Some(_) => return Err(MatrixError::DifferentCases { name: environment.name.clone() }),
        }
    }
    first.filter(|cases| !cases.is_empty()).ok_or(MatrixError::NoCases { workload: workload.name() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::config::select::select;
    use crate::workload::netperf::Netperf;

    fn build(sets: &[&str], envs: &[&str]) -> Result<Vec<Environment>, MatrixError> {
        with_profile(None, sets, envs)
    }

    fn with_profile(
        profile: Option<&str>,
        sets: &[&str],
        envs: &[&str],
    ) -> Result<Vec<Environment>, MatrixError> {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let source = Source { workload: Some("netperf".into()), ..Source::default() };
        let (selected, _) = select(&source, &own(envs)).unwrap();
        environments(&Netperf, &selected, profile, &own(sets))
    }

    /// The parameters of one environment that takes its guest from a file.
    fn of_guest(file: &Path, sets: &[&str]) -> Result<Params, MatrixError> {
        let source = Source { workload: Some("netperf".into()), ..Source::default() };
        let (selected, _) = select(&source, &[]).unwrap();
        let places = Places { files: vec![file.to_owned()], folders: Vec::new() };
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Ok(environments_of(&Netperf, &selected, None, &sets, &places)?.remove(0).params)
    }

    #[test]
    fn without_env_there_is_one_environment_called_base() {
        let envs = build(&[], &[]).unwrap();
        assert_eq!((envs.len(), envs[0].name.as_str()), (1, "base"));
        assert_eq!(envs[0].params.get("l"), Some("60"));
        assert_eq!(cases(&Netperf, &envs).unwrap().len(), 57);
    }

    #[test]
    fn env_wins_over_set_and_a_doubled_comma_is_a_comma() {
        let envs =
            build(&["mem=256"], &["base", "head:nic_model=e1000,mem=1024,extra_args=-device a,,b"]).unwrap();
        assert_eq!(envs[0].params.get("mem"), Some("256"));
        assert_eq!(envs[1].params.get("mem"), Some("1024"));
        assert_eq!(envs[1].params.get("extra_args"), Some("-device a,b"));
        assert_eq!(envs[1].factors, ["nic_model", "mem", "extra_args"]);
    }

    #[test]
    fn what_differs_on_purpose_is_said_by_the_keys_that_hold_it_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let image = |name: &str| dir.path().join(name).display().to_string();
        ["a.qcow2", "b.qcow2"].iter().for_each(|name| std::fs::write(dir.path().join(name), "").unwrap());
        let envs =
            [("old", "a"), ("new", "b")].map(|(env, name)| format!("{env}:image_name={}", image(name)));
        let envs = build(&[], &[&envs[0], &envs[1]]).unwrap();
        assert_eq!(envs[1].factors, ["image", "image_format"]);
        assert_eq!(envs[1].params.get("image"), Some(image("b.qcow2").as_str()));
        assert_eq!(factors_of("image_name_vm2"), ["image_vm2", "image_format_vm2"]);
        assert_eq!(
            (factors_of("shell_client"), factors_of("mem")),
            (vec!["channel".into()], vec!["mem".into()])
        );
    }

    #[test]
    fn wrong_flags_are_refused_with_the_way_out() {
        let text = |sets: &[&str], envs: &[&str]| build(sets, envs).unwrap_err().to_string();
        assert_eq!(
            text(&["sizess=4"], &[]),
            "--set sizess=4: unknown parameter 'sizess', did you mean 'sizes'?"
        );
        assert_eq!(text(&["l"], &[]), "--set l: 'l' is not of the form KEY=VALUE");
        assert!(text(&[], &["a/b"]).starts_with("--env 'a/b': a name is made of"));
        assert!(text(&[], &["a", "a:mem=1"]).contains("given twice"));
        assert!(text(&["sizes=64"], &[]).contains("protocol TCP_RR takes sizes_rr"));
        assert!(
            build(&["sizes=64", "sizes_rr=64", "numanode=2"], &[]).unwrap()[0].params.get("numa_node")
                == Some("2")
        );
    }

    #[test]
    fn a_secret_reaches_its_guest_from_every_place_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("guests.cfg");
        std::fs::write(
            &file,
            "variants guest:\n    - big:\n        image = perfvt:builtin\n        password = hunter2\n",
        )
        .unwrap();
        let params = of_guest(&file, &["guest=big"]).unwrap();
        let cfg = dir.path().join("lab.cfg");
        std::fs::write(&cfg, "password = hunter2\n").unwrap();
        let source = Source { workload: Some("netperf".into()), config: Some(cfg), ..Source::default() };
        let (selected, _) = select(&source, &[]).unwrap();
        let of_file = environments(&Netperf, &selected, None, &[]).unwrap().remove(0).params;
        let of_set = build(&["password=hunter2"], &[]).unwrap().remove(0).params;
        let of_env = build(&[], &["head:smp=2,password=hunter2"]).unwrap().remove(0).params;
        for (place, params) in [("guest", params), ("file", of_file), ("set", of_set), ("env", of_env)] {
            let secret = params.secret("password").unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(secret.map(|s| s.reveal().to_owned()).as_deref(), Some("hunter2"), "{place}");
            assert!(!format!("{params:?}").contains("hunter2"), "{place}: {params:?}");
        }
        for (sets, envs) in [
            (&["password=hunter2", "zz=1"][..], &[][..]),
            (&[], &["h:password=hunter2,mem"]),
            (&["user_dataa=1", "Password=hunter2"], &[]),
        ] {
            let error = build(sets, envs).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_profile_stands_between_the_defaults_and_the_flags() {
        let envs = with_profile(Some("quick"), &["l=7"], &[]).unwrap();
        let param = |key: &str| envs[0].params.param(key).unwrap().clone();
        assert_eq!((param("l").value.as_str(), param("sizes").value.as_str()), ("7", "1024 16384"));
        assert_eq!(param("sizes").origin, Origin::Flag("--profile quick".into()));
        let unknown = with_profile(Some("fast"), &[], &[]).unwrap_err().to_string();
        assert!(unknown.starts_with("--profile fast: unknown profile"), "{unknown}");
    }

    #[test]
    fn the_keys_of_a_guest_lie_beneath_everything_that_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("guests.cfg");
        let text = "variants guest:\n    - big:\n        mem = 4096\n        smp = 4\n        note = x\n";
        std::fs::write(&file, text).unwrap();
        let error = of_guest(&file, &["guest=big"]).unwrap_err().to_string();
        let wanted =
            "parameter 'guest' is 'big' (--set guest=big), want a guest that says what it boots from";
        assert!(error.starts_with(wanted), "{error}");
        std::fs::write(&file, format!("{text}        image = perfvt:builtin\n")).unwrap();
        let params = of_guest(&file, &["guest=big", "smp=2"]).unwrap();
        assert_eq!((params.get("mem"), params.get("smp")), (Some("4096"), Some("2")));
        assert_eq!(params.param("mem").unwrap().origin.to_string(), format!("{}:3", file.display()));
        assert_eq!(params.get("note"), None);
        std::fs::create_dir(dir.path().join("images")).unwrap();
        let image = dir.path().join("images/rhel.qcow2");
        std::fs::write(&image, "").unwrap();
        let text =
            "variants guest:\n    - big:\n        image_name = images/rhel\n        image_format = qcow2\n";
        std::fs::write(&file, text).unwrap();
        let params = of_guest(&file, &["guest=big"]).unwrap();
        assert_eq!(params.get("image"), image.to_str());
        assert_eq!(params.param("image").unwrap().origin.to_string(), format!("{}:3", file.display()));
        let error = build(&["guest=bulitin"], &[]).unwrap_err().to_string();
        assert!(
            error.starts_with("--set guest=bulitin: no guest is called 'bulitin', did you mean 'builtin'?"),
            "{error}"
        );
    }

    #[test]
    fn environments_of_one_campaign_measure_the_same_cases() {
        let envs = build(&["protocols=TCP_STREAM"], &["base", "head:sizes=64"]).unwrap();
        let error = cases(&Netperf, &envs).unwrap_err();
        assert!(matches!(error, MatrixError::DifferentCases { name } if name == "head"));
        let twice = build(&["protocols=TCP_STREAM", "sizes=64 64", "sessions=1"], &[]).unwrap();
        assert_eq!(cases(&Netperf, &twice).unwrap().len(), 1);
    }
}
