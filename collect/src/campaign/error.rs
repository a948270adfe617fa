//! Why a campaign cannot go on.

use model::ParamsError;
use model::store::StoreError;
use std::path::{Path, PathBuf};
use vm::host::locks::Holder;

/// A campaign that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// A file of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its journal is damaged before its end.
    #[error("reading {path}:{error}; the journal was changed by something else than perfvt", path = path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong.
        error: formats::journal::JournalError,
    },
    /// `--out` exists.
    #[error("{path} exists already; give --out another name{resume}", path = path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
        /// How to continue it, when it is a campaign.
        resume: String,
    },
    /// A plan that perfvt did not write so.
    #[error("{path}: {reason}", path = path.display())]
    Plan {
        /// The plan.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The host cannot boot guests as planned.
    #[error(
        "environment {environment} cannot be booted here: {reason}; nothing is lost, `perfvt resume` goes on when that is mended"
    )]
    Host {
        /// The environment.
        environment: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing succeeds.
    #[error(
        "{boots} boots in a row gave no value, so the campaign was stopped; the last failure: {reason}; `perfvt resume` goes on when that is mended"
    )]
    GivenUp {
        /// How many.
        boots: u32,
        /// The last failure.
        reason: String,
    },
    /// Somebody else works on it.
    #[error(
        "{path} is in the hands of {}",
        holder.as_ref().map_or("another perfvt".to_owned(), Holder::to_string),
        path = path.display()
    )]
    Busy {
        /// The directory.
        path: PathBuf,
        /// Who, where /proc/locks tells.
        holder: Option<Holder>,
    },
    /// Boots or an environment that cannot be added.
    #[error("{reason}")]
    Added {
        /// Which, and why not.
        reason: String,
    },
    /// Results that a stopping rule could not read.
    #[error(
        "looking at the results after block {block}: {reason}; `perfvt resume` goes on when that is mended"
    )]
    Look {
        /// The block.
        block: u32,
        /// What is wrong.
        reason: String,
    },
    /// Its plan names a workload that this perfvt does not know.
    #[error("{path}: unknown workload '{workload}'", path = path.display())]
    UnknownWorkload {
        /// The directory.
        path: PathBuf,
        /// The workload.
        workload: String,
    },
    /// A parameter of its plan.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A classic file that no reader would take.
    #[error(transparent)]
    Rhs(#[from] formats::rhs::RhsWriteError),
    /// The host, QEMU or the guest has changed since it began.
    #[error(
        "{what} was '{was}' when the campaign began and is '{is}' now; boots of both are not repeats of one environment; resume --force goes on all the same"
    )]
    Changed {
        /// Which fact.
        what: String,
        /// Then.
        was: String,
        /// Now.
        is: String,
    },
}

impl CampaignError {
    /// A folder that is there already, and how to go on with it.
    pub fn exists(dir: &Path) -> CampaignError {
        let resumable = dir.join(model::store::CAMPAIGN_FILE).is_file();
        let resume = if resumable {
            format!(
                ", continue it with `perfvt resume {}`, or add an environment to it with --join",
                dir.display()
            )
        } else {
            String::new()
        };
        CampaignError::Exists { path: dir.to_owned(), resume }
    }
}
