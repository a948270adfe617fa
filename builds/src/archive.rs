//! Tarballs and packages of distributions, unpacked into a folder: within bounds, and nothing outside of it is written.
//!
//! ```text
//!   .tar.gz, .xz, .zst, .bz2 ──gzip, xz, zstd, bzip2──┐
//!   .deb ──dpkg-deb --fsys-tarfile────────────────────┼──> a plain tar ──looked at, entry by entry──> the folder
//!   .rpm ──rpm2cpio──> cpio ──────────────────────────┘
//! ```
//!
//! The programs of the distribution know their formats; what is written where is decided here, for an archive may be anybody's.

use crate::bounds::{Counted, LARGEST};
use crate::error::{BuildError, failing};
use crate::rpm;
use process::deadlines::WHOLE_FILE;
use process::{Sink, Spec};
use std::cell::Cell;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use tar::{Archive, Entry, EntryType};

/// Bytes of all that describes one entry of a tar: headers, long names, attributes. The tar crate holds them in memory.
const DESCRIBED: u64 = 256 << 10;

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tar,
    Packed(&'static str),
    Deb,
    Rpm,
}

/// Offset and bytes of the word that a tar of POSIX and of GNU has (pax(1), "ustar").
const USTAR: (usize, &[u8]) = (257, b"ustar");

fn kind(archive: &Path) -> Result<Kind, BuildError> {
    let head = edge::read::head(archive, 512).map_err(failing("reading", archive))?;
    let begins = |magic: &[u8]| head.starts_with(magic);
    Ok(match () {
        () if begins(b"!<arch>\n") => Kind::Deb,
        () if begins(&[0xed, 0xab, 0xee, 0xdb]) => Kind::Rpm,
        () if begins(&[0x1f, 0x8b]) => Kind::Packed("gzip"),
        () if begins(b"\xfd7zXZ\0") => Kind::Packed("xz"),
        () if begins(&[0x28, 0xb5, 0x2f, 0xfd]) => Kind::Packed("zstd"),
        () if begins(b"BZh") => Kind::Packed("bzip2"),
        () if head.get(USTAR.0..).is_some_and(|rest| rest.starts_with(USTAR.1)) => Kind::Tar,
        () => {
            return Err(unpacking(
                archive,
                "it is no tarball (plain, gzip, xz, zstd, bzip2), no .deb and no .rpm",
            ));
        }
    })
}

/// Why an archive is not unpacked.
pub(crate) fn unpacking(archive: &Path, why: impl std::fmt::Display) -> BuildError {
    BuildError::Archive { archive: archive.to_owned(), why: why.to_string() }
}

/// Whether a file is a package of a distribution: what is in it is built already.
///
/// # Errors
/// It cannot be read, or is neither a package nor a tarball.
pub fn is_package(archive: &Path) -> Result<bool, BuildError> {
    Ok(matches!(kind(archive)?, Kind::Deb | Kind::Rpm))
}

/// Unpacks an archive over what is in a folder; `room` is an empty folder of its own for what comes on the way.
pub(crate) fn unpack(archive: &Path, room: &Path, to: &Path) -> Result<(), BuildError> {
    let archive = std::path::absolute(archive).map_err(failing("finding", archive))?;
    let stream = room.join("stream");
    let plain = match kind(&archive)? {
        Kind::Tar => archive.clone(),
        Kind::Packed(program) => through(&archive, &[program, "-dc", "--"], &stream)?,
        Kind::Deb => through(&archive, &["dpkg-deb", "--fsys-tarfile"], &stream)?,
        Kind::Rpm => {
            let cpio = through(&archive, &["rpm2cpio"], &room.join("cpio"))?;
            rpm::tar_of(&cpio, &stream).map_err(|why| unpacking(&archive, why))?;
            stream
        }
    };
    let file = edge::read::open(&plain).map_err(failing("opening", &plain))?;
    entries(file, to).map_err(|why| unpacking(&archive, why))
}

/// What a program makes of an archive, in a file that cannot grow beyond the bound.
fn through(archive: &Path, words: &[&str], to: &Path) -> Result<PathBuf, BuildError> {
    let (program, bound) = (words.first().copied().unwrap_or_default(), format!("--fsize={LARGEST}"));
    let spec = Spec::new("prlimit").arg(bound).arg("--").args(words).arg(archive).env("LC_ALL", "C");
    let spec = spec.stdout(Sink::File(to.to_owned())).stderr(Sink::Capture);
    let failed = |why: String| unpacking(archive, format!("{program}: {why}"));
    let running = spec.start().map_err(|error| failed(error.to_string()))?;
    let finished = running.finish(WHOLE_FILE);
    match finished.status {
        Some(status) if status.success() => Ok(to.to_owned()),
        Some(status) => {
            let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
            let said = if said.is_empty() { status.to_string() } else { format!("{said} ({status})") };
            Err(unpacking(archive, format!("{program}: {}", edge::text::cut(&said))))
        }
        None => Err(failed(format!("it did not end within {} s", WHOLE_FILE.as_secs()))),
    }
}

/// A tar of which only so much is read at a time.
struct Bounded<R> {
    from: BufReader<R>,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            let why = format!("what describes one of its files takes more than {} KiB", DESCRIBED >> 10);
            return Err(std::io::Error::other(why));
        }
        let got = self.from.by_ref().take(left).read(to)?;
        self.left.set(left.saturating_sub(got as u64));
        Ok(got)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        // What is in the buffer stays there.
        if let SeekFrom::Current(by) = to {
            self.from.seek_relative(by)?;
            return self.from.stream_position();
        }
        self.from.seek(to)
    }
}

/// Unpacks a tar; the reason in words where something in it is not to be had.
fn entries(tar: impl Read + Seek, to: &Path) -> Result<(), String> {
    let left = Rc::new(Cell::new(DESCRIBED));
    let mut tar = Archive::new(Bounded { from: BufReader::new(tar), left: Rc::clone(&left) });
    let mut counted = Counted::default();
    // Contents are skipped by seeking: what is read up to an entry is what describes it.
    for entry in tar.entries_with_seek().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        counted.add(entry.size())?;
        left.set(u64::MAX);
        put(&mut entry, to)?;
        left.set(DESCRIBED);
    }
    Ok(())
}

fn put(entry: &mut Entry<'_, impl Read>, to: &Path) -> Result<(), String> {
    let path = entry.path().map_err(|error| error.to_string())?.into_owned();
    let shown = edge::visible(&path.display().to_string()).into_owned();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    let kind = entry.header().entry_type();
    if matches!(kind, EntryType::XGlobalHeader) {
        return Ok(());
    }
    let inner = plain(&path).ok_or_else(|| format!("{shown} leads out of it; nothing of it is taken"))?;
    let place = to.join(&inner);
    match kind {
        // With the rights of a new folder: one that may not be written to could not be filled.
        EntryType::Directory => {
            inside(&place, to).map_err(failed)?;
            edge::write::create_directory(&place).map_err(failed)
        }
        EntryType::Symlink => {
            let target =
                entry.link_name().map_err(failed)?.ok_or_else(|| format!("{shown} leads nowhere"))?;
            let parent = place.parent().unwrap_or(to);
            inside(parent, to).map_err(failed)?;
            edge::write::create_directory(parent).map_err(failed)?;
            let target = led(depth(parent, to).map_err(failed)?, &target).ok_or_else(|| {
                format!(
                    "{shown} is a link to {}, out of it; nothing of it is taken",
                    edge::visible(&target.display().to_string())
                )
            })?;
            // Several packages may bring the same link.
            if std::fs::read_link(&place).is_ok_and(|there| there == target) {
                return Ok(());
            }
            std::os::unix::fs::symlink(target, &place).map_err(failed)
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Link => {
            if kind == EntryType::Link {
                let target = entry.link_name().map_err(failed)?.map(|target| target.into_owned());
                let is_in = target.as_deref().and_then(plain).is_some();
                if !is_in {
                    return Err(format!(
                        "{shown} is another name of a file out of it; nothing of it is taken"
                    ));
                }
            }
            entry.set_preserve_permissions(false);
            entry.set_preserve_mtime(false);
            entry.set_mask(0o022);
            let is_put = entry.unpack_in(to).map_err(failed)?;
            if is_put { Ok(()) } else { Err(format!("{shown} leads out of it; nothing of it is taken")) }
        }
        _ => Err(format!("{shown} is a device or something else that is no file; nothing of it is taken")),
    }
}

/// A path of an archive below its root; none where it leaves it.
pub(crate) fn plain(path: &Path) -> Option<PathBuf> {
    let mut inner = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inner.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(inner)
}

/// How many folders a folder is below another one. Links of the archive on the way make that another number than that of its names.
fn depth(folder: &Path, root: &Path) -> std::io::Result<usize> {
    let (folder, root) = (folder.canonicalize()?, root.canonicalize()?);
    let below = folder.strip_prefix(&root).map_err(std::io::Error::other)?;
    Ok(below.components().count())
}

/// Where a link in an archive leads, relative to the folder that it is in, which is so deep; none where that is outside. One that begins
/// at the root of a package's system leads into the folder of all.
fn led(depth: usize, target: &Path) -> Option<PathBuf> {
    if target.is_absolute() {
        let inner = plain(target.strip_prefix("/").ok()?)?;
        let up: PathBuf = std::iter::repeat_n("..", depth).collect();
        let to = up.join(inner);
        return Some(if to.as_os_str().is_empty() { PathBuf::from(".") } else { to });
    }
    let (mut ups, mut names) = (0, 0);
    for part in target.components() {
        match part {
            // Back up behind a name might pass a link: nobody needs that.
            Component::ParentDir if names > 0 => return None,
            Component::ParentDir => ups += 1,
            Component::Normal(_) => names += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (ups <= depth && !target.as_os_str().is_empty()).then(|| target.to_owned())
}

/// Whether a place, as far as it is there, is in a folder: links of the archive may lie on the way.
pub(crate) fn inside(place: &Path, root: &Path) -> std::io::Result<()> {
    let root = root.canonicalize()?;
    let there = place.ancestors().find(|place| place.symlink_metadata().is_ok()).unwrap_or(&root);
    if there.canonicalize()?.starts_with(&root) {
        return Ok(());
    }
    Err(std::io::Error::other("it leads out of it; nothing of it is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_and_those_from_the_root_of_a_system_begin_at_the_folder() {
        let of = |link: &str, target: &str| {
            let depth = Path::new(link).components().count() - 1;
            led(depth, Path::new(target)).map(|path| path.display().to_string())
        };
        assert_eq!(of("usr/lib/x.so", "x.so.1"), Some("x.so.1".into()));
        assert_eq!(of("usr/share/a/b", "../../lib/c"), Some("../../lib/c".into()));
        assert_eq!(of("usr/share/b", "/usr/lib/c"), Some("../../usr/lib/c".into()));
        assert_eq!(of("X11", "."), Some(".".into()));
        assert_eq!(of("self", "/"), Some(".".into()));
        for (link, target) in
            [("x", "../x"), ("a/b", "../../c"), ("a/b", "/../c"), ("a/b", "c/../../d"), ("a", "")]
        {
            assert_eq!(of(link, target), None, "{link} -> {target}");
        }
    }

    #[test]
    fn what_describes_an_entry_is_bounded_and_its_content_is_not() {
        let member = |kind: EntryType, bytes: u64| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_path("a").unwrap();
            header.set_mode(0o644);
            header.set_size(bytes);
            header.set_cksum();
            let mut tar = tar::Builder::new(Vec::new());
            tar.append(&header, std::io::repeat(b'a').take(bytes)).unwrap();
            tar.append(&header, std::io::repeat(b'a').take(bytes)).unwrap();
            std::io::Cursor::new(tar.into_inner().unwrap())
        };
        let dir = tempfile::tempdir().unwrap();
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let told = entries(member(kind, 8 << 20), dir.path()).unwrap_err();
            assert!(told.contains("takes more than 256 KiB"), "{kind:?}: {told}");
        }
        entries(member(EntryType::XGlobalHeader, 8 << 20), dir.path()).unwrap();
        entries(member(EntryType::Regular, 8 << 20), dir.path()).unwrap();
        assert_eq!(std::fs::metadata(dir.path().join("a")).unwrap().len(), 8 << 20);
    }
}
