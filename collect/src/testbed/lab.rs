//! The guests of one boot, as a workload sees them.

mod boot_told;
mod counters;
mod crowd;
mod driven;
mod migrating;
mod neighbours;
mod others;
mod peers;
mod told;
mod train;
mod vmstate;

use super::cables::Cables;
use super::client::{ClientGuest, HostPlace, Shared, start_in_guest};
use super::clock::{GuestClock, between};
use super::failures::odd;
use super::host_lab::read_host_sample;
use super::remote::{RemoteHost, of_remote};
use super::scene::SceneGuest;
use super::{Scene, TestbedError};
use crate::brought::Brought;
use crate::environment::EnvironmentSpec;
use crate::lab::window::{KvmReader, LinkMeasured, Meter};
use crate::lab::{Client, Driver, Failed, HostSample, Lab, Move, Moved, Snapshot, Target, VmState};
use boot_told::BootTold;
use migrating::Whereabouts;
use model::{Code, Moment, Scope};
use neighbours::Loads;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::checked::Images;
use vm::guest::disk::{Disk, DiskFile};
use vm::guest::image::{Cache, host_program};
use vm::guest::job::{JobRequest, Standing};
use vm::guest::machine::Machine;
use vm::guest::network::ClientPlace;
use vm::guest::os::Os;
use vm::host::noise::Watched;

/// The guests of one boot with their network.
pub(super) struct GuestLab {
    /// The server's guest. First, so that QEMU is gone before the namespace that its tap lives in.
    pub(super) machine: Machine,
    /// The client's guest, when the scenario has one.
    second: Option<Shared>,
    /// The other machines of a topology, in its order.
    others: Vec<Machine>,
    /// The loads of neighbours.
    loads: Loads,
    /// The client's host, when it is another one.
    pub(super) remote: Option<RemoteHost>,
    /// What its data disks are made of, which end behind the machines.
    pub(super) disks: Vec<Vec<DiskFile>>,
    pub(super) cables: Cables,
    /// Where the files of its guests are.
    guests: Vec<SceneGuest>,
    /// Where each guest is that moves.
    whereabouts: Vec<Whereabouts>,
    /// The guest that stands in the place of the server's, where several move together.
    attended: usize,
    /// What it was booted from.
    pub(super) spec: EnvironmentSpec,
    /// The server guest's interfaces, in the order of the links; none before the network is up.
    interfaces: Vec<String>,
    cache: Cache,
    clock: GuestClock,
    /// The server's guest and its client have reached one another.
    connected: bool,
    /// Why the client's host does not tell its CPU time.
    client_silent: Option<String>,
    /// What the console and the firmware said while the server's guest booted.
    pub(super) trace: Option<String>,
    /// What is known of the boot beside that.
    boot: BootTold,
    /// What the user brings.
    pub(super) brought: Arc<Brought>,
    /// KVM's counters of the server's guest.
    pub(super) kvm: KvmReader,
    /// The CPU time of each guest's QEMU.
    meters: Vec<Meter>,
    /// Which of [`GUEST_COUNTERS`] the guest has.
    pub(super) counters: Vec<&'static str>,
    /// What was measured of the data link.
    link: Option<LinkMeasured>,
    /// What is checked when the guests have ended.
    pub(super) images: Images,
}

impl GuestLab {
    pub(super) fn new(scene: Scene, machines: Vec<Machine>, cache: Cache) -> Result<GuestLab, TestbedError> {
        let measured = scene.spec.measured();
        // Counters know the server's guest as 0, the client's as 1, and others by further numbers.
        let number = |place: usize| if place < measured { place } else { place - measured + 2 } as u32;
        let meter = |(place, machine): (usize, &Machine)| {
            Meter::new(Path::new("/proc"), number(place), machine.pid(), machine.threads())
        };
        let meters = machines.iter().enumerate().map(meter).collect();
        let remote = RemoteHost::of(&scene.spec)?;
        let mut machines = machines.into_iter();
        let machine = machines.next().ok_or_else(|| odd("no guest was booted"))?;
        let kvm = KvmReader::new(Path::new("/"), machine.pid());
        Ok(GuestLab {
            machine,
            second: if measured == 2 { machines.next().map(ClientGuest::new) } else { None },
            others: machines.collect(),
            loads: Loads::default(),
            remote,
            disks: scene.disks,
            cables: scene.cables,
            guests: scene.guests,
            whereabouts: Vec::new(),
            attended: 0,
            spec: scene.spec,
            interfaces: Vec::new(),
            cache,
            clock: GuestClock::UNKNOWN,
            connected: false,
            client_silent: None,
            trace: None,
            boot: BootTold::default(),
            brought: Arc::default(),
            kvm,
            meters,
            counters: Vec::new(),
            link: None,
            images: Images::default(),
        })
    }
}

impl Lab for GuestLab {
    fn target(&self) -> Target {
        Target {
            control: self.cables.way.server(self.cables.way.control()),
            control_port: self.cables.way.wires.control_port,
            data: self.cables.way.server(0),
            data_ports: self.cables.way.wires.data_ports.clone(),
            interface: self.interfaces.first().cloned().unwrap_or_else(|| "eth0".into()),
        }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        self.bring_all_up()?;
        self.wait_for_peers()?;
        self.measure_links()
    }

    fn client_tool(&self, name: &str) -> Result<String, Failed> {
        match self.cables.way.layout.client {
            ClientPlace::Guest => Ok(name.to_owned()),
            ClientPlace::Host | ClientPlace::Observer | ClientPlace::Namespace => self.host_tool(name),
            ClientPlace::Remote(_) => {
                let host = self.remote.as_ref().ok_or_else(|| Failed::tool("the client's host is gone"))?;
                host.tool(name).map_err(|e| of_remote(&e))
            }
        }
    }

    fn client_ahead(&mut self) -> Result<Option<f64>, Failed> {
        self.remote.as_ref().map(|host| host.ahead().map_err(|e| of_remote(&e))).transpose()
    }

    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        let program = host_program(&self.cache, name).map_err(|e| Failed::new(Code::Host, e.to_string()))?;
        Ok(program.path.display().to_string())
    }

    fn brought(&self, key: &str) -> Result<String, Failed> {
        Ok(self.brought.item(key, &self.spec.brings)?.guest.clone())
    }

    fn client_brought(&self, key: &str) -> Result<String, Failed> {
        let item = self.brought.item(key, &self.spec.brings)?;
        Ok(match self.cables.way.layout.client {
            ClientPlace::Guest => item.guest.clone(),
            ClientPlace::Host | ClientPlace::Observer | ClientPlace::Namespace => {
                item.host.display().to_string()
            }
            ClientPlace::Remote(_) => {
                // The same program, as that host has it.
                let name = item.host.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return self.client_tool(&name);
            }
        })
    }

    fn disk(&self) -> Option<&Disk> {
        self.spec.guests.first()?.disks.work()
    }

    fn drive(&mut self, by: &mut Driver<'_>) -> Result<(), Failed> {
        self.driven(by)
    }

    fn deadlines(&self) -> Deadlines {
        self.spec.deadlines
    }

    fn vmstate(&mut self) -> Option<&mut dyn VmState> {
        Some(self)
    }

    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        self.machine.run(argv, deadline).map_err(|e| e.failure())
    }

    fn os(&self) -> Os {
        self.machine.os
    }

    fn client_os(&self) -> Os {
        let second = self.second.as_ref().map(|second| second.borrow());
        second.and_then(|second| Some(second.machine.as_ref()?.os)).unwrap_or(Os::Linux)
    }

    fn job(&mut self, request: &JobRequest<'_>, deadline: Duration) -> Result<Vec<Standing>, Failed> {
        match (self.machine.os, request) {
            (Os::Linux, JobRequest::Start { server: true, .. }) => {
                self.serve(&request.words(), deadline).map(|_| Vec::new())
            }
            _ => self.machine.job(request, deadline).map_err(|e| e.failure()),
        }
    }

    fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), Failed> {
        self.machine.put(path, mode, content).map_err(|e| e.failure())
    }

    fn migrate(&mut self, request: &Move) -> Result<Vec<Result<Moved, Failed>>, Failed> {
        self.move_guests(request)
    }

    fn attend(&mut self, guest: usize) -> Result<(), Failed> {
        self.attend_to(guest)
    }

    fn lead_in(&mut self, noted: Option<&Path>) -> Result<(), Failed> {
        self.cables.way.lead_in(noted).map_err(|e| Failed::new(Code::Host, e.to_string()))
    }

    fn boot_trace(&self) -> Option<String> {
        self.trace.clone()
    }

    fn boot_told(&self) -> &[(&'static str, String)] {
        &self.boot.files
    }

    fn serve(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        match self.spec.guests.first().and_then(|server| server.server_vcpus.clone()) {
            None => self.exec(argv, deadline),
            Some(vcpus) => self.exec(&[&["taskset", "-c", &vcpus][..], argv].concat(), deadline),
        }
    }

    fn start_client(
        &mut self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, Failed> {
        if let Some(guest) = &self.second {
            return start_in_guest(guest, argv, stdout, stderr);
        }
        if let Some(host) = &self.remote {
            return host.start(argv, stdout, stderr).map_err(|e| of_remote(&e));
        }
        let namespace = self.cables.way.client_namespace();
        HostPlace { cache: &self.cache, cpus: &self.spec.client, namespace }.start(argv, stdout, stderr)
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        if self.counters.is_empty() {
            self.find_counters().map_err(|e| e.failure())?;
        }
        let before = self.host_sample()?;
        let guest = self.machine.counters(&self.counters, self.machine.soon()).map_err(|e| e.failure())?;
        let heard = Moment::now();
        let kvm = self.kvm_counters();
        let after = self.host_sample()?;
        let at = self.clock.place(&guest.clock, before.at, heard);
        let HostSample { cpu, threads, own_ns, .. } = between(&before, &after, at);
        let host = self.host_counters()?;
        // Last, because it takes the longest: a window is as long by this clock at both ends.
        let client_cpu = self.client_cpu();
        let neighbours = self.borne()?;
        Ok(Snapshot {
            at,
            host_cpu: cpu,
            client_cpu,
            guest,
            asked_ns: Some(before.at.mono_ns),
            heard_ns: Some(heard.mono_ns),
            threads,
            own_ns,
            kvm,
            host,
            neighbours,
        })
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        let threads = self.meters.iter_mut().flat_map(Meter::read).collect();
        let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let own_ns = (own.tv_sec as u64).checked_mul(1_000_000_000).map(|ns| ns + own.tv_nsec as u64);
        Ok(HostSample { threads, own_ns, ..read_host_sample()? })
    }

    fn load(&mut self) -> Result<(), Failed> {
        self.load_neighbours()
    }

    fn relieve(&mut self) -> Result<(), Failed> {
        self.relieve_neighbours()
    }

    fn death(&mut self) -> Option<Failed> {
        self.any_death()
    }

    fn disconnected(&mut self) -> Option<Failed> {
        // A workload that never brought the network up cannot have lost it.
        if !self.connected {
            return None;
        }
        self.sights().into_iter().find_map(|sight| {
            match self.meets(&sight, 2) {
                Ok(true) => None,
                Ok(false) => Some(Failed::new(Code::NetworkLost, sight.lost())),
                // A guest that does not answer has lost more than its network.
                Err(error) => Some(error.failure()).filter(|f| f.scope() == Scope::Guest),
            }
        })
    }

    fn misplaced(&mut self) -> Vec<String> {
        self.violations()
    }

    fn watched(&self) -> Watched {
        self.all_watched()
    }

    fn processes(&self) -> Vec<(String, u32)> {
        self.qemus()
    }

    fn images(&mut self) -> Images {
        std::mem::take(&mut self.images)
    }

    fn end(self: Box<Self>, forensics: Option<&Path>) {
        self.end_all(forensics);
    }
}
