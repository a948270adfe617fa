//! Packages of a distribution, unpacked: a build that somebody else made.

use crate::archive::{inside, plain, unpack};
use crate::error::{BuildError, failing};
use crate::key::KEY_FORMAT;
use crate::store::{FILES, LOG, Record, Status, Store, hash};
use crate::tarball::{content, named};
use edge::Scratch;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Files of a package that are listed where the one that is measured is not among them.
const LISTED: usize = 10;

/// Which file of packages is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The emulator of this architecture or the kernel, where distributions put them: `usr/bin/qemu-system-ARCH`, RHEL's
    /// `usr/libexec/qemu-kvm`, `boot/vmlinuz-VERSION`, `lib/modules/VERSION/vmlinuz`.
    Usual(String),
    /// This one, relative to the root of the system.
    Path(PathBuf),
}

impl Wanted {
    fn is(&self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        match self {
            Wanted::Usual(arch) => {
                let emulator =
                    text == format!("usr/bin/qemu-system-{arch}") || text == "usr/libexec/qemu-kvm";
                let in_boot = text.starts_with("boot/vmlinu");
                emulator || in_boot || (text.contains("lib/modules/") && text.ends_with("/vmlinuz"))
            }
            Wanted::Path(wanted) => path == wanted,
        }
    }

    /// The same with a path as it is in a package: `/usr/bin/x` and `./usr/bin/x` are `usr/bin/x`.
    fn plain(&self) -> Result<Wanted, BuildError> {
        let Wanted::Path(path) = self else { return Ok(self.clone()) };
        let inner = plain(path.strip_prefix("/").unwrap_or(path));
        inner.map(Wanted::Path).ok_or_else(|| {
            BuildError::Recipe(format!("--product {} leads out of the packages", path.display()))
        })
    }

    fn word(&self) -> String {
        match self {
            Wanted::Usual(arch) => format!("usr/bin/qemu-system-{arch} or boot/vmlinuz-VERSION"),
            Wanted::Path(path) => path.display().to_string(),
        }
    }
}

/// Unpacks packages (.deb, .rpm, or tarballs of a system's files) over one another, or finds that done. Which they are is told by their
/// content. Nothing of them is run, and what they depend on is this host's.
///
/// # Errors
/// One cannot be read or unpacked, or none of them holds what is wanted.
pub fn unpacked(store: &Store, packages: &[PathBuf], wanted: &Wanted) -> Result<Record, BuildError> {
    let wanted = &wanted.plain()?;
    let hashes = packages.iter().map(|file| content(file)).collect::<Result<Vec<_>, _>>()?;
    let tree = blake3::hash(hashes.join("\n").as_bytes()).to_hex().to_string();
    let text = format!("{KEY_FORMAT}\0package\0{}\0{tree}", wanted.word());
    let key = blake3::hash(text.as_bytes()).to_hex().as_str().get(..32).unwrap_or_default().to_owned();
    if let Some(record) = store.find(&key) {
        return Ok(record);
    }
    let staged =
        Scratch::staging(store.root(), "package").map_err(failing("making room in", store.root()))?;
    let whole = staged.path().join("whole");
    let files = whole.join(FILES);
    edge::write::create_directory(&files).map_err(failing("creating", &files))?;
    let began = Instant::now();
    let mut log = String::new();
    for (at, package) in packages.iter().enumerate() {
        let room = staged.path().join(format!("room{at}"));
        edge::write::create_directory(&room).map_err(failing("creating", &room))?;
        unpack(package, &room, &files)?;
        log += &format!("{} {}\n", hashes.get(at).map_or("", String::as_str), edge::visible(&named(package)));
    }
    let file = whole.join(LOG);
    edge::write::write(&file, log).map_err(failing("writing", &file))?;
    let product = found(&files, wanted)?;
    let record = Record {
        format: KEY_FORMAT,
        key,
        status: Status::Built,
        commit: String::new(),
        tree,
        patch: None,
        recipe: "package".to_owned(),
        compiler: Vec::new(),
        seconds: began.elapsed().as_secs_f64(),
        product,
        hash: Some(hash(&files)?),
        sources: packages.iter().map(|file| named(file)).collect(),
        config: None,
        folder: PathBuf::new(),
    };
    store.keep(&whole, record)
}

/// The one file that is wanted.
fn found(files: &Path, wanted: &Wanted) -> Result<PathBuf, BuildError> {
    let all = walkdir::WalkDir::new(files).sort_by_file_name().into_iter().flatten();
    let all = all.filter(|entry| entry.path().is_file());
    let all: Vec<PathBuf> =
        all.filter_map(|entry| Some(entry.path().strip_prefix(files).ok()?.to_owned())).collect();
    let mut fitting: Vec<&PathBuf> = all.iter().filter(|path| wanted.is(path)).collect();
    // Packages of some distributions have the kernel in both places.
    if fitting.iter().filter(|path| path.starts_with("boot")).count() == 1 {
        fitting.retain(|path| !path.to_string_lossy().contains("lib/modules/"));
    }
    match fitting.as_slice() {
        [one] => {
            let shown = edge::visible(&one.display().to_string()).into_owned();
            inside(&files.join(one), files)
                .map_err(|_| BuildError::Recipe(format!("{shown} leads out of the packages")))?;
            Ok((*one).clone())
        }
        several => {
            let shown = if several.is_empty() { all.iter().take(LISTED).collect() } else { several.to_vec() };
            let shown: Vec<String> =
                shown.iter().map(|path| edge::visible(&path.display().to_string()).into_owned()).collect();
            let many = if several.is_empty() { "no" } else { "more than one" };
            Err(BuildError::Recipe(format!(
                "the packages hold {many} {}; --product PATH names the file; there are: {}",
                wanted.word(),
                shown.join(", ")
            )))
        }
    }
}
