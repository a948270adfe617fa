//! Tells in a millisecond whether an image is up to date: the inputs of the last build with size and time.
//!
//! The contents themselves are hashed only when one of these has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// A file's size in bytes and its time of modification in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::guest) struct Stamp {
    len: u64,
    mtime_ns: i128,
}

impl Stamp {
    /// The stamp of a file as it is now; `None` when there is none.
    pub(in crate::guest) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        let mtime_ns = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()).ok()?,
            Err(before) => -i128::try_from(before.duration().as_nanos()).ok()?,
        };
        Some(Self { len: metadata.len(), mtime_ns })
    }
}

/// The inputs of the newest build of one image name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// The folder's name of the image that was made of them.
    pub(super) image: String,
    /// This program when it made the image: another build of it may make other images.
    program: Option<Stamp>,
    inputs: BTreeMap<PathBuf, Option<Stamp>>,
}

impl Index {
    /// An index of the inputs of an image.
    pub(super) fn new(image: String, inputs: BTreeMap<PathBuf, Option<Stamp>>) -> Self {
        Self { image, program: this_program(), inputs }
    }

    /// Reads an index; a missing or damaged one counts as none, because it is only a shortcut.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&edge::read(path, edge::read::CONFIG).ok()?).ok()
    }

    /// Whether every input and this program are what they were.
    pub(super) fn is_fresh(&self) -> bool {
        self.program == this_program() && self.inputs.iter().all(|(path, stamp)| Stamp::of(path) == *stamp)
    }
}

fn this_program() -> Option<Stamp> {
    std::env::current_exe().ok().and_then(|path| Stamp::of(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_vanished_or_new_input_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (there, absent) = (folder.path().join("there"), folder.path().join("absent"));
        fs::write(&there, "1").unwrap();
        let inputs = [&there, &absent].map(|path| (path.clone(), Stamp::of(path)));
        let index = Index::new("builtin-1".to_owned(), BTreeMap::from(inputs));
        let text = serde_json::to_string(&index).unwrap();
        let index: Index = serde_json::from_str(&text).unwrap();
        assert!(index.is_fresh());
        fs::write(&absent, "").unwrap();
        assert!(!index.is_fresh());
        fs::remove_file(&absent).unwrap();
        assert!(index.is_fresh());
        fs::write(&there, "12").unwrap();
        assert!(!index.is_fresh());
    }
}
