//! The run directory: where each file lies, and writing it so that no reader ever sees half of one.
//!
//! ```text
//! OUT/campaign.json   OUT/journal.jsonl
//! OUT/<environment>/run.json
//! OUT/<environment>/repeat1.<variant>.<workload>.<scenario>/
//!     results/*.RHS  measurements.jsonl  series.jsonl  raw/  sysinfo/  forensics/
//! ```

use crate::lines::{self, LineError, Read, Versioned};
use crate::measurement::{self, MEASUREMENT_FORMAT, Measurement};
use crate::series::{SERIES_FORMAT, SeriesLine};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};

pub use edge::write::parent;

/// Name of the plan in a campaign's directory.
pub const CAMPAIGN_FILE: &str = "campaign.json";
/// Name of the journal in a campaign's directory.
pub const JOURNAL_FILE: &str = "journal.jsonl";
/// Name of the job log in a campaign's directory, a view of the journal for people.
pub const JOB_LOG: &str = "job.log";
/// Name of the page of the run in a campaign's directory, another view of it.
pub const RUN_PAGE: &str = "run.html";
/// Name of the description in an environment's directory.
pub const RUN_FILE: &str = "run.json";
/// Name of the values in a repeat's directory.
pub const MEASUREMENTS_FILE: &str = "measurements.jsonl";
/// Name of the per-second and per-session values in a repeat's directory.
pub const SERIES_FILE: &str = "series.jsonl";

/// A file of a run directory that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done: "writing".
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is not what it should be.
    #[error("reading {path}:{line}: {what}; the file was changed or damaged by something else than perfvt", path = path.display(), what = LineError::json_reason(source))]
    Json {
        /// Which file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Its lines are not those that were written.
    #[error("reading {path}:{line}: {what}; {way_out}", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// What tells it.
        what: String,
        /// What to do.
        way_out: &'static str,
    },
    /// A newer perfvt wrote it.
    #[error("reading {path}: format {found} is newer than this perfvt knows ({known}); use a newer perfvt", path = path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
}

/// Turns an I/O error into one that says what was being done to which file.
pub fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { doing, path: path.to_owned(), source }
}

/// Makes the entries of a directory durable.
pub fn sync_directory(path: &Path) -> Result<(), StoreError> {
    edge::write::sync_directory(path).map_err(io_error("syncing", path))
}

/// Creates a directory and those above it, and makes every new entry durable.
pub fn create_directory(path: &Path) -> Result<(), StoreError> {
    edge::write::create_directory(path).map_err(io_error("creating", path))
}

/// Makes the files of a directory durable, and their names.
pub fn sync_files(dir: &Path) -> Result<(), StoreError> {
    edge::write::sync_files(dir).map_err(io_error("syncing", dir))
}

/// Writes a whole file ([`edge::write::write_atomically`]).
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    edge::write_atomically(path, content).map_err(io_error("writing", path))
}

/// Removes what [`write_atomically`] leaves behind when its process is killed ([`edge::owned::remove_unfinished`]).
pub fn remove_unfinished(dir: &Path) -> Result<(), StoreError> {
    edge::owned::remove_unfinished(dir, true).map_err(io_error("removing unfinished files in", dir))
}

/// Writes a value as indented JSON, atomically.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    let mut text = Vec::new();
    crate::json::write_pretty(&mut text, value).map_err(io_error("writing", path))?;
    text.push(b'\n');
    write_atomically(path, &text)
}

/// Reads a JSON file whose `format` member is at most `known`.
pub fn read_json<T: DeserializeOwned>(path: &Path, known: u32) -> Result<T, StoreError> {
    let text = edge::read(path, edge::read::RECORD).map_err(io_error("reading", path))?;
    let wrong =
        |source: serde_json::Error| StoreError::Json { path: path.to_owned(), line: source.line(), source };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(wrong)?;
    if let Some(found) =
        value.get("format").and_then(|f| u32::try_from(f.as_u64()?).ok()).filter(|f| *f > known)
    {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    serde_json::from_slice(&text).map_err(wrong)
}

/// Writes a repeat's measurements ([`MEASUREMENTS_FILE`]), in today's format whatever they were read from.
pub fn write_measurements(path: &Path, measurements: &[Measurement]) -> Result<(), StoreError> {
    let lines: Vec<Measurement> =
        measurements.iter().cloned().map(|m| Measurement { v: MEASUREMENT_FORMAT, ..m }).collect();
    write_lines(path, &lines)
}

/// Reads a repeat's measurements ([`MEASUREMENTS_FILE`]).
///
/// # Errors
/// A line is none, a case has a metric twice, or lines are missing.
pub fn read_measurements(path: &Path) -> Result<Vec<Measurement>, StoreError> {
    let text = edge::read(path, edge::read::RECORD).map_err(io_error("reading", path))?;
    measurement::read(&text).map(|read| read.items).map_err(line_error(path))
}

/// Writes a repeat's series ([`SERIES_FILE`]), in today's format whatever it was read from.
pub fn write_series(path: &Path, series: &[SeriesLine]) -> Result<(), StoreError> {
    let lines: Vec<SeriesLine> =
        series.iter().cloned().map(|line| SeriesLine { v: SERIES_FORMAT, ..line }).collect();
    write_lines(path, &lines)
}

/// Reads a repeat's series ([`SERIES_FILE`]).
///
/// # Errors
/// A line is none, or lines are missing.
pub fn read_series<T: Versioned + DeserializeOwned>(path: &Path) -> Result<Read<T>, StoreError> {
    let text = edge::read(path, edge::read::RECORD).map_err(io_error("reading", path))?;
    let lines = lines::read(&text, SERIES_FORMAT).map_err(line_error(path))?;
    let sealed = lines.is_sealed();
    let items = lines.map(|line| line.map(|(_, item)| item)).collect::<Result<_, _>>();
    Ok(Read { items: items.map_err(line_error(path))?, sealed })
}

/// An empty series without an end line beside measurements that have one: the two are written together, so that the series
/// was cut off. Beside old measurements it is a workload that has no series.
pub fn unsealed_series(path: &Path) -> StoreError {
    line_error(path)(LineError::no_end(1))
}

/// Gives an error of a line its path.
pub fn line_error(path: &Path) -> impl FnOnce(LineError) -> StoreError {
    let path = path.to_owned();
    move |error| {
        let (way_out, what) = (way_out(&path), error.to_string());
        match error {
            LineError::Newer { found, known } => StoreError::Newer { path, found, known },
            LineError::Json { line, .. } | LineError::Damaged { line, .. } => {
                StoreError::Damaged { path, line, what, way_out }
            }
        }
    }
}

/// What to do about a file of lines that is damaged.
fn way_out(path: &Path) -> &'static str {
    if path.file_name().is_some_and(|name| name == SERIES_FILE) {
        "remove the file, and `perfvt reparse` makes it again"
    } else {
        "remove the file, and `perfvt resume` measures again what it held"
    }
}

/// Writes lines with the end line that tells that they are whole, atomically.
fn write_lines<T: Serialize>(path: &Path, items: &[T]) -> Result<(), StoreError> {
    let text =
        lines::write(items).map_err(|source| StoreError::Json { path: path.to_owned(), line: 0, source })?;
    write_atomically(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_write_that_fails_names_the_file_that_was_asked_for_and_no_other() {
        let error = write_atomically(Path::new("/nonexistent/x"), b"").unwrap_err().to_string();
        assert_eq!(error, "writing /nonexistent/x: No such file or directory (os error 2)");
    }

    #[test]
    fn a_file_of_a_newer_format_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        fs::write(&path, r#"{"format": 7}"#).unwrap();
        let error = read_json::<serde_json::Value>(&path, 1).unwrap_err().to_string();
        assert!(error.contains("format 7 is newer than this perfvt knows (1)"), "{error}");
    }
}
