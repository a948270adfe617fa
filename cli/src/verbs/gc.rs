//! `perfvt gc`.

use crate::{DONE, Error};
use collect::process::remove_dead_folders;
use std::io::Write;
use std::path::PathBuf;

/// Removes what dead campaigns of this user have left outside their directories, and says what it was.
pub fn gc(dirs: &[PathBuf], out: &mut dyn Write) -> Result<u8, Error> {
    let removed = remove_dead_folders(dirs);
    for path in &removed {
        writeln!(out, "removed {}", path.display())?;
    }
    if removed.is_empty() {
        writeln!(out, "nothing is left of dead campaigns")?;
    }
    Ok(DONE)
}
