//! The data disk that keys describe.

use super::given;
use model::{Params, ParamsError, bytes};
use std::path::PathBuf;
use vm::guest::disk::{Bus, Disk};

const FORMATS: [&str; 2] = ["raw", "qcow2"];
const PREALLOCATIONS: [&str; 4] = ["off", "metadata", "falloc", "full"];
const CACHES: [&str; 5] = ["none", "writeback", "writethrough", "directsync", "unsafe"];
const AIOS: [&str; 3] = ["native", "threads", "io_uring"];

/// Most queues of a disk: QEMU's own bound for virtio is 1024, and its NVMe device counts in 16 bits.
const MAX_QUEUES: u32 = 1024;

/// The disk that parameters describe; none without a `disk_size`.
///
/// # Errors
/// Values that no disk has, or that do not go together.
pub fn disk(params: &Params) -> Result<Option<Disk>, ParamsError> {
    if given(params, "disk_size").is_none() {
        return Ok(None);
    }
    let size = bytes(params.text("disk_size")?).filter(|size| size.is_multiple_of(1 << 20));
    let disk = Disk {
        size: size.ok_or_else(|| params.wrong("disk_size", "a size of whole MiB, such as 512M or 2G"))?,
        format: params.choice("disk_format", &FORMATS)?,
        bus: Bus::parse(params.choice("disk_bus", &Bus::WORDS)?).unwrap_or(Bus::Virtio),
        preallocation: params.choice("disk_prealloc", &PREALLOCATIONS)?,
        cache: params.choice("disk_cache", &CACHES)?,
        aio: params.choice("disk_aio", &AIOS)?,
        iothread: params.switch("disk_iothread")?,
        queues: match given(params, "disk_queues") {
            None => None,
            Some(_) => Some(params.number("disk_queues", 1u32, "a number of queues, 1 or more")?),
        },
        dir: PathBuf::from(params.text("disk_dir")?),
    };
    if disk.queues.is_some_and(|queues| queues > MAX_QUEUES) {
        return Err(params.wrong("disk_queues", &format!("a number of queues, 1 to {MAX_QUEUES}")));
    }
    if disk.aio == "native" && !["none", "directsync"].contains(&disk.cache) {
        return Err(params
            .wrong("disk_aio", "threads or io_uring with this disk_cache; native needs none or directsync"));
    }
    if let Some(why) = disk.bus.without_iothread().filter(|_| disk.iothread) {
        return Err(params.wrong("disk_iothread", &format!("no, because {why}")));
    }
    if disk.format == "raw" && disk.preallocation == "metadata" {
        return Err(params.wrong("disk_prealloc", "off, falloc or full, because a raw file has no metadata"));
    }
    Ok(Some(disk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::guest;
    use model::Origin;

    fn made(set: &[(&str, &str)]) -> Result<Option<Disk>, ParamsError> {
        let mut params = Params::new();
        for known in guest() {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        disk(&params)
    }

    #[test]
    fn a_guest_has_a_disk_when_it_is_given_a_size() {
        assert_eq!(made(&[]), Ok(None));
        let disk = made(&[("disk_size", "512M")]).unwrap().unwrap();
        assert_eq!(
            (disk.size, disk.format, disk.bus.word(), disk.cache),
            (512 << 20, "raw", "virtio", "none")
        );
        assert_eq!((disk.queues, disk.iothread), (None, true));
        let set = [("disk_size", "1G"), ("disk_bus", "nvme"), ("disk_iothread", "no"), ("disk_queues", "4")];
        let disk = made(&set).unwrap().unwrap();
        assert_eq!((disk.bus.word(), disk.queues, disk.iothread), ("nvme", Some(4), false));
        assert!(made(&[("disk_size", "1G"), ("disk_queues", "0")]).is_err());
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_the_way_out() {
        let says = |set: &[(&str, &str)], text: &str| {
            let mut all = vec![("disk_size", "1G")];
            all.extend_from_slice(set);
            let error = made(&all).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        says(&[("disk_cache", "writeback")], "native needs none or directsync");
        says(&[("disk_bus", "nvme")], "NVMe device has no iothread");
        says(&[("disk_prealloc", "metadata")], "off, falloc or full");
        says(&[("disk_format", "vmdk")], "one of raw, qcow2");
        says(&[("disk_size", "1500")], "whole MiB");
    }
}
