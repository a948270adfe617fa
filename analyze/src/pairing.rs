//! The baseline beside each candidate: common blocks, sessions, comparability.

use crate::comparability::{self, Comparability, Sides};
use crate::input::repeat::Repeat;
use crate::input::{Hosted, LoadedSide};
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
    /// The hosts on which both sides were measured, where they are several: rows are then judged by host, and neither `blocked` nor
    /// `in_order` is said of all of them.
    pub hosts: Option<PairHosts>,
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

/// Several hosts.
#[derive(Clone, Debug)]
pub(crate) struct PairHosts {
    /// So many were planned that the sentence is about hosts like these.
    pub random: bool,
    /// Each of them, in the order of [`crate::ComparedHosts::each`].
    pub each: Vec<PairHost>,
}

/// One of several hosts.
#[derive(Clone, Debug)]
pub(crate) struct PairHost {
    /// The numbers that its blocks may have: from, and up to without; empty of a host that gave nothing.
    pub range: Range<u32>,
    /// Blocks of its plan that hold both environments.
    pub plan: Vec<u32>,
    /// Its model is that of blocks.
    pub blocked: bool,
    /// The place within a block is a term of it.
    pub in_order: bool,
}

impl PairHost {
    /// Whether a block is one of its.
    pub fn holds(&self, block: u32) -> bool {
        self.range.contains(&block)
    }
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
        let of = |range: &Range<usize>| files.get(range.clone()).unwrap_or_default();
        let mut differences = match (&a.hosted, &b.hosted) {
            (Some(of_a), Some(of_b)) => by_shard(of_a, of_b, &factors),
            _ => Sides { a: &a.facts, b: &b.facts, factors: &factors }.differences(),
        };
        comparability::apart(&mut differences, &hosts_of(of(range_a)), &hosts_of(of(range_b)));
        let plan = match (&a.run, &b.run) {
            (Some(a), Some(b)) => plan(a, b),
            _ => None,
        };
        let planned = plan.as_ref().map_or(0, Vec::len);
        let mut sessions = Sessions::of(of(range_a), of(range_b), plan.as_deref());
        let are_replicates = sessions.are_replicates();
        let candidate_later = candidate_later(a.run.as_ref(), b.run.as_ref());
        let looks = looks(options, [a, b])?;
        let hosts = match (&a.hosted, plan.as_deref()) {
            (Some(hosted), Some(plan)) => {
                sessions.within_hosts();
                Some(pair_hosts(options, hosted, plan, &candidate_later, [a, b])?)
            }
            _ => None,
        };
        let blocked = hosts.is_none() && by_blocks(options, planned, are_replicates, [a, b])?;
        let alternate = plan.as_deref().is_some_and(|plan| alternates(plan, &candidate_later));
        pairings.push(Pairing {
            candidate,
            a: sessions.replicates(of(range_a), range_a),
            b: sessions.replicates(of(range_b), range_b),
            plan,
            candidate_later,
            hosts,
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

/// Facts on which two environments of one farm differ on any host that measured both: what differs from host to host is none.
fn by_shard(a: &Hosted, b: &Hosted, factors: &BTreeSet<String>) -> Classed {
    let mut out: BTreeMap<String, DifferenceClass> = BTreeMap::new();
    for (shard, a) in &a.facts {
        let Some(b) = b.facts.get(shard) else { continue };
        for (name, class) in (Sides { a, b, factors }).differences() {
            let known = out.entry(name).or_insert(class);
            *known = (*known).min(class);
        }
    }
    out.into_iter().collect()
}

/// The hosts of a side's files, as far as they tell them.
fn hosts_of(files: &[Repeat]) -> BTreeSet<&str> {
    let known = files.iter().filter_map(|file| file.origin.as_ref()).map(|origin| origin.host.as_str());
    known.filter(|host| !host.is_empty()).collect()
}

/// How each host's rows are judged: as a campaign of its own would be.
fn pair_hosts(
    options: &CompareOptions,
    hosted: &Hosted,
    plan: &[u32],
    later: &BTreeMap<u32, bool>,
    sides: [&LoadedSide; 2],
) -> Result<PairHosts, AnalyzeError> {
    if sides.iter().filter_map(|side| side.run.as_ref()).any(|run| Looks::of(&[Some(run)]).is_some()) {
        return Err(AnalyzeError::Option(format!(
            "{}: its campaigns were looked at more than once (a stopping rule, or boots that were added), and the limits of those looks \
             are for one host; compare the hosts one by one: {}",
            hosted.hosts.place,
            hosted.hosts.one_by_one()
        )));
    }
    let each = hosted.hosts.ranges.iter().map(|range| {
        let plan: Vec<u32> = plan.iter().copied().filter(|block| range.contains(block)).collect();
        let blocked = !plan.is_empty() && by_blocks(options, plan.len(), false, sides)?;
        let in_order = blocked && plan.len() >= MIN_BLOCKS_IN_ORDER && alternates(&plan, later);
        Ok(PairHost { range: range.clone(), plan, blocked, in_order })
    });
    let each = each.collect::<Result<_, AnalyzeError>>()?;
    Ok(PairHosts { random: hosted.hosts.planned >= stats::HOSTS_RANDOM_MIN, each })
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
