//! What may be removed: directories that this process made, or that carry perfvt's own mark, and nothing by its looks.
//!
//! A name, a mode and an owner say nothing about who needs a directory: results can have them all. So a scratch directory
//! holds a mark, a file with a magic first line and the directory's own device and inode: a copy of it, or one that somebody
//! moved away to keep it, is not it. It is locked as long as its owner lives; the kernel lets go of the lock with the process.
//! Whatever holds results, or another file system, stays even then.

mod living;
mod unfinished;

pub use living::living;
pub use unfinished::{is_passing, remove_unfinished};

use crate::seam::{self, Op};
use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, StatxAttributes, StatxFlags, flock, open as open_at, statx,
};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How the names of scratch directories begin. No result's default name does.
pub const SCRATCH: &str = "perfvt.tmp-";
/// The mark in a scratch directory.
pub const MARK: &str = ".perfvt-mark";
/// The first line of a mark.
///
/// Changelog: 1, the first.
const MAGIC: &str =
    "perfvt scratch directory 1: perfvt removes it with all that is in it when its owner is dead";
/// Files that only results hold.
const RESULTS: [&str; 3] = ["campaign.json", "run.json", "journal.jsonl"];
/// A mark is small.
const MARK_LIMIT: u64 = 4096;

/// Which directory this is, whatever it is called.
type Identity = (u64, u64);

fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is no directory any more"));
    }
    Ok((metadata.dev(), metadata.ino()))
}

/// A directory that perfvt made: only what was made can be removed.
#[derive(Debug)]
pub struct Made {
    path: PathBuf,
    identity: Identity,
}

impl Made {
    /// Makes a directory that must not be there yet.
    ///
    /// # Errors
    /// It is there, or cannot be made.
    pub fn create(path: &Path) -> io::Result<Made> {
        crate::write::make_directory(path)?;
        Ok(Made { path: path.to_owned(), identity: identity(path)? })
    }

    /// A directory that an earlier perfvt made, told by what is in it: `ours` looks at it.
    ///
    /// # Errors
    /// It is no directory.
    pub fn found(path: &Path, ours: impl FnOnce(&Path) -> bool) -> io::Result<Option<Made>> {
        let identity = identity(path)?;
        Ok(ours(path).then(|| Made { path: path.to_owned(), identity }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// Another directory has its name by now, it holds results or another file system, or something in it cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        remove_tree(&self.path, self.identity, Holds::NoResults)
    }
}

/// A name that was free when this process took it, for a directory that helpers of its own fill.
#[derive(Debug)]
pub struct Claimed(PathBuf);

impl Claimed {
    /// Takes a name; `None` when something has it already, which then is not this process's.
    pub fn free(path: PathBuf) -> Option<Claimed> {
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Claimed(path)),
            _ => None,
        }
    }

    /// Removes what has come to be there.
    ///
    /// # Errors
    /// It holds results or another file system, or something in it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        match identity(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            found => remove_tree(&self.0, found?, Holds::NoResults),
        }
    }
}

/// A private directory (mode 0700) that is removed when this is dropped, and, when its process was killed, by the next
/// perfvt of the same user that looks ([`remove_dead`]).
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    identity: Identity,
    holds: Holds,
    /// Says that the owner lives.
    _alive: File,
}

/// What a scratch directory may hold and still be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Sockets, layers, logs: results that lie in it are somebody's.
    NoResults,
    /// Copies of results, or results that are not there yet: they become results when they are renamed out of it.
    Copies,
}

impl Scratch {
    /// Makes one in `parent`; its name holds `label`.
    ///
    /// # Errors
    /// The parent is not there or cannot be written to.
    pub fn create(parent: &Path, label: &str) -> io::Result<Scratch> {
        Scratch::make(parent, label, Holds::NoResults)
    }

    /// The same, for what becomes a result when it is whole, and is renamed out of it then.
    ///
    /// # Errors
    /// The parent is not there or cannot be written to.
    pub fn staging(parent: &Path, label: &str) -> io::Result<Scratch> {
        Scratch::make(parent, label, Holds::Copies)
    }

    fn make(parent: &Path, label: &str, holds: Holds) -> io::Result<Scratch> {
        seam::at(Op::Make, parent)?;
        let private = || Permissions::from_mode(0o700);
        // The mode stands from the first moment; setting it again is for an umask that takes rights of the owner away.
        let prefix = format!("{SCRATCH}{label}");
        let dir = tempfile::Builder::new().prefix(&prefix).permissions(private()).tempdir_in(parent)?;
        fs::set_permissions(dir.path(), private())?;
        let alive = crate::read::directory(dir.path())?;
        // Locked before it is marked: without a mark nobody removes it, with one the lock tells.
        flock(&alive, FlockOperation::NonBlockingLockExclusive)?;
        let identity = identity(dir.path())?;
        crate::write::write(dir.path().join(MARK), mark(identity, holds).as_bytes())?;
        let path = std::path::absolute(dir.path())?;
        let _ = dir.keep();
        Ok(Scratch { path, identity, holds, _alive: alive })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it now, and says when that fails.
    ///
    /// # Errors
    /// Something in it cannot be removed; whoever looks next tries again.
    pub fn close(mut self) -> io::Result<()> {
        let identity = std::mem::take(&mut self.identity);
        remove_tree(&self.path, identity, self.holds)
    }

    /// Leaves it as a kill of its owner would, for tests.
    #[cfg(any(test, feature = "faults"))]
    pub fn abandon(mut self) -> PathBuf {
        // What is dropped then is no directory's.
        self.identity = (0, 0);
        self.path.clone()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is found by whoever looks next.
        let _ = remove_tree(&self.path, self.identity, self.holds);
    }
}

fn mark((device, inode): Identity, holds: Holds) -> String {
    let holds = match holds {
        Holds::NoResults => "no results",
        Holds::Copies => "copies",
    };
    format!("{MAGIC}\ndirectory {device}:{inode}\nholds {holds}\nprocess {}\n", std::process::id())
}

/// What became of the scratch directories of a directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// They were removed.
    pub removed: Vec<PathBuf>,
    /// They look like scratch directories of this user's, and stay: why.
    pub left: Vec<(PathBuf, String)>,
}

/// Removes the scratch directories in `parent` whose owners are dead, if they are this user's and carry their own mark.
/// What only looks like one, by a name as perfvt gave until 0.1 or by a mark that is another directory's, stays and is named.
pub fn remove_dead(parent: &Path) -> Cleared {
    let mut cleared = Cleared::default();
    let Ok(entries) = fs::read_dir(parent) else { return cleared };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        match dead(&path) {
            // Locked until it is gone, so that two who look at once do not both remove it.
            Verdict::Remove(identity, holds, _locked) => match remove_tree(&path, identity, holds) {
                Ok(()) => cleared.removed.push(path),
                Err(error) => cleared.left.push((path, error.to_string())),
            },
            Verdict::Leave(why) => cleared.left.push((path, why.to_owned())),
            Verdict::NotOurs => {}
        }
    }
    cleared
}

enum Verdict {
    Remove(Identity, Holds, File),
    Leave(&'static str),
    NotOurs,
}

fn dead(path: &Path) -> Verdict {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let (new, old) = (name.starts_with(SCRATCH.as_bytes()), name.starts_with(b"perfvt-"));
    // Of the entry itself: a link of this name is somebody else's trick.
    let Ok(metadata) = fs::symlink_metadata(path) else { return Verdict::NotOurs };
    let user = rustix::process::geteuid().as_raw();
    // Others may look into one that a helper must reach, and never write.
    let private = metadata.mode() & if new { 0o022 } else { 0o077 } == 0;
    if !(new || old) || !metadata.is_dir() || metadata.uid() != user || !private {
        return Verdict::NotOurs;
    }
    if old {
        let results = RESULTS.iter().any(|name| path.join(name).symlink_metadata().is_ok());
        return if results {
            Verdict::NotOurs
        } else {
            Verdict::Leave("it has no mark of perfvt's: remove it by hand if nobody needs it")
        };
    }
    let here = (metadata.dev(), metadata.ino());
    let Ok(directory) = crate::read::directory(path) else { return Verdict::NotOurs };
    if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Verdict::NotOurs;
    }
    match marked(path, user) {
        None => Verdict::Leave("it has no mark of perfvt's: remove it by hand if nobody needs it"),
        Some((of, holds)) if of == here => Verdict::Remove(here, holds, directory),
        Some(_) => Verdict::Leave("its mark is another directory's: it was copied"),
    }
}

/// The directory that a mark speaks of, and what it may hold.
fn marked(path: &Path, user: u32) -> Option<(Identity, Holds)> {
    let file = path.join(MARK);
    let metadata = fs::symlink_metadata(&file).ok()?;
    if !metadata.is_file() || metadata.uid() != user || metadata.nlink() != 1 {
        return None;
    }
    let text = crate::read::read_text(&file, MARK_LIMIT).ok()?;
    let mut lines = text.lines();
    if lines.next()? != MAGIC {
        return None;
    }
    let (device, inode) = lines.next()?.strip_prefix("directory ")?.split_once(':')?;
    let identity = (device.parse().ok()?, inode.parse().ok()?);
    let holds = if lines.next()? == "holds copies" { Holds::Copies } else { Holds::NoResults };
    Some((identity, holds))
}

/// Removes a directory that is still the one that was meant, its mark last: one that is removed by half stays marked.
///
/// What is in it is reached through its own descriptor, so that nobody who may rename things beside it can put a link to
/// another directory in its place meanwhile.
fn remove_tree(path: &Path, meant: Identity, holds: Holds) -> io::Result<()> {
    seam::at(Op::Remove, path)?;
    // Who is not there is told as such.
    identity(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = File::from(open_at(path, flags, Mode::empty())?);
    let opened = directory.metadata()?;
    if (opened.dev(), opened.ino()) != meant {
        return Err(io::Error::other("another directory has its name now"));
    }
    let inside = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    refuse(&inside, meant.0, holds).map_err(|error| told_of(path, &inside, &error))?;
    for entry in fs::read_dir(&inside)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        }?;
    }
    match fs::remove_file(inside.join(MARK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        // Only an empty directory goes by this, and no link.
        _ => fs::remove_dir(path),
    }
}

/// An error as of the directory's own name.
fn told_of(path: &Path, inside: &Path, error: &io::Error) -> io::Error {
    let text = error.to_string().replace(&inside.display().to_string(), &path.display().to_string());
    io::Error::new(error.kind(), text)
}

/// Whatever a mark says, results and other file systems stay.
fn refuse(path: &Path, device: u64, holds: Holds) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.dev() != device || metadata.is_dir() && is_mounted(&entry.path()) {
            return Err(io::Error::other(format!("a file system is mounted at {}", entry.path().display())));
        }
        if metadata.is_dir() {
            refuse(&entry.path(), device, holds)?;
        } else if holds == Holds::NoResults && RESULTS.iter().any(|name| entry.file_name() == *name) {
            return Err(io::Error::other(format!("it holds results ({})", entry.path().display())));
        }
    }
    Ok(())
}

/// Whether a directory is the root of a mount, also of the same file system (a bind mount); before Linux 5.8 nobody tells.
fn is_mounted(path: &Path) -> bool {
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS);
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// A file of perfvt's own making, told by its content: the only kind of single file that can be removed.
#[derive(Debug)]
pub struct OwnFile(PathBuf);

impl OwnFile {
    /// Looks whether a file is perfvt's own: `ours` is given its content.
    ///
    /// # Errors
    /// It cannot be read, or has more than `limit` bytes.
    pub fn found(path: &Path, limit: u64, ours: impl FnOnce(&[u8]) -> bool) -> io::Result<Option<OwnFile>> {
        let content = crate::read::read(path, limit)?;
        Ok(ours(&content).then(|| OwnFile(path.to_owned())))
    }

    /// Removes it, durably.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        seam::at(Op::Remove, &self.0)?;
        fs::remove_file(&self.0)?;
        crate::write::sync_directory(crate::write::parent(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn make(parent: &Path, name: &str, mode: u32) -> PathBuf {
        let path = parent.join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// A scratch directory whose process is dead.
    fn died(parent: &Path) -> PathBuf {
        let scratch = Scratch::create(parent, "t-").unwrap();
        fs::write(scratch.path().join("qmp"), "").unwrap();
        scratch.abandon()
    }

    #[test]
    fn results_that_look_like_a_scratch_directory_of_old_stay() {
        let tmp = tempfile::tempdir().unwrap();
        let results = make(tmp.path(), "perfvt-netperf-20261129T100000Z", 0o700);
        fs::write(results.join("campaign.json"), "{}").unwrap();
        let old = make(tmp.path(), "perfvt-x1y2z3", 0o700);
        let mine = make(tmp.path(), "perfvt.tmp-mine", 0o700);
        fs::write(mine.join("notes"), "dear").unwrap();
        let cleared = remove_dead(tmp.path());
        assert_eq!(cleared.removed, Vec::<PathBuf>::new());
        let named: Vec<&PathBuf> = cleared.left.iter().map(|(path, _)| path).collect();
        assert_eq!(named, [&old, &mine], "results are not even named");
        assert!(results.join("campaign.json").exists() && mine.join("notes").exists() && old.exists());
    }

    #[test]
    fn scratch_directories_of_the_dead_go_and_those_of_the_living_stay() {
        let tmp = tempfile::tempdir().unwrap();
        let living = Scratch::create(tmp.path(), "").unwrap();
        let dead = died(tmp.path());
        assert_eq!(remove_dead(tmp.path()), Cleared { removed: vec![dead.clone()], left: Vec::new() });
        assert!(!dead.exists() && living.path().exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn what_was_copied_moved_or_filled_with_results_stays() {
        let tmp = tempfile::tempdir().unwrap();
        let dead = died(tmp.path());
        let copy = make(tmp.path(), "perfvt.tmp-copy", 0o700);
        fs::copy(dead.join(MARK), copy.join(MARK)).unwrap();
        let results = died(tmp.path());
        fs::create_dir(results.join("x")).unwrap();
        fs::write(results.join("x/run.json"), "{}").unwrap();
        let staging = Scratch::staging(tmp.path(), "").unwrap();
        fs::write(staging.path().join("run.json"), "{}").unwrap();
        let staged = staging.path().to_owned();
        drop(staging);
        assert!(!staged.exists(), "copies are nobody's results yet");
        let kept = tmp.path().join("kept");
        fs::rename(&dead, &kept).unwrap();
        let cleared = remove_dead(tmp.path());
        assert_eq!(cleared.removed, Vec::<PathBuf>::new());
        let said = |path: &PathBuf| cleared.left.iter().find(|(p, _)| p == path).unwrap().1.clone();
        assert!(said(&copy).contains("another directory's"));
        assert!(said(&results).contains("it holds results"));
        assert!(
            kept.join(MARK).exists() && results.join("x/run.json").exists() && results.join(MARK).exists()
        );
    }

    #[test]
    fn only_the_directory_that_was_made_is_removed() {
        let tmp = tempfile::tempdir().unwrap();
        let made = Made::create(&tmp.path().join("raw")).unwrap();
        assert!(Made::create(made.path()).is_err(), "there is one already");
        fs::rename(made.path(), tmp.path().join("away")).unwrap();
        fs::create_dir(tmp.path().join("raw")).unwrap();
        assert!(made.remove().unwrap_err().to_string().contains("another directory"));
        let made = Made::create(&tmp.path().join("x")).unwrap();
        fs::write(made.path().join("y"), "").unwrap();
        made.remove().unwrap();
        assert!(tmp.path().join("raw").exists() && !tmp.path().join("x").exists());
    }

    #[test]
    fn a_name_that_was_taken_already_is_nobodys_to_remove() {
        let tmp = tempfile::tempdir().unwrap();
        let (new, old) = (tmp.path().join("new"), tmp.path().join("old"));
        fs::create_dir(&old).unwrap();
        assert!(Claimed::free(old).is_none());
        let claimed = Claimed::free(new.clone()).unwrap();
        claimed.remove().unwrap();
        fs::create_dir_all(new.join("x")).unwrap();
        claimed.remove().unwrap();
        assert!(!new.exists());
    }

    #[test]
    fn only_names_that_a_write_gives_are_unfinished() {
        let tmp = tempfile::tempdir().unwrap();
        fs::create_dir(tmp.path().join("sub")).unwrap();
        let names = [
            ".perfvt-unfinished.abcDEF123456",
            ".perfvt-unfinished.notes",
            ".perfvt-x",
            "sub/.perfvt-unfinished.000000000000",
        ];
        names.iter().for_each(|name| fs::write(tmp.path().join(name), "").unwrap());
        remove_unfinished(tmp.path(), true).unwrap();
        assert_eq!(names.map(|name| tmp.path().join(name).exists()), [false, true, true, false]);
        fs::write(tmp.path().join("x.RHS"), "mine").unwrap();
        let theirs =
            OwnFile::found(&tmp.path().join("x.RHS"), 100, |text| text.starts_with(b"### perfvt")).unwrap();
        assert!(theirs.is_none());
        OwnFile::found(&tmp.path().join("x.RHS"), 100, |text| text == b"mine")
            .unwrap()
            .unwrap()
            .remove()
            .unwrap();
        assert!(!tmp.path().join("x.RHS").exists());
    }

    /// One entry of a random tree: path, whether it is a directory, mode.
    fn tree() -> impl Strategy<Value = Vec<(String, bool, u32)>> {
        let name = prop_oneof![
            Just("perfvt-a"),
            Just("perfvt.tmp-b"),
            Just("perfvt.tmp-c"),
            Just(".perfvt-mark"),
            Just("campaign.json"),
            Just(".perfvt-unfinished.aaaaaaaaaaaa"),
            Just("x"),
        ];
        let path = proptest::collection::vec(name, 1..4).prop_map(|parts| parts.join("/"));
        let mode = prop_oneof![Just(0o700u32), Just(0o755), Just(0o600)];
        proptest::collection::vec((path, any::<bool>(), mode), 0..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn nothing_but_what_was_marked_ever_goes(entries in tree(), copied in any::<bool>()) {
            let tmp = tempfile::tempdir().unwrap();
            let dead = died(tmp.path());
            for (path, is_dir, mode) in entries {
                let path = tmp.path().join(path);
                let Some(parent) = path.parent() else { continue };
                if fs::create_dir_all(parent).is_err() {
                    continue;
                }
                if is_dir {
                    let _ = fs::create_dir(&path);
                } else if fs::write(&path, if copied { mark(identity(&dead).unwrap(), Holds::Copies) } else { MAGIC.into() }).is_err() {
                    continue;
                }
                // As root every mode can be read, as a user the tree must stay removable.
                let mode = if path.is_dir() { mode | 0o700 } else { mode };
                let _ = fs::set_permissions(&path, Permissions::from_mode(mode));
            }
            let all = |dir: &Path| {
                let mut found = Vec::new();
                let mut todo = vec![dir.to_owned()];
                while let Some(dir) = todo.pop() {
                    for entry in fs::read_dir(dir).unwrap().flatten() {
                        if entry.file_type().unwrap().is_dir() { todo.push(entry.path()) }
                        found.push(entry.path());
                    }
                }
                found.sort();
                found
            };
            let mut before = all(tmp.path());
            prop_assert_eq!(remove_dead(tmp.path()).removed, std::slice::from_ref(&dead));
            before.retain(|path| !path.starts_with(&dead));
            prop_assert_eq!(all(tmp.path()), before);
        }
    }
}
