//! The files of somebody else's tree: found within bounds, read without ever leaving it, and nothing else.

use crate::config::providers::beneath;
use cartesian::Files;
use edge::quoted;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Names that are looked at.
const MOST_NAMES: usize = 200_000;
/// Folders within each other.
const DEEPEST: usize = 32;
/// Bytes that are read of all files together, each as often as it is included.
const MOST_BYTES: u64 = 512 << 20;
/// What is said of an include that leads out.
const OUTSIDE: &str = "included, and outside of the tree";

/// A tree and what it has.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: PathBuf,
    /// Its regular files, below the root, in order.
    pub files: Vec<PathBuf>,
    /// What could not be looked at, and why.
    pub problems: Vec<(String, String)>,
    read: Cell<u64>,
    /// What the configuration that is being read has included.
    included: RefCell<BTreeSet<PathBuf>>,
    /// Includes that nothing was read for, and why.
    passed: RefCell<BTreeSet<(String, String)>>,
}

impl Tree {
    /// Looks through a folder. Links are told, not followed.
    ///
    /// # Errors
    /// A folder that is not there or cannot be read.
    pub fn walk(root: &Path) -> io::Result<Tree> {
        drop(edge::read::directory(root)?);
        let mut tree = Tree { root: root.to_owned(), ..Tree::default() };
        let mut walk =
            WalkDir::new(root).follow_links(false).max_depth(DEEPEST).sort_by_file_name().into_iter();
        let mut seen = 0;
        while let Some(entry) = walk.next() {
            seen += 1;
            if seen > MOST_NAMES {
                tree.problems.push((
                    ".".to_owned(),
                    format!("more than {MOST_NAMES} names; the rest was not looked at: give its folders one by one"),
                ));
                break;
            }
            tree.learn(entry, &mut walk);
        }
        Ok(tree)
    }

    fn learn(&mut self, entry: walkdir::Result<walkdir::DirEntry>, walk: &mut walkdir::IntoIter) {
        let below = |path: &Path| path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().map(below).unwrap_or_default();
                let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                self.problems.push((path.display().to_string(), why));
                return;
            }
        };
        let (kind, path) = (entry.file_type(), below(entry.path()));
        if kind.is_dir() && entry.depth() > 0 && entry.file_name() == ".git" {
            walk.skip_current_dir();
        } else if kind.is_dir() && entry.depth() == DEEPEST {
            self.problems.push((path.display().to_string(), format!("more than {DEEPEST} folders deep")));
        } else if kind.is_symlink() && entry.depth() > 0 {
            self.problems.push((path.display().to_string(), "a link, which is not followed".to_owned()));
        } else if kind.is_file() {
            self.files.push(path);
        }
    }

    /// The text of one of its files.
    pub fn text(&self, path: &Path, limit: u64) -> io::Result<String> {
        edge::read::text(self.bytes(path, limit)?)
    }

    fn bytes(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        if self.read.get() >= MOST_BYTES {
            return Err(io::Error::other(format!(
                "{} MiB of the tree were read, which is the bound: give its folders one by one",
                MOST_BYTES >> 20
            )));
        }
        let bytes = beneath::read(&self.root, path, limit)?;
        self.read.set(self.read.get().saturating_add(bytes.len() as u64));
        Ok(bytes)
    }

    /// What was included since this was asked for the last time.
    pub fn take_included(&self) -> BTreeSet<PathBuf> {
        self.included.take()
    }

    /// Includes that nothing was read for, and why; each once.
    pub fn take_passed(&self) -> BTreeSet<(String, String)> {
        self.passed.take()
    }

    fn pass(&self, path: &Path, why: &str) -> Vec<u8> {
        self.passed.borrow_mut().insert((quoted(&path.to_string_lossy()).to_string(), why.to_owned()));
        Vec::new()
    }
}

/// An include that is not there or leads out stands for nothing, and is told: avocado-vt makes some of its files when it is set up.
impl Files for Tree {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // What `resolve` has passed over.
        if path.as_os_str().is_empty() {
            return Ok(Vec::new());
        }
        let Some(inside) = beneath::within(path) else { return Ok(self.pass(path, OUTSIDE)) };
        match self.bytes(&inside, limit) {
            Ok(bytes) => {
                self.included.borrow_mut().insert(inside);
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.pass(
                &inside,
                "included, and not there: `avocado vt-bootstrap` makes some files of its own",
            )),
            Err(error) => Ok(self.pass(&inside, &format!("included, and not read: {error}"))),
        }
    }

    fn identity(&self, path: &Path) -> PathBuf {
        beneath::within(path).unwrap_or_else(|| path.to_owned())
    }

    fn names(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }

    fn resolve(&self, text: &str, folder: Option<&Path>) -> Result<PathBuf, String> {
        if text.starts_with(['/', '~']) {
            self.pass(Path::new(text), OUTSIDE);
            return Ok(PathBuf::new());
        }
        Ok(folder.unwrap_or(Path::new("")).join(text))
    }

    fn has_fragments(&self) -> bool {
        true
    }
}
