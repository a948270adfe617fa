//! What a profile of an environment consists of: samples of where its guests and their QEMU spent their time, taken in a boot of
//! its own that is never judged.

use crate::case::Case;
use serde::{Deserialize, Serialize};

/// The folder of profiles in an environment's directory.
pub const PROFILE_DIR: &str = "profile";

/// The flame graph in a profiled case's folder.
pub const FLAME_FILE: &str = "flame.svg";

/// The profile of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Who took it: `perf`, or the user's command.
    pub profiler: String,
    /// Name of its boot, none of whose values count.
    pub boot: String,
    /// Its cases.
    #[serde(default)]
    pub cases: Vec<ProfiledCase>,
    /// What could not be profiled, and why, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
}

/// One case of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfiledCase {
    /// The case.
    pub case: Case,
    /// Its folder, relative to the environment's directory.
    pub folder: String,
    /// Whose stacks there are.
    pub stacks: Vec<ProfiledStacks>,
}

/// The stacks of one guest, or of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfiledStacks {
    /// `host`, or the guest's name.
    pub of: String,
    /// Samples.
    pub samples: u64,
}

impl ProfiledStacks {
    /// The name of their file in the case's folder: `host.folded.gz`.
    pub fn file(of: &str) -> String {
        format!("{of}.folded.gz")
    }
}

impl Profile {
    /// Samples of all cases.
    pub fn samples(&self) -> u64 {
        let all = self.cases.iter().flat_map(|case| &case.stacks);
        all.fold(0, |sum, stacks| sum.saturating_add(stacks.samples))
    }
}
