//! Where files come from.

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What a [`super::Loader`] reads files with.
pub trait Files {
    /// The bytes of a regular file, an error when there are more than `limit`.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// What tells two names of one file: links resolved.
    fn identity(&self, path: &Path) -> PathBuf;

    /// The names in a folder, for suggestions.
    fn names(&self, folder: &Path) -> Vec<String>;

    /// The file that `include TEXT` means in a file of `folder`; no folder is the working directory.
    ///
    /// # Errors
    /// A file that files of this folder must not include, with the reason.
    fn resolve(&self, text: &str, folder: Option<&Path>) -> Result<PathBuf, String> {
        Ok(beside(text, folder))
    }

    /// Whether a file that begins with `- name:` is a list of variants without the `variants:` above it: a block of its
    /// own, or, included among the variants of another one, a part of that.
    fn has_fragments(&self) -> bool {
        false
    }
}

/// A path of an include: `~` is the home folder, anything relative lies beside the including file.
fn beside(text: &str, folder: Option<&Path>) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let path = match text.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| text.into()),
        Some(rest) if rest.starts_with('/') => match home() {
            Some(home) => home.join(rest.trim_start_matches('/')),
            None => text.into(),
        },
        _ => PathBuf::from(text),
    };
    match folder {
        Some(folder) if path.is_relative() => folder.join(path),
        _ => path,
    }
}

/// The bytes of a regular file. A FIFO is not waited for, a device not read.
fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let kind = file.metadata()?.file_type();
    if !kind.is_file() {
        let what = match kind {
            kind if kind.is_dir() => "a directory",
            kind if kind.is_fifo() => "a FIFO",
            kind if kind.is_char_device() || kind.is_block_device() => "a device",
            _ => "something else",
        };
        return Err(io::Error::other(format!("it is {what}, not a file")));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Names of a folder that are looked through for a suggestion.
const MAX_NAMES: usize = 10_000;

/// The file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        read_regular(path, limit)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let names = entries.flatten().take(MAX_NAMES);
        names.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

/// No files at all: every include is an error.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        Err(io::Error::other("files are not read here"))
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn names(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }
}
