//! Guests of an environment that are driven and not measured: each boots and ends by itself, with the same disks.

use super::claims::claim;
use super::nics::{acquaint, bring_up};
use super::scene::Scene;
use super::{Testbed, TestbedError, Troupe, scratch};
use crate::drive::Machines;
use crate::environment::{EnvironmentError, EnvironmentSpec, Place, Stage};
use crate::lab::Failed;
use model::{Code, Failure};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::guest::disk::Disk;
use vm::guest::image::Image;
use vm::guest::machine::{BootSpec, Files, GuestError, Machine};
use vm::guest::network::Node;
use vm::host::locks::Claims;

/// The guests of one environment, none of which runs at first.
pub struct Driven {
    /// First, so that QEMU is gone before the namespace that its tap lives in.
    machines: Vec<Option<Machine>>,
    scene: Scene,
    testbed: Testbed,
    folder: PathBuf,
    /// How often each was booted.
    boots: Vec<u32>,
}

impl Driven {
    /// Those of the only environment of a stage. What they log goes into a folder, a part of it for each boot.
    ///
    /// # Errors
    /// There is none, or its network or disks cannot be made.
    pub fn new(stage: Stage, image: Image, folder: &Path) -> Result<Driven, TestbedError> {
        let spec = Self::planned(&stage)?.clone();
        let testbed = Testbed::new(stage, Some(image.clone()), "drive")?;
        // Each boot has a folder of its own, made when it begins.
        let nowhere = scratch()?;
        let mut scene = testbed.scene(&spec, &image, nowhere.path(), nowhere.path())?;
        scene.disks = scene.data_disks(Disk::make)?;
        let machines = scene.guests.iter().map(|_| None).collect();
        let boots = vec![0; scene.guests.len()];
        Ok(Driven { machines, scene, testbed, folder: folder.to_owned(), boots })
    }

    /// What must be their own on this host: nobody measures, so that they need no CPUs of their own unless they are pinned.
    ///
    /// # Errors
    /// A kernel of the user's for the built-in guest.
    pub fn claims(&self) -> Result<Claims, TestbedError> {
        let image = self.testbed.image.as_ref().map(|image| image.dir.clone());
        let mut claims = Claims { images: image.into_iter().collect(), ..Claims::default() };
        claim(&mut claims, &self.scene.spec, &self.testbed.stage.cache)?;
        if self.scene.spec.is_pinned() {
            claims.cpus.extend(self.scene.spec.plan().cpus());
        }
        Ok(claims)
    }

    /// What the guests of a stage's only environment would be, where nothing is made of it.
    ///
    /// # Errors
    /// There is none.
    pub fn planned(stage: &Stage) -> Result<&EnvironmentSpec, TestbedError> {
        match stage.rooms.first().map(|room| room.ready()).transpose()? {
            Some(Place::Guests(spec)) => Ok(spec),
            _ => Err(EnvironmentError::Hardware(
                "there is no guest to drive: the host alone is measured".into(),
            )
            .into()),
        }
    }

    /// Boots some, or starts one from a state that was saved.
    fn boot(
        &mut self,
        places: &[usize],
        state: Option<&Path>,
        deadline: Option<Duration>,
    ) -> Result<(), TestbedError> {
        for place in places {
            if let (Some(here), Some(boots), Some(guest)) = (
                self.scene.guests.get_mut(*place),
                self.boots.get_mut(*place),
                self.scene.spec.guests.get(*place),
            ) {
                *boots += 1;
                here.logs = self.folder.join(&guest.name).join(format!("boot{boots}"));
                here.forensics = here.logs.join("forensics");
                edge::write::create_directory(&here.logs).map_err(|source| GuestError::Io {
                    doing: "creating",
                    path: here.logs.clone(),
                    source,
                })?;
            }
        }
        let all = self.scene.boots(&self.testbed).into_iter().enumerate();
        let wanted = all.filter(|(place, _)| places.contains(place));
        let specs: Vec<BootSpec<'_>> = wanted
            .map(|(_, boot)| BootSpec {
                deadline: deadline.unwrap_or(boot.deadline),
                files: Files { state, ..boot.files },
                ..boot
            })
            .collect();
        let mut up = Machine::boot_all(&specs)?;
        // One that was saved had all of that then, and one that is only seen cannot be told.
        let told = up.iter_mut().zip(&specs).filter(|(up, spec)| !up.restored && !spec.guest.is_seen());
        for (machine, spec) in told {
            self.testbed.bring(&self.scene.spec, machine)?;
            bring_up(machine, (spec.network, spec.index), Some(spec.guest))?;
            acquaint(machine, &self.scene.spec, spec.index)?;
        }
        let mut places: Vec<usize> = places.to_vec();
        places.sort_unstable();
        for (place, machine) in places.into_iter().zip(up) {
            if let Some(slot) = self.machines.get_mut(place) {
                *slot = Some(machine);
            }
        }
        Ok(())
    }
}

impl Machines for Driven {
    fn names(&self) -> Vec<String> {
        self.scene.spec.guests.iter().map(|guest| guest.name.clone()).collect()
    }

    fn machine(&mut self, place: usize) -> Option<&mut Machine> {
        self.machines.get_mut(place)?.as_mut()
    }

    fn start(&mut self, places: &[usize], deadline: Option<Duration>) -> Result<(), Failure> {
        self.boot(places, None, deadline).map_err(failure)
    }

    fn restore(&mut self, place: usize, state: &Path, deadline: Option<Duration>) -> Result<(), Failure> {
        self.boot(&[place], Some(state), deadline).map_err(failure)
    }

    fn take(&mut self, place: usize) -> Result<Machine, Failure> {
        let machine = self.machines.get_mut(place).and_then(Option::take);
        machine.ok_or_else(|| {
            let name = self.scene.spec.guests.get(place).map_or("it", |guest| guest.name.as_str());
            Failure::tool(format!("{name} does not run"))
        })
    }
}

impl Machines for Troupe {
    fn names(&self) -> Vec<String> {
        self.topology().machines.iter().map(|node| node.name.clone()).collect()
    }

    fn machine(&mut self, place: usize) -> Option<&mut Machine> {
        self.machine_at(place)
    }

    fn networks(&self, place: usize) -> Vec<String> {
        self.topology().machines.get(place).map(Node::networks).unwrap_or_default()
    }

    fn start(&mut self, places: &[usize], deadline: Option<Duration>) -> Result<(), Failure> {
        self.raise(places.to_vec(), None, deadline).map_err(failure)
    }

    fn restore(&mut self, place: usize, state: &Path, deadline: Option<Duration>) -> Result<(), Failure> {
        self.raise(vec![place], Some(state), deadline).map_err(failure)
    }

    fn take(&mut self, place: usize) -> Result<Machine, Failure> {
        let name =
            self.topology().machines.get(place).map_or_else(|| "it".to_owned(), |node| node.name.clone());
        self.take_at(place).ok_or_else(|| Failure::tool(format!("{name} does not run")))
    }
}

/// Machines that did not come up.
fn failure(error: TestbedError) -> Failure {
    match error {
        TestbedError::Guest(guest) => guest.failure(),
        TestbedError::Machine { name, source } => {
            let Failure { code, reason, .. } = source.failure();
            Failure::new(code, format!("starting {name}: {reason}"))
        }
        other => Failed::new(Code::Host, other.to_string()),
    }
}
