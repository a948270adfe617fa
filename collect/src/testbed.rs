//! The real thing: guests under QEMU on this host, and a [`Lab`] on top of each.

use crate::accel::Accel;
use crate::campaign::runner::{Booted, Booter};
use crate::guest::argv::{self, BootFiles, Hardware};
use crate::guest::channel::Reply;
use crate::guest::image::{Cache, Image, host_program};
use crate::guest::machine::{BootSpec, GuestError, Machine};
use crate::guest::network::{Kind, Network};
use crate::host::fingerprint;
use crate::host::pin::{NodeChoice, PinPlan, Shortage, plan};
use crate::host::topology::{Topology, TopologyError};
use crate::lab::{Client, Failed, HostSample, Lab, Moment, Snapshot, Target};
use crate::process::{Running, Sink, Spec};
use formats::counters::CpuTicks;
use model::{CpuId, EnvironmentPlan, Fingerprint, Origin, Params, ParamsError};
use rustix::process::Signal;
use serde_json::json;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// QEMU where nobody asked for another one.
pub const QEMU: &str = "qemu-system-x86_64";
const SOON: Duration = Duration::from_secs(20);
/// What is read in the guest at both ends of a window, in one go.
const GUEST_COUNTERS: [&str; 4] = ["/proc/stat", "/proc/net/dev", "/proc/net/snmp", "/proc/interrupts"];

/// What is the same for all guests of a campaign.
pub struct Testbed {
    image: Image,
    cache: Cache,
    accel: Accel,
    topology: Topology,
    /// How many data connections a client may have at a time.
    sessions: usize,
    allow_unpinned: bool,
    host_facts: Fingerprint,
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
    /// QEMU, its network, or the guest.
    #[error(transparent)]
    Guest(#[from] GuestError),
}

/// Where one guest goes: its number of vCPUs, and the plan unless it runs unpinned.
pub fn pin(
    topology: &Topology,
    params: &Params,
    allow_unpinned: bool,
) -> Result<(usize, Option<PinPlan>), TestbedError> {
    let choice = NodeChoice::parse(params.text("numa_node")?).ok_or_else(|| {
        params.wrong("numa_node", "a whole number: -1 the last node, 1 the first, 0 no pinning")
    })?;
    let smp = match params.get("smp") {
        None => None,
        Some(_) => Some(params.number("smp", 1usize, "a number of vCPUs, 1 or more")?),
    };
    Ok(plan(topology, choice, smp, allow_unpinned)?)
}

/// The hardware that parameters describe.
pub fn hardware(
    params: &Params,
    accel: Accel,
    smp: usize,
    pin: Option<&PinPlan>,
) -> Result<Hardware, ParamsError> {
    let nics: Vec<&'static str> = crate::guest::argv::NIC_MODELS.iter().map(|(name, _)| *name).collect();
    Ok(Hardware {
        accel,
        machine: params.choice("machine", &["pc", "q35"])?.into(),
        cpu_model: params.text("cpu_model")?.into(),
        smp,
        mem_mib: params.number("mem", 128u64, "a number of MiB, 128 or more")?,
        memory_node: pin.map(|p| p.node),
        nic_model: params.choice("nic_model", &nics)?.into(),
        queues: params.number("queues", 1u32, "a number of queues, 1 or more")?,
        vhost: params.switch("vhost")?,
        extra: params.words("extra_args")?.into_iter().map(str::to_owned).collect(),
    })
}

impl Testbed {
    /// A testbed on this host.
    pub fn new(
        cache: &Cache,
        image: Image,
        accel: Accel,
        sessions: usize,
        allow_unpinned: bool,
    ) -> Result<Testbed, TestbedError> {
        Ok(Testbed {
            image,
            cache: cache.clone(),
            accel,
            topology: Topology::here()?,
            sessions,
            allow_unpinned,
            host_facts: fingerprint::host(Path::new("/")),
        })
    }

    fn boot_guest(&mut self, params: &Params, logs: &Path) -> Result<Booted, TestbedError> {
        let (smp, pin) = pin(&self.topology, params, self.allow_unpinned)?;
        let hardware = hardware(params, self.accel, smp, pin.as_ref())?;
        let deadline = match params.get("boot_timeout") {
            Some(_) => params.number("boot_timeout", 1u64, "seconds, 1 or more")?,
            None if self.accel == Accel::Kvm => 30,
            None => 120,
        };
        let kind = Kind::of(params)?;
        let network = Network::create(kind, self.sessions).map_err(GuestError::Network)?;
        let machine = Machine::boot(&BootSpec {
            qemu: params.text("qemu_binary")?,
            hardware,
            pin: pin.clone(),
            network: &network,
            image: &self.image,
            with_tools: false,
            log_dir: logs,
            deadline: Duration::from_secs(deadline),
        })?;
        let seconds = machine.boot_seconds;
        let mut lab = GuestLab {
            machine,
            network,
            pin,
            params: params.clone(),
            cache: self.cache.clone(),
            accel: self.accel,
        };
        let facts = self.facts(&mut lab);
        let sysinfo = lab.sysinfo(&facts);
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }

    fn facts(&self, lab: &mut GuestLab) -> Fingerprint {
        let mut facts = self.host_facts.clone();
        facts.set("accel", self.accel.to_string());
        facts.set("network", lab.network.kind.word());
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
        let mut placement = lab.machine.placement().summary();
        if lab.pin.is_none() {
            placement = "unpinned".into();
        }
        facts.set("placement", placement);
        facts
    }
}

impl Booter for Testbed {
    fn boot(
        &mut self,
        _environment: &EnvironmentPlan,
        params: &Params,
        logs: &Path,
    ) -> Result<Booted, String> {
        self.boot_guest(params, logs).map_err(|e| e.to_string())
    }
}

/// One running guest with its network.
struct GuestLab {
    /// First, so that QEMU is gone before the namespace that its tap lives in.
    machine: Machine,
    network: Network,
    pin: Option<PinPlan>,
    params: Params,
    cache: Cache,
    accel: Accel,
}

impl GuestLab {
    fn guest_failed(error: GuestError) -> Failed {
        use crate::guest::channel::ChannelError;
        match error {
            GuestError::Channel(ChannelError::Failed { .. }) => Failed::Case(error.to_string()),
            _ => Failed::Guest(error.to_string()),
        }
    }

    fn sysinfo(&mut self, facts: &Fingerprint) -> Vec<(String, String)> {
        let facts: String = facts.0.iter().map(|(k, v)| format!("{k}: {v}\n")).collect();
        let placement = serde_json::to_string_pretty(&self.machine.placement()).unwrap_or_default();
        let mut files = vec![
            ("facts.txt".to_owned(), facts),
            ("placement.json".to_owned(), placement),
            ("qemu.argv".to_owned(), self.machine.argv.join("\n")),
        ];
        for (name, argv) in [
            ("guest.cmdline", &["cat", "/proc/cmdline"][..]),
            ("guest.cpuinfo", &["cat", "/proc/cpuinfo"][..]),
            ("guest.dmesg", &["dmesg"][..]),
        ] {
            // Nice to have: a guest that cannot tell is still a guest to measure.
            if let Ok(text) = self.machine.run(argv, SOON) {
                files.push((name.to_owned(), text));
            }
        }
        files
    }

    fn exits(&mut self) -> Option<u64> {
        if self.accel != Accel::Kvm {
            return None;
        }
        let wanted = json!({"target": "vcpu", "providers": [{"provider": "kvm", "names": ["exits"]}]});
        let reply = self.machine.qmp().execute("query-stats", wanted, SOON).ok()?;
        let values = reply.as_array()?.iter().flat_map(|vcpu| vcpu.get("stats")?.as_array()).flatten();
        let mut sum = None;
        for value in values.filter(|s| s.get("name").and_then(|n| n.as_str()) == Some("exits")) {
            sum = Some(sum.unwrap_or(0u64).checked_add(value.get("value")?.as_u64()?)?);
        }
        sum
    }
}

impl Lab for GuestLab {
    fn params(&self) -> &Params {
        &self.params
    }

    fn target(&self) -> Target {
        Target {
            address: self.network.target,
            control_port: self.network.control_port,
            data_ports: self.network.data_ports.clone(),
        }
    }

    fn gateway(&self) -> IpAddr {
        self.network.gateway
    }

    fn guest_address(&self) -> String {
        self.network.guest_address.clone()
    }

    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        let program = host_program(&self.cache, name).map_err(|e| Failed::Guest(e.to_string()))?;
        Ok(program.path.display().to_string())
    }

    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        self.machine.run(argv, deadline).map_err(Self::guest_failed)
    }

    fn start_client(
        &mut self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, Failed> {
        let (program, args) =
            argv.split_first().ok_or_else(|| Failed::Case("an empty client command".into()))?;
        let cpus: &[CpuId] = self.pin.as_ref().map_or(&[], |p| &p.others);
        let running = Spec::new(program)
            .args(args)
            .cpus(cpus)
            .namespace(self.network.namespace.as_ref())
            .stdout(Sink::File(stdout.to_owned()))
            .stderr(Sink::File(stderr.to_owned()))
            .start()
            .map_err(|e| Failed::Case(e.to_string()))?;
        Ok(Box::new(HostClient(running)))
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let before = Moment::now();
        let guest = self.machine.read(&GUEST_COUNTERS, SOON).map_err(Self::guest_failed)?;
        let exits = self.exits();
        let after = Moment::now();
        let HostSample { cpu, .. } = self.host_sample()?;
        // The guest read its counters somewhere in between.
        let middle = |a: u64, b: u64| a + b.saturating_sub(a) / 2;
        let at = Moment {
            unix_ns: middle(before.unix_ns, after.unix_ns),
            mono_ns: middle(before.mono_ns, after.mono_ns),
        };
        Ok(Snapshot { at, host_cpu: cpu, guest, exits })
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        let at = Moment::now();
        let text = std::fs::read_to_string("/proc/stat")
            .map_err(|e| Failed::Case(format!("reading /proc/stat: {e}")))?;
        let cpu =
            CpuTicks::parse(&text).ok_or_else(|| Failed::Case("reading /proc/stat: no cpu line".into()))?;
        Ok(HostSample { at, cpu })
    }

    fn death(&mut self) -> Option<String> {
        self.machine.death()
    }

    fn misplaced(&mut self) -> Vec<String> {
        let plan = self.pin.clone();
        plan.map(|p| self.machine.placement().violations(&p)).unwrap_or_default()
    }

    fn end(self: Box<Self>, forensics: Option<&Path>) {
        let GuestLab { mut machine, .. } = *self;
        if let Some(dir) = forensics {
            // What can be had is had; the failure itself is in the journal already.
            let _ = machine.forensics(dir);
        }
        machine.quit();
    }
}

/// QEMU's command line of an environment, for people: the files of a boot stand as they will be called.
pub fn preview(
    environment: &EnvironmentPlan,
    pin: Option<&PinPlan>,
    accel: Accel,
) -> Result<String, TestbedError> {
    let mut params = Params::new();
    for (key, stored) in &environment.params {
        params.set(key, &stored.value, Origin::BuiltIn);
    }
    let smp = params.number("smp", 1usize, "a number of vCPUs, 1 or more")?;
    let hardware = hardware(&params, accel, smp, pin)?;
    let network = Network::create(Kind::of(&params)?, 1).map_err(GuestError::Network)?;
    let argv =
        argv::build(&hardware, &BootFiles::in_dir(Path::new("BOOT"), &PathBuf::from("IMAGE")), &network);
    Ok(format!("{} {}", params.text("qemu_binary")?, argv.join(" ")))
}

/// A guest with the built-in defaults, for trying things out.
fn plain_hardware() -> Hardware {
    Hardware {
        accel: Accel::Tcg,
        machine: "pc".into(),
        cpu_model: String::new(),
        smp: 1,
        mem_mib: 512,
        memory_node: None,
        nic_model: "virtio_net".into(),
        queues: 1,
        vhost: false,
        extra: Vec::new(),
    }
}

/// Boots the built-in guest, runs one command in it, and ends it.
pub fn one_command(image: &Image, argv: &[&str]) -> Result<Reply, GuestError> {
    let network = Network::create(Kind::User, 1)?;
    let logs = tempfile::tempdir().map_err(|source| GuestError::Io {
        doing: "creating a folder in",
        path: std::env::temp_dir(),
        source,
    })?;
    let mut machine = Machine::boot(&BootSpec {
        qemu: QEMU,
        hardware: plain_hardware(),
        pin: None,
        network: &network,
        image,
        with_tools: true,
        log_dir: logs.path(),
        deadline: Duration::from_secs(120),
    })?;
    let reply = machine.exec(argv, Duration::from_secs(24 * 3600));
    machine.quit();
    reply
}

/// Boots the built-in guest with a shell on its console, which is the terminal that perfvt runs in. True when QEMU
/// ended well.
pub fn console(image: &Image) -> Result<bool, GuestError> {
    let network = Network::create(Kind::User, 1)?;
    let argv = argv::console(&plain_hardware(), image, &network);
    let mut qemu = Spec::new(QEMU).args(argv).foreground().start()?;
    loop {
        if let Some(status) = qemu.wait_until(Instant::now() + Duration::from_secs(3600)) {
            return Ok(status.success());
        }
    }
}

struct HostClient(Running);

impl Client for HostClient {
    fn ended(&mut self) -> Option<Result<(), String>> {
        use std::os::unix::process::ExitStatusExt;
        self.0.ended().map(|status| match (status.code(), status.signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => Err(format!("status {code}")),
            (None, signal) => Err(format!("signal {}", signal.unwrap_or_default())),
        })
    }

    fn signal(&mut self, signal: Signal) {
        self.0.signal(signal);
    }
}
