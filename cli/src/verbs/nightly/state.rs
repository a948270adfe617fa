//! Where a night stands, so that one that was cut can go on: a lock, and a file that says which campaigns are in hand.

use crate::Error;
use model::store::{RUN_FILE, read_json};
use model::{RunFile, run::RUN_FORMAT};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The version of [`Night`].
const FORMAT: u32 = 1;
/// A night that began so many seconds ago is tonight's.
const TONIGHT: i64 = 12 * 3600;
/// Its file.
const STATE: &str = "nightly.json";
/// What is locked while a night is in hand.
const LOCK: &str = "nightly.lock";

/// A night in hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Night {
    pub format: u32,
    /// Seconds since the epoch at which it began.
    pub began: i64,
    /// The folder of its campaign, below that of all.
    pub campaign: String,
    /// What it measures was told with these words: build and commit.
    pub build: Option<String>,
    pub commit: Option<String>,
    /// The environment that is the anchor.
    pub anchor: Option<String>,
    /// Folders of campaigns that confirm events, by the events' names.
    #[serde(default)]
    pub confirming: BTreeMap<String, String>,
    /// Everything was done.
    pub done: bool,
}

impl Night {
    pub fn new(campaign: String, began: i64) -> Night {
        Night { format: FORMAT, began, campaign, ..Night::default() }
    }

    /// Whether it is the night that is now, or one of days ago.
    pub fn is_tonight(&self, now: i64) -> bool {
        now.saturating_sub(self.began) < TONIGHT
    }
}

/// The folder of all nights' campaigns.
pub(super) struct Results {
    dir: PathBuf,
    _lock: File,
}

impl Results {
    /// Takes the folder into this process's hands; None while another does a night there.
    pub fn take(dir: &Path) -> Result<Option<Results>, Error> {
        let failed = |what: &str, e: std::io::Error| format!("{what} {}: {e}", dir.display());
        edge::write::create_directory(dir).map_err(|e| failed("making", e))?;
        let lock = edge::write::open_lock(dir.join(LOCK)).map_err(|e| failed("locking", e))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Results { dir: dir.to_owned(), _lock: lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed("locking", error.into()).into()),
        }
    }

    pub fn path(&self, folder: &str) -> PathBuf {
        self.dir.join(folder)
    }

    /// The night that was in hand when perfvt ended, if one was.
    pub fn cut(&self) -> Result<Option<Night>, Error> {
        let path = self.dir.join(STATE);
        if !path.exists() {
            return Ok(None);
        }
        let night: Night = read_json(&path, FORMAT)?;
        Ok((!night.done).then_some(night))
    }

    /// Writes down where the night stands; it is there when this returns.
    pub fn note(&self, night: &Night) -> Result<(), Error> {
        let text = serde_json::to_string(night)?;
        let path = self.dir.join(STATE);
        edge::write_atomically(&path, format!("{text}\n").as_bytes())
            .map_err(|e| format!("writing {}: {e}", path.display()).into())
    }
}

/// Whether a campaign has come to its end in each environment.
pub(super) fn has_ended(dir: &Path, environments: &[&str]) -> bool {
    environments.iter().all(|name| {
        let run: Result<RunFile, _> = read_json(&dir.join(name).join(RUN_FILE), RUN_FORMAT);
        run.is_ok_and(|run| run.ended == Some(true))
    })
}
