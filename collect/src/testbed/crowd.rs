//! Guests that are alike, several at once: each case boots as many as it says, and ends them.
//!
//! ```text
//!   boot:  one guest, which tells of itself and ends
//!   case:  as many as it says, at once ──> idle window ──> all compute ──> window ──> gone
//! ```

use super::lab::GuestLab;
use super::{NotBooted, Testbed, TestbedError, no_image};
use crate::environment::EnvironmentSpec;
use crate::lab::{Booted, Client, Crowd, Failed, HostSample, Lab, Snapshot, Target};
use crate::parse::Load;
use model::Code;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::disk::{Disk, DiskFile};
use vm::guest::image::host_program;
use vm::guest::job::JobRequest;
use vm::guest::machine::Machine;
use vm::host::noise::Watched;

/// Where a guest's load keeps its files.
const JOB: &str = "/run/perfvt-crowd";

/// The guests of one boot, of which some may run.
struct CrowdLab {
    testbed: Testbed,
    spec: EnvironmentSpec,
    logs: PathBuf,
    forensics: PathBuf,
    cases: u32,
    here: Option<GuestLab>,
    /// Of the last case.
    misplaced: Vec<String>,
    watched: Watched,
}

impl Testbed {
    /// The guests of an environment of which each case has another number: one tells of itself first.
    pub(super) fn boot_crowd(
        &self,
        spec: &EnvironmentSpec,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Booted, NotBooted> {
        let Booted { lab, facts, seconds, sysinfo } = self.boot_guests(&spec.of_crowd(1), logs, forensics)?;
        let watched = lab.watched();
        lab.end(None);
        let lab = CrowdLab {
            testbed: self.clone(),
            spec: spec.clone(),
            logs: logs.to_owned(),
            forensics: forensics.to_owned(),
            cases: 0,
            here: None,
            misplaced: Vec::new(),
            watched,
        };
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }

    /// Boots all guests of an environment at once. Gives the seconds until the last one was ready.
    fn gather(
        &self,
        spec: &EnvironmentSpec,
        logs: &Path,
        forensics: &Path,
    ) -> Result<(GuestLab, f64), TestbedError> {
        let image = self.image.as_ref().ok_or_else(no_image)?;
        let mut scene = self.scene(spec, image, logs, forensics)?;
        scene.disks = scene.data_disks(Disk::make)?;
        self.stay_off(&scene);
        let machines = Machine::boot_all(&scene.boots(self))?;
        scene.disks.iter_mut().flatten().for_each(DiskFile::forget_names);
        scene.guests.iter_mut().for_each(|guest| guest.overlay = None);
        let began = machines.iter().map(|machine| machine.started).min();
        let ready = |machine: &Machine| {
            let later = began.map(|began| machine.started.duration_since(began)).unwrap_or_default();
            later.as_secs_f64() + machine.boot_seconds
        };
        let seconds = machines.iter().map(ready).fold(0.0, f64::max);
        Ok((GuestLab::new(scene, machines, self.stage.cache.clone())?, seconds))
    }
}

fn nobody() -> Failed {
    Failed::tool("no guest runs between two cases")
}

/// Refuses guests that would not fit into what memory the host has free.
fn check_memory(spec: &EnvironmentSpec) -> Result<(), Failed> {
    let want: u64 = spec.guests.iter().map(|guest| guest.hardware.mem_mib).sum();
    let text = edge::read::kernel("/proc/meminfo").unwrap_or_default();
    let free = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let free =
        free.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).map(|kib| kib / 1024);
    match free {
        Some(free) if want > free => Err(Failed::tool(format!(
            "{} guests have {want} MiB of memory together, and this host has {free} MiB to give",
            spec.guests.len()
        ))),
        _ => Ok(()),
    }
}

impl CrowdLab {
    fn here(&mut self) -> Result<&mut GuestLab, Failed> {
        self.here.as_mut().ok_or_else(nobody)
    }
}

impl Crowd for CrowdLab {
    fn gather(&mut self, guests: usize) -> Result<f64, Failed> {
        self.disband(false);
        self.cases += 1;
        let spec = self.spec.of_crowd(guests);
        check_memory(&spec)?;
        let place = |dir: &Path| dir.join(format!("case-{}", self.cases));
        let gathered = self.testbed.gather(&spec, &place(&self.logs), &place(&self.forensics));
        let (mut lab, seconds) = gathered.map_err(|error| match &error {
            TestbedError::Guest(guest) => guest.failure(),
            _ => Failed::new(Code::Host, error.to_string()),
        })?;
        self.watched = lab.watched();
        self.misplaced = lab.misplaced();
        self.here = Some(lab);
        Ok(seconds)
    }

    fn memory(&mut self) -> Result<Vec<Result<String, String>>, Failed> {
        let read = |machine: &mut Machine| {
            let path = format!("/proc/{}/smaps_rollup", machine.pid());
            Ok(edge::read::kernel(&path).map_err(|error| format!("reading {path}: {error}")))
        };
        self.here()?.each(read)
    }

    fn compute(&mut self) -> Result<(), Failed> {
        let smp = self.spec.guests.first().map_or(1, |guest| guest.hardware.smp);
        let argv = Load::Cpu.argv(smp, "", "");
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let start = |machine: &mut Machine| {
            machine.job(&JobRequest::Start { job: JOB, argv: &argv, server: false }, machine.soon())
        };
        self.here()?.each(start).map(drop)
    }

    fn work(&mut self) -> Result<Vec<u64>, Failed> {
        self.here()?.work_of_each()
    }

    fn disband(&mut self, has_failed: bool) {
        let Some(mut lab) = self.here.take() else { return };
        self.misplaced = lab.misplaced();
        let dir = self.forensics.join(format!("case-{}", self.cases));
        lab.end_all(has_failed.then_some(dir.as_path()));
    }
}

impl Lab for CrowdLab {
    fn crowd(&mut self) -> Option<&mut dyn Crowd> {
        Some(self)
    }

    fn target(&self) -> Target {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (data_ports, interface) = (Vec::new(), String::new());
        Target { control: address, control_port: 0, data: address, data_ports, interface }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        Err(Failed::tool("these guests are in no network"))
    }

    fn client_tool(&self, name: &str) -> Result<String, Failed> {
        self.host_tool(name)
    }

    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        let program = host_program(&self.testbed.stage.cache, name);
        program
            .map(|found| found.path.display().to_string())
            .map_err(|e| Failed::new(Code::Host, e.to_string()))
    }

    fn deadlines(&self) -> Deadlines {
        self.spec.deadlines
    }

    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        self.here()?.exec(argv, deadline)
    }

    fn start_client(&mut self, _: &[String], _: &Path, _: &Path) -> Result<Box<dyn Client>, Failed> {
        Err(Failed::tool("these guests have no client"))
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        self.here()?.snapshot()
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        self.here()?.host_sample()
    }

    fn death(&mut self) -> Option<Failed> {
        self.here.as_mut().and_then(Lab::death)
    }

    fn misplaced(&mut self) -> Vec<String> {
        self.here.as_mut().map_or_else(|| self.misplaced.clone(), Lab::misplaced)
    }

    fn watched(&self) -> Watched {
        self.watched.clone()
    }

    fn end(mut self: Box<Self>, forensics: Option<&Path>) {
        self.disband(forensics.is_some());
    }
}
