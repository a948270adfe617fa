//! Folders for sockets and other things that are nobody else's business.
//!
//! A folder is removed when its owner drops it. A perfvt that was killed leaves its folders behind; each is locked for as
//! long as its owner lives, so the next perfvt of the same user, or `perfvt gc`, knows which are dead, and removes those.
//! Their names hold the campaign's, whose journal says when it was in whose hands.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// How the folders' names begin.
const PREFIX: &str = "perfvt-";
/// A folder is made a moment before it is locked; one that is younger than this is left alone.
const YOUNG: Duration = Duration::from_secs(60);

/// The campaign in whose name folders are made.
static OWNER: Mutex<String> = Mutex::new(String::new());

/// From now on folders carry the name of this campaign.
pub fn name_folders_after(campaign: &str) {
    *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = format!("{campaign}-");
}

/// A private folder, removed when this is dropped.
#[derive(Debug)]
pub struct PrivateFolder {
    dir: TempDir,
    /// Says that the owner lives: the kernel lets go of it with the process.
    _alive: File,
}

impl PrivateFolder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A new folder in TMPDIR (else `/tmp`) with mode 0700, whatever the umask is.
///
/// # Errors
/// TMPDIR is not there or cannot be written to.
pub fn private_folder() -> io::Result<PrivateFolder> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(remove_dead(&std::env::temp_dir(), YOUNG)));
    make(&std::env::temp_dir())
}

/// The same in a folder of the user's choice, for what is too large for TMPDIR.
///
/// # Errors
/// The folder is not there or cannot be written to.
pub fn private_folder_in(dir: &Path) -> io::Result<PrivateFolder> {
    remove_dead(dir, YOUNG);
    make(dir)
}

fn make(parent: &Path) -> io::Result<PrivateFolder> {
    let prefix = format!("{PREFIX}{}", OWNER.lock().unwrap_or_else(PoisonError::into_inner));
    let private = || Permissions::from_mode(0o700);
    // The mode stands from the first moment; setting it again is for an umask that takes rights of the owner away.
    let dir = tempfile::Builder::new().prefix(&prefix).permissions(private()).tempdir_in(parent)?;
    fs::set_permissions(dir.path(), private())?;
    let alive = File::open(dir.path())?;
    flock(&alive, FlockOperation::NonBlockingLockExclusive)?;
    Ok(PrivateFolder { dir, _alive: alive })
}

/// Removes the folders of this user's dead perfvts from TMPDIR and from other places, and gives their paths.
pub fn remove_dead_folders(also: &[PathBuf]) -> Vec<PathBuf> {
    let mut removed = remove_dead(&std::env::temp_dir(), YOUNG);
    removed.extend(also.iter().flat_map(|dir| remove_dead(dir, YOUNG)));
    removed
}

/// Removes the folders of this user's dead perfvts. What cannot be looked at or removed is left: it will be tried again.
fn remove_dead(tmp: &Path, young: Duration) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    let Ok(entries) = fs::read_dir(tmp) else { return removed };
    let user = rustix::process::geteuid().as_raw();
    for entry in entries.flatten().filter(|e| e.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()))
    {
        // Of the entry itself: a link of this name is somebody else's trick.
        let Ok(metadata) = entry.metadata() else { continue };
        let old = metadata.modified().is_ok_and(|m| m.elapsed().is_ok_and(|age| age >= young));
        if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o7777 != 0o700 || !old {
            continue;
        }
        let dead = File::open(entry.path())
            .is_ok_and(|dir| flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok());
        if dead && fs::remove_dir_all(entry.path()).is_ok() {
            removed.push(entry.path());
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::super::{Spec, run};
    use super::*;
    use std::time::Duration;

    #[test]
    fn folders_of_the_dead_are_removed_and_those_of_the_living_are_not() {
        let tmp = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| {
            let path = tmp.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        };
        let (dead, living) = (make("perfvt-dead", 0o700), make("perfvt-living", 0o700));
        let (open, other) = (make("perfvt-results", 0o755), make("other", 0o700));
        fs::write(dead.join("qmp"), "").unwrap();
        let owner = File::open(&living).unwrap();
        flock(&owner, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(remove_dead(tmp.path(), YOUNG).is_empty());
        assert!(dead.exists(), "it is young");
        assert_eq!(remove_dead(tmp.path(), Duration::ZERO), std::slice::from_ref(&dead));
        assert!(!dead.exists());
        assert!(living.exists() && open.exists() && other.exists());
    }

    /// The umask belongs to the whole process, so each one is tried in a process of its own: this very test again.
    #[test]
    fn a_private_folder_is_private_whatever_the_umask() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let umask = status.lines().find_map(|l| l.strip_prefix("Umask:")).unwrap().trim().to_owned();
        let folder = private_folder().unwrap();
        let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o700, "under umask {umask}");
        if umask != "0000" && umask != "0200" {
            for other in ["0000", "0200"] {
                let again = Spec::new("sh")
                    .args(["-c", "umask \"$1\" && exec \"$0\" --exact \"$2\""])
                    .arg(std::env::current_exe().unwrap())
                    .args([other, "process::folder::tests::a_private_folder_is_private_whatever_the_umask"]);
                let out = String::from_utf8(run(again, Duration::from_secs(30)).unwrap()).unwrap();
                assert!(out.contains("1 passed"), "{out}");
            }
        }
    }
}
