//! This host with every environment of a campaign as it is measured here, each read once: what a plan shows, what is in its way,
//! what it locks and what it boots are views of this.

use super::{EnvironmentError, EnvironmentSpec, Ground, pin, portrait};
use crate::brought::{Brings, Wish};
use crate::config::names::guest_name;
use crate::parse;
use crate::workload::{self, Needs, Workload};
use model::{Accel, CampaignFile, CpuId, EnvironmentPlan, Params, ParamsError};
use vm::deadlines::Deadlines;
use vm::guest::disk::{At, Disk};
use vm::guest::image::Cache;
use vm::guest::network::ClientPlace;
use vm::guest::spec::GuestSpec;
use vm::host::pin::Shortage;
use vm::host::topology::{Topology, TopologyError};

/// This host, and what is measured on it.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The host.
    pub topology: Topology,
    /// Where images lie.
    pub cache: Cache,
    /// How guests are run.
    pub accel: Accel,
    /// The workload's, over all environments.
    pub needs: Needs,
    /// Whether guests may run anywhere where the host is too small to pin them.
    pub allow_unpinned: bool,
    /// The environments, in the order of the plan.
    pub rooms: Vec<Room>,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// What it was read from: says where a value came from, when it is told that it cannot be had.
    pub params: Params,
    /// What it is.
    pub place: Place,
    /// Why it cannot be pinned, though it has to be: it is shown as it would run without, and refused.
    pub shortage: Option<Shortage>,
}

/// Where an environment is measured.
#[derive(Clone, Debug)]
pub enum Place {
    /// In guests.
    Guests(Box<EnvironmentSpec>),
    /// On the host alone.
    Host(Box<HostSpec>),
}

/// An environment without a guest.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// The CPUs that QEMU and the client would have had; none where it may run anywhere.
    pub cpus: Vec<CpuId>,
    /// Whether they are its own.
    pub is_pinned: bool,
    /// How long anything may take.
    pub deadlines: Deadlines,
    /// Its file, where it has one.
    pub disk: Option<Disk>,
    /// What of all that the user brings is its own.
    pub brings: Brings,
    /// How a QEMU that it starts is executed; `None` where it starts none.
    pub accel: Option<Accel>,
}

impl HostSpec {
    fn of(params: &Params, ground: &Ground<'_>) -> Result<HostSpec, EnvironmentError> {
        if let Some(name) = parse::further(params)? {
            let wanted = "it left out: the host alone is measured, and there is no guest";
            return Err(params.object_params(&name).wrong("neighbour", wanted).into());
        }
        let plan = pin(ground.topology, params, ground.needs.sessions, ground.allow_unpinned)?;
        Ok(HostSpec {
            cpus: plan.own_cpus(),
            is_pinned: plan.guests.iter().all(|guest| guest.pins.is_some()),
            // The host executes what is measured, however guests would run.
            deadlines: parse::deadlines(params, Accel::Kvm)?,
            disk: on_the_host(params)?,
            brings: Brings::of(params, &ground.needs.brings),
            accel: ground.needs.accel.then_some(ground.accel),
        })
    }
}

/// The file of a workload that measures the host alone.
fn on_the_host(params: &Params) -> Result<Option<Disk>, ParamsError> {
    let disk = parse::disk(params)?;
    let key = match disk.as_ref().map(|disk| &disk.at) {
        None | Some(At::File) => return Ok(disk),
        Some(At::Served(_)) => "disk_server",
        Some(At::Remote(_)) => "disk_uri",
        Some(At::Device(_)) => "disk_device",
    };
    Err(params.wrong(key, "it left out: this workload has no guest, and works on a file"))
}

impl Place {
    fn of(params: &Params, ground: &Ground<'_>) -> Result<Place, EnvironmentError> {
        Ok(match ground.needs.guest {
            true => Place::Guests(Box::new(EnvironmentSpec::of(params, ground)?)),
            false => Place::Host(Box::new(HostSpec::of(params, ground)?)),
        })
    }

    /// The data disks that are made for each boot.
    pub fn made_disks(&self) -> impl Iterator<Item = &Disk> {
        let (guests, host) = match self {
            Place::Guests(spec) => (spec.guests.as_slice(), [].as_slice()),
            Place::Host(host) => ([].as_slice(), host.disk.as_slice()),
        };
        let of_guests = guests.iter().flat_map(|guest| &guest.disks.data);
        of_guests.chain(host).filter(|disk| disk.at.is_made())
    }

    /// Whether its clients run on another host.
    pub fn has_remote_client(&self) -> bool {
        matches!(self, Place::Guests(spec) if matches!(spec.layout.client, ClientPlace::Remote(_)))
    }
}

impl Room {
    /// What it is, where it can be booted as it has to be.
    ///
    /// # Errors
    /// The host is too small.
    pub fn ready(&self) -> Result<&Place, EnvironmentError> {
        self.shortage.clone().map_or(Ok(&self.place), |shortage| Err(shortage.into()))
    }

    /// What its guests are, a sentence each: which image, what runs in it, and how it is entered.
    pub fn portraits(&self) -> Vec<String> {
        let Place::Guests(spec) = &self.place else { return Vec::new() };
        spec.guests.iter().map(|guest| portrait::of(guest, &self.params.object_params(&guest.name))).collect()
    }

    /// The kernel and the name of each guest; none where the host alone is measured.
    pub fn guests(&self) -> Vec<(String, String)> {
        let Place::Guests(spec) = &self.place else { return Vec::new() };
        let one = |guest: &GuestSpec| {
            (portrait::kernel(guest), guest_name(&self.params.object_params(&guest.name)))
        };
        spec.guests.iter().map(one).collect()
    }
}

/// What a workload needs of its testbed, over all environments.
pub fn needs<'a>(workload: &dyn Workload, all: impl IntoIterator<Item = &'a Params>) -> Needs {
    let of = |params| {
        let mut needs = workload.needs(params);
        if needs.guest && parse::is_offline(params) {
            needs.brings.push(Wish::perfvt());
        }
        needs
    };
    all.into_iter().map(of).reduce(Needs::with).unwrap_or_default()
}

impl Stage {
    /// This host, with nothing on it yet.
    ///
    /// # Errors
    /// sysfs.
    pub fn here(
        cache: &Cache,
        accel: Accel,
        needs: Needs,
        allow_unpinned: bool,
    ) -> Result<Stage, TopologyError> {
        let topology = Topology::here()?;
        Ok(Stage { topology, cache: cache.clone(), accel, needs, allow_unpinned, rooms: Vec::new() })
    }

    /// This host with the environments of a plan that was made before, and what is wrong with those that cannot be here any
    /// more, by their names. A workload that nobody knows any more needs nothing; whoever opens the campaign says so.
    ///
    /// # Errors
    /// sysfs.
    pub fn of(
        file: &CampaignFile,
        cache: &Cache,
    ) -> Result<(Stage, Vec<(String, EnvironmentError)>), TopologyError> {
        let all: Vec<Params> = file.environments.iter().map(EnvironmentPlan::to_params).collect();
        let needs = workload::find(&file.workload).map(|workload| needs(workload, &all)).unwrap_or_default();
        let accel = if file.accel == Accel::Kvm.to_string() { Accel::Kvm } else { Accel::Tcg };
        let mut stage = Stage::here(cache, accel, needs, file.allow_unpinned)?;
        let mut wrong = Vec::new();
        for (environment, params) in file.environments.iter().zip(all) {
            match stage.read(&environment.name, params) {
                Ok(room) => stage.rooms.push(room),
                Err(error) => wrong.push((environment.name.clone(), error)),
            }
        }
        Ok((stage, wrong))
    }

    /// What parameters do not say.
    pub fn ground(&self) -> Ground<'_> {
        Ground {
            topology: &self.topology,
            cache: &self.cache,
            accel: self.accel,
            needs: &self.needs,
            allow_unpinned: self.allow_unpinned,
        }
    }

    /// Reads an environment, in which nothing is left open.
    ///
    /// # Errors
    /// Parameters that describe none here. That the host is too small is noted in what it gives.
    pub fn read(&self, name: &str, params: Params) -> Result<Room, EnvironmentError> {
        let ground = self.ground();
        let (place, shortage) = match Place::of(&params, &ground) {
            Err(EnvironmentError::Shortage(shortage)) => {
                // There may be more in the way, and what would run is shown all the same.
                (Place::of(&params, &Ground { allow_unpinned: true, ..ground })?, Some(shortage))
            }
            place => (place?, None),
        };
        Ok(Room { name: name.to_owned(), params, place, shortage })
    }

    /// The environment of a name.
    pub fn room(&self, name: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| room.name == name)
    }
}
