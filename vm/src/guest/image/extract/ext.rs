//! A file system of the ext family, asked by debugfs. Files have numbers there: no name out of the image is ever a word of a
//! request.

use super::super::error::ImageError;
use process::deadlines::{BUILD, HOST_WORK};
use process::{Rules, Sink, Spec};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The number of the root of every such file system.
const ROOT: u64 = 2;
/// Links that are followed for one path.
const LINKS: usize = 16;
/// What debugfs needs besides the disk.
const SYSTEM: [&str; 5] = ["/usr", "/lib", "/lib64", "/bin", "/etc"];
/// Where debugfs is; an ordinary user's PATH leaves it out.
const PLACES: [&str; 3] = ["/usr/sbin/debugfs", "/sbin/debugfs", "/usr/bin/debugfs"];

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) inode: u64,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) name: String,
}

/// A file system in a raw disk.
pub(super) struct Ext<'a> {
    pub(super) disk: &'a Path,
    pub(super) offset: u64,
}

/// debugfs, if it is here.
pub(super) fn debugfs() -> Option<PathBuf> {
    PLACES.into_iter().map(PathBuf::from).find(|path| path.is_file())
}

impl Ext<'_> {
    /// debugfs with one request. The file system may be anybody's: debugfs may read it and nothing else of the user's, where
    /// this kernel can hold it to that.
    fn spec(&self, request: &str) -> Result<Spec, ImageError> {
        let readable: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).chain([self.disk.to_owned()]).collect();
        let rules = Rules::new(&readable, &[]).ok().map(Arc::new);
        let disk = format!("{}?offset={}", self.disk.display(), self.offset);
        let debugfs = debugfs().ok_or_else(|| ImageError::Host {
            what: "debugfs is not here".to_owned(),
            remedy: "install the package e2fsprogs",
        })?;
        Ok(Spec::new(debugfs).args(["-R", request, &disk]).rules(rules.as_ref()))
    }

    fn ask(&self, request: &str) -> Result<String, ImageError> {
        let spec = self.spec(request)?.stdout(Sink::Capture).stderr(Sink::Capture);
        let out = spec.start()?.finish(HOST_WORK).into_output(HOST_WORK)?;
        Ok(edge::text::text_of(out))
    }

    /// What is in a folder, without itself and its parent.
    pub(super) fn list(&self, folder: u64) -> Result<Vec<Entry>, ImageError> {
        let said = self.ask(&format!("ls -p <{folder}>"))?;
        Ok(said.lines().filter_map(entry).collect())
    }

    /// What a path leads to; links are followed within the file system.
    pub(super) fn find(&self, path: &str) -> Result<Option<Entry>, ImageError> {
        let mut words: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let root = || Entry { inode: ROOT, kind: Kind::Folder, size: 0, name: String::new() };
        let mut way = vec![root()];
        let mut links = 0;
        while let Some(word) = words.pop() {
            match word.as_str() {
                "" | "." => continue,
                ".." => {
                    way.truncate(way.len().saturating_sub(1).max(1));
                    continue;
                }
                _ => {}
            }
            let Some(here) = way.last().filter(|here| here.kind == Kind::Folder) else { return Ok(None) };
            let Some(next) = self.list(here.inode)?.into_iter().find(|entry| entry.name == word) else {
                return Ok(None);
            };
            if next.kind != Kind::Link {
                way.push(next);
                continue;
            }
            links += 1;
            let Some(target) = self.target(next.inode)?.filter(|_| links <= LINKS) else { return Ok(None) };
            if target.starts_with('/') {
                way = vec![root()];
            }
            words.extend(target.split('/').rev().map(str::to_owned));
        }
        Ok(way.pop())
    }

    /// Where a link leads to, if that is short enough to stand in its inode.
    fn target(&self, link: u64) -> Result<Option<String>, ImageError> {
        let said = self.ask(&format!("stat <{link}>"))?;
        let line = said.lines().find_map(|line| line.strip_prefix("Fast link dest: \""));
        Ok(line.and_then(|line| line.strip_suffix('"')).map(str::to_owned))
    }

    /// Writes the content of a file to a new one here.
    pub(super) fn copy(&self, file: &Entry, to: &Path) -> Result<(), ImageError> {
        let spec = self.spec(&format!("cat <{}>", file.inode))?;
        let spec = spec.stdout(Sink::File(to.to_owned())).stderr(Sink::Capture);
        let ended = spec.start()?.finish(BUILD);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        ended.into_output(BUILD)?;
        let size = std::fs::metadata(to).map_err(|error| ImageError::io("reading", to, error))?.len();
        if size == file.size {
            return Ok(());
        }
        let what =
            format!("{size} of {} bytes came out; debugfs said {}", file.size, edge::quoted_end(&said));
        Err(ImageError::format(Path::new(&file.name), "a file of the image", what))
    }
}

/// A line `/INODE/MODE/UID/GID/NAME/SIZE/`, in which a name with a slash, which no sound file system has, gives more words.
fn entry(line: &str) -> Option<Entry> {
    let words: Vec<&str> = line.strip_prefix('/')?.split('/').collect();
    let [inode, mode, _, _, name, size, ""] = words.as_slice() else { return None };
    let kind = match u32::from_str_radix(mode, 8).ok()? >> 12 {
        0o10 => Kind::File,
        0o4 => Kind::Folder,
        0o12 => Kind::Link,
        _ => Kind::Other,
    };
    let is_plain = !name.is_empty() && !matches!(*name, "." | "..") && !name.contains(edge::text::is_hidden);
    is_plain.then_some(Entry {
        inode: inode.parse().ok().filter(|inode| *inode > 0)?,
        kind,
        size: if size.is_empty() { 0 } else { size.parse().ok()? },
        name: (*name).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_entry_unless_its_name_leads_elsewhere() {
        let file = entry("/13/100644/0/0/f x/3/").unwrap();
        assert_eq!((file.inode, file.kind, file.size, file.name.as_str()), (13, Kind::File, 3, "f x"));
        assert_eq!(entry("/12/040755/0/0/a//").unwrap().kind, Kind::Folder);
        assert_eq!(entry("/12/120777/0/0/a/7/").unwrap().kind, Kind::Link);
        for line in [
            "/2/040755/0/0/..//",
            "/2/040755/0/0/.//",
            "/13/100644/0/0/../x/3/",
            "/0/100644/0/0/x/3/",
            "x",
            "",
        ] {
            assert_eq!(entry(line), None, "{line}");
        }
    }
}
