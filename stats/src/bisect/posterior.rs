//! How likely each commit is the culprit, given what was measured.

use crate::common::Unavailable;

/// One boot of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BisectBoot {
    /// Which commit, from 0 (the good end) to the last (the bad one).
    pub commit: usize,
    /// The logarithm of its value (of a linear metric, the value).
    pub ln: f64,
}

/// The commits of a range, and how likely each is the culprit before anything is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct BisectRange {
    /// Of commit 1 on; they sum to 1.
    prior: Vec<f64>,
}

/// Neighbouring commits that no measurement tells apart: those after `after`, up to and with `upto`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BisectClass {
    /// The last measured commit before them; the good end at first.
    pub after: usize,
    /// The last of them, which was measured.
    pub upto: usize,
    /// The probability that the culprit is one of them.
    pub share: f64,
    /// By how much the logarithm moves if it is (the estimate).
    pub effect: f64,
}

impl BisectClass {
    /// How many commits it has; at least one.
    pub const fn size(&self) -> usize {
        self.upto - self.after
    }
}

/// What the measurements say.
#[derive(Debug, Clone, PartialEq)]
pub struct BisectReading {
    classes: Vec<BisectClass>,
    /// Of commit 1 on; they sum to 1.
    commits: Vec<f64>,
}

/// Sums of one round under the errors that its session gives it.
struct Weighed<'a> {
    boots: &'a [BisectBoot],
    /// What the common part of a round takes off its squares: rho / (1 + m rho).
    f: f64,
}

/// The normal equations of y = A + b z, summed over rounds.
#[derive(Default)]
struct Equations {
    a11: f64,
    a12: f64,
    a22: f64,
    b1: f64,
    b2: f64,
    y: f64,
}

impl Equations {
    fn of(rounds: &[Weighed<'_>], centre: f64, culprit: usize) -> Equations {
        let mut sums = Equations::default();
        for round in rounds {
            let (mut sz, mut sy, mut szy, mut syy) = (0.0, 0.0, 0.0, 0.0);
            for boot in round.boots {
                let y = boot.ln - centre;
                sy += y;
                syy += y * y;
                if boot.commit >= culprit {
                    sz += 1.0;
                    szy += y;
                }
            }
            let (m, f) = (round.boots.len() as f64, round.f);
            sums.a11 += m - f * m * m;
            sums.a12 += sz - f * m * sz;
            sums.a22 += sz - f * sz * sz;
            sums.b1 += sy - f * m * sy;
            sums.b2 += szy - f * sz * sy;
            sums.y += syy - f * sy * sy;
        }
        sums
    }

    /// The logarithm of the marginal likelihood (up to a constant) and the estimate of b; nothing when b cannot be told.
    fn solved(&self, nu: f64) -> Option<(f64, f64)> {
        let det = self.a11 * self.a22 - self.a12 * self.a12;
        if det <= 1e-12 * self.a11 * self.a11 {
            return None;
        }
        let b = (self.a11 * self.b2 - self.a12 * self.b1) / det;
        let a = (self.b1 - self.a12 * b) / self.a11;
        // What rounding leaves of a perfect fit is no evidence.
        let floor = (self.y * 1e-24).max(f64::MIN_POSITIVE);
        let ss = (self.y - self.b1 * a - self.b2 * b).max(floor);
        Some((-0.5 * det.ln() - 0.5 * nu * ss.ln(), b))
    }
}

impl BisectRange {
    /// A range whose commits after the good end are `last`, each as likely as another.
    ///
    /// # Errors
    /// There is none.
    pub fn even(last: usize) -> Result<BisectRange, Unavailable> {
        BisectRange::weighed(&vec![1.0; last])
    }

    /// A range whose commits (from the one after the good end to the bad end) are this likely, relative to one another.
    ///
    /// # Errors
    /// There is none, or one is not positive and finite: a commit that cannot be the culprit whatever is measured would never
    /// be named.
    pub fn weighed(weights: &[f64]) -> Result<BisectRange, Unavailable> {
        let sum: f64 = weights.iter().sum();
        if weights.is_empty() {
            return Err(Unavailable::TooFew { needed: 1, found: 0 });
        }
        if !sum.is_finite() || weights.iter().any(|w| w.is_nan() || *w <= 0.0) {
            return Err(Unavailable::Domain);
        }
        Ok(BisectRange { prior: weights.iter().map(|w| w / sum).collect() })
    }

    /// The number of the bad end: commits are 0 to this.
    pub const fn last(&self) -> usize {
        self.prior.len()
    }

    /// What these rounds say; `session_ratio` is the variance between sessions over that between boots.
    ///
    /// # Errors
    /// A commit is beyond the range, a value is not finite, the ratio is negative, fewer than three boots were measured, or the
    /// ends were not both measured.
    pub fn read(&self, rounds: &[Vec<BisectBoot>], session_ratio: f64) -> Result<BisectReading, Unavailable> {
        if !(session_ratio >= 0.0 && session_ratio.is_finite()) {
            return Err(Unavailable::Domain);
        }
        let boots = || rounds.iter().flatten();
        let found = boots().count();
        if found < 3 {
            return Err(Unavailable::TooFew { needed: 3, found });
        }
        if boots().any(|boot| boot.commit > self.last()) {
            return Err(Unavailable::Domain);
        }
        if boots().any(|boot| !boot.ln.is_finite()) {
            return Err(Unavailable::NotFinite);
        }
        let mut measured: Vec<usize> = boots().map(|boot| boot.commit).collect();
        measured.sort_unstable();
        measured.dedup();
        if measured.first() != Some(&0) || measured.last() != Some(&self.last()) {
            return Err(Unavailable::Domain);
        }
        let centre = boots().map(|boot| boot.ln).sum::<f64>() / found as f64;
        let f = |m: f64| session_ratio / (1.0 + m * session_ratio);
        let weighed: Vec<Weighed<'_>> =
            rounds.iter().map(|boots| Weighed { boots, f: f(boots.len() as f64) }).collect();
        self.judged(&measured, |culprit| Equations::of(&weighed, centre, culprit).solved(found as f64 - 2.0))
    }

    /// The classes between measured commits, by the evidence for a culprit in each.
    fn judged(
        &self,
        measured: &[usize],
        evidence: impl Fn(usize) -> Option<(f64, f64)>,
    ) -> Result<BisectReading, Unavailable> {
        let mut found = Vec::new();
        for pair in measured.windows(2) {
            let prior: f64 = self.prior[pair[0]..pair[1]].iter().sum();
            let (log, effect) = evidence(pair[1]).ok_or(Unavailable::ZeroVariance)?;
            found.push((BisectClass { after: pair[0], upto: pair[1], share: 0.0, effect }, prior, log));
        }
        let top = found.iter().map(|(_, _, log)| *log).fold(f64::NEG_INFINITY, f64::max);
        let weight = |prior: f64, log: f64| prior * (log - top).exp();
        let sum: f64 = found.iter().map(|(_, prior, log)| weight(*prior, *log)).sum();
        let mut commits = vec![0.0; self.last()];
        let classes = found.into_iter().map(|(class, prior, log)| {
            let share = weight(prior, log) / sum;
            let own = class.after..class.upto;
            let priors = self.prior.get(own.clone()).unwrap_or_default();
            for (commit, own) in commits.get_mut(own).unwrap_or_default().iter_mut().zip(priors) {
                *commit = share * own / prior;
            }
            BisectClass { share, ..class }
        });
        let classes = classes.collect();
        Ok(BisectReading { classes, commits })
    }
}

impl BisectReading {
    /// All classes, in the order of the range; their shares sum to 1.
    pub fn classes(&self) -> &[BisectClass] {
        &self.classes
    }

    /// The class in which the culprit is most likely; the earlier of two that are alike.
    pub fn likeliest(&self) -> BisectClass {
        let first = self.classes[0];
        self.classes.iter().fold(first, |best, class| if class.share > best.share { *class } else { best })
    }

    /// The number of the bad end.
    pub const fn last(&self) -> usize {
        self.commits.len()
    }

    /// The probability that this commit is the culprit; 0 for the good end and what is beyond the range.
    pub fn share(&self, commit: usize) -> f64 {
        commit.checked_sub(1).and_then(|at| self.commits.get(at)).copied().unwrap_or(0.0)
    }

    /// The probability that a commit is slow already: that the culprit is this one or one before it.
    pub fn slow_at(&self, commit: usize) -> f64 {
        self.commits.iter().take(commit).sum::<f64>().clamp(0.0, 1.0)
    }

    /// The smallest set of commits that holds the culprit with this probability, in the order of the range. Of commits that
    /// are as likely as one another all are in it, for none of them is better than the others.
    pub fn set(&self, level: f64) -> Vec<usize> {
        let mut order: Vec<usize> = (1..=self.last()).collect();
        order.sort_by(|x, y| self.share(*y).total_cmp(&self.share(*x)).then(x.cmp(y)));
        let (mut set, mut sum, mut least) = (Vec::new(), 0.0, f64::INFINITY);
        for commit in order {
            let share = self.share(commit);
            if sum >= level && share < least * (1.0 - 1e-9) {
                break;
            }
            sum += share;
            least = share;
            set.push(commit);
        }
        set.sort_unstable();
        set
    }
}
