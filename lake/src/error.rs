//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why something with a lake could not be done.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A file or folder.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is something else.
    #[error("{path} is no lake: {why}; `perfvt lake add {path} RESULT` makes one of an empty or new folder")]
    NoLake {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file that does not read.
    #[error(
        "{path}: {why}; `perfvt lake check` names all such files, and adding its campaign again replaces it"
    )]
    Torn {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A line of events.jsonl.
    #[error("{path}:{line}: {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
        /// Why.
        why: String,
    },
}

impl LakeError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> LakeError {
        let path = path.into();
        |source| LakeError::Io { path, source }
    }
}
