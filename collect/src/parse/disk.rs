//! The data disks that keys describe.

use super::given;
use super::link::{rate, time};
use super::qemu_img::qemu_img;
use crate::parameters::is_disk;
use model::{Origin, Params, ParamsError, bytes};
use std::path::PathBuf;
use std::time::Duration;
use vm::guest::disk::{At, Bus, Device, Disk, Program, Remote, Serve};

const FORMATS: [&str; 2] = ["raw", "qcow2"];
const PREALLOCATIONS: [&str; 4] = ["off", "metadata", "falloc", "full"];
const CACHES: [&str; 5] = ["none", "writeback", "writethrough", "directsync", "unsafe"];
const AIOS: [&str; 3] = ["native", "threads", "io_uring"];

/// Most queues of a disk: QEMU's own bound for virtio is 1024, and its NVMe device counts in 16 bits.
const MAX_QUEUES: u32 = 1024;
/// The key of the disk that a workload has.
const WORK: &str = "disk";
/// The key of a disk's serial number.
const SERIAL: &str = "disk_serial";
/// What virtio and NVMe have room for.
const LONGEST_SERIAL: usize = 20;
/// Most disks of a guest beside those that perfvt itself plugs in.
const MAX_DISKS: usize = 8;

/// The disks that parameters describe, in the order of `disks`; none without a `disk_size`.
///
/// # Errors
/// Values that no disk has, or that do not go together.
pub fn disks(params: &Params) -> Result<Vec<Disk>, ParamsError> {
    let wanted = format!("names in order, at most {MAX_DISKS}: disk1 disk2 and so on");
    // A campaign that was planned before there were several has one.
    let listed = given(params, "disks").unwrap_or("disk1");
    let names: Vec<&str> = listed.split([',', ' ', '\t']).filter(|name| !name.is_empty()).collect();
    let in_order = names.iter().enumerate().all(|(at, name)| *name == format!("disk{}", at + 1));
    if names.is_empty() || names.len() > MAX_DISKS || !in_order {
        return Err(params.wrong("disks", &wanted));
    }
    let strange = params.iter().find(|param| {
        let name = param.key.rsplit('_').next().unwrap_or_default();
        param.key.starts_with("disk_") && is_disk(name) && !names.contains(&name)
    });
    if let Some(param) = strange {
        let all = names.join(" ");
        return Err(params.wrong(&param.key, &format!("a disk that the key disks lists, which is {all}")));
    }
    let mut all = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let own = params.object_params(name);
        if given(&own, "disk_size").is_some() {
            all.push(one(&own, at + 1)?);
        } else if names.len() > 1 {
            return Err(own.wrong("disk_size", "a size for each disk that disks lists, such as 512M or 2G"));
        } else {
            refuse_alone(&own)?;
        }
    }
    refuse_twins(params, &all)?;
    Ok(all)
}

/// The disk of a workload that has one, on the host or in a guest.
///
/// # Errors
/// As for [`disks`] and [`work_disk`].
pub fn disk(params: &Params) -> Result<Option<Disk>, ParamsError> {
    let all = disks(params)?;
    let place = work_disk(params, &all)?;
    Ok(all.into_iter().nth(place))
}

/// Which of these disks a workload has, from 0: the first, or the one that the key `disk` calls by its name or its serial number.
///
/// # Errors
/// There is no such disk.
pub fn work_disk(params: &Params, all: &[Disk]) -> Result<usize, ParamsError> {
    let Some(wanted) = given(params, WORK) else { return Ok(0) };
    let name = |disk: &Disk| format!("disk{}", disk.number);
    let is = |disk: &Disk| name(disk) == wanted || disk.serial() == wanted;
    let told = |disk: &Disk| format!("{} (serial {})", name(disk), disk.serial());
    all.iter().position(is).ok_or_else(|| {
        let there = all.iter().map(told).collect::<Vec<_>>().join(", ");
        let there = if there.is_empty() { "none is there without a disk_size".to_owned() } else { there };
        params.wrong(WORK, &format!("a data disk by its name or serial number: {there}"))
    })
}

/// A serial number of the user's choice, which no other disk has.
fn own_serial(params: &Params, number: usize) -> Result<Option<String>, ParamsError> {
    let Some(own) = given(params, SERIAL) else { return Ok(None) };
    let fits = own.len() <= LONGEST_SERIAL
        && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !fits {
        let wanted = format!("1 to {LONGEST_SERIAL} letters, digits and ._-");
        return Err(params.wrong(SERIAL, &wanted));
    }
    // Disks of perfvt's own, and the names by which a workload calls the others.
    if own.starts_with("perfvt.") || (is_disk(own) && own != format!("disk{number}")) {
        return Err(
            params.wrong(SERIAL, "one that is neither perfvt's own (perfvt.) nor another disk's name")
        );
    }
    Ok(Some(own.to_owned()))
}

/// Two disks with one serial number would be one to the guest.
fn refuse_twins(params: &Params, all: &[Disk]) -> Result<(), ParamsError> {
    let has_twin =
        |(at, disk): &(usize, &Disk)| all.iter().take(*at).any(|other| other.serial() == disk.serial());
    match all.iter().enumerate().find(has_twin) {
        None => Ok(()),
        Some((_, disk)) => {
            let own = params.object_params(&format!("disk{}", disk.number));
            let way = format!("another one for each disk, such as {SERIAL}_disk{}=..", disk.number);
            Err(own.wrong(SERIAL, &way))
        }
    }
}

/// Where a disk is says nothing without one.
fn refuse_alone(own: &Params) -> Result<(), ParamsError> {
    let place = ["disk_uri", "disk_device", "disk_server", "disk_delay", "disk_rate"];
    match place.into_iter().find(|key| given(own, key).is_some()) {
        Some(key) => Err(own.wrong(key, "a disk_size beside it: how much of it the guest has")),
        None => Ok(()),
    }
}

fn one(params: &Params, number: usize) -> Result<Disk, ParamsError> {
    let size = bytes(params.text("disk_size")?).filter(|size| size.is_multiple_of(1 << 20) && *size > 0);
    let disk = Disk {
        number,
        at: at(params)?,
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
        qemu_img: qemu_img(params),
        own_serial: own_serial(params, number)?,
    };
    refuse_together(params, &disk)?;
    Ok(disk)
}

/// What does not go together.
fn refuse_together(params: &Params, disk: &Disk) -> Result<(), ParamsError> {
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
    if disk.at != At::File && disk.format != "raw" {
        return Err(
            params.wrong("disk_format", "raw, because only a file that QEMU opens has another format")
        );
    }
    let asked = |key: &str| params.param(key).is_some_and(|param| param.origin != Origin::BuiltIn);
    let opened = matches!(disk.at, At::File | At::Device(_) | At::Served(Serve { by: Program::QemuNbd, .. }));
    if !opened && asked("disk_aio") {
        return Err(params.wrong("disk_aio", "it left out: QEMU opens no file for this disk"));
    }
    if !disk.at.is_made() && asked("disk_prealloc") {
        return Err(params.wrong("disk_prealloc", "it left out: no file is made for this disk"));
    }
    Ok(())
}

/// Where its bytes are.
fn at(params: &Params) -> Result<At, ParamsError> {
    let keys = ["disk_server", "disk_uri", "disk_device"];
    let mut set = keys.into_iter().filter(|key| given(params, key).is_some());
    let (first, second) = (set.next(), set.next());
    if let (Some(first), Some(second)) = (first, second) {
        return Err(params.wrong(second, &format!("it left out, or {first}: a disk is in one place")));
    }
    let slow = ["disk_delay", "disk_rate"].into_iter().find(|key| given(params, key).is_some());
    let served = first == Some("disk_server");
    if let Some(key) = slow.filter(|_| !served) {
        return Err(params.wrong(key, "disk_server=nbdkit beside it, which makes the disk slow"));
    }
    let login = ["disk_user", "disk_password_file"].into_iter().find(|key| given(params, key).is_some());
    if let Some(key) = login.filter(|_| first != Some("disk_uri")) {
        return Err(params.wrong(key, "disk_uri=iscsi://.. beside it, where it logs in"));
    }
    match first {
        Some("disk_server") => served_by(params, slow),
        Some("disk_uri") => remote(params),
        Some(_) => {
            let path = PathBuf::from(params.text("disk_device")?.trim());
            if !path.starts_with("/dev") || path.components().any(|part| part.as_os_str() == "..") {
                return Err(
                    params.wrong("disk_device", "a block device in /dev, such as /dev/disk/by-id/NAME")
                );
            }
            Ok(At::Device(Device::named(path)))
        }
        None => Ok(At::File),
    }
}

fn served_by(params: &Params, slow: Option<&str>) -> Result<At, ParamsError> {
    let by = Program::parse(params.choice("disk_server", &Program::WORDS)?).unwrap_or(Program::Nbdkit);
    if let Some(key) = slow.filter(|_| by != Program::Nbdkit) {
        return Err(params.wrong(key, "disk_server=nbdkit; qemu-nbd cannot be made slow"));
    }
    let delay = match time(params, "disk_delay")? {
        0 => None,
        ns if ns % 1_000_000 == 0 => Some(Duration::from_nanos(ns)),
        _ => return Err(params.wrong("disk_delay", "whole milliseconds, such as 2ms: nbdkit counts in them")),
    };
    let rate = Some(rate(params, "disk_rate")?).filter(|rate| *rate > 0);
    Ok(At::Served(Serve { by, delay, rate }))
}

fn remote(params: &Params) -> Result<At, ParamsError> {
    let uri = params.text("disk_uri")?.trim();
    if Remote::has_password(uri) {
        let way = "a server without a password in it, which everybody would see; disk_user and disk_password_file log in";
        // Its value is not repeated.
        return Err(ParamsError::Wrong {
            key: "disk_uri".into(),
            value: "..".into(),
            wanted: way.into(),
            origin: params.param("disk_uri").map(|param| param.origin.to_string()).unwrap_or_default(),
        });
    }
    let mut remote = Remote::parse(uri).map_err(|wanted| params.wrong("disk_uri", &wanted))?;
    match (given(params, "disk_user"), given(params, "disk_password_file")) {
        (None, None) => {}
        (Some(key), _) | (None, Some(key)) if !remote.takes_login() => {
            let key =
                if given(params, "disk_user") == Some(key) { "disk_user" } else { "disk_password_file" };
            return Err(
                params.wrong(key, "disk_uri=iscsi://.. beside it, the one place where QEMU logs in by it")
            );
        }
        (Some(user), Some(file)) => remote.login = Some((user.to_owned(), PathBuf::from(file))),
        (Some(_), None) => return Err(params.wrong("disk_user", "a disk_password_file beside it")),
        (None, Some(_)) => return Err(params.wrong("disk_password_file", "a disk_user beside it")),
    }
    Ok(At::Remote(remote))
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
    fn each_disk_has_its_own_keys_its_number_and_its_serial() {
        let mut params = Params::new();
        for known in guest() {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        let flag = || Origin::Flag("--set".into());
        for (key, value) in [
            ("disks", "disk1 disk2"),
            ("disk_size", "1G"),
            ("disk_size_disk2", "2G"),
            ("disk_bus_disk2", "scsi"),
        ] {
            params.set(key, value, flag());
        }
        let all = disks(&params).unwrap();
        let told: Vec<_> = all.iter().map(|d| (d.size >> 30, d.bus.word(), d.serial())).collect();
        assert_eq!(told, [(1, "virtio", "perfvt.disk".to_owned()), (2, "scsi", "perfvt.disk2".to_owned())]);
        params.set("disk_size_disk3", "1G", flag());
        assert!(
            disks(&params)
                .unwrap_err()
                .to_string()
                .contains("a disk that the key disks lists, which is disk1 disk2")
        );
        params.set("disks", "disk2 disk1", flag());
        assert!(disks(&params).unwrap_err().to_string().contains("names in order"));
    }

    #[test]
    fn a_workload_has_the_disk_that_is_called_by_name_or_by_serial_number() {
        let two = [("disks", "disk1 disk2"), ("disk_size", "64M"), ("disk_serial_disk2", "OS-disk.7")];
        let chosen =
            |more: &[(&str, &str)]| made(&[&two[..], more].concat()).map(|disk| disk.unwrap().number);
        assert_eq!((chosen(&[]), chosen(&[("disk", "disk2")])), (Ok(1), Ok(2)));
        assert_eq!((chosen(&[("disk", "OS-disk.7")]), chosen(&[("disk", "perfvt.disk")])), (Ok(2), Ok(1)));
        let says = |more: &[(&str, &str)], text: &str| {
            let error = chosen(more).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        let both = "'disk' is 'disk3' (--set), want a data disk by its name or serial number: disk1 (serial perfvt.disk), disk2 \
                    (serial OS-disk.7)";
        says(&[("disk", "disk3")], both);
        says(&[("disk", "perfvt.disk2")], "disk2 (serial OS-disk.7)");
        says(&[("disk_serial", "OS-disk.7")], "such as disk_serial_disk2=..");
        for odd in ["perfvt.tools", "disk1", "a b", "ä", "a,b", "123456789012345678901"] {
            says(&[("disk_serial_disk2", odd)], "'disk_serial");
        }
        assert!(
            made(&[("disk", "disk1")]).unwrap_err().to_string().contains("none is there without a disk_size")
        );
    }

    #[test]
    fn a_disk_is_in_one_place_and_a_slow_one_behind_nbdkit() {
        let at = |set: &[(&str, &str)]| {
            made(&[&[("disk_size", "64M")], set].concat()).map(|disk| disk.unwrap().at)
        };
        let slow = at(&[("disk_server", "nbdkit"), ("disk_delay", "2ms"), ("disk_rate", "50M")]).unwrap();
        assert_eq!(slow.describe().unwrap(), "nbdkit, 2 ms later, 50 Mbit/s at most");
        let iscsi = [("disk_uri", "iscsi://h/t/1"), ("disk_user", "me"), ("disk_password_file", "/p")];
        assert_eq!(at(&iscsi).unwrap().describe().unwrap(), "iscsi://h/t/1");
        let device = at(&[("disk_device", "/dev/perfvt-none")]).unwrap();
        assert!(!device.writes() && device.describe().unwrap() == "/dev/perfvt-none, only read");
        let says = |set: &[(&str, &str)], text: &str| {
            let error = at(set).unwrap_err().to_string();
            assert!(error.contains(text) && !error.contains("geheim"), "{error}");
        };
        says(&[("disk_server", "nbdkit"), ("disk_uri", "nbd://h/x")], "a disk is in one place");
        says(&[("disk_delay", "2ms")], "disk_server=nbdkit beside it");
        says(&[("disk_server", "qemu-nbd"), ("disk_rate", "1M")], "qemu-nbd cannot be made slow");
        says(&[("disk_server", "nbdkit"), ("disk_delay", "300us")], "whole milliseconds");
        says(&[("disk_server", "nbdkit"), ("disk_format", "qcow2")], "raw, because only a file");
        says(&[("disk_server", "nbdkit"), ("disk_aio", "threads")], "QEMU opens no file");
        says(&[("disk_uri", "nbd://h/x"), ("disk_prealloc", "off")], "no file is made");
        says(&[("disk_uri", "iscsi://me%geheim@h/t/1")], "disk_password_file log");
        says(&[("disk_uri", "nbd://h/x"), ("disk_user", "me")], "disk_uri=iscsi:");
        says(&[("disk_uri", "ftp://h/x")], "rbd:POOL/IMAGE");
        says(&[("disk_device", "/tmp/x")], "a block device in /dev");
        says(&[("disk_device", "/dev/../tmp/x")], "a block device in /dev");
        assert!(made(&[("disk_uri", "nbd://h/x")]).unwrap_err().to_string().contains("disk_size beside it"));
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
