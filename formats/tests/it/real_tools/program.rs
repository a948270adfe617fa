//! Where programs are: installed, or among the packages that `make setup` unpacks for guests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of unpacked packages.
fn packages() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("perfvt/packages"))
}

/// Folders of all packages.
fn unpacked() -> Vec<PathBuf> {
    let entries = packages().and_then(|dir| std::fs::read_dir(dir).ok());
    entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// The path of a program.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).collect::<Vec<_>>();
    let packed = unpacked().into_iter().map(|dir| dir.join("usr/bin"));
    installed.into_iter().chain(packed).map(|dir| dir.join(name)).find(|file| file.exists())
}

/// A program that finds the libraries of the packages.
pub fn command(name: &str) -> Option<Command> {
    let mut command = Command::new(find(name)?);
    let of = |dir: &Path| std::fs::read_dir(dir.join("usr/lib")).ok();
    let libraries: Vec<PathBuf> = unpacked()
        .iter()
        .filter_map(|dir| of(dir))
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    if let Ok(libraries) = std::env::join_paths(libraries) {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    Some(command)
}
