//! `journal.jsonl` of a bisection: what was done, a line each with its sum, durable before anything follows from it.

use crate::Error;
use crate::bisect::events::Event;
use crate::bisect::known::Known;
use edge::write::Appending;
use formats::journal::{Entry, read_events, write_entry};
use model::Moment;
use std::path::{Path, PathBuf};

/// Its name.
const FILE: &str = "journal.jsonl";

/// An open journal, with what is known by it.
pub struct Journal {
    file: Appending,
    path: PathBuf,
    next: u64,
    /// The fold of its events.
    pub known: Known,
}

impl Journal {
    /// Opens that in a folder, or begins one. A line that was cut by a crash is cut off.
    ///
    /// # Errors
    /// It cannot be read or written, or is damaged before its end.
    pub fn open(folder: &Path) -> Result<Journal, Error> {
        let path = folder.join(FILE);
        let text = match edge::read(&path, edge::read::RECORD) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            text => text.map_err(|e| format!("reading {}: {e}", path.display()))?,
        };
        let read =
            read_events::<Event>(&text, |_| None).map_err(|error| format!("{}:{error}", path.display()))?;
        let file = Appending::open(&path, read.good_bytes as u64)
            .map_err(|e| format!("opening {}: {e}", path.display()))?;
        let mut known = Known::default();
        read.entries.iter().for_each(|entry| known.apply(&entry.event));
        Ok(Journal { file, path, next: read.entries.len() as u64 + 1, known })
    }

    /// Writes down what was done, and only then takes it in.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, event: Event) -> Result<(), Error> {
        let entry = Entry { seq: self.next, unix_ns: Moment::now().unix_ns, event };
        let line = write_entry(&entry)?;
        self.file.append(line.as_bytes()).map_err(|e| format!("writing {}: {e}", self.path.display()))?;
        self.next += 1;
        self.known.apply(&entry.event);
        Ok(())
    }
}
