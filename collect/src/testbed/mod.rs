//! The real thing: guests under QEMU on this host, and a [`crate::lab::Lab`] on top of each boot.
//!
//! ```text
//!   stage (environments: hardware, placement) ──> scene (network, folders) ──> machines ──> lab
//!                                                                                           clients <────┘
//! ```

mod built;
mod cables;
mod claims;
mod client;
mod clock;
mod crowd;
mod disks;
mod driven;
mod earlier;
mod facts;
mod failures;
mod host_lab;
mod lab;
mod nics;
mod obstacles;
mod offline;
mod remote;
mod scene;
mod shell;
mod trace;
mod troupe;

pub use claims::claims;
pub use driven::Driven;
pub use obstacles::{Obstacles, obstacles, survey};
pub use shell::{Alone, guest_params, refuse_campaigns};
pub use troupe::Troupe;

use crate::brought::{Brought, BroughtError};
use crate::environment::{EnvironmentError, EnvironmentSpec, HostSpec, Place, Room, Stage};
use crate::lab::{Booted, Booter, Failed, Lab, Unbooted};
use host_lab::HostParts;
use lab::GuestLab;
use model::{Code, Fingerprint};
use process::{PrivateFolder, private_folder};
use remote::of_remote;
use scene::Scene;
use std::path::Path;
use std::sync::Arc;
use trace::Tracer;
use vm::guest::disk::{Disk, DiskError, DiskFile};
use vm::guest::image::{Image, ImageError};
use vm::guest::machine::{GuestError, Machine, NotUp};
use vm::guest::os::Os;
use vm::guest::seed::SeedError;
use vm::host::placement::pin_self;
use vm::host::topology::TopologyError;
use vm::ssh::SshError;

/// Texts by the names of their files.
type Files = Vec<(String, String)>;

/// What is the same for all guests of a campaign.
#[derive(Clone)]
pub struct Testbed {
    /// perfvt's own image; `None` where only the host is measured.
    image: Option<Image>,
    /// The host, and what is measured on it.
    stage: Stage,
    /// What the user brings.
    brought: Arc<Brought>,
    /// The campaign's name.
    name: String,
}

/// A host that cannot run the campaign.
#[derive(Debug, thiserror::Error)]
pub enum TestbedError {
    /// sysfs.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// What parameters describe.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A tool of this host.
    #[error("{0}")]
    Tool(String),
    /// An environment that was not there when the campaign began or went on.
    #[error("booting environment {0}: it was not among those that were looked at first; resume the campaign")]
    Unknown(String),
    /// The client's host.
    #[error("the client's host: {0}")]
    Client(Box<SshError>),
    /// A kernel of the user's for the built-in guest.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The data disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The disk for cloud-init.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// What the user brings.
    #[error(transparent)]
    Brought(#[from] BroughtError),
    /// QEMU, its network, or the guest.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// Machines of a troupe.
    #[error("starting {name}: {source}")]
    Machine {
        /// Which.
        name: String,
        /// What is wrong.
        source: GuestError,
    },
    /// A machine that nobody listed.
    #[error("there is no machine {name}; vms lists {names}")]
    NoMachine {
        /// Its name.
        name: String,
        /// Those that there are.
        names: String,
    },
    /// A machine that does not run.
    #[error("{0} does not run: start it first")]
    Down(String),
}

impl From<SshError> for TestbedError {
    fn from(error: SshError) -> TestbedError {
        // It is large, and errors of everything above hold this one.
        TestbedError::Client(Box::new(error))
    }
}

/// An environment that cannot be booted on this host.
#[derive(Debug, thiserror::Error)]
#[error("environment {environment} cannot be booted here: {source}")]
pub struct RehearsalError {
    /// Which one.
    pub environment: String,
    /// What is wrong.
    pub source: Box<TestbedError>,
}

impl Testbed {
    /// A testbed for what is on a stage. `name` is the campaign's; without an image, which guests need, every boot is a round
    /// on the host.
    pub fn new(stage: Stage, image: Option<Image>, name: &str) -> Result<Testbed, TestbedError> {
        let gather = if image.is_some() { Brought::gather } else { Brought::find };
        let brought = Arc::new(gather(&stage.cache, &stage.needs.brings)?);
        Ok(Testbed { image, stage, brought, name: name.to_owned() })
    }

    /// Starts the guests of every environment as they will be booted, placed and plugged, and ends them before they run:
    /// what QEMU or the host refuses is found here, before anything is planned on disk. Gives QEMU's versions.
    pub fn rehearse(&self) -> Result<Vec<String>, RehearsalError> {
        let of = |room: &Room| {
            self.rehearse_one(room)
                .map_err(|source| RehearsalError { environment: room.name.clone(), source: Box::new(source) })
        };
        self.stage.rooms.iter().map(of).collect()
    }

    fn rehearse_one(&self, room: &Room) -> Result<String, TestbedError> {
        let (spec, image) = match (room.ready()?, &self.image) {
            (Place::Host(_), _) => return host_lab::rehearse(&self.stage.cache, &self.stage.needs),
            (Place::Guests(spec), Some(image)) => (spec, image),
            (Place::Guests(_), None) => return Err(no_image()),
        };
        let folder = scratch()?;
        let mut scene = self.scene(spec, image, folder.path(), &folder.path().join("forensics"))?;
        scene.disks = scene.data_disks(Disk::make_sparse)?;
        scene.give(&[])?;
        let (version, _) = Machine::rehearse(&scene.boots(self))?;
        Ok(version)
    }

    fn boot_room(&self, environment: &str, logs: &Path, forensics: &Path) -> Result<Booted, NotBooted> {
        let unknown = || TestbedError::Unknown(environment.to_owned());
        match self.stage.room(environment).ok_or_else(unknown)?.ready()? {
            Place::Host(host) => Ok(self.boot_nothing(host)),
            Place::Guests(spec) if spec.is_offline() => Ok(self.boot_offline(spec, (logs, forensics))?),
            Place::Guests(spec) if spec.crowd.is_some() => self.boot_crowd(spec, logs, forensics),
            Place::Guests(spec) => self.boot_guests(spec, logs, forensics),
        }
    }

    fn boot_guests(
        &self,
        spec: &EnvironmentSpec,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Booted, NotBooted> {
        let image = self.image.as_ref().ok_or_else(no_image)?;
        let mut scene = self.scene(spec, image, logs, forensics)?;
        scene.disks = scene.data_disks(Disk::make)?;
        let images = scene.images()?;
        let own_cpus = self.stay_off(&scene);
        let earlier = self.boot_earlier(&scene)?;
        let tracer = self.stage.needs.boot_trace.then(|| Tracer::start(logs));
        let booted = Machine::boot_all_or_rest(&scene.boots(self));
        // QEMU has opened it: the room is free again when QEMU is gone, whatever happens to this process.
        let stays = !self.stage.needs.migrates;
        if stays {
            scene.disks.iter_mut().flatten().for_each(DiskFile::forget_names);
        }
        let mut machines = match booted {
            Ok(machines) => machines,
            Err(not_up) => {
                let NotUp { error, machines } = *not_up;
                let rest = GuestLab::new(scene, machines, self.stage.cache.clone()).ok().map(Box::new);
                return Err(NotBooted { error: Box::new(error.into()), rest });
            }
        };
        let seconds = machines.iter().map(|m| m.boot_seconds).fold(0.0, f64::max);
        self.reckon_with(&scene, &machines, &earlier);
        // Of the server's guest, whose console it is.
        let trace = tracer.zip(machines.first()).map(|(tracer, m)| tracer.finish(m.started, m.boot_seconds));
        let brought = machines.iter_mut().map(|machine| self.bring(spec, machine)).collect();
        if stays {
            scene.guests.iter_mut().for_each(|guest| guest.overlay = None);
        }
        let image = scene.server().map_or_else(|| image.clone(), |(_, here)| here.image.clone());
        let mut lab = GuestLab::new(scene, machines, self.stage.cache.clone())?;
        (lab.trace, lab.brought, lab.images) = (trace, Arc::clone(&self.brought), images);
        lab.earlier_boots_of(&earlier);
        match self.acquaint(&mut lab, &image, own_cpus, brought) {
            Ok((facts, sysinfo)) => Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo }),
            Err(error) => Err(NotBooted { error: Box::new(error), rest: Some(Box::new(lab)) }),
        }
    }

    /// What is known of guests that are up, and files for the repeat's `sysinfo/`.
    fn acquaint(
        &self,
        lab: &mut GuestLab,
        image: &Image,
        own_cpus: String,
        brought: Result<Vec<Files>, TestbedError>,
    ) -> Result<(Fingerprint, Files), TestbedError> {
        let logs_of_builds = brought?;
        if self.stage.needs.boot_trace {
            lab.ask_of_boot(image)?;
        }
        // An idle guest answers quickly, which tells its clock for later, when it does not.
        lab.snapshot().map_err(GuestError::Died)?;
        let (mut facts, dmesg) = self.facts(lab, image)?;
        if let Some(source) = lab.kvm.source() {
            facts.set("kvm.counters", source.to_string());
        }
        lab.disk_facts(&mut facts);
        facts.set("placement.perfvt", own_cpus);
        for (metric, reason) in lab.absent() {
            facts.set(format!("absent.{metric}"), reason);
        }
        let mut sysinfo = lab.sysinfo(&facts, dmesg);
        sysinfo.extend(self.brought.logs());
        sysinfo.extend(logs_of_builds.into_iter().flatten());
        Ok((facts, sysinfo))
    }

    /// Gives a guest what the user brings, with the logs of what was built in it.
    fn bring(&self, spec: &EnvironmentSpec, machine: &mut Machine) -> Result<Files, TestbedError> {
        match machine.os {
            Os::Linux if self.brought.disk().is_some() => {
                machine.run(&["perfvt-brought"], machine.soon())?;
                Ok(self.brought.make(&spec.brings, machine)?)
            }
            Os::Linux => Ok(Vec::new()),
            Os::Windows => {
                self.brought.put(&spec.brings, machine)?;
                Ok(Vec::new())
            }
        }
    }

    /// A boot of a workload that measures the host alone. It has the CPUs that QEMU and the client would have had, and no
    /// vCPU's: a guest of somebody else's may be there.
    fn boot_nothing(&self, host: &HostSpec) -> Booted {
        let cache = self.stage.cache.clone();
        let parts = HostParts { cache, spec: host.clone(), brought: Arc::clone(&self.brought) };
        let mut facts = self.host_facts();
        facts.extend(self.brought.facts(&host.brings));
        host_lab::boot(parts, facts, &self.stage.needs)
    }

    /// Keeps perfvt itself off the CPUs of vCPUs: its threads stay with QEMU's others and the client. Gives where they are.
    fn stay_off(&self, scene: &Scene) -> String {
        let cpus =
            if scene.own_cpus.is_empty() { self.stage.topology.cpus() } else { scene.own_cpus.clone() };
        pin_self(&cpus).join(" ")
    }
}

/// Guests that did not come up, and what runs of them.
struct NotBooted {
    error: Box<TestbedError>,
    rest: Option<Box<GuestLab>>,
}

impl<E: Into<TestbedError>> From<E> for NotBooted {
    fn from(error: E) -> NotBooted {
        NotBooted { error: Box::new(error.into()), rest: None }
    }
}

impl Booter for Testbed {
    fn boot(&mut self, environment: &str, logs: &Path, forensics: &Path) -> Result<Booted, Unbooted> {
        self.boot_room(environment, logs, forensics).map_err(|NotBooted { error, rest }| {
            let failed = match &*error {
                TestbedError::Guest(guest) => guest.failure(),
                TestbedError::Client(error) => of_remote(error),
                // Everything else is the host's, or the request's.
                _ => Failed::new(Code::Host, error.to_string()),
            };
            Unbooted { failed, rest: rest.map(|lab| lab as Box<dyn Lab>) }
        })
    }
}

/// Guests are booted with perfvt's own image, whatever they have beside it.
fn no_image() -> TestbedError {
    TestbedError::Tool("perfvt's own image is not there, and guests need it".into())
}

/// A private folder for files that nobody wants to keep.
fn scratch() -> Result<PrivateFolder, GuestError> {
    private_folder().map_err(|source| GuestError::Io {
        doing: "creating a folder in",
        path: std::env::temp_dir(),
        source,
    })
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod windows_tests;
