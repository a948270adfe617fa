//! `run.json`: what `perfvt compare` must know about one environment's directory, so that it can be moved alone.

use crate::campaign::Rule;
use crate::failure::FailedAttempt;
use crate::farm::FarmShard;
use crate::fingerprint::Fingerprint;
use crate::metric::MetricDecl;
use crate::profile::Profile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that [`RunFile::format`] carries.
///
/// Changelog: 1, the first; later, within 1: facts that changed, attempts that failed, guests that were started, whether the
/// campaign has ended, the profile.
pub const RUN_FORMAT: u32 = 1;

/// The content of `run.json`. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// Format version, [`RUN_FORMAT`].
    pub format: u32,
    /// Version of the perfvt that wrote it.
    pub perfvt: String,
    /// Name of the campaign, unique over all machines.
    pub campaign: String,
    /// Name of the environment: `base`.
    pub environment: String,
    /// Workload, perf.conf's section.
    pub workload: String,
    /// Who talks to whom: `host_guest`.
    pub scenario: String,
    /// When the environment was first booted, nanoseconds since the epoch.
    pub started_unix_ns: u64,
    /// Every parameter in force, expanded.
    pub params: BTreeMap<String, String>,
    /// Keys that `--env` set for one environment or another: the intended factors.
    pub factors: Vec<String>,
    /// Boots planned.
    pub repeats: u32,
    /// Blocks of the plan that hold this environment, with the environments that share them.
    pub blocks: Vec<BlockMembers>,
    /// The stopping rule.
    pub rule: Rule,
    /// Boots of this environment at each look after boots were added to what the rule allows, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<u32>,
    /// What the workload produces here.
    pub metrics: Vec<MetricDecl>,
    /// `kvm` or `tcg`.
    pub accel: String,
    /// Network as resolved: `tap` or `user`.
    pub network: String,
    /// Sentences about this environment that every report must show, for example the fallback to TCG.
    pub warnings: Vec<String>,
    /// Host, tools and guest as they were found.
    pub fingerprint: Fingerprint,
    /// Facts that a later boot found changed. A run.json from before there was this member has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FactChange>,
    /// Every attempt that failed, in the order in which they did, whatever a later one came to; see
    /// [`crate::journal::State::failures`]. A run.json from before there was this member has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedAttempt>,
    /// How many guests were started and came to an end of their own, see [`crate::journal::State::guests`]: the number of
    /// which those failed that have a failure outside any case. 0 in a run.json from before there was this member.
    #[serde(default)]
    pub started: u32,
    /// Whether the campaign has finished; `Some(false)` while it runs and after an interruption, `None` in a run.json from
    /// before there was this member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<bool>,
    /// Which shard of a farm the campaign is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farm: Option<FarmShard>,
    /// Where the environment's guests and QEMU spent their time in a boot of its own, which is never judged (`profiler`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// A fact that changed between the boots of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactChange {
    /// The fact: `host.governor`.
    pub fact: String,
    /// What the first boot found; `None` when it did not know.
    pub was: Option<String>,
    /// What a later one found.
    pub is: Option<String>,
}

/// One block and the environments that were booted in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockMembers {
    /// Block, counted from 1.
    pub block: u32,
    /// Names of the environments in the block, in the order in which they were booted.
    pub environments: Vec<String>,
    /// It was measured by itself, after a join, and is never paired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sequential: bool,
}
