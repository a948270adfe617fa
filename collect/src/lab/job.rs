//! A case as a job for a guest that nobody talks to, and what comes of it.

use super::Failed;
use model::{Accel, Case, Code, Params, StoredParam};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The job in the folder with its files.
pub const JOB: &str = "job.json";
/// What tells why a job failed, among its results.
pub const FAILURE: &str = "failure.json";
/// What a guest tells of itself, among the results of a job without a case.
pub const FACTS: &str = "facts.txt";
/// The release of its kernel.
pub const RELEASE: &str = "release.txt";
/// Which of the files with counters it has, one on each line.
pub const COUNTERS: &str = "counters.txt";

/// A case that is to be measured in a guest, without anybody who talks to it.
pub struct Whole<'a> {
    /// The workload's name.
    pub workload: &'a str,
    /// What is measured.
    pub case: &'a Case,
    /// With which parameters.
    pub params: &'a Params,
    /// Files of this host that the workload reads itself, by key; whether their names are words of a list.
    pub reads: Vec<(&'static str, PathBuf, bool)>,
    /// How long it may take in the guest, beside the deadlines of each step.
    pub limit: Duration,
    /// How often the host is looked at within its window.
    pub interval: Duration,
}

/// A job as it stands on its disk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Job {
    /// The workload's name.
    pub workload: String,
    /// What is measured; without one the guest tells of itself.
    pub case: Option<Case>,
    /// With which parameters.
    pub params: BTreeMap<String, StoredParam>,
    /// The paths in the guest of what the user brought, by key.
    pub brought: BTreeMap<String, String>,
    /// Whether the hardware executes the guest.
    pub kvm: bool,
}

impl Job {
    /// How the guest is executed.
    pub fn accel(&self) -> Accel {
        if self.kvm { Accel::Kvm } else { Accel::Tcg }
    }

    /// Its parameters.
    pub fn params(&self) -> Params {
        let mut params = Params::new();
        for (key, stored) in &self.params {
            params.set(key, &stored.value, stored.origin.clone());
        }
        params
    }
}

/// Why a job failed, as a guest tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    code: Code,
    reason: String,
}

impl From<&Failed> for Told {
    fn from(failed: &Failed) -> Told {
        Told { code: failed.code, reason: failed.reason.clone() }
    }
}

impl From<Told> for Failed {
    fn from(told: Told) -> Failed {
        Failed::new(told.code, told.reason)
    }
}
