//! From parameters to an environment: its network, placement and guests, parsed once. The plan that is shown, the locks, the
//! boot and the fingerprint read the same value, so that none of them can mean another guest.
//!
//! ```text
//!   Params ──> settle (what is left open) ──> EnvironmentSpec ──> Stage (all of a campaign, each once) ──> dry run, obstacles, claims,
//!   Ground (this host, the workload's needs) ────────┘                                                    testbed (scene, argv), facts
//! ```

mod crowd;
mod describe;
mod machines;
mod neighbour;
mod portrait;
pub mod settle;
mod stage;
mod troupe;

pub use crowd::CrowdSpec;
pub use describe::{hardware, pin, vcpu_list};
pub use machines::Told;
pub use neighbour::Neighbour;
pub use stage::{HostSpec, Place, Room, Stage, needs};
pub use troupe::TroupeSpec;

use crate::brought::{Brings, Wish};
use crate::parse::{self, LayoutError, TOGETHER};
use crate::workload::Needs;
use describe::pin_machines;
use model::{Accel, CpuId, Params, ParamsError};
use std::borrow::Cow;
use std::path::PathBuf;
use vm::deadlines::Deadlines;
use vm::guest::argv;
use vm::guest::disk::DiskError;
use vm::guest::hardware::check;
use vm::guest::image::{Cache, ImageError};
use vm::guest::machine::GuestError;
use vm::guest::network::{ClientPlace, Home, Layout, NetworkError, Topology, Wires};
use vm::guest::os::Os;
use vm::guest::spec::{Disks, GuestSpec, Source};
use vm::guest::windows;
use vm::host::pin::{GuestPlan, PinPlan, Shortage};
use vm::host::topology::{self as host, TopologyError};
use vm::scenario::Scenario;

/// What parameters do not say: the host, and what a workload needs of its guests.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The host.
    pub topology: &'a host::Topology,
    /// Where images lie.
    pub cache: &'a Cache,
    /// How guests are run.
    pub accel: Accel,
    /// The workload's.
    pub needs: &'a Needs,
    /// Whether guests may run anywhere where the host is too small to pin them.
    pub allow_unpinned: bool,
}

/// One environment, as it is booted.
#[derive(Clone, Debug)]
pub struct EnvironmentSpec {
    /// What joins server and client.
    pub layout: Layout,
    /// The machines, where each is in networks of its own, in the order of the guests; the layout is the way between two of them.
    pub topology: Option<Topology>,
    /// The guests that bear a load while others are measured.
    pub neighbours: Vec<Neighbour>,
    /// Sessions of the client at a time.
    pub sessions: usize,
    /// The guests like its first one that there are at once, where a workload has several.
    pub crowd: Option<CrowdSpec>,
    /// The guests, the server first.
    pub guests: Vec<GuestSpec>,
    /// How many of them move to other QEMUs: so many of the first; none where nothing moves.
    pub moving: usize,
    /// CPUs of a client on this host.
    pub client: Vec<CpuId>,
    /// The folder with the tools on a client's host of its own; else they are on its PATH.
    pub client_tools: Option<String>,
    /// What of all that the user brings is its own.
    pub brings: Brings,
    /// What had to be given up to place them.
    pub notes: Vec<String>,
    /// How long anything may take.
    pub deadlines: Deadlines,
    /// How guests are run.
    pub accel: Accel,
}

/// Parameters that describe no environment here.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// sysfs.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// Too few CPUs.
    #[error("{0}; --allow-unpinned goes on without pinning")]
    Shortage(#[from] Shortage),
    /// A parameter.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A guest that cannot be.
    #[error("{0}")]
    Hardware(String),
    /// A network that cannot be, or a guest that has no place in it.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// A kernel of the user's for the built-in guest.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<NetworkError> for EnvironmentError {
    fn from(error: NetworkError) -> EnvironmentError {
        EnvironmentError::Guest(error.into())
    }
}

impl From<LayoutError> for EnvironmentError {
    fn from(error: LayoutError) -> EnvironmentError {
        match error {
            LayoutError::Params(error) => EnvironmentError::Params(*error),
            LayoutError::Network(error) => error.into(),
        }
    }
}

impl EnvironmentSpec {
    /// The environment that parameters describe; `net=auto` must have been resolved.
    ///
    /// # Errors
    /// Parameters of the wrong kind, what cannot work together, or a host that is too small.
    pub fn of(params: &Params, ground: &Ground<'_>) -> Result<EnvironmentSpec, EnvironmentError> {
        let layout = parse::layout(params)?;
        let sessions = ground.needs.sessions;
        let (topology, plan, mut guests) = match layout.scenario {
            Scenario::Topology => {
                let topology = parse::measured(params)?;
                let choices = (true, ground.allow_unpinned);
                let plan = pin_machines(ground.topology, params, &topology, choices)?;
                let guests = troupe::machines(params, &topology, plan.guests.clone(), ground)?;
                (Some(topology), plan, guests)
            }
            _ => {
                let plan = pin(ground.topology, params, sessions, ground.allow_unpinned)?;
                let guests = guests(params, &layout, plan.guests.clone(), ground)?;
                (None, plan, guests)
            }
        };
        if let Some(server) = guests.first_mut() {
            // Only the guest that is measured has data disks, and is listened to.
            let own = params.object_params(&server.name);
            server.disks.data = parse::disks(&own)?;
            server.disks.work = parse::work_disk(&own, &server.disks.data)?;
            server.listens = ground.needs.boot_trace;
        }
        let crowd = match (ground.needs.crowd, guests.first()) {
            (0, _) | (_, None) => None,
            (most, Some(guest)) => Some(CrowdSpec::of(params, most, guest, ground.topology)?),
        };
        let neighbours = neighbour::of(params, (&layout, topology.as_ref()), &mut guests)?;
        let moving = move_together(params, (&layout, &neighbours), &mut guests)?;
        let deadlines = parse::deadlines(params, ground.accel)?;
        let (client, mut notes) = (plan.client, plan.notes);
        notes.extend(topology.iter().flat_map(machines::doubts));
        notes.extend(guests.iter().filter_map(portrait::debug_user));
        Ok(EnvironmentSpec {
            layout,
            topology,
            neighbours,
            crowd,
            sessions,
            guests,
            moving,
            client,
            client_tools: parse::client_tools(params),
            brings: Brings::of(params, &ground.needs.brings),
            notes,
            deadlines,
            accel: ground.accel,
        })
    }

    /// Where guests and client go.
    pub fn plan(&self) -> PinPlan {
        let guests = self.guests.iter().map(GuestSpec::plan).collect();
        PinPlan { guests, client: self.client.clone(), notes: self.notes.clone() }
    }

    /// How many guests are measured: the server, and the client where that is one. Others stand behind them.
    pub fn measured(&self) -> usize {
        neighbour::measured(&self.layout)
    }

    /// What a guest beside those of a scenario is plugged into: nothing.
    pub fn layout_beside(&self) -> Layout {
        Layout { links: Vec::new(), ..self.layout.clone() }
    }

    /// Whether its guests move to other QEMUs; each has a network of its own, which is alike.
    pub fn moves(&self) -> bool {
        self.moving > 0
    }

    /// The place of the first guest that is in no network with others, where such guests stand behind those of a scenario.
    pub(crate) fn beside(&self) -> usize {
        self.measured().max(self.moving)
    }

    /// Whether nobody talks to its guest.
    pub fn is_offline(&self) -> bool {
        self.guests.iter().any(GuestSpec::is_offline)
    }

    /// Whether every guest has a placement.
    pub fn is_pinned(&self) -> bool {
        self.guests.iter().all(|guest| guest.pins.is_some())
    }

    /// QEMU's command line for each guest as people read it, without the program. When the guests are booted, the same is made of
    /// what is executed ([`vm::guest::machine::CommandLine`]).
    pub fn command_lines(&self) -> Vec<Vec<String>> {
        let line = |(index, guest)| {
            let (layout, place) = match &self.topology {
                Some(topology) => (Cow::Owned(topology.layout(index)), 0),
                None if index < self.moving => (Cow::Borrowed(&self.layout), 0),
                None if index >= self.beside() => (Cow::Owned(self.layout_beside()), 0),
                None => (Cow::Borrowed(&self.layout), index),
            };
            let wires = Wires::planned(&layout, self.sessions);
            argv::shown(guest, &layout, &wires, place)
        };
        self.guests.iter().enumerate().map(line).collect()
    }
}

/// Adds those that move together with the first guest, which are like it, disks and all. Tells how many move.
fn move_together(
    params: &Params,
    (layout, neighbours): (&Layout, &[Neighbour]),
    guests: &mut Vec<GuestSpec>,
) -> Result<usize, EnvironmentError> {
    if layout.client != ClientPlace::Observer {
        return Ok(0);
    }
    let moving = parse::together(params)?;
    if moving > 1 && !neighbours.is_empty() {
        return Err(params.wrong(TOGETHER, "1 beside a neighbour, or neighbour left out").into());
    }
    if let Some(first) = guests.first().cloned() {
        let alike = |place: usize| GuestSpec { name: format!("vm{place}"), ..first.clone() };
        guests.extend((2..=moving).map(alike));
    }
    Ok(moving)
}

/// The guests of a scenario whose links all of them share.
fn guests(
    params: &Params,
    layout: &Layout,
    plans: Vec<GuestPlan>,
    ground: &Ground<'_>,
) -> Result<Vec<GuestSpec>, EnvironmentError> {
    let mut guests = Vec::new();
    let further = parse::further(params)?;
    for (index, plan) in plans.into_iter().enumerate() {
        let own = params.object_params(&plan.name);
        if Some(&plan.name) == further.as_ref() {
            guests.push(neighbour::guest_of(&own, plan, ground)?);
            continue;
        }
        let spec = guest(&own, &parse::nics(&own)?, plan, ground)?;
        if spec.os() == Os::Windows {
            windows::check_links(layout, index)?;
        }
        guests.push(spec);
    }
    refuse_given_macs(layout, &guests)?;
    Ok(guests)
}

/// One guest by its own parameters, with these NICs and where it goes.
fn guest(
    own: &Params,
    nics: &[String],
    plan: GuestPlan,
    ground: &Ground<'_>,
) -> Result<GuestSpec, EnvironmentError> {
    let hardware = hardware(own, nics, ground.accel, &plan)?;
    check(&hardware).map_err(EnvironmentError::Hardware)?;
    let list = |key: &str| vcpu_list(own, key, plan.smp);
    let source = match parse::definition(own, ground.cache)? {
        Some(definition) => Source::Own(Box::new(definition)),
        None => Source::Builtin(parse::own_kernel(own)?),
    };
    let mut spec = GuestSpec {
        irq_vcpus: list("irq_vcpus")?,
        server_vcpus: list("server_vcpus")?,
        name: plan.name,
        qemu: own.text("qemu_binary")?.to_owned(),
        hardware,
        source,
        disks: Disks::default(),
        confine: parse::confine(own)?,
        listens: false,
        pins: plan.pins,
        layers: PathBuf::from(own.text("disk_dir")?),
        qemu_img: parse::qemu_img(own),
        check_image: parse::check_image(own)?,
        earlier_boots: 0,
    };
    spec.earlier_boots = parse::earlier_boots(own, spec.own().is_some())?;
    spec.disks.tools = ground.needs.tools || spec.own().is_some();
    spec.disks.seed = spec.own().is_some_and(|own| own.cloud_init.is_some());
    spec.disks.output = parse::output(own)?;
    spec.disks.brought = ground.needs.brings.iter().any(Wish::is_on_disk);
    Ok(spec)
}

/// Hardware addresses that were given are those of one NIC each, and of none that has its own from the host.
fn refuse_given_macs(layout: &Layout, guests: &[GuestSpec]) -> Result<(), EnvironmentError> {
    let mut seen = Vec::new();
    for guest in guests {
        for (link, nic) in layout.links.iter().zip(&guest.hardware.nics) {
            let Some(mac) = nic.mac else { continue };
            if link.kind.home() == Home::Above {
                let kind = link.kind.word();
                let why = format!(
                    "nic_mac of {} has no effect with net={kind}; leave it out, or choose another net",
                    link.nic
                );
                return Err(EnvironmentError::Hardware(why));
            }
            if seen.contains(&mac) {
                let why = format!(
                    "nic_mac: two NICs have {mac}; give each its own, such as nic_mac_{}_vm2",
                    link.nic
                );
                return Err(EnvironmentError::Hardware(why));
            }
            seen.push(mac);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters;
    use model::Origin;

    fn spec(set: &[(&str, &str)]) -> Result<EnvironmentSpec, EnvironmentError> {
        let mut params = Params::new();
        let defaults = parameters::guest().filter_map(|known| Some((known.key, known.default?)));
        defaults.for_each(|(key, value)| params.set(key, value, Origin::BuiltIn));
        // What is settled before a plan is made.
        let settled = [("net", "switch"), ("numa_node", "0"), ("smp", "1"), ("confine", "sandbox")];
        for (key, value) in settled.iter().chain(set) {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        let dir = tempfile::tempdir().unwrap();
        let (topology, cache) = (host::Topology::here().unwrap(), Cache::at(dir.path()));
        let needs = Needs { migrates: true, ..Needs::default() };
        let ground = Ground {
            topology: &topology,
            cache: &cache,
            accel: Accel::Tcg,
            needs: &needs,
            allow_unpinned: true,
        };
        EnvironmentSpec::of(&params, &ground)
    }

    #[test]
    fn a_neighbour_stays_where_a_guest_moves_and_is_refused_beside_several() {
        let names = |spec: &EnvironmentSpec| -> Vec<String> {
            spec.guests.iter().map(|guest| guest.name.clone()).collect()
        };
        let moves = ("migrate_mode", "precopy");
        let beside = spec(&[moves, ("neighbour", "idle")]).unwrap();
        assert_eq!((names(&beside).join(" "), beside.moving, beside.beside()), ("vm1 vm3".into(), 1, 1));
        assert!(beside.moves() && beside.neighbours[0].guest == 1);
        // It is plugged into nothing.
        let lines = beside.command_lines();
        let has_card = |line: &[String]| line.iter().any(|word| word == "-netdev");
        assert!(has_card(&lines[0]) && !has_card(&lines[1]), "{lines:?}");
        let several = spec(&[moves, ("migrate_guests", "3")]).unwrap();
        assert_eq!((names(&several).join(" "), several.moving), ("vm1 vm2 vm3".into(), 3));
        let both = spec(&[moves, ("migrate_guests", "3"), ("neighbour", "idle")]).unwrap_err().to_string();
        assert!(both.contains("migrate_guests") && both.contains("1 beside a neighbour"), "{both}");
        let still = spec(&[("net", "user"), ("neighbour", "idle")]).unwrap();
        assert_eq!((still.moves(), still.beside()), (false, 1));
    }
}
