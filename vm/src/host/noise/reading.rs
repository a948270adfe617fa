//! One look at the host.

use formats::noise::{
    CpuTime, ProcessStat, SchedStat, Stall, cpu_times, disk_busy_ms, migrations, procs_running, vmstat,
};
use model::{CpuId, Moment};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A vCPU's thread and the CPU that the plan gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vcpu {
    /// For people: `vCPU 0`, `vCPU 1 of vm2`.
    pub name: String,
    /// QEMU.
    pub pid: u32,
    /// The thread.
    pub thread: u32,
    /// Its CPU; `None` when it is not pinned.
    pub cpu: Option<CpuId>,
}

/// What is watched during a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// vCPUs of all guests.
    pub vcpus: Vec<Vcpu>,
    /// CPUs of everything else that belongs to the measurement: QEMU's other threads, vhost threads, the client.
    pub others: Vec<CpuId>,
}

impl Watched {
    /// Every CPU that matters; none when nothing is pinned.
    pub fn cpus(&self) -> BTreeSet<u32> {
        self.vcpus.iter().filter_map(|v| v.cpu).chain(self.others.iter().copied()).map(|c| c.0).collect()
    }
}

/// One vCPU's thread at one moment; what the kernel does not tell is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadReading {
    /// Time on a CPU and time waiting for one.
    pub sched: Option<SchedStat>,
    /// Moves to another CPU.
    pub migrations: Option<u64>,
}

/// The host at one moment. What it does not tell is absent, and not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// CLOCK_MONOTONIC.
    pub mono_ns: u64,
    /// Each CPU's time.
    pub cpus: BTreeMap<u32, CpuTime>,
    /// Tasks that want a CPU, the reader not counted.
    pub running: Option<u64>,
    /// `/proc/pressure`: `cpu`, `io`, `memory`.
    pub stalls: BTreeMap<&'static str, Stall>,
    /// Busy milliseconds by disk.
    pub disks: BTreeMap<String, u64>,
    /// CPU time of perfvt, its children and their vhost threads, in ticks.
    pub own_ticks: u64,
    /// How often the CPUs were slowed down for heat.
    pub throttles: Option<u64>,
    /// The hottest zone.
    pub celsius: Option<f64>,
    /// Pages read back from swap.
    pub swap_in: Option<u64>,
    /// The watched vCPUs, in their order.
    pub vcpus: Vec<ThreadReading>,
}

/// Takes readings of the host under a root.
#[derive(Clone, Debug)]
pub struct Reader {
    root: PathBuf,
    pid: u32,
}

impl Reader {
    /// This machine and this process.
    pub fn here() -> Reader {
        Reader { root: PathBuf::from("/"), pid: std::process::id() }
    }

    /// A machine laid out under `root`, on which perfvt is process `pid`.
    pub fn under(root: &Path, pid: u32) -> Reader {
        Reader { root: root.to_owned(), pid }
    }

    fn text(&self, path: &str) -> String {
        edge::read::kernel(self.root.join(path)).unwrap_or_default()
    }

    /// Looks at everything.
    pub fn read(&self, watched: &Watched) -> Reading {
        let stat = self.text("proc/stat");
        let stall =
            |kind: &'static str| Some((kind, Stall::parse(&self.text(&format!("proc/pressure/{kind}")))?));
        Reading {
            mono_ns: Moment::now().mono_ns,
            cpus: cpu_times(&stat),
            running: procs_running(&stat).map(|n| n.saturating_sub(1)),
            stalls: ["cpu", "io", "memory"].into_iter().filter_map(stall).collect(),
            disks: disk_busy_ms(&self.text("proc/diskstats")),
            own_ticks: self.own_ticks(),
            throttles: self.throttles(&watched.cpus()),
            celsius: self.celsius(),
            swap_in: vmstat(&self.text("proc/vmstat"), "pswpin"),
            vcpus: watched.vcpus.iter().map(|v| self.thread(v)).collect(),
        }
    }

    /// Tasks that want a CPU, the reader not counted.
    pub fn running(&self) -> Option<u64> {
        procs_running(&self.text("proc/stat")).map(|n| n.saturating_sub(1))
    }

    fn thread(&self, vcpu: &Vcpu) -> ThreadReading {
        let of = |name: &str| self.text(&format!("proc/{}/task/{}/{name}", vcpu.pid, vcpu.thread));
        ThreadReading { sched: SchedStat::parse(&of("schedstat")), migrations: migrations(&of("sched")) }
    }

    /// perfvt's descendants, and the kernel's vhost threads, which bear the id of their QEMU in their names.
    fn own_ticks(&self) -> u64 {
        let mut all: BTreeMap<u32, (ProcessStat, String)> = BTreeMap::new();
        for name in self.names("proc") {
            let Ok(pid) = name.parse::<u32>() else { continue };
            let text = self.text(&format!("proc/{pid}/stat"));
            if let Some(stat) = ProcessStat::parse(&text) {
                let comm = text.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") "));
                all.insert(pid, (stat, comm.map(|(comm, _)| comm.to_owned()).unwrap_or_default()));
            }
        }
        let mut own = BTreeSet::from([self.pid]);
        // A child may have a lower number than its parent, so this goes on until nobody is added.
        loop {
            let before = own.len();
            own.extend(
                all.iter()
                    .filter(|(_, (stat, _))| own.contains(&stat.parent))
                    .map(|(pid, _)| *pid)
                    .collect::<Vec<_>>(),
            );
            if own.len() == before {
                break;
            }
        }
        let vhost = |comm: &str| {
            comm.strip_prefix("vhost-").and_then(|pid| pid.parse().ok()).is_some_and(|pid| own.contains(&pid))
        };
        all.iter()
            .filter(|(pid, (_, comm))| own.contains(pid) || vhost(comm))
            .map(|(_, (stat, _))| stat.ticks)
            .sum()
    }

    /// Sum over the CPUs that matter, or all where nothing is pinned. Only x86 has these counters.
    fn throttles(&self, cpus: &BTreeSet<u32>) -> Option<u64> {
        let mut sum = None;
        for name in self.names("sys/devices/system/cpu") {
            let number = name.strip_prefix("cpu").and_then(|n| n.parse::<u32>().ok());
            if number.is_none_or(|n| !cpus.is_empty() && !cpus.contains(&n)) {
                continue;
            }
            for counter in ["core_throttle_count", "package_throttle_count"] {
                let path = format!("sys/devices/system/cpu/{name}/thermal_throttle/{counter}");
                if let Ok(count) = self.text(&path).trim().parse::<u64>() {
                    sum = Some(sum.unwrap_or(0) + count);
                }
            }
        }
        sum
    }

    /// The hottest of the zones that belong to a CPU package, or of all where none says that it does.
    fn celsius(&self) -> Option<f64> {
        let zones = self.names("sys/class/thermal");
        let zones: Vec<(bool, f64)> = zones
            .iter()
            .filter(|name| name.starts_with("thermal_zone"))
            .filter_map(|name| {
                let of = |file: &str| self.text(&format!("sys/class/thermal/{name}/{file}"));
                let milli: f64 = of("temp").trim().parse().ok()?;
                let kind = of("type");
                Some((["pkg", "cpu", "soc"].iter().any(|k| kind.contains(k)), milli / 1000.0))
            })
            .collect();
        let of_cpus = zones.iter().any(|(cpu, _)| *cpu);
        zones.into_iter().filter(|(cpu, _)| *cpu || !of_cpus).map(|(_, t)| t).reduce(f64::max)
    }

    fn names(&self, dir: &str) -> Vec<String> {
        fs::read_dir(self.root.join(dir))
            .map(|entries| entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect())
            .unwrap_or_default()
    }
}
