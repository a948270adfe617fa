//! A block device of this host as a data disk (`disk_device`). It is read only, unless the command line names it once more
//! (`--allow-write-device`): no file, which may be anybody's, can have a device overwritten.

use rustix::fs::{FileType, Mode, OFlags, fstat, major, minor, open};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A block device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name in `/dev`.
    pub path: PathBuf,
    /// Whether the guest may write to it.
    pub writes: bool,
}

/// Those that the command line allows to write to.
static WRITABLE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Says which devices guests may write to: those that the command line names, and no file does.
pub fn allow_writing(devices: &[PathBuf]) {
    WRITABLE.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(devices);
}

impl Device {
    /// The device of that name, as the command line lets it be used. Nothing is opened.
    pub fn named(path: PathBuf) -> Device {
        let allowed = WRITABLE.lock().unwrap_or_else(PoisonError::into_inner);
        Device { writes: allowed.contains(&path), path }
    }

    /// Refuses what is no block device, and what this host uses itself.
    ///
    /// # Errors
    /// What is in the way, for the end of a sentence.
    pub fn check(&self) -> Result<(), String> {
        let said = |what: &str, error: io::Error| format!("{}: {what}: {error}", self.path.display());
        let of = fs::metadata(&self.path).map_err(|error| said("looking at it", error))?;
        if !of.file_type().is_block_device() {
            return Err(format!("{} is no block device; disk_size alone makes a file", self.path.display()));
        }
        let number = number(of.rdev());
        let mounts =
            edge::read::kernel("/proc/self/mountinfo").map_err(|error| said("reading mounts", error))?;
        if let Some(place) = used_at(&mounts, &family(Path::new("/sys/dev/block"), &number)) {
            return Err(format!(
                "{} is in use: it, the disk that it is a part of, or a part of it is mounted at {}",
                self.path.display(),
                edge::quoted(&place)
            ));
        }
        // Exclusive: what the kernel itself uses (swap, RAID, LVM) is busy.
        let file = open(
            &self.path,
            OFlags::RDONLY | OFlags::EXCL | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let file = file.map_err(|error| match error {
            rustix::io::Errno::BUSY => {
                format!("{} is in use: by swap, RAID, LVM or another program", self.path.display())
            }
            other => said("opening it", other.into()),
        })?;
        let opened = fstat(&file).map_err(|error| said("looking at it", error.into()))?;
        match FileType::from_raw_mode(opened.st_mode) {
            FileType::BlockDevice if self::number(opened.st_rdev) == number => Ok(()),
            _ => Err(format!("{} has become another file", self.path.display())),
        }
    }

    /// The name that tells it from others wherever it is plugged in, or else the one that was given.
    pub fn identity(&self) -> String {
        let by_id = || -> Option<String> {
            let own = fs::canonicalize(&self.path).ok()?;
            let all = fs::read_dir("/dev/disk/by-id").ok()?.flatten();
            let mut names: Vec<String> = all
                .filter(|entry| fs::canonicalize(entry.path()).is_ok_and(|path| path == own))
                .map(|entry| entry.path().display().to_string())
                .collect();
            names.sort();
            names.into_iter().next()
        };
        by_id().unwrap_or_else(|| self.path.display().to_string())
    }
}

fn number(of: u64) -> String {
    format!("{}:{}", major(of), minor(of))
}

/// A device with the disk that it is a part of, and with its own parts and what lies on top of it, by their numbers.
fn family(sys: &Path, number: &str) -> Vec<String> {
    let mut all = vec![number.to_owned()];
    let of = |path: &Path| edge::read::kernel(path.join("dev")).map(|text| text.trim().to_owned());
    let Ok(own) = fs::canonicalize(sys.join(number)) else { return all };
    // A partition lies in the folder of its disk.
    if own.join("partition").exists() {
        all.extend(own.parent().and_then(|disk| of(disk).ok()));
    }
    let parts = fs::read_dir(&own).into_iter().flatten().flatten();
    let holders = fs::read_dir(own.join("holders")).into_iter().flatten().flatten();
    all.extend(parts.chain(holders).filter_map(|entry| of(&entry.path()).ok()));
    all
}

/// Where one of these devices is mounted; the kernel's own list (`proc_pid_mountinfo(5)`).
fn used_at(mounts: &str, devices: &[String]) -> Option<String> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(2);
        let number = words.next()?;
        devices.iter().any(|device| device == number).then(|| words.nth(1).unwrap_or("/").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_written_to_only_where_it_is_allowed_by_its_very_name() {
        allow_writing(&[PathBuf::from("/dev/perfvt-test-a")]);
        assert!(Device::named("/dev/perfvt-test-a".into()).writes);
        assert!(!Device::named("/dev/perfvt-test-b".into()).writes);
    }

    #[test]
    fn a_mounted_disk_is_found_by_its_parts_too() {
        let mounts =
            "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 7:3 / /mnt/a\\040b rw - ext4 /dev/loop3 rw\n";
        let of =
            |devices: &[&str]| used_at(mounts, &devices.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["8:0", "8:1"]).as_deref(), Some("/"));
        assert_eq!(of(&["7:3"]).as_deref(), Some("/mnt/a\\040b"));
        assert_eq!(of(&["8:16"]), None);
        let sys = tempfile::tempdir().unwrap();
        let disk = sys.path().join("sda");
        fs::create_dir_all(disk.join("sda1/holders")).unwrap();
        for (path, text) in [("dev", "8:0\n"), ("sda1/dev", "8:1\n"), ("sda1/partition", "1\n")] {
            edge::write::write(disk.join(path), text).unwrap();
        }
        std::os::unix::fs::symlink(&disk, sys.path().join("8:0")).unwrap();
        std::os::unix::fs::symlink(disk.join("sda1"), sys.path().join("8:1")).unwrap();
        assert_eq!(family(sys.path(), "8:0"), ["8:0", "8:1"]);
        assert_eq!(family(sys.path(), "8:1"), ["8:1", "8:0"]);
    }

    #[test]
    fn what_is_no_free_block_device_is_refused_with_the_way_out() {
        let refused = |path: &Path| Device::named(path.to_owned()).check().unwrap_err();
        assert!(refused(Path::new("/dev/null")).contains("is no block device; disk_size alone"));
        assert!(refused(Path::new("/dev/perfvt-nothing")).contains("looking at it"));
    }
}
