//! What a request leaves open and what this host decides: scenario, networks, placement, and room for disks.

use super::refused::SetupError;
use crate::brought::check_build_on;
use crate::deadlines::Deadlines;
use crate::guest::argv;
use crate::guest::definition::own_kernel;
use crate::guest::disk::Disk;
use crate::guest::network::{self, Layout, NetworkError};
use crate::host::pin::PinPlan;
use crate::host::topology::Topology;
use crate::matrix::Environment;
use crate::scenario::Scenario;
use crate::testbed::{self, TestbedError};
use crate::workload::{self, Workload};
use model::{Accel, Origin, Params, ParamsError};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The scenario, which is the same in all environments: their results lie in folders that are named after it.
pub(super) fn scenario(environments: &mut [Environment]) -> Result<Scenario, SetupError> {
    let mut first: Option<Scenario> = None;
    for environment in environments {
        let scenario = Scenario::of(&environment.params)?;
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
) -> Result<String, SetupError> {
    let mut auto = None;
    let mut kinds: Vec<String> = Vec::new();
    for environment in environments {
        let wrong = |error: NetworkError| SetupError::Environment {
            environment: environment.name.clone(),
            source: Box::new(TestbedError::Guest(error.into())),
        };
        if network::second_nic_is_meant(&environment.params) {
            set(&mut environment.params, "nics", "nic1 nic2");
        }
        for key in network::open_choices(&environment.params)? {
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
        let layout = Layout::of(&environment.params).map_err(wrong)?;
        if !kinds.contains(&layout.kinds()) {
            kinds.push(layout.kinds());
        }
    }
    Ok(kinds.join(","))
}

/// Plans every environment's placement, and checks its hardware.
pub(super) fn pins(
    environments: &mut [Environment],
    workload: &dyn Workload,
    accel: Accel,
    allow_unpinned: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<PinPlan>, SetupError> {
    let topology = Topology::here()?;
    let mut pins = Vec::new();
    for environment in environments {
        let wrong = |source: TestbedError| SetupError::Environment {
            environment: environment.name.clone(),
            source: Box::new(source),
        };
        // Once more, with the NICs that names of devices stand for.
        workload::check(workload, &environment.params)?;
        let params = &mut environment.params;
        let sessions = workload.needs(params).sessions;
        let mut plan = testbed::pin(&topology, params, sessions, allow_unpinned);
        // That it cannot be pinned is told with all that is in the way (`testbed::obstacles`); what would run is shown all the same.
        let refused = matches!(plan, Err(TestbedError::Shortage(_)));
        if refused {
            plan = testbed::pin(&topology, params, sessions, true);
        }
        let plan = plan.map_err(wrong)?;
        for guest in &plan.guests {
            let own = params.object_params(&guest.name);
            let hardware = testbed::hardware(&own, accel, guest).map_err(|e| wrong(e.into()))?;
            check_build_on(&own).map_err(|e| wrong(e.into()))?;
            own_kernel(&own).map_err(|e| wrong(e.into()))?;
            Deadlines::of(&own, accel).map_err(|e| wrong(e.into()))?;
            for key in ["irq_vcpus", "server_vcpus"] {
                testbed::vcpu_list(&own, key, guest.smp).map_err(|e| wrong(e.into()))?;
            }
            argv::check(&hardware).map_err(|reason| wrong(TestbedError::Hardware(reason)))?;
            let smp = guest.smp.to_string();
            if own.get("smp") != Some(&smp) {
                let name = &guest.name;
                let key = if params.get("smp").is_none() { "smp".to_owned() } else { format!("smp_{name}") };
                set(params, &key, &smp);
            }
        }
        for note in plan.notes.iter().filter(|_| !refused) {
            let warning = format!("{}: {note}", environment.name);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        if plan.guests.iter().any(|guest| guest.pins.is_none()) && !refused {
            warnings.push(format!(
                "guests of {} ran unpinned: expect several times the spread between boots",
                environment.name
            ));
        }
        pins.push(plan);
    }
    Ok(pins)
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
            let Some(disk) = Disk::of(&environment.params)? else { continue };
            let kind = if disk.is_sparse() { &mut disks.sparse } else { &mut disks.whole };
            let room = kind.entry(disk.dir).or_default();
            *room = disk.size.max(*room);
        }
        Ok(disks)
    }
}
