//! Making a campaign's directory, and taking it into one process's hands.

use super::CampaignError;
use super::additions::Additions;
use super::check::validate;
use super::journal::Journal;
use super::keep::Keep;
use crate::workload::{self, Workload};
use edge::Scratch;
use model::journal::State;
use model::secret_keys::masked;
use model::secrets;
use model::store::{self, CAMPAIGN_FILE, create_directory, io_error};
use model::{CampaignFile, Failure};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::path::{Path, PathBuf};
use vm::host::locks::lock as take;

/// A campaign in the hands of this process.
pub struct Campaign {
    pub(super) dir: PathBuf,
    pub(super) file: CampaignFile,
    pub(super) journal: Journal,
    pub(super) workload: &'static dyn Workload,
    pub(super) host_boot: String,
    pub(super) force: bool,
    pub(super) keep: Keep,
    /// Cells that have failed are measured again.
    pub(super) reopen: bool,
    /// Boots in a row, of this call, that gave no value.
    pub(super) futile: u32,
    /// The last thing that went wrong.
    pub(super) last_failure: Option<Failure>,
    pub(super) additions: Additions,
    /// Holds the lock on the directory.
    _lock: File,
}

impl Campaign {
    /// Writes a new campaign's plan, durable before anything slow happens. An existing directory is refused.
    pub fn create(dir: &Path, file: &CampaignFile) -> Result<(), CampaignError> {
        if dir.symlink_metadata().is_ok() {
            return Err(CampaignError::exists(dir));
        }
        let parent = store::parent(dir);
        create_directory(parent)?;
        // Whole or not at all: a directory without a plan could neither be run nor resumed.
        // What a perfvt that was killed here has left may hold a secret.
        edge::owned::remove_dead(parent);
        let staging = Scratch::staging(parent, "").map_err(io_error("creating a directory in", parent))?;
        let new = staging.path().join("campaign");
        create_directory(&new)?;
        secrets::write(&new, &file.environments)?;
        store::write_json(&new.join(CAMPAIGN_FILE), file)?;
        edge::write::rename_new(&new, dir).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => CampaignError::exists(dir),
            _ => io_error("creating", dir)(e).into(),
        })?;
        Ok(store::sync_directory(parent)?)
    }

    /// The plan of a campaign as it stands, with everything that was added to it, for whoever only looks: nothing is
    /// locked.
    ///
    /// # Errors
    /// `campaign.json` or the plan of a joined environment cannot be read.
    pub fn plan_in(dir: &Path, state: &State) -> Result<CampaignFile, CampaignError> {
        let mut file = read_plan(dir)?;
        Additions::take_in(dir, &mut file, state)?;
        Ok(file)
    }

    /// The same with its secrets, for whoever is about to go on with it.
    ///
    /// # Errors
    /// Those of [`Campaign::plan_in`], or the journal or `secrets.json` cannot be read.
    pub fn stored_plan(dir: &Path) -> Result<CampaignFile, CampaignError> {
        let mut file = Self::plan_in(dir, &State::of(&Journal::events(dir)?))?;
        secrets::take_in(dir, &mut file.environments)?;
        Ok(file)
    }

    /// Takes a campaign into this process's hands: locks it, reads its plan and journal, removes half-written files.
    pub fn open(dir: &Path, host_boot: &str) -> Result<Campaign, CampaignError> {
        Self::open_with(dir, host_boot, workload::find)
    }

    /// The same with a list of workloads of the caller's own.
    pub fn open_with(
        dir: &Path,
        host_boot: &str,
        find: impl Fn(&str) -> Option<&'static dyn Workload>,
    ) -> Result<Campaign, CampaignError> {
        let mut file = read_plan(dir)?;
        let lock = edge::read::directory(dir).map_err(io_error("opening", dir))?;
        take(&lock, FlockOperation::NonBlockingLockExclusive, dir)
            .map_err(|(_, holder)| CampaignError::Busy { path: dir.to_owned(), holder })?;
        store::remove_unfinished(dir)?;
        let workload = find(&file.workload).ok_or_else(|| CampaignError::UnknownWorkload {
            path: dir.to_owned(),
            workload: file.workload.clone(),
        })?;
        let journal = Journal::open(dir)?;
        let additions = Additions::take_in(dir, &mut file, &journal.state)?;
        secrets::take_in(dir, &mut file.environments)?;
        Ok(Campaign {
            dir: dir.to_owned(),
            file,
            journal,
            workload,
            host_boot: host_boot.to_owned(),
            force: false,
            keep: Keep::default(),
            reopen: false,
            futile: 0,
            last_failure: None,
            additions,
            _lock: lock,
        })
    }

    /// Goes on although the host, QEMU or the guest has changed since the campaign began.
    pub fn force(&mut self) {
        self.force = true;
    }

    /// Says what of ended boots is kept; without it, everything is.
    pub fn keep(&mut self, keep: Keep) {
        self.keep = keep;
    }

    /// The plan.
    pub fn file(&self) -> &CampaignFile {
        &self.file
    }

    /// How it stands.
    pub fn state(&self) -> &State {
        &self.journal.state
    }
}

/// The plan as it was written first, once it holds together.
fn read_plan(dir: &Path) -> Result<CampaignFile, CampaignError> {
    let mut file: CampaignFile =
        store::read_json(&dir.join(CAMPAIGN_FILE), model::campaign::CAMPAIGN_FORMAT)?;
    validate(dir, &file)?;
    // One that was written before there were secrets holds them in plain.
    file.argv.iter_mut().for_each(|word| *word = masked(word));
    Ok(file)
}
