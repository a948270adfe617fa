//! What one boot is made of, before anything of it runs: network, folders, layers, on top of what its environment is.

use super::cables::Cables;
use super::{Testbed, TestbedError};
use crate::environment::EnvironmentSpec;
use model::CpuId;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::checked::Images;
use vm::guest::disk::{Disk, DiskError, DiskFile};
use vm::guest::image::{Image, builtin_with};
use vm::guest::machine::{BootSpec, Files, GuestError};
use vm::guest::network::{Network, free_ports};
use vm::guest::offline::OfflineDisks;
use vm::guest::overlay::Overlay;
use vm::guest::seed::{KeyPair, OfBoot, SeedError, SeedFile};
use vm::guest::spec::{GuestSpec, Source};

/// Parts of the path of a boot's logs that tell it from the campaign's others.
const BOOT: usize = 3;

/// What one boot is made of, before anything of it runs.
pub(super) struct Scene {
    pub(super) spec: EnvironmentSpec,
    pub(super) cables: Cables,
    pub(super) guests: Vec<SceneGuest>,
    /// CPUs of perfvt itself.
    pub(super) own_cpus: Vec<CpuId>,
    /// What the data disks of each guest are made of.
    pub(super) disks: Vec<Vec<DiskFile>>,
}

/// The folder of a guest's logs and of what tells why it failed, below those of the boot; the server's are the boot's own.
pub(super) fn folder(spec: &EnvironmentSpec, guest: usize) -> Option<String> {
    match guest {
        0 => None,
        1 if spec.measured() == 2 => Some("client".to_owned()),
        _ => spec.guests.get(guest).map(|guest| guest.name.clone()),
    }
}

/// Where the files of one guest of a boot go.
pub(super) struct SceneGuest {
    /// Kernel, RAM disk and tools disk of perfvt's own.
    pub(super) image: Image,
    /// The layer above the image of a guest of the user's.
    pub(super) overlay: Option<Overlay>,
    /// What its cloud-init is told.
    pub(super) seed: Option<SeedFile>,
    /// The disks of one that nobody talks to, once it has a job.
    pub(super) offline: Option<OfflineDisks>,
    /// The key with which it is entered, where nobody names one.
    pub(super) _key: Option<KeyPair>,
    /// The port at which its ssh server is reached.
    pub(super) port: u16,
    pub(super) logs: PathBuf,
    pub(super) forensics: PathBuf,
}

impl Testbed {
    /// Network, layers and folders of one boot.
    pub(super) fn scene(
        &self,
        spec: &EnvironmentSpec,
        image: &Image,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Scene, TestbedError> {
        let mut spec = spec.clone();
        let cables = Cables::make(&spec, &self.name).map_err(GuestError::Network)?;
        if let Some(switch) = cables.switch() {
            switch.pin(&spec.client).map_err(GuestError::Network)?;
        }
        let mut guests = Vec::new();
        let folders: Vec<_> = (0..spec.guests.len()).map(|guest| folder(&spec, guest)).collect();
        for (guest, folder) in spec.guests.iter_mut().zip(folders) {
            let own = |dir: &Path| folder.as_ref().map_or_else(|| dir.to_owned(), |folder| dir.join(folder));
            guests.push(self.scene_guest(guest, image, &spec.deadlines, (own(logs), own(forensics)))?);
        }
        let own_cpus = spec.plan().own_cpus();
        Ok(Scene { spec, cables, guests, own_cpus, disks: Vec::new() })
    }

    /// Layer, port and folders of one guest.
    pub(super) fn scene_guest(
        &self,
        guest: &mut GuestSpec,
        image: &Image,
        deadlines: &Deadlines,
        (logs, forensics): (PathBuf, PathBuf),
    ) -> Result<SceneGuest, TestbedError> {
        edge::write::create_directory(&logs).map_err(|source| GuestError::Io {
            doing: "creating",
            path: logs.clone(),
            source,
        })?;
        let port = free_ports(1).map_err(GuestError::Network)?.first().copied().unwrap_or_default();
        let image = match &guest.source {
            Source::Builtin(Some(kernel)) => builtin_with(&self.stage.cache, Some(kernel))?,
            Source::Builtin(None) | Source::Own(_) => image.clone(),
        };
        // A kernel may have no driver for it.
        guest.disks.tools &= image.tools.is_some();
        let layer = |own| Overlay::make(own, &guest.layers, &guest.qemu_img, deadlines);
        let overlay = guest.own().map(|own| layer(&own.chain)).transpose()?;
        let key = own_key(guest)?;
        let seed = self.seed(guest, &logs, key.as_ref())?;
        Ok(SceneGuest { image, overlay, seed, offline: None, _key: key, port, logs, forensics })
    }

    /// The disk for the cloud-init of a guest. Each boot is another machine for it: what it did in the image before, it does again.
    fn seed(
        &self,
        guest: &GuestSpec,
        logs: &Path,
        key: Option<&KeyPair>,
    ) -> Result<Option<SeedFile>, SeedError> {
        let Some(told) = guest.own().and_then(|own| own.cloud_init.as_ref()) else { return Ok(None) };
        let parts: Vec<_> = logs.iter().map(OsStr::to_string_lossy).collect();
        let boot = parts.get(parts.len().saturating_sub(BOOT)..).unwrap_or_default();
        let instance = format!("{}-{}-{}", self.name, boot.join("-").replace('/', ""), guest.name);
        let boot = OfBoot { instance: &instance, hostname: &guest.name, key: key.map(KeyPair::public) };
        SeedFile::make(&told.seed(boot), &guest.layers).map(Some)
    }
}

/// The key for a guest that gets one by its seed, where nobody names one.
fn own_key(guest: &mut GuestSpec) -> Result<Option<KeyPair>, SeedError> {
    let Source::Own(own) = &mut guest.source else { return Ok(None) };
    let login = own.cloud_init.as_ref().and_then(|told| told.login.as_ref());
    if login.is_none_or(|login| login.key.is_some()) {
        return Ok(None);
    }
    let key = KeyPair::make()?;
    own.key = Some(key.private().to_owned());
    Ok(Some(key))
}

impl SceneGuest {
    /// What QEMU is started with, for the guest of that place in a network.
    pub(super) fn boot<'a>(
        &'a self,
        guest: &'a GuestSpec,
        (network, index): (&'a Network, usize),
        (deadlines, deadline): (Deadlines, Duration),
    ) -> BootSpec<'a> {
        BootSpec {
            guest,
            network,
            index,
            files: self.files(),
            log_dir: &self.logs,
            forensics: &self.forensics,
            deadlines,
            deadline,
        }
    }

    fn files(&self) -> Files<'_> {
        Files {
            image: &self.image,
            overlay: self.overlay.as_ref().map(Overlay::path),
            data: &[],
            brought: None,
            seed: self.seed.as_ref().map(SeedFile::path),
            offline: self.offline.as_ref(),
            ssh_port: self.port,
            state: None,
            moves_in: None,
        }
    }
}

impl Scene {
    /// The server guest, and where its files go.
    pub(super) fn server(&self) -> Option<(&GuestSpec, &SceneGuest)> {
        self.spec.guests.first().zip(self.guests.first())
    }

    /// Makes the data disks of the guests that have some; what serves them has the CPUs that perfvt itself has.
    pub(super) fn data_disks(
        &self,
        make: impl Fn(&Disk, &Deadlines, &[CpuId]) -> Result<DiskFile, DiskError>,
    ) -> Result<Vec<Vec<DiskFile>>, DiskError> {
        let made = |disk: &Disk| make(disk, &self.spec.deadlines, &self.own_cpus);
        self.spec.guests.iter().map(|guest| guest.disks.data.iter().map(made).collect()).collect()
    }

    /// What is to be checked when the guests have ended, opened while it has names.
    pub(super) fn images(&self) -> Result<Images, GuestError> {
        let mut images = Images::new(&self.spec.deadlines);
        let of_guest = self.spec.guests.iter().zip(&self.guests).enumerate();
        for (place, (guest, here)) in of_guest.filter(|(_, (guest, _))| guest.check_image) {
            let (by, name) = (&guest.qemu_img, &guest.name);
            let mut add = |what: String, file: &Path| {
                images.add(what, by, file).map_err(|source| GuestError::Io {
                    doing: "opening for its check",
                    path: file.to_owned(),
                    source,
                })
            };
            if let Some(overlay) = &here.overlay {
                add(format!("the layer above the image of {name}"), overlay.path())?;
            }
            let made = self.disks.get(place).into_iter().flatten();
            for (disk, made) in guest.disks.data.iter().zip(made).filter(|(disk, _)| disk.format == "qcow2") {
                if let Some(file) = made.own_file() {
                    add(format!("disk{} of {name}", disk.number), file)?;
                }
            }
            if let Some(own) = guest.own() {
                images.add_chain(&format!("the image of {name}"), by, &own.chain);
            }
        }
        Ok(images)
    }

    /// Gives the files of a job to those guests that nobody talks to.
    pub(super) fn give(&mut self, job: &[(String, Vec<u8>)]) -> Result<(), GuestError> {
        for (guest, here) in self.spec.guests.iter().zip(&mut self.guests) {
            let Some(size) = guest.disks.output else { continue };
            let failed = |source| GuestError::Io {
                doing: "writing the job of a guest in",
                path: guest.layers.clone(),
                source,
            };
            here.offline = Some(OfflineDisks::make(job, size, &guest.layers).map_err(failed)?);
        }
        Ok(())
    }

    /// What QEMU is started with, guest by guest.
    pub(super) fn boots<'a>(&'a self, testbed: &'a Testbed) -> Vec<BootSpec<'a>> {
        let deadlines = self.spec.deadlines;
        let deadline = deadlines.boot(self.spec.guests.iter().any(|guest| guest.own().is_some()));
        let boot = |(index, (guest, here)): (usize, (&'a GuestSpec, &'a SceneGuest))| BootSpec {
            files: Files {
                data: self.disks.get(index).map(Vec::as_slice).unwrap_or_default(),
                brought: testbed.brought.disk(),
                ..here.files()
            },
            ..here.boot(guest, self.cables.of(index), (deadlines, deadline))
        };
        self.spec.guests.iter().zip(&self.guests).enumerate().map(boot).collect()
    }
}
