//! A lab without a guest, for workloads that measure the host's own tools.

use super::TestbedError;
use super::client::HostPlace;
use crate::brought::Brought;
use crate::environment::HostSpec;
use crate::lab::{Booted, Client, Failed, HostSample, Lab, Snapshot, Target};
use crate::workload::Needs;
use formats::counters::{Section, Stat};
use model::ids::cpu_list;
use model::{Accel, Code, Fingerprint, Moment};
use process::Spec;
use process::deadlines::HOST_ANSWER;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::disk::Disk;
use vm::guest::image::{Cache, host_program};
use vm::guest::machine::GuestError;
use vm::host::noise::Watched;

/// What stands in for a guest.
struct HostLab(HostParts);

/// What a round on the host has.
pub(super) struct HostParts {
    /// Where tools are looked for.
    pub(super) cache: Cache,
    /// What was planned.
    pub(super) spec: HostSpec,
    /// What the user brings.
    pub(super) brought: Arc<Brought>,
}

/// The version of the first tool that is needed, in the form of QEMU's: `7.2.22`.
pub(super) fn rehearse(cache: &Cache, needs: &Needs) -> Result<String, TestbedError> {
    let version = needs.host_tools.first().map(|tool| version(cache, tool));
    let version = version.transpose()?.unwrap_or_default();
    Ok(version
        .split_whitespace()
        .find(|w| w.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or("0")
        .to_owned())
}

/// The first line that a tool prints about its version.
fn version(cache: &Cache, tool: &str) -> Result<String, TestbedError> {
    let wrong = |reason: String| TestbedError::Tool(reason);
    let program = host_program(cache, tool).map_err(|e| wrong(e.to_string()))?;
    let output =
        process::run(Spec::new(&program.path).arg("--version"), HOST_ANSWER).map_err(GuestError::from)?;
    Ok(String::from_utf8_lossy(&output).lines().next().unwrap_or_default().trim().to_owned())
}

/// Makes the lab.
pub(super) fn boot(parts: HostParts, mut facts: Fingerprint, needs: &Needs) -> Booted {
    for tool in &needs.host_tools {
        if let Ok(version) = version(&parts.cache, tool) {
            facts.set(format!("host.tool.{tool}"), version);
        }
    }
    let cpus = &parts.spec.cpus;
    if let Some(accel) = parts.spec.accel {
        facts.set("accel", accel.to_string());
    }
    facts.set("placement.cpus", if cpus.is_empty() { "unpinned".to_owned() } else { cpu_list(cpus) });
    let text: String = facts.0.iter().map(|(k, v)| format!("{k}: {v}\n")).collect();
    let mut sysinfo = vec![("facts.txt".into(), text)];
    sysinfo.extend(parts.brought.logs());
    Booted { lab: Box::new(HostLab(parts)), facts, seconds: 0.0, sysinfo }
}

fn no_guest() -> Failed {
    Failed::tool("this workload has no guest")
}

impl Lab for HostLab {
    fn target(&self) -> Target {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (data_ports, interface) = (Vec::new(), String::new());
        Target { control: address, control_port: 0, data: address, data_ports, interface }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        Err(no_guest())
    }

    fn client_tool(&self, name: &str) -> Result<String, Failed> {
        self.host_tool(name)
    }

    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        let program =
            host_program(&self.0.cache, name).map_err(|e| Failed::new(Code::Host, e.to_string()))?;
        Ok(program.path.display().to_string())
    }

    fn brought(&self, _: &str) -> Result<String, Failed> {
        Err(no_guest())
    }

    fn client_brought(&self, key: &str) -> Result<String, Failed> {
        Ok(self.0.brought.item(key, &self.0.spec.brings)?.host.display().to_string())
    }

    fn disk(&self) -> Option<&Disk> {
        self.0.spec.disk.as_ref()
    }

    fn deadlines(&self) -> Deadlines {
        self.0.spec.deadlines
    }

    fn accel(&self) -> Option<Accel> {
        self.0.spec.accel
    }

    fn cpus(&self) -> usize {
        if self.0.spec.cpus.is_empty() {
            std::thread::available_parallelism().map_or(1, usize::from)
        } else {
            self.0.spec.cpus.len()
        }
    }

    fn exec(&mut self, _: &[&str], _: Duration) -> Result<String, Failed> {
        Err(no_guest())
    }

    fn start_client(
        &mut self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, Failed> {
        HostPlace { cache: &self.0.cache, cpus: &self.0.spec.cpus, namespace: None }
            .start(argv, stdout, stderr)
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let HostSample { at, cpu, .. } = self.host_sample()?;
        Ok(Snapshot { at, host_cpu: cpu, ..Snapshot::default() })
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        read_host_sample()
    }

    fn death(&mut self) -> Option<Failed> {
        None
    }

    fn misplaced(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn watched(&self) -> Watched {
        Watched { vcpus: Vec::new(), others: self.0.spec.cpus.clone() }
    }

    fn end(self: Box<Self>, _: Option<&Path>) {}
}

/// The host's CPU time, now.
pub(super) fn read_host_sample() -> Result<HostSample, Failed> {
    let at = Moment::now();
    let text = edge::read::kernel("/proc/stat")
        .map_err(|e| Failed::new(Code::Host, format!("reading /proc/stat: {e}")))?;
    let cpu =
        Stat::of(&text).cpu.ok_or_else(|| Failed::new(Code::Host, "reading /proc/stat: no cpu line"))?;
    Ok(HostSample { at, cpu, ..HostSample::default() })
}
