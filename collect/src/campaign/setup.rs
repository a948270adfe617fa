//! From a request to a campaign's plan: everything that can fail is found here, before anything boots.

pub use super::estimate::Estimate;
use super::estimate::estimate;
pub use super::refused::SetupError;
use super::resolve::{self, Disks};
use super::{around, plan};
use crate::config::select::{repeats, select};
use crate::config::spec::named_guest;
use crate::config::{Selected, Source, aliases, keys};
use crate::environment::Stage;
use crate::matrix::{self, Environment};
use crate::parse;
use crate::workload::{self, Workload};
use model::campaign::CAMPAIGN_FORMAT;
use model::expected::{EXPECTED_UNTIL, ExpectedUntil, WANTED};
use model::secret_keys::masked;
use model::{Accel, CampaignFile, EnvironmentPlan, Moment, ParamsError, Rule};
use std::path::Path;
use vm::accel;

/// Boots of each environment when nothing says otherwise: the least that blocks can be analysed with.
pub const REPEATS: u32 = 5;

/// What stands for acceleration and network of a campaign that boots nothing.
pub const NO_GUEST: &str = "none";

/// What the user asks for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Workload, configuration and filters.
    pub source: Source,
    /// `--env`, as written.
    pub envs: Vec<String>,
    /// `--profile`: a set of keys that the workload brings.
    pub profile: Option<String>,
    /// `--set`, as written.
    pub sets: Vec<String>,
    /// Boots of each environment; at most, with `until`. `None`: as many as the configuration has repeats, else
    /// [`REPEATS`].
    pub repeats: Option<u32>,
    /// Stops case by case when intervals are narrow enough.
    pub until: Option<Until>,
    /// Blocks in which cases with an alert are measured again, when they are to be; `None` within: as many as boots are
    /// measured at least.
    pub confirm: Option<Option<u32>>,
    /// `auto`, `kvm` or `tcg`.
    pub accel: String,
    /// Go on where the host is too small to pin.
    pub allow_unpinned: bool,
    /// `--machine`: what the user calls this machine.
    pub machine: Option<String>,
    /// Seed of the order; `None` takes one from the clock.
    pub seed: Option<u64>,
    /// Name every key that is not known.
    pub verbose: bool,
    /// The command line.
    pub argv: Vec<String>,
}

/// `--until`, with what bounds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Until {
    /// The half-width that settles a case, as a ratio minus 1.
    pub half_width: f64,
    /// Boots of each environment before the first look.
    pub floor: u32,
    /// Seconds after which no block begins.
    pub budget_seconds: Option<u64>,
}

impl Request {
    /// When measuring stops, and how many blocks confirm an alert.
    fn rule(&self, repeats: u32) -> (Rule, Option<u32>) {
        let (rule, least) = match self.until {
            None => (Rule::Fixed { repeats }, repeats),
            Some(Until { half_width, floor, budget_seconds }) => {
                (Rule::Until { half_width, floor, ceiling: repeats, budget_seconds }, floor)
            }
        };
        (rule, self.confirm.map(|blocks| blocks.unwrap_or(least)))
    }
}

/// A plan, with what `--dry-run` shows beside it.
pub struct Prepared {
    /// The plan.
    pub file: CampaignFile,
    /// This host, with each environment as it will be measured.
    pub stage: Stage,
    /// What the campaign will take, roughly.
    pub estimate: Estimate,
    /// Room that data disks take beside that, one at a time.
    pub disks: Disks,
    /// What the configuration says and probably does not mean. Not for reports.
    pub notes: Vec<String>,
    /// Other names that were understood, in one line.
    pub told: Option<String>,
}

/// Makes a plan. `executable` is perfvt itself, for the KVM probe.
pub fn prepare(request: &Request, executable: &Path) -> Result<Prepared, SetupError> {
    let (selected, mut notes) = choose(request)?;
    let first = selected.first().map_or("", |s| s.choice.workload.as_str());
    let workload = find(first)?;
    let unknown: Vec<_> = selected.iter().flat_map(|s| s.choice.unknown.iter().cloned()).collect();
    notes.extend(keys::warnings(&unknown, workload, request.verbose));
    let boots_each = match request.repeats {
        Some(n) => n,
        None => repeats(&selected)?.unwrap_or(REPEATS),
    };
    let mut environments =
        matrix::environments(workload, &selected, request.profile.as_deref(), &request.sets)?;
    resolve::refuse_names(&environments, &unknown)?;
    environments.iter().try_for_each(|environment| parse::refuse_watching(&environment.params))?;
    let told: Vec<_> = environments.iter().flat_map(|e| e.told.iter().cloned()).collect();
    let cases = matrix::cases(workload, &environments)?;
    let guests = environments.iter().any(|e| workload.needs(&e.params).guest);
    let starts_qemu = environments.iter().any(|e| workload.needs(&e.params).accel);
    // Where only the host is measured, nothing is said about guests that are not there.
    let (accel, warning) = if guests || starts_qemu {
        accel::resolve(&request.accel, || accel::probe(executable))?
    } else {
        (Accel::Kvm, None)
    };
    let mut warnings: Vec<String> = warning.into_iter().collect();
    let scenario = resolve::scenario(&mut environments)?;
    if starts_qemu {
        resolve::qemu(&mut environments);
    }
    if guests {
        resolve::networks(&mut environments, scenario, &mut warnings, &mut notes)?;
        resolve::confine(&mut environments, accel, &mut warnings)?;
    }
    let stage =
        resolve::stage(&mut environments, workload, accel, (request.allow_unpinned, false), &mut warnings)?;
    around::check(&stage)?;
    check_expected(&environments)?;
    if request.confirm.is_some() && environments.len() < 2 {
        return Err(SetupError::NothingToConfirm);
    }
    let (rule, confirm) = request.rule(boots_each);
    let now = Moment::now();
    let id = campaign_id(&now);
    let seed = request.seed.unwrap_or(now.unix_ns ^ u64::from(std::process::id()));
    let shuffle = environments.first().map_or(Ok(true), |e| e.params.switch("shuffle"))?;
    plan::check(environments.len(), boots_each.max(confirm.unwrap_or(0)), cases.len())?;
    let blocks = plan::blocks(environments.len(), boots_each, cases.len(), seed, shuffle);
    let estimate = estimate(workload, &environments, &stage, (boots_each, cases.len()));
    let stored = |e: &Environment| EnvironmentPlan::new(&e.name, &e.params, e.factors.clone());
    let file = CampaignFile {
        format: CAMPAIGN_FORMAT,
        perfvt: env!("CARGO_PKG_VERSION").into(),
        id,
        created_unix_ns: now.unix_ns,
        seed,
        argv: request.argv.iter().map(|word| masked(word)).collect(),
        workload: workload.name().into(),
        scenario: scenario.word().into(),
        accel: if guests || starts_qemu { accel.to_string() } else { NO_GUEST.into() },
        network: if guests { resolve::kinds(&stage) } else { NO_GUEST.into() },
        allow_unpinned: request.allow_unpinned,
        machine: request.machine.clone(),
        farm: None,
        exits: guests && accel == Accel::Kvm,
        warnings,
        rule,
        confirm,
        environments: environments.iter().map(stored).collect(),
        cases,
        blocks,
    };
    let disks = Disks::of(&stage);
    Ok(Prepared { file, stage, estimate, disks, notes, told: aliases::told(&told) })
}

/// Boots of each environment that a request asks for, and nothing else of it: no host is looked at.
///
/// # Errors
/// What it names is not there, or its configuration cannot be read.
pub fn boots_each(request: &Request) -> Result<u32, SetupError> {
    let (selected, _) = choose(request)?;
    Ok(match request.repeats {
        Some(n) => n,
        None => repeats(&selected)?.unwrap_or(REPEATS),
    })
}

/// Environments that a request asks for, by its words and its configuration, and nothing that a host adds to them.
///
/// # Errors
/// As [`boots_each`], or a flag cannot be understood.
pub fn environments_of(request: &Request) -> Result<Vec<Environment>, SetupError> {
    let (selected, _) = choose(request)?;
    let workload = find(selected.first().map_or("", |s| s.choice.workload.as_str()))?;
    Ok(matrix::environments(workload, &selected, request.profile.as_deref(), &request.sets)?)
}

/// Refuses what nobody could tell to be over one day.
fn check_expected(environments: &[Environment]) -> Result<(), ParamsError> {
    let wrong = |e: &&Environment| {
        let value = e.params.get(EXPECTED_UNTIL).map(str::trim).filter(|value| !value.is_empty());
        value.is_some_and(|value| ExpectedUntil::parse(value).is_none())
    };
    match environments.iter().find(wrong) {
        Some(environment) => Err(environment.params.wrong(EXPECTED_UNTIL, WANTED)),
        None => Ok(()),
    }
}

/// The variant of each environment.
pub(super) fn choose(request: &Request) -> Result<(Vec<Selected>, Vec<String>), SetupError> {
    let Source { workload, config, .. } = &request.source;
    if let Some(name) = workload {
        find(name)?;
    } else if config.is_none() {
        let hint = if Path::new("tests.cfg").is_file() { " tests.cfg" } else { "" };
        return Err(SetupError::Nothing { known: known(), hint });
    }
    let guest = named_guest(&request.sets).map(str::to_owned);
    Ok(select(&Source { guest, ..request.source.clone() }, &request.envs)?)
}

/// Leaves exits out of a campaign whose QEMU cannot tell them (`query-stats` came with QEMU 7.1).
pub fn without_exits_before_7_1(file: &mut CampaignFile, versions: &[String]) {
    let number = |part: Option<&str>| part.and_then(|p| p.parse::<u32>().ok());
    let knows = |version: &String| {
        let mut parts = version.split('.');
        (number(parts.next()), number(parts.next())) >= (Some(7), Some(1))
    };
    if let Some(old) = versions.iter().find(|v| !knows(v)).filter(|_| file.exits) {
        file.exits = false;
        file.warnings.push(format!("exits are not counted: QEMU {old} does not tell them, 7.1 and later do"));
    }
}

pub(super) fn find(name: &str) -> Result<&'static dyn Workload, SetupError> {
    workload::find(name).ok_or_else(|| SetupError::UnknownWorkload { name: name.to_owned(), known: known() })
}

fn known() -> String {
    workload::ALL.iter().map(|w| w.name()).collect::<Vec<_>>().join(", ")
}

/// A name that no other campaign has: when it was planned, and a few digits of everything that tells two of the same
/// second apart.
fn campaign_id(now: &Moment) -> String {
    let boot = vm::host::fingerprint::boot_id(Path::new("/"));
    let salt = format!("{} {} {} {boot}", now.unix_ns, now.mono_ns, std::process::id());
    let hash: String = blake3::hash(salt.as_bytes()).to_hex().chars().take(8).collect();
    format!("{}-{hash}", utc_stamp(now.unix_ns))
}

/// `20261121T101112Z`.
pub fn utc_stamp(unix_ns: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns))
        .map(|t| t.strftime("%Y%m%dT%H%M%SZ").to_string())
        .unwrap_or_else(|_| unix_ns.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_utc_and_two_campaigns_have_two_names() {
        assert_eq!(utc_stamp(1_700_000_000_000_000_000), "20231114T221320Z");
        let a = Moment { unix_ns: 1_700_000_000_000_000_000, mono_ns: 1 };
        let b = Moment { mono_ns: 2, ..a };
        assert_ne!(campaign_id(&a), campaign_id(&b));
    }

    #[test]
    fn a_request_becomes_a_plan_with_everything_resolved() {
        let request = Request {
            source: Source { workload: Some("netperf".into()), ..Source::default() },
            envs: vec!["base".into(), "head:nic_model=e1000,net=user".into()],
            sets: vec!["protocols=TCP_RR".into(), "l=1".into(), "numa_node=0".into()],
            repeats: Some(2),
            accel: "tcg".into(),
            ..Request::default()
        };
        let prepared = prepare(&request, Path::new("/nonexistent")).unwrap();
        let file = prepared.file;
        assert_eq!(file.cases.len(), 9);
        assert_eq!(file.environments[1].params["net"].value, "user");
        assert!(["tap", "user"].contains(&file.environments[0].params["net"].value.as_str()));
        assert!(file.environments[0].params["smp"].value.parse::<u32>().unwrap() >= 1);
        assert!(file.warnings.iter().any(|w| w.contains("unpinned")), "{:?}", file.warnings);
        assert_eq!(file.boots().count(), 4);
        let source = Source { workload: Some("netperv".into()), ..Source::default() };
        let unknown = Request { source, ..request };
        let error = prepare(&unknown, Path::new("/")).err().unwrap().to_string();
        assert_eq!(
            error,
            "unknown workload 'netperv'; known: ".to_owned()
                + &workload::names().join(", ")
                + "; `perfvt help workloads` says what each measures"
        );
    }
}
