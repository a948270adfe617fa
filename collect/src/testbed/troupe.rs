//! Machines on networks of their own, each started and ended alone or with all others, without a campaign.

use super::claims::claim_guests;
use super::nics::{bring_up, settle_in};
use super::scene::SceneGuest;
use super::shell::refuse_campaigns;
use super::{Testbed, TestbedError};
use crate::environment::{EnvironmentError, Stage, TroupeSpec, settle};
use crate::parse;
use crate::workload::Needs;
use model::{Accel, Params};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::guest::image::{Cache, Image, host_program};
use vm::guest::machine::{BootSpec, Files, GuestError, Machine};
use vm::guest::network::{Joined, Kind, NFT, Network, Shape, Switched, Topology};
use vm::guest::spec::GuestSpec;
use vm::host::locks::Claims;
use vm::host::pin::PinPlan;
use vm::host::program::qemu_here;

/// Machines on networks, of which any may run.
pub struct Troupe {
    /// The machines, in the order of the topology. First, so that they are gone before what joins them.
    members: Vec<Member>,
    spec: TroupeSpec,
    joined: Joined,
    testbed: Testbed,
    image: Image,
    logs: PathBuf,
}

/// One of them.
#[derive(Default)]
struct Member {
    running: Option<Running>,
    /// The disks of its last start, which the next one finds as it left them, and the network that a machine may still be in that
    /// was handed over to be ended.
    left: Option<(SceneGuest, Option<Network>)>,
    /// How often it was started.
    starts: u32,
}

/// A machine that runs, with what it stands on.
struct Running {
    /// First, so that QEMU is gone before its network.
    machine: Machine,
    network: Network,
}

/// What a machine is about to be started from.
struct Wings {
    index: usize,
    guest: GuestSpec,
    here: SceneGuest,
    network: Network,
}

impl Troupe {
    /// The machines that parameters describe ([`parse::topology`]), of which none runs yet. Where parameters leave it open they are
    /// not pinned. The console of each, and what QEMU says, go to a folder of its name in `logs`.
    ///
    /// # Errors
    /// Parameters that describe no such machines, or that mean nothing without a campaign.
    pub fn new(
        cache: &Cache,
        image: Image,
        accel: Accel,
        params: Params,
        logs: &Path,
    ) -> Result<Troupe, TestbedError> {
        let (stage, spec) = Self::plan(cache, accel, params)?;
        let joined = Joined::make(&spec.topology).map_err(GuestError::Network)?;
        if let Some(switch) = joined.switch() {
            switch.pin(&spec.switch).map_err(GuestError::Network)?;
            if let Some(violation) = switch.violation(&spec.switch) {
                return Err(TestbedError::Tool(violation));
            }
        }
        let testbed = Testbed::new(stage, Some(image.clone()), "troupe")?;
        let members = spec.guests.iter().map(|_| Member::default()).collect();
        Ok(Troupe { members, spec, joined, testbed, image, logs: logs.to_owned() })
    }

    /// What they would be, where nothing is made of it.
    ///
    /// # Errors
    /// As [`Troupe::new`].
    pub fn planned(cache: &Cache, accel: Accel, params: Params) -> Result<TroupeSpec, TestbedError> {
        Ok(Self::plan(cache, accel, params)?.1)
    }

    fn plan(cache: &Cache, accel: Accel, mut params: Params) -> Result<(Stage, TroupeSpec), TestbedError> {
        let wrong = EnvironmentError::from;
        settle::by_hand(&mut params);
        refuse_campaigns(&params).map_err(wrong)?;
        if params.get("net").map(str::trim) == Some("auto") {
            settle::set(&mut params, "net", Kind::Switch.word());
        }
        settle::qemu(&mut params, &qemu_here());
        parse::machines(&params).map_err(wrong)?;
        settle::confine(&mut [&mut params], accel).map_err(wrong)?;
        let needs = Needs { tools: true, ..Needs::default() };
        let stage = Stage::here(cache, accel, needs, true)?;
        let spec = TroupeSpec::of(&params, &stage.ground())?;
        if spec.topology.translates() {
            host_program(cache, NFT)?;
        }
        Ok((stage, spec))
    }

    /// What they are, and what joins them.
    pub fn spec(&self) -> &TroupeSpec {
        &self.spec
    }

    /// What joins them.
    pub fn topology(&self) -> &Topology {
        &self.spec.topology
    }

    /// The switch that joins them, if one does.
    pub fn switch(&self) -> Option<&Switched> {
        self.joined.switch()
    }

    /// What must be their own on this host.
    ///
    /// # Errors
    /// A kernel of the user's for a built-in guest.
    pub fn claims(&self) -> Result<Claims, TestbedError> {
        let mut claims = Claims { images: vec![self.image.dir.clone()], ..Claims::default() };
        claim_guests(&mut claims, &self.spec.guests, &self.testbed.stage.cache)?;
        if self.spec.guests.iter().all(|guest| guest.pins.is_some()) {
            let guests = self.spec.guests.iter().map(GuestSpec::plan).collect();
            claims
                .cpus
                .extend(PinPlan { guests, client: self.spec.switch.clone(), notes: Vec::new() }.cpus());
        }
        Ok(claims)
    }

    /// Starts those that do not run, all at a time.
    ///
    /// # Errors
    /// A machine that does not come up, which takes those with it that were started with it.
    pub fn start_all(&mut self) -> Result<(), TestbedError> {
        let is_down = |(index, member): (usize, &Member)| member.running.is_none().then_some(index);
        let down = self.members.iter().enumerate().filter_map(is_down).collect();
        self.raise(down, None, None)
    }

    /// Starts one machine; one that runs stays as it is.
    ///
    /// # Errors
    /// No machine of that name, or it does not come up.
    pub fn start(&mut self, name: &str) -> Result<(), TestbedError> {
        let index = self.place(name)?;
        match self.members.get(index).is_some_and(|member| member.running.is_some()) {
            true => Ok(()),
            false => self.raise(vec![index], None, None),
        }
    }

    /// A machine that runs.
    ///
    /// # Errors
    /// No machine of that name, or it does not run.
    pub fn machine(&mut self, name: &str) -> Result<&mut Machine, TestbedError> {
        let index = self.place(name)?;
        let running = self.members.get_mut(index).and_then(|member| member.running.as_mut());
        running.map(|running| &mut running.machine).ok_or_else(|| TestbedError::Down(name.to_owned()))
    }

    /// Whether a machine was started and not ended since; its guest may have died.
    ///
    /// # Errors
    /// No machine of that name.
    pub fn runs(&self, name: &str) -> Result<bool, TestbedError> {
        let index = self.place(name)?;
        Ok(self.members.get(index).is_some_and(|member| member.running.is_some()))
    }

    /// Ends a machine at once, as if its plug were pulled: its guest saves nothing. It can be started again, with the same disks.
    ///
    /// # Errors
    /// No machine of that name.
    pub fn end(&mut self, name: &str) -> Result<(), TestbedError> {
        let index = self.place(name)?;
        if let Some(machine) = self.take_at(index) {
            machine.quit();
        }
        Ok(())
    }

    /// Hands a machine that runs over to be ended.
    pub(super) fn take_at(&mut self, index: usize) -> Option<Machine> {
        let member = self.members.get_mut(index)?;
        let Running { machine, network } = member.running.take()?;
        if let Some((_, left)) = &mut member.left {
            *left = Some(network);
        }
        Some(machine)
    }

    /// A machine that runs.
    pub(super) fn machine_at(&mut self, index: usize) -> Option<&mut Machine> {
        Some(&mut self.members.get_mut(index)?.running.as_mut()?.machine)
    }

    /// Changes the link of a machine's NIC, by its place among the NICs, for what is delivered there from now on.
    ///
    /// # Errors
    /// No machine of that name, or no switch of perfvt's own leads to that NIC.
    pub fn reshape(&self, name: &str, nic: usize, shape: Shape) -> Result<(), TestbedError> {
        let index = self.place(name)?;
        Ok(self.joined.reshape((index, nic), shape).map_err(GuestError::Network)?)
    }

    fn place(&self, name: &str) -> Result<usize, TestbedError> {
        let found = self.topology().machine(name).map(|(index, _)| index);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.topology().machines.iter().map(|node| node.name.as_str()).collect();
            TestbedError::NoMachine { name: edge::quoted(name).to_string(), names: names.join(", ") }
        })
    }

    /// Boots machines, and puts them into their networks; or starts one that was saved, which is in them already.
    pub(super) fn raise(
        &mut self,
        indices: Vec<usize>,
        state: Option<&Path>,
        limit: Option<Duration>,
    ) -> Result<(), TestbedError> {
        let wings: Vec<Wings> =
            indices.into_iter().map(|index| self.wings(index)).collect::<Result<_, TestbedError>>()?;
        let deadlines = self.spec.deadlines;
        let usual = deadlines.boot(wings.iter().any(|wings| wings.guest.own().is_some()));
        let deadline = limit.unwrap_or(usual);
        let boots: Vec<_> = wings
            .iter()
            .map(|wings| {
                let boot = wings.here.boot(&wings.guest, (&wings.network, 0), (deadlines, deadline));
                BootSpec { files: Files { state, ..boot.files }, ..boot }
            })
            .collect();
        let machines = Machine::boot_all(&boots).map_err(|source| {
            let names: Vec<&str> = wings.iter().map(|wings| wings.guest.name.as_str()).collect();
            TestbedError::Machine { name: names.join(", "), source }
        })?;
        drop(boots);
        for (mut machine, wings) in machines.into_iter().zip(wings) {
            let named = |source| TestbedError::Machine { name: wings.guest.name.clone(), source };
            if state.is_none() && !wings.guest.is_seen() {
                bring_up(&mut machine, (&wings.network, 0), Some(&wings.guest)).map_err(named)?;
                settle_in(&mut machine, self.topology(), wings.index).map_err(named)?;
            }
            if let Some(member) = self.members.get_mut(wings.index) {
                member.running = Some(Running { machine, network: wings.network });
                member.left = Some((wings.here, None));
            }
        }
        Ok(())
    }

    fn wings(&mut self, index: usize) -> Result<Wings, TestbedError> {
        let lost = || TestbedError::Tool(format!("there is no machine {}", index + 1));
        let mut guest = self.spec.guests.get(index).cloned().ok_or_else(lost)?;
        let member = self.members.get_mut(index).ok_or_else(lost)?;
        member.starts += 1;
        let folder = match member.starts {
            1 => guest.name.clone(),
            again => format!("{}.{again}", guest.name),
        };
        let logs = self.logs.join(folder);
        let forensics = logs.join("forensics");
        let overlay = member.left.take().and_then(|(here, _)| here.overlay);
        let mut here =
            self.testbed.scene_guest(&mut guest, &self.image, &self.spec.deadlines, (logs, forensics))?;
        if overlay.is_some() {
            here.overlay = overlay;
        }
        let network = self.joined.network(index, &guest.name).map_err(GuestError::Network)?;
        Ok(Wings { index, guest, here, network })
    }
}
