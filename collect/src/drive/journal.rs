//! The journal of a drive: a line for each step, on disk before the next one begins.

use edge::write::Appending;
use model::drive::Record;
use model::store::{StoreError, io_error};
use std::path::{Path, PathBuf};

/// Its name in a drive's folder.
pub const JOURNAL: &str = "drive.jsonl";

/// The file.
pub struct Journal {
    path: PathBuf,
    file: Appending,
}

impl Journal {
    /// A new one.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path) -> Result<Journal, StoreError> {
        let path = path.to_owned();
        let failed = |source| io_error("making the journal", &path)(source);
        edge::write::write(&path, b"").map_err(failed)?;
        let file = Appending::open(&path, 0).map_err(failed)?;
        Ok(Journal { path, file })
    }

    /// Writes a step down.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&mut self, record: &Record) -> Result<(), StoreError> {
        let failed = |source| io_error("writing the journal", &self.path)(source);
        let mut line = Vec::new();
        model::json::write(&mut line, record).map_err(failed)?;
        line.push(b'\n');
        self.file.append(&line).map_err(failed)
    }
}
