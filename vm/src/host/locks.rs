//! Who measures where: locks that the kernel holds and lets go of with their process, however it ends.
//!
//! An exclusive lock on each host CPU that guests and clients are placed on, and on each device of the host that
//! guests are plugged into; a shared one on the guest's image, which `perfvt guest rm` respects. CPUs and devices are
//! locked by their directories in sysfs, so they hold across users and leave no file behind; `/proc/locks` names the
//! holder (flock(2), proc(5)).

use model::CpuId;
use rustix::fs::{FlockOperation, flock, fstat, major, minor};
use rustix::io::Errno;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a lock that somebody holds is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// What a campaign needs for itself, or shares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Host CPUs that are measured on.
    pub cpus: Vec<CpuId>,
    /// Network devices of the host that guests are plugged into: bridges, and what macvtaps lie on.
    pub devices: Vec<String>,
    /// Guest images: folders of the cache, or files.
    pub images: Vec<PathBuf>,
    /// Whether the host has another NUMA node, with CPUs that may be free.
    pub elsewhere: bool,
}

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Name of its user, or the number.
    pub user: String,
    /// Its command line.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of {}: {}", self.pid, self.user, self.command)
    }
}

/// A lock that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else measures there.
    #[error(
        "{what} is in use by {}; --wait waits for it{}",
        holder.as_ref().map_or("another perfvt".to_owned(), Holder::to_string),
        if *elsewhere { ", another --set numa_node may be free" } else { "" }
    )]
    Held {
        /// Which CPU, network device or image.
        what: String,
        /// By whom, where /proc/locks tells.
        holder: Option<Holder>,
        /// Whether another NUMA node would do.
        elsewhere: bool,
    },
    /// It is not there.
    #[error("locking {what}: {source}")]
    Io {
        /// Which CPU, network device or image.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// Locks that are held until this is dropped.
#[derive(Debug)]
pub struct Locks {
    _held: Vec<File>,
}

/// One thing to lock.
struct Thing {
    what: String,
    path: PathBuf,
    shared: bool,
    elsewhere: bool,
}

impl Claims {
    /// In one order for everybody, so that two campaigns never wait for one another.
    fn things(&self, sysfs: &Path) -> Vec<Thing> {
        let mut cpus = self.cpus.clone();
        cpus.sort_unstable();
        cpus.dedup();
        let mut devices = self.devices.clone();
        devices.sort_unstable();
        devices.dedup();
        let mut things: Vec<Thing> = cpus
            .iter()
            .map(|cpu| Thing {
                what: format!("host CPU {cpu}"),
                path: sysfs.join(format!("devices/system/cpu/cpu{cpu}")),
                shared: false,
                elsewhere: self.elsewhere,
            })
            .collect();
        let nics = sysfs.join("class/net");
        things.extend(devices.iter().map(|name| Thing {
            what: format!("network device {name}"),
            // In a network namespace sysfs may still be the host's: then all devices of namespaces share one lock.
            path: Some(nics.join(name)).filter(|path| path.exists()).unwrap_or_else(|| nics.clone()),
            shared: false,
            elsewhere: false,
        }));
        things.extend(self.images.iter().map(|path| Thing {
            what: format!("guest image {}", path.display()),
            path: path.clone(),
            shared: true,
            elsewhere: false,
        }));
        things.dedup_by(|a, b| a.path == b.path);
        things
    }
}

/// Is told once who holds a lock that is waited for, is asked now and then (with `None`), and may end the waiting by
/// giving `false`.
pub type Patience<'a> = dyn FnMut(Option<&LockError>) -> bool + 'a;

/// Takes every lock, or none. With `waiting`, waits for those that others hold.
pub fn acquire(claims: &Claims, mut waiting: Option<&mut Patience<'_>>) -> Result<Locks, LockError> {
    let mut held = Vec::new();
    for thing in claims.things(Path::new("/sys")) {
        let mut told = false;
        loop {
            let error = match try_lock(&thing) {
                Ok(file) => {
                    held.push(file);
                    break;
                }
                Err(error) => error,
            };
            let Some(ask) = &mut waiting else { return Err(error) };
            if matches!(error, LockError::Io { .. }) || !ask((!told).then_some(&error)) {
                return Err(error);
            }
            told = true;
            std::thread::sleep(PAUSE);
        }
    }
    Ok(Locks { _held: held })
}

/// An exclusive lock on a guest image, for whoever takes it away.
///
/// # Errors
/// A campaign runs guests from it, or it is not there.
pub fn exclusive(image: &Path) -> Result<Locks, LockError> {
    let what = format!("guest image {}", image.display());
    Ok(Locks {
        _held: vec![try_lock(&Thing { what, path: image.to_owned(), shared: false, elsewhere: false })?],
    })
}

fn try_lock(thing: &Thing) -> Result<File, LockError> {
    let wrong = |source| LockError::Io { what: thing.what.clone(), source };
    let file = edge::read::open_any(&thing.path).map_err(wrong)?;
    let operation = if thing.shared {
        FlockOperation::NonBlockingLockShared
    } else {
        FlockOperation::NonBlockingLockExclusive
    };
    match lock(&file, operation, &thing.path) {
        Ok(()) => Ok(file),
        Err((Errno::WOULDBLOCK, holder)) => {
            Err(LockError::Held { what: thing.what.clone(), holder, elsewhere: thing.elsewhere })
        }
        Err((other, _)) => Err(wrong(other.into())),
    }
}

/// Locks an open file or directory at once, or says who holds it.
///
/// A lock that was let go may live on for a moment in a child that was forked and has not executed its program yet: /proc/locks
/// names nobody then if the process is gone, and this process if another of its threads has just forked; it is tried again.
pub fn lock(file: &File, operation: FlockOperation, path: &Path) -> Result<(), (Errno, Option<Holder>)> {
    const TRIES: u32 = 40;
    for tries in 1.. {
        match flock(file, operation) {
            Err(Errno::WOULDBLOCK) => {
                let holder = holder(path);
                let other = holder.as_ref().is_some_and(|holder| holder.pid != std::process::id());
                if other || tries >= TRIES {
                    return Err((Errno::WOULDBLOCK, holder));
                }
                std::thread::sleep(Duration::from_millis(25));
            }
            other => return other.map_err(|error| (error, None)),
        }
    }
    Ok(())
}

/// The process that holds a lock (flock) on a file or directory, as far as this process may see it.
pub fn holder(path: &Path) -> Option<Holder> {
    let file = edge::read::open_any(path).ok()?;
    let stat = fstat(&file).ok()?;
    let locks = edge::read::kernel("/proc/locks").ok()?;
    let pid = holder_in(&locks, (major(stat.st_dev), minor(stat.st_dev)), stat.st_ino)?;
    let proc = Path::new("/proc").join(pid.to_string());
    let command = edge::read(proc.join("cmdline"), edge::read::RECORD).unwrap_or_default();
    let words: Vec<String> =
        command.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
    let uid = std::fs::metadata(&proc).ok()?.uid();
    Some(Holder { pid, user: user_name(uid), command: words.join(" ").trim().to_owned() })
}

/// A line of /proc/locks: `1: FLOCK  ADVISORY  WRITE 1234 00:15:4711 0 EOF`, the device in hexadecimal.
fn holder_in(locks: &str, device: (u32, u32), inode: u64) -> Option<u32> {
    let wanted = format!("{:02x}:{:02x}:{inode}", device.0, device.1);
    locks.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [_, "FLOCK", _, _, pid, place, ..] if *place == wanted => pid.parse().ok(),
        _ => None,
    })
}

/// The name of a user, as far as /etc/passwd knows it.
fn user_name(uid: u32) -> String {
    let known = edge::read::kernel("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_node_is_advised_where_there_is_one_and_for_cpus_alone() {
        let claims = |elsewhere| Claims {
            cpus: vec![CpuId(1)],
            devices: vec!["br0".into()],
            images: vec!["/x".into()],
            elsewhere,
        };
        let advice = |claims: Claims| -> Vec<String> {
            let held = |t: Thing| LockError::Held { what: t.what, holder: None, elsewhere: t.elsewhere };
            claims.things(Path::new("/sys")).into_iter().map(|thing| held(thing).to_string()).collect()
        };
        assert_eq!(advice(claims(false))[0], "host CPU 1 is in use by another perfvt; --wait waits for it");
        let all = advice(claims(true));
        assert!(all[0].ends_with("--wait waits for it, another --set numa_node may be free"), "{all:?}");
        assert!(all[1..].iter().all(|text| text.ends_with("--wait waits for it")), "{all:?}");
    }

    #[test]
    fn who_waits_for_a_lock_does_not_hold_it() {
        let locks = "1: FLOCK  ADVISORY  WRITE 100 00:15:7 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 200 00:15:8 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 300 00:15:9 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 400 fe:01:8 0 EOF\n";
        assert_eq!(holder_in(locks, (0, 0x15), 7), Some(100));
        assert_eq!(holder_in(locks, (0, 0x15), 8), None);
        assert_eq!(holder_in(locks, (0, 0x15), 9), None);
        assert_eq!(holder_in(locks, (0xfe, 1), 8), Some(400));
    }

    #[test]
    fn an_image_is_shared_and_a_cpu_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let thing = |shared| Thing {
            what: "host CPU 3".into(),
            path: dir.path().to_owned(),
            shared,
            elsewhere: false,
        };
        let (one, two) = (try_lock(&thing(true)).unwrap(), try_lock(&thing(true)).unwrap());
        assert!(matches!(try_lock(&thing(false)), Err(LockError::Held { .. })));
        drop((one, two));
        let _held = try_lock(&thing(false)).unwrap();
        let refused = try_lock(&thing(false)).unwrap_err().to_string();
        let own = std::process::id();
        assert!(refused.starts_with(&format!("host CPU 3 is in use by process {own} of ")), "{refused}");
    }

    #[test]
    fn a_lock_that_lives_on_in_a_child_of_this_process_for_a_moment_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let thing = Thing { what: "x".into(), path: dir.path().to_owned(), shared: false, elsewhere: false };
        let held = try_lock(&thing).unwrap();
        // As in a child between fork and exec: a second hand on the same open file.
        let inherited = held.try_clone().unwrap();
        drop(held);
        let child = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(inherited);
        });
        let _again = try_lock(&thing).unwrap();
        child.join().unwrap();
    }

    #[test]
    fn a_campaign_that_waits_is_told_who_is_in_its_way_and_goes_on_when_they_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims { images: vec![dir.path().to_owned()], ..Claims::default() };
        let exclusive =
            Thing { what: "x".into(), path: dir.path().to_owned(), shared: false, elsewhere: false };
        let mut held = Some(try_lock(&exclusive).unwrap());
        assert!(matches!(acquire(&claims, None), Err(LockError::Held { .. })));
        let mut told = Vec::new();
        let mut wait = |error: Option<&LockError>| {
            match error {
                Some(error) => told.push(error.to_string()),
                None => drop(held.take()),
            }
            true
        };
        acquire(&claims, Some(&mut wait)).unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        let _again = try_lock(&exclusive).unwrap();
        let mut give_up = |_: Option<&LockError>| false;
        assert!(matches!(acquire(&claims, Some(&mut give_up)), Err(LockError::Held { .. })));
    }

    #[test]
    fn every_claim_becomes_one_lock_in_one_order() {
        let claims = Claims {
            cpus: vec![CpuId(3), CpuId(1), CpuId(3)],
            devices: vec!["br1".into(), "br0".into(), "br1".into()],
            images: vec!["/images/x".into()],
            elsewhere: false,
        };
        let sysfs = tempfile::tempdir().unwrap();
        let names = || -> Vec<String> { claims.things(sysfs.path()).into_iter().map(|t| t.what).collect() };
        // A bridge that sysfs does not show belongs to a namespace, and all of those share a lock.
        assert_eq!(names(), ["host CPU 1", "host CPU 3", "network device br0", "guest image /images/x"]);
        for bridge in ["br0", "br1"] {
            std::fs::create_dir_all(sysfs.path().join("class/net").join(bridge)).unwrap();
        }
        assert_eq!(
            names(),
            ["host CPU 1", "host CPU 3", "network device br0", "network device br1", "guest image /images/x"]
        );
    }
}
