//! Files out: whole or not at all, and durable where that is promised.

use crate::seam::{self, Op};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the names of files begin that are being written (`write::write_atomically`), and how many random characters follow.
pub const UNFINISHED: &str = ".perfvt-unfinished.";
/// See [`UNFINISHED`].
pub(crate) const RANDOM: usize = 12;

/// The directory that holds an entry; the current one for a bare name.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a whole file: to a temporary name in the same directory, fsynced, renamed, directory fsynced. Readers see the old
/// content or the new one, also after a power loss. What a killed process leaves has a name by which
/// [`crate::owned::remove_unfinished`] knows it.
///
/// # Errors
/// Any of these steps; the old content stands then, but for the last step, after which the new one does.
pub fn write_atomically(path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    with_mode(path, content, 0o644)
}

/// The same, readable for nobody else.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_private(path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    with_mode(path, content, 0o600)
}

fn with_mode(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let dir = parent(path);
    // A rename would put a file in the place of a device, a FIFO or a link, and nobody would be told.
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => return Err(irregular()),
        _ => seam::at(Op::Open, path)?,
    }
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .rand_bytes(RANDOM)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(dir)
        .map_err(|e| without_path(&e))?;
    put(file.as_file_mut(), path, content)?;
    sync(file.as_file(), file.path())?;
    seam::at(Op::Rename, path)?;
    file.persist(path).map_err(|e| e.error)?;
    sync_directory(dir)
}

/// The crate's error names the temporary file, which nobody asked for.
fn without_path(error: &io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.source()).and_then(|e| e.downcast_ref::<io::Error>()) {
        Some(inner) => match inner.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(inner.kind(), inner.to_string()),
        },
        None => {
            let text = error.to_string();
            io::Error::new(error.kind(), text.split(" at path ").next().unwrap_or_default().to_owned())
        }
    }
}

/// Writes into an open file; half of it arrives when a test makes it fail.
fn put(file: &mut File, path: &Path, content: &[u8]) -> io::Result<()> {
    if let Err(error) = seam::at(Op::Write, path) {
        let half = content.get(..content.len() / 2).unwrap_or_default();
        file.write_all(half)?;
        return Err(error);
    }
    file.write_all(content)
}

fn sync(file: &File, path: &Path) -> io::Result<()> {
    seam::at(Op::Sync, path)?;
    file.sync_all()?;
    seam::synced(path);
    Ok(())
}

/// Writes a file that needs to outlive nothing: no temporary name, no fsync.
///
/// # Errors
/// It cannot be written.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
    let path = path.as_ref();
    put(&mut create(path)?, path, content.as_ref())
}

/// Sets who may do what with a file or directory of one's own.
///
/// # Errors
/// It is not there, or somebody else's.
pub fn set_mode(path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Begins a file into which somebody writes by and by; what was there is gone.
///
/// # Errors
/// It cannot be opened.
pub fn create(path: impl AsRef<Path>) -> io::Result<File> {
    opened(path.as_ref(), OpenOptions::new().write(true).create(true).truncate(true))
}

/// Opens for writing what is a regular file; a FIFO would be waited for.
fn opened(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    seam::at(Op::Open, path)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = how.custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(irregular())
}

fn irregular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is there, and is no regular file")
}

/// Writes what a user asked for to where the user said: whole and by a rename where that is a regular file or nothing yet,
/// also behind a link; straight into a device, a FIFO or a pipe (`/dev/stdout`).
///
/// # Errors
/// It cannot be written.
pub fn output(path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let kind = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return write_atomically(path, content),
        found => found?.file_type(),
    };
    if kind.is_file() {
        // /dev/stdout may be a file that somebody else has opened: its name is in another place.
        let real = fs::canonicalize(path)?;
        return write_atomically(real, content);
    }
    if !kind.is_char_device() && !kind.is_fifo() {
        return Err(irregular());
    }
    seam::at(Op::Open, path)?;
    // A FIFO is waited for: that is what its owner wants who named it.
    let mut file = OpenOptions::new().write(true).open(path)?;
    put(&mut file, path, content)
}

/// Opens a disk that is there for reading and writing: a regular file or a block device.
///
/// # Errors
/// It cannot be opened, or is neither.
pub fn open_disk(path: impl AsRef<Path>) -> io::Result<File> {
    seam::at(Op::Open, path.as_ref())?;
    crate::read::disk(path.as_ref(), rustix::fs::OFlags::RDWR)
}

/// Opens a character device for reading and writing.
///
/// # Errors
/// It cannot be opened, or is none.
pub fn open_device(path: impl AsRef<Path>) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.metadata()?.file_type().is_char_device() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no character device"))
}

/// Says that a file or directory is in use now, by its time.
///
/// # Errors
/// It is not there, or somebody else's.
pub fn touch(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    let file = if path.is_dir() { crate::read::directory(path)? } else { crate::read::open(path)? };
    file.set_modified(SystemTime::now())
}

/// A file that others lock; its content does not matter.
///
/// # Errors
/// It cannot be opened or made.
pub fn open_lock(path: impl AsRef<Path>) -> io::Result<File> {
    opened(path.as_ref(), OpenOptions::new().create(true).append(true))
}

/// Writes into a file that is there, a knob of the kernel's for one; it is never made.
///
/// # Errors
/// It is not there, or does not take the content.
pub fn overwrite(path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    seam::at(Op::Open, path)?;
    // A knob takes a value whole or not at all.
    seam::at(Op::Write, path)?;
    OpenOptions::new().write(true).truncate(true).open(path)?.write_all(content)
}

/// A file that grows by whole, durable pieces.
#[derive(Debug)]
pub struct Appending {
    file: File,
    path: PathBuf,
    /// Bytes of whole pieces.
    good: u64,
    /// A piece that failed could not be cut off.
    ragged: bool,
}

impl Appending {
    /// Opens a file whose first `good` bytes are whole; what stands behind them is cut off.
    ///
    /// # Errors
    /// It cannot be opened or cut.
    pub fn open(path: &Path, good: u64) -> io::Result<Appending> {
        let file = opened(path, OpenOptions::new().append(true).create(true))?;
        if file.metadata()?.len() > good {
            file.set_len(good)?;
            sync(&file, path)?;
        }
        sync_directory(parent(path))?;
        Ok(Appending { file, path: path.to_owned(), good, ragged: false })
    }

    /// Adds a piece, durable when this returns. One that fails is cut off again.
    ///
    /// # Errors
    /// It cannot be written or synced.
    pub fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.ragged {
            // Behind half a piece the next one would be lost, and with it all that follow.
            self.file.set_len(self.good)?;
            self.ragged = false;
        }
        let written = put(&mut self.file, &self.path, piece).and_then(|()| sync(&self.file, &self.path));
        if let Err(error) = written {
            // A full disk may have taken half of it. Whoever opens it next cuts that off as well, so this may fail.
            self.ragged = self.file.set_len(self.good).is_err();
            return Err(error);
        }
        self.good += piece.len() as u64;
        Ok(())
    }
}

/// Makes the entries of a directory durable.
///
/// # Errors
/// It cannot be synced.
pub fn sync_directory(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    sync(&crate::read::directory(path)?, path)
}

/// Makes the files of a directory durable, and their names.
///
/// # Errors
/// The first that cannot be synced.
pub fn sync_files(dir: impl AsRef<Path>) -> io::Result<()> {
    let dir = dir.as_ref();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            sync(&crate::read::open(entry.path())?, &entry.path())?;
        }
    }
    sync_directory(dir)
}

/// Creates a directory and those above it, and makes every new entry durable.
///
/// # Errors
/// It cannot be made or synced.
pub fn create_directory(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    if missing.is_empty() && !path.is_dir() {
        return Err(io::Error::from_raw_os_error(rustix::io::Errno::NOTDIR.raw_os_error()));
    }
    for new in missing.into_iter().rev() {
        seam::at(Op::Make, new)?;
        match fs::create_dir(new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && new.is_dir() => {}
            made => made?,
        }
        sync_directory(parent(new))?;
    }
    Ok(())
}

/// Creates a directory that must not be there yet, in one that is; nothing is synced.
///
/// # Errors
/// It is there, or cannot be made.
pub fn make_directory(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    seam::at(Op::Make, path)?;
    fs::create_dir(path)
}

/// Renames, replacing what was there.
///
/// # Errors
/// It cannot be renamed.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    seam::at(Op::Rename, to)?;
    fs::rename(from, to)
}

/// Renames to a name that must be free.
///
/// # Errors
/// It is taken (`AlreadyExists`), or cannot be given.
pub fn rename_new(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    seam::at(Op::Rename, to)?;
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Lets two names change places in one step.
///
/// # Errors
/// One of them is not there, or the file system cannot exchange (`EINVAL`, `ENOSYS`).
pub fn exchange(one: impl AsRef<Path>, other: impl AsRef<Path>) -> io::Result<()> {
    let (one, other) = (one.as_ref(), other.as_ref());
    seam::at(Op::Rename, other)?;
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Copies the content and mode of a regular file.
///
/// # Errors
/// The one cannot be read, or the other not be written.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let mut source = crate::read::open(from)?;
    let mut target = create(to)?;
    seam::at(Op::Write, to)?;
    io::copy(&mut source, &mut target)?;
    target.set_permissions(source.metadata()?.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atomic_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_atomically(&path, b"old and long").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        write_private(&path, b"secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let away = write_atomically(dir.path().join("absent/x"), b"").unwrap_err();
        assert_eq!(away.to_string(), "No such file or directory (os error 2)");
    }

    #[test]
    fn a_piece_that_fails_is_cut_off_again() {
        use crate::fault::{Plan, begin};
        use rustix::io::Errno;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut file = Appending::open(&path, 0).unwrap();
        file.append(b"one\n").unwrap();
        let guard = begin(Plan { nth: 1, errno: Errno::NOSPC, from_there: false }, &[]);
        assert!(file.append(b"two\n").is_err());
        drop(guard);
        file.append(b"three\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\nthree\n");
        let mut again = Appending::open(&path, 4).unwrap();
        again.append(b"four\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\nfour\n");
    }

    #[test]
    fn nobody_waits_for_a_fifo_that_lies_where_a_file_is_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        rustix::fs::mkfifoat(CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        assert!(create(&path).is_err() && open_lock(&path).is_err() && Appending::open(&path, 0).is_err());
        assert!(write_atomically(&path, b"x").unwrap_err().to_string().contains("no regular file"));
        assert!(!fs::symlink_metadata(&path).unwrap().is_file(), "it is still there");
    }

    #[test]
    fn an_output_goes_through_links_and_into_devices_and_replaces_neither() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(at("real"), "old").unwrap();
        std::os::unix::fs::symlink("real", at("link")).unwrap();
        std::os::unix::fs::symlink("/dev/null", at("null")).unwrap();
        output(at("link"), b"new").unwrap();
        assert_eq!(fs::read(at("real")).unwrap(), b"new");
        output(at("null"), b"away").unwrap();
        for link in ["link", "null"] {
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        }
        rustix::fs::mkfifoat(CWD, at("fifo"), rustix::fs::Mode::RWXU).unwrap();
        let reader = std::thread::spawn({
            let fifo = at("fifo");
            move || fs::read(fifo).unwrap()
        });
        output(at("fifo"), b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(output(dir.path(), b"").is_err());
    }

    #[test]
    fn a_directory_on_a_file_is_refused_and_a_new_name_is_never_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        write(&one, b"1").unwrap();
        write(&two, b"2").unwrap();
        assert!(create_directory(&one).is_err() && create_directory(one.join("below")).is_err());
        assert_eq!(rename_new(&one, &two).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        exchange(&one, &two).unwrap();
        assert_eq!(fs::read(&two).unwrap(), b"1");
    }
}
