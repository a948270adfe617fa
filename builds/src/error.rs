//! What can go wrong before anything is built. That a commit does not build is no error: it is a [`crate::Record`].

use process::ProcessError;
use std::io;
use std::path::{Path, PathBuf};

/// A range or a build that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// git said no.
    #[error("{doing} in {repository}", repository = .repository.display())]
    Git {
        /// What git was asked for.
        doing: String,
        /// Of which repository.
        repository: PathBuf,
        /// What it said.
        #[source]
        source: ProcessError,
    },
    /// A folder that is no repository.
    #[error("{folder} is no git repository; give the folder of a clone", folder = .folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// A name that is no commit.
    #[error("{repository} has no commit '{name}'; `git fetch` brings what a remote has", repository = .repository.display())]
    NoCommit {
        /// The repository.
        repository: PathBuf,
        /// What was asked for.
        name: String,
    },
    /// A work tree whose submodule is not as the last commit has it.
    #[error(
        "the submodule {path} in {repository} has changes of its own, which no patch of the repository has; commit them in it, and \
         the submodule in the repository, or put it back: git submodule update --force",
        path = edge::visible(.path), repository = .repository.display()
    )]
    Submodule {
        /// The repository.
        repository: PathBuf,
        /// Where in it the submodule is.
        path: String,
    },
    /// A range in which nothing lies, or whose ends are no ends of one line.
    #[error("{0}")]
    Range(String),
    /// A recipe that cannot be carried out.
    #[error("{0}")]
    Recipe(String),
    /// A tarball or a package that is not to be had.
    #[error("unpacking {archive}: {why}", archive = .archive.display())]
    Archive {
        /// Which.
        archive: PathBuf,
        /// Why not.
        why: String,
    },
    /// A program of a recipe cannot be started, or did not end in time.
    #[error("building {what}")]
    Process {
        /// What was built.
        what: String,
        /// Why not.
        #[source]
        source: ProcessError,
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
        source: io::Error,
    },
}

/// The error of a file.
pub(crate) fn failing(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    move |source| BuildError::Io { doing, path: path.to_owned(), source }
}
