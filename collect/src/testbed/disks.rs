//! What is in the way of a guest's data disks here: programs that serve them, QEMU's drivers, devices.

use crate::environment::EnvironmentSpec;
use model::Params;
use process::Spec;
use process::deadlines::HOST_ANSWER;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use vm::guest::disk::{At, Disk, Remote};
use vm::guest::network::Home;
use vm::guest::spec::GuestSpec;
use vm::host::program;

/// A sentence for each thing that is in the way; `own` are the guest's parameters. `written`: the workload writes to its disk.
pub(super) fn look(guest: &GuestSpec, own: &Params, written: bool) -> Vec<String> {
    let here = guest.disks.data.iter().filter_map(|disk| of_disk(guest, disk, own));
    let own_of = |disk: &Disk| own.object_params(&format!("disk{}", disk.number));
    let work = guest.disks.work().filter(|_| written);
    here.chain(work.and_then(|disk| read_only_at(&disk.at, &own_of(disk)))).collect()
}

/// That a disk is only read, where a workload writes.
fn read_only_at(at: &At, own: &Params) -> Option<String> {
    let At::Device(device) = at else { return None };
    let path = device.path.display();
    let wanted = format!(
        "a device that may be written to, because this workload writes: --allow-write-device {path} says so, and what is on it is lost"
    );
    (!device.writes).then(|| own.wrong("disk_device", &wanted).to_string())
}

fn of_disk(guest: &GuestSpec, disk: &Disk, own: &Params) -> Option<String> {
    let own = own.object_params(&format!("disk{}", disk.number));
    let said = |key: &str, wanted: String| Some(own.wrong(key, &wanted).to_string());
    match &disk.at {
        At::File => None,
        At::Served(serve) => {
            let path = std::env::var("PATH").unwrap_or_default();
            let why = program::check(serve.by.word(), &path).err()?;
            said(
                "disk_server",
                format!("a program that is there: {why}; install the package {}", serve.by.package()),
            )
        }
        At::Device(device) => {
            said("disk_device", format!("a device that is free: {}", device.check().err()?))
        }
        At::Remote(remote) => {
            let file = remote.login.as_ref().map(|(_, file)| file);
            if let Some(error) = file.and_then(|file| edge::read::open(file).err()) {
                return said("disk_password_file", format!("a file that can be read ({error})"));
            }
            if remote.driver() != "nbd" && !has_driver(&guest.qemu, remote) {
                let driver = remote.driver();
                return said(
                    "disk_uri",
                    format!(
                        "a server that {} can reach: it has no driver for {driver}; install the package qemu-block-extra",
                        guest.qemu
                    ),
                );
            }
            None
        }
    }
}

/// Disks that QEMU itself connects to, in a network that leads nowhere.
pub(super) fn apart(spec: &EnvironmentSpec) -> Vec<String> {
    let kind = spec.layout.links.iter().map(|link| link.kind).find(|kind| kind.home() == Home::Namespace);
    let Some(kind) = kind else { return Vec::new() };
    let disks = spec.guests.first().map(|guest| guest.disks.data.as_slice()).unwrap_or_default();
    let own = disks.iter().filter_map(|disk| match &disk.at {
        At::Remote(remote) if remote.driver() != "nbd" => Some(remote),
        _ => None,
    });
    let said = |remote: &Remote| {
        let net = kind.word();
        let uri = edge::quoted(&remote.uri).to_string();
        format!(
            "disk_uri={uri} is not reached with net={net}: QEMU is in a network of its own then; net=user, or a bridge of the host's"
        )
    };
    own.map(said).collect()
}

/// Whether a QEMU has the driver; it is asked once. It is given a name that no server has, and says what it cannot do first.
fn has_driver(qemu: &str, remote: &Remote) -> bool {
    static KNOWN: Mutex<BTreeMap<(String, &'static str), bool>> = Mutex::new(BTreeMap::new());
    let driver = remote.driver();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry((qemu.to_owned(), driver)).or_insert_with(|| {
        let spec = Spec::new(qemu).args(["-nodefaults", "-display", "none", "-machine", "none"]);
        let spec = spec.args(["-blockdev", nowhere(driver)]);
        let said = process::run(spec, HOST_ANSWER).err().map(|error| error.to_string()).unwrap_or_default();
        !["Unknown driver", "does not accept value", "module"].iter().any(|word| said.contains(word))
    })
}

/// A node of a driver that fails at once, because there is nothing to connect to.
fn nowhere(driver: &str) -> &'static str {
    match driver {
        "ssh" => r#"{"driver":"ssh","node-name":"x","path":"/x","server":{"host":"127.0.0.1","port":"1"}}"#,
        "iscsi" => {
            r#"{"driver":"iscsi","node-name":"x","transport":"tcp","portal":"127.0.0.1:1","target":"iqn.2026-01.x:x"}"#
        }
        "nfs" => {
            r#"{"driver":"nfs","node-name":"x","server":{"type":"inet","host":"127.0.0.1"},"path":"/x/y"}"#
        }
        "gluster" => {
            r#"{"driver":"gluster","node-name":"x","volume":"x","path":"x","server":[{"type":"unix","path":"/nonexistent"}]}"#
        }
        _ => r#"{"driver":"rbd","node-name":"x","pool":"x","image":"x","conf":"/nonexistent"}"#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;
    use model::Origin;
    use std::path::PathBuf;
    use vm::guest::disk::Device;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        params
    }

    #[test]
    fn a_device_that_is_only_read_is_in_the_way_of_a_workload_that_writes() {
        let writes =
            |name: &str, set: &[(&str, &str)]| workload::find(name).unwrap().needs(&params(set)).writes_disk;
        assert!(
            writes("fio", &[("rw", "read write randread")]) && writes("iozone", &[]) && writes("ffsb", &[])
        );
        assert!(!writes("fio", &[("rw", "read randread")]) && !writes("fio", &[("rw", "randread")]));
        let device = |writes| Device { path: PathBuf::from("/dev/x"), writes };
        let of = |at: At| {
            let own = params(&[("disk_device", "/dev/x")]);
            read_only_at(&at, &own)
        };
        let why = of(At::Device(device(false))).unwrap();
        assert!(why.contains("--allow-write-device /dev/x says so"), "{why}");
        assert_eq!((of(At::Device(device(true))), of(At::File)), (None, None));
    }
}
