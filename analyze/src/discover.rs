//! Directories to result files, without a shell.
//!
//! An argument may be a file or a directory, or a symlink to one. Below it symlinked files are taken and symlinked
//! directories are not, so that no loop can be walked; a file that can be reached twice (hard links, symlinks) counts
//! once. Names may hold anything that the file system allows.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The files in natural order of their paths (`repeat2` before `repeat10`), each file once.
    pub files: Vec<PathBuf>,
    /// Other names of files in `files`, each with the name under which it counts.
    pub again: Vec<(PathBuf, PathBuf)>,
    /// What could not be looked at, with the reason.
    pub problems: Vec<(PathBuf, String)>,
}

/// A place that cannot be searched.
#[derive(Debug, thiserror::Error)]
#[error("looking for results in {path}: {source}", path = path.display())]
pub struct DiscoverError {
    /// The argument.
    pub path: PathBuf,
    /// Why not.
    pub source: std::io::Error,
}

/// Finds the files under `root` that `accept` takes, by their path; a root that is a file is taken unasked.
///
/// # Errors
/// The root does not exist or cannot be read. Trouble below it is in [`Discovery::problems`].
pub fn discover(root: &Path, accept: impl Fn(&Path) -> bool) -> Result<Discovery, DiscoverError> {
    let refuse = |source| DiscoverError { path: root.to_owned(), source };
    let metadata = std::fs::metadata(root).map_err(refuse)?;
    let mut discovery = Discovery::default();
    if !metadata.is_dir() {
        discovery.files.push(root.to_owned());
        return Ok(discovery);
    }
    std::fs::read_dir(root).map_err(refuse)?;
    let mut candidates = Vec::new();
    for entry in WalkDir::new(root).follow_links(false).follow_root_links(true) {
        match entry {
            Ok(entry) if !entry.file_type().is_dir() && accept(entry.path()) => {
                candidates.push(entry.into_path())
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                discovery.problems.push((path, reason));
            }
        }
    }
    candidates.sort_unstable_by(|a, b| natural_path_order(a, b));
    discovery.problems.sort_unstable();
    keep_each_once(candidates, &mut discovery);
    Ok(discovery)
}

/// Follows symlinks to files, drops what is no file, and counts each inode once.
fn keep_each_once(candidates: Vec<PathBuf>, discovery: &mut Discovery) {
    let mut seen: HashMap<(u64, u64), usize> = HashMap::with_capacity(candidates.len());
    for path in candidates {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => match seen.entry((metadata.dev(), metadata.ino())) {
                Entry::Vacant(place) => {
                    place.insert(discovery.files.len());
                    discovery.files.push(path);
                }
                Entry::Occupied(place) => {
                    if let Some(first) = discovery.files.get(*place.get()) {
                        discovery.again.push((path, first.clone()));
                    }
                }
            },
            // A symlink to a directory, a socket, a device.
            Ok(_) => {}
            Err(error) => discovery.problems.push((path, error.to_string())),
        }
    }
}

impl Discovery {
    /// Directories that hold more than one of the files, with their number: two repeats in one place are worth a warning.
    pub fn crowded(&self) -> Vec<(&Path, usize)> {
        let mut counts: Vec<(&Path, usize)> = Vec::new();
        let mut index: BTreeMap<&Path, usize> = BTreeMap::new();
        for parent in self.files.iter().filter_map(|file| file.parent()) {
            let at = *index.entry(parent).or_insert_with(|| {
                counts.push((parent, 0));
                counts.len() - 1
            });
            if let Some((_, count)) = counts.get_mut(at) {
                *count += 1;
            }
        }
        counts.retain(|(_, count)| *count > 1);
        counts
    }
}

/// Groups of byte-identical contents, as indices in ascending order; contents that no other equals are in no group.
pub fn identical(contents: &[&[u8]]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..contents.len()).collect();
    let content = |index: usize| contents.get(index).copied().unwrap_or_default();
    // Length first: it tells most files apart without looking at them.
    order.sort_unstable_by(|&a, &b| {
        let (x, y) = (content(a), content(b));
        x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then(a.cmp(&b))
    });
    let mut groups: Vec<Vec<usize>> = order
        .chunk_by(|&a, &b| content(a) == content(b))
        .filter(|group| group.len() > 1)
        .map(<[usize]>::to_vec)
        .collect();
    groups.sort_unstable();
    groups
}

/// Natural order of paths, component by component.
pub fn natural_path_order(a: &Path, b: &Path) -> Ordering {
    let mut theirs = b.components();
    for mine in a.components() {
        match theirs.next() {
            None => return Ordering::Greater,
            Some(other) => match natural_order(mine.as_os_str(), other.as_os_str()) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
    if theirs.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// Natural order of names: runs of digits compare as numbers of any length, everything else byte by byte. Names that differ
/// in leading zeros alone compare as bytes, so that the order is total.
pub fn natural_order(a: &OsStr, b: &OsStr) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(&first_x), Some(&first_y)) = (x.first(), y.first()) {
        if first_x.is_ascii_digit() && first_y.is_ascii_digit() {
            let ((m, rest_x), (n, rest_y)) = (number(x), number(y));
            match m.len().cmp(&n.len()).then_with(|| m.cmp(n)) {
                Ordering::Equal => (x, y) = (rest_x, rest_y),
                unequal => return unequal,
            }
        } else if first_x == first_y {
            (x, y) = (x.get(1..).unwrap_or_default(), y.get(1..).unwrap_or_default());
        } else {
            return first_x.cmp(&first_y);
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

/// The leading run of digits without leading zeros, and what follows it.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|b| *b != b'0').unwrap_or(digits.len());
    (digits.get(zeros..).unwrap_or_default(), rest)
}
