//! Faults of the disk, for tests: the n-th operation of the doors in this thread fails, and what would be left after a
//! power loss can be laid out in another directory.
//!
//! A loader's tricks (`LD_PRELOAD`) do not see rustix' raw calls, so the seam is in the doors themselves.

use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

pub use crate::seam::Op;

/// What is to fail.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The operation that fails first, counted from 1; 0 for none.
    pub nth: u64,
    /// How it fails: ENOSPC, EIO, EDQUOT, EROFS.
    pub errno: Errno,
    /// Whether everything after it fails as well, like on a disk that stays full.
    pub from_there: bool,
}

impl Plan {
    /// Nothing fails; operations are counted.
    pub fn none() -> Plan {
        Plan { nth: 0, errno: Errno::IO, from_there: false }
    }
}

/// What was seen between [`begin`] and [`Guard::end`].
#[derive(Debug, Default)]
pub struct Seen {
    /// Operations that this thread asked of the doors.
    pub operations: u64,
    /// The one that failed first.
    pub broken: Option<(Op, PathBuf)>,
    /// What is safe from a power loss.
    pub disk: Disk,
}

thread_local! {
    static ACTIVE: RefCell<Option<(Plan, Seen)>> = const { RefCell::new(None) };
}

/// Ends the faults of this thread when it is dropped.
#[derive(Debug)]
pub struct Guard(());

/// Begins to count, and to fail, the operations of this thread; `durable` names directories whose present content is safe.
pub fn begin(plan: Plan, durable: &[&Path]) -> Guard {
    let mut seen = Seen::default();
    durable.iter().for_each(|dir| seen.disk.take_in(dir));
    ACTIVE.with(|active| *active.borrow_mut() = Some((plan, seen)));
    Guard(())
}

impl Guard {
    /// Ends it, and gives what was seen.
    pub fn end(self) -> Seen {
        ACTIVE.with(|active| active.borrow_mut().take()).map(|(_, seen)| seen).unwrap_or_default()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        ACTIVE.with(|active| active.borrow_mut().take());
    }
}

/// Asked by a door before each operation.
pub(crate) fn at(op: Op, path: &Path) -> io::Result<()> {
    ACTIVE.with(|active| {
        let mut active = active.borrow_mut();
        let Some((plan, seen)) = active.as_mut() else { return Ok(()) };
        seen.operations += 1;
        let hit =
            seen.operations == plan.nth || plan.from_there && plan.nth > 0 && seen.operations > plan.nth;
        if !hit {
            return Ok(());
        }
        seen.broken.get_or_insert_with(|| (op, path.to_owned()));
        Err(plan.errno.into())
    })
}

/// Told by a door after an fsync of a file or directory, and after a file was begun.
pub(crate) fn synced(path: &Path) {
    ACTIVE.with(|active| {
        if let Some((_, seen)) = active.borrow_mut().as_mut() {
            seen.disk.sync(path);
        }
    });
}

/// What has reached the disk, by inode.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    contents: HashMap<u64, Vec<u8>>,
    listings: HashMap<u64, Vec<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: OsString,
    inode: u64,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    File,
    Directory,
    Link(PathBuf),
}

/// Which names a power loss leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those whose directory was synced since they were given.
    Synced,
    /// Every name, with whatever content was synced: file systems write names early, and content late.
    All,
}

impl Disk {
    /// Everything below a directory is on the disk.
    fn take_in(&mut self, dir: &Path) {
        self.sync(dir);
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.take_in(&entry.path()),
                Ok(kind) if kind.is_file() => self.sync(&entry.path()),
                _ => {}
            }
        }
    }

    fn sync(&mut self, path: &Path) {
        let Ok(metadata) = fs::metadata(path) else { return };
        if metadata.is_dir() {
            self.listings.insert(metadata.ino(), listing(path));
        } else if metadata.is_file() {
            self.contents.insert(metadata.ino(), fs::read(path).unwrap_or_default());
        }
    }

    /// Lays out below `into` what of `root` is left after a power loss.
    ///
    /// # Errors
    /// The directory cannot be filled.
    pub fn after_power_loss(&self, root: &Path, names: Names, into: &Path) -> io::Result<()> {
        fs::create_dir_all(into)?;
        let inode = fs::metadata(root)?.ino();
        self.fill(Some(root).filter(|_| names == Names::All), inode, into)
    }

    fn fill(&self, live: Option<&Path>, inode: u64, into: &Path) -> io::Result<()> {
        let entries = match live {
            Some(live) => listing(live),
            None => self.listings.get(&inode).cloned().unwrap_or_default(),
        };
        for Entry { name, inode, kind } in entries {
            let to = into.join(&name);
            match kind {
                Kind::File => fs::write(&to, self.contents.get(&inode).map_or(&[][..], Vec::as_slice))?,
                Kind::Link(target) => symlink(target, &to)?,
                Kind::Directory => {
                    fs::create_dir(&to)?;
                    self.fill(live.map(|live| live.join(&name)).as_deref(), inode, &to)?;
                }
            }
        }
        Ok(())
    }
}

fn listing(dir: &Path) -> Vec<Entry> {
    let entry = |entry: fs::DirEntry| {
        let kind = entry.file_type().ok()?;
        let kind = if kind.is_dir() {
            Kind::Directory
        } else if kind.is_symlink() {
            Kind::Link(fs::read_link(entry.path()).ok()?)
        } else if kind.is_file() {
            Kind::File
        } else {
            return None;
        };
        Some(Entry { name: entry.file_name(), inode: entry.ino(), kind })
    };
    fs::read_dir(dir).into_iter().flatten().flatten().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{create_directory, write_atomically};

    #[test]
    fn each_operation_of_a_write_can_fail_and_leaves_the_old_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_atomically(&path, b"old").unwrap();
        let guard = begin(Plan::none(), &[]);
        write_atomically(&path, b"old").unwrap();
        let operations = guard.end().operations;
        assert_eq!(operations, 5, "open, write, sync, rename, sync of the directory");
        for nth in 1..=operations {
            let guard = begin(Plan { nth, errno: Errno::NOSPC, from_there: false }, &[]);
            let error = write_atomically(&path, b"new").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::NOSPC.raw_os_error()));
            assert!(guard.end().broken.is_some());
            let left = fs::read(&path).unwrap();
            assert_eq!(left, if nth < operations { b"old" } else { b"new" });
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{nth}");
            write_atomically(&path, b"old").unwrap();
        }
    }

    #[test]
    fn a_power_loss_leaves_what_was_synced() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("before"), "1").unwrap();
        let guard = begin(Plan::none(), &[&root]);
        create_directory(root.join("a/b")).unwrap();
        write_atomically(root.join("a/b/whole"), b"2").unwrap();
        fs::write(root.join("a/late"), "3").unwrap();
        let disk = guard.end().disk;
        let lost = |names, into: &str| {
            let into = dir.path().join(into);
            disk.after_power_loss(&root, names, &into).unwrap();
            let read = |name: &str| fs::read_to_string(into.join(name)).ok();
            [read("before"), read("a/b/whole"), read("a/late")]
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(lost(Names::Synced, "synced"), [some("1"), some("2"), None]);
        assert_eq!(lost(Names::All, "all"), [some("1"), some("2"), some("")]);
    }
}
