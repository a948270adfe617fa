//! What a request leaves open and what this host decides: scenario, networks, placement, and room for disks.

use super::refused::SetupError;
use crate::brought::check_build_on;
use crate::environment::{EnvironmentError, EnvironmentSpec, Ground, pin};
use crate::matrix::Environment;
use crate::parse::{self, CONFINE, disk, layout, open_choices, second_nic_is_meant};
use crate::testbed::TestbedError;
use crate::workload::{self, Needs, Workload};
use model::{Accel, CpuId, Origin, Params, ParamsError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use vm::guest::confine::{Confine, has_sandbox};
use vm::guest::image::Cache;
use vm::guest::network;
use vm::host::topology::Topology;
use vm::scenario::Scenario;

/// The scenario, which is the same in all environments: their results lie in folders that are named after it.
pub(super) fn scenario(environments: &mut [Environment]) -> Result<Scenario, SetupError> {
    let mut first: Option<Scenario> = None;
    for environment in environments {
        let scenario = parse::scenario(&environment.params)?;
        let known = *first.get_or_insert(scenario);
        if scenario != known {
            return Err(SetupError::Scenarios {
                environment: environment.name.clone(),
                scenario,
                first: known,
            });
        }
        set(&mut environment.params, "scenario", scenario.word());
    }
    Ok(first.unwrap_or(Scenario::HostGuest))
}

/// Sets what was found out, and keeps where the question came from.
fn set(params: &mut Params, key: &str, value: &str) {
    let origin = params.param(key).map_or(Origin::BuiltIn, |p| p.origin.clone());
    params.set(key, value, origin);
}

/// `net=auto` is resolved once for the campaign; what comes out stands in the parameters.
pub(super) fn networks(
    environments: &mut [Environment],
    scenario: Scenario,
    warnings: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Result<String, SetupError> {
    let mut auto = None;
    let mut kinds: Vec<String> = Vec::new();
    for environment in environments {
        if second_nic_is_meant(&environment.params) {
            set(&mut environment.params, "nics", "nic1 nic2");
        }
        for key in open_choices(&environment.params)? {
            let kind = match auto {
                Some(kind) => kind,
                None => {
                    let (kind, fallback) = network::resolve_auto(scenario)?;
                    warnings.extend(
                        fallback.map(|why| format!("the network is {}, because {why}", kind.words())),
                    );
                    *auto.insert(kind)
                }
            };
            set(&mut environment.params, &key, kind.word());
        }
        let layout = layout(&environment.params).map_err(|error| SetupError::Environment {
            environment: environment.name.clone(),
            source: Box::new(EnvironmentError::from(error).into()),
        })?;
        if !kinds.contains(&layout.kinds()) {
            kinds.push(layout.kinds());
        }
        let idle = parse::idle(&layout.client, &environment.params);
        if !idle.is_empty() {
            let note = format!(
                "{}: no effect, because in {scenario} the client is not on another host that ssh reaches; set \
                 scenario=exhost_guest with client=ADDRESS, or leave out what is said of its host",
                idle.join(", ")
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    Ok(kinds.join(","))
}

/// `confine=auto` is resolved once for the campaign, to what every QEMU of it can do: environments that differ in what confines
/// their QEMU differ in more than what is compared.
pub(super) fn confine(
    environments: &mut [Environment],
    scenario: Scenario,
    warnings: &mut Vec<String>,
) -> Result<(), SetupError> {
    let mut lacking: Option<String> = None;
    let mut asked: BTreeMap<String, bool> = BTreeMap::new();
    for environment in &*environments {
        for guest in scenario.guests() {
            let own = environment.params.object_params(guest);
            let qemu = own.text("qemu_binary")?;
            let has = *asked.entry(qemu.to_owned()).or_insert_with(|| has_sandbox(qemu));
            if !has && own.get(CONFINE) == Some("sandbox") {
                return Err(own
                    .wrong(CONFINE, &format!("none, because {qemu} was built without a sandbox"))
                    .into());
            }
            if !has {
                lacking.get_or_insert_with(|| qemu.to_owned());
            }
        }
    }
    let auto = |environment: &Environment| environment.params.get(CONFINE) == Some("auto");
    if let Some(qemu) = lacking.as_ref().filter(|_| environments.iter().any(auto)) {
        warnings.push(format!("QEMU is not confined (confine=none): {qemu} has no sandbox"));
    }
    let word = if lacking.is_some() { Confine::None } else { Confine::Sandbox }.word();
    for environment in environments.iter_mut().filter(|environment| auto(environment)) {
        set(&mut environment.params, CONFINE, word);
    }
    Ok(())
}

/// What a workload needs of its testbed, over all environments.
pub(super) fn needs<'a>(workload: &dyn Workload, all: impl IntoIterator<Item = &'a Params>) -> Needs {
    all.into_iter().map(|params| workload.needs(params)).reduce(Needs::with).unwrap_or_default()
}

/// Every environment as it will be booted, with all that its parameters leave open decided.
pub(super) fn specs(
    environments: &mut [Environment],
    workload: &dyn Workload,
    accel: Accel,
    allow_unpinned: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<EnvironmentSpec>, SetupError> {
    let (topology, cache) = (Topology::here()?, Cache::from_env()?);
    for environment in &mut *environments {
        // Once more, with the NICs that names of devices stand for.
        workload::check(workload, &environment.params)?;
    }
    let needs = needs(workload, environments.iter().map(|environment| &environment.params));
    let ground = Ground { topology: &topology, cache: &cache, accel, needs: &needs, allow_unpinned };
    let mut specs = Vec::new();
    for environment in environments {
        let name = &environment.name;
        let wrong = |source: TestbedError| SetupError::Environment {
            environment: name.clone(),
            source: Box::new(source),
        };
        let params = &mut environment.params;
        let mut spec = EnvironmentSpec::of(params, &ground);
        // That it cannot be pinned is told with all that is in the way (`testbed::obstacles`); what would run is shown all the same.
        let refused = matches!(spec, Err(EnvironmentError::Shortage(_)));
        if refused {
            spec = EnvironmentSpec::of(params, &Ground { allow_unpinned: true, ..ground });
        }
        let spec = spec.map_err(|e| wrong(e.into()))?;
        for guest in &spec.guests {
            let own = params.object_params(&guest.name);
            check_build_on(&own).map_err(|e| wrong(EnvironmentError::from(e).into()))?;
            let smp = guest.hardware.smp.to_string();
            if own.get("smp") != Some(&smp) {
                let key = match params.get("smp") {
                    None => "smp".to_owned(),
                    Some(_) => format!("smp_{}", guest.name),
                };
                set(params, &key, &smp);
            }
        }
        for note in spec.notes.iter().filter(|_| !refused) {
            let warning = format!("{name}: {note}");
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        if !spec.is_pinned() && !refused {
            warnings.push(format!(
                "guests of {name} ran unpinned: expect several times the spread between boots"
            ));
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// The CPUs that each environment has where no guest is booted: those that QEMU and clients would have had.
pub(super) fn rooms(
    environments: &[Environment],
    workload: &dyn Workload,
    allow_unpinned: bool,
) -> Result<Vec<Vec<CpuId>>, SetupError> {
    let topology = Topology::here()?;
    let needs = needs(workload, environments.iter().map(|environment| &environment.params));
    let room = |environment: &Environment| {
        workload::check(workload, &environment.params)?;
        // As above.
        let plan = match pin(&topology, &environment.params, needs.sessions, allow_unpinned) {
            Err(EnvironmentError::Shortage(_)) => pin(&topology, &environment.params, needs.sessions, true),
            plan => plan,
        };
        plan.map(|plan| plan.own_cpus()).map_err(|source| SetupError::Environment {
            environment: environment.name.clone(),
            source: Box::new(source.into()),
        })
    };
    environments.iter().map(room).collect()
}

/// Bytes that data disks take, by folder: those of the largest disk of any environment, since there is one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disks {
    /// Disks whose blocks are there from the beginning.
    pub whole: BTreeMap<PathBuf, u64>,
    /// Sparse ones, which may grow to this.
    pub sparse: BTreeMap<PathBuf, u64>,
}

impl Disks {
    /// The disks of these environments.
    ///
    /// # Errors
    /// Parameters that describe no disk.
    pub(super) fn of(environments: &[Environment]) -> Result<Disks, ParamsError> {
        let mut disks = Disks::default();
        for environment in environments {
            let Some(disk) = disk(&environment.params)? else { continue };
            let kind = if disk.is_sparse() { &mut disks.sparse } else { &mut disks.whole };
            let room = kind.entry(disk.dir).or_default();
            *room = disk.size.max(*room);
        }
        Ok(disks)
    }
}
