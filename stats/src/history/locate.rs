//! Where between two levels the step lies.

use serde::{Deserialize, Serialize};

use super::point::HistoryPoint;
use super::split::{Carried, Window};

/// The places that a step may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// The most likely one: the index of the first point of the new level, among those given.
    pub best: usize,
    /// The likeliest places that hold the step with probability .9 together: index and probability, in order of place.
    pub set: Vec<(usize, f64)>,
    /// Whether a bend fits better than a step, at equal parameters: a slow drift.
    pub drift: bool,
}

/// The share of the probability that the set of places holds.
const HELD: f64 = 0.9;

/// Which first points of the new level are likely: the probability of a split is proportional to RSS^(-nu/2), with a flat
/// prior over splits (the marginal likelihood of two means and one variance under flat priors, but for the factor of the
/// groups' sizes).
pub(super) fn locate(points: &[HistoryPoint], carried: Carried) -> Option<Location> {
    let window = Window::of(points);
    let n = window.len();
    let nu = n as f64 - 2.0 + carried.df;
    if n < 3 || nu <= 0.0 {
        return None;
    }
    let left_over = |at: usize| window.left(at).squares() + window.right(at).squares() + carried.sum;
    let rss: Vec<(usize, f64)> = (1..n).map(|at| (at, left_over(at))).collect();
    let least = rss.iter().map(|(_, r)| *r).fold(f64::INFINITY, f64::min);
    let likely = |r: f64| if r <= least { 1.0 } else { (least / r).powf(nu / 2.0) };
    let total: f64 = rss.iter().map(|(_, r)| likely(*r)).sum();
    let mut by: Vec<(usize, f64)> = rss.iter().map(|(at, r)| (*at, likely(*r) / total)).collect();
    by.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let best = by.first()?.0;
    let mut held = 0.0;
    let mut set = Vec::new();
    for (at, p) in by {
        if held >= HELD {
            break;
        }
        held += p;
        set.push((at, p));
    }
    set.sort_by_key(|(at, _)| *at);
    Some(Location { best, set, drift: bend(&window.x).is_some_and(|r| r + carried.sum < least) })
}

/// The smallest sum of squares of a line that is level up to some point and straight from there on, or straight up to it
/// and level from there on. It has a level, a slope and a place, as a step has two levels and a place.
fn bend(x: &[f64]) -> Option<f64> {
    let n = x.len();
    let fit = |at: usize, rises: bool| {
        let z = |i: usize| {
            let d = i as f64 - at as f64;
            if rises { d.max(0.0) } else { d.min(0.0) }
        };
        let (mut sz, mut sx) = (0.0, 0.0);
        for (i, v) in x.iter().enumerate() {
            (sz, sx) = (sz + z(i), sx + v);
        }
        let (mz, mx) = (sz / n as f64, sx / n as f64);
        let (mut zz, mut zx, mut xx) = (0.0, 0.0, 0.0);
        for (i, v) in x.iter().enumerate() {
            let (dz, dx) = (z(i) - mz, v - mx);
            (zz, zx, xx) = (zz + dz * dz, zx + dz * dx, xx + dx * dx);
        }
        xx - zx * zx / zz
    };
    // A bend of one step's length is a step: both of its ends need a point between them.
    let places = 1..n.saturating_sub(2);
    places.flat_map(|at| [fit(at, true), fit(at + 1, false)]).filter(|r| r.is_finite()).reduce(f64::min)
}
