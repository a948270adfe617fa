//! What can go wrong between the packages and a bootable image.

use process::ProcessError;
use std::io;
use std::path::{Path, PathBuf};

/// An image could not be found, built or removed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Neither of the variables that name the cache folder is set.
    #[error("finding the cache folder: neither XDG_CACHE_HOME nor HOME is set to an absolute path")]
    NoCache,
    /// Something that every guest needs is in no package and not on the host.
    #[error("looking for {what}: it is not in {looked}; `perfvt guest fetch` gets it")]
    Missing {
        /// What is missing, with the name of its package.
        what: String,
        /// Where it was looked for.
        looked: String,
    },
    /// Something of the host that no download brings.
    #[error("building the guest image: {what}; {remedy}")]
    Host {
        /// What is missing.
        what: String,
        /// The way out.
        remedy: &'static str,
    },
    /// The packages of the guest could not be downloaded.
    #[error("fetching the packages of the guest: {}; what was said above has the reason", .ended.as_deref().unwrap_or("it took too long and was ended"))]
    Fetch {
        /// How the script ended; `None` when it took too long.
        ended: Option<String>,
    },
    /// The builder of a whole system did not come to its end.
    #[error("building the guest image {what}: the builder {ended}; its log is {}, and ends so:\n{}", .log.display(), edge::text::visible_lines(.last.trim()))]
    Build {
        /// The flavour.
        what: &'static str,
        /// How it ended.
        ended: String,
        /// Its last lines.
        last: String,
        /// All of them.
        log: PathBuf,
    },
    /// A program needs a library that was not found.
    #[error(
        "building the guest image: {needed_by} needs {library}, which is in no library folder; `perfvt guest fetch` gets it"
    )]
    Library {
        /// The name that the program asks for (DT_NEEDED).
        library: String,
        /// The program or library that asks.
        needed_by: PathBuf,
    },
    /// A file is not what its place says that it is.
    #[error("reading {path} as {kind}: {reason}", path = .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder could not be read or written.
    #[error("{doing} {path}", path = .path.display())]
    Io {
        /// What was being done, as a gerund.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program that makes an image.
    #[error("building the guest image: {0}; `perfvt doctor` names the programs that are missing")]
    Process(#[from] ProcessError),
    /// A user who cannot be root in a file system.
    #[error(
        "building the guest image: user {user} has no 65536 further ids in {file}, which mmdebstrap needs without root; \
         root gives them by `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME`"
    )]
    NoIds {
        /// The user's id.
        user: u32,
        /// The file that was looked at.
        file: String,
    },
    /// qemu-img does not make an image of another one.
    #[error("converting the image: {0}")]
    Carry(#[source] Box<ProcessError>),
    /// A mirror does not give a file.
    #[error("fetching from the mirror: {0}; what has come stays, and the next call goes on from there")]
    Mirror(#[source] Box<ProcessError>),
    /// A file would be overwritten.
    #[error("writing {path}: it is there, and nothing is overwritten; name another file, or remove it", path = .path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A name that an image cannot have.
    #[error(
        "importing an image as {}: want up to 60 letters, digits, dots, underscores and dashes, beginning with a letter or a \
         digit, and no name that perfvt builds itself (`perfvt guest list` shows these)", edge::quoted(.name)
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A name that an image has.
    #[error("importing an image as {name}: there is one of this name; `perfvt guest rm {name}` removes it")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No stored image has this name.
    #[error("no stored guest image is called {name}; `perfvt guest list` shows all of them")]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// A name or a beginning of a name fits several stored images.
    #[error("{name} fits {count} stored guest images; `perfvt guest list` shows all of them")]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// How many images it fits.
        count: usize,
    },
}

impl ImageError {
    /// An I/O error with what was being done to which file.
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_path_buf(), source }
    }

    /// A file that is not of its kind.
    pub(super) fn format(path: &Path, kind: &'static str, reason: impl Into<String>) -> Self {
        Self::Format { path: path.to_path_buf(), kind, reason: reason.into() }
    }
}
