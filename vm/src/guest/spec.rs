//! A guest as it is to be booted: parsed once from parameters, then read by everybody (the plan that is shown, locks, QEMU's
//! command line, the boot, the fingerprint).

use super::confine::Confine;
use super::definition::Definition;
use super::disk::{At, Disk, Remote};
use super::hardware::Hardware;
use super::image::OwnKernel;
use super::os::Os;
use super::qemu_img::QemuImg;
use super::way::Way;
use crate::host::pin::{GuestPins, GuestPlan};
use model::Accel;
use std::path::{Path, PathBuf};

/// One guest of an environment.
#[derive(Clone, Debug)]
pub struct GuestSpec {
    /// The name that parameters of this guest alone end in: `vm1`, `vm2`.
    pub name: String,
    /// QEMU's program.
    pub qemu: String,
    /// Machine, CPUs, memory, NICs.
    pub hardware: Hardware,
    /// What it starts from.
    pub source: Source,
    /// Its disks beside the one that it runs from.
    pub disks: Disks,
    /// How QEMU is confined.
    pub confine: Confine,
    /// Whether the firmware's debug port is logged.
    pub listens: bool,
    /// Where its threads and memory go; `None` leaves them to the kernel.
    pub pins: Option<GuestPins>,
    /// vCPUs that serve the interrupts of its virtio NICs, as a list; `None` leaves them where the kernel put them.
    pub irq_vcpus: Option<String>,
    /// vCPUs on which servers run, as a list.
    pub server_vcpus: Option<String>,
    /// Where the layer above its image is made.
    pub layers: PathBuf,
    /// What makes its disks.
    pub qemu_img: QemuImg,
    /// Whether its images are checked when it has ended ([`super::checked`]).
    pub check_image: bool,
    /// How often that layer is booted before the boot that counts.
    pub earlier_boots: u32,
}

/// What a guest starts from.
#[derive(Clone, Debug)]
pub enum Source {
    /// perfvt's own guest, with a kernel of the user's or its own.
    Builtin(Option<OwnKernel>),
    /// A guest of the user's.
    Own(Box<Definition>),
}

/// The disks of a guest beside the one that it runs from, in the order in which it finds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disks {
    /// perfvt's larger tools, read-only.
    pub tools: bool,
    /// Data disks. All that are not somewhere else are made anew for each boot.
    pub data: Vec<Disk>,
    /// Which of them, from 0, workloads have.
    pub work: usize,
    /// What the user brings, read-only.
    pub brought: bool,
    /// Files for the system's first boot, read-only ([`super::seed`]).
    pub seed: bool,
    /// The bytes of the disk for the results of a guest that works by itself; another one has its job ([`super::offline`]).
    pub output: Option<u64>,
}

impl Disks {
    /// The data disk that workloads have.
    pub fn work(&self) -> Option<&Disk> {
        self.data.get(self.work)
    }
}

impl GuestSpec {
    /// The built-in guest with what the defaults of the parameters describe, one vCPU, and its memory anywhere.
    pub fn plain(accel: Accel) -> GuestSpec {
        GuestSpec {
            name: "vm1".into(),
            qemu: super::QEMU.into(),
            hardware: Hardware::plain(accel),
            source: Source::Builtin(None),
            disks: Disks::default(),
            confine: Confine::None,
            listens: false,
            pins: None,
            irq_vcpus: None,
            server_vcpus: None,
            layers: PathBuf::from("/var/tmp"),
            qemu_img: QemuImg::default(),
            check_image: false,
            earlier_boots: 0,
        }
    }

    /// Its system.
    pub fn os(&self) -> Os {
        self.own().map_or(Os::Linux, |own| own.os)
    }

    /// The guest of the user's that it is; `None` for the built-in one.
    pub fn own(&self) -> Option<&Definition> {
        match &self.source {
            Source::Builtin(_) => None,
            Source::Own(own) => Some(own),
        }
    }

    /// Whether qemu-img makes something for each boot of it.
    pub fn has_made_disks(&self) -> bool {
        self.own().is_some() || self.disks.data.iter().any(|disk| disk.at.is_made())
    }

    /// The way into a guest of the user's, and that of one that works by itself; perfvt's own agent has no name there.
    pub fn way(&self) -> Option<Way> {
        self.own().map(|own| own.way).or(self.is_offline().then_some(Way::Nobody))
    }

    /// Whether it works by itself, without anybody who talks to it ([`super::offline`]).
    pub fn is_offline(&self) -> bool {
        self.disks.output.is_some()
    }

    /// Whether nobody talks to it, and it is driven by what it shows.
    pub fn is_seen(&self) -> bool {
        self.way().is_some_and(Way::is_seen)
    }

    /// Its placement, as the plan has it.
    pub fn plan(&self) -> GuestPlan {
        GuestPlan { name: self.name.clone(), smp: self.hardware.smp, pins: self.pins.clone() }
    }

    /// The same with files of the user's as people read them: by their names, in a folder that is called IMAGE.
    #[must_use]
    pub fn for_people(&self) -> GuestSpec {
        let mut shown = self.clone();
        if let Source::Own(own) = &mut shown.source {
            let named = |path: &PathBuf| Path::new("IMAGE").join(path.file_name().unwrap_or_default());
            own.chain = own.chain.clone().for_people();
            (own.kernel, own.initrd) = (own.kernel.as_ref().map(named), own.initrd.as_ref().map(named));
            own.firmware = own.firmware.as_ref().map(named);
            own.cdroms.iter_mut().for_each(|cdrom| cdrom.file = named(&cdrom.file));
        }
        for disk in &mut shown.disks.data {
            if let At::Remote(Remote { login: Some((_, file)), .. }) = &mut disk.at {
                *file = Path::new("IMAGE").join(file.file_name().unwrap_or_default());
            }
        }
        shown
    }
}
