//! The real thing: guests under QEMU on this host, and a [`crate::lab::Lab`] on top of each boot.
//!
//! ```text
//!   parameters ──> describe (hardware, placement) ──> scene (network, folders) ──> machines ──> lab
//!                                                                                   clients <────┘
//! ```

mod claims;
mod client;
mod clock;
mod describe;
mod host_lab;
mod lab;
mod nics;
mod remote;
mod shell;
mod trace;

pub use claims::{claims, clients_are_remote};
pub use describe::{hardware, pin, vcpu_list};
pub use shell::{console, guest_params, one_command};

use crate::accel::Accel;
use crate::brought::{Brought, BroughtError};
use crate::campaign::{Booted, Booter, to_params};
use crate::cartesian::Objects;
use crate::deadlines::{Deadlines, HOST_ANSWER};
use crate::guest::argv::{self, BootFiles, System, Wiring};
use crate::guest::definition::{Definition, own_kernel};
use crate::guest::disk::{Disk, DiskError, DiskFile};
use crate::guest::enter::Own;
use crate::guest::fit;
use crate::guest::identity::identity;
use crate::guest::image::{Cache, Image, ImageError, builtin_with, host_program};
use crate::guest::machine::{BootSpec, GuestError, Machine};
use crate::guest::network::{Layout, Network, Wires, free_ports};
use crate::guest::os::Os;
use crate::guest::overlay::Overlay;
use crate::host::fingerprint;
use crate::host::pin::{GuestPlan, PinPlan, Shortage};
use crate::host::placement::pin_self;
use crate::host::topology::{Topology, TopologyError};
use crate::lab::{Failed, Lab};
use crate::process::{PrivateFolder, private_folder};
use crate::ssh::SshError;
use crate::workload::Needs;
use host_lab::HostParts;
use lab::GuestLab;
use model::{CampaignFile, Code, CpuId, EnvironmentPlan, Fingerprint, Params, ParamsError};
use remote::{RemoteHost, of_remote};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trace::Tracer;

/// The campaign's name in the command line that the fingerprint has a hash of: the same in every campaign.
const CANONICAL: &str = "NAME";
/// QEMU where nobody asked for another one.
pub const QEMU: &str = "qemu-system-x86_64";

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
    /// Too few CPUs.
    #[error(transparent)]
    Shortage(#[from] Shortage),
    /// A parameter.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A guest that cannot be.
    #[error("{0}")]
    Hardware(String),
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

    /// Starts the guests of every environment as they will be booted, placed and plugged, and ends them before they run:
    /// what QEMU or the host refuses is found here, before anything is planned on disk. Gives QEMU's versions.
    pub fn rehearse(&self, file: &CampaignFile) -> Result<Vec<String>, RehearsalError> {
        let mut versions = Vec::new();
        for environment in &file.environments {
            let params = to_params(environment);
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
        let mut scene = self.scene(params, image, folder.path(), &folder.path().join("forensics"))?;
        let deadlines = Deadlines::of(params, self.accel)?;
        scene.disk = Disk::of(params)?.map(|disk| disk.make_sparse(&deadlines)).transpose()?;
        if let Some(host) = RemoteHost::of(&scene.network.layout, params)? {
            for tool in &self.needs.host_tools {
                host.tool(tool)?;
            }
        }
        scene.layer(&deadlines)?;
        let (version, _) = Machine::rehearse(&scene.specs(self, deadlines)?)?;
        Ok(version)
    }

    /// Network, placement and folders of one boot.
    fn scene(
        &self,
        params: &Params,
        image: &Image,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Scene, TestbedError> {
        let layout = Layout::of(params).map_err(GuestError::Network)?;
        let plan = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned)?;
        let network =
            Network::create(&layout, self.needs.sessions, &self.name).map_err(GuestError::Network)?;
        let own_cpus = plan.own_cpus();
        let mut guests = Vec::new();
        for plan in plan.guests {
            let own = |dir: &Path| if guests.is_empty() { dir.to_owned() } else { dir.join("client") };
            let (logs, forensics) = (own(logs), own(forensics));
            std::fs::create_dir_all(&logs).map_err(|source| GuestError::Io {
                doing: "creating",
                path: logs.clone(),
                source,
            })?;
            let params = params.object_params(&plan.name);
            let own = Definition::of(&params, &self.cache)?;
            if own.as_ref().is_some_and(|own| own.os == Os::Windows) {
                fit::check_links(&layout, guests.len())?;
            }
            let port = free_ports(1).map_err(GuestError::Network)?.first().copied().unwrap_or_default();
            let image = match own_kernel(&params)? {
                Some(kernel) => builtin_with(&self.cache, Some(&kernel))?,
                None => image.clone(),
            };
            guests.push(SceneGuest { params, image, own, port, overlay: None, plan, logs, forensics });
        }
        Ok(Scene { network, guests, client: plan.client, own_cpus, disk: None })
    }

    fn boot_guests(
        &mut self,
        params: &Params,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Booted, TestbedError> {
        let Some(image) = &self.image else { return self.boot_nothing(params) };
        let mut scene = self.scene(params, image, logs, forensics)?;
        let deadlines = Deadlines::of(params, self.accel)?;
        scene.disk = Disk::of(params)?.map(|disk| disk.make(&deadlines)).transpose()?;
        scene.layer(&deadlines)?;
        let own_cpus = self.stay_off(&scene);
        let tracer = self.needs.boot_trace.then(|| Tracer::start(logs));
        let mut machines = Machine::boot_all(&scene.specs(self, deadlines)?)?;
        let seconds = machines.iter().map(|m| m.boot_seconds).fold(0.0, f64::max);
        let trace = tracer.map(|tracer| tracer.finish(seconds));
        // QEMU has opened it: the room is free again when QEMU is gone, whatever happens to this process.
        drop(scene.disk.take());
        for machine in &mut machines {
            match machine.os {
                Os::Linux if self.brought.disk().is_some() => {
                    machine.run(&["perfvt-brought"], machine.soon())?;
                }
                Os::Linux => {}
                Os::Windows => self.brought.put(params, machine)?,
            }
        }
        scene.guests.iter_mut().for_each(|guest| guest.overlay = None);
        let server = scene.guests.first();
        let definition = server.and_then(|guest| guest.own.clone());
        let image = server.map_or_else(|| image.clone(), |guest| guest.image.clone());
        let mut lab = GuestLab::new(scene, machines, params, self.cache.clone(), self.accel, deadlines)?;
        (lab.trace, lab.brought) = (trace, Arc::clone(&self.brought));
        // An idle guest answers quickly, which tells its clock for later, when it does not.
        lab.snapshot().map_err(GuestError::Died)?;
        let (mut facts, dmesg) = self.facts(&mut lab, params, (&image, definition.as_ref()))?;
        if let Some(source) = lab.kvm.source() {
            facts.set("kvm.counters", source.to_string());
        }
        facts.set("placement.perfvt", own_cpus);
        for (metric, reason) in lab.absent() {
            facts.set(format!("absent.{metric}"), reason);
        }
        let mut sysinfo = lab.sysinfo(&facts, dmesg);
        sysinfo.extend(self.brought.logs());
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }

    /// A boot of a workload that measures the host alone. It has the CPUs that guest and client would have had.
    fn boot_nothing(&self, params: &Params) -> Result<Booted, TestbedError> {
        let cpus = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned)?.cpus();
        let deadlines = Deadlines::of(params, Accel::Kvm)?;
        let parts = HostParts { cache: self.cache.clone(), cpus, brought: Arc::clone(&self.brought) };
        let mut facts = self.host_facts();
        facts.0.extend(self.brought.facts(params).0);
        Ok(host_lab::boot(params, deadlines, parts, facts, &self.needs))
    }

    /// Keeps perfvt itself off the CPUs of vCPUs: its threads stay with QEMU's others and the client. Gives where they are.
    fn stay_off(&self, scene: &Scene) -> String {
        let cpus = if scene.own_cpus.is_empty() { self.topology.cpus() } else { scene.own_cpus.clone() };
        pin_self(&cpus).join(" ")
    }

    /// The host, and its programs that the workload uses, by version and hash. Read again for each boot: a governor, say,
    /// may have changed since the last one.
    fn host_facts(&self) -> Fingerprint {
        let mut facts = fingerprint::host(Path::new("/"));
        facts.0.extend(fingerprint::host_nics(&self.topology).0);
        for tool in &self.needs.host_tools {
            if let Ok(program) = host_program(&self.cache, tool) {
                facts.set(format!("tool.{tool}"), &program.version);
                facts.set(
                    format!("tool.{tool}.hash"),
                    fingerprint::hash_file(&program.path).unwrap_or_default(),
                );
            }
        }
        facts
    }

    /// Facts of host, QEMU and guest, and the log of the guest's kernel.
    fn facts(
        &self,
        lab: &mut GuestLab,
        params: &Params,
        (image, own): (&Image, Option<&Definition>),
    ) -> Result<(Fingerprint, String), TestbedError> {
        let mut facts = self.host_facts();
        if let Some(host) = &lab.remote {
            // The workload's tools are those of the client's host.
            facts.0.retain(|name, _| !name.starts_with("tool."));
            facts.0.extend(host.facts(&self.needs.host_tools).0);
        }
        let told = lab.guest_facts();
        facts.0.extend(told.facts.0);
        facts.0.extend(self.brought.facts(params).0);
        let plan = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned);
        if let Ok(lines) =
            plan.and_then(|plan| command_lines(params, &plan, &self.cache, self.accel, CANONICAL))
        {
            let hash = blake3::hash(lines.join("\n").as_bytes()).to_hex();
            facts.set("qemu.argv", hash.chars().take(16).collect::<String>());
        }
        facts.set("accel", self.accel.to_string());
        facts.set("network", lab.network.layout.kinds());
        facts.set("guest.kernel", &lab.machine.ready.kernel);
        match own {
            Some(own) => self.facts_of(own, image, &mut facts)?,
            None => {
                facts.set("guest.image", &image.hash);
                for (tool, version) in &image.packages {
                    facts.set(format!("guest.package.{tool}"), version);
                }
            }
        }
        if let Ok(version) = lab.machine.qmp().execute("query-version", json!({}), HOST_ANSWER) {
            let number = |part: &str| version.pointer(&format!("/qemu/{part}")).and_then(|n| n.as_u64());
            if let (Some(major), Some(minor), Some(micro)) =
                (number("major"), number("minor"), number("micro"))
            {
                let package = version.get("package").and_then(|p| p.as_str()).unwrap_or_default();
                facts.set("qemu.version", format!("{major}.{minor}.{micro} {package}"));
            }
        }
        let placement = lab.machine.placement();
        match lab.pins.first() {
            Some(Some(_)) => {
                facts.set("placement.cpus", placement.cpus());
                facts.set("placement.memory", placement.memory());
            }
            _ => facts.set("placement.cpus", "unpinned"),
        }
        Ok((facts, told.dmesg))
    }

    /// What a guest of the user's was booted from.
    fn facts_of(&self, own: &Definition, tools: &Image, facts: &mut Fingerprint) -> Result<(), TestbedError> {
        let hash = |path: &Path| {
            identity(&self.cache, path).map_err(|source| DiskError::Image { image: path.to_owned(), source })
        };
        facts.set("guest.image", hash(&own.image)?);
        for (fact, file) in [("guest.image.kernel", &own.kernel), ("guest.image.initrd", &own.initrd)] {
            if let Some(file) = file {
                facts.set(fact, hash(file)?);
            }
        }
        facts.set("guest.tools", &tools.hash);
        Ok(())
    }
}

/// What one boot is made of, before anything of it runs.
struct Scene {
    network: Network,
    guests: Vec<SceneGuest>,
    /// CPUs of a client on this host.
    client: Vec<CpuId>,
    /// CPUs of perfvt itself.
    own_cpus: Vec<CpuId>,
    /// The server guest's data disk.
    disk: Option<DiskFile>,
}

/// One guest of a boot: its own parameters, its place, and where its files go.
struct SceneGuest {
    params: Params,
    /// Kernel, RAM disk and tools disk of perfvt's own.
    image: Image,
    /// A guest of the user's; `None` for the built-in one.
    own: Option<Definition>,
    /// The layer above its image.
    overlay: Option<Overlay>,
    /// The port at which its ssh server is reached.
    port: u16,
    plan: GuestPlan,
    logs: PathBuf,
    forensics: PathBuf,
}

impl Scene {
    /// Makes a layer for each guest of the user's.
    fn layer(&mut self, deadlines: &Deadlines) -> Result<(), TestbedError> {
        for guest in &mut self.guests {
            if let Some(own) = &guest.own {
                let dir = Path::new(guest.params.text("disk_dir")?);
                guest.overlay = Some(Overlay::make(&own.image, dir, deadlines)?);
            }
        }
        Ok(())
    }

    fn specs<'a>(
        &'a self,
        testbed: &'a Testbed,
        deadlines: Deadlines,
    ) -> Result<Vec<BootSpec<'a>>, ParamsError> {
        let deadline = deadlines.boot(self.guests.iter().any(|guest| guest.own.is_some()));
        let spec = |(index, guest): (usize, &'a SceneGuest)| {
            let mut hardware = hardware(&guest.params, testbed.accel, &guest.plan)?;
            if index > 0 {
                // Only the guest that is measured has a data disk.
                hardware.disk = None;
            }
            hardware.extra.extend(testbed.brought.arguments());
            Ok(BootSpec {
                qemu: guest.params.text("qemu_binary")?,
                hardware,
                pin: guest.plan.pins.clone(),
                network: &self.network,
                guest: index,
                image: &guest.image,
                own: guest.entrance(),
                with_tools: testbed.needs.tools,
                disk: self.disk.as_ref().map(DiskFile::path),
                listens: testbed.needs.boot_trace && index == 0,
                log_dir: &guest.logs,
                forensics: &guest.forensics,
                deadlines,
                deadline,
            })
        };
        self.guests.iter().enumerate().map(spec).collect()
    }
}

impl SceneGuest {
    fn entrance(&self) -> Option<Own<'_>> {
        let (definition, overlay) = (self.own.as_ref()?, self.overlay.as_ref()?.path());
        Some(Own { definition, overlay, port: self.port })
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

/// QEMU's command line for each guest of an environment, for people: the files of a boot stand as they will be called.
pub fn preview(
    environment: &EnvironmentPlan,
    plan: &PinPlan,
    cache: &Cache,
    accel: Accel,
    name: &str,
) -> Result<Vec<String>, TestbedError> {
    command_lines(&to_params(environment), plan, cache, accel, name)
}

/// The same for parameters. Ports are free ones, except in the canonical command line, where they are always the same.
fn command_lines(
    params: &Params,
    plan: &PinPlan,
    cache: &Cache,
    accel: Accel,
    name: &str,
) -> Result<Vec<String>, TestbedError> {
    let layout = Layout::of(params).map_err(GuestError::Network)?;
    let mut wires = Wires::new(&layout, 1, name, PathBuf::from("BOOT")).map_err(GuestError::Network)?;
    if name == CANONICAL {
        (wires.control_port, wires.data_ports) = (1, vec![2]);
    }
    let builtin = System::builtin(Path::new("IMAGE/vmlinux"), Path::new("IMAGE/initramfs.cpio"));
    let mut lines = Vec::new();
    for (guest, plan) in plan.guests.iter().enumerate() {
        let own = params.object_params(&plan.name);
        let hardware = hardware(&own, accel, plan)?;
        let definition = Definition::of(&own, cache)?;
        let system = definition.map_or_else(
            || builtin.clone(),
            |definition| definition.system(Path::new("overlay.qcow2"), 3).for_people(),
        );
        let files = BootFiles::in_dir(Path::new("BOOT"), system);
        let argv = argv::build(&hardware, &files, Wiring { layout: &layout, wires: &wires, guest });
        lines.push(format!("{} {}", own.text("qemu_binary")?, argv.join(" ")));
    }
    Ok(lines)
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
