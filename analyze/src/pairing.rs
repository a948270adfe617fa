//! The baseline beside each candidate: common blocks, host boots, comparability.

use crate::comparability::{self, Comparability, Sides};
use crate::input::LoadedSide;
use crate::input::repeat::{BootName, Repeat};
use crate::options::{CompareOptions, TestChoice};
use crate::sequential::Looks;
use crate::{AnalyzeError, DifferenceClass};
use model::RunFile;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// Where the replicates of one side are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replicates {
    /// Its files, as indices into all files.
    pub files: Range<usize>,
    /// Host boot of every boot of every file of the side, when the host boot is the replicate.
    pub host_boots: Option<Vec<Vec<u32>>>,
    /// How many replicates a row has that all files of the side give.
    pub complete: usize,
    /// The same for each workload: not every file need hold each of them.
    pub of_workload: BTreeMap<String, usize>,
    /// Files that must stay out of boot scores, because more than one guest boot gave them.
    pub split: Vec<bool>,
}

impl Replicates {
    /// How many replicates a complete row of a workload has.
    pub fn complete_of(&self, workload: &str) -> usize {
        self.of_workload.get(workload).copied().unwrap_or(self.complete)
    }
}

/// Blocks that the plan must hold before rows are judged by blocks.
pub const MIN_BLOCKS: usize = 5;

/// The values of one block among those of a side, whose blocks are `blocks`.
pub(crate) fn of_block<'v>(values: &'v [f64], blocks: &[u32], block: u32) -> &'v [f64] {
    let Some(start) = blocks.iter().position(|b| *b == block) else { return &[] };
    let length = blocks.iter().skip(start).take_while(|b| **b == block).count();
    values.get(start..start + length).unwrap_or_default()
}

/// Differences between the baseline and one candidate, by name.
pub(crate) type Classed = Vec<(String, DifferenceClass)>;

/// The baseline and one candidate.
#[derive(Clone, Debug)]
pub(crate) struct Pairing {
    /// Index into [`crate::Comparison::b`].
    pub candidate: usize,
    /// Baseline.
    pub a: Replicates,
    /// Candidate.
    pub b: Replicates,
    /// Blocks of the plan that hold both environments, when they were measured in one campaign.
    pub plan: Option<Vec<u32>>,
    /// The rows are judged by blocks.
    pub blocked: bool,
    /// The sides never shared a host boot, and one of them has a single one.
    pub one_host_boot: bool,
    /// Whether the sides were measured alike.
    pub comparability: Comparability,
    /// The looks at the sides, when there was more than one.
    pub looks: Option<Looks>,
}

/// One pairing for each candidate, with the facts on which it differs from the baseline.
pub(crate) fn pairings(
    options: &CompareOptions,
    sides: &[LoadedSide],
    files: &[Repeat],
    ranges: &[Range<usize>],
) -> Result<(Vec<Pairing>, Vec<Classed>), AnalyzeError> {
    let (Some(a), Some(range_a)) = (sides.first(), ranges.first()) else {
        return Err(AnalyzeError::Sides("nothing to compare".into()));
    };
    let mut pairings = Vec::new();
    let mut all_differences = Vec::new();
    for (candidate, (b, range_b)) in sides.iter().zip(ranges).skip(1).enumerate() {
        let mut factors: BTreeSet<String> = options.factors.iter().cloned().collect();
        factors.extend(
            [a, b].into_iter().filter_map(|s| s.run.as_ref()).flat_map(|r| r.factors.iter().cloned()),
        );
        let differences = Sides { a: &a.facts, b: &b.facts, factors: &factors }.differences();
        let hosts = Hosts::of(files, range_a, range_b);
        let plan = match (&a.run, &b.run) {
            (Some(a), Some(b)) => plan(a, b),
            _ => None,
        };
        let planned = plan.as_ref().map_or(0, Vec::len);
        let blocked = match options.test {
            TestChoice::Auto => planned >= MIN_BLOCKS && !hosts.are_replicates,
            TestChoice::Welch | TestChoice::Student => false,
            TestChoice::Blocked if hosts.are_replicates => {
                return Err(AnalyzeError::Option(format!(
                    "test = blocked: {} and {} share no host boot, so that the replicate is the host boot, which spans \
                     blocks; use welch",
                    a.label, b.label
                )));
            }
            TestChoice::Blocked if planned < 2 => {
                return Err(AnalyzeError::Option(format!(
                    "test = blocked: {} and {} are not environments of one campaign with two or more common blocks; use welch",
                    a.label, b.label
                )));
            }
            TestChoice::Blocked => true,
        };
        pairings.push(Pairing {
            candidate,
            a: hosts.replicates(files, range_a),
            b: hosts.replicates(files, range_b),
            plan,
            blocked,
            one_host_boot: hosts.one_each,
            comparability: comparability::comparability(&differences),
            looks: Looks::of(&[a.run.as_ref(), b.run.as_ref()]),
        });
        all_differences.push(differences);
    }
    Ok((pairings, all_differences))
}

/// Blocks of the plan that hold both environments of one campaign.
fn plan(a: &RunFile, b: &RunFile) -> Option<Vec<u32>> {
    if a.campaign != b.campaign || a.environment == b.environment {
        return None;
    }
    let holds = |members: &[String]| members.contains(&a.environment) && members.contains(&b.environment);
    let mut blocks: Vec<u32> =
        a.blocks.iter().filter(|m| holds(&m.environments) && !m.sequential).map(|m| m.block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    Some(blocks)
}

/// How the host boots of two sides stand to each other.
///
/// A factor that needs a reboot of the host shows in that the sides never share a host boot; then whatever a host boot
/// does to a guest is part of the difference.
struct Hosts {
    /// Index of each host boot.
    index: HashMap<String, u32>,
    /// The host boot is the replicate: none is shared, and each side has two or more.
    are_replicates: bool,
    /// None is shared, and a side has one only.
    one_each: bool,
}

impl Hosts {
    fn of(files: &[Repeat], a: &Range<usize>, b: &Range<usize>) -> Hosts {
        let names = |range: &Range<usize>| -> BTreeSet<String> {
            let boots = files.get(range.clone()).unwrap_or_default().iter().flat_map(|f| &f.boots);
            boots.map(|b| b.host_boot.clone()).filter(|h| !h.is_empty()).collect()
        };
        let (a, b) = (names(a), names(b));
        let apart = !a.is_empty() && !b.is_empty() && a.is_disjoint(&b);
        let fewest = a.len().min(b.len());
        let index = a.iter().chain(&b).cloned().zip(0..).collect();
        Hosts { index, are_replicates: apart && fewest >= 2, one_each: apart && fewest == 1 }
    }

    fn replicates(&self, files: &[Repeat], range: &Range<usize>) -> Replicates {
        let own = files.get(range.clone()).unwrap_or_default();
        let index = |b: &BootName| self.index.get(&b.host_boot).copied().unwrap_or(u32::MAX);
        let split: Vec<bool> = own.iter().map(|f| f.boots.len() > 1).collect();
        if !self.are_replicates {
            let of_workload = of_workload(own);
            return Replicates {
                files: range.clone(),
                host_boots: None,
                complete: own.len(),
                of_workload,
                split,
            };
        }
        let host_boots: Vec<Vec<u32>> = own.iter().map(|f| f.boots.iter().map(index).collect()).collect();
        let complete = host_boots.iter().flatten().collect::<BTreeSet<_>>().len();
        let of_workload = of_workload(own).into_keys().map(|name| (name, complete)).collect();
        Replicates {
            files: range.clone(),
            host_boots: Some(host_boots),
            complete,
            of_workload,
            split: Vec::new(),
        }
    }
}

/// How many files hold each workload.
pub(crate) fn of_workload(files: &[Repeat]) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for file in files {
        for name in file.tables.iter().map(|t| &t.workload).collect::<BTreeSet<_>>() {
            *out.entry(name.clone()).or_default() += 1;
        }
    }
    out
}
