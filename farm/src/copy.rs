//! From a host's disk to the folder that all hosts see, and back where a host lost its disk.
//!
//! ```text
//! local/campaign.json                      ──> once, then it must be equal
//! local/base/repeat1.../  (of whole blocks) ──> under a temporary name, fsync, rename; one that is there must be equal
//! local/base/run.json, job.log, run.html    ──> replaced: views of the rest
//! local/journal.jsonl                       ──> replaced by a longer one that begins with it
//!                     copied.json           the BLAKE3 of every file that never changes again
//! ```
//!
//! What is equal already costs nothing and changes nothing; what differs is refused, because it is another campaign's.

use edge::Scratch;
use model::store::{
    self, CAMPAIGN_FILE, JOB_LOG, JOURNAL_FILE, RUN_FILE, RUN_PAGE, StoreError, create_directory, io_error,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Name of the list of sums in a shard's directory.
pub const COPIED_FILE: &str = "copied.json";
/// The version of that list.
const COPIED_FORMAT: u32 = 1;

/// Something that could not be copied, or is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is something else already.
    #[error(
        "{path} is there already with other content, and nothing was copied over it: another campaign has measured this shard; compare it with {source_path}", path = path.display(), source_path = from.display()
    )]
    Differs {
        /// What is there.
        path: PathBuf,
        /// What was to be copied.
        from: PathBuf,
    },
    /// A file that is no longer what was copied.
    #[error("{path} is {what}: it was {} since it was copied", if *missing { "removed" } else { "changed" }, what = if *missing { "missing" } else { "not what its sum says" }, path = path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// It is not there.
        missing: bool,
    },
    /// Neither a regular file nor a folder.
    #[error("copying {path}: it is neither a file nor a folder", path = path.display())]
    Odd {
        /// Which.
        path: PathBuf,
    },
}

/// The sums of what was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Copied {
    format: u32,
    /// BLAKE3 in hexadecimal digits by path within the shard.
    files: BTreeMap<String, String>,
}

impl Copied {
    fn read(shard: &Path) -> Result<Copied, StoreError> {
        let path = shard.join(COPIED_FILE);
        if path.exists() {
            return store::read_json(&path, COPIED_FORMAT);
        }
        Ok(Copied { format: COPIED_FORMAT, files: BTreeMap::new() })
    }

    /// Those of one folder, by path within it.
    fn of(&self, folder: &str) -> BTreeMap<String, String> {
        let all = self.files.iter();
        let within = |path: &str| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        all.filter_map(|(path, sum)| Some((within(path)?, sum.clone()))).collect()
    }
}

/// What was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many files.
    pub files: usize,
    /// BLAKE3 of all paths and sums.
    pub sum: String,
}

/// Copies whole repeats of a campaign, with its plan, the views of it, and last its journal.
///
/// # Errors
/// Something cannot be read or written, or is there already and differs.
pub fn copy_out(local: &Path, shard: &Path, repeats: &[PathBuf]) -> Result<(), CopyError> {
    create_directory(shard)?;
    edge::owned::remove_dead(shard);
    let before = Copied::read(shard)?;
    let mut copied = before.clone();
    once(local, shard, CAMPAIGN_FILE, &mut copied)?;
    for repeat in repeats {
        let Ok(relative) = repeat.strip_prefix(local) else { continue };
        if repeat.is_dir() {
            folder(local, shard, &relative.to_string_lossy(), &mut copied)?;
        }
    }
    if copied != before {
        store::write_json(&shard.join(COPIED_FILE), &copied)?;
    }
    views(local, shard)?;
    journal(local, shard)
}

/// A file that is written once.
fn once(local: &Path, shard: &Path, name: &str, copied: &mut Copied) -> Result<(), CopyError> {
    let (from, to) = (local.join(name), shard.join(name));
    let content = read(&from)?;
    let sum = sum_of(&content);
    match copied.files.get(name) {
        Some(known) if *known == sum => return Ok(()),
        Some(_) => return Err(CopyError::Differs { path: to, from }),
        None => {}
    }
    if to.exists() {
        if read(&to)? != content {
            return Err(CopyError::Differs { path: to, from });
        }
    } else {
        store::write_atomically(&to, &content)?;
    }
    copied.files.insert(name.to_owned(), sum);
    Ok(())
}

/// A folder that is never changed once it is whole.
fn folder(local: &Path, shard: &Path, name: &str, copied: &mut Copied) -> Result<(), CopyError> {
    let (from, to) = (local.join(name), shard.join(name));
    let sums = sums_of(&from)?;
    let known = copied.of(name);
    if known == sums {
        return Ok(());
    }
    if !known.is_empty() || to.exists() && sums_of(&to)? != sums {
        return Err(CopyError::Differs { path: to, from });
    }
    if !to.exists() {
        let parent = store::parent(&to);
        create_directory(parent)?;
        let staging = Scratch::staging(shard, "").map_err(io_error("creating a directory in", shard))?;
        let new = staging.path().join("copy");
        copy_tree(&from, &new)?;
        edge::write::rename_new(&new, &to).map_err(io_error("creating", &to))?;
        store::sync_directory(parent)?;
    }
    copied.files.extend(sums.into_iter().map(|(path, sum)| (format!("{name}/{path}"), sum)));
    Ok(())
}

/// Every file of a folder, durable under its new name.
fn copy_tree(from: &Path, to: &Path) -> Result<(), CopyError> {
    for entry in WalkDir::new(from).sort_by_file_name() {
        let entry = entry.map_err(|e| io_error("reading", from)(e.into()))?;
        let Ok(relative) = entry.path().strip_prefix(from) else { continue };
        let target = to.join(relative);
        if entry.file_type().is_dir() {
            create_directory(&target)?;
        } else if entry.file_type().is_file() {
            edge::write::copy(entry.path(), &target).map_err(io_error("copying", entry.path()))?;
        } else {
            return Err(CopyError::Odd { path: entry.path().to_owned() });
        }
    }
    for entry in WalkDir::new(to).contents_first(true) {
        let entry = entry.map_err(|e| io_error("reading", to)(e.into()))?;
        if entry.file_type().is_dir() {
            store::sync_files(entry.path())?;
        }
    }
    Ok(())
}

fn sums_of(dir: &Path) -> Result<BTreeMap<String, String>, CopyError> {
    let mut all = BTreeMap::new();
    for entry in WalkDir::new(dir).sort_by_file_name() {
        let entry = entry.map_err(|e| io_error("reading", dir)(e.into()))?;
        let Ok(relative) = entry.path().strip_prefix(dir) else { continue };
        if entry.file_type().is_file() {
            let sum = sum_of_file(entry.path())?;
            all.insert(relative.to_string_lossy().into_owned(), sum);
        } else if !entry.file_type().is_dir() {
            return Err(CopyError::Odd { path: entry.path().to_owned() });
        }
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    edge::read(path, edge::read::RECORD).map_err(io_error("reading", path))
}

/// BLAKE3 in hexadecimal digits.
pub fn sum_of(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

/// BLAKE3 of a file, in hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub(crate) fn sum_of_file(path: &Path) -> Result<String, StoreError> {
    let mut hasher = blake3::Hasher::new();
    let mut file = edge::read::open(path).map_err(io_error("reading", path))?;
    std::io::copy(&mut file, &mut hasher).map_err(io_error("reading", path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// What tells of the rest, and changes with it.
fn views(local: &Path, shard: &Path) -> Result<(), CopyError> {
    let mut names: Vec<PathBuf> = [JOB_LOG, RUN_PAGE].map(PathBuf::from).into();
    for entry in std::fs::read_dir(local).map_err(io_error("listing", local))? {
        let path = entry.map_err(io_error("listing", local))?.path().join(RUN_FILE);
        names.extend(path.strip_prefix(local).map(Path::to_owned));
    }
    for name in names {
        let (from, to) = (local.join(&name), shard.join(&name));
        // An environment of which no repeat was copied is not one of the shard's yet.
        if !from.is_file() || !store::parent(&to).is_dir() {
            continue;
        }
        let content = read(&from)?;
        if !to.is_file() || read(&to)? != content {
            store::write_atomically(&to, &content)?;
        }
    }
    Ok(())
}

fn journal(local: &Path, shard: &Path) -> Result<(), CopyError> {
    let (from, to) = (local.join(JOURNAL_FILE), shard.join(JOURNAL_FILE));
    let content = read(&from)?;
    let there = if to.is_file() { read(&to)? } else { Vec::new() };
    if !content.starts_with(&there) {
        return Err(CopyError::Differs { path: to, from });
    }
    if content.len() > there.len() {
        store::write_atomically(&to, &content)?;
    }
    Ok(())
}

/// Brings what was copied of a shard back to a host that has nothing of it any more, whole or not at all. The cells of a block
/// that was not copied are measured again.
///
/// # Errors
/// Something cannot be read or written.
pub fn copy_back(shard: &Path, local: &Path) -> Result<(), CopyError> {
    let parent = store::parent(local);
    create_directory(parent)?;
    edge::owned::remove_dead(parent);
    let staging = Scratch::staging(parent, "").map_err(io_error("creating a directory in", parent))?;
    let new = staging.path().join("campaign");
    copy_tree(shard, &new)?;
    edge::write::rename_new(&new, local).map_err(io_error("creating", local))?;
    Ok(store::sync_directory(parent)?)
}

/// Reads everything that was copied, and holds it against its sums.
///
/// # Errors
/// A file is missing or changed, or cannot be read.
pub fn verify(shard: &Path) -> Result<Verified, CopyError> {
    let copied = Copied::read(shard)?;
    let mut hasher = blake3::Hasher::new();
    for (name, sum) in &copied.files {
        let path = shard.join(name);
        if !path.is_file() {
            return Err(CopyError::Damaged { path, missing: true });
        }
        if sum_of_file(&path)? != *sum {
            return Err(CopyError::Damaged { path, missing: false });
        }
        hasher.update(name.as_bytes()).update(b"\0").update(sum.as_bytes()).update(b"\n");
    }
    Ok(Verified { files: copied.files.len(), sum: hasher.finalize().to_hex().to_string() })
}

/// Removes the raw output of a finished shard; values, journal and pages stay, and so do the sums of what stays. Gives how many
/// files and bytes went, or would.
///
/// # Errors
/// Something cannot be read, written or removed.
pub fn prune(shard: &Path, dry_run: bool) -> Result<(usize, u64), CopyError> {
    let copied = Copied::read(shard)?;
    let is_raw = |path: &str| path.split('/').nth(2) == Some("raw");
    let (raw, files): (BTreeMap<_, _>, BTreeMap<_, _>) =
        copied.files.into_iter().partition(|(path, _)| is_raw(path));
    let sizes = raw.keys().filter_map(|path| shard.join(path).symlink_metadata().ok());
    let bytes = sizes.map(|found| found.len()).sum();
    if dry_run || raw.is_empty() {
        return Ok((raw.len(), bytes));
    }
    let folders: std::collections::BTreeSet<PathBuf> =
        raw.keys().map(|path| path.split('/').take(3).collect()).collect();
    // First: a sum of what is gone would be taken for damage, a file without one harms nobody.
    store::write_json(&shard.join(COPIED_FILE), &Copied { format: COPIED_FORMAT, files })?;
    for folder in folders {
        let path = shard.join(folder);
        if !path.is_dir() {
            continue;
        }
        let found = edge::Made::found(&path, |_| true).map_err(io_error("reading", &path))?;
        found.map(edge::Made::remove).transpose().map_err(io_error("removing", &path))?;
    }
    Ok((raw.len(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn campaign(dir: &Path) -> Vec<PathBuf> {
        let repeats = [dir.join("base/repeat1.x"), dir.join("head/repeat1.x")];
        for repeat in &repeats {
            fs::create_dir_all(repeat.join("raw/a")).unwrap();
            fs::write(repeat.join("measurements.jsonl"), repeat.display().to_string()).unwrap();
            fs::write(repeat.join("raw/a/out.txt"), "1").unwrap();
            fs::write(repeat.parent().unwrap().join("run.json"), "{}").unwrap();
        }
        fs::write(dir.join("campaign.json"), "{}").unwrap();
        fs::write(dir.join("journal.jsonl"), "a\n").unwrap();
        repeats.into()
    }

    fn all(dir: &Path) -> BTreeMap<String, String> {
        sums_of(dir).unwrap()
    }

    #[test]
    fn what_was_copied_is_whole_and_a_second_copy_changes_no_byte() {
        let dir = tempfile::tempdir().unwrap();
        let (local, shard) = (dir.path().join("local"), dir.path().join("farm/shards/01@h1"));
        let repeats = campaign(&local);
        copy_out(&local, &shard, &repeats[..1]).unwrap();
        assert!(!shard.join("head").exists(), "its repeat is not whole yet");
        copy_out(&local, &shard, &repeats).unwrap();
        let before = all(&shard);
        copy_out(&local, &shard, &repeats).unwrap();
        assert_eq!(all(&shard), before);
        let mut copies = before;
        copies.remove(COPIED_FILE).unwrap();
        assert_eq!(copies, all(&local));
        assert_eq!(verify(&shard).unwrap().files, 5);
    }

    #[test]
    fn other_content_is_refused_and_nothing_is_copied_over_it() {
        let dir = tempfile::tempdir().unwrap();
        let (local, shard) = (dir.path().join("local"), dir.path().join("01@h1"));
        let repeats = campaign(&local);
        copy_out(&local, &shard, &repeats).unwrap();
        let before = all(&shard);
        for (name, content) in
            [("campaign.json", "{1}"), ("base/repeat1.x/raw/a/out.txt", "2"), ("journal.jsonl", "b\n")]
        {
            let old = fs::read(local.join(name)).unwrap();
            fs::write(local.join(name), content).unwrap();
            let error = copy_out(&local, &shard, &repeats).unwrap_err();
            assert!(matches!(error, CopyError::Differs { .. }), "{name}: {error}");
            fs::write(local.join(name), old).unwrap();
            assert_eq!(all(&shard), before, "{name}");
        }
        fs::write(local.join("journal.jsonl"), "a\nb\n").unwrap();
        copy_out(&local, &shard, &repeats).unwrap();
        assert_eq!(fs::read_to_string(shard.join("journal.jsonl")).unwrap(), "a\nb\n");
    }

    #[test]
    fn a_copy_that_a_kill_cut_before_its_sums_were_written_is_taken_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (local, shard) = (dir.path().join("local"), dir.path().join("01@h1"));
        let repeats = campaign(&local);
        copy_out(&local, &shard, &repeats).unwrap();
        let whole = all(&shard);
        fs::remove_file(shard.join(COPIED_FILE)).unwrap();
        copy_out(&local, &shard, &repeats).unwrap();
        assert_eq!(all(&shard), whole);
        fs::remove_file(shard.join(COPIED_FILE)).unwrap();
        fs::write(shard.join("base/repeat1.x/raw/a/out.txt"), "2").unwrap();
        assert!(matches!(copy_out(&local, &shard, &repeats), Err(CopyError::Differs { .. })));
    }

    #[test]
    fn what_changed_or_is_missing_since_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (local, shard) = (dir.path().join("local"), dir.path().join("01@h1"));
        copy_out(&local, &shard, &campaign(&local)).unwrap();
        let file = shard.join("head/repeat1.x/measurements.jsonl");
        fs::write(&file, "x").unwrap();
        let error = verify(&shard).unwrap_err().to_string();
        assert!(
            error.starts_with(&file.display().to_string()) && error.contains("was changed since"),
            "{error}"
        );
        fs::remove_file(&file).unwrap();
        assert!(verify(&shard).unwrap_err().to_string().contains("was removed since"));
    }

    #[test]
    fn raw_output_goes_and_what_stays_keeps_its_sums() {
        let dir = tempfile::tempdir().unwrap();
        let (local, shard) = (dir.path().join("local"), dir.path().join("01@h1"));
        copy_out(&local, &shard, &campaign(&local)).unwrap();
        assert_eq!(prune(&shard, true).unwrap(), (2, 2));
        assert!(shard.join("base/repeat1.x/raw/a/out.txt").exists());
        assert_eq!(prune(&shard, false).unwrap(), (2, 2));
        assert!(!shard.join("base/repeat1.x/raw").exists());
        assert_eq!(verify(&shard).unwrap().files, 3);
        assert_eq!(prune(&shard, false).unwrap(), (0, 0));
    }

    #[test]
    fn a_host_that_lost_its_disk_has_back_what_was_copied() {
        let dir = tempfile::tempdir().unwrap();
        let (local, shard) = (dir.path().join("local"), dir.path().join("01@h1"));
        let repeats = campaign(&local);
        copy_out(&local, &shard, &repeats).unwrap();
        let again = dir.path().join("again/01@h1");
        copy_back(&shard, &again).unwrap();
        let mut copies = all(&again);
        copies.remove(COPIED_FILE);
        assert_eq!(copies, all(&local));
        assert!(copy_back(&shard, &again).is_err(), "never over what is there");
    }
}
