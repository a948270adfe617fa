//! What one boot is made of, before anything of it runs: network, placement, folders, layers.

use super::{Testbed, TestbedError, hardware, pin};
use crate::deadlines::Deadlines;
use crate::guest::definition::{Definition, own_kernel};
use crate::guest::disk::DiskFile;
use crate::guest::enter::Own;
use crate::guest::image::{Image, builtin_with};
use crate::guest::machine::{BootSpec, GuestError};
use crate::guest::network::{Layout, Network, free_ports};
use crate::guest::os::Os;
use crate::guest::overlay::Overlay;
use crate::guest::windows;
use crate::host::pin::GuestPlan;
use model::{CpuId, Params, ParamsError};
use std::path::{Path, PathBuf};

/// What one boot is made of, before anything of it runs.
pub(super) struct Scene {
    pub(super) network: Network,
    pub(super) guests: Vec<SceneGuest>,
    /// CPUs of a client on this host.
    pub(super) client: Vec<CpuId>,
    /// CPUs of perfvt itself.
    pub(super) own_cpus: Vec<CpuId>,
    /// The server guest's data disk.
    pub(super) disk: Option<DiskFile>,
}

/// One guest of a boot: its own parameters, its place, and where its files go.
pub(super) struct SceneGuest {
    pub(super) params: Params,
    /// Kernel, RAM disk and tools disk of perfvt's own.
    pub(super) image: Image,
    /// A guest of the user's; `None` for the built-in one.
    pub(super) own: Option<Definition>,
    /// The layer above its image.
    pub(super) overlay: Option<Overlay>,
    /// The port at which its ssh server is reached.
    pub(super) port: u16,
    pub(super) plan: GuestPlan,
    pub(super) logs: PathBuf,
    pub(super) forensics: PathBuf,
}

impl Testbed {
    /// Network, placement and folders of one boot.
    pub(super) fn scene(
        &self,
        params: &Params,
        image: &Image,
        logs: &Path,
        forensics: &Path,
    ) -> Result<Scene, TestbedError> {
        let layout = Layout::of(params).map_err(GuestError::Network)?;
        let plan = pin(&self.topology, params, self.needs.sessions, self.allow_unpinned)?;
        let network =
            Network::create(&layout, self.needs.sessions, &self.name).map_err(GuestError::Network)?;
        let own_cpus = plan.own_cpus();
        let mut guests = Vec::new();
        for plan in plan.guests {
            let own = |dir: &Path| if guests.is_empty() { dir.to_owned() } else { dir.join("client") };
            let (logs, forensics) = (own(logs), own(forensics));
            edge::write::create_directory(&logs).map_err(|source| GuestError::Io {
                doing: "creating",
                path: logs.clone(),
                source,
            })?;
            let params = params.object_params(&plan.name);
            let own = Definition::of(&params, &self.cache)?;
            if own.as_ref().is_some_and(|own| own.os == Os::Windows) {
                windows::check_links(&layout, guests.len())?;
            }
            let port = free_ports(1).map_err(GuestError::Network)?.first().copied().unwrap_or_default();
            let image = match own_kernel(&params)? {
                Some(kernel) => builtin_with(&self.cache, Some(&kernel))?,
                None => image.clone(),
            };
            guests.push(SceneGuest { params, image, own, port, overlay: None, plan, logs, forensics });
        }
        Ok(Scene { network, guests, client: plan.client, own_cpus, disk: None })
    }
}

impl Scene {
    /// Makes a layer for each guest of the user's.
    pub(super) fn layer(&mut self, deadlines: &Deadlines) -> Result<(), TestbedError> {
        for guest in &mut self.guests {
            if let Some(own) = &guest.own {
                let dir = Path::new(guest.params.text("disk_dir")?);
                guest.overlay = Some(Overlay::make(&own.chain, dir, deadlines)?);
            }
        }
        Ok(())
    }

    pub(super) fn specs<'a>(
        &'a self,
        testbed: &'a Testbed,
        deadlines: Deadlines,
    ) -> Result<Vec<BootSpec<'a>>, ParamsError> {
        let deadline = deadlines.boot(self.guests.iter().any(|guest| guest.own.is_some()));
        let spec = |(index, guest): (usize, &'a SceneGuest)| {
            let mut hardware = hardware(&guest.params, testbed.accel, &guest.plan)?;
            if index > 0 {
                // Only the guest that is measured has a data disk.
                hardware.disk = None;
            }
            hardware.extra.extend(testbed.brought.arguments());
            Ok(BootSpec {
                qemu: guest.params.text("qemu_binary")?,
                hardware,
                pin: guest.plan.pins.clone(),
                network: &self.network,
                guest: index,
                image: &guest.image,
                own: guest.entrance(),
                with_tools: testbed.needs.tools,
                disk: self.disk.as_ref().map(DiskFile::path),
                listens: testbed.needs.boot_trace && index == 0,
                log_dir: &guest.logs,
                forensics: &guest.forensics,
                deadlines,
                deadline,
            })
        };
        self.guests.iter().enumerate().map(spec).collect()
    }
}

impl SceneGuest {
    fn entrance(&self) -> Option<Own<'_>> {
        let (definition, overlay) = (self.own.as_ref()?, self.overlay.as_ref()?.path());
        Some(Own { definition, overlay, port: self.port })
    }
}
