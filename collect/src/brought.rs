//! Programs and folders that the user brings to a workload: found on this host before anything is planned, put on a
//! read-only disk with the libraries that they need, and mounted at `/brought` in every guest.
//!
//! ```text
//!   uperf_binary=FILE ──> wish ──> item (file here, path in the guest, hash) ──> disk ──> guest: /brought/uperf-1a2b3c4d/uperf
//!   a path in deps/NAME/ ──> build (once for its content, before anything boots) ──┘
//! ```
//!
//! Windows reads no such disk: what a Windows guest is to have is put into its folder for the user's files once it takes
//! commands, or is there already ([`in_windows`]).

mod brings;
mod build;
mod find;
mod in_guest;
mod own;
mod step;

pub use brings::Brings;
pub use build::BuildError;
pub(crate) use in_guest::check as check_build_on;
pub use own::inside_by;
pub use step::StepError;

use crate::lab::Failed;
use find::find;
use in_guest::InGuest;
use model::{Code, Fingerprint, Params, ParamsError};
use process::{PrivateFolder, private_folder};
use std::path::{Path, PathBuf};
use step::WANTED;
use vm::guest::image::{Cache, ImageError, Placed, brought_disk};
use vm::guest::machine::{GuestError, Machine};
use vm::guest::os::Os;
use vm::guest::windows::Commands;

/// Where the disk is mounted in guests.
const MOUNT: &str = "/brought";
/// What stands in the place of a key for perfvt itself: there is none for it.
const PERFVT: &str = "perfvt";

/// The key of a repository whose commit becomes a folder that is built; once it is planned, it ends in `@COMMIT`.
pub const SOURCE: &str = "source";

/// The key of a tree of kvm-unit-tests.
pub const KUT: &str = "kut";

/// The command that builds it, instead of what stands in it.
pub const SOURCE_BUILD: &str = "source_build";

/// Something that a workload wants and the user brings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// The key that names its file.
    pub key: &'static str,
    /// The value of the key: a path; empty where the key is not set.
    pub value: String,
    /// The program that is looked for on this host when the key is not set. Empty for a folder, which has no other place.
    pub program: &'static str,
    /// The guests that it is for.
    pub os: Os,
    /// A folder is built in the guest.
    pub in_guest: bool,
    /// Somebody on this host needs it, too.
    pub on_host: bool,
}

impl Wish {
    /// What parameters say of a key.
    pub fn of(params: &Params, key: &'static str, program: &'static str) -> Wish {
        let value = params.get(key).unwrap_or_default().trim().to_owned();
        let in_guest = in_guest::is_asked(params);
        Wish { key, value, program, os: Os::Linux, in_guest, on_host: !in_guest }
    }

    /// The same where clients need it as well, who are on this host unless they have a guest of their own.
    pub fn and_of_clients(self, params: &Params) -> Wish {
        let on_host = self.on_host || params.get("scenario") != Some("guest_guest");
        Wish { on_host, ..self }
    }

    /// Whether guests find it on the disk with what the user brings.
    pub fn is_on_disk(&self) -> bool {
        self.os == Os::Linux
    }

    /// The same for Windows guests.
    pub fn for_windows(self) -> Wish {
        Wish { os: Os::Windows, ..self }
    }
}

/// Whether a path is one of Windows with its drive, so that it means a file that is in the guest already.
pub fn in_windows(path: &str) -> bool {
    matches!(path.trim().as_bytes(), [drive, b':', b'\\' | b'/', _, ..] if drive.is_ascii_alphabetic())
}

/// Refuses a key that names nothing, when the campaign is planned.
///
/// # Errors
/// The file is not there, and in no folder that will be built.
pub fn check(params: &Params, key: &str) -> Result<(), ParamsError> {
    let path = params.text(key)?.trim();
    match std::fs::metadata(path) {
        _ if in_windows(path) => Err(params.wrong(key, "a file of this host, not of a Windows guest")),
        _ if path.is_empty() => Ok(()),
        _ if let Some(folder) = build::recipe(Path::new(path)) => sound(params, key, folder),
        Ok(known) if known.is_file() => Ok(()),
        Ok(_) => Err(params.wrong(key, "a file of this host, no folder and nothing else")),
        Err(error) => match build::silent(Path::new(path)) {
            Some(folder) => Err(params.wrong(key, &unbuilt(folder))),
            None => Err(params.wrong(
                key,
                &format!(
                    "a file of this host, or one that a folder deps/NAME with {WANTED} builds ({error})"
                ),
            )),
        },
    }
}

/// What a folder `deps/NAME` lacks.
fn unbuilt(folder: &Path) -> String {
    format!("a file of this host; {} is to be built, and wants {WANTED}", folder.display())
}

/// The same for a key that names a program for Windows guests.
///
/// # Errors
/// It names none, or no file that is here or could be in the guest.
pub fn check_windows(params: &Params, key: &str) -> Result<(), ParamsError> {
    let path = params.text(key)?.trim();
    if in_windows(path) || Path::new(path).is_file() {
        return Ok(());
    }
    Err(params
        .wrong(key, "a file of this host, or a path in the Windows guest with its drive, such as C:\\x.exe"))
}

/// The same for a key that names a folder to build.
///
/// # Errors
/// It is none.
pub fn check_folder(params: &Params, key: &str) -> Result<(), ParamsError> {
    let path = Path::new(params.text(key)?.trim());
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    match build::recipe(path) {
        Some(folder) if folder == path => sound(params, key, folder),
        _ => Err(params.wrong(key, &format!("a folder deps/NAME with {WANTED}"))),
    }
}

/// Whether a path is that of a folder `deps/NAME` that says how it is built.
pub(crate) fn is_built(folder: &Path) -> bool {
    build::recipe(folder) == Some(folder)
}

/// Refuses a folder whose own step makes no sense.
fn sound(params: &Params, key: &str, folder: &Path) -> Result<(), ParamsError> {
    match step::of(folder) {
        Ok(_) => Ok(()),
        Err(error) => Err(params.wrong(key, &format!("a folder that can be built: {error}"))),
    }
}

/// Something that the user brought.
#[derive(Clone, Debug)]
pub struct Item {
    key: &'static str,
    value: String,
    /// The file or folder on this host.
    pub host: PathBuf,
    /// The same in guests.
    pub guest: String,
    /// Of the file, or of the sources that it was built from.
    hash: String,
    /// How it gets into guests.
    way: Way,
    /// What guests do with it before it is there.
    made: Option<InGuest>,
    /// Name and text of the log, when it was built.
    log: Option<(String, String)>,
}

/// How something gets into guests.
#[derive(Clone, Debug)]
enum Way {
    /// On the disk: where it goes there, and the file or folder that goes there.
    Disk(Placed),
    /// As a file that is put into every Windows guest.
    Put,
    /// It is there.
    There,
}

/// All of it, and the disk that it is on.
#[derive(Debug, Default)]
pub struct Brought {
    items: Vec<Item>,
    /// The folder is removed when nobody needs the disk any more.
    disk: Option<(PrivateFolder, PathBuf)>,
}

/// Something that the user should bring cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BroughtError {
    /// Nobody named it, and it is nowhere.
    #[error(
        "looking for {program}: it is neither in {packages} nor on this host; build it and name its file with \
         --set {key}=FILE, which may lie in a folder that builds it, deps/{program}/{program} (`perfvt help workloads`)"
    )]
    Missing {
        /// The program.
        program: &'static str,
        /// The key that would name it.
        key: &'static str,
        /// Where packages are unpacked.
        packages: String,
    },
    /// It is in a folder that cannot be built.
    #[error(transparent)]
    Build(#[from] Box<BuildError>),
    /// It is in a folder that a guest cannot build.
    #[error("building {folder} in the guest: {how}; build_on=host builds it on this host\n{tail}", folder = .folder.display())]
    InGuest {
        /// The folder.
        folder: PathBuf,
        /// How it ended.
        how: String,
        /// The end of what was said.
        tail: String,
    },
    /// Its disk cannot be made.
    #[error("making the disk with {what}")]
    Disk {
        /// What goes there.
        what: String,
        /// Why it cannot.
        #[source]
        source: ImageError,
    },
    /// A file.
    #[error("{doing} {path}", path = .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// The folders among what is wished for in which make will run, because they were never built as they are now.
///
/// # Errors
/// A file cannot be read.
pub fn to_build(cache: &Cache, wishes: &[Wish]) -> Result<Vec<PathBuf>, BroughtError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in wishes.iter().filter(|w| w.on_host).filter_map(|wish| build::recipe(Path::new(&wish.value)))
    {
        if !folders.iter().any(|known| known == folder) && build::is_new(cache, folder).map_err(Box::new)? {
            folders.push(folder.to_owned());
        }
    }
    Ok(folders)
}

/// Looks whether something that is wished for can be had, and builds nothing.
///
/// # Errors
/// It is nowhere.
pub(crate) fn look(cache: &Cache, wish: &Wish) -> Result<(), BroughtError> {
    if build::recipe(Path::new(&wish.value)).is_some() { Ok(()) } else { find(cache, wish).map(drop) }
}

impl Brought {
    /// Finds all that is wished for, where no guest needs it.
    ///
    /// # Errors
    /// A program that is nowhere, or a folder that cannot be built.
    pub fn find(cache: &Cache, wishes: &[Wish]) -> Result<Brought, BroughtError> {
        let items = wishes.iter().map(|wish| find(cache, wish)).collect::<Result<Vec<Item>, _>>()?;
        Ok(Brought { items, disk: None })
    }

    /// Finds all that is wished for, and makes the disk for guests. Without wishes there is none.
    ///
    /// # Errors
    /// Those of [`Brought::find`], or a library that one of the programs needs.
    pub fn gather(cache: &Cache, wishes: &[Wish]) -> Result<Brought, BroughtError> {
        let Brought { items, .. } = Brought::find(cache, wishes)?;
        if items.is_empty() {
            return Ok(Brought::default());
        }
        let of_disk = |item: &Item| match &item.way {
            Way::Disk(placed) => Some(placed.clone()),
            Way::Put | Way::There => None,
        };
        let mut placed: Vec<Placed> = items.iter().filter_map(of_disk).collect();
        placed.sort();
        placed.dedup();
        if placed.is_empty() {
            return Ok(Brought { items, disk: None });
        }
        let folder = private_folder().map_err(|source| BroughtError::Io {
            doing: "creating a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let disk = folder.path().join("brought.img");
        let names: Vec<String> = items.iter().map(|item| item.host.display().to_string()).collect();
        brought_disk(cache, &placed, &disk)
            .map_err(|source| BroughtError::Disk { what: names.join(", "), source })?;
        Ok(Brought { items, disk: Some((folder, disk)) })
    }

    /// The disk's file, when there is one.
    pub fn disk(&self) -> Option<&Path> {
        self.disk.as_ref().map(|(_, path)| path.as_path())
    }

    /// What was brought under a key for an environment that brings this.
    ///
    /// # Errors
    /// Nothing was.
    pub fn item(&self, key: &str, own: &Brings) -> Result<&Item, Failed> {
        let (value, made) = (own.value(key), own.in_guest);
        let of = |item: &&Item| item.key == key && item.value == value;
        // One environment may build on the host and another one in its guest.
        let found = self.items.iter().filter(of).find(|item| item.made.is_some() == made);
        let found = found.or_else(|| self.items.iter().find(of));
        found.ok_or_else(|| Failed::new(Code::Host, format!("nothing was brought for {key}={value}")))
    }

    /// Puts into a Windows guest what it is to have in an environment that brings this.
    ///
    /// # Errors
    /// A file cannot be read, or the guest does not take it.
    pub fn put(&self, own: &Brings, guest: &mut dyn Commands) -> Result<(), GuestError> {
        let to_put = |item: &&Item| matches!(item.way, Way::Put) && item.is_of(own);
        for item in self.items.iter().filter(to_put) {
            let content = edge::read(&item.host, edge::read::PROGRAM).map_err(|source| GuestError::Io {
                doing: "reading",
                path: item.host.clone(),
                source,
            })?;
            guest.put(&item.guest, "755", &content)?;
        }
        Ok(())
    }

    /// Builds in a guest that takes commands what is to be built there in an environment that brings this. Gives the logs by
    /// file name.
    ///
    /// # Errors
    /// make is not there, or fails.
    pub fn make(&self, own: &Brings, guest: &mut Machine) -> Result<Vec<(String, String)>, BroughtError> {
        let made = self.items.iter().filter(|item| item.is_of(own)).filter_map(|item| item.made.as_ref());
        made.map(|made| Ok((format!("deps.{}.guest.log", made.name), made.make(guest)?))).collect()
    }

    /// The logs of what was built, by file name, for the campaign to keep.
    pub fn logs(&self) -> Vec<(String, String)> {
        self.items.iter().filter_map(|item| item.log.clone()).collect()
    }

    /// What an environment is made of, for its fingerprint.
    pub fn facts(&self, own: &Brings) -> Fingerprint {
        let mut facts = Fingerprint::default();
        // What is in an image is part of it, and the image has a hash of its own.
        for item in self.items.iter().filter(|item| item.is_of(own) && !matches!(item.way, Way::There)) {
            facts.set(format!("brought.{}", item.key), &item.hash);
        }
        if let Some(commit) = &own.commit {
            facts.set("source.commit", commit);
        }
        facts
    }
}

impl Item {
    fn is_of(&self, own: &Brings) -> bool {
        self.value == own.value(self.key) && (self.made.is_none() || own.in_guest)
    }
}
