//! The baseline beside each candidate: common blocks, sessions, comparability.

use crate::comparability::{self, Comparability, Sides};
use crate::input::LoadedSide;
use crate::input::repeat::Repeat;
use crate::options::{CompareOptions, TestChoice, VarianceChoice};
use crate::replicates::Replicates;
use crate::sequential::Looks;
use crate::sessions::Sessions;
use crate::{AnalyzeError, DifferenceClass};
use model::RunFile;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Blocks that the plan must hold before rows are judged by blocks.
pub const MIN_BLOCKS: usize = 5;

/// Blocks that the plan must hold before the place within a block is a term of the model: from here on the degree of freedom
/// that it takes raises the critical value at .05/24 by less than a twentieth.
pub const MIN_BLOCKS_IN_ORDER: usize = 10;

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
    /// Of the blocks of the plan, whether the candidate was booted after the baseline.
    pub candidate_later: BTreeMap<u32, bool>,
    /// The rows are judged by blocks.
    pub blocked: bool,
    /// The place within a block is a term of the model.
    pub in_order: bool,
    /// How the sides stand to each other's sessions.
    pub sessions: Sessions,
    /// Whether the sides were measured alike.
    pub comparability: Comparability,
    /// So many of the candidate's repeats `--noise` was learnt from: it holds the change itself, and is not used.
    pub learnt: usize,
    /// The looks at the sides, when there was more than one.
    pub looks: Option<Looks>,
}

impl Pairing {
    /// Whether the candidate was booted after the baseline in a block, where that is a term of the model.
    pub fn b_later(&self, block: u32) -> Option<bool> {
        self.candidate_later.get(&block).copied().filter(|_| self.in_order)
    }

    /// What sessions add to the squared error of the difference, where that is known and they are a part of it.
    pub fn session_part(&self, options: &CompareOptions) -> Option<stats::ErrorPart> {
        options.noise.as_ref().filter(|_| self.learnt == 0)?.part(self.sessions.weight)
    }
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
        let plan = match (&a.run, &b.run) {
            (Some(a), Some(b)) => plan(a, b),
            _ => None,
        };
        let planned = plan.as_ref().map_or(0, Vec::len);
        let of = |range: &Range<usize>| files.get(range.clone()).unwrap_or_default();
        let sessions = Sessions::of(of(range_a), of(range_b), plan.as_deref());
        let are_replicates = sessions.are_replicates();
        let blocked = by_blocks(options, planned, are_replicates, [a, b])?;
        let looks = looks(options, [a, b])?;
        let candidate_later = candidate_later(a.run.as_ref(), b.run.as_ref());
        let alternate = plan.as_deref().is_some_and(|plan| alternates(plan, &candidate_later));
        pairings.push(Pairing {
            candidate,
            a: sessions.replicates(of(range_a), range_a),
            b: sessions.replicates(of(range_b), range_b),
            plan,
            candidate_later,
            blocked,
            // The limits of a rule's looks are those of blocks alone.
            in_order: blocked && looks.is_none() && planned >= MIN_BLOCKS_IN_ORDER && alternate,
            sessions,
            comparability: comparability::comparability(&differences),
            learnt: learnt(options, of(range_b)),
            looks,
        });
        all_differences.push(differences);
    }
    Ok((pairings, all_differences))
}

/// How many of a candidate's repeats `--noise` was learnt from.
fn learnt(options: &CompareOptions, candidate: &[Repeat]) -> usize {
    let Some(noise) = &options.noise else { return 0 };
    candidate.iter().filter(|repeat| noise.is_learnt_from(repeat.content)).count()
}

/// Whether rows are judged by blocks, of which so many are planned.
fn by_blocks(
    options: &CompareOptions,
    planned: usize,
    are_replicates: bool,
    [a, b]: [&LoadedSide; 2],
) -> Result<bool, AnalyzeError> {
    match options.test {
        TestChoice::Auto => Ok(planned >= MIN_BLOCKS && !are_replicates),
        TestChoice::Welch | TestChoice::Student => Ok(false),
        TestChoice::Blocked if are_replicates => Err(AnalyzeError::Option(format!(
            "test = blocked: {} and {} share no session (a campaign in one boot of the host), so that the replicate is \
             the session, which spans blocks; use welch",
            a.label, b.label
        ))),
        TestChoice::Blocked if planned < 2 => Err(AnalyzeError::Option(format!(
            "test = blocked: {} and {} are not environments of one campaign with two or more common blocks; use welch",
            a.label, b.label
        ))),
        TestChoice::Blocked => Ok(true),
    }
}

/// The looks at two sides, where there was more than one.
fn looks(options: &CompareOptions, [a, b]: [&LoadedSide; 2]) -> Result<Option<Looks>, AnalyzeError> {
    let looks = Looks::of(&[a.run.as_ref(), b.run.as_ref()]);
    if looks.is_some() && options.variance == VarianceChoice::Moderated {
        return Err(AnalyzeError::Option(format!(
            "variance = moderated: {} and {} were looked at more than once (a stopping rule, or boots that were added), and the \
             limits of those looks are for each row's own variance; use own",
            a.label, b.label
        )));
    }
    Ok(looks)
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

/// Whether a plan boots each of the two first as often as the other, but for one odd block.
fn alternates(plan: &[u32], candidate_later: &BTreeMap<u32, bool>) -> bool {
    let later = plan.iter().filter(|block| candidate_later.get(block) == Some(&true)).count();
    let earlier = plan.iter().filter(|block| candidate_later.get(block) == Some(&false)).count();
    later + earlier == plan.len() && later.abs_diff(earlier) <= 1
}

/// Of each block of a campaign that holds both environments, whether that of `b` was booted after that of `a`.
fn candidate_later(a: Option<&RunFile>, b: Option<&RunFile>) -> BTreeMap<u32, bool> {
    let (Some(a), Some(b)) = (a, b) else { return BTreeMap::new() };
    let later = |members: &[String]| {
        let place = |run: &RunFile| members.iter().position(|m| *m == run.environment);
        Some(place(a)? < place(b)?)
    };
    a.blocks.iter().filter_map(|m| Some((m.block, later(&m.environments)?))).collect()
}
