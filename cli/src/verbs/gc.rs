//! `perfvt gc`.

use crate::verbs::drive::kept::told;
use crate::{DONE, Error};
use builds::Store;
use collect::campaign::journal::Journal;
use model::journal::Event;
use model::store::JOURNAL_FILE;
use process::remove_dead_folders;
use std::io::Write;
use std::path::PathBuf;
use vm::guest::image::Cache;

/// Removes what dead campaigns of this user have left outside their directories, and says what it was. A directory that is
/// a campaign's own stands for the folders that its journal records.
pub fn gc(dirs: &[PathBuf], builds: Option<u64>, out: &mut dyn Write) -> Result<u8, Error> {
    let mut places = Vec::new();
    for dir in dirs {
        if dir.join(JOURNAL_FILE).is_file() {
            for (_, event) in Journal::events(dir)? {
                if let Event::Opened { scratch, .. } = event {
                    places.extend(scratch);
                }
            }
        } else if dir.is_dir() {
            places.push(dir.clone());
        } else {
            return Err(format!("{}: neither a campaign nor a folder that is there", dir.display()).into());
        }
    }
    let cleared = remove_dead_folders(&places);
    for path in &cleared.removed {
        writeln!(out, "removed {}", path.display())?;
    }
    for (path, why) in &cleared.left {
        writeln!(out, "left {}: {why}", path.display())?;
    }
    for told in dirs.iter().filter_map(|dir| told(dir)) {
        writeln!(out, "{told}")?;
    }
    if let Some(gib) = builds {
        trim(gib, out)?;
    }
    if cleared.removed.is_empty() {
        let what = if cleared.left.is_empty() { "left of dead campaigns" } else { "removed" };
        writeln!(out, "nothing is {what}")?;
    }
    Ok(DONE)
}

/// Makes room among builds; one that is being made is left alone.
fn trim(gib: u64, out: &mut dyn Write) -> Result<(), Error> {
    let store = Store::open(Cache::from_env()?.root())?;
    for (path, bytes) in store.trim(gib.saturating_mul(1 << 30), |_| false)? {
        writeln!(out, "removed {}, {:.1} MiB", path.display(), bytes as f64 / f64::from(1 << 20))?;
    }
    Ok(())
}
