//! Repeated looks at a t-test: a boundary that keeps the error rate over all looks together.
//!
//! A campaign that stops when its intervals are narrow enough looks at its data after every block. At every planned
//! look, n = floor, floor + 1, .. ceiling replicates, the rule asks whether the z that belongs to the test's ordinary
//! p exceeds `C (1 + S (1 - n / ceiling))`: a group-sequential boundary on the scale of significance levels (Pocock
//! 1977; Jennison and Turnbull 2000, section 4.4) whose demands fall as evidence grows, between the shapes of O'Brien
//! and Fleming (1979) and of Pocock. C is such that the chance of exceeding it at *any* of the looks is the level.
//! Intervals are the repeated confidence intervals of Jennison and Turnbull (1989): all of them together hold the
//! truth with the probability that they state, however and for whatever reason it was stopped. The p is the level at
//! which the interval of this look just excludes no change, so that it is valid at every look.
//!
//! The chance is not simulated and not borrowed from the normal distribution. Of normal differences with mean 0 only
//! the direction of the vector of the first n values counts, `u = sum / sqrt(n * sum of squares)`, with
//! `t = sqrt(n-1) u / sqrt(1-u²)`. It is independent of the length of that vector, so that u is a Markov chain and its
//! density can be carried from look to look (Armitage, McPherson and Rowe 1969 do so for normal sums):
//! with psi, the angle of the next value, of density proportional to `cos^(n-1)`,
//! `u' = (sqrt(n) u cos psi + sin psi) / sqrt(n+1)`.
//! For the blocked model this is exact; for Welch's test it is an approximation that simulations check
//! (`tests/it/sequential.rs`).

use std::collections::HashMap;
use std::f64::consts::PI;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::special::{ln_gamma, normal_quantile, normal_sf};
use super::tdist::two_sided_quantile;

/// The smallest number of replicates at which a rule looks.
pub const FLOOR_MIN: u32 = 5;

/// The largest ceiling of a rule.
pub const CEILING_MAX: u32 = 200;

/// S: how much higher the boundary begins than it ends.
const SLOPE: f64 = 0.5;

/// The share of alpha that planned looks leave to boots that are added after the ceiling.
const KEPT_BY_RULE: f64 = 0.1;

/// The share of alpha that counts as unspent when boots are added to a campaign of a fixed number of them.
const KEPT_BY_FIXED: f64 = 0.5;

/// Of what is left, the share that each later look takes.
const LATER_SHARE: f64 = 2.0 / 3.0;

/// Where one look at a row stands among the looks of its campaign.
#[derive(Clone, Debug)]
pub enum Look {
    /// One of the looks of a rule.
    Planned {
        /// The rule's boundary.
        boundary: Arc<Boundary>,
        /// Replicates.
        n: u32,
    },
    /// A look after boots were added to what had been planned.
    Later {
        /// The boots had been planned by a rule, not as a fixed number.
        after_rule: bool,
        /// First, second, .. of such looks, from 1.
        index: u32,
    },
}

impl Look {
    /// The p that is valid at every look, from the ordinary two-sided p of the test.
    pub fn p(&self, ordinary: f64) -> f64 {
        match self {
            Look::Planned { boundary, n } => {
                let z = -normal_quantile(0.5 * ordinary);
                (boundary.crossing(z / boundary.shape(*n)) / (1.0 - KEPT_BY_RULE)).clamp(ordinary, 1.0)
            }
            Look::Later { after_rule, index } => (ordinary / later_share(*after_rule, *index)).min(1.0),
        }
    }

    /// The level at which an ordinary test at this look has to be made, for a level over all looks; 1 minus it is the
    /// level of the ordinary interval that serves as the rule's.
    pub fn ordinary_level(&self, alpha: f64) -> f64 {
        match self {
            Look::Planned { boundary, n } => {
                (2.0 * normal_sf(boundary.critical(alpha) * boundary.shape(*n))).min(alpha)
            }
            Look::Later { after_rule, index } => alpha * later_share(*after_rule, *index),
        }
    }

    /// The error spent when this look has been taken, of a level of `alpha` over all looks.
    pub fn spent(&self, alpha: f64) -> f64 {
        match self {
            Look::Planned { boundary, n } => boundary.spent(alpha, *n),
            Look::Later { after_rule, index } => {
                alpha * (1.0 - kept(*after_rule) * (1.0 - LATER_SHARE).powi(*index as i32))
            }
        }
    }
}

fn kept(after_rule: bool) -> f64 {
    if after_rule { KEPT_BY_RULE } else { KEPT_BY_FIXED }
}

/// The share of alpha of the index-th later look.
fn later_share(after_rule: bool, index: u32) -> f64 {
    kept(after_rule) * LATER_SHARE * (1.0 - LATER_SHARE).powi(index as i32 - 1)
}

/// The boundary of a rule with looks at floor, floor + 1, .. ceiling replicates.
#[derive(Debug)]
pub struct Boundary {
    floor: u32,
    ceiling: u32,
    /// Chebyshev coefficients over 0..[`TOP`] of what the chance of crossing is of its bound (Bonferroni's).
    ratio: Vec<f64>,
    /// C of the levels that are often asked for, [`USUAL`].
    usual: [f64; 3],
    /// Error spent with each look at a level of 0.05.
    spent: Vec<f64>,
}

/// The levels that every row needs, and that of a confirmation.
const USUAL: [f64; 3] = [0.05, 0.10, 0.01];

/// Beyond this C the chance is below 1e-5 and its bound is used instead, which is always valid.
const TOP: f64 = 5.0;

/// Nodes in C.
const C_NODES: usize = 20;

impl Boundary {
    /// The boundary for looks at `floor` to `ceiling` replicates, computed once for each pair. Both are put into the
    /// range [`FLOOR_MIN`]..=[`CEILING_MAX`].
    pub fn of(floor: u32, ceiling: u32) -> Arc<Boundary> {
        type Known = HashMap<(u32, u32), Arc<Boundary>>;
        static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
        let floor = floor.clamp(FLOOR_MIN, CEILING_MAX);
        let ceiling = ceiling.clamp(floor, CEILING_MAX);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry((floor, ceiling)).or_insert_with(|| Arc::new(Boundary::new(floor, ceiling))))
    }

    fn new(floor: u32, ceiling: u32) -> Boundary {
        let mut boundary =
            Boundary { floor, ceiling, ratio: Vec::new(), usual: [f64::INFINITY; 3], spent: Vec::new() };
        let rule = gauss_legendre(POINTS);
        let of_c = |x: f64| 0.5 * TOP * (x + 1.0);
        boundary.ratio = chebyshev(C_NODES, |x| {
            let c = of_c(x);
            boundary.chances(c, &rule).last().map_or(1.0, |chance| chance / boundary.bound(c))
        });
        boundary.usual = USUAL.map(|alpha| boundary.solve(alpha));
        boundary.spent = boundary.chances(boundary.critical(0.05), &rule);
        boundary
    }

    /// The first look.
    pub fn floor(&self) -> u32 {
        self.floor
    }

    /// The last planned look.
    pub fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// The boundary at n relative to C. Before the floor nobody looks; what is left of a row whose cells were lost is
    /// judged as if it were the floor.
    fn shape(&self, n: u32) -> f64 {
        let n = n.clamp(self.floor, self.ceiling);
        1.0 + SLOPE * (1.0 - f64::from(n) / f64::from(self.ceiling))
    }

    fn looks(&self) -> impl Iterator<Item = u32> {
        self.floor..=self.ceiling
    }

    /// Bonferroni's bound of the chance that any look exceeds its boundary.
    fn bound(&self, c: f64) -> f64 {
        self.looks().map(|n| 2.0 * normal_sf(c * self.shape(n))).sum()
    }

    /// The chance that any planned look exceeds `c` times its shape.
    fn crossing(&self, c: f64) -> f64 {
        if c <= 0.0 {
            return 1.0;
        }
        let bound = self.bound(c);
        if c >= TOP {
            return bound;
        }
        // Not below the bound at the seam, so that the chance falls everywhere as c rises.
        (clenshaw(&self.ratio, 2.0 * c / TOP - 1.0).min(1.0) * bound).clamp(self.bound(TOP), 1.0)
    }

    /// C for a level over all looks, planned and later.
    fn critical(&self, alpha: f64) -> f64 {
        // 1 - 0.95 is not 0.05 to the last bit.
        let is = |usual: f64| (alpha - usual).abs() < 1e-12;
        let known = USUAL.into_iter().zip(self.usual).find(|(usual, at)| is(*usual) && at.is_finite());
        known.map_or_else(|| self.solve(alpha), |(_, at)| at)
    }

    fn solve(&self, alpha: f64) -> f64 {
        let target = alpha * (1.0 - KEPT_BY_RULE);
        let (mut low, mut high) = (0.0, 40.0);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if self.crossing(middle) > target { low = middle } else { high = middle }
        }
        high
    }

    fn spent(&self, alpha: f64, n: u32) -> f64 {
        let index = n.clamp(self.floor, self.ceiling) - self.floor;
        let at = |curve: &[f64]| curve.get(index as usize).copied().unwrap_or(alpha);
        if alpha == 0.05 {
            at(&self.spent)
        } else {
            at(&self.chances(self.critical(alpha), &gauss_legendre(POINTS)))
        }
    }

    /// The |u| at which look n is exceeded.
    fn edge(&self, c: f64, n: u32) -> f64 {
        let df = f64::from(n) - 1.0;
        let t = two_sided_quantile(2.0 * normal_sf(c * self.shape(n)), df);
        if t.is_finite() { t / (t * t + df).sqrt() } else { 1.0 }
    }

    /// The chance that a look up to floor, floor + 1, .. ceiling exceeded `c` times its shape.
    fn chances(&self, c: f64, rule: &[(f64, f64)]) -> Vec<f64> {
        let mut density = Density::first(self.floor, self.edge(c, self.floor));
        let mut out = vec![1.0 - density.mass()];
        for n in self.floor..self.ceiling {
            density = density.next(f64::from(n), self.edge(c, n + 1), rule);
            out.push((1.0 - density.mass()).max(out.last().copied().unwrap_or(0.0)));
        }
        out
    }
}

/// Terms of a density's series, which are even polynomials.
const TERMS: usize = 20;

/// Points of the integral over the next value.
const POINTS: usize = 40;

/// The density of u where no look has been exceeded: an even series of Chebyshev polynomials over -edge..edge.
struct Density {
    edge: f64,
    /// Of T_0, T_2, T_4, .. in u / edge.
    coefficients: Vec<f64>,
}

impl Density {
    fn fit(edge: f64, density: impl Fn(f64) -> f64) -> Density {
        // T_2k(x) is T_k(2x² - 1).
        Density { edge, coefficients: chebyshev(TERMS, |y| density(edge * (0.5 * (1.0 + y)).sqrt())) }
    }

    /// Of n values, before anything was exceeded.
    fn first(n: u32, edge: f64) -> Density {
        let n = f64::from(n);
        let norm = (ln_gamma(n / 2.0) - ln_gamma((n - 1.0) / 2.0)).exp() / PI.sqrt();
        Density::fit(edge, |u| norm * (1.0 - u * u).powf((n - 3.0) / 2.0))
    }

    fn at(&self, u: f64) -> f64 {
        let x = u / self.edge;
        clenshaw(&self.coefficients, (2.0 * x * x - 1.0).min(1.0))
    }

    fn mass(&self) -> f64 {
        let terms = (0i32..).zip(&self.coefficients);
        self.edge * terms.map(|(k, c)| c * 2.0 / (1.0 - 4.0 * f64::from(k * k))).sum::<f64>()
    }

    /// With one more value, behind n of them.
    fn next(&self, n: f64, edge: f64, rule: &[(f64, f64)]) -> Density {
        let norm = (ln_gamma((n + 1.0) / 2.0) - ln_gamma(n / 2.0)).exp() / PI.sqrt() * ((n + 1.0) / n).sqrt();
        let tilt = (self.edge * n.sqrt()).atan();
        let radius = 1.0_f64.hypot(self.edge * n.sqrt());
        // The next value is hardly ever so large that its angle leaves this range.
        let reach = (9.0 / n.sqrt()).min(PI / 2.0);
        Density::fit(edge, |v| {
            let s = (n + 1.0).sqrt() * v;
            if s >= radius {
                return 0.0;
            }
            // Where the u that leads to v lies within the edge.
            let base = (s / radius).asin();
            let low = (base - tilt).max(-reach);
            let high = if s <= 1.0 { base + tilt } else { PI - base - tilt }.min(reach);
            let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
            let value = |psi: f64| {
                let (sin, cos) = psi.sin_cos();
                cos.powi(n as i32 - 2) * self.at((s - sin) / (n.sqrt() * cos))
            };
            norm * half * rule.iter().map(|(x, w)| w * value(middle + half * x)).sum::<f64>()
        })
    }
}

/// Coefficients of the polynomial through a function's values at the Chebyshev nodes of -1..1.
fn chebyshev(terms: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
    let angle = |k: usize| PI * (k as f64 + 0.5) / terms as f64;
    let values: Vec<f64> = (0..terms).map(|k| f(angle(k).cos())).collect();
    let coefficient = |j: usize| {
        let sum: f64 = values.iter().enumerate().map(|(k, v)| v * (j as f64 * angle(k)).cos()).sum();
        sum * if j == 0 { 1.0 } else { 2.0 } / terms as f64
    };
    (0..terms).map(coefficient).collect()
}

/// A Chebyshev series at x (Clenshaw's recurrence).
fn clenshaw(coefficients: &[f64], x: f64) -> f64 {
    let (mut b1, mut b2) = (0.0, 0.0);
    for c in coefficients.iter().skip(1).rev() {
        (b1, b2) = (2.0 * x * b1 - b2 + c, b1);
    }
    x * b1 - b2 + coefficients.first().copied().unwrap_or(0.0)
}

/// Nodes and weights of Gauss and Legendre on -1..1: Newton's method on the polynomial.
fn gauss_legendre(points: usize) -> Vec<(f64, f64)> {
    let n = points as f64;
    let mut out = Vec::with_capacity(points);
    for k in 0..points {
        let mut x = (PI * (k as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..10 {
            let (mut p, mut before) = (1.0, 0.0);
            for j in 0..points {
                let j = j as f64;
                (p, before) = (((2.0 * j + 1.0) * x * p - j * before) / (j + 1.0), p);
            }
            slope = n * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        out.push((x, 2.0 / ((1.0 - x * x) * slope * slope)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_of_u_keeps_its_mass_where_nothing_is_exceeded() {
        let rule = gauss_legendre(POINTS);
        let mut density = Density::first(5, 1.0);
        for n in 5..60 {
            assert!((density.mass() - 1.0).abs() < 1e-6, "n = {n}: {}", density.mass());
            density = density.next(f64::from(n), 1.0, &rule);
        }
    }

    #[test]
    fn a_single_look_is_the_ordinary_test_at_its_share_of_alpha() {
        let boundary = Boundary::of(5, 5);
        let look = Look::Planned { boundary, n: 5 };
        assert!((look.ordinary_level(0.05) - 0.045).abs() < 1e-7, "{}", look.ordinary_level(0.05));
        assert!((look.p(0.01) - 0.01 / 0.9).abs() < 1e-7);
        assert!((look.spent(0.05) - 0.045).abs() < 1e-7);
    }

    #[test]
    fn p_and_interval_agree_at_every_look_and_level() {
        let boundary = Boundary::of(5, 30);
        for n in [5, 6, 17, 30] {
            let look = Look::Planned { boundary: Arc::clone(&boundary), n };
            for alpha in [0.2, 0.10, 0.05, 0.01, 1e-4, 1e-8] {
                let ordinary = look.ordinary_level(alpha);
                assert!(ordinary < alpha);
                assert!(
                    (look.p(ordinary) / alpha - 1.0).abs() < 1e-6,
                    "n = {n}, {alpha}: {}",
                    look.p(ordinary)
                );
            }
        }
    }

    #[test]
    fn p_rises_with_the_ordinary_p_and_never_lies_below_it() {
        let look = Look::Planned { boundary: Boundary::of(5, 30), n: 12 };
        let mut before = 0.0;
        for k in 0..600 {
            let ordinary = 10f64.powf(-12.0 + f64::from(k) * 0.02);
            let p = look.p(ordinary);
            assert!(p >= before && p >= ordinary, "{ordinary}: {p} after {before}");
            before = p;
        }
        assert_eq!((look.p(1.0), look.p(0.0)), (1.0, 0.0));
    }

    #[test]
    fn what_is_spent_rises_to_the_share_of_the_planned_looks_and_later_looks_never_use_it_up() {
        let boundary = Boundary::of(5, 30);
        let spent = |n| Look::Planned { boundary: Arc::clone(&boundary), n }.spent(0.05);
        assert!((5..30).all(|n| spent(n) < spent(n + 1)));
        assert!((spent(30) - 0.045).abs() < 1e-6, "{}", spent(30));
        let mut total = spent(30);
        for index in 1..20 {
            let later = Look::Later { after_rule: true, index };
            total += later.ordinary_level(0.05);
            assert!((later.spent(0.05) - total).abs() < 1e-6 && total <= 0.05 + 1e-6);
        }
    }

    #[test]
    fn more_terms_and_points_change_nothing_that_counts() {
        let boundary = Boundary::of(5, 30);
        let coarse = boundary.chances(2.4, &gauss_legendre(POINTS));
        let fine = boundary.chances(2.4, &gauss_legendre(2 * POINTS));
        for (x, y) in coarse.iter().zip(&fine) {
            assert!((x - y).abs() < 1e-7, "{x} {y}");
        }
    }
}
