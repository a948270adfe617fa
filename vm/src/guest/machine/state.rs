//! The state of a guest that runs, saved into a file and gone on from: for whoever looks for a fault, and for nobody who measures. A
//! guest that goes on from a state has the clock, the caches and the luck of another one.
//!
//! QEMU's migration writes it, into a file that it is given open. The disks that the guest writes are of the same moment: they are
//! copied beside the file while the guest stands.

use super::{Files, Machine};
use crate::guest::error::GuestError;
use crate::guest::qmp::Qmp;
use edge::owned::Scratch;
use edge::quoted;
use model::{Code, Failure};
use process::deadlines::{HOST_ANSWER, LAST_WORDS};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What QEMU calls the file.
const NAME: &str = "state";
/// The same of a dump of its memory.
const DUMP: &str = "dump";
/// Bytes in a second, which else are few: the guest stands meanwhile.
const FAST: u64 = 1 << 40;
/// How often it is looked whether QEMU is done.
const LOOK: Duration = Duration::from_millis(5);

/// A disk that a guest writes.
pub(super) struct Written {
    /// What the name of its copy ends in.
    end: String,
    /// The file; none for one that lies on a server or a device.
    path: Option<PathBuf>,
}

impl Written {
    /// Those of a boot.
    pub(super) fn of(files: &Files<'_>) -> Vec<Written> {
        let overlay =
            files.overlay.map(|path| Written { end: ".overlay".to_owned(), path: Some(path.to_owned()) });
        let data = files.data.iter().map(|disk| Written {
            end: format!(".disk{}", disk.number()),
            path: disk.own_file().map(Path::to_owned),
        });
        overlay.into_iter().chain(data).collect()
    }

    /// The file that is copied.
    fn file(&self) -> Result<&Path, GuestError> {
        let elsewhere = || {
            refused(
                "a disk of this guest lies on a server or a device, where nothing is copied; its state cannot be kept",
            )
        };
        self.path.as_deref().ok_or_else(elsewhere)
    }

    /// The copy that belongs to a state.
    fn beside(&self, state: &Path) -> PathBuf {
        beside(state, &self.end)
    }

    /// Puts the copy in its place.
    pub(super) fn bring_back(&self, state: &Path) -> Result<(), GuestError> {
        let (copy, path) = (self.beside(state), self.file()?);
        let failed = |source| GuestError::Io {
            doing: "copying the disk of a saved state,",
            path: copy.clone(),
            source,
        };
        edge::write::copy(&copy, path).map_err(failed)
    }
}

fn beside(state: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(state);
    name.push(end);
    name.into()
}

fn refused(why: impl Into<String>) -> GuestError {
    GuestError::Died(Failure::new(Code::ToolFailed, why))
}

impl Machine {
    /// Saves what the guest is at this moment, its memory and the disks that it writes, and lets it go on.
    ///
    /// # Errors
    /// The file is there, QEMU cannot save this guest, or not in time.
    pub fn save_state(&mut self, to: &Path, deadline: Duration) -> Result<(), GuestError> {
        let until = Instant::now() + deadline;
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| GuestError::Io { doing, path, source }
        };
        for file in std::iter::once(to.to_owned()).chain(self.writes.iter().map(|disk| disk.beside(to))) {
            if file.symlink_metadata().is_ok() {
                return Err(refused(format!("{} exists; give another name", file.display())));
            }
        }
        self.writes.iter().try_for_each(|disk| disk.file().map(|_| ()))?;
        // What is not whole goes with the folder, which nobody else can look into: the state has all that the guest knows.
        let folder = edge::write::parent(to);
        let room = Scratch::staging(folder, "state").map_err(io("making a folder in", folder))?;
        let whole = room.path().join(NAME);
        let file = edge::write::create(&whole).map_err(io("making", &whole))?;
        edge::write::set_mode(&whole, 0o600).map_err(io("making", &whole))?;
        self.qmp.execute("stop", json!({}), HOST_ANSWER)?;
        let saved = drain(&mut self.qmp, &file, until).and_then(|()| {
            let copied = |disk: &Written| {
                let path = disk.file()?;
                edge::write::copy(path, disk.beside(&whole)).map_err(io("copying a disk of the guest,", path))
            };
            self.writes.iter().try_for_each(copied)
        });
        let going = self.qmp.execute("cont", json!({}), HOST_ANSWER);
        saved?;
        going?;
        for disk in &self.writes {
            let copy = disk.beside(to);
            edge::write::rename_new(disk.beside(&whole), &copy).map_err(io("naming", &copy))?;
        }
        edge::write::rename_new(&whole, to).map_err(io("naming", to))
    }
}

impl Machine {
    /// Writes the memory of the guest to a file that crash(8) and gdb read: kdump's format, packed by zlib. It stands meanwhile, and
    /// goes on.
    ///
    /// # Errors
    /// The file is there or cannot be written, or QEMU does not do it in time.
    pub fn dump_memory(&mut self, to: &Path, deadline: Duration) -> Result<(), GuestError> {
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| GuestError::Io { doing, path, source }
        };
        if to.symlink_metadata().is_ok() {
            return Err(refused(format!("{} exists; give another name", to.display())));
        }
        let folder = edge::write::parent(to);
        let room = Scratch::staging(folder, "dump").map_err(io("making a folder in", folder))?;
        let whole = room.path().join(DUMP);
        let file = edge::write::create(&whole).map_err(io("making", &whole))?;
        edge::write::set_mode(&whole, 0o600).map_err(io("making", &whole))?;
        self.qmp.hand(DUMP, file.as_fd())?;
        let how = json!({"paging": false, "protocol": format!("fd:{DUMP}"), "format": "kdump-zlib"});
        self.qmp.execute("dump-guest-memory", how, deadline)?;
        edge::write::rename_new(&whole, to).map_err(io("naming", to))
    }
}

/// Has QEMU write the state of its guest, which stands.
fn drain(qmp: &mut Qmp, file: &impl AsFd, until: Instant) -> Result<(), GuestError> {
    qmp.hand(NAME, file.as_fd())?;
    qmp.execute("migrate-set-parameters", json!({"max-bandwidth": FAST}), HOST_ANSWER)?;
    qmp.execute("migrate", json!({"uri": format!("fd:{NAME}")}), HOST_ANSWER)?;
    let done = migrated(qmp, until, "saving the guest's state");
    if done.is_err() {
        let _ = qmp.execute("migrate_cancel", json!({}), LAST_WORDS);
    }
    done
}

/// Gives a QEMU that waits for it the state of a guest.
pub(super) fn fill(qmp: &mut Qmp, from: &Path, until: Instant) -> Result<(), GuestError> {
    let failed = |source| GuestError::Io { doing: "opening the saved state", path: from.to_owned(), source };
    let file = edge::read::open(from).map_err(failed)?;
    qmp.hand(NAME, file.as_fd())?;
    qmp.execute("migrate-incoming", json!({"uri": format!("fd:{NAME}")}), HOST_ANSWER)?;
    migrated(qmp, until, "restoring the guest's state")
}

/// Waits until QEMU has done it.
fn migrated(qmp: &mut Qmp, until: Instant, doing: &str) -> Result<(), GuestError> {
    loop {
        let told = qmp.execute("query-migrate", json!({}), HOST_ANSWER)?;
        let word = told.get("status").and_then(Value::as_str).unwrap_or_default();
        match word {
            "completed" => return Ok(()),
            "failed" | "cancelled" => {
                let why = told.get("error-desc").and_then(Value::as_str).unwrap_or("it does not say why");
                return Err(refused(format!("{doing}: QEMU has failed: {}", quoted(why))));
            }
            _ if Instant::now() >= until => {
                return Err(refused(format!("{doing}: it was not done in time; QEMU says {}", quoted(word))));
            }
            _ => std::thread::sleep(LOOK),
        }
    }
}
