//! The real thing: guests under QEMU on this host, and a [`crate::lab::Lab`] on top of each boot.
//!
//! ```text
//!   environment (hardware, placement) ──> scene (network, folders) ──> machines ──> lab
//!                                                                                   clients <────┘
//! ```

mod claims;
mod client;
mod clock;
mod facts;
mod failures;
mod host_lab;
mod lab;
mod nics;
mod obstacles;
mod remote;
mod scene;
mod shell;
mod trace;

pub use claims::{claims, clients_are_remote};
pub use obstacles::{Obstacles, obstacles};
pub use shell::{Alone, guest_params};

use crate::brought::{Brought, BroughtError};
use crate::environment::{EnvironmentError, EnvironmentSpec, Ground, pin};
use crate::lab::{Booted, Booter, Failed, Lab};
use crate::parse::deadlines;
use crate::workload::Needs;
use host_lab::HostParts;
use lab::GuestLab;
use model::{Accel, CampaignFile, Code, Params};
use process::{PrivateFolder, private_folder};
use remote::of_remote;
use scene::Scene;
use std::path::Path;
use std::sync::Arc;
use trace::Tracer;
use vm::guest::disk::{Disk, DiskError};
use vm::guest::image::{Cache, Image, ImageError};
use vm::guest::machine::{GuestError, Machine};
use vm::guest::os::Os;
use vm::host::placement::pin_self;
use vm::host::topology::{Topology, TopologyError};
use vm::ssh::SshError;

/// What is the same for all guests of a campaign.
pub struct Testbed {
    /// perfvt's own image; `None` where only the host is measured.
    image: Option<Image>,
    cache: Cache,
    accel: Accel,
    topology: Topology,
    /// What the workload needs.
    needs: Needs,
    /// What the user brings.
    brought: Arc<Brought>,
    allow_unpinned: bool,
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
    /// The client's host.
    #[error("the client's host: {0}")]
    Client(Box<SshError>),
    /// A kernel of the user's for the built-in guest.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The data disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What the user brings.
    #[error(transparent)]
    Brought(#[from] BroughtError),
    /// QEMU, its network, or the guest.
    #[error(transparent)]
    Guest(#[from] GuestError),
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
    /// A testbed on this host. `name` is the campaign's; without an image every boot is a round on the host.
    pub fn new(
        cache: &Cache,
        image: Option<Image>,
        accel: Accel,
        needs: Needs,
        allow_unpinned: bool,
        name: &str,
    ) -> Result<Testbed, TestbedError> {
        let gather = if image.is_some() { Brought::gather } else { Brought::find };
        let brought = Arc::new(gather(cache, &needs.brings)?);
        Ok(Testbed {
            image,
            cache: cache.clone(),
            accel,
            topology: Topology::here()?,
            needs,
            brought,
            allow_unpinned,
            name: name.to_owned(),
        })
    }

    /// The environment that parameters describe here.
    fn spec(&self, params: &Params) -> Result<EnvironmentSpec, EnvironmentError> {
        EnvironmentSpec::of(params, &self.ground())
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            topology: &self.topology,
            cache: &self.cache,
            accel: self.accel,
            needs: &self.needs,
            allow_unpinned: self.allow_unpinned,
        }
    }

    /// Starts the guests of every environment as they will be booted, placed and plugged, and ends them before they run:
    /// what QEMU or the host refuses is found here, before anything is planned on disk. Gives QEMU's versions.
    pub fn rehearse(&self, file: &CampaignFile) -> Result<Vec<String>, RehearsalError> {
        let mut versions = Vec::new();
        for environment in &file.environments {
            let params = environment.to_params();
            let wrong = |source: TestbedError| RehearsalError {
                environment: environment.name.clone(),
                source: Box::new(source),
            };
            versions.push(self.rehearse_one(&params).map_err(wrong)?);
        }
        Ok(versions)
    }

    fn rehearse_one(&self, params: &Params) -> Result<String, TestbedError> {
        let Some(image) = &self.image else { return host_lab::rehearse(&self.cache, &self.needs) };
        let folder = scratch()?;
        let spec = self.spec(params)?;
        let mut scene = self.scene(spec, image, folder.path(), &folder.path().join("forensics"))?;
        scene.disk = scene.data_disk(Disk::make_sparse)?;
        let (version, _) = Machine::rehearse(&scene.boots(self))?;
        Ok(version)
    }

    fn boot_guests(
        &mut self,
        params: &Params,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Booted, TestbedError> {
        let Some(image) = &self.image else { return self.boot_nothing(params) };
        let mut scene = self.scene(self.spec(params)?, image, logs, forensics)?;
        scene.disk = scene.data_disk(Disk::make)?;
        let own_cpus = self.stay_off(&scene);
        let tracer = self.needs.boot_trace.then(|| Tracer::start(logs));
        let mut machines = Machine::boot_all(&scene.boots(self))?;
        let seconds = machines.iter().map(|m| m.boot_seconds).fold(0.0, f64::max);
        let trace = tracer.map(|tracer| tracer.finish(seconds));
        // QEMU has opened it: the room is free again when QEMU is gone, whatever happens to this process.
        drop(scene.disk.take());
        let mut logs_of_builds = Vec::new();
        for machine in &mut machines {
            match machine.os {
                Os::Linux if self.brought.disk().is_some() => {
                    machine.run(&["perfvt-brought"], machine.soon())?;
                    logs_of_builds.extend(self.brought.make(params, machine)?);
                }
                Os::Linux => {}
                Os::Windows => self.brought.put(params, machine)?,
            }
        }
        scene.guests.iter_mut().for_each(|guest| guest.overlay = None);
        let image = scene.server().map_or_else(|| image.clone(), |(_, here)| here.image.clone());
        let mut lab = GuestLab::new(scene, machines, params, self.cache.clone())?;
        (lab.trace, lab.brought) = (trace, Arc::clone(&self.brought));
        // An idle guest answers quickly, which tells its clock for later, when it does not.
        lab.snapshot().map_err(GuestError::Died)?;
        let (mut facts, dmesg) = self.facts(&mut lab, params, &image)?;
        if let Some(source) = lab.kvm.source() {
            facts.set("kvm.counters", source.to_string());
        }
        facts.set("placement.perfvt", own_cpus);
        for (metric, reason) in lab.absent() {
            facts.set(format!("absent.{metric}"), reason);
        }
        let mut sysinfo = lab.sysinfo(&facts, dmesg);
        sysinfo.extend(self.brought.logs());
        sysinfo.extend(logs_of_builds);
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }

    /// A boot of a workload that measures the host alone. It has the CPUs that QEMU and the client would have had, and no
    /// vCPU's: a guest of somebody else's may be there.
    fn boot_nothing(&self, params: &Params) -> Result<Booted, TestbedError> {
        let cpus = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned)?.own_cpus();
        let deadlines = deadlines(params, Accel::Kvm).map_err(EnvironmentError::from)?;
        let parts = HostParts { cache: self.cache.clone(), cpus, brought: Arc::clone(&self.brought) };
        let mut facts = self.host_facts();
        facts.extend(self.brought.facts(params));
        Ok(host_lab::boot(params, deadlines, parts, facts, &self.needs))
    }

    /// Keeps perfvt itself off the CPUs of vCPUs: its threads stay with QEMU's others and the client. Gives where they are.
    fn stay_off(&self, scene: &Scene) -> String {
        let cpus = if scene.own_cpus.is_empty() { self.topology.cpus() } else { scene.own_cpus.clone() };
        pin_self(&cpus).join(" ")
    }
}

impl Booter for Testbed {
    fn boot(&mut self, params: &Params, logs: &Path, forensics: &Path) -> Result<Booted, Failed> {
        self.boot_guests(params, logs, forensics).map_err(|error| match &error {
            TestbedError::Guest(guest) => guest.failure(),
            TestbedError::Client(error) => of_remote(error),
            // Everything else is the host's, or the request's.
            _ => Failed::new(Code::Host, error.to_string()),
        })
    }
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
