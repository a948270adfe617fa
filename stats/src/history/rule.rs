//! The rule itself, point by point.

use serde::{Deserialize, Serialize};

use crate::common::{Interval, Unavailable};
use crate::tdist::{t_critical, t_two_sided_p};

use super::locate::{Location, locate};
use super::point::HistoryPoint;
use super::split::{Carried, Sums, Window, contrast};
use super::threshold::{HISTORY_ALPHA_MAX, HISTORY_ALPHA_MIN, history_threshold};

/// Most points of a segment that are looked at: its last ones.
pub const HISTORY_WINDOW: usize = 60;
/// Fewest points of a series before the rule looks at it.
pub const HISTORY_FEWEST: usize = 6;
/// Fewest points of a segment with a variance from the segment before.
const LEAST_CARRIED: usize = 3;
/// Most points of the right-hand part of a split.
const RIGHT_MAX: usize = 30;
/// How many points settle a suspect.
const SETTLED_BY: usize = 2;
/// The level at which an alarm has to hold without its most extreme point.
const SETTLE_P: f64 = 0.05;

/// A mean of points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// On the scale of the points.
    pub mean: f64,
    /// Points in it.
    pub points: usize,
}

/// A change of level that was declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryStep {
    /// Index of the first point of the new level, as it was declared.
    pub at: usize,
    /// Index of the point at which it was declared.
    pub found: usize,
    /// The largest |t| at that time, infinite where values without spread differ.
    pub t: f64,
    /// The levels, by all points known by now.
    pub before: Level,
    /// The level behind it.
    pub after: Level,
    /// after - before.
    pub change: f64,
    /// A .95 interval for it; None where there is no spread.
    pub interval: Option<Interval>,
    /// The points between which it may lie, by all points known by now; indices of the series.
    pub location: Option<Location>,
}

/// Points that share a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistorySegment {
    /// Indices of its points, without those set aside.
    pub points: Vec<usize>,
    /// Its mean; None for a segment without points.
    pub level: Option<Level>,
    /// Whether it began with an epoch or an accepted level, and not with a step.
    pub epoch: bool,
}

/// What the rule says of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryReading {
    /// The rule's version.
    pub format: u32,
    /// Alpha of a look.
    pub alpha: f64,
    /// Points, in all.
    pub points: usize,
    /// Steps, in order.
    pub steps: Vec<HistoryStep>,
    /// Segments, in order.
    pub segments: Vec<HistorySegment>,
    /// Points that the rule set aside: single ones that their neighbours did not bear out.
    pub set_aside: Vec<usize>,
    /// A newest point that is far off, before two more have settled it.
    pub suspect: Option<usize>,
    /// Points that are no numbers; they take part in nothing.
    pub no_number: Vec<usize>,
    /// The smallest change of level that the next 10 points would show with a chance of some .8, at the last segment's
    /// spread: of a step that is as long as the threshold of that many points plus .84 standard errors.
    pub detectable: Option<f64>,
}

struct Declared {
    at: usize,
    found: usize,
    t: f64,
    carried: Carried,
}

struct Open {
    points: Vec<usize>,
    carried: Carried,
    epoch: bool,
    /// The step that opened it.
    step: Option<usize>,
}

/// The rule on its way through a series.
pub struct HistoryRule {
    alpha: f64,
    points: Vec<HistoryPoint>,
    segments: Vec<Open>,
    steps: Vec<Declared>,
    set_aside: Vec<usize>,
    no_number: Vec<usize>,
    suspect: Option<usize>,
}

impl HistoryRule {
    /// The rule with the chance of a false alarm at each look: [`HISTORY_ALPHA_MIN`] to [`HISTORY_ALPHA_MAX`].
    ///
    /// # Errors
    /// [`Unavailable::Domain`] for another alpha, for which no threshold was simulated.
    pub fn new(alpha: f64) -> Result<Self, Unavailable> {
        if !(HISTORY_ALPHA_MIN..=HISTORY_ALPHA_MAX).contains(&alpha) {
            return Err(Unavailable::Domain);
        }
        Ok(HistoryRule {
            alpha,
            points: Vec::new(),
            segments: vec![Open { points: Vec::new(), carried: Carried::default(), epoch: true, step: None }],
            steps: Vec::new(),
            set_aside: Vec::new(),
            no_number: Vec::new(),
            suspect: None,
        })
    }

    /// The next point. What it changes is seen in [`HistoryRule::steps_so_far`] and in the reading.
    pub fn push(&mut self, point: HistoryPoint) {
        let index = self.points.len();
        self.points.push(point);
        if !point.x.is_finite() {
            self.no_number.push(index);
            return;
        }
        if point.begins {
            self.suspect = None;
            self.segments.push(Open {
                points: Vec::new(),
                carried: Carried::default(),
                epoch: true,
                step: None,
            });
        }
        if point.left_out {
            return;
        }
        if let Some(open) = self.segments.last_mut() {
            open.points.push(index);
        }
        while self.look(index) {}
    }

    /// How many steps were declared up to now.
    pub fn steps_so_far(&self) -> usize {
        self.steps.len()
    }

    /// How many points were set aside up to now.
    pub fn set_aside_so_far(&self) -> usize {
        self.set_aside.len()
    }

    /// The last points of the open segment: their indices and their values.
    fn window(&self) -> (Vec<usize>, Window, Carried) {
        let Some(open) = self.segments.last() else {
            return (Vec::new(), Window::of(&[]), Carried::default());
        };
        let last = open.points.get(open.points.len().saturating_sub(HISTORY_WINDOW)..).unwrap_or_default();
        (last.to_vec(), Window::of(&self.values(last)), open.carried)
    }

    fn values(&self, indices: &[usize]) -> Vec<HistoryPoint> {
        indices.iter().filter_map(|i| self.points.get(*i)).copied().collect()
    }

    /// One look at the open segment; whether another one is due.
    fn look(&mut self, now: usize) -> bool {
        let (indices, window, carried) = self.window();
        if let Some(suspect) = self.suspect {
            return self.settle(suspect, &indices, &window, carried, now);
        }
        let n = window.len();
        let (least, kept) = if carried.df > 0.0 { (LEAST_CARRIED, 2) } else { (HISTORY_FEWEST, 4) };
        if n < least {
            return false;
        }
        let mut largest = (0.0_f64, 0);
        for m in 1..=RIGHT_MAX.min(n - kept) {
            let t = contrast(&window.left(n - m), &window.right(n - m), carried).t.abs();
            if t > largest.0 {
                largest = (t, m);
            }
        }
        let (t, m) = largest;
        if t <= history_threshold(n as f64 + carried.df, self.alpha) {
            return false;
        }
        let first = n - m;
        if m == 1 {
            self.suspect = indices.last().copied();
            return false;
        }
        let level = window.left(first).mean();
        let off = |i: &usize| window.x.get(*i).map_or(0.0, |x| (x - level).abs());
        let Some(extreme) = (first..n).max_by(|a, b| off(a).total_cmp(&off(b))) else {
            return false;
        };
        let others = window.some(|i| i >= first && i != extreme);
        if holds(&window.left(first), &others, carried) {
            self.step(&indices, &window, first, t, now);
        } else {
            self.put_aside(indices.get(extreme).copied());
        }
        true
    }

    /// Whether two more points bear a suspect out.
    fn settle(
        &mut self,
        suspect: usize,
        indices: &[usize],
        window: &Window,
        carried: Carried,
        now: usize,
    ) -> bool {
        let Some(place) = indices.iter().position(|i| *i == suspect) else {
            self.suspect = None;
            return true;
        };
        if window.len() < place + 1 + SETTLED_BY {
            return false;
        }
        self.suspect = None;
        let (before, next) = (window.left(place), window.right(place + 1));
        let alone = window.some(|i| i == place);
        let same = (alone.mean() > before.mean()) == (next.mean() > before.mean());
        if same && holds(&before, &next, carried) {
            let t = contrast(&before, &window.right(place), carried).t.abs();
            self.step(indices, window, place, t, now);
        } else {
            self.put_aside(Some(suspect));
        }
        true
    }

    fn put_aside(&mut self, index: Option<usize>) {
        if let Some(open) = self.segments.last_mut() {
            open.points.retain(|i| Some(*i) != index);
        }
        self.set_aside.extend(index);
        self.set_aside.sort_unstable();
    }

    /// Closes the open segment before the `first`th point of the window, and opens the next one with it.
    fn step(&mut self, indices: &[usize], window: &Window, first: usize, t: f64, now: usize) {
        let (Some(at), Some(open)) = (indices.get(first).copied(), self.segments.last_mut()) else {
            return;
        };
        let left = window.left(first);
        let before = open.carried;
        let carried = before.and(left.squares(), left.n - 1.0);
        let points: Vec<usize> = open.points.iter().copied().filter(|i| *i >= at).collect();
        open.points.retain(|i| *i < at);
        self.steps.push(Declared { at, found: now, t, carried: before });
        self.segments.push(Open { points, carried, epoch: false, step: Some(self.steps.len() - 1) });
    }

    /// All that is known after the last point.
    pub fn reading(&self) -> HistoryReading {
        let steps = self.segments.iter().zip(self.segments.iter().skip(1));
        HistoryReading {
            format: super::HISTORY_FORMAT,
            alpha: self.alpha,
            points: self.points.len(),
            steps: steps.filter_map(|(left, right)| self.told(left, right)).collect(),
            segments: self.segments.iter().map(|open| self.segment(open)).collect(),
            set_aside: self.set_aside.clone(),
            suspect: self.suspect,
            no_number: self.no_number.clone(),
            detectable: self.detectable(),
        }
    }

    fn segment(&self, open: &Open) -> HistorySegment {
        let window = Window::of(&self.values(&open.points));
        let all = window.left(window.len());
        let level = (all.n > 0.0).then(|| level(&all, window.pivot));
        HistorySegment { points: open.points.clone(), level, epoch: open.epoch }
    }

    /// A step with what all points say of it by now.
    fn told(&self, left: &Open, right: &Open) -> Option<HistoryStep> {
        let declared = self.steps.get(right.step?)?;
        let before = left.points.get(left.points.len().saturating_sub(HISTORY_WINDOW)..).unwrap_or_default();
        let after = right.points.get(..right.points.len().min(HISTORY_WINDOW)).unwrap_or_default();
        let indices: Vec<usize> = before.iter().chain(after).copied().collect();
        let points = self.values(&indices);
        let window = Window::of(&points);
        let (one, other) = (window.left(before.len()), window.right(before.len()));
        let by = contrast(&one, &other, declared.carried);
        let half = t_critical(0.95, by.df) * by.se;
        let location = locate(&points, declared.carried).map(|mut found| {
            let place = |at: usize| indices.get(at).copied().unwrap_or(at);
            found.best = place(found.best);
            for (at, _) in &mut found.set {
                *at = place(*at);
            }
            found
        });
        Some(HistoryStep {
            at: declared.at,
            found: declared.found,
            t: declared.t,
            before: level(&one, window.pivot),
            after: level(&other, window.pivot),
            change: by.difference,
            interval: (by.se > 0.0 && half.is_finite())
                .then_some(Interval { low: by.difference - half, high: by.difference + half }),
            location,
        })
    }

    fn detectable(&self) -> Option<f64> {
        let (_, window, carried) = self.window();
        let all = window.left(window.len());
        let df = all.n - 1.0 + carried.df;
        if df < 2.0 {
            return None;
        }
        let (ahead, behind) = (10.0, all.n.max(1.0));
        let variance = (all.squares() + carried.sum) / df;
        let se = (variance * (1.0 / ahead + 1.0 / behind)).sqrt();
        let n = behind + ahead + carried.df;
        Some((history_threshold(n, self.alpha) + 0.84) * se).filter(|d| *d > 0.0)
    }
}

fn level(sums: &Sums, pivot: f64) -> Level {
    Level { mean: pivot + sums.mean(), points: sums.n as usize }
}

/// Whether two groups differ at [`SETTLE_P`].
fn holds(left: &Sums, right: &Sums, carried: Carried) -> bool {
    let by = contrast(left, right, carried);
    by.t.is_infinite() || (by.df > 0.0 && t_two_sided_p(by.t, by.df) <= SETTLE_P)
}
