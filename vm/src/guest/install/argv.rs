//! QEMU's command line for an installer.

use super::super::argv::Socket;
use super::super::blockdev;
use super::super::hardware::{Display, Hardware, device};
use super::{Confine, Recipe};
use model::Accel;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// The serial number of the disk with the answers, as in guests.
const SEED_SERIAL: &str = "perfvt.seed";

/// Files of an installation by the names that QEMU has for them.
pub(super) struct Names {
    pub(super) kernel: Option<PathBuf>,
    pub(super) initrd: Option<PathBuf>,
    pub(super) disk: PathBuf,
    pub(super) iso: Option<PathBuf>,
    pub(super) drivers: Option<PathBuf>,
    pub(super) seed: Option<PathBuf>,
    pub(super) console: PathBuf,
    pub(super) qmp: Socket,
    /// Descriptors by the sets in which QEMU finds them.
    pub(super) sets: Vec<(RawFd, PathBuf)>,
}

/// The arguments behind the program. A guest that powers off or restarts stays, paused, so that QEMU can be asked which.
pub(super) fn build(recipe: &Recipe, names: &Names) -> Vec<String> {
    let mut args = Arguments::default();
    args.machine(&recipe.hardware, recipe.confine, names);
    args.add("-chardev", format!("file,id=serial0,path={}", names.console.display()));
    args.add("-serial", "chardev:serial0");
    args.add("-chardev", format!("socket,id=qmp0,{},server=on,wait=off", names.qmp.part()));
    args.add("-mon", "chardev=qmp0,mode=control");
    if let Some(kernel) = &names.kernel {
        args.add("-kernel", kernel.display().to_string());
        if let Some(initrd) = &names.initrd {
            args.add("-initrd", initrd.display().to_string());
        }
        if !recipe.command_line.trim().is_empty() {
            args.add("-append", recipe.command_line.trim());
        }
    }
    args.disks(recipe, names);
    if recipe.hardware.display != Display::None {
        args.add("-device", "VGA");
    }
    args.add("-netdev", "user,id=net0");
    for nic in recipe.hardware.nics.iter().take(1) {
        args.add("-device", format!("{},netdev=net0", device(&nic.model)));
    }
    args.0
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.extend([name.to_owned(), value.into()]);
    }

    fn machine(&mut self, h: &Hardware, confine: Confine, names: &Names) {
        let bare = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-no-shutdown"];
        self.0.extend(bare.map(String::from));
        if let Some(sandbox) = confine.argument(false) {
            self.add("-sandbox", sandbox);
        }
        for (number, path) in &names.sets {
            let opaque = path.display().to_string().replace(',', ",,");
            self.add("-add-fd", format!("fd={number},set={number},opaque={opaque}"));
        }
        self.add("-name", "guest=perfvt-install");
        self.add("-accel", if h.accel == Accel::Kvm { "kvm" } else { "tcg,thread=multi" });
        self.add("-machine", h.machine.as_str());
        match (h.cpu_model.as_str(), h.accel) {
            ("", Accel::Kvm) => self.add("-cpu", "host"),
            ("", Accel::Tcg) => {}
            (model, _) => self.add("-cpu", model),
        }
        self.add("-smp", super::super::argv::smp(h));
        self.add("-m", format!("{}M", h.mem_mib));
    }

    fn disks(&mut self, recipe: &Recipe, names: &Names) {
        // The firmware finds nothing on the fresh disk and goes on to the medium.
        let (first, second) = match names.kernel {
            Some(_) => ("", ""),
            None => (",bootindex=0", ",bootindex=1"),
        };
        self.add("-blockdev", blockdev::fresh("root0", &names.disk));
        self.add("-device", format!("virtio-blk-pci,drive=root0{first}"));
        for (node, file, boot) in [("iso0", &names.iso, second), ("drivers0", &names.drivers, "")] {
            if let Some(file) = file {
                self.add("-blockdev", blockdev::read_only(node, file));
                self.add("-device", format!("ide-cd,drive={node}{boot}"));
            }
        }
        if let Some(seed) = &names.seed {
            self.add("-blockdev", blockdev::read_only("seed", seed));
            let is_floppy =
                recipe.answers.as_ref().is_some_and(|answers| answers.by == super::AnswersBy::Floppy);
            self.add(
                "-device",
                match is_floppy {
                    true => "floppy,drive=seed".to_owned(),
                    false => format!("virtio-blk-pci,drive=seed,serial={SEED_SERIAL}"),
                },
            );
        }
    }
}
