//! Files that were being written when their writer was killed.

use super::SCRATCH;
use crate::seam::{self, Op};
use crate::write::{RANDOM, UNFINISHED};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Removes what [`crate::write::write_atomically`] leaves behind when its process is killed, in this directory and, if `below`,
/// in those below. Only for a directory that no live perfvt is writing to.
///
/// # Errors
/// The directory cannot be listed, or one of the files not be removed.
pub fn remove_unfinished(dir: &Path, below: bool) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && below {
            remove_unfinished(&entry.path(), below)?;
        } else if kind.is_file() && is_unfinished(&entry.file_name()) {
            let metadata = entry.metadata()?;
            if metadata.uid() == user && metadata.nlink() == 1 {
                seam::at(Op::Remove, &entry.path())?;
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Whether a name is one of a scratch directory, or of a file that is being written.
pub fn is_passing(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(SCRATCH.as_bytes()) || is_unfinished(name)
}

/// Whether a name is one that [`crate::write::write_atomically`] gives, and nobody else.
pub(crate) fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(UNFINISHED));
    random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
}
