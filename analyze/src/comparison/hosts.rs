//! Hosts as a factor: which hosts a comparison is about, and what each of them says of a row (statistics.md, "Hosts").

use super::{Interval, Model, ModelTest, Reason, Verdict};
use serde::Serialize;

/// The hosts that measured both sides, where they are several.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ComparedHosts {
    /// Which hosts the sentences are about.
    pub about: AboutHosts,
    /// Hosts of the plan, of which `about` follows: never of what came out.
    pub planned: usize,
    /// The farm's id; absent where ordinary campaigns were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub farm: Option<String>,
    /// Each of them, those that gave nothing too.
    pub each: Vec<ComparedHost>,
}

/// Which hosts a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AboutHosts {
    /// These hosts, and no others: fewer than five were planned.
    TheseHosts,
    /// Hosts like these: five or more were planned.
    HostsLikeThese,
}

/// One host of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ComparedHost {
    /// What people call it.
    pub name: String,
    /// `host.id`; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: Option<String>,
    /// Its processor; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub cpu: Option<String>,
    /// What it measured; empty where it gave nothing.
    pub shards: Vec<HostShard>,
    /// Complete blocks of the row that has most.
    pub complete: usize,
}

/// A campaign of one host. Its blocks have numbers of their own among those of all hosts: its block b is `first` + b - 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HostShard {
    /// Its number.
    pub shard: u32,
    /// Its directory.
    pub path: String,
    /// The number of its first block.
    pub first: u32,
    /// That of its last.
    pub last: u32,
}

/// A row by host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RowHosts {
    /// Hosts that the estimate rests on.
    pub counted: usize,
    /// Whether the effect differs from host to host by more than their own errors allow; null where fewer than two have an error.
    pub differ: Option<HostsDiffer>,
    /// Each host, in the order of [`ComparedHosts::each`].
    pub each: Vec<HostRow>,
    /// It is about hosts like these.
    #[serde(skip)]
    pub(crate) random: bool,
}

/// The variance between the hosts' estimates over the mean of their squared errors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HostsDiffer {
    /// The F.
    pub f: f64,
    /// Hosts - 1.
    pub df_between: f64,
    /// Satterthwaite.
    pub df_within: f64,
    /// The chance of an F as large where all hosts have one effect.
    pub p: f64,
}

/// A row as one host alone shows it: what a comparison of its campaign would say.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HostRow {
    /// Index into [`ComparedHosts::each`].
    pub host: usize,
    /// Values of A; those of the hosts stand in [`super::Sample::values`] one host after the other.
    pub a: usize,
    /// Values of B.
    pub b: usize,
    /// Complete blocks.
    pub blocks: usize,
    /// The estimate of all hosts rests on it, too.
    pub counted: bool,
    /// Its model.
    pub model: Option<Model>,
    /// B / A.
    pub ratio: Option<f64>,
    /// The 95 % interval of `ratio`.
    pub ratio_ci: Option<Interval>,
    /// B - A, in the row's unit.
    pub diff: Option<f64>,
    /// The 95 % interval of `diff`.
    pub diff_ci: Option<Interval>,
    /// Its test on the row's scale; absent where nothing varies or was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "ModelTest"))]
    pub test: Option<ModelTest>,
    /// Its model's p.
    pub p: Option<f64>,
    /// `p` corrected within the family of this host; null outside it.
    pub q: Option<f64>,
    /// The verdict of this host alone.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<Reason>,
    /// Complete blocks in which the candidate was booted after the baseline, where the place within a block is a term of its model;
    /// absent elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<u32>"))]
    pub b_later: Vec<u32>,
    /// Its model is that of blocks.
    #[serde(skip)]
    pub(crate) blocked: bool,
}

impl ComparedHosts {
    /// Hosts that the sentences are about: of hosts in general those that gave a complete block, of these hosts those that gave two, of
    /// which an error can be taken.
    pub fn heard(&self) -> impl Iterator<Item = &ComparedHost> {
        let least = if self.about == AboutHosts::TheseHosts { 2 } else { 1 };
        self.each.iter().filter(move |host| host.complete >= least)
    }

    /// Hosts that gave a complete block and are left out all the same.
    pub fn left_out(&self) -> impl Iterator<Item = &ComparedHost> {
        self.each.iter().filter(|host| host.complete == 1 && self.about == AboutHosts::TheseHosts)
    }

    /// Those of the plan that gave none.
    pub fn missing(&self) -> impl Iterator<Item = &ComparedHost> {
        self.each.iter().filter(|host| host.complete == 0)
    }
}
