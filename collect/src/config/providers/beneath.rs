//! Files below a provider's folder, and no others: whatever its links and paths say.

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Reads a regular file below `root`. The kernel itself sees to it that no link leads out.
///
/// # Errors
/// When it lies outside, cannot be read, or is larger than `limit`.
pub fn read(root: &Path, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let inside = within(path).ok_or_else(leads_out)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = match openat2(edge::read::directory(root)?, &inside, flags, Mode::empty(), how) {
        Ok(file) => File::from(file),
        Err(Errno::XDEV) => return Err(leads_out()),
        // Older than Linux 5.6, or not let through by a sandbox.
        Err(Errno::NOSYS | Errno::PERM) => slowly(root, &inside)?,
        Err(error) => return Err(error.into()),
    };
    edge::read::of(file, limit)
}

/// The same without the kernel's help.
fn slowly(root: &Path, inside: &Path) -> io::Result<File> {
    let place = root.join(inside).canonicalize()?;
    if !place.starts_with(root.canonicalize()?) {
        return Err(leads_out());
    }
    edge::read::open(place)
}

fn leads_out() -> io::Error {
    io::Error::other("it leads out of its folder")
}

/// A path as it is meant below a folder; `None` when it goes out of it.
pub fn within(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir if inside.pop() => {}
            _ => return None,
        }
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_and_paths_stay_within_with_and_without_the_kernels_help() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join("sub/x"), "x").unwrap();
        std::fs::write(dir.path().join("out"), "secret").unwrap();
        symlink("sub/x", root.join("good")).unwrap();
        symlink("../out", root.join("bad")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink(dir.path().join("out"), root.join("absolute")).unwrap();
        let slow = |path: &str| slowly(&root, Path::new(path)).and_then(|file| edge::read::of(file, 10));
        for path in ["sub/x", "good", "sub/../good", "./sub/./x"] {
            assert_eq!(read(&root, Path::new(path), 10).unwrap(), b"x", "{path}");
            assert_eq!(slow(path).unwrap(), b"x", "{path}");
        }
        for path in ["bad", "absolute", "up/out", "sub/../../out"] {
            for found in [read(&root, Path::new(path), 10), slow(path)] {
                assert!(found.unwrap_err().to_string().contains("leads out"), "{path}");
            }
        }
        assert!(read(&root, Path::new("/etc/passwd"), 10).is_err());
        assert!(read(&root, Path::new("sub"), 10).unwrap_err().to_string().contains("a directory"));
        assert!(read(&root, Path::new("sub/x"), 0).unwrap_err().to_string().contains("more than 0 bytes"));
    }
}
