//! Scratch directories whose owners live.

use super::SCRATCH;
use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The scratch directories in `parent` of this user's whose owners live, in the order of their names. Nothing is changed.
pub fn living(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|p| lives(p)).collect();
    paths.sort();
    paths
}

fn lives(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(SCRATCH.as_bytes()));
    // Of the entry itself: a link of this name is somebody else's trick.
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    if !named || !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return false;
    }
    // Whoever removes dead ones would wait for nobody: a shared lock is let go at once.
    crate::read::directory(path)
        .is_ok_and(|directory| flock(&directory, FlockOperation::NonBlockingLockShared).is_err())
}

#[cfg(test)]
mod tests {
    use super::super::Scratch;
    use super::*;

    #[test]
    fn a_scratch_directory_is_listed_as_long_as_its_owner_lives() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(dir.path(), "test").unwrap();
        let other = dir.path().join(format!("{SCRATCH}other"));
        fs::create_dir(&other).unwrap();
        fs::create_dir(dir.path().join("campaign")).unwrap();
        assert_eq!(living(dir.path()), [scratch.path()]);
        assert_eq!(living(&dir.path().join("nowhere")), Vec::<PathBuf>::new());
        drop(scratch);
        assert_eq!(living(dir.path()), Vec::<PathBuf>::new());
        assert!(other.exists());
    }
}
