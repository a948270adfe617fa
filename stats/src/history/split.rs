//! A segment, split in two.

use super::point::{HistoryPoint, weights};

/// Variance that a closed segment hands to the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Carried {
    /// Sum of squares, of points of weight 1.
    pub(super) sum: f64,
    /// Its degrees of freedom.
    pub(super) df: f64,
}

/// Most degrees of freedom that are handed on.
const CARRIED_DF_MAX: f64 = 30.0;

impl Carried {
    /// This one and a sum of squares of the closed segment, together at most [`CARRIED_DF_MAX`].
    pub(super) fn and(self, sum: f64, df: f64) -> Carried {
        let (sum, df) = (self.sum + sum, self.df + df);
        let share = if df > CARRIED_DF_MAX { CARRIED_DF_MAX / df } else { 1.0 };
        Carried { sum: sum * share, df: df * share }
    }
}

/// Weighted sums of some points, of differences to a pivot.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) n: f64,
    w: f64,
    wx: f64,
    wxx: f64,
}

impl Sums {
    fn add(&mut self, w: f64, x: f64) {
        self.n += 1.0;
        self.w += w;
        self.wx += w * x;
        self.wxx += w * x * x;
    }

    fn minus(&self, other: &Sums) -> Sums {
        Sums { n: self.n - other.n, w: self.w - other.w, wx: self.wx - other.wx, wxx: self.wxx - other.wxx }
    }

    pub(super) fn mean(&self) -> f64 {
        self.wx / self.w
    }

    /// Sum of squares around the mean. What is no more than rounding of it is 0.
    pub(super) fn squares(&self) -> f64 {
        let left = self.wxx - self.wx * self.wx / self.w;
        if left > self.wxx * 1e-13 { left } else { 0.0 }
    }
}

/// Two groups, compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contrast {
    /// Mean of the right minus that of the left.
    pub(super) difference: f64,
    pub(super) se: f64,
    pub(super) df: f64,
    /// Infinite where groups without spread differ.
    pub(super) t: f64,
}

pub(super) fn contrast(left: &Sums, right: &Sums, carried: Carried) -> Contrast {
    let df = left.n + right.n - 2.0 + carried.df;
    let variance = (left.squares() + right.squares() + carried.sum) / df;
    let difference = right.mean() - left.mean();
    let se = (variance * (1.0 / left.w + 1.0 / right.w)).sqrt();
    let t = if difference == 0.0 { 0.0 } else { difference / se };
    Contrast { difference, se, df, t }
}

/// The points of a window with their weights.
pub(super) struct Window {
    pub(super) pivot: f64,
    pub(super) x: Vec<f64>,
    w: Vec<f64>,
    /// Sums of the first 0, 1, .. points.
    first: Vec<Sums>,
}

impl Window {
    pub(super) fn of(points: &[HistoryPoint]) -> Window {
        let pivot = points.first().map_or(0.0, |p| p.x);
        let x: Vec<f64> = points.iter().map(|p| p.x - pivot).collect();
        let w = weights(points);
        let mut sums = Sums::default();
        let mut first = vec![sums];
        for (w, x) in w.iter().zip(&x) {
            sums.add(*w, *x);
            first.push(sums);
        }
        Window { pivot, x, w, first }
    }

    pub(super) fn len(&self) -> usize {
        self.x.len()
    }

    /// Sums of the first `n` points.
    pub(super) fn left(&self, n: usize) -> Sums {
        self.first.get(n).copied().unwrap_or_default()
    }

    /// Sums of the points from index `from` on.
    pub(super) fn right(&self, from: usize) -> Sums {
        self.left(self.len()).minus(&self.left(from))
    }

    /// Sums of some points.
    pub(super) fn some(&self, is: impl Fn(usize) -> bool) -> Sums {
        let mut sums = Sums::default();
        for (i, (w, x)) in self.w.iter().zip(&self.x).enumerate() {
            if is(i) {
                sums.add(*w, *x);
            }
        }
        sums
    }
}
