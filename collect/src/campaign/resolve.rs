//! What a request leaves open and what this host decides: scenario, networks, placement, and room for disks.

use super::kernels;
use super::refused::SetupError;
use crate::brought::check_build_on;
use crate::config::keys;
use crate::environment::{EnvironmentError, EnvironmentSpec, Place, Stage, needs, settle};
use crate::matrix::Environment;
use crate::parse;
use crate::workload::{self, Workload};
use model::{Accel, Params};
use std::collections::BTreeMap;
use std::path::PathBuf;
use vm::guest::image::Cache;
use vm::guest::network::{self, Kind, Link};
use vm::host::fingerprint::bridge_delay;
use vm::host::program::qemu_here;
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
        settle::set(&mut environment.params, "scenario", scenario.word());
    }
    Ok(first.unwrap_or(Scenario::HostGuest))
}

/// Refuses machines that no key can name.
pub(super) fn refuse_names(
    environments: &[Environment],
    unknown: &[keys::Unknown],
) -> Result<(), SetupError> {
    let unknown: Vec<&str> = unknown.iter().map(|unknown| unknown.key.as_str()).collect();
    Ok(environments.iter().try_for_each(|environment| parse::refuse_names(&environment.params, &unknown))?)
}

/// `net=auto` is resolved once for the campaign; what comes out stands in the parameters.
pub(super) fn networks(
    environments: &mut [Environment],
    scenario: Scenario,
    warnings: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Result<(), SetupError> {
    let mut auto = None;
    for environment in environments {
        let migrates = parse::migrates(&environment.params);
        settle::networks(&mut environment.params, || match auto {
            // It alone leads a guest from one QEMU to another.
            _ if migrates => Ok(Kind::Switch),
            Some(kind) => Ok::<_, SetupError>(kind),
            None => {
                let (kind, fallback) = network::resolve_auto(scenario)?;
                warnings
                    .extend(fallback.map(|why| format!("the network is {}, because {why}", kind.words())));
                Ok(*auto.insert(kind))
            }
        })?;
        let lists = environment.params.get(parse::VMS).is_some_and(|listed| !listed.trim().is_empty());
        if lists && !parse::has_topology(&environment.params) {
            let note = "vms: no effect, because no vlans says which networks its machines are in; a second guest is \
                        scenario=guest_guest"
                .to_owned();
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        // What cannot be laid out is told when it is.
        let layout = parse::layout(&environment.params).ok();
        for link in layout.iter().flat_map(|layout| &layout.links) {
            notes.extend(waiting_bridge(link, bridge_delay).filter(|note| !notes.contains(note)));
        }
        let idle = layout.map(|layout| parse::idle(&layout.client, &environment.params)).unwrap_or_default();
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
    Ok(())
}

/// What to do about a bridge of this host on which a guest has no network at first. `delay` tells its seconds.
fn waiting_bridge(link: &Link, delay: impl Fn(&str) -> Option<f64>) -> Option<String> {
    let bridge = link.device.as_deref().filter(|_| link.kind == Kind::Bridge)?;
    let seconds = 2.0 * delay(bridge)?;
    Some(format!(
        "bridge {bridge}: its spanning tree keeps each new port shut for {seconds} s, in which a guest has no network, and perfvt does not \
         change it: `ip link set dev {bridge} type bridge stp_state 0` turns it off where no other bridge makes a loop"
    ))
}

/// The QEMU of this host where none is named.
pub(super) fn qemu(environments: &mut [Environment]) {
    let here = qemu_here();
    environments.iter_mut().for_each(|environment| settle::qemu(&mut environment.params, &here));
}

/// `confine=auto` is resolved once for the campaign, with the QEMU of this host where none is named.
pub(super) fn confine(
    environments: &mut [Environment],
    accel: Accel,
    warnings: &mut Vec<String>,
) -> Result<(), SetupError> {
    qemu(environments);
    let mut all: Vec<&mut Params> =
        environments.iter_mut().map(|environment| &mut environment.params).collect();
    warnings.extend(settle::confine(&mut all, accel)?);
    Ok(())
}

/// Every environment as it will be measured, with all that its parameters leave open decided. `tools` gives guests the disk with the
/// larger tools whatever the workload needs.
pub(super) fn stage(
    environments: &mut [Environment],
    workload: &dyn Workload,
    accel: Accel,
    (allow_unpinned, tools): (bool, bool),
    warnings: &mut Vec<String>,
) -> Result<Stage, SetupError> {
    for environment in &*environments {
        // Once more, with the NICs that names of devices stand for.
        workload::check(workload, &environment.params)?;
    }
    let mut needs = needs(workload, environments.iter().map(|environment| &environment.params));
    needs.tools |= tools;
    let mut stage = Stage::here(&Cache::from_env()?, accel, needs, allow_unpinned)?;
    for environment in environments {
        let wrong = |source: EnvironmentError| SetupError::Environment {
            environment: environment.name.clone(),
            source: Box::new(source.into()),
        };
        let mut room = stage.read(&environment.name, environment.params.clone()).map_err(wrong)?;
        if let Place::Guests(spec) = &room.place {
            settle_guests(spec, &mut environment.params).map_err(wrong)?;
            // That it cannot be pinned is told with all that is in the way (`testbed::obstacles`).
            if room.shortage.is_none() {
                warn_of(&environment.name, spec, warnings);
            }
            room.params.clone_from(&environment.params);
        }
        stage.rooms.push(room);
    }
    let named = stage.rooms.iter().map(|room| (room.name.as_str(), kernels::of(&room.place)));
    warnings.extend(kernels::warnings(&named.collect::<Vec<_>>()));
    Ok(stage)
}

/// Puts what the placement has decided into the parameters.
fn settle_guests(spec: &EnvironmentSpec, params: &mut Params) -> Result<(), EnvironmentError> {
    for guest in &spec.guests {
        let own = params.object_params(&guest.name);
        check_build_on(&own)?;
        let smp = guest.hardware.smp.to_string();
        if own.get("smp") != Some(&smp) {
            let key = match params.get("smp") {
                None => "smp".to_owned(),
                Some(_) => format!("smp_{}", guest.name),
            };
            settle::set(params, &key, &smp);
        }
    }
    Ok(())
}

/// What had to be given up to place guests.
fn warn_of(name: &str, spec: &EnvironmentSpec, warnings: &mut Vec<String>) {
    for note in &spec.notes {
        let warning = format!("{name}: {note}");
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    if !spec.is_pinned() {
        warnings
            .push(format!("guests of {name} ran unpinned: expect several times the spread between boots"));
    }
}

/// The kinds of all networks, each set of them once, as files name them.
pub(super) fn kinds(stage: &Stage) -> String {
    let mut kinds: Vec<String> = Vec::new();
    for room in &stage.rooms {
        if let Place::Guests(spec) = &room.place
            && !kinds.contains(&spec.layout.kinds())
        {
            kinds.push(spec.layout.kinds());
        }
    }
    kinds.join(",")
}

/// Bytes that data disks take, by folder: those of the environment with the largest, since there is one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disks {
    /// Disks whose blocks are there from the beginning.
    pub whole: BTreeMap<PathBuf, u64>,
    /// Sparse ones, which may grow to this.
    pub sparse: BTreeMap<PathBuf, u64>,
}

impl Disks {
    /// The disks of all environments.
    pub(super) fn of(stage: &Stage) -> Disks {
        let mut disks = Disks::default();
        for room in &stage.rooms {
            let mut of_room = Disks::default();
            for disk in room.place.made_disks() {
                let kind = if disk.is_sparse() { &mut of_room.sparse } else { &mut of_room.whole };
                let size = kind.entry(disk.dir.clone()).or_default();
                *size = size.saturating_add(disk.size);
            }
            for (all, own) in [(&mut disks.whole, of_room.whole), (&mut disks.sparse, of_room.sparse)] {
                for (dir, size) in own {
                    let most = all.entry(dir).or_default();
                    *most = size.max(*most);
                }
            }
        }
        disks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_that_keeps_new_ports_shut_is_told_with_the_way_out() {
        let of = |kind: Kind, bridge: &str| {
            let mut link = network::Layout::simple(kind).links.remove(0);
            link.device = Some(bridge.to_owned());
            waiting_bridge(&link, |bridge| (bridge == "br0").then_some(15.0))
        };
        let told = of(Kind::Bridge, "br0").unwrap();
        assert!(told.contains("for 30 s") && told.contains("ip link set dev br0"), "{told}");
        assert_eq!((of(Kind::Bridge, "br1"), of(Kind::User, "br0")), (None, None));
    }
}
