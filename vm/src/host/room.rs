//! Room on disks.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file system of a folder that is or will be there, and its free bytes.
///
/// # Errors
/// With the folder that was looked at.
pub fn room(dir: &Path) -> io::Result<(u64, u64)> {
    let there = dir.ancestors().find(|p| p.exists()).filter(|p| !p.as_os_str().is_empty());
    let there = there.unwrap_or(Path::new("."));
    let wrong =
        |e: io::Error| io::Error::new(e.kind(), format!("looking for room in {}: {e}", there.display()));
    let device = std::fs::metadata(there).map_err(wrong)?.dev();
    let stat = rustix::fs::statvfs(there).map_err(|e| wrong(e.into()))?;
    Ok((device, stat.f_bavail.saturating_mul(stat.f_frsize)))
}
