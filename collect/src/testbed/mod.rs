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
mod trace;

pub use claims::{claims, clients_are_remote};
pub use describe::{hardware, pin, vcpu_list};

use crate::accel::Accel;
use crate::brought::{Brought, BroughtError};
use crate::campaign::{Booted, Booter, to_params};
use crate::cartesian::Objects;
use crate::deadlines::Deadlines;
use crate::guest::argv::{self, BootFiles, Hardware, Wiring};
use crate::guest::channel::Reply;
use crate::guest::disk::{Disk, DiskError, DiskFile};
use crate::guest::image::{Cache, Image, host_program};
use crate::guest::machine::{BootSpec, GuestError, Machine};
use crate::guest::network::{Kind, Layout, Network, Wires};
use crate::host::fingerprint;
use crate::host::pin::{GuestPlan, PinPlan, Shortage};
use crate::host::placement::pin_thread;
use crate::host::topology::{Topology, TopologyError};
use crate::lab::{Failed, Lab};
use crate::process::{PrivateFolder, Spec, private_folder};
use crate::ssh::SshError;
use crate::workload::Needs;
use lab::GuestLab;
use model::{CampaignFile, Code, CpuId, EnvironmentPlan, Fingerprint, Params, ParamsError, Phase};
use remote::{RemoteHost, of_remote};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trace::Tracer;

/// The campaign's name in the command line that the fingerprint has a hash of: the same in every campaign.
const CANONICAL: &str = "NAME";
/// QEMU where nobody asked for another one.
pub const QEMU: &str = "qemu-system-x86_64";
const SOON: Duration = Duration::from_secs(20);

/// What is the same for all guests of a campaign.
pub struct Testbed {
    image: Image,
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
    pub source: TestbedError,
}

impl Testbed {
    /// A testbed on this host. `name` is the campaign's.
    pub fn new(
        cache: &Cache,
        image: Image,
        accel: Accel,
        needs: Needs,
        allow_unpinned: bool,
        name: &str,
    ) -> Result<Testbed, TestbedError> {
        let brought = Arc::new(Brought::gather(cache, &needs.brings)?);
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
            let wrong =
                |source: TestbedError| RehearsalError { environment: environment.name.clone(), source };
            versions.push(self.rehearse_one(&params).map_err(wrong)?);
        }
        Ok(versions)
    }

    fn rehearse_one(&self, params: &Params) -> Result<String, TestbedError> {
        if !self.needs.guest {
            return host_lab::rehearse(&self.cache, &self.needs);
        }
        let folder = scratch()?;
        let mut scene = self.scene(params, folder.path(), &folder.path().join("forensics"))?;
        scene.disk = Disk::of(params)?.map(|disk| disk.make_sparse()).transpose()?;
        if let Some(host) = RemoteHost::of(&scene.network.layout, params)? {
            for tool in &self.needs.host_tools {
                host.tool(tool)?;
            }
        }
        let (version, _) = Machine::rehearse(&scene.specs(self, Duration::from_secs(30))?)?;
        Ok(version)
    }

    /// Network, placement and folders of one boot.
    fn scene(&self, params: &Params, logs: &Path, forensics: &Path) -> Result<Scene, TestbedError> {
        let layout = Layout::of(params).map_err(GuestError::Network)?;
        let plan = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned)?;
        let network =
            Network::create(&layout, self.needs.sessions, &self.name).map_err(GuestError::Network)?;
        let mut guests = Vec::new();
        for plan in plan.guests {
            let own = |dir: &Path| if guests.is_empty() { dir.to_owned() } else { dir.join("client") };
            let (logs, forensics) = (own(logs), own(forensics));
            std::fs::create_dir_all(&logs).map_err(|source| GuestError::Io {
                doing: "creating",
                path: logs.clone(),
                source,
            })?;
            guests.push(SceneGuest { params: params.object_params(&plan.name), plan, logs, forensics });
        }
        Ok(Scene { network, guests, client: plan.client, disk: None })
    }

    fn boot_guests(
        &mut self,
        params: &Params,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Booted, TestbedError> {
        if !self.needs.guest {
            return self.boot_nothing(params);
        }
        let deadlines = Deadlines::of(params, self.accel)?;
        let deadline = match params.get("boot_timeout") {
            Some(_) => Duration::from_secs(params.number("boot_timeout", 1u64, "seconds, 1 or more")?),
            None => deadlines.within(Phase::Boot),
        };
        let mut scene = self.scene(params, logs, forensics)?;
        scene.disk = Disk::of(params)?.map(|disk| disk.make()).transpose()?;
        self.stay_off(&scene);
        let tracer = self.needs.boot_trace.then(|| Tracer::start(logs));
        let mut machines = Machine::boot_all(&scene.specs(self, deadline)?)?;
        let seconds = machines.iter().map(|m| m.boot_seconds).fold(0.0, f64::max);
        let trace = tracer.map(|tracer| tracer.finish(seconds));
        // QEMU has opened it: the room is free again when QEMU is gone, whatever happens to this process.
        drop(scene.disk.take());
        if self.brought.disk().is_some() {
            for machine in &mut machines {
                machine.run(&["perfvt-brought"], SOON)?;
            }
        }
        let mut lab = GuestLab::new(scene, machines, params, self.cache.clone(), self.accel, deadlines)?;
        (lab.trace, lab.brought) = (trace, Arc::clone(&self.brought));
        // An idle guest answers quickly, which tells its clock for later, when it does not.
        lab.snapshot().map_err(GuestError::Died)?;
        let (mut facts, dmesg) = self.facts(&mut lab, params);
        if let Some(source) = lab.kvm_source {
            facts.set("kvm.counters", source);
        }
        for (metric, reason) in lab.absent() {
            facts.set(format!("absent.{metric}"), reason);
        }
        let mut sysinfo = lab.sysinfo(&facts, dmesg);
        sysinfo.extend(self.brought.logs());
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }

    /// A boot of a workload that measures the host alone. It has the CPUs that guest and client would have had.
    fn boot_nothing(&self, params: &Params) -> Result<Booted, TestbedError> {
        let plan = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned)?;
        let mut cpus = plan.client.clone();
        for pins in plan.guests.iter().filter_map(|guest| guest.pins.as_ref()) {
            cpus.extend(pins.vcpus.iter().map(|(_, cpu)| *cpu).chain(pins.others()));
        }
        cpus.sort_unstable();
        cpus.dedup();
        let deadlines = Deadlines::of(params, Accel::Kvm)?;
        Ok(host_lab::boot(params, deadlines, self.cache.clone(), cpus, self.host_facts(), &self.needs))
    }

    /// Keeps perfvt itself off the CPUs of vCPUs: its threads stay with QEMU's others and the client.
    fn stay_off(&self, scene: &Scene) {
        let pinned = scene.guests.iter().filter_map(|guest| guest.plan.pins.as_ref());
        let mut cpus: Vec<CpuId> = pinned.flat_map(|pins| pins.emulator.clone()).collect();
        if cpus.is_empty() {
            cpus = self.topology.cpus();
        } else {
            cpus.extend(&scene.client);
        }
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        for thread in tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()) {
            // A thread may end meanwhile; one that cannot be moved shows in the time that others used on pinned CPUs.
            let _ = pin_thread(thread, &cpus);
        }
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
    fn facts(&self, lab: &mut GuestLab, params: &Params) -> (Fingerprint, String) {
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
        if let Ok(lines) = plan.and_then(|plan| command_lines(params, &plan, self.accel, CANONICAL)) {
            let hash = blake3::hash(lines.join("\n").as_bytes()).to_hex();
            facts.set("qemu.argv", hash.chars().take(16).collect::<String>());
        }
        facts.set("accel", self.accel.to_string());
        facts.set("network", lab.network.layout.kinds());
        facts.set("guest.kernel", &lab.machine.ready.kernel);
        facts.set("guest.image", &self.image.hash);
        for (tool, version) in &self.image.packages {
            facts.set(format!("guest.package.{tool}"), version);
        }
        if let Ok(version) = lab.machine.qmp().execute("query-version", json!({}), SOON) {
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
        (facts, told.dmesg)
    }
}

/// What one boot is made of, before anything of it runs.
struct Scene {
    network: Network,
    guests: Vec<SceneGuest>,
    /// CPUs of a client on this host.
    client: Vec<CpuId>,
    /// The server guest's data disk.
    disk: Option<DiskFile>,
}

/// One guest of a boot: its own parameters, its place, and where its files go.
struct SceneGuest {
    params: Params,
    plan: GuestPlan,
    logs: PathBuf,
    forensics: PathBuf,
}

impl Scene {
    fn specs<'a>(
        &'a self,
        testbed: &'a Testbed,
        deadline: Duration,
    ) -> Result<Vec<BootSpec<'a>>, ParamsError> {
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
                image: &testbed.image,
                with_tools: testbed.needs.tools,
                disk: self.disk.as_ref().map(DiskFile::path),
                listens: testbed.needs.boot_trace && index == 0,
                log_dir: &guest.logs,
                forensics: &guest.forensics,
                deadline,
            })
        };
        self.guests.iter().enumerate().map(spec).collect()
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
    accel: Accel,
    name: &str,
) -> Result<Vec<String>, TestbedError> {
    command_lines(&to_params(environment), plan, accel, name)
}

/// The same for parameters. Ports are free ones, except in the canonical command line, where they are always the same.
fn command_lines(
    params: &Params,
    plan: &PinPlan,
    accel: Accel,
    name: &str,
) -> Result<Vec<String>, TestbedError> {
    let layout = Layout::of(params).map_err(GuestError::Network)?;
    let mut wires = Wires::new(&layout, 1, name, PathBuf::from("BOOT")).map_err(GuestError::Network)?;
    if name == CANONICAL {
        (wires.control_port, wires.data_ports) = (1, vec![2]);
    }
    let files = BootFiles::in_dir(Path::new("BOOT"), Path::new("IMAGE"));
    let mut lines = Vec::new();
    for (guest, plan) in plan.guests.iter().enumerate() {
        let own = params.object_params(&plan.name);
        let hardware = hardware(&own, accel, plan)?;
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

/// Boots the built-in guest, runs one command in it, and ends it.
pub fn one_command(image: &Image, argv: &[&str]) -> Result<Reply, GuestError> {
    let network = Network::create(&Layout::simple(Kind::User), 1, "shell")?;
    let logs = scratch()?;
    let mut machine = Machine::boot(&BootSpec {
        qemu: QEMU,
        hardware: Hardware::plain(Accel::Tcg),
        pin: None,
        network: &network,
        guest: 0,
        image,
        with_tools: true,
        disk: None,
        listens: false,
        log_dir: logs.path(),
        forensics: &logs.path().join("forensics"),
        deadline: Deadlines::usual(Accel::Tcg).within(Phase::Boot),
    })?;
    let reply = machine.exec(argv, Duration::from_secs(24 * 3600));
    machine.quit();
    reply
}

/// Boots the built-in guest with a shell on its console, which is the terminal that perfvt runs in. True when QEMU
/// ended well.
pub fn console(image: &Image) -> Result<bool, GuestError> {
    let network = Network::create(&Layout::simple(Kind::User), 1, "shell")?;
    let argv = argv::console(&Hardware::plain(Accel::Tcg), image, network.wiring(0));
    let mut qemu = Spec::new(QEMU).args(argv).foreground().start()?;
    loop {
        if let Some(status) = qemu.wait_until(Instant::now() + Duration::from_secs(3600)) {
            return Ok(status.success());
        }
    }
}
