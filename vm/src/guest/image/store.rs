//! The cache: where images lie, what there is, and how much room it may take.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::error::ImageError;
use edge::Scratch;

/// The version of `manifest.json` and of the way in which images are packed.
///
/// 1: first. 2: the tools disk holds everything that a guest of the user's needs; an image may have a disk and a key.
pub(super) const FORMAT: u32 = 2;

/// perfvt's cache: packages and images below one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
    packages: PathBuf,
    host: PathBuf,
    bound: Option<u64>,
}

impl Cache {
    /// The user's cache: `$XDG_CACHE_HOME/perfvt`, else `~/.cache/perfvt` (XDG base directory specification:
    /// values that are not absolute are ignored).
    ///
    /// # Errors
    /// Neither variable is set.
    pub fn from_env() -> Result<Self, ImageError> {
        let absolute = |name: &str| std::env::var_os(name).and_then(absolute_path);
        absolute("XDG_CACHE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
            .map(|base| Self::at(base.join("perfvt")))
            .ok_or(ImageError::NoCache)
    }

    /// A cache in a given folder, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { packages: root.join("packages"), root, host: PathBuf::from("/"), bound: None }
    }

    /// The same cache with the packages of another one.
    #[must_use]
    pub fn with_packages(self, packages: impl Into<PathBuf>) -> Self {
        Self { packages: packages.into(), ..self }
    }

    /// The same cache, taking programs that are in no package from below another folder than `/`.
    #[must_use]
    pub fn with_host(self, host: impl Into<PathBuf>) -> Self {
        Self { host: host.into(), ..self }
    }

    /// The same cache with a limit, in bytes, on what all images together may take: whenever an image is built,
    /// those that were not used for the longest time are removed until the rest fits. The new one always stays.
    #[must_use]
    pub fn with_bound(self, bytes: u64) -> Self {
        Self { bound: Some(bytes), ..self }
    }

    /// The cache's own folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `perfvt guest fetch` unpacks packages.
    pub fn packages_dir(&self) -> &Path {
        &self.packages
    }

    /// Where images are.
    pub fn images_dir(&self) -> PathBuf {
        self.root.join("images")
    }

    pub(super) fn host(&self) -> &Path {
        &self.host
    }

    /// Removes the images that were not used for longest until the limit holds, never `keep`.
    ///
    /// # Errors
    /// An image that cannot be removed.
    pub(super) fn enforce_bound(&self, keep: &str) -> Result<(), ImageError> {
        let Some(bound) = self.bound else { return Ok(()) };
        let mut stored = list(self)?;
        stored.sort_by_key(|image| image.used);
        let mut total: u64 = stored.iter().map(|image| image.bytes).sum();
        for image in stored.iter().filter(|image| image.name != keep) {
            if total <= bound {
                break;
            }
            remove_folder(&image.image.dir)?;
            total = total.saturating_sub(image.bytes);
        }
        Ok(())
    }
}

fn absolute_path(value: OsString) -> Option<PathBuf> {
    let path = PathBuf::from(value);
    path.is_absolute().then_some(path)
}

/// An image that is ready to boot. All paths are absolute when the cache's folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The folder that holds the other files.
    pub dir: PathBuf,
    /// For QEMU's `-kernel`: an uncompressed vmlinux with a PVH entry point, or a bzImage where there is none.
    pub kernel: PathBuf,
    /// For QEMU's `-initrd`.
    pub initramfs: PathBuf,
    /// A raw disk for `-device virtio-blk-pci,serial=perfvt.tools`, read-only, with fio and large modules;
    /// `None` when the kernel has no driver for it.
    pub tools: Option<PathBuf>,
    /// The same as ext4, which guests of the user's can mount whatever their kernel; `None` where this host could not make it.
    pub foreign_tools: Option<PathBuf>,
    /// The disk that it runs from, never written; `None` when all is in the RAM disk.
    pub disk: Option<PathBuf>,
    /// A private key that its ssh server lets in as root.
    pub key: Option<PathBuf>,
    /// The file that it was imported from: its own loader starts it, and there is neither kernel nor initramfs.
    pub imported: Option<String>,
    /// The hash of what it was installed from, by the file that is `imported` then.
    pub inputs: Option<String>,
    /// What `uname -r` says in the guest.
    pub kernel_release: String,
    /// BLAKE3 of everything that the guest can see, 64 hexadecimal digits.
    pub hash: String,
    /// Version by tool: `kernel`, `busybox`, `netperf`, `netserver`, `iozone`, `ethtool`, and `fio` where it is.
    pub packages: BTreeMap<String, String>,
}

#[cfg(any(test, feature = "pretend"))]
impl Image {
    /// One whose files are not there, for tests that boot nothing.
    pub fn nowhere(dir: &Path) -> Image {
        Image {
            dir: dir.to_owned(),
            kernel: dir.join("vmlinux"),
            initramfs: dir.join("initramfs"),
            tools: None,
            foreign_tools: None,
            disk: None,
            key: None,
            imported: None,
            inputs: None,
            kernel_release: String::new(),
            hash: String::new(),
            packages: BTreeMap::new(),
        }
    }
}

/// `manifest.json` in the folder of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// Name and size in bytes of every file.
    pub(super) files: BTreeMap<String, u64>,
    pub(super) kernel: String,
    pub(super) initramfs: String,
    pub(super) tools: Option<String>,
    #[serde(default)]
    pub(super) foreign_tools: Option<String>,
    #[serde(default)]
    pub(super) disk: Option<String>,
    #[serde(default)]
    pub(super) key: Option<String>,
    /// The file that it was imported from: its own loader starts it.
    #[serde(default)]
    pub(super) imported: Option<String>,
    /// The hash of what it was installed from.
    #[serde(default)]
    pub(super) inputs: Option<String>,
    pub(super) kernel_release: String,
    pub(super) hash: String,
    pub(super) packages: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) const FILE: &str = "manifest.json";

    pub(super) fn new(
        kernel: &str,
        kernel_release: String,
        hash: String,
        packages: BTreeMap<String, String>,
    ) -> Self {
        Self {
            format: FORMAT,
            files: BTreeMap::new(),
            kernel: kernel.to_owned(),
            initramfs: "initramfs.cpio".to_owned(),
            tools: None,
            foreign_tools: None,
            disk: None,
            key: None,
            imported: None,
            inputs: None,
            kernel_release,
            hash,
            packages,
        }
    }

    /// Whether it names files of its folder alone: it may come from a mirror.
    fn stays_inside(&self) -> bool {
        let Manifest { tools, foreign_tools, disk, key, .. } = self;
        let named = [tools, foreign_tools, disk, key].into_iter().flatten();
        let named = named.chain([&self.kernel, &self.initramfs]).filter(|name| !name.is_empty());
        named
            .chain(self.files.keys())
            .all(|name| !name.contains('/') && !matches!(name.as_str(), "" | "." | ".."))
    }

    /// Writes it into the folder of its image.
    pub(super) fn write(&self, dir: &Path) -> Result<(), ImageError> {
        let path = dir.join(Manifest::FILE);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| ImageError::io("writing", &path, error.into()))?;
        edge::write_atomically(&path, &text).map_err(|error| ImageError::io("writing", &path, error))
    }
}

/// Puts a finished file to the disk and its content into the image's hash, and gives its size.
pub(super) fn settle(path: &Path, hasher: &mut blake3::Hasher) -> std::io::Result<u64> {
    let secret = path.file_name().is_some_and(|name| name == "key");
    edge::write::set_mode(path, if secret { 0o600 } else { 0o444 })?;
    let file = edge::read::open(path)?;
    file.sync_all()?;
    let size = file.metadata()?.len();
    hasher.update(&size.to_le_bytes());
    hasher.update_reader(file)?;
    Ok(size)
}

/// An image in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// Its folder's name, `<flavour>-<16 digits of its hash>`.
    pub name: String,
    /// The image.
    pub image: Image,
    /// The names of its files.
    pub files: Vec<String>,
    /// The size of its files in bytes.
    pub bytes: u64,
    /// When it was last asked for.
    pub used: SystemTime,
}

/// Reads an image; `None` when it is not there, not complete or of another format.
pub(super) fn load(dir: &Path) -> Option<StoredImage> {
    let manifest: Manifest =
        serde_json::from_slice(&edge::read(dir.join(Manifest::FILE), edge::read::CONFIG).ok()?).ok()?;
    let whole = manifest.files.iter().all(|(name, size)| {
        fs::metadata(dir.join(name)).is_ok_and(|metadata| metadata.is_file() && metadata.len() == *size)
    });
    if manifest.format != FORMAT || !whole || !manifest.stays_inside() {
        return None;
    }
    let used = fs::metadata(dir).and_then(|metadata| metadata.modified()).ok()?;
    Some(StoredImage {
        name: dir.file_name()?.to_str()?.to_owned(),
        bytes: manifest.files.values().sum(),
        files: manifest.files.keys().cloned().collect(),
        used,
        image: Image {
            dir: dir.to_path_buf(),
            kernel: dir.join(&manifest.kernel),
            initramfs: dir.join(&manifest.initramfs),
            tools: manifest.tools.map(|tools| dir.join(tools)),
            foreign_tools: manifest.foreign_tools.map(|tools| dir.join(tools)),
            disk: manifest.disk.map(|disk| dir.join(disk)),
            key: manifest.key.map(|key| dir.join(key)),
            imported: manifest.imported,
            inputs: manifest.inputs,
            kernel_release: manifest.kernel_release,
            hash: manifest.hash,
            packages: manifest.packages,
        },
    })
}

/// Notes that an image was asked for now, for [`Cache::with_bound`]. Best effort: the cache may be read-only.
pub(super) fn touch(dir: &Path) {
    let _ = edge::write::touch(dir);
}

/// All complete images in the cache, by name.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn list(cache: &Cache) -> Result<Vec<StoredImage>, ImageError> {
    let folder = cache.images_dir();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ImageError::io("reading folder", &folder, error)),
    };
    let mut stored: Vec<StoredImage> = entries
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .filter_map(|entry| load(&entry.path()))
        .collect();
    stored.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(stored)
}

impl StoredImage {
    /// What it was built as: `builtin`, `debian-13`.
    pub fn flavour(&self) -> &str {
        self.name.rsplit_once('-').map_or(&self.name, |(flavour, _)| flavour)
    }
}

/// The newest image of a flavour (`builtin`, `debian`) that is in the cache.
pub fn stored(cache: &Cache, flavour: &str) -> Option<StoredImage> {
    list(cache).ok()?.into_iter().filter(|image| image.flavour() == flavour).max_by_key(|image| image.used)
}

/// The image of this name, or the only one of this flavour, or whose name begins so.
///
/// # Errors
/// No image or more than one fits.
pub fn named(cache: &Cache, name: &str) -> Result<StoredImage, ImageError> {
    let stored = list(cache)?;
    if let Some(image) = stored.iter().find(|image| image.name == name) {
        return Ok(image.clone());
    }
    // `debian` is not `debian-13`, although that begins so.
    let is_flavour = stored.iter().any(|image| image.flavour() == name);
    let fits = |image: &StoredImage| match is_flavour {
        true => image.flavour() == name,
        false => !name.is_empty() && image.name.starts_with(name),
    };
    let mut fitting = stored.into_iter().filter(fits);
    let first = fitting.next().ok_or_else(|| ImageError::Unknown { name: name.to_owned() })?;
    match fitting.count() {
        0 => Ok(first),
        more => Err(ImageError::Ambiguous { name: name.to_owned(), count: more + 1 }),
    }
}

/// Removes the image of this name, or the only one whose name begins so, and returns what it was.
///
/// Guests that run from it go on: QEMU holds its files open.
///
/// # Errors
/// No image or more than one fits; the folder cannot be removed.
pub fn remove(cache: &Cache, name: &str) -> Result<StoredImage, ImageError> {
    let found = named(cache, name)?;
    remove_folder(&found.image.dir)?;
    Ok(found)
}

/// Moved into a scratch directory first, so that no half-removed image is ever found under its name.
fn remove_folder(dir: &Path) -> Result<(), ImageError> {
    let removing = |error| ImageError::io("removing image", dir, error);
    let scratch = Scratch::create(edge::write::parent(dir), "").map_err(removing)?;
    edge::write::rename(dir, scratch.path().join("image")).map_err(removing)?;
    scratch.close().map_err(removing)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn store(cache: &Cache, name: &str, age: u64) {
        let dir = cache.images_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("vmlinux"), [0; 100]).unwrap();
        let mut manifest = Manifest::new("vmlinux", "6.1".to_owned(), "00".to_owned(), BTreeMap::new());
        manifest.files.insert("vmlinux".to_owned(), 100);
        fs::write(dir.join(Manifest::FILE), serde_json::to_vec(&manifest).unwrap()).unwrap();
        let used = SystemTime::now() - Duration::from_secs(age);
        fs::File::open(&dir).unwrap().set_modified(used).unwrap();
    }

    fn names(cache: &Cache) -> Vec<String> {
        list(cache).unwrap().into_iter().map(|image| image.name).collect()
    }

    #[test]
    fn removal_takes_a_name_or_the_only_fitting_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        assert_eq!(names(&cache), [""; 0]);
        for name in ["builtin-aa", "builtin-ab", "builtin-abc"] {
            store(&cache, name, 0);
        }
        assert!(matches!(remove(&cache, "builtin-a"), Err(ImageError::Ambiguous { count: 3, .. })));
        assert!(matches!(remove(&cache, "x"), Err(ImageError::Unknown { .. })));
        assert!(matches!(remove(&cache, ""), Err(ImageError::Unknown { .. })));
        assert_eq!(remove(&cache, "builtin-ab").unwrap().name, "builtin-ab");
        assert_eq!(remove(&cache, "builtin-ab").unwrap().name, "builtin-abc");
        assert_eq!(names(&cache), ["builtin-aa"]);
    }

    #[test]
    fn a_flavours_name_means_its_own_images_and_not_those_of_one_that_begins_so() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        for name in ["debian-00", "debian-13-00", "debian-13-01"] {
            store(&cache, name, 0);
        }
        assert_eq!(named(&cache, "debian").unwrap().name, "debian-00");
        assert_eq!(stored(&cache, "debian").unwrap().name, "debian-00");
        assert!(matches!(named(&cache, "debian-13"), Err(ImageError::Ambiguous { count: 2, .. })));
        assert_eq!(named(&cache, "debian-13-01").unwrap().flavour(), "debian-13");
    }

    #[test]
    fn an_image_with_a_truncated_file_is_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        store(&cache, "builtin-aa", 0);
        fs::write(cache.images_dir().join("builtin-aa/vmlinux"), [0; 99]).unwrap();
        assert_eq!(names(&cache), [""; 0]);
    }

    #[test]
    fn a_manifest_that_names_files_elsewhere_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        store(&cache, "mine-00", 0);
        let dir = cache.images_dir().join("mine-00");
        for name in ["/etc/passwd", "../x", "..", "."] {
            let mut manifest = Manifest::new("vmlinux", String::new(), String::new(), BTreeMap::new());
            manifest.disk = Some(name.to_owned());
            manifest.write(&dir).unwrap();
            assert_eq!(names(&cache), [""; 0], "{name}");
        }
    }

    #[test]
    fn the_bound_removes_what_was_not_used_for_longest_and_never_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).with_bound(250);
        for (name, age) in [("builtin-old", 300), ("builtin-mid", 200), ("builtin-new", 100)] {
            store(&cache, name, age);
        }
        cache.enforce_bound("builtin-old").unwrap();
        assert_eq!(names(&cache), ["builtin-new", "builtin-old"]);
        cache.clone().with_bound(0).enforce_bound("builtin-old").unwrap();
        assert_eq!(names(&cache), ["builtin-old"]);
    }
}
