//! A result's files: copied through directory descriptors without following a link, summed, archived.

use super::SiteError;
use super::access::kept_from;
use super::error::io;
use model::secrets::SECRETS_FILE;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, open, openat, statat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Name of the list of sums, in each archive and before each signature.
pub(super) const SUMS: &str = "SHA256SUMS";
/// Name of the signature of that list.
pub(super) const SIGNATURE: &str = "SHA256SUMS.sig";
/// A signature is some hundred bytes long, and a list of sums some hundred for each file.
const SIGNATURE_LIMIT: u64 = 64 << 10;
const SUMS_LIMIT: u64 = 64 << 20;
/// Folders below one another.
const DEPTH: usize = 32;
/// Names in one result: files, folders and what is left out.
const NAMES: usize = 200_000;

/// The copy of a result.
#[derive(Clone, Debug, Default)]
pub(super) struct Copied {
    /// Sum and path of each file, relative to the result, sorted by path.
    pub sums: Vec<(String, PathBuf)>,
    /// What was not published: why, and how often.
    pub left_out: BTreeMap<String, usize>,
    /// The result's own `SHA256SUMS`; only to tell what differs from it.
    pub own_sums: Option<Vec<u8>>,
    /// The result's own `SHA256SUMS.sig`.
    pub signature: Option<Vec<u8>>,
    bytes: u64,
    names: usize,
    /// Length of the list of sums.
    listed: u64,
}

/// The beginning of a file.
fn read(file: OwnedFd, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(file).take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Copied {
    /// How the files differ from the result's own list: the first line that is in one of the two only.
    pub fn difference(&self) -> Option<String> {
        let (ours, theirs) = (self.manifest(), self.own_sums.as_ref()?);
        let lines = |bytes: &[u8]| -> std::collections::BTreeSet<Vec<u8>> {
            bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect()
        };
        let (ours, theirs) = (lines(&ours), lines(theirs));
        let first = ours.symmetric_difference(&theirs).min_by_key(|l| l.get(66..).map(<[u8]>::to_vec))?;
        Some(String::from_utf8_lossy(first.get(66..).unwrap_or(first)).into_owned())
    }

    /// `SHA256SUMS` as sha256sum(1) writes and checks it.
    pub fn manifest(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (sum, path) in &self.sums {
            let name = path.as_os_str().as_bytes();
            let strange = name.iter().any(|b| matches!(b, b'\\' | b'\n' | b'\r'));
            if strange {
                out.push(b'\\');
            }
            out.extend_from_slice(sum.as_bytes());
            out.extend_from_slice(b"  ");
            for byte in name {
                match byte {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    other => out.push(*other),
                }
            }
            out.push(b'\n');
        }
        out
    }
}

/// What a copy may come to.
struct Copy<'a> {
    source: &'a Path,
    limit: u64,
    names: usize,
    done: Copied,
}

/// Copies the regular files of a result into a new folder, at most `limit` bytes.
///
/// Links are not followed, except when the argument itself is one; devices, sockets, pipes, hidden files and what is
/// another's secret ([`kept_from`]) are left out and counted.
pub(super) fn copy(source: &Path, to: &Path, limit: u64) -> Result<Copied, SiteError> {
    copy_within(source, to, limit, NAMES)
}

fn copy_within(source: &Path, to: &Path, limit: u64, names: usize) -> Result<Copied, SiteError> {
    let opened = open(source, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
    let opened = opened.map_err(|e| io("opening", source)(e.into()))?;
    edge::write::make_directory(to).map_err(io("creating", to))?;
    let mut copy = Copy { source, limit, names, done: Copied::default() };
    let kind = rustix::fs::fstat(&opened).map_err(|e| io("reading", source)(e.into()))?.st_mode;
    if FileType::from_raw_mode(kind) == FileType::Directory {
        copy.folder(opened, Path::new(""), to, 0)?;
    } else {
        let name = source.file_name().unwrap_or(OsStr::new("result"));
        copy.file(opened, Path::new(name), &to.join(name))?;
    }
    let mut done = copy.done;
    if done.sums.is_empty() {
        let left_out = done.left_out.into_keys().collect();
        return Err(SiteError::Nothing { path: source.to_owned(), left_out });
    }
    done.sums.sort_by(|x, y| x.1.as_os_str().as_bytes().cmp(y.1.as_os_str().as_bytes()));
    Ok(done)
}

impl Copy<'_> {
    fn folder(&mut self, folder: OwnedFd, inside: &Path, to: &Path, depth: usize) -> Result<(), SiteError> {
        if depth > DEPTH {
            return Err(self.too_large(DEPTH as u64, "levels of folders"));
        }
        let at = self.source.join(inside);
        let failed = |e: Errno| io("listing", &at)(e.into());
        let status = rustix::fs::fstat(&folder).map_err(failed)?;
        let mut names: Vec<OsString> = Vec::new();
        for entry in Dir::read_from(&folder).map_err(failed)? {
            let name = OsString::from_vec(entry.map_err(failed)?.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            // Counted as they are listed: a folder may hold more than memory does.
            self.done.names += 1;
            if self.done.names > self.names {
                return Err(self.too_large(self.names as u64, "files and folders"));
            }
            names.push(name);
        }
        names.sort();
        for name in names {
            self.entry((folder.as_fd(), &status), &name, &inside.join(&name), &to.join(&name), depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        (folder, above): (rustix::fd::BorrowedFd<'_>, &Stat),
        name: &OsStr,
        inside: &Path,
        to: &Path,
        depth: usize,
    ) -> Result<(), SiteError> {
        if name.as_bytes().starts_with(b".") {
            return self.leave_out("hidden");
        }
        if name == SECRETS_FILE {
            return self.leave_out("secrets");
        }
        let at = self.source.join(inside);
        // Looked at before it is opened, because opening a device may do something; and through the descriptor again
        // afterwards, because it may have been exchanged in between.
        let looked =
            statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| io("reading", &at)(e.into()))?;
        let kind = FileType::from_raw_mode(looked.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            return self.leave_out(if kind == FileType::Symlink {
                "a symbolic link"
            } else {
                "no regular file"
            });
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(folder, name, flags, Mode::empty()).map_err(|e| io("opening", &at)(e.into()))?;
        let found = rustix::fs::fstat(&opened).map_err(|e| io("reading", &at)(e.into()))?;
        if let Some(why) = kept_from(above, &found) {
            return self.leave_out(why);
        }
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                edge::write::make_directory(to).map_err(io("creating", to))?;
                self.folder(opened, inside, to, depth + 1)
            }
            FileType::RegularFile if depth == 0 && name == SUMS => {
                self.done.own_sums = Some(read(opened, SUMS_LIMIT).map_err(io("reading", &at))?);
                Ok(())
            }
            FileType::RegularFile if depth == 0 && name == SIGNATURE => {
                self.done.signature = Some(read(opened, SIGNATURE_LIMIT).map_err(io("reading", &at))?);
                Ok(())
            }
            FileType::RegularFile => self.file(opened, inside, to),
            _ => self.leave_out("no regular file"),
        }
    }

    fn file(&mut self, from: OwnedFd, inside: &Path, to: &Path) -> Result<(), SiteError> {
        // A sum, two blanks, the name, which may be escaped, and the line's end.
        self.done.listed += 67 + 2 * inside.as_os_str().len() as u64;
        if self.done.listed > SUMS_LIMIT {
            return Err(self.too_large(SUMS_LIMIT >> 20, "MiB of names"));
        }
        let at = self.source.join(inside);
        let left = self.limit.saturating_sub(self.done.bytes);
        // Said before a disk is filled with what is refused in the end.
        let size = rustix::fs::fstat(&from).map_err(|e| io("reading", &at)(e.into()))?.st_size;
        if u64::try_from(size).is_ok_and(|size| size > left) {
            return Err(self.too_large(self.limit >> 20, "MiB"));
        }
        // One byte more than is allowed tells that there is more.
        let mut reader = File::from(from).take(left.saturating_add(1));
        let mut writer = Summing::new(edge::write::create(to).map_err(io("creating", to))?);
        let length = io::copy(&mut reader, &mut writer).map_err(io("copying", &at))?;
        if length > left {
            return Err(self.too_large(self.limit >> 20, "MiB"));
        }
        self.done.bytes += length;
        self.done.sums.push((writer.sum(), inside.to_owned()));
        Ok(())
    }

    fn leave_out(&mut self, why: &str) -> Result<(), SiteError> {
        *self.done.left_out.entry(why.to_owned()).or_default() += 1;
        Ok(())
    }

    fn too_large(&self, limit: u64, what: &'static str) -> SiteError {
        SiteError::TooLarge { path: self.source.to_owned(), limit, what }
    }
}

/// A writer that sums what passes.
struct Summing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Summing<W> {
    fn new(inner: W) -> Self {
        Summing { inner, hash: Sha256::new(), bytes: 0 }
    }

    fn sum(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..n).unwrap_or(bytes));
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Lowercase hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of a file.
pub(super) fn sum_of_file(path: &Path) -> io::Result<String> {
    let mut to = Summing::new(io::sink());
    io::copy(&mut edge::read::open(path)?, &mut to)?;
    Ok(to.sum())
}

/// SHA-256 of bytes.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Archives a copy as `NAME/..` with the files of `extra` before it: length and SHA-256. Equal input gives equal bytes.
pub(super) fn archive(
    copied: &Copied,
    from: &Path,
    (name, date): (&str, u64),
    extra: &[(&str, &[u8])],
    to: &Path,
) -> Result<(u64, String), SiteError> {
    let file = edge::write::create(to).map_err(io("creating", to))?;
    let gzip = flate2::write::GzEncoder::new(Summing::new(file), flate2::Compression::default());
    let mut tar = tar::Builder::new(gzip);
    let header = |size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(date);
        header
    };
    for (extra_name, bytes) in extra {
        tar.append_data(&mut header(bytes.len() as u64), Path::new(name).join(extra_name), *bytes)
            .map_err(io("archiving", to))?;
    }
    for (_, path) in &copied.sums {
        let at = from.join(path);
        let file = edge::read::open(&at).map_err(io("reading", &at))?;
        let size = file.metadata().map_err(io("reading", &at))?.len();
        tar.append_data(&mut header(size), Path::new(name).join(path), file).map_err(io("archiving", &at))?;
    }
    let mut done = tar.into_inner().and_then(|gzip| gzip.finish()).map_err(io("archiving", to))?;
    done.flush().and_then(|()| done.inner.sync_all()).map_err(io("syncing", to))?;
    Ok((done.bytes, done.sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_copy_follows_no_link_and_waits_for_no_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("result"), dir.path().join("copy"));
        fs::create_dir_all(from.join("raw")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(from.join("raw/a\n\\b"), "value").unwrap();
        fs::write(from.join(".hidden"), "x").unwrap();
        symlink(dir.path().join("secret"), from.join("link")).unwrap();
        symlink("/etc", from.join("folder")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, from.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let copied = copy(&from, &to, 1 << 20).unwrap();
        assert_eq!(copied.sums.len(), 1);
        let left: Vec<(&str, usize)> = copied.left_out.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        assert_eq!(left, [("a symbolic link", 2), ("hidden", 1), ("no regular file", 1)]);
        let sum = sha256(b"value");
        assert_eq!(String::from_utf8(copied.manifest()).unwrap(), format!("\\{sum}  raw/a\\n\\\\b\n"));
        assert_eq!(fs::read(to.join("raw/a\n\\b")).unwrap(), b"value");
        assert!(!to.join("link").exists() && !to.join("folder").exists());
    }

    #[test]
    fn more_than_is_allowed_is_refused_and_exactly_as_much_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("result");
        fs::create_dir(&from).unwrap();
        fs::write(from.join("a"), vec![0; 700]).unwrap();
        fs::write(from.join("b"), vec![0; 324]).unwrap();
        assert!(copy(&from, &dir.path().join("fits"), 1024).is_ok());
        let error = copy(&from, &dir.path().join("not"), 1023).unwrap_err();
        assert!(matches!(error, SiteError::TooLarge { what: "MiB", .. }), "{error}");
    }

    #[test]
    fn folders_and_what_is_left_out_count_as_files_do() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("result");
        for folder in ["a/b", "c"] {
            fs::create_dir_all(from.join(folder)).unwrap();
        }
        fs::write(from.join("a/file"), "x").unwrap();
        symlink("a", from.join("link")).unwrap();
        assert!(copy_within(&from, &dir.path().join("fits"), 1024, 5).is_ok());
        let error = copy_within(&from, &dir.path().join("not"), 1024, 4).unwrap_err().to_string();
        assert!(
            error.ends_with("more than 4 files and folders; leave out what need not be published"),
            "{error}"
        );
    }

    #[test]
    fn a_copy_of_ones_own_result_by_hard_links_is_published() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        for folder in [&first, &second] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(first.join("value"), "1").unwrap();
        fs::set_permissions(first.join("value"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(first.join("value"), second.join("value")).unwrap();
        let copied = copy(&second, &dir.path().join("copy"), 1 << 20).unwrap();
        assert_eq!((copied.sums.len(), copied.left_out.len()), (1, 0));
    }

    #[test]
    fn what_the_owner_of_a_folder_may_not_read_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let (from, secret) = (dir.path().join("result"), dir.path().join("secret"));
        fs::create_dir_all(from.join("raw")).unwrap();
        fs::write(&secret, "secret").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        for folder in [from.clone(), from.join("raw")] {
            if std::os::unix::fs::chown(&folder, Some(65534), None).is_err() {
                return; // Only root can give files away; `access` has a test for everybody.
            }
        }
        for name in ["raw/link", SUMS, SIGNATURE] {
            fs::hard_link(&secret, from.join(name)).unwrap();
        }
        fs::write(from.join("public"), "value").unwrap();
        let copied = copy(&from, &dir.path().join("copy"), 1 << 20).unwrap();
        assert_eq!(copied.sums.len(), 1, "{:?}", copied.sums);
        assert_eq!(copied.sums[0].1, Path::new("public"));
        assert_eq!((copied.own_sums, copied.signature), (None, None));
        assert_eq!(copied.left_out.values().sum::<usize>(), 3);
    }
}
