//! The journal of changes: what was changed, from what to what, by whom, written before the change is made.
//!
//! One file, replaced as a whole (temporary name, fsync, rename), so that it is never half of anything.

use edge::owned::OwnFile;
use model::store::{self, StoreError, create_directory, io_error};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The journal's name in its folder.
pub const JOURNAL_FILE: &str = "host-changes.json";
/// Held while the journal is read and written.
const LOCK_FILE: &str = "host-changes.lock";
/// The version that the file carries.
///
/// Changelog: 1, the first.
const FORMAT: u32 = 1;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A file of /proc or /sys, from the root.
    File(PathBuf),
    /// A unit of systemd, which is `active` or `inactive`.
    Service(String),
}

impl Target {
    /// Whether it is something that perfvt could have changed: a file right below /proc/sys or /sys, or a unit by its name.
    fn is_a_knob(&self) -> bool {
        match self {
            Target::File(path) => {
                let path = path.strip_prefix("/").unwrap_or(path);
                let plain = path.components().all(|c| matches!(c, std::path::Component::Normal(_)));
                plain && (path.starts_with("proc/sys") || path.starts_with("sys"))
            }
            Target::Service(name) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || ":_.@\\-".contains(c);
                !name.starts_with('-') && !name.is_empty() && name.chars().all(plain)
            }
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The knob that wanted it: `governor`.
    pub knob: String,
    /// What was changed.
    pub target: Target,
    /// The value before.
    pub old: String,
    /// The value that was written, or is about to be.
    pub new: String,
    /// The kernel may have done a part only (huge pages): what lies between old and new counts as written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partly: bool,
}

/// The changes of one call of perfvt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names it, for its own restore.
    pub id: String,
    /// The process that made the changes.
    pub pid: u32,
    /// The host's boot id: a reboot undoes everything that perfvt changes.
    pub host_boot: String,
    /// When, in nanoseconds since the epoch.
    pub unix_ns: u64,
    /// The changes, in the order in which they were made.
    pub changes: Vec<Change>,
}

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    format: u32,
    sessions: Vec<Session>,
}

/// The journal in the hands of this process.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// The sessions that have not been undone, oldest first.
    pub sessions: Vec<Session>,
    /// Holds the lock.
    _lock: File,
}

impl Journal {
    /// Opens the journal in a folder, which is made when it is not there, and waits for other perfvts to let go of it.
    pub fn open(folder: &Path) -> Result<Journal, StoreError> {
        create_directory(folder)?;
        let lock_path = folder.join(LOCK_FILE);
        let lock = edge::write::open_lock(&lock_path).map_err(io_error("opening", &lock_path))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| io_error("locking", &lock_path)(e.into()))?;
        let path = folder.join(JOURNAL_FILE);
        Ok(Journal { sessions: read(&path)?, path, _lock: lock })
    }

    /// Makes the sessions durable; without any the file goes.
    pub fn write(&mut self) -> Result<(), StoreError> {
        self.sessions.retain(|s| !s.changes.is_empty());
        if !self.sessions.is_empty() {
            let content = Content { format: FORMAT, sessions: self.sessions.clone() };
            return store::write_json(&self.path, &content);
        }
        let ours = |content: &[u8]| serde_json::from_slice::<Content>(content).is_ok();
        match OwnFile::found(&self.path, edge::read::CONFIG, ours) {
            Ok(None) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Ok(Some(file)) => file.remove().map_err(io_error("removing", &self.path)),
            Err(e) => Err(io_error("reading", &self.path)(e)),
        }
    }
}

/// The sessions in a journal that may not be there.
pub(super) fn read(path: &Path) -> Result<Vec<Session>, StoreError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let sessions = store::read_json::<Content>(path, FORMAT)?.sessions;
    // Whoever could write this file must not have others written by whoever undoes it.
    match sessions.iter().flat_map(|session| &session.changes).find(|change| !change.target.is_a_knob()) {
        None => Ok(sessions),
        Some(change) => {
            let why = format!(
                "{:?} is nothing that perfvt changes; the file was made by something else",
                change.target
            );
            Err(io_error("reading", path)(std::io::Error::other(why)))
        }
    }
}
