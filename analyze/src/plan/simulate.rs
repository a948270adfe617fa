//! How often a change will be found: pages that are yet to be measured, drawn at random and judged by what judges real ones.
//!
//! A row's values are drawn, [`Design`] makes its evidence of them and [`verdict`] its word; what the family's other rows, of
//! which none changed, leave of alpha comes from the corrections themselves. Nothing here knows a formula of power.

use crate::options::{CompareOptions, Correction, TestChoice};
use crate::row::{Design, POWER};
use crate::verdict::{Evidence, Judgement, Presence, verdict};
use crate::{MIN_BLOCKS, MIN_BLOCKS_IN_ORDER, Verdict};
use model::{Direction, Scale};
use rayon::prelude::*;
use stats::{Block, Look, SplitMix64};

/// Pages that are drawn: a share of them is known to 1.3 points at .8.
const PAGES: usize = 1000;
/// The most boots of a side that are tried.
pub const MOST_BOOTS: usize = 200;
/// Standard errors of a share that a promise keeps away from what was counted.
const SPARE: f64 = 2.0;
/// A change is looked for until it is known to this share of it.
const FINE: f64 = 0.04;
/// Changes from this on are not looked for: a hundredfold.
const LARGEST: f64 = 100.0;

/// Which end of a range is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// What can be promised: the share that was counted less what chance may have added to it.
    Promised,
    /// What can be hoped for: the share that was counted.
    Hoped,
}

impl End {
    /// A share of all pages, from how many of them there were.
    fn share(self, hits: usize) -> f64 {
        let share = hits as f64 / PAGES as f64;
        match self {
            End::Promised => (share - SPARE * (share * (1.0 - share) / PAGES as f64).sqrt()).max(0.0),
            End::Hoped => share,
        }
    }

    /// The fewest pages that are [`POWER`].
    fn needed(self) -> usize {
        (0..=PAGES).find(|hits| self.share(*hits) >= POWER).unwrap_or(PAGES)
    }
}

/// One row, and the change that is looked for in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub scale: Scale,
    /// The mean of the baseline (the geometric one on the log scale); 1 where the unit makes no difference.
    pub base: f64,
    /// SD between boots on the row's scale.
    pub sd: f64,
    /// m, as a ratio minus 1.
    pub margin: f64,
    /// Smallest difference that matters, in the metric's unit.
    pub margin_abs: Option<f64>,
    /// The metric is deterministic.
    pub exact: bool,
    /// The row belongs to the family.
    pub in_family: bool,
}

/// The rows among which a row is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct FamilyOf {
    /// How many they are.
    pub size: usize,
    /// Level of all of them together at the gate.
    pub level: f64,
}

/// The largest ordinary p with which a row is significant, of one page.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// By itself.
    alone: f64,
    /// On the page, by q.
    page: f64,
    /// At the gate, by Holm.
    gate: f64,
}

/// How a row was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    /// By itself.
    alone: bool,
    /// As a row of its family, at the gate where it can gate.
    counts: bool,
}

/// How often a change is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    /// By a page of this row alone.
    pub alone: f64,
    /// Given the family.
    pub family: f64,
}

/// Pages that were drawn once: every row, number of boots and size of a change is looked at on the same ones.
pub(super) struct Pages<'a> {
    options: &'a CompareOptions,
    blocks: bool,
    /// The place within a block is a term of the model where there are enough of them.
    in_order: bool,
    limits: Vec<Limits>,
    /// Standard normal numbers of both sides, of each page [`MOST_BOOTS`].
    normals: Vec<[Vec<f64>; 2]>,
}

impl<'a> Pages<'a> {
    /// Draws pages. `blocks`: both sides will be measured in the blocks of one campaign; `look`: the last one of its rule,
    /// whose p is a function of the ordinary one, so that limits can be said of that.
    pub fn draw(
        options: &'a CompareOptions,
        family: FamilyOf,
        blocks: bool,
        look: Option<&Look>,
        most: usize,
    ) -> Pages<'a> {
        let mut random = SplitMix64::new(stats::seed_from(options.seed, "plan"));
        let seeds: Vec<u64> = (0..PAGES).map(|_| random.next_u64()).collect();
        let drawn = |seed: &u64| {
            let mut random = SplitMix64::new(*seed);
            let limits = Limits::draw(&mut random, options, family, look);
            let mut side = || (0..most).map(|_| random.next_normal()).collect();
            (limits, [side(), side()])
        };
        let (limits, normals) = seeds.par_iter().map(drawn).unzip();
        Pages { options, blocks, in_order: look.is_none(), limits, normals }
    }

    /// How often a change of this size is found with so many boots on each side.
    pub fn shares(&self, change: &Change, effect: f64, boots: usize, end: End) -> Shares {
        let (mut alone, mut counts) = (0, 0);
        for page in 0..PAGES {
            let found = self.found(page, change, effect, boots);
            alone += usize::from(found.alone);
            counts += usize::from(found.counts);
        }
        Shares { alone: end.share(alone), family: end.share(counts) }
    }

    /// The fewest boots on each side with which, and with any more, the change is found as often as [`POWER`] says.
    pub fn boots(&self, change: &Change, effect: f64, end: End) -> Option<usize> {
        let enough = |boots: usize| self.is_enough(change, effect, boots, end);
        // From this number on the model is the same: below it Welch's test has more degrees of freedom than blocks have.
        let mut high = if self.blocks { MIN_BLOCKS } else { 2 };
        if enough(high) {
            while high > 2 && enough(high - 1) {
                high -= 1;
            }
            return Some(high);
        }
        let mut low = high;
        while !enough(high) {
            if high >= MOST_BOOTS {
                return None;
            }
            (low, high) = (high, (2 * high).min(MOST_BOOTS));
        }
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if enough(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// The smallest change, as fine as [`FINE`] says, that is found as often as [`POWER`] says.
    pub fn effect(&self, change: &Change, boots: usize, end: End) -> Option<f64> {
        let enough = |effect: f64| self.is_enough(change, effect, boots, end);
        let mut high = change.margin.max(1e-4);
        let mut low = high;
        while !enough(high) {
            if high >= LARGEST {
                return None;
            }
            (low, high) = (high, 2.0 * high);
        }
        while high - low > FINE * low {
            let middle = f64::midpoint(low, high);
            if enough(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// Whether a change is found as often as [`POWER`] says; what no further page can alter is not drawn out.
    fn is_enough(&self, change: &Change, effect: f64, boots: usize, end: End) -> bool {
        let needed = end.needed();
        let (mut hits, mut misses) = (0, 0);
        for page in 0..PAGES {
            if self.found(page, change, effect, boots).counts {
                hits += 1;
            } else {
                misses += 1;
            }
            if hits >= needed || misses > PAGES - needed {
                break;
            }
        }
        hits >= needed
    }

    /// How one page decides a row.
    fn found(&self, page: usize, change: &Change, effect: f64, boots: usize) -> Found {
        let (Some([a, b]), Some(limits)) = (self.normals.get(page), self.limits.get(page)) else {
            return Found::default();
        };
        let (a, b) = (change.values(a, 0.0, boots), change.values(b, effect, boots));
        let in_blocks = self.blocks && boots >= MIN_BLOCKS;
        let in_order = self.in_order && boots >= MIN_BLOCKS_IN_ORDER;
        let pairs: Vec<Block<'_>> = (a.chunks(1).zip(b.chunks(1)).enumerate())
            .map(|(at, (a, b))| Block { a, b, b_later: in_order.then_some(at % 2 == 1) })
            .collect();
        let design = Design {
            a: &a,
            b: &b,
            blocks: in_blocks.then_some(pairs.as_slice()),
            student: self.options.test == TestChoice::Student,
            scale: change.scale,
            margin: change.margin,
            margin_abs: change.margin_abs,
            exact: change.exact,
            alpha: self.options.alpha,
            look: None,
            session: None,
            moderation: None,
            detectable: false,
        };
        let judgement = self.judgement(change, design.outcome().1);
        let p = judgement.testable_p();
        // Significant is what is at most alpha: more is not asked of a corrected p.
        let is_found = |limit: f64| {
            let q = p.map(|p| if p <= limit { self.options.alpha } else { 1.0 });
            verdict(&Judgement { q, ..judgement }).0 == Verdict::Improved
        };
        let alone = is_found(limits.alone);
        let counts = match p.filter(|_| change.in_family) {
            Some(p) => p <= limits.gate && is_found(limits.page),
            None => alone,
        };
        Found { alone, counts }
    }

    /// A row of which nothing but its values decides. Up is found; it might as well be down.
    fn judgement(&self, change: &Change, evidence: Evidence) -> Judgement {
        Judgement {
            presence: Presence::Both,
            comparable: true,
            evidence,
            exact: change.exact,
            direction: Direction::HigherIsBetter,
            q: None,
            alpha: self.options.alpha,
            failed: None,
            one_session: false,
        }
    }
}

impl Change {
    /// The values of a side that differs by so much from the baseline.
    fn values(&self, normals: &[f64], effect: f64, boots: usize) -> Vec<f64> {
        let mean = self.base + effect * self.base.abs();
        let value = |z: &f64| match self.scale {
            Scale::Log => mean * (self.sd * z).exp(),
            Scale::Linear => mean + self.sd * z,
        };
        normals.iter().take(boots).map(value).collect()
    }

    /// What tells two changes apart, so that those that are alike are looked at once.
    pub fn key(&self) -> [u64; 5] {
        let flags = u64::from(self.scale == Scale::Log)
            | u64::from(self.exact) << 1
            | u64::from(self.in_family) << 2
            | u64::from(self.margin_abs.is_some()) << 3;
        let numbers = [self.base, self.sd, self.margin, self.margin_abs.unwrap_or(0.0)].map(f64::to_bits);
        let [base, sd, margin, margin_abs] = numbers;
        [flags, base, sd, margin, margin_abs]
    }
}

impl Limits {
    /// Of a page on which no other row of the family changed: their p are uniform.
    fn draw(
        random: &mut SplitMix64,
        options: &CompareOptions,
        family: FamilyOf,
        look: Option<&Look>,
    ) -> Limits {
        let others: Vec<f64> = (1..family.size).map(|_| random.next_f64()).collect();
        let ordinary = |limit: f64| look.map_or(limit, |look| look.ordinary_level(limit));
        Limits {
            alone: ordinary(options.alpha),
            page: ordinary(limit(&others, options.alpha, options.correction)),
            gate: ordinary(limit(&others, family.level, Correction::Holm)),
        }
    }
}

/// The largest p of a row that is significant beside those of the others. The corrections are asked, by halving the ratio of
/// a p that certainly is to one that certainly is not.
fn limit(others: &[f64], level: f64, correction: Correction) -> f64 {
    // What exceeds the level changes nothing but the number of rows.
    let mut p: Vec<f64> = others.iter().map(|p| if *p <= level { *p } else { 1.0 }).collect();
    p.push(0.0);
    let mine = p.len() - 1;
    let mut is_significant = |at: f64| {
        if let Some(slot) = p.get_mut(mine) {
            *slot = at;
        }
        correction.adjust(&p).get(mine).is_some_and(|q| *q <= level)
    };
    let (mut low, mut high) = (0.999 * level / (others.len() + 1) as f64, level);
    if is_significant(high) {
        return high;
    }
    for _ in 0..16 {
        let middle = (low * high).sqrt();
        if is_significant(middle) { low = middle } else { high = middle }
    }
    low
}
