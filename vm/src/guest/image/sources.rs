//! Where the parts of an image come from: the packages that `perfvt guest fetch` unpacked into the cache, else the host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::elf::{self, Libraries};
use super::error::ImageError;
use super::index::Stamp;
use super::kernel;
use super::store::Cache;

/// The folders of the loader's own search on the distributions in use (ld.so(8)).
const LIBRARY_FOLDERS: [&str; 6] =
    ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib"];
const PROGRAM_FOLDERS: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];
const MODULE_FOLDERS: [&str; 2] = ["lib/modules", "usr/lib/modules"];

/// One unpacked package.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    root: PathBuf,
}

/// A program with its content and version.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The file that was found.
    pub(super) path: PathBuf,
    /// Its content.
    pub(super) content: Vec<u8>,
    /// The package's version, or a hash of the file where no package is known.
    pub(super) version: String,
}

/// Finds a tool that runs on the host, as netperf's client: in the packages of the cache, else on the host itself.
///
/// # Errors
/// The tool is in neither, with the way to get it.
pub fn host_program(cache: &Cache, name: &str) -> Result<HostProgram, ImageError> {
    let sources = Sources::open(cache.packages_dir(), cache.host())?;
    let found = sources.program(name, &[name], |content| elf::needs(content).is_some())?;
    found
        .map(|Program { path, version, .. }| HostProgram { path, version })
        .ok_or_else(|| ImageError::Missing { what: format!("the program {name}"), looked: sources.places() })
}

/// A tool on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostProgram {
    /// The file to start.
    pub path: PathBuf,
    /// The package's version, or `file <hash>` where no package is known.
    pub version: String,
}

/// A kernel file with the folders of its modules.
#[derive(Debug, Clone)]
pub(super) struct KernelSource {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    pub(super) release: String,
    pub(super) version: String,
    pub(super) modules: Vec<PathBuf>,
}

/// All places, and a record of every file that was read.
#[derive(Debug)]
pub(super) struct Sources {
    packages_dir: PathBuf,
    packages: Vec<Package>,
    host: PathBuf,
    read: RefCell<BTreeMap<PathBuf, Option<Stamp>>>,
}

impl Sources {
    /// Reads the list of unpacked packages. A cache without one is no error: then everything comes from the host.
    ///
    /// # Errors
    /// A list that is there and cannot be read or understood.
    pub(super) fn open(packages_dir: &Path, host: &Path) -> Result<Self, ImageError> {
        let set = packages_dir.join("set");
        let sources = Self {
            packages_dir: packages_dir.to_path_buf(),
            packages: Vec::new(),
            host: host.to_path_buf(),
            read: RefCell::default(),
        };
        sources.read.borrow_mut().insert(set.clone(), Stamp::of(&set));
        if !set.is_file() {
            return Ok(sources);
        }
        let text = sources.read(&set)?;
        let packages = parse_set(&String::from_utf8_lossy(&text), packages_dir)
            .map_err(|reason| ImageError::format(&set, "a list of packages", reason))?;
        Ok(Self { packages, ..sources })
    }

    /// Reads a file and remembers it as an input of the image.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, ImageError> {
        // The stamp is taken first: a file that changes while it is read gets an old one.
        self.read.borrow_mut().insert(path.to_path_buf(), Stamp::of(path));
        edge::read(path, edge::read::PROGRAM).map_err(|source| ImageError::io("reading", path, source))
    }

    /// Every file read so far, with the size and time that it had; `None` for one that was not there.
    pub(super) fn inputs(&self) -> BTreeMap<PathBuf, Option<Stamp>> {
        self.read.borrow().clone()
    }

    /// The root of the host.
    pub(super) fn host(&self) -> &Path {
        &self.host
    }

    /// Where things were looked for, for messages.
    pub(super) fn places(&self) -> String {
        format!("{} or on this host", self.packages_dir.display())
    }

    /// The first program of this name that `fits`, packages before the host.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub(super) fn program(
        &self,
        name: &str,
        package_names: &[&str],
        fits: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Program>, ImageError> {
        for (root, package) in self.roots() {
            for folder in PROGRAM_FOLDERS {
                let path = root.join(folder).join(name);
                if !path.is_file() {
                    continue;
                }
                let content = self.read(&path)?;
                if fits(&content) {
                    let version = match package {
                        Some(package) => package.version.clone(),
                        None => self.host_version(package_names, &content),
                    };
                    return Ok(Some(Program { path, content, version }));
                }
            }
        }
        Ok(None)
    }

    /// The newest kernel that can be read, packages before the host.
    ///
    /// # Errors
    /// No kernel at all.
    pub(super) fn kernel(&self) -> Result<KernelSource, ImageError> {
        let mut unreadable = String::new();
        let packages = self.packages.iter().flat_map(|package| kernels_under(&package.root));
        let mut candidates: Vec<PathBuf> = packages.collect();
        candidates.sort_by_key(|path| std::cmp::Reverse(version_key(path)));
        let mut of_host = kernels_under(&self.host);
        of_host.sort_by_key(|path| std::cmp::Reverse(version_key(path)));
        candidates.append(&mut of_host);
        for path in candidates {
            let Ok(content) = self.read(&path) else {
                unreadable = format!(" ({} cannot be read by this user)", path.display());
                continue;
            };
            let Some(release) = kernel::release(&content) else { continue };
            let modules: Vec<PathBuf> = self
                .roots()
                .flat_map(|(root, _)| MODULE_FOLDERS.map(|folder| root.join(folder).join(&release)))
                .filter(|folder| folder.is_dir())
                .collect();
            if modules.is_empty() {
                continue;
            }
            let package = self.packages.iter().find(|package| path.starts_with(&package.root));
            let version = package.map_or_else(|| release.clone(), |package| package.version.clone());
            return Ok(KernelSource { path, content, release, version, modules });
        }
        let looked = format!("{}{unreadable}", self.places());
        Err(ImageError::Missing { what: "a kernel with modules".to_owned(), looked })
    }

    /// The path that a found file has in a running system.
    pub(super) fn path_in_system<'a>(&self, path: &'a Path) -> &'a Path {
        let stripped = self.roots().find_map(|(root, _)| path.strip_prefix(root).ok());
        stripped.unwrap_or(path)
    }

    fn roots(&self) -> impl Iterator<Item = (&Path, Option<&Package>)> {
        let packages = self.packages.iter().map(|package| (package.root.as_path(), Some(package)));
        packages.chain([(self.host.as_path(), None)])
    }

    fn host_version(&self, package_names: &[&str], content: &[u8]) -> String {
        let status =
            edge::read_text(self.host.join("var/lib/dpkg/status"), edge::read::RECORD).unwrap_or_default();
        let known = package_names.iter().find_map(|name| dpkg_version(&status, name));
        known.unwrap_or_else(|| {
            let hash = blake3::hash(content).to_hex();
            format!("file {}", hash.get(..16).unwrap_or_default())
        })
    }

    /// Further folders of the host's loader (`/etc/ld.so.conf`, `/etc/ld.so.conf.d`).
    fn configured_folders(&self) -> Vec<PathBuf> {
        let mut files = vec![self.host.join("etc/ld.so.conf")];
        let entries = fs::read_dir(self.host.join("etc/ld.so.conf.d")).into_iter().flatten().flatten();
        let mut more: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more.into_iter().filter(|path| path.extension().is_some_and(|end| end == "conf")));
        let texts = files.into_iter().filter_map(|path| edge::read_text(path, edge::read::RECORD).ok());
        texts
            .flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
            .filter(|line| line.starts_with('/'))
            .map(|line| in_root(&self.host, Path::new(&line)))
            .collect()
    }

    fn read_library(&self, path: &Path) -> Result<Option<Vec<u8>>, ImageError> {
        if !path.is_file() {
            return Ok(None);
        }
        let content = self.read(path)?;
        // A library for another machine (i386 in /usr/lib) and a linker script are passed over.
        Ok(elf::needs(&content).is_some().then_some(content))
    }
}

impl Libraries for Sources {
    fn library(&self, name: &str, folders: &[PathBuf]) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError> {
        let mut candidates: Vec<PathBuf> = Vec::new();
        // The asking file's own folders come first, seen from its package and from the host.
        for folder in folders {
            candidates.push(folder.join(name));
            candidates.extend(self.roots().map(|(root, _)| in_root(root, folder).join(name)));
        }
        let standard = self.roots().flat_map(|(root, _)| LIBRARY_FOLDERS.map(|folder| root.join(folder)));
        candidates.extend(standard.chain(self.configured_folders()).map(|folder| folder.join(name)));
        for path in candidates {
            if let Some(content) = self.read_library(&path)? {
                return Ok(Some((path, content)));
            }
        }
        Ok(None)
    }

    fn loader(&self, path: &str) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError> {
        for (root, _) in self.roots() {
            let path = in_root(root, Path::new(path));
            if let Some(content) = self.read_library(&path)? {
                return Ok(Some((path, content)));
            }
        }
        Ok(None)
    }
}

fn in_root(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// `boot/vmlinuz-*` (Debian) and `lib/modules/*/vmlinuz` (Fedora, Arch).
fn kernels_under(root: &Path) -> Vec<PathBuf> {
    let list =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_kernel = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz")) && path.is_file()
    };
    let boot = list(root.join("boot"));
    let modules =
        MODULE_FOLDERS.iter().flat_map(|folder| list(root.join(folder))).map(|path| path.join("vmlinuz"));
    boot.chain(modules).filter(is_kernel).collect()
}

/// Orders `6.1.0-9` before `6.1.0-10`: words as text, runs of digits as numbers.
pub(super) fn version_key(path: &Path) -> Vec<(String, u64)> {
    // The release is in the name of the file, or in that of its folder.
    let text = path.to_str().unwrap_or_default().trim_end_matches("/vmlinuz");
    let mut rest = text.rsplit('/').next().unwrap_or_default().trim_start_matches("vmlinuz-");
    let mut key = Vec::new();
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let (digits, after) =
            after.split_at(after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()));
        key.push((word.to_owned(), digits.parse().unwrap_or(0)));
        rest = after;
    }
    key
}

/// Lines of `<package> <version> <folder>` below a comment.
fn parse_set(text: &str, folder: &Path) -> Result<Vec<Package>, String> {
    let mut packages = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, version, root] = words.as_slice() else {
            return Err(format!("line {number} is not \"<package> <version> <folder>\""));
        };
        let root = folder.join(root);
        if !root.is_dir() {
            return Err(format!(
                "line {number}: folder {} is gone; `perfvt guest fetch` gets it again",
                root.display()
            ));
        }
        packages.push(Package { name: (*name).to_owned(), version: (*version).to_owned(), root });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// The version of an installed package in dpkg's status file.
fn dpkg_version(status: &str, package: &str) -> Option<String> {
    let of_field = |paragraph: &str, field: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(": ").map(str::to_owned))
    };
    let paragraph = status.split("\n\n").find(|text| {
        of_field(text, "Package").as_deref() == Some(package)
            && of_field(text, "Status").is_some_and(|status| status.ends_with(" installed"))
    })?;
    of_field(paragraph, "Version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_kernels_come_first_by_number_not_by_letter() {
        let mut paths =
            ["/boot/vmlinuz-6.1.0-9-amd64", "/boot/vmlinuz-6.1.0-56-amd64", "/lib/modules/6.0.1/vmlinuz"]
                .map(PathBuf::from);
        paths.sort_by_key(|path| std::cmp::Reverse(version_key(path)));
        assert_eq!(paths[0], Path::new("/boot/vmlinuz-6.1.0-56-amd64"));
        assert_eq!(paths[2], Path::new("/lib/modules/6.0.1/vmlinuz"));
    }

    #[test]
    fn the_set_is_read_and_a_damaged_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("netperf_2")).unwrap();
        let good = "# perfvt packages 1 for debian 12\nnetperf 2.7.0-0.1 netperf_2\n";
        let packages = parse_set(good, folder.path()).unwrap();
        assert_eq!(packages[0].version, "2.7.0-0.1");
        let error = parse_set("# x\nnetperf 2.7.0\n", folder.path()).unwrap_err();
        assert!(error.starts_with("line 2"), "{error}");
        let error = parse_set("netperf 2.7.0 netperf_3\n", folder.path()).unwrap_err();
        assert!(error.contains("is gone; `perfvt guest fetch` gets it again"), "{error}");
    }

    #[test]
    fn versions_come_from_installed_packages_only() {
        let status = "Package: fio\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: fio\nStatus: install ok installed\nVersion: 3.33-3\n";
        assert_eq!(dpkg_version(status, "fio").as_deref(), Some("3.33-3"));
        assert_eq!(dpkg_version(status, "fi"), None);
    }

    #[test]
    fn a_host_without_a_kernel_is_told_how_to_fetch_one() {
        let empty = tempfile::tempdir().unwrap();
        let sources = Sources::open(empty.path(), empty.path()).unwrap();
        let text = sources.kernel().unwrap_err().to_string();
        assert!(text.contains("a kernel with modules") && text.contains("perfvt guest fetch"), "{text}");
    }
}
