//! How often a change will be found: pages that are yet to be measured, drawn at random and judged by what judges real ones.
//!
//! A row's values are drawn, [`Design`] makes its evidence of them and [`verdict`] its word; what the family's other rows, of
//! which none changed, leave of alpha comes from the corrections themselves. Nothing here knows a formula of power.

use super::limits::{FamilyOf, Limits};
use super::values::{Change, Drawn, Size};
use crate::options::{CompareOptions, TestChoice};
use crate::row::{Design, POWER};
use crate::verdict::{Evidence, Judgement, Presence, verdict};
use crate::{MIN_BLOCKS, MIN_BLOCKS_IN_ORDER, Verdict};
use model::Direction;
use rayon::prelude::*;
use stats::{Block, Boundary, ErrorPart, Look, SplitMix64};
use std::sync::{Arc, OnceLock};

/// Pages that are drawn: a share of them is known to 1.3 points at .8.
pub(super) const PAGES: usize = 1000;
/// The most boots of a side, and the most sessions, that are tried.
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
    pub(super) fn share(self, hits: usize) -> f64 {
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

/// How both sides will be measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Scheme {
    /// In the blocks of one campaign.
    pub blocks: bool,
    /// Until a rule says that it is enough.
    pub rule: Option<Rule>,
    /// Each in sessions of its own.
    pub apart: Option<Apart>,
}

/// A rule that stops a row.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Its looks.
    pub boundary: Arc<Boundary>,
    /// The half-width of the interval that is enough, as a ratio minus 1.
    pub half_width: f64,
}

/// Sessions that the sides do not share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apart {
    /// What the judge adds to the error of one session a side; without it no test decides there.
    pub part: Option<ErrorPart>,
    /// SD between sessions, of logarithms or relative to the mean: the upper and the lower bound.
    pub sd: [f64; 2],
}

/// How a row was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// By itself.
    alone: bool,
    /// As a row of its family, at the gate where it can gate.
    counts: bool,
    /// As equal.
    pub equal: bool,
}

/// How often a change is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    /// By a page of this row alone.
    pub alone: f64,
    /// Given the family.
    pub family: f64,
}

/// One page.
struct Page {
    drawn: Drawn,
    /// Where the others' p are from.
    seed: u64,
    /// Few pages need them.
    limits: OnceLock<Limits>,
}

/// Pages that were drawn once: every row, number of boots and size of a change is looked at on the same ones.
pub(super) struct Pages<'a> {
    options: &'a CompareOptions,
    family: FamilyOf,
    pub(super) scheme: Scheme,
    pages: Vec<Page>,
}

impl<'a> Pages<'a> {
    /// Draws pages of so many boots (or sessions) on each side.
    pub fn draw(options: &'a CompareOptions, family: FamilyOf, scheme: Scheme, most: usize) -> Pages<'a> {
        let mut random = SplitMix64::new(stats::seed_from(options.seed, "plan"));
        let seeds: Vec<[u64; 2]> = (0..PAGES).map(|_| [random.next_u64(), random.next_u64()]).collect();
        let page = |[values, others]: &[u64; 2]| Page {
            drawn: Drawn::of(&mut SplitMix64::new(*values), most),
            seed: *others,
            limits: OnceLock::new(),
        };
        let pages = seeds.par_iter().map(page).collect();
        Pages { options, family, scheme, pages }
    }

    /// A row of which so much is known, and the end of the range that is looked for.
    pub fn row(&self, change: Change, effect: f64, end: End) -> Row<'_> {
        let mut row = Row { pages: self, change, end, stops: None };
        row.stops = self.scheme.rule.as_ref().map(|rule| row.stopped(rule, effect));
        row
    }
}

/// One row on all pages.
pub(super) struct Row<'p> {
    pub(super) pages: &'p Pages<'p>,
    change: Change,
    pub(super) end: End,
    /// Boots of each page after which a rule stops it.
    stops: Option<Vec<usize>>,
}

impl Row<'_> {
    /// SD between sessions with which the end of the range is computed; the other one.
    pub(super) fn session_sds(&self) -> [f64; 2] {
        let [upper, lower] = self.pages.scheme.apart.map_or([0.0; 2], |apart| apart.sd);
        if self.end == End::Promised { [upper, lower] } else { [lower, upper] }
    }

    /// How often a change of this size is found.
    pub fn shares(&self, effect: f64, size: Size) -> Shares {
        let [first, other] = self.session_sds();
        let shares = self.shares_with(effect, size, first);
        if first == other {
            return shares;
        }
        // What sessions do hides a large change and shows a small one, so that either bound may be the cautious one.
        let others = self.shares_with(effect, size, other);
        let of = |x: f64, y: f64| if self.end == End::Promised { x.min(y) } else { x.max(y) };
        Shares { alone: of(shares.alone, others.alone), family: of(shares.family, others.family) }
    }

    fn shares_with(&self, effect: f64, size: Size, session_sd: f64) -> Shares {
        let (mut alone, mut counts) = (0, 0);
        for page in 0..PAGES {
            let found = self.found(page, effect, size, session_sd);
            alone += usize::from(found.alone);
            counts += usize::from(found.counts);
        }
        Shares { alone: self.end.share(alone), family: self.end.share(counts) }
    }

    /// The fewest boots on each side with which, and with any more, the change is found as often as [`POWER`] says.
    pub fn boots(&self, effect: f64, sessions: usize) -> Option<usize> {
        // From this number on the model is the same: below it Welch's test has more degrees of freedom than blocks have.
        let model = if self.pages.scheme.blocks { MIN_BLOCKS } else { 2 };
        fewest(model, |boots| self.is_enough(effect, Size { boots, sessions }))
    }

    /// The same of sessions of each side, of so many boots each.
    pub fn sessions(&self, effect: f64, boots: usize) -> Option<usize> {
        let known = self.pages.scheme.apart.is_some_and(|apart| apart.part.is_some());
        if known && self.is_enough(effect, Size { boots, sessions: 1 }) {
            return Some(1);
        }
        fewest(2, |sessions| self.is_enough(effect, Size { boots, sessions }))
    }

    /// The smallest change, as fine as [`FINE`] says, that is found as often as [`POWER`] says.
    pub fn effect(&self, size: Size) -> Option<f64> {
        let mut high = self.change.margin.max(1e-4);
        let mut low = high;
        while !self.is_enough(high, size) {
            if high >= LARGEST {
                return None;
            }
            (low, high) = (high, 2.0 * high);
        }
        while high - low > FINE * low {
            let middle = f64::midpoint(low, high);
            if self.is_enough(middle, size) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// Boots that a rule takes on average.
    pub fn mean_boots(&self) -> Option<f64> {
        let stops = self.stops.as_ref()?;
        Some(stops.iter().sum::<usize>() as f64 / stops.len().max(1) as f64)
    }

    /// Whether a change is found as often as [`POWER`] says; what no further page can alter is not drawn out.
    pub fn is_enough(&self, effect: f64, size: Size) -> bool {
        let needed = self.end.needed();
        let [session_sd, _] = self.session_sds();
        let (mut hits, mut misses) = (0, 0);
        for page in 0..PAGES {
            if self.found(page, effect, size, session_sd).counts {
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

    /// After how many boots of each page the rule stops the row. On the log scale the effect makes no difference, on the
    /// linear one hardly any.
    fn stopped(&self, rule: &Rule, effect: f64) -> Vec<usize> {
        let looks = rule.boundary.floor()..=rule.boundary.ceiling();
        let stop = |page: &Page| {
            let enough = |n: &u32| {
                let look = Look::Planned { boundary: Arc::clone(&rule.boundary), n: *n };
                let size = Size { boots: *n as usize, sessions: 1 };
                let (a, b) = page.drawn.sides(&self.change, effect, size, 0.0);
                let pairs = Block::pairs(&a, &b, None);
                let design = self.design((&a, &b), &pairs, Some(&look));
                crate::precision::of_design(&design).is_some_and(|half| half <= rule.half_width)
            };
            looks.clone().find(enough).unwrap_or(rule.boundary.ceiling()) as usize
        };
        self.pages.pages.par_iter().map(stop).collect()
    }

    /// How one page decides the row.
    pub(super) fn found(&self, page: usize, effect: f64, size: Size, session_sd: f64) -> Found {
        let Pages { options, family, scheme, pages } = self.pages;
        let Some(of_page) = pages.get(page) else { return Found::default() };
        let stop = self.stops.as_ref().and_then(|stops| stops.get(page)).copied();
        let size = Size { boots: stop.unwrap_or(size.boots), ..size };
        let look = scheme.rule.as_ref().zip(u32::try_from(size.boots).ok());
        let look = look.map(|(rule, n)| Look::Planned { boundary: Arc::clone(&rule.boundary), n });
        let (a, b) = of_page.drawn.sides(&self.change, effect, size, session_sd);
        // The place within a block is a term of the model where there are enough of them, and no rule that stops earlier.
        let in_order = scheme.rule.is_none() && a.len() >= MIN_BLOCKS_IN_ORDER;
        let pairs = Block::pairs(&a, &b, in_order.then_some(false));
        let mut design = self.design((&a, &b), &pairs, look.as_ref());
        design.session = scheme.apart.filter(|_| size.sessions == 1).and_then(|apart| apart.part);
        let judgement = self.judgement(design.outcome().1);
        let p = judgement.testable_p();
        // Significant is what is at most alpha: more is not asked of a corrected p.
        let is_found = |significant: bool| {
            let q = p.map(|_| if significant { options.alpha } else { 1.0 });
            verdict(&Judgement { q, ..judgement }).0 == Verdict::Improved
        };
        // Equality is asked first, and of no p.
        let equal = verdict(&judgement).0 == Verdict::Equivalent;
        let alone = is_found(p.is_some_and(|p| p <= options.alpha));
        let counts = match p.filter(|_| self.change.in_family && alone) {
            None => alone,
            Some(p) if p <= Limits::least(options, *family) => true,
            Some(p) => {
                let draw = || Limits::draw(&mut SplitMix64::new(of_page.seed), options, *family);
                let limits = of_page.limits.get_or_init(draw);
                p <= limits.gate && is_found(p <= limits.page)
            }
        };
        Found { alone, counts, equal }
    }

    fn design<'v>(
        &self,
        (a, b): (&'v [f64], &'v [f64]),
        pairs: &'v [Block<'v>],
        look: Option<&'v Look>,
    ) -> Design<'v> {
        let Pages { options, scheme, .. } = self.pages;
        let change = &self.change;
        Design {
            hosts: None,
            a,
            b,
            blocks: (scheme.blocks && a.len() >= MIN_BLOCKS).then_some(pairs),
            student: options.test == TestChoice::Student,
            scale: change.scale,
            margin: change.margin,
            margin_abs: change.margin_abs,
            exact: change.exact,
            alpha: options.alpha,
            look,
            session: None,
            moderation: None,
            detectable: false,
        }
    }

    /// A row of which nothing but its values decides. Up is found; it might as well be down.
    fn judgement(&self, evidence: Evidence) -> Judgement {
        Judgement {
            presence: Presence::Both,
            comparable: true,
            evidence,
            exact: self.change.exact,
            direction: Direction::HigherIsBetter,
            q: None,
            alpha: self.pages.options.alpha,
            failed: None,
            one_session: false,
        }
    }
}

/// The smallest number from 2 to [`MOST_BOOTS`] with which, and with any more, it is enough; from `start` on it stays enough.
pub(super) fn fewest(start: usize, enough: impl Fn(usize) -> bool) -> Option<usize> {
    let mut high = start;
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
