//! What cron leaves out of the environment.

use crate::Error;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// Where programs of the system lie.
const SYSTEM_FOLDERS: [&str; 4] = ["/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin"];

/// Begins anew with the folders of the system's programs in PATH, where they are missing: cron's has two.
pub(super) fn with_system_folders() -> Result<(), Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let known = SYSTEM_FOLDERS.iter().map(PathBuf::from);
    let missing: Vec<PathBuf> = known.filter(|dir| dir.is_dir() && !folders.contains(dir)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    folders.extend(missing);
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let mut again = std::process::Command::new(std::env::current_exe()?);
    again.arg0(name).args(arguments).env("PATH", std::env::join_paths(folders)?);
    // It comes back only if it could not be done.
    Err(format!("starting perfvt again with {} in PATH: {}", SYSTEM_FOLDERS.join(", "), again.exec()).into())
}
