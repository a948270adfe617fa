//! The user and the files of a QEMU.

use super::Confine;
use model::Accel;
use process::deadlines::HOST_ANSWER;
use process::{Rules, Spec, User, run};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Where distributions keep programs, libraries and QEMU's data.
const SYSTEM: [&str; 8] = ["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store", "/gnu/store"];
/// What programs and libraries read to start, to resolve names and to tell the time, and what the kernel says of the machine.
const SETTINGS: [&str; 21] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/qemu",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/filesystems",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/kernel/mm",
    "/sys/module/kvm",
    "/sys/fs/cgroup",
];
/// Devices that it opens itself.
const DEVICES: [&str; 6] = ["/dev/kvm", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// What a QEMU is and may open.
#[derive(Clone, Debug, Default)]
pub(in crate::guest) struct Bounds {
    pub(in crate::guest) user: Option<User>,
    pub(in crate::guest) rules: Option<Arc<Rules>>,
}

impl Bounds {
    /// Those of a level, for a QEMU that opens these files besides.
    ///
    /// # Errors
    /// The kernel has no landlock, or perfvt is not root, or nobody is left to be.
    pub(in crate::guest) fn of(
        confine: Confine,
        qemu: &str,
        accel: Accel,
        read: &[PathBuf],
    ) -> io::Result<Bounds> {
        let mut bounds = Bounds::default();
        if confine >= Confine::Files {
            let system = SYSTEM.iter().chain(&SETTINGS).map(PathBuf::from);
            let OfQemu { data, beside } = of_qemu(qemu)?;
            let own = data.into_iter().chain(beside).chain(read.iter().cloned());
            let readable: Vec<PathBuf> = system.chain(own).collect();
            bounds.rules = Some(Arc::new(Rules::new(&readable, &DEVICES.map(PathBuf::from))?));
        }
        if confine >= Confine::User {
            bounds.user = Some(nobody(accel)?);
        }
        Ok(bounds)
    }

    /// A program that is kept within them.
    pub(super) fn around(&self, spec: Spec) -> Spec {
        spec.user(self.user.as_ref()).rules(self.rules.as_ref())
    }
}

/// The user of all QEMUs of this perfvt.
fn nobody(accel: Accel) -> io::Result<User> {
    static USER: OnceLock<Mutex<Option<User>>> = OnceLock::new();
    if !rustix::process::geteuid().is_root() {
        return Err(io::Error::other("only root can give QEMU another user"));
    }
    let mut known = USER.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let mut user = known.clone().map_or_else(User::unused, Ok)?;
    if accel == Accel::Kvm && !user.admit(Path::new("/dev/kvm"))? {
        let way = "chgrp kvm /dev/kvm && chmod 660 /dev/kvm lets a group in";
        return Err(io::Error::other(format!("/dev/kvm is root's alone; {way}")));
    }
    Ok(known.insert(user).clone())
}

/// What a QEMU reads of its own; it is asked once.
#[derive(Clone, Debug)]
pub(super) struct OfQemu {
    /// Where it looks for its data (`-L help`).
    pub(super) data: Vec<PathBuf>,
    /// The program where it is no system's, and where links in these folders lead, as they do when it is built from source.
    beside: Vec<PathBuf>,
}

pub(super) fn of_qemu(qemu: &str) -> io::Result<OfQemu> {
    static KNOWN: Mutex<BTreeMap<String, OfQemu>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(qemu) {
        return Ok(found.clone());
    }
    let told = run(Spec::new(qemu).args(["-L", "help"]), HOST_ANSWER).map_err(io::Error::other)?;
    let told = String::from_utf8_lossy(&told);
    let data: Vec<PathBuf> = told.lines().map(PathBuf::from).filter(|path| path.is_dir()).collect();
    let links = data.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut beside: Vec<PathBuf> = links
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()))
        .filter_map(|entry| Some(std::fs::canonicalize(entry.path()).ok()?.parent()?.to_owned()))
        .collect();
    beside.sort();
    beside.dedup();
    if qemu.contains('/') {
        beside.push(qemu.into());
    }
    let found = OfQemu { data, beside };
    Ok(known.entry(qemu.to_owned()).or_insert(found).clone())
}
