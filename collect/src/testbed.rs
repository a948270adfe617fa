//! The real thing: guests under QEMU on this host, and a [`Lab`] on top of each.

use crate::accel::Accel;
use crate::campaign::{Booted, Booter, to_params};
use crate::guest::argv::{self, BootFiles, Hardware};
use crate::guest::channel::Reply;
use crate::guest::image::{Cache, Image, host_program};
use crate::guest::machine::{BootSpec, GuestError, Machine};
use crate::guest::network::{Kind, Network};
use crate::host::fingerprint;
use crate::host::pin::{NodeChoice, PinPlan, Shortage, plan};
use crate::host::topology::{Topology, TopologyError};
use crate::lab::{Client, Failed, HostSample, Lab, Moment, Snapshot, Target};
use crate::process::{PrivateFolder, Running, Sink, Spec, private_folder};
use crate::workload::Needs;
use formats::counters::CpuTicks;
use model::{CampaignFile, Code, CpuId, EnvironmentPlan, Fingerprint, Origin, Params, ParamsError};
use rustix::process::Signal;
use serde_json::json;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// QEMU where nobody asked for another one.
pub const QEMU: &str = "qemu-system-x86_64";
const SOON: Duration = Duration::from_secs(20);
/// What is read in the guest at both ends of a window, in one go.
const GUEST_COUNTERS: [&str; 5] =
    ["/proc/uptime", "/proc/stat", "/proc/net/dev", "/proc/net/snmp", "/proc/interrupts"];

/// What is the same for all guests of a campaign.
pub struct Testbed {
    image: Image,
    cache: Cache,
    accel: Accel,
    topology: Topology,
    /// What the workload needs.
    needs: Needs,
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
    /// A guest that cannot be.
    #[error("{0}")]
    Hardware(String),
    /// QEMU, its network, or the guest.
    #[error(transparent)]
    Guest(#[from] GuestError),
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
        needs: Needs,
        allow_unpinned: bool,
    ) -> Result<Testbed, TestbedError> {
        Ok(Testbed {
            image,
            cache: cache.clone(),
            accel,
            topology: Topology::here()?,
            needs,
            allow_unpinned,
            host_facts: fingerprint::host(Path::new("/")),
        })
    }

    /// Starts a guest of every environment as it will be booted, placed and plugged, and ends it before it runs: what
    /// QEMU or the host refuses is found here, before anything is planned on disk. Gives QEMU's versions.
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
        let folder = scratch()?;
        let (smp, pin) = pin(&self.topology, params, self.allow_unpinned)?;
        let network = Network::create(Kind::of(params)?, self.needs.sessions).map_err(GuestError::Network)?;
        let (version, _) = Machine::rehearse(&BootSpec {
            qemu: params.text("qemu_binary")?,
            hardware: hardware(params, self.accel, smp, pin.as_ref())?,
            pin,
            network: &network,
            image: &self.image,
            with_tools: self.needs.tools,
            log_dir: folder.path(),
            forensics: &folder.path().join("forensics"),
            deadline: Duration::from_secs(30),
        })?;
        Ok(version)
    }

    fn boot_guest(&mut self, params: &Params, logs: &Path, forensics: &Path) -> Result<Booted, TestbedError> {
        let (smp, pin) = pin(&self.topology, params, self.allow_unpinned)?;
        let hardware = hardware(params, self.accel, smp, pin.as_ref())?;
        let deadline = match params.get("boot_timeout") {
            Some(_) => params.number("boot_timeout", 1u64, "seconds, 1 or more")?,
            None if self.accel == Accel::Kvm => 30,
            None => 120,
        };
        let kind = Kind::of(params)?;
        let network = Network::create(kind, self.needs.sessions).map_err(GuestError::Network)?;
        let machine = Machine::boot(&BootSpec {
            qemu: params.text("qemu_binary")?,
            hardware,
            pin: pin.clone(),
            network: &network,
            image: &self.image,
            with_tools: self.needs.tools,
            log_dir: logs,
            forensics,
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
            clock: GuestClock::UNKNOWN,
        };
        let facts = self.facts(&mut lab);
        let sysinfo = lab.sysinfo(&facts);
        // An idle guest answers quickly, which tells its clock for later, when it does not.
        lab.snapshot().map_err(GuestError::Died)?;
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
        let placement = lab.machine.placement();
        match &lab.pin {
            Some(_) => {
                facts.set("placement.cpus", placement.cpus());
                facts.set("placement.memory", placement.memory());
            }
            None => facts.set("placement.cpus", "unpinned"),
        }
        facts
    }
}

impl Booter for Testbed {
    fn boot(&mut self, params: &Params, logs: &Path, forensics: &Path) -> Result<Booted, Failed> {
        self.boot_guest(params, logs, forensics).map_err(|error| match &error {
            TestbedError::Guest(guest) => guest.failure(),
            // Everything else is the host's, or the request's.
            _ => Failed::new(Code::Host, error.to_string()),
        })
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
    clock: GuestClock,
}

/// The host's CPU time at a moment between two samples.
fn between(before: &HostSample, after: &HostSample, at: Moment) -> CpuTicks {
    let whole = after.at.mono_ns.saturating_sub(before.at.mono_ns).max(1) as f64;
    let part = at.mono_ns.saturating_sub(before.at.mono_ns) as f64 / whole;
    let mix = |a: u64, b: u64| a + (b.saturating_sub(a) as f64 * part.clamp(0.0, 1.0)).round() as u64;
    CpuTicks {
        idle: mix(before.cpu.idle, after.cpu.idle),
        steal: mix(before.cpu.steal, after.cpu.steal),
        total: mix(before.cpu.total, after.cpu.total),
    }
}

/// What is known of the difference between the host's monotonic clock and the guest's uptime: every reading of the
/// uptime happened between asking and hearing, so each narrows it. A busy guest answers late, and the narrow interval
/// of its idle time then says when it really read its counters.
#[derive(Clone, Copy, Debug)]
struct GuestClock {
    /// Bounds of host minus guest, nanoseconds.
    low: i128,
    high: i128,
}

/// `/proc/uptime` has two decimals, cut off.
const UPTIME_STEP_NS: i128 = 10_000_000;

impl GuestClock {
    const UNKNOWN: GuestClock = GuestClock { low: i128::MIN / 4, high: i128::MAX / 4 };

    /// The moment at which a guest read `/proc/uptime`, the first line of `text`.
    fn place(&mut self, text: &str, before: Moment, after: Moment) -> Moment {
        let (from, to) = (i128::from(before.mono_ns), i128::from(after.mono_ns));
        let uptime = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
        let mut at = from + (to - from) / 2;
        if let Some(uptime) = uptime.filter(|u| (0.0..1e9).contains(u)) {
            let uptime = (uptime * 1e9) as i128;
            let (low, high) = (from - uptime - UPTIME_STEP_NS, to - uptime);
            if low.max(self.low) <= high.min(self.high) {
                (self.low, self.high) = (low.max(self.low), high.min(self.high));
            } else {
                // The clocks drifted apart, or the guest was stopped: what was known holds no longer.
                (self.low, self.high) = (low, high);
            }
            at = (uptime + UPTIME_STEP_NS / 2 + self.low + (self.high - self.low) / 2).clamp(from, to);
        }
        let late = u64::try_from(at - from).unwrap_or(0);
        Moment { unix_ns: before.unix_ns.saturating_add(late), mono_ns: before.mono_ns.saturating_add(late) }
    }
}

impl GuestLab {
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
        let program = host_program(&self.cache, name).map_err(|e| Failed::new(Code::Host, e.to_string()))?;
        Ok(program.path.display().to_string())
    }

    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        self.machine.run(argv, deadline).map_err(|e| e.failure())
    }

    fn start_client(
        &mut self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, Failed> {
        let (program, args) = argv.split_first().ok_or_else(|| Failed::tool("an empty client command"))?;
        let cpus: &[CpuId] = self.pin.as_ref().map_or(&[], |p| &p.others);
        let running = Spec::new(program)
            .args(args)
            .cpus(cpus)
            .namespace(self.network.namespace.as_ref())
            .stdout(Sink::File(stdout.to_owned()))
            .stderr(Sink::File(stderr.to_owned()))
            .start()
            .map_err(|e| Failed::new(Code::Host, e.to_string()))?;
        Ok(Box::new(HostClient(running)))
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let before = self.host_sample()?;
        let guest = self.machine.read(&GUEST_COUNTERS, SOON).map_err(|e| e.failure())?;
        let exits = self.exits();
        let after = self.host_sample()?;
        let at = self.clock.place(&guest, before.at, after.at);
        Ok(Snapshot { at, host_cpu: between(&before, &after, at), guest, exits })
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        let at = Moment::now();
        let text = std::fs::read_to_string("/proc/stat")
            .map_err(|e| Failed::new(Code::Host, format!("reading /proc/stat: {e}")))?;
        let cpu = CpuTicks::parse(&text)
            .ok_or_else(|| Failed::new(Code::Host, "reading /proc/stat: no cpu line"))?;
        Ok(HostSample { at, cpu })
    }

    fn death(&mut self) -> Option<Failed> {
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
    let network = Network::create(Kind::User, 1)?;
    let logs = scratch()?;
    let mut machine = Machine::boot(&BootSpec {
        qemu: QEMU,
        hardware: Hardware::plain(Accel::Tcg),
        pin: None,
        network: &network,
        image,
        with_tools: true,
        log_dir: logs.path(),
        forensics: &logs.path().join("forensics"),
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
    let argv = argv::console(&Hardware::plain(Accel::Tcg), image, &network);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(ms: u64) -> Moment {
        Moment { unix_ns: 5_000_000_000 + ms * 1_000_000, mono_ns: ms * 1_000_000 }
    }

    #[test]
    fn a_late_answer_is_placed_by_what_quick_ones_told_of_the_guests_clock() {
        let mut clock = GuestClock::UNKNOWN;
        // The guest's uptime is the host's clock less 10 s; an idle guest answers within 4 ms.
        clock.place("1.00 0.5", moment(11_000), moment(11_004));
        let busy = clock.place("3.00 0.5", moment(12_500), moment(13_400));
        let error = busy.mono_ns.abs_diff(13_005_000_000);
        assert!(error < 10_000_000, "placed {error} ns away");
        assert_eq!(busy.unix_ns - busy.mono_ns, 5_000_000_000);
        let odd = clock.place("no uptime", moment(20_000), moment(20_010));
        assert_eq!(odd, moment(20_005));
    }

    #[test]
    fn the_hosts_cpu_time_is_taken_at_the_same_moment() {
        let sample = |ms, idle, total| HostSample { at: moment(ms), cpu: CpuTicks { idle, steal: 0, total } };
        let got = between(&sample(0, 100, 200), &sample(1000, 150, 400), moment(500));
        assert_eq!(got, CpuTicks { idle: 125, steal: 0, total: 300 });
    }
}
