//! A campaign: what is booted when, what has been done, and how to go on after any kind of end.
//!
//! ```text
//!   plan (campaign.json) ──> runner ──> one event for each change ──> journal.jsonl ──> state
//!                              │
//!                              └──> repeat directories (measurements, raw output, RHS)
//! ```

pub mod journal;
pub mod plan;
pub mod repeat;
pub mod rhs;
pub mod runner;
pub mod setup;

use model::ParamsError;
use model::store::StoreError;
use std::path::PathBuf;

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
    #[error("{path} exists already; give --out another name, or continue it with `perfvt resume {path}`", path = path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// Somebody else works on it.
    #[error("{path} is in the hands of another perfvt", path = path.display())]
    Busy {
        /// The directory.
        path: PathBuf,
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
    /// The host has changed since it began.
    #[error(
        "{what} was '{was}' when the campaign began and is '{is}' now; measured together they would compare two hosts. --force goes on all the same"
    )]
    HostChanged {
        /// Which fact.
        what: String,
        /// Then.
        was: String,
        /// Now.
        is: String,
    },
}
