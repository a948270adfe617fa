//! Folders for sockets and other things that are nobody else's business ([`edge::Scratch`]).
//!
//! A folder is removed when its owner drops it. Those of a perfvt that was killed are removed by the next one of the same user,
//! or by `perfvt gc`. Their names hold the campaign's, whose journal says when it was in whose hands.

use edge::owned::{Cleared, Scratch, living, remove_dead};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

/// The campaign in whose name folders are made.
static OWNER: Mutex<String> = Mutex::new(String::new());

/// From now on folders carry the name of this campaign.
pub fn name_folders_after(campaign: &str) {
    *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = format!("{campaign}-");
}

/// A private folder, removed when this is dropped.
pub type PrivateFolder = Scratch;

/// A new folder in TMPDIR (else `/tmp`) with mode 0700, whatever the umask is.
///
/// # Errors
/// TMPDIR is not there or cannot be written to.
pub fn private_folder() -> io::Result<PrivateFolder> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(remove_dead(&std::env::temp_dir())));
    make(&std::env::temp_dir())
}

/// The same in a folder of the user's choice, for what is too large for TMPDIR.
///
/// # Errors
/// The folder is not there or cannot be written to.
pub fn private_folder_in(dir: &Path) -> io::Result<PrivateFolder> {
    remove_dead(dir);
    make(dir)
}

fn make(parent: &Path) -> io::Result<PrivateFolder> {
    let label = OWNER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Scratch::create(parent, &label)
}

/// Removes the folders of this user's dead perfvts from TMPDIR and from other places, and tells what it removed and left.
pub fn remove_dead_folders(also: &[PathBuf]) -> Cleared {
    let mut all = Cleared::default();
    let tmp = std::env::temp_dir();
    for dir in std::iter::once(&tmp).chain(also.iter().filter(|dir| **dir != tmp)) {
        let cleared = remove_dead(dir);
        all.removed.extend(cleared.removed);
        all.left.extend(cleared.left);
    }
    all
}

/// The private folders of this user's perfvts that live, in TMPDIR.
pub fn living_folders() -> Vec<PathBuf> {
    living(&std::env::temp_dir())
}

#[cfg(test)]
mod tests {
    use super::super::{Spec, run};
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

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
                    .args([other, "folder::tests::a_private_folder_is_private_whatever_the_umask"]);
                let out = String::from_utf8(run(again, Duration::from_secs(30)).unwrap()).unwrap();
                assert!(out.contains("1 passed"), "{out}");
            }
        }
    }
}
