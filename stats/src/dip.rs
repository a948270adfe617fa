//! Bimodality by Hartigan and Hartigan's dip (Annals of Statistics 13, 1985).
//!
//! The dip is the largest distance between the empirical distribution and the nearest unimodal one. It was chosen
//! over the bimodality coefficient, which reacts to skewness, and over splitting into two clusters, which reacts to
//! single outliers: run times have both without being bimodal.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, check, magnitude};
use super::random::SplitMix64;

/// Fewest values for the bimodality test.
pub const BIMODALITY_MIN_N: usize = 12;

const NULL_DRAWS: usize = 9_999;
/// Beyond this n the null distribution of √n · dip is taken as settled (it converges).
const NULL_MAX_N: usize = 200;

/// Result of the bimodality test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bimodality {
    /// The dip, between 0 and 0.25.
    pub dip: f64,
    /// Share of samples of this size from the uniform distribution, the unimodal one with the largest dips, whose
    /// dip is at least this large, `(b+1)/(B+1)`; below one in a thousand by an exponential tail, which is above the true one.
    pub p: f64,
}

/// Tests whether the values have more than one mode. Needs [`BIMODALITY_MIN_N`] values; order is irrelevant.
///
/// Values that repeat because the metric is coarse (two distinct numbers, say) look bimodal and are: by their ties.
pub fn bimodality(values: &[f64]) -> Result<Bimodality, Unavailable> {
    check(values, BIMODALITY_MIN_N)?;
    let dip = dip(values)?;
    let n = values.len();
    let null = null_dips(n.min(NULL_MAX_N));
    let scaled = dip * (n as f64 / n.min(NULL_MAX_N) as f64).sqrt();
    // A tolerance for ties in the last bits: for the smallest attainable dip 1/(2n) p is 1.
    let at_least = null.len() - null.partition_point(|d| *d < scaled * (1.0 - 1e-12));
    let counted = (at_least as f64 + 1.0) / (null.len() as f64 + 1.0);
    Ok(Bimodality { dip, p: if counted > RARE { counted } else { tail(&null, scaled) } })
}

/// Where counting ends: of the null distribution's draws ten are beyond.
const RARE: f64 = 0.001;

/// p of a dip beyond the one in a thousand, in a line with the one in a hundred on a logarithmic scale. The tail falls faster
/// than that, so that this is never too small.
fn tail(null: &[f64], dip: f64) -> f64 {
    let beyond = |share: f64| {
        let rank = (share * (null.len() as f64 + 1.0)) as usize;
        null.len().checked_sub(rank).and_then(|i| null.get(i)).copied().unwrap_or(f64::MAX)
    };
    let (rare, usual) = (beyond(RARE), beyond(10.0 * RARE));
    let tenfold = (rare - usual).max(f64::MIN_POSITIVE);
    RARE * 0.1_f64.powf(((dip - rare) / tenfold).max(0.0))
}

/// The dip of the empirical distribution of the values (at least one, finite).
pub fn dip(values: &[f64]) -> Result<f64, Unavailable> {
    check(values, 1)?;
    let unit = magnitude(values).max(f64::MIN_POSITIVE); // differences of 1e308 would overflow
    let mut sorted: Vec<f64> = values.iter().map(|v| v / unit).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let mut steps = Vec::new();
    let mut before = 0;
    for group in sorted.chunk_by(|x, y| x == y) {
        let upto = before + group.len();
        if let Some(x) = group.first() {
            steps.push(Step { x: *x, below: before as f64 / n, upto: upto as f64 / n });
        }
        before = upto;
    }
    Ok(dip_of_steps(&steps))
}

/// One jump of the empirical distribution function: its place, and the value on both sides of it.
#[derive(Clone, Copy)]
struct Step {
    x: f64,
    below: f64,
    upto: f64,
}

/// The algorithm of section 5 of the paper: shrink the modal interval until convex minorant and concave majorant
/// are no further apart than the distance already forced outside it. The ends of the interval are left to the next
/// round: a unimodal distribution may jump at its mode, and the mode may be there.
fn dip_of_steps(steps: &[Step]) -> f64 {
    let (mut low, mut high) = (0, steps.len().saturating_sub(1));
    let mut forced: f64 = 0.0;
    while let Some(window) = steps.get(low..=high) {
        let minorant = Hull::convex_minorant(window);
        let majorant = Hull::concave_majorant(window);
        let (gap, new_low, new_high) = widest_gap(&minorant, &majorant);
        if gap <= forced {
            break;
        }
        let left = window.iter().take(new_low).enumerate();
        let left = left.map(|(i, s)| s.upto - minorant.at(i)).fold(0.0, f64::max);
        let right = window.iter().enumerate().skip(new_high + 1);
        let right = right.map(|(i, s)| majorant.at(i) - s.below).fold(0.0, f64::max);
        forced = forced.max(left).max(right);
        if (new_low, new_high) == (0, window.len() - 1) {
            break;
        }
        high = low + new_high;
        low += new_low;
    }
    forced / 2.0
}

/// A convex minorant or concave majorant on the points of a window: its value at each, and where it touches.
struct Hull {
    values: Vec<f64>,
    knots: Vec<usize>,
}

impl Hull {
    fn convex_minorant(window: &[Step]) -> Self {
        Self::lower(&window.iter().map(|s| (s.x, s.below)).collect::<Vec<_>>())
    }

    fn concave_majorant(window: &[Step]) -> Self {
        let mut hull = Self::lower(&window.iter().map(|s| (s.x, -s.upto)).collect::<Vec<_>>());
        hull.values.iter_mut().for_each(|v| *v = -*v);
        hull
    }

    /// Lower convex hull of points in ascending x (Andrew's monotone chain).
    fn lower(points: &[(f64, f64)]) -> Self {
        let mut knots: Vec<usize> = Vec::new();
        let at = |i: usize| points.get(i).copied().unwrap_or((0.0, 0.0));
        for i in 0..points.len() {
            while let [.., o, m] = knots.as_slice() {
                let (o, m, p) = (at(*o), at(*m), at(i));
                if (m.1 - o.1) * (p.0 - o.0) < (p.1 - o.1) * (m.0 - o.0) {
                    break;
                }
                knots.pop();
            }
            knots.push(i);
        }
        let mut values: Vec<f64> = points.iter().map(|p| p.1).collect();
        for pair in knots.windows(2) {
            let [from, to] = *pair else { continue };
            let ((x0, y0), (x1, y1)) = (at(from), at(to));
            for i in from + 1..to {
                if let Some(slot) = values.get_mut(i) {
                    *slot = y0 + (y1 - y0) * ((at(i).0 - x0) / (x1 - x0));
                }
            }
        }
        Self { values, knots }
    }

    fn at(&self, i: usize) -> f64 {
        self.values.get(i).copied().unwrap_or(0.0)
    }
}

/// The largest distance between the two hulls and the modal interval that it leaves, as indices of the window.
fn widest_gap(minorant: &Hull, majorant: &Hull) -> (f64, usize, usize) {
    let mut widest = (f64::NEG_INFINITY, 0, 0);
    for &g in &minorant.knots {
        let gap = majorant.at(g) - minorant.at(g);
        let next = majorant.knots.iter().copied().find(|l| *l >= g).unwrap_or(g);
        if gap > widest.0 {
            widest = (gap, g, next);
        }
    }
    for &l in &majorant.knots {
        let gap = majorant.at(l) - minorant.at(l);
        let previous = minorant.knots.iter().rev().copied().find(|g| *g <= l).unwrap_or(l);
        if gap > widest.0 {
            widest = (gap, previous, l);
        }
    }
    widest
}

/// Sorted dips of uniform samples of size n, from a fixed seed, computed once per n.
fn null_dips(n: usize) -> Arc<[f64]> {
    static NULLS: LazyLock<Mutex<HashMap<usize, Arc<[f64]>>>> = LazyLock::new(Mutex::default);
    let known = |map: &HashMap<usize, Arc<[f64]>>| map.get(&n).cloned();
    if let Some(null) = known(&NULLS.lock().unwrap_or_else(PoisonError::into_inner)) {
        return null;
    }
    let mut random = SplitMix64::new(n as u64);
    let mut dips: Vec<f64> = (0..NULL_DRAWS)
        .filter_map(|_| dip(&(0..n).map(|_| random.next_f64()).collect::<Vec<_>>()).ok())
        .collect();
    dips.sort_by(f64::total_cmp);
    let null: Arc<[f64]> = dips.into();
    NULLS.lock().unwrap_or_else(PoisonError::into_inner).insert(n, Arc::clone(&null));
    null
}
