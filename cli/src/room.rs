//! Room on disks for what a campaign will write.

use crate::Error;
use collect::campaign::resolve::Disks;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vm::host::room::room;

/// What is wanted of one file system.
struct Wanted {
    /// Where it was first wanted.
    place: PathBuf,
    /// Bytes that are free.
    free: u64,
    /// Bytes that will be written there.
    bytes: u64,
    /// Bytes of the largest data disk there: there is one at a time.
    disk: u64,
    /// Bytes to which a sparse one may grow there.
    growing: u64,
}

/// Refuses to begin what the disks cannot hold: `bytes` in the campaign's directory, and the data disks. A sparse disk
/// that may outgrow its place gives a warning, because nobody knows how much of it the workload writes.
pub fn check(dir: &Path, bytes: u64, disks: &Disks) -> Result<Vec<String>, Error> {
    let mut all: BTreeMap<u64, Wanted> = BTreeMap::new();
    let parts = [(dir, [bytes, 0, 0])].into_iter();
    let parts = parts.chain(disks.whole.iter().map(|(dir, size)| (dir.as_path(), [0, *size, 0])));
    let parts = parts.chain(disks.sparse.iter().map(|(dir, size)| (dir.as_path(), [0, 0, *size])));
    for (dir, [bytes, disk, growing]) in parts {
        let (device, free) = room(dir)?;
        let nothing = Wanted { place: dir.to_owned(), free, bytes: 0, disk: 0, growing: 0 };
        let wanted = all.entry(device).or_insert(nothing);
        wanted.bytes = wanted.bytes.saturating_add(bytes);
        wanted.disk = wanted.disk.max(disk);
        wanted.growing = wanted.growing.max(growing);
    }
    let mut warnings = Vec::new();
    for Wanted { place, free, bytes, disk, growing } in all.into_values() {
        let (place, mb) = (place.display(), |bytes: u64| bytes / 1_000_000);
        let certain = bytes.saturating_add(disk);
        if free < certain {
            return Err(format!(
                "{place} has {} MB left and the campaign will write about {} MB, its data disk included; free some, or \
                 give --out or disk_dir another disk",
                mb(free),
                mb(certain)
            )
            .into());
        }
        if free < bytes.saturating_add(growing.max(disk)) {
            warnings.push(format!(
                "{place} has {} MB left, and the guest's sparse disk may grow to {} MB: a guest stops when there is no more",
                mb(free),
                mb(growing)
            ));
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_one_file_system_is_added_and_a_sparse_disk_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let (_, free) = room(dir.path()).unwrap();
        let of = |whole: u64, sparse: u64| Disks {
            whole: [(dir.path().to_owned(), whole)].into(),
            sparse: [(dir.path().join("not/yet"), sparse)].into(),
        };
        assert!(check(dir.path(), 1000, &of(1000, 0)).unwrap().is_empty());
        let two_thirds = free / 3 * 2;
        let mut two = of(two_thirds, 0);
        two.whole.insert(dir.path().join("other"), two_thirds);
        assert!(check(dir.path(), 1000, &two).unwrap().is_empty(), "there is one at a time");
        let error = check(dir.path(), two_thirds, &of(two_thirds, 0)).unwrap_err().to_string();
        assert!(error.contains("its data disk included") && error.contains("disk_dir"), "{error}");
        let warnings = check(dir.path(), 1000, &of(1000, free.saturating_mul(2))).unwrap();
        assert!(warnings[0].contains("sparse disk may grow"), "{warnings:?}");
    }
}
