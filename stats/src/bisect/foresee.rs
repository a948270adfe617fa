//! What a bisection will come to, simulated with the rules that it goes by: how often it is right, and what it takes.

use super::{BISECT_SESSION_RATIO, BisectBoot, BisectProbes, BisectRange, BisectStop, bisect_ends};
use crate::SplitMix64;

/// A bisection that is planned. Sizes are of logarithms (or of values, of a linear metric).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BisectDesign {
    /// Commits behind the good end.
    pub commits: usize,
    /// By how much the culprit moves the metric.
    pub step: f64,
    /// The standard deviation between boots of a session.
    pub boot_sd: f64,
    /// The standard deviation between sessions.
    pub session_sd: f64,
    /// What a build costs in boots.
    pub build_cost: f64,
    /// How many boots there may be, builds counted by their cost.
    pub budget: f64,
    /// Commits right before the culprit that do not build.
    pub unbuildable: usize,
}

/// How a bisection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BisectEnd {
    /// The culprit was named, or the class that holds it and of which the others do not build.
    Right,
    /// Another commit was named.
    Wrong,
    /// The budget was spent before.
    Budget,
    /// The ends did not differ within half of the budget.
    NotReproduced,
}

/// One simulated bisection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BisectRun {
    /// How it ended.
    pub end: BisectEnd,
    /// Boots.
    pub boots: usize,
    /// Builds, both ends among them.
    pub builds: usize,
}

/// Shares and means of many.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BisectForesight {
    /// The share in which the culprit is named.
    pub right: f64,
    /// The share in which another commit is.
    pub wrong: f64,
    /// The share that the budget ends.
    pub budget: f64,
    /// The share in which the ends do not differ within half of the budget.
    pub not_reproduced: f64,
    /// The mean of boots.
    pub boots: f64,
    /// The mean of builds.
    pub builds: f64,
}

/// Steps, as ratios less 1, among which the smallest that can be found is looked for.
const STEPS: [f64; 12] = [0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5];
/// How often a step has to be named rightly to count as one that can be found.
const FINDS: f64 = 0.8;

/// Boots at which a simulation ends whatever the budget is.
const MOST: usize = 5_000;

/// A bisection that goes on.
struct Lab<'a> {
    design: &'a BisectDesign,
    culprit: Option<usize>,
    random: SplitMix64,
    rounds: Vec<Vec<BisectBoot>>,
    built: Vec<bool>,
    broken: Vec<bool>,
    boots: usize,
}

impl Lab<'_> {
    fn round(&mut self, commits: &[usize]) {
        let session = self.design.session_sd * self.random.next_normal();
        let mut boots = Vec::with_capacity(commits.len());
        for commit in commits {
            if let Some(built) = self.built.get_mut(*commit) {
                *built = true;
            }
            let slow = if self.culprit.is_some_and(|c| *commit >= c) { self.design.step } else { 0.0 };
            let ln = slow + session + self.design.boot_sd * self.random.next_normal();
            boots.push(BisectBoot { commit: *commit, ln });
        }
        self.boots += commits.len();
        self.rounds.push(boots);
    }

    fn builds(&self) -> usize {
        self.built.iter().filter(|built| **built).count()
    }

    fn spent(&self) -> f64 {
        self.boots as f64 + self.design.build_cost * self.builds() as f64
    }

    fn ends_differ(&self) -> bool {
        let side = |at: usize| -> Vec<f64> {
            self.rounds.iter().filter_map(|boots| boots.get(at)).map(|boot| boot.ln).collect()
        };
        bisect_ends(&side(0), &side(1)).is_ok_and(|ends| ends.differ())
    }

    fn ended(&self, end: BisectEnd) -> BisectRun {
        BisectRun { end, boots: self.boots, builds: self.builds() }
    }

    /// From verified ends to the end.
    fn search(&mut self, range: &BisectRange) -> BisectRun {
        let right = |yes: bool| if yes { BisectEnd::Right } else { BisectEnd::Wrong };
        loop {
            let probes =
                BisectProbes { built: &self.built, broken: &self.broken, build_cost: self.design.build_cost };
            let Ok(read) = range.read(&self.rounds, BISECT_SESSION_RATIO) else {
                return self.ended(BisectEnd::Budget);
            };
            match probes.stop(&read) {
                Some(BisectStop::Named(commit)) => return self.ended(right(Some(commit) == self.culprit)),
                Some(BisectStop::Among(class)) => {
                    let inside = self.culprit.is_some_and(|c| c > class.after && c <= class.upto);
                    return self.ended(right(inside));
                }
                None => {}
            }
            let next = probes.next(&read);
            if self.spent() >= self.design.budget || next.is_empty() || self.boots >= MOST {
                return self.ended(BisectEnd::Budget);
            }
            self.round(&[&[0], next.as_slice()].concat());
        }
    }
}

impl BisectDesign {
    /// One bisection of a range whose culprit is this commit, or none, with a seed.
    pub fn once(&self, culprit: Option<usize>, seed: u64) -> BisectRun {
        let Ok(range) = BisectRange::even(self.commits) else {
            return BisectRun { end: BisectEnd::NotReproduced, boots: 0, builds: 0 };
        };
        let mut lab = Lab {
            design: self,
            culprit,
            random: SplitMix64::new(seed),
            rounds: Vec::new(),
            built: vec![false; self.commits + 1],
            broken: vec![false; self.commits + 1],
            boots: 0,
        };
        if let Some(culprit) = culprit {
            let stretch = culprit.saturating_sub(self.unbuildable).max(1)..culprit;
            lab.broken.get_mut(stretch).unwrap_or_default().fill(true);
        }
        while !lab.ends_differ() {
            if lab.spent() * 2.0 >= self.budget || lab.boots >= MOST {
                return lab.ended(BisectEnd::NotReproduced);
            }
            lab.round(&[0, self.commits]);
        }
        lab.search(&range)
    }

    /// Many of them, the culprit being anywhere.
    pub fn foresee(&self, runs: u64) -> BisectForesight {
        let mut sums = BisectForesight::default();
        for seed in 0..runs {
            let culprit = 1 + SplitMix64::new(seed ^ 0x5eed).below(self.commits);
            let one = self.once(Some(culprit), seed);
            match one.end {
                BisectEnd::Right => sums.right += 1.0,
                BisectEnd::Wrong => sums.wrong += 1.0,
                BisectEnd::Budget => sums.budget += 1.0,
                BisectEnd::NotReproduced => sums.not_reproduced += 1.0,
            }
            sums.boots += one.boots as f64;
            sums.builds += one.builds as f64;
        }
        let n = runs.max(1) as f64;
        BisectForesight {
            right: sums.right / n,
            wrong: sums.wrong / n,
            budget: sums.budget / n,
            not_reproduced: sums.not_reproduced / n,
            boots: sums.boots / n,
            builds: sums.builds / n,
        }
    }

    /// The smallest step, as a ratio less 1, whose culprit is named in at least .8 of `runs` simulated bisections; none if not
    /// even one of 50 % is. Steps are 0.5, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30 and 50 %.
    pub fn least(&self, runs: u64) -> Option<f64> {
        STEPS.into_iter().find(|step| {
            let design = BisectDesign { step: step.ln_1p(), ..*self };
            design.foresee(runs).right >= FINDS
        })
    }
}
