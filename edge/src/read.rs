//! Files in: never anything but a regular file, never more than a bound.
//!
//! A path that somebody gives may be a FIFO, a device or a file of terabytes. It is opened without waiting, looked at, and
//! read up to a bound.

use rustix::fs::{FileType, Mode, OFlags, fstat, open as open_at};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Configurations, settings, lists, keys.
pub const CONFIG: u64 = 16 << 20;
/// What a kernel tells in /proc and /sys.
pub const KERNEL: u64 = 16 << 20;
/// What perfvt itself wrote down: plans, journals, values, logs; and texts of tools.
pub const RECORD: u64 = 256 << 20;
/// Results of other programs: a log of fio in JSON may be large.
pub const RESULT: u64 = 512 << 20;
/// Programs, kernels and archives for guests.
pub const PROGRAM: u64 = 2 << 30;

/// What lies in a folder, in order; nothing where there is no such folder.
///
/// # Errors
/// The folder, or the rest of it, cannot be listed: what is in it is unknown then, and not nothing.
pub fn listing(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

/// Why a file is not read.
#[derive(Debug)]
enum Refused {
    Kind(FileType),
    Size { limit: u64 },
    NotText { line: usize },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Kind(kind) => {
                let name = match kind {
                    FileType::Directory => "a directory",
                    FileType::Fifo => "a FIFO",
                    FileType::Socket => "a socket",
                    FileType::CharacterDevice => "a character device",
                    FileType::BlockDevice => "a block device",
                    _ => "something else",
                };
                write!(f, "it is {name}, not a file")
            }
            Refused::Size { limit } => match limit >> 20 {
                0 => {
                    write!(f, "it has more than {limit} bytes, which is the most that is read of such a file")
                }
                mib => write!(f, "it has more than {mib} MiB, which is the most that is read of such a file"),
            },
            Refused::NotText { line } => write!(f, "line {line} is not UTF-8 text"),
        }
    }
}

impl std::error::Error for Refused {}

fn refused(kind: io::ErrorKind, why: Refused) -> io::Error {
    io::Error::new(kind, why)
}

/// Opens a regular file for reading; nothing else is waited for.
///
/// # Errors
/// It cannot be opened, or is no regular file.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    // A socket cannot be opened at all (ENXIO): it is named all the same.
    let file = open_at(path, flags, Mode::empty()).map_err(|e| kind_of(path).map_or(e.into(), wrong_kind))?;
    let stat = fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(File::from(file)),
        other => Err(wrong_kind(other)),
    }
}

/// Opens a disk for reading: a regular file or a block device.
///
/// # Errors
/// It cannot be opened, or is neither.
pub fn open_disk(path: impl AsRef<Path>) -> io::Result<File> {
    disk(path.as_ref(), OFlags::RDONLY)
}

/// Opens a regular file or a block device.
pub(crate) fn disk(path: &Path, access: OFlags) -> io::Result<File> {
    let file = open_at(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile | FileType::BlockDevice => Ok(File::from(file)),
        other => Err(wrong_kind(other)),
    }
}

/// Opens a regular file or a directory, to lock it.
///
/// # Errors
/// It cannot be opened, or is neither.
pub fn open_any(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    if path.is_dir() { directory(path) } else { open(path) }
}

/// Opens a directory, to lock it or to look at it.
///
/// # Errors
/// It cannot be opened, or is none.
pub fn directory(path: impl AsRef<Path>) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(File::from(open_at(path.as_ref(), flags, Mode::empty())?))
}

fn kind_of(path: &Path) -> Option<FileType> {
    let stat = rustix::fs::stat(path).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode)).filter(|kind| *kind == FileType::Socket)
}

fn wrong_kind(kind: FileType) -> io::Error {
    let of =
        if kind == FileType::Directory { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    refused(of, Refused::Kind(kind))
}

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, is no regular file, or is larger.
pub fn read(path: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
    of(open(path)?, limit)
}

/// The same of a file that was opened without waiting.
///
/// # Errors
/// It cannot be read, is no regular file, or is larger.
pub fn of(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let stat = fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        other => return Err(wrong_kind(other)),
    }
    let size = stat.st_size;
    let size = u64::try_from(size).unwrap_or_default();
    if size > limit {
        return Err(refused(io::ErrorKind::FileTooLarge, Refused::Size { limit }));
    }
    all(file, usize::try_from(size).unwrap_or_default(), limit)
}

/// Everything that a reader gives, unless that is more than `limit` bytes.
///
/// # Errors
/// It cannot be read, or gives more.
pub fn all(from: impl Read, expected: usize, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(expected);
    // The size that was told may be wrong, as it is for /proc: what counts is what comes.
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(refused(io::ErrorKind::FileTooLarge, Refused::Size { limit }));
    }
    Ok(bytes)
}

/// The text of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`read`], or the content is not UTF-8; the line is named.
pub fn read_text(path: impl AsRef<Path>, limit: u64) -> io::Result<String> {
    let path = path.as_ref();
    text(read(path, limit)?)
}

/// Bytes as text.
///
/// # Errors
/// They are not UTF-8; the line is named.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        refused(io::ErrorKind::InvalidData, Refused::NotText { line })
    })
}

/// What stands in a file of /proc or /sys.
///
/// # Errors
/// It is not there, or not text.
pub fn kernel(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref();
    read_text(path, KERNEL)
}

/// The first `bytes` of a file.
///
/// # Errors
/// It cannot be read.
pub fn head(path: impl AsRef<Path>, bytes: u64) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    let mut found = Vec::new();
    open(path)?.take(bytes).read_to_end(&mut found)?;
    Ok(found)
}

/// The last `bytes` of a file.
///
/// # Errors
/// It cannot be read.
pub fn tail(path: impl AsRef<Path>, bytes: u64) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut found = Vec::new();
    file.take(bytes).read_to_end(&mut found)?;
    Ok(found)
}

/// What somebody writes into standard input, up to `limit` bytes.
///
/// # Errors
/// It cannot be read, is more, or is not UTF-8.
pub fn standard_input(limit: u64) -> io::Result<String> {
    text(all(io::stdin().lock(), 0, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, mkfifoat};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn what_is_no_file_is_named_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        mkfifoat(CWD, at("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let said = |path: &Path| {
            let (said, heard) = mpsc::channel();
            let path = path.to_owned();
            std::thread::spawn(move || said.send(read(&path, 100).unwrap_err().to_string()));
            // One that waits for a FIFO's other end waits for ever.
            heard.recv_timeout(Duration::from_secs(60)).unwrap()
        };
        assert_eq!(said(&at("fifo")), "it is a FIFO, not a file");
        assert_eq!(said(&at("socket")), "it is a socket, not a file");
        assert_eq!(said(dir.path()), "it is a directory, not a file");
        assert_eq!(said(Path::new("/dev/zero")), "it is a character device, not a file");
        assert!(said(&at("absent")).contains("No such file"));
    }

    #[test]
    fn a_file_is_read_up_to_its_bound_whatever_its_size_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().to_string().contains("more than 4 bytes"));
        assert_eq!((head(&path, 2).unwrap(), tail(&path, 2).unwrap()), (b"12".to_vec(), b"45".to_vec()));
        File::options().write(true).open(&path).unwrap().set_len(8 << 30).unwrap();
        assert!(read(&path, CONFIG).unwrap_err().to_string().contains("more than 16 MiB"));
        // Its size is 0, and more comes.
        assert!(kernel(Path::new("/proc/self/status")).unwrap().contains("Umask:"));
        assert!(read(Path::new("/proc/self/status"), 10).is_err());
    }

    #[test]
    fn the_end_of_a_large_file_is_read_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serial.log");
        let mut file = File::create(&path).unwrap();
        // A hole: reading it as a whole would take all memory.
        file.set_len(1 << 42).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        std::io::Write::write_all(&mut file, b"the end\n").unwrap();
        assert_eq!(tail(&path, 4).unwrap(), b"end\n");
        assert!(tail(dir.path().join("none"), 4).is_err());
    }

    #[test]
    fn a_text_that_is_none_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"a\nb\n\xff").unwrap();
        assert_eq!(read_text(&path, 100).unwrap_err().to_string(), "line 3 is not UTF-8 text");
    }
}
