//! A kernel of the user's for the built-in guest, as a build or a package has it.

use std::path::{Path, PathBuf};

use super::error::ImageError;
use super::kernel;
use super::sources::{KernelSource, Sources};

/// A kernel, and where its modules are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKernel {
    /// A bzImage, or a vmlinux with a PVH entry point.
    pub file: PathBuf,
    /// The folder that `make modules_install` wrote to (INSTALL_MOD_PATH), one with folders of releases in it, or that of
    /// the release. `None`: beside the kernel, as packages have it, or on the host.
    pub modules: Option<PathBuf>,
}

/// What is found of a kernel of the user's without making an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its release, as `uname -r` says it.
    pub release: String,
    /// The folder of its modules; `None` where every driver has to be built in.
    pub modules: Option<PathBuf>,
    /// A hash of its file.
    pub content: blake3::Hash,
}

impl OwnKernel {
    /// Which kernel it is, and where its modules are; `None` for what is no kernel, which is told when its image is made.
    pub fn found(&self) -> Option<Found> {
        let content = edge::read(&self.file, edge::read::PROGRAM).ok()?;
        let release = kernel::release(&content)?;
        let modules = self.places(&release, Path::new("/")).into_iter().find(|dir| is_modules(dir));
        Some(Found { release, modules, content: blake3::hash(&content) })
    }

    /// Reads the kernel and finds its modules. Where there are none every driver is taken to be built in.
    ///
    /// # Errors
    /// A file that is no kernel, or a folder that was named and has no modules of it.
    pub(super) fn source(&self, sources: &Sources, host: &Path) -> Result<KernelSource, ImageError> {
        let content = sources.read(&self.file)?;
        let release = kernel::release(&content).ok_or_else(|| {
            ImageError::format(
                &self.file,
                "a kernel",
                "it does not say its release; a bzImage or a vmlinux does",
            )
        })?;
        if kernel::is_32_bit(&content) {
            return Err(ImageError::format(
                &self.file,
                "a kernel for x86-64",
                "it is one of 32 bits, and the programs of perfvt's guest have 64; a 32-bit system is measured from an image of its own",
            ));
        }
        let places = self.places(&release, host);
        for place in &places {
            // Modules that come later make another image: what was looked for is an input, there or not.
            let _ = LISTS.map(|list| sources.read(&place.join(list)));
        }
        let modules: Vec<PathBuf> = places.into_iter().find(|dir| is_modules(dir)).into_iter().collect();
        if let Some(named) = self.modules.as_ref().filter(|_| modules.is_empty()) {
            return Err(ImageError::format(
                named,
                "a folder with modules of the kernel",
                format!(
                    "it has no lib/modules/{release}, which `make modules_install INSTALL_MOD_PATH=FOLDER` fills{}",
                    others(named)
                ),
            ));
        }
        let hash = blake3::hash(&content).to_hex();
        let version = format!("{release} (file {})", hash.get(..16).unwrap_or_default());
        Ok(KernelSource { path: self.file.clone(), content, release, version, modules })
    }

    fn places(&self, release: &str, host: &Path) -> Vec<PathBuf> {
        let under =
            |root: &Path| ["lib/modules", "usr/lib/modules"].map(|folder| root.join(folder).join(release));
        if let Some(named) = &self.modules {
            let mut places = Vec::from(under(named));
            places.push(named.join(release));
            // That of another release holds modules for another kernel.
            places.extend(is_of(named, release).then(|| named.clone()));
            return places;
        }
        // lib/modules/RELEASE/vmlinuz (Fedora, Arch), boot/vmlinuz-RELEASE (Debian).
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let mut places: Vec<PathBuf> =
            is_of(folder, release).then(|| folder.to_owned()).into_iter().collect();
        places.extend(under(folder.parent().unwrap_or(folder)));
        places.extend(under(host));
        places
    }
}

/// The releases whose modules lie in a folder that was named for another one: a build that is older than its kernel.
fn others(named: &Path) -> String {
    let mut found: Vec<String> = ["lib/modules", "usr/lib/modules", ""]
        .iter()
        .filter_map(|folder| std::fs::read_dir(named.join(folder)).ok())
        .flatten()
        .flatten()
        .filter(|entry| is_modules(&entry.path()))
        .map(|entry| edge::quoted(&entry.file_name().to_string_lossy()).to_string())
        .collect();
    found.sort();
    found.truncate(5);
    if found.is_empty() { String::new() } else { format!("; it has modules of {}", found.join(", ")) }
}

/// What `make modules_install` leaves beside the modules.
const LISTS: [&str; 2] = ["modules.builtin", "modules.order"];

/// Whether a folder is that of one release's modules.
fn is_modules(dir: &Path) -> bool {
    dir.join("kernel").is_dir() && LISTS.iter().any(|list| dir.join(list).is_file())
}

/// Whether a folder has the name of a release. A build tree has folders and lists of the same names as installed modules.
fn is_of(folder: &Path, release: &str) -> bool {
    folder.file_name().is_some_and(|name| name == release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_beside_a_kernel_as_packages_and_builds_have_them() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let make = |folder: &str| {
            std::fs::create_dir_all(root.join(folder).join("kernel")).unwrap();
            std::fs::write(root.join(folder).join("modules.order"), "").unwrap();
        };
        let found = |file: &str, modules: Option<&str>| {
            let own = OwnKernel { file: root.join(file), modules: modules.map(|m| root.join(m)) };
            let place = own.places("6.9", &root.join("host")).into_iter().find(|dir| is_modules(dir));
            place.map(|place| place.strip_prefix(root).unwrap().display().to_string())
        };
        assert_eq!(found("deb/boot/vmlinuz-6.9", None), None);
        make("deb/lib/modules/6.9");
        make("rpm/usr/lib/modules/6.9");
        make("host/lib/modules/6.9");
        assert_eq!(found("deb/boot/vmlinuz-6.9", None).unwrap(), "deb/lib/modules/6.9");
        assert_eq!(found("rpm/usr/lib/modules/6.9/vmlinuz", None).unwrap(), "rpm/usr/lib/modules/6.9");
        assert_eq!(found("build/arch/x86/boot/bzImage", None).unwrap(), "host/lib/modules/6.9");
        for named in ["deb", "deb/lib/modules", "deb/lib/modules/6.9"] {
            assert_eq!(found("bzImage", Some(named)).unwrap(), "deb/lib/modules/6.9", "{named}");
        }
        assert_eq!(found("bzImage", Some("host/lib")), None);
        make("linux");
        assert_eq!(found("linux/vmlinux", None).unwrap(), "host/lib/modules/6.9", "sources are no modules");
        make("other/lib/modules/6.8");
        assert_eq!(found("bzImage", Some("other/lib/modules/6.8")), None);
    }
}
