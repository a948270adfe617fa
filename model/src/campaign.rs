//! `campaign.json`: the plan, written and fsynced before anything slow happens, and never changed.

use crate::case::Case;
use crate::farm::FarmShard;
use crate::params::{Params, StoredParam};
use edge::Secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that [`CampaignFile::format`] carries.
///
/// Changelog: 1, the first; later it got the rule `until`, `confirm`, and `sequential` of blocks, which older readers
/// refuse or do not need. 2: the origin of a parameter is a value ([`crate::params::Origin`]), where it was a text.
pub const CAMPAIGN_FORMAT: u32 = 2;

/// When measuring stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Rule {
    /// After a number of boots fixed beforehand.
    Fixed {
        /// Boots of each environment.
        repeats: u32,
    },
    /// Case by case, when its intervals are narrow enough (docs/statistics.md, "Sequential stopping").
    Until {
        /// The half-width that settles a case, as a ratio minus 1.
        half_width: f64,
        /// Boots of each environment before the first look.
        floor: u32,
        /// Boots of each environment at most.
        ceiling: u32,
        /// No block begins when this many seconds have been spent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget_seconds: Option<u64>,
    },
}

impl Rule {
    /// Boots of each environment that the rule allows.
    pub fn boots(&self) -> u32 {
        match self {
            Rule::Fixed { repeats } => *repeats,
            Rule::Until { ceiling, .. } => *ceiling,
        }
    }
}

/// One thing that is compared with another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentPlan {
    /// `base`; also the name of its directory.
    pub name: String,
    /// Every parameter in force, by key.
    pub params: BTreeMap<String, StoredParam>,
    /// Keys that this environment's `--env` set.
    pub factors: Vec<String>,
    /// What whoever planned it knows of it beside what hosts and guests tell: which commits lie behind its build, for one. They
    /// are among the facts of its results.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Values that `params` only say are set; they are kept elsewhere ([`crate::secrets`]).
    #[serde(skip)]
    pub secrets: BTreeMap<String, Secret>,
}

impl EnvironmentPlan {
    /// An environment with these parameters, of which `--env` set those of `factors`.
    pub fn new(name: impl Into<String>, params: &Params, factors: Vec<String>) -> EnvironmentPlan {
        EnvironmentPlan {
            name: name.into(),
            params: params.stored(),
            factors,
            facts: BTreeMap::new(),
            secrets: params.secrets().clone(),
        }
    }

    /// The parameters, with their origins and secrets.
    pub fn to_params(&self) -> Params {
        let mut params = Params::new();
        for (key, stored) in &self.params {
            params.set(key, &stored.value, stored.origin.clone());
        }
        params.take_secrets(&self.secrets);
        params
    }
}

/// One boot of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPlan {
    /// Index into [`CampaignFile::environments`].
    pub environment: usize,
    /// Repeat of that environment, counted from 1.
    pub repeat: u32,
    /// Indexes into [`CampaignFile::cases`], in the order in which they are to be measured.
    pub cases: Vec<usize>,
}

/// A block: each environment booted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPlan {
    /// Counted from 1.
    pub block: u32,
    /// It was measured by itself, after a join: its boots have no partner in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sequential: bool,
    /// The boots, in order.
    pub boots: Vec<BootPlan>,
}

/// The content of `campaign.json`. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignFile {
    /// Format version, [`CAMPAIGN_FORMAT`].
    pub format: u32,
    /// Version of the perfvt that wrote it.
    pub perfvt: String,
    /// Name of the campaign, unique over all machines.
    pub id: String,
    /// When it was planned, nanoseconds since the epoch.
    pub created_unix_ns: u64,
    /// Seed of the order of boots and cases.
    pub seed: u64,
    /// The command line, argument by argument.
    pub argv: Vec<String>,
    /// Workload, perf.conf's section.
    pub workload: String,
    /// Who talks to whom.
    pub scenario: String,
    /// `kvm` or `tcg`, as resolved.
    pub accel: String,
    /// `tap` or `user`, as resolved.
    pub network: String,
    /// Guests may run unpinned where the host has too few CPUs.
    #[serde(default)]
    pub allow_unpinned: bool,
    /// What its user calls the machine (`--machine`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Which shard of a farm it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farm: Option<FarmShard>,
    /// Exits of vCPUs can be counted.
    #[serde(default)]
    pub exits: bool,
    /// Sentences that every report must show.
    pub warnings: Vec<String>,
    /// When measuring stops.
    pub rule: Rule,
    /// Blocks in which cases with an alert are measured again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<u32>,
    /// What is compared.
    pub environments: Vec<EnvironmentPlan>,
    /// The matrix, in the workload's order (which is the order of the RHS file).
    pub cases: Vec<Case>,
    /// What is booted, in order.
    pub blocks: Vec<BlockPlan>,
}

impl CampaignFile {
    /// The boots with their blocks, in order.
    pub fn boots(&self) -> impl Iterator<Item = (u32, &BootPlan)> {
        self.blocks.iter().flat_map(|b| b.boots.iter().map(move |boot| (b.block, boot)))
    }
}
