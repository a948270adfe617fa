//! From a request to guests that are driven and not measured.

use super::resolve;
use super::setup::{Request, SetupError, choose, find};
use crate::config::{SelectError, Source, aliases, keys};
use crate::environment::{Stage, settle};
use crate::testbed::refuse_campaigns;
use crate::{matrix, parse};
use model::{Accel, Params};
use std::path::Path;
use vm::accel;

/// The workload of those who measure nothing.
pub const NO_OTHER: &str = "boot";

/// The guests that a request describes.
pub enum Guests {
    /// Those of a scenario, as a campaign would boot them, but for where they are pinned.
    Scenario(Box<Stage>),
    /// Machines on networks of their own (`vms`).
    Troupe(Box<Params>),
}

/// What is driven.
pub struct ByHand {
    /// The guests.
    pub guests: Guests,
    /// How they are run.
    pub accel: Accel,
    /// What there is to say of the request.
    pub notes: Vec<String>,
}

/// Finds the guests of a request's only environment. They are pinned only where somebody says so. `executable` is perfvt itself,
/// for the KVM probe.
///
/// # Errors
/// What [`super::setup::prepare`] refuses as well.
pub fn by_hand(request: &Request, executable: &Path) -> Result<ByHand, SetupError> {
    let (selected, mut notes) = match choose(request) {
        // What is measured does not matter here: a configuration that leaves it open is one of guests alone.
        Err(SetupError::Select(SelectError::Workloads { .. })) => {
            let source = Source { workload: Some(NO_OTHER.to_owned()), ..request.source.clone() };
            choose(&Request { source, ..request.clone() })?
        }
        chosen => chosen?,
    };
    let workload = find(selected.first().map_or("", |s| s.choice.workload.as_str()))?;
    let unknown: Vec<_> = selected.iter().flat_map(|s| s.choice.unknown.iter().cloned()).collect();
    notes.extend(keys::warnings(&unknown, workload, request.verbose));
    let mut environments = matrix::environments(workload, &selected, None, &request.sets)?;
    resolve::refuse_names(&environments, &unknown)?;
    let told: Vec<_> = environments.iter().flat_map(|e| e.told.iter().cloned()).collect();
    notes.extend(aliases::told(&told));
    environments.iter().try_for_each(|environment| refuse_campaigns(&environment.params))?;
    environments.iter_mut().for_each(|environment| settle::by_hand(&mut environment.params));
    // What emulation does to values is nobody's matter here.
    let (accel, _) = accel::resolve(&request.accel, || accel::probe(executable))?;
    if let Some(environment) = environments.iter().find(|e| parse::has_topology(&e.params)) {
        let guests = Guests::Troupe(Box::new(environment.params.clone()));
        return Ok(ByHand { guests, accel, notes });
    }
    let scenario = resolve::scenario(&mut environments)?;
    resolve::networks(&mut environments, scenario, &mut notes, &mut Vec::new())?;
    resolve::confine(&mut environments, accel, &mut notes)?;
    // What a campaign warns of is about values, and here are none.
    let stage = resolve::stage(&mut environments, workload, accel, (true, true), &mut Vec::new())?;
    Ok(ByHand { guests: Guests::Scenario(Box::new(stage)), accel, notes })
}
