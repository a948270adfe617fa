//! What was built, and what did not build, in the cache.

use crate::error::{BuildError, failing};
use edge::Made;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder of all builds in the cache, and the parts of one.
const BUILDS: &str = "builds";
const RECORD: &str = "build.json";
pub(crate) const LOG: &str = "log";
pub(crate) const FILES: &str = "files";
pub(crate) const CONFIGURATION: &str = "config";
/// Where builds happen, and the repositories that borrow the users' objects.
const LANES: &str = "lanes";
const MIRRORS: &str = "mirrors";

/// Lines of a failed build's log that its record keeps.
pub const TAIL_LINES: usize = 40;

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Status {
    /// What it was to make is there.
    Built,
    /// It is not: why, in one line, and the last lines of what was said.
    Failed {
        /// Which command ended how.
        why: String,
        /// At most [`TAIL_LINES`] lines.
        tail: Vec<String>,
    },
}

/// What is known of a build; `build.json` in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`crate::KEY_FORMAT`].
    pub format: u32,
    /// Its name in the cache.
    pub key: String,
    /// How it ended.
    #[serde(flatten)]
    pub status: Status,
    /// The commit that was built first of those with this tree; nothing where it is of no repository.
    pub commit: String,
    /// Its tree; of packages the hash of their content.
    pub tree: String,
    /// The hash of the patch on it.
    pub patch: Option<String>,
    /// The recipe's name.
    pub recipe: String,
    /// Compiler and linker.
    pub compiler: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The file that is measured, relative to what is kept.
    pub product: PathBuf,
    /// The BLAKE3 of all that is kept: equal hashes are one program with one firmware, or one kernel with one set of modules.
    pub hash: Option<String>,
    /// Names of the tarball or the packages that it is of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The hash of what it was configured to be, where the recipe knows that; `config` beside the log has its symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Where it is: the folder of this record.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Record {
    /// The program or kernel that was built.
    pub fn product(&self) -> Option<PathBuf> {
        (self.status == Status::Built).then(|| self.folder.join(FILES).join(&self.product))
    }

    /// All that is kept of it.
    pub fn files(&self) -> PathBuf {
        self.folder.join(FILES)
    }

    /// What it was configured to be, a line `CONFIG_X=value` for each symbol; nothing where that is not known.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn configuration(&self) -> Result<Option<String>, BuildError> {
        if self.config.is_none() {
            return Ok(None);
        }
        let file = self.folder.join(CONFIGURATION);
        edge::read_text(&file, edge::read::CONFIG).map(Some).map_err(failing("reading", &file))
    }

    /// What the commands said.
    pub fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }
}

/// The builds in a cache.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Those in a cache folder.
    ///
    /// # Errors
    /// Its folders cannot be made.
    pub fn open(cache: &Path) -> Result<Store, BuildError> {
        let root = cache.join(BUILDS);
        for folder in [&root, &root.join(LANES), &root.join(MIRRORS)] {
            edge::write::create_directory(folder).map_err(failing("creating", folder))?;
        }
        edge::owned::remove_dead(&root);
        Ok(Store { root })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lane(&self, name: &str) -> PathBuf {
        self.root.join(LANES).join(name)
    }

    pub(crate) fn mirror(&self, name: &str) -> PathBuf {
        self.root.join(MIRRORS).join(name)
    }

    /// The build of a key, if it is there and whole. Looking at it counts as using it.
    pub fn find(&self, key: &str) -> Option<Record> {
        let record = read(&self.root.join(key))?;
        let _ = edge::write::touch(record.folder.join(RECORD));
        (record.format == crate::KEY_FORMAT && record.key == key).then_some(record)
    }

    /// Names a finished folder by its key; what another process has put there meanwhile stays.
    pub(crate) fn keep(&self, staged: &Path, mut record: Record) -> Result<Record, BuildError> {
        let file = staged.join(RECORD);
        let text = serde_json::to_vec_pretty(&record)
            .map_err(|error| failing("writing", &file)(std::io::Error::other(error)))?;
        edge::write_atomically(&file, &text).map_err(failing("writing", &file))?;
        let place = self.root.join(&record.key);
        // What failed before, and what was cut or lost a part of it.
        if place.is_dir() && !read(&place).is_some_and(|old| old.status == Status::Built) {
            remove(&place).map_err(failing("removing", &place))?;
        }
        match edge::write::rename_new(staged, &place) {
            Ok(()) => {}
            Err(_) if let Some(other) = read(&place) => return Ok(other),
            Err(error) => return Err(failing("naming", &place)(error)),
        }
        record.folder = place;
        Ok(record)
    }

    /// All builds, those that were used longest ago first.
    pub fn all(&self) -> Vec<Record> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut found: Vec<(std::time::SystemTime, Record)> = entries
            .filter_map(|entry| {
                let record = read(&entry.path())?;
                Some((fs::metadata(entry.path().join(RECORD)).ok()?.modified().ok()?, record))
            })
            .collect();
        found.sort_by(|x, y| x.0.cmp(&y.0).then_with(|| x.1.key.cmp(&y.1.key)));
        found.into_iter().map(|(_, record)| record).collect()
    }

    /// Removes what was used longest ago until at most `limit` bytes are left: sources and half-made files that nobody uses now,
    /// then builds. Gives what went, with its size. `keep` says whether a build is needed by somebody.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn trim(
        &self,
        limit: u64,
        keep: impl Fn(&Record) -> bool,
    ) -> Result<Vec<(PathBuf, u64)>, BuildError> {
        let lanes =
            fs::read_dir(self.root.join(LANES)).into_iter().flatten().flatten().map(|entry| entry.path());
        let lanes: Vec<PathBuf> = lanes.collect();
        let mut room: u64 = size(&self.root);
        let mut gone = Vec::new();
        for lane in lanes {
            let lock = edge::write::open_lock(lane.join("lock"));
            let is_free = lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok());
            if room > limit && is_free {
                let bytes = size(&lane);
                remove(&lane).map_err(failing("removing", &lane))?;
                room = room.saturating_sub(bytes);
                gone.push((lane, bytes));
            }
        }
        for record in self.all() {
            if room <= limit {
                break;
            }
            if !keep(&record) {
                let bytes = size(&record.folder);
                remove(&record.folder).map_err(failing("removing", &record.folder))?;
                room = room.saturating_sub(bytes);
                gone.push((record.folder, bytes));
            }
        }
        Ok(gone)
    }
}

/// The record in a folder, whose product is there.
fn read(folder: &Path) -> Option<Record> {
    let text = edge::read(folder.join(RECORD), edge::read::CONFIG).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let record = Record { folder: folder.to_owned(), ..record };
    record.product().is_none_or(|product| product.is_file()).then_some(record)
}

/// Removes a folder of the store's.
fn remove(folder: &Path) -> std::io::Result<()> {
    let ours = |path: &Path| path.join(RECORD).is_file() || path.join("lock").is_file();
    Made::found(folder, ours)?.map_or(Ok(()), Made::remove)
}

/// What the files of a folder take.
pub(crate) fn size(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.blocks() * 512).sum()
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> Vec<String> {
    let text = edge::read::tail(log, 64 << 10).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    last.iter().map(|line| edge::text::cut(line)).collect()
}

/// The hash of all that is kept: names, links, and contents, in order.
pub(crate) fn hash(files: &Path) -> Result<String, BuildError> {
    let mut hasher = blake3::Hasher::new();
    for entry in walkdir::WalkDir::new(files).sort_by_file_name().min_depth(1) {
        let entry = entry.map_err(|error| failing("reading", files)(error.into()))?;
        let path = entry.path();
        let name = path.strip_prefix(files).unwrap_or(path).as_os_str().as_encoded_bytes();
        hasher.update(name);
        if entry.path_is_symlink() {
            let target = fs::read_link(path).map_err(failing("reading", path))?;
            hasher.update(b"\0link\0").update(target.as_os_str().as_encoded_bytes());
        } else if entry.file_type().is_file() {
            let mut content = blake3::Hasher::new();
            let file: File = edge::read::open(path).map_err(failing("opening", path))?;
            std::io::copy(&mut std::io::BufReader::new(file), &mut content)
                .map_err(failing("reading", path))?;
            hasher.update(b"\0file\0").update(content.finalize().as_bytes());
        }
        hasher.update(b"\0");
    }
    Ok(hasher.finalize().to_hex().to_string())
}
