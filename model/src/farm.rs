//! `farm.json`: one comparison that is measured on several hosts, each of which has a shard of it.
//!
//! ```text
//! DIR/ID/farm.json      what was asked for; never changed
//! DIR/ID/events.jsonl   what was done about it: a shard was submitted, moved, cancelled, all was gathered
//! DIR/ID/shards/01@h1/  an ordinary campaign, with complete blocks of all environments on one host
//! ```

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version that [`FarmFile::format`] carries.
///
/// Changelog: 1, the first.
pub const FARM_FORMAT: u32 = 1;
/// Name of the description in a farm's directory.
pub const FARM_FILE: &str = "farm.json";
/// Name of the folder of shards in a farm's directory.
pub const SHARDS: &str = "shards";

/// The content of `farm.json`. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarmFile {
    /// Format version, [`FARM_FORMAT`].
    pub format: u32,
    /// Version of the perfvt that wrote it.
    pub perfvt: String,
    /// Name of the farm's run; also that of its directory.
    pub id: String,
    /// When it was planned, nanoseconds since the epoch.
    pub created_unix_ns: u64,
    /// The words behind `perfvt run` of every shard, without what differs between them.
    pub argv: Vec<String>,
    /// Seed from which those of the shards are counted: that of shard k is `seed` + k.
    pub seed: u64,
    /// Which hosts were asked for: `3*amd64&kvm`.
    pub asked: String,
    /// What is done on which host.
    pub shards: Vec<ShardPlan>,
    /// How jobs are begun.
    pub job: JobPlan,
}

/// One host's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPlan {
    /// Counted from 1.
    pub k: u32,
    /// Name of the host, as Slurm knows it.
    pub host: String,
    /// Seed of its campaign.
    pub seed: u64,
    /// Blocks of its campaign: boots of each environment.
    pub blocks: u32,
    /// Name of the host on which its clients run, which Slurm gives to the same job; absent where they are on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// How a job is begun on its host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPlan {
    /// perfvt itself, a path that all hosts have.
    pub program: PathBuf,
    /// The folder in which it begins, which words of `argv` may be relative to.
    pub folder: PathBuf,
    /// Where each host measures, on a disk of its own; absent for `/var/tmp/perfvt-farm-UID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<PathBuf>,
    /// Minutes after which a job is interrupted, and goes on in a new one; absent for the partition's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// Who gets Slurm's mail about ends of jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Further options of sbatch's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sbatch: Vec<String>,
    /// A program, with its arguments, that each host runs before it measures for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Each host boots before it measures; with a kernel of the host as a factor, before each boot of a guest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_boots: bool,
    /// Which hosts of clients were asked for: `c1,c2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<String>,
}

/// Which shard of a farm a campaign is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarmShard {
    /// [`FarmFile::id`].
    pub id: String,
    /// [`ShardPlan::k`].
    pub shard: u32,
    /// How many shards the farm has.
    pub of: u32,
    /// Name of the host that measures it.
    pub host: String,
}

impl FarmShard {
    /// The name of its folder in [`SHARDS`]: `01@h1`.
    pub fn folder(&self) -> String {
        shard_folder(self.shard, &self.host)
    }
}

/// The folder of a shard on a host: `01@h1`.
pub fn shard_folder(k: u32, host: &str) -> String {
    format!("{k:02}@{host}")
}
