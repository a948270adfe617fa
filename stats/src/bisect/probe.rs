//! Which commits to measure next, and when to stop.

use super::posterior::{BisectClass, BisectReading};

/// How likely a class has to be before its commit is named.
pub const BISECT_CERTAIN: f64 = 0.95;

/// Where probes are looked for beside the commits that are built: where so much of the probability lies at or before them.
const QUANTILES: [f64; 5] = [0.2, 1.0 / 3.0, 0.5, 2.0 / 3.0, 0.8];

/// How far the second probe of a round is from the first, in probability.
const APART: f64 = 0.1;

/// What is known of the commits' builds.
#[derive(Debug, Clone, Copy)]
pub struct BisectProbes<'a> {
    /// Whether each commit (from the good end on) is built already and boots.
    pub built: &'a [bool],
    /// Whether each commit is known not to build or not to boot: never measured, never cleared.
    pub broken: &'a [bool],
    /// What a build costs in boots.
    pub build_cost: f64,
}

/// Why nothing more is to be measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BisectStop {
    /// This commit: it and the one before it were measured.
    Named(usize),
    /// One of the commits of this class: those between its ends do not build or do not boot.
    Among(BisectClass),
}

impl BisectProbes<'_> {
    fn is(&self, of: &[bool], commit: usize) -> bool {
        of.get(commit).copied().unwrap_or(false)
    }

    /// Whether the range is decided.
    pub fn stop(&self, read: &BisectReading) -> Option<BisectStop> {
        let class = read.likeliest();
        if class.share < BISECT_CERTAIN {
            return None;
        }
        if class.size() == 1 {
            return Some(BisectStop::Named(class.upto));
        }
        let between = class.after + 1..class.upto;
        between.clone().all(|commit| self.is(self.broken, commit)).then_some(BisectStop::Among(class))
    }

    /// The nearest commit to this one that can be built, the earlier of two; the ends are none.
    fn near(&self, commit: usize, last: usize) -> Option<usize> {
        let able = |at: &usize| (1..last).contains(at) && !self.is(self.broken, *at);
        (0..last).find_map(|away| {
            let earlier = commit.checked_sub(away).filter(&able);
            earlier.or_else(|| Some(commit + away).filter(&able))
        })
    }

    /// The commits that a next round measures beside the good end: at most two, the more telling first. None when nothing
    /// between the ends can be measured.
    pub fn next(&self, read: &BisectReading) -> Vec<usize> {
        let last = read.last();
        let mut candidates: Vec<usize> =
            (1..=last).filter(|at| self.is(self.built, *at) && !self.is(self.broken, *at)).collect();
        for quantile in QUANTILES {
            let at = (1..=last).find(|commit| read.slow_at(*commit) >= quantile);
            candidates.extend(at.and_then(|at| self.near(at, last)));
        }
        candidates.sort_unstable();
        candidates.dedup();
        let worth = |commit: usize| {
            let slow = read.slow_at(commit);
            let cost = if self.is(self.built, commit) { 0.0 } else { self.build_cost };
            slow * (1.0 - slow) / (1.0 + cost)
        };
        candidates.sort_by(|x, y| worth(*y).total_cmp(&worth(*x)).then(x.cmp(y)));
        let Some(first) = candidates.first().copied() else { return Vec::new() };
        let far = |commit: usize| (read.slow_at(commit) - read.slow_at(first)).abs() >= APART;
        // One build a round: what a second one would tell is cheaper after the first has told something.
        let one_is_new = !self.is(self.built, first);
        let cheap = |commit: usize| !one_is_new || self.is(self.built, commit);
        let second = candidates.iter().skip(1).copied().find(|at| far(*at) && cheap(*at));
        std::iter::once(first).chain(second).collect()
    }
}
