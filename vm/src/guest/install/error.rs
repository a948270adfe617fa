//! What can go wrong between an installer's media and an installed system.

use super::super::error::GuestError;
use super::super::image::ImageError;
use super::super::seed::SeedError;
use edge::quoted;
use edge::text::visible_lines;
use process::ProcessError;
use std::io;
use std::path::{Path, PathBuf};

/// A system was not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The image that it becomes.
    #[error(transparent)]
    Image(Box<ImageError>),
    /// A file that QEMU gets.
    #[error("installing a guest: {0}")]
    Guest(Box<GuestError>),
    /// The disk with its answers.
    #[error("writing the answers of the installer: {0}")]
    Seed(#[from] SeedError),
    /// A program of this host.
    #[error("installing a guest: {0}; `perfvt doctor` names the programs that are missing")]
    Process(#[from] ProcessError),
    /// A file.
    #[error("{doing} {path}: {source}", path = .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The user and the files of QEMU.
    #[error("confining QEMU: {0}")]
    Confine(#[source] io::Error),
    /// The installer did not come to its end.
    #[error(transparent)]
    Failed(Box<Unfinished>),
}

/// An installer that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error(
    "installing {name}: {what}, {}; its console is {}, and ends so:\n{}",
    reached(.phase), .log.display(), visible_lines(.last.trim())
)]
pub struct Unfinished {
    /// The image that it was to be.
    pub name: String,
    /// What happened.
    pub what: String,
    /// The last phase, and the seconds after which it was reached.
    pub phase: Option<(String, f64)>,
    /// The last lines of its console.
    pub last: String,
    /// All of them.
    pub log: PathBuf,
}

fn reached(phase: &Option<(String, f64)>) -> String {
    match phase {
        Some((phase, seconds)) => {
            format!("in the phase {}, which it had reached after {seconds:.1} s", quoted(phase))
        }
        None => "before any phase that is known".to_owned(),
    }
}

impl InstallError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> InstallError {
        InstallError::Io { doing, path: path.to_owned(), source }
    }
}
