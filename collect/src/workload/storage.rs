//! What workloads on the guest's data disk do in the same way.

use super::Value;
use super::common::{value, wanted};
use crate::lab::{Failed, Lab, Measured};
use model::{Params, Phase};
use vm::guest::disk::{self, Bus};

/// Where a file system on the data disk is mounted.
pub(super) const MOUNT: &str = "/mnt/perfvt";

/// The data disk's device in the guest.
pub(super) fn device(lab: &mut dyn Lab) -> Result<String, Failed> {
    let disk = lab.disk().map(|disk| (disk.bus, disk.serial()));
    let (bus, serial) = disk.unwrap_or((Bus::Virtio, disk::SERIAL.to_owned()));
    Ok(lab.exec(&["perfvt-disk", bus.word(), &serial], lab.soon())?.trim().to_owned())
}

/// An empty file system of this kind (ext2, ext3 or ext4) on the data disk, mounted at [`MOUNT`] where one before it was.
pub(super) fn make_file_system(lab: &mut dyn Lab, kind: &str) -> Result<(), Failed> {
    let (device, limit) = (device(lab)?, lab.deadline(Phase::Prepare));
    let mounts = lab.exec(&["cat", "/proc/mounts"], lab.soon())?;
    if mounts.lines().any(|line| line.split_whitespace().nth(1) == Some(MOUNT)) {
        lab.exec(&["umount", MOUNT], limit)?;
    }
    lab.exec(&["mkdir", "-p", MOUNT], lab.soon())?;
    lab.exec(&["perfvt-load", "ext4"], lab.soon())?;
    // Through its stand-in, which tells the loader of the libraries beside it. By a path, because busybox takes the bare
    // name for its own, which knows ext2 alone.
    lab.exec(&["/usr/bin/mke2fs", "-q", "-F", "-t", kind, &device], limit)?;
    // The driver of ext4 mounts all three.
    lab.exec(&["mount", "-t", "ext4", &device, MOUNT], lab.soon()).map(drop)
}

/// The guest's vCPUs.
pub(super) fn vcpus(params: &Params) -> u32 {
    params.number("smp", 1, "").unwrap_or(1)
}

/// The busy share of each vCPU in the window as the guest counted it, in per cent: `vcpu0`, `vcpu1` and so on.
pub(super) fn vcpu_values(params: &Params, measured: &Measured) -> Result<Vec<Value>, Failed> {
    let of = |vcpu: u32| {
        let busy = measured.end.guest.stat.busy_percent_since(&measured.start.guest.stat, vcpu);
        Ok(value(&format!("vcpu{vcpu}"), wanted(&format!("CPU time of vCPU {vcpu}"), busy)?))
    };
    (0..vcpus(params)).map(of).collect()
}
