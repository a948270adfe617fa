//! What this host can do, and how to get what is missing.

use crate::accel;
use crate::guest::image::{Cache, builtin, host_program};
use crate::guest::network;
use crate::host::pin::{NodeChoice, plan};
use crate::host::placement::describe;
use crate::host::topology::Topology;
use crate::process::{self, Spec};
use crate::testbed::QEMU;
use model::ids::cpu_list;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// As it should be.
    Good,
    /// `perfvt run` works, but its numbers mean less.
    Limited,
    /// `perfvt run` does not work without it.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was found.
    pub found: String,
    /// How to get it, when it is not good.
    pub remedy: String,
}

fn check(name: &'static str, result: Result<String, String>, otherwise: Standing, remedy: &str) -> Check {
    match result {
        Ok(found) => Check { name, standing: Standing::Good, found, remedy: String::new() },
        Err(found) => Check { name, standing: otherwise, found, remedy: remedy.into() },
    }
}

/// Looks at everything that `perfvt run` needs. `executable` is perfvt itself, for the KVM probe.
pub fn examine(executable: &Path) -> Vec<Check> {
    use Standing::{Limited, Missing};
    const SETUP: &str = "run `make setup`";
    vec![
        check("QEMU", version(QEMU), Missing, SETUP),
        check(
            "KVM",
            accel::probe(executable)
                .map(|rate| format!("executes {:.0} million instructions a second", rate / 1e6)),
            Limited,
            "guests run under TCG: compare only with other TCG results; KVM needs hardware support, the kvm module and \
             access to /dev/kvm (group kvm)",
        ),
        check("guest image", image(), Missing, SETUP),
        check("netperf", netperf(), Missing, SETUP),
        check(
            "ip",
            version_of("ip", "-V"),
            Limited,
            "install iproute2; without it the network is QEMU's user mode",
        ),
        check(
            "unshare",
            version("unshare"),
            Limited,
            "install util-linux; without it the network is QEMU's user mode",
        ),
        check(
            "network",
            tap(),
            Limited,
            "guests use QEMU's user mode, which is slower and noisier; tap needs user namespaces \
             (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns) and /dev/net/tun",
        ),
        check("placement", placement(), Missing, "give the machine more CPUs, or use --allow-unpinned"),
        check("quiet host", quiet(), Limited, "stop other work: noise widens every interval"),
        check("CPU frequency", governor(), Limited, "set the governor of all CPUs to performance"),
    ]
}

fn version(program: &str) -> Result<String, String> {
    version_of(program, "--version")
}

fn version_of(program: &str, flag: &str) -> Result<String, String> {
    let out =
        process::run(Spec::new(program).arg(flag), Duration::from_secs(10)).map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&out).lines().next().unwrap_or_default().trim().to_owned())
}

fn image() -> Result<String, String> {
    let image = Cache::from_env().and_then(|cache| builtin(&cache)).map_err(|e| e.to_string())?;
    Ok(format!("built, kernel {}", image.kernel_release))
}

fn netperf() -> Result<String, String> {
    let cache = Cache::from_env().map_err(|e| e.to_string())?;
    let program = host_program(&cache, "netperf").map_err(|e| e.to_string())?;
    version_of(&program.path.display().to_string(), "-V")
}

fn tap() -> Result<String, String> {
    match network::resolve("auto") {
        Ok((_, None)) => Ok("tap and bridge in a namespace work".into()),
        Ok((_, Some(reason))) => Err(reason),
        Err(error) => Err(error.to_string()),
    }
}

fn placement() -> Result<String, String> {
    let topology = Topology::here().map_err(|e| e.to_string())?;
    let (_, pin) = plan(&topology, NodeChoice::Last, None, false).map_err(|e| e.to_string())?;
    let nodes: Vec<String> =
        topology.nodes.iter().map(|n| format!("node {} has CPUs {}", n.id, cpu_list(&n.cpus))).collect();
    Ok(format!("{}; a guest gets {}", nodes.join(", "), describe(pin.as_ref())))
}

fn quiet() -> Result<String, String> {
    let load = std::fs::read_to_string("/proc/loadavg").map_err(|e| format!("reading /proc/loadavg: {e}"))?;
    let one: f64 =
        load.split_whitespace().next().and_then(|w| w.parse().ok()).ok_or("/proc/loadavg is odd")?;
    if one < 0.5 { Ok(format!("load {one}")) } else { Err(format!("load {one} over the last minute")) }
}

fn governor() -> Result<String, String> {
    match std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        Err(_) => Ok("not under this kernel's control".into()),
        Ok(text) if text.trim() == "performance" => Ok("performance".into()),
        Ok(text) => Err(format!("the governor is {}", text.trim())),
    }
}
