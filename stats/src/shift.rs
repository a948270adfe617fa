//! Whether values of several sides shifted together at a place in time, and whether each tells of the next one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::common::{Unavailable, check, magnitude};
use super::random::SplitMix64;
use super::tdist::t_two_sided_p;
use super::ttest::TTest;

/// Fewest values for a change point.
pub const CHANGE_POINT_MIN_N: usize = 5;
/// Fewest values for the serial correlation: with seven orders of 5,040, the smallest p is 0.0004.
pub const SERIAL_MIN_N: usize = 7;

/// Most places at which a change is looked for; of more moments places that are evenly apart.
const MOST_PLACES: usize = 200;
/// Random orders of the serial correlation, where there are more than [`SERIAL_EXACT_MAX`] values.
const SERIAL_DRAWS: u32 = 9_999;
/// Largest n of which all orders are visited.
const SERIAL_EXACT_MAX: usize = 7;

/// A value with its side and the place in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// The value.
    pub value: f64,
    /// Its side, which has a mean of its own.
    pub side: usize,
    /// Its moment; several values may share one.
    pub at: u64,
}

/// The t-test of the coefficient of an indicator (`is`, by the index of the value) in a linear model with one mean per side.
///
/// By Frisch, Waugh and Lovell: values and indicator are centred within the sides, and the one is regressed on the other.
/// df = N - sides - 1.
pub fn shift(values: &[Placed], is: impl Fn(usize) -> bool) -> Result<TTest, Unavailable> {
    let raw: Vec<f64> = values.iter().map(|v| v.value).collect();
    check(&raw, 3)?;
    let unit = magnitude(&raw).max(f64::MIN_POSITIVE);
    let indicator = |i: usize| f64::from(u8::from(is(i)));
    let mut sides: BTreeMap<usize, (f64, f64, f64)> = BTreeMap::new();
    for (i, v) in values.iter().enumerate() {
        let (n, sum, ones) = sides.entry(v.side).or_default();
        (*n, *sum, *ones) = (*n + 1.0, *sum + v.value / unit, *ones + indicator(i));
    }
    let centred = |i: usize, v: &Placed| {
        let (n, sum, ones) = sides.get(&v.side).copied().unwrap_or((1.0, 0.0, 0.0));
        (v.value / unit - sum / n, indicator(i) - ones / n)
    };
    let all = || values.iter().enumerate().map(|(i, v)| centred(i, v));
    let weight: f64 = all().map(|(_, z)| z * z).sum();
    let df = values.len() as f64 - sides.len() as f64 - 1.0;
    if df < 1.0 || weight <= 1e-12 {
        return Err(Unavailable::Domain);
    }
    let slope = all().map(|(y, z)| y * z).sum::<f64>() / weight;
    let left: f64 = all().map(|(y, z)| (y - slope * z).powi(2)).sum();
    let se = (left / df / weight).sqrt();
    // In units of the largest value: what is below is rounding.
    if se <= 1e-14 {
        return Err(Unavailable::ZeroVariance);
    }
    let t = slope / se;
    let (estimate, se) = (slope * unit, se * unit);
    if !(estimate.is_finite() && se.is_finite()) {
        return Err(Unavailable::OutOfRange);
    }
    Ok(TTest { estimate, se, df, t, p: t_two_sided_p(t, df) })
}

/// A place in time behind which values are others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// The last moment before the change ([`Placed::at`]).
    pub after: u64,
    /// By how much the values changed, over all sides.
    pub estimate: f64,
    /// Two-sided p, for all places that were looked at.
    pub p: f64,
}

/// The place at which the values of all sides together changed most clearly: the smallest p of [`shift`] over all places
/// that leave a fifth of the values (two or more) on each side of them, times their number (Bonferroni; Worsley 1983).
///
/// Needs [`CHANGE_POINT_MIN_N`] values. Nearer to the ends single wild values would be steps.
pub fn change_point(values: &[Placed]) -> Result<ChangePoint, Unavailable> {
    check(&values.iter().map(|v| v.value).collect::<Vec<f64>>(), CHANGE_POINT_MIN_N)?;
    let mut moments: Vec<u64> = values.iter().map(|v| v.at).collect();
    moments.sort_unstable();
    let least = 2.max(values.len().div_ceil(5));
    let mut places = Vec::new();
    let mut before = 0;
    for same in moments.chunk_by(|x, y| x == y) {
        before += same.len();
        if before >= least && values.len() - before >= least {
            places.extend(same.first());
        }
    }
    let step = places.len().div_ceil(MOST_PLACES).max(1);
    let places: Vec<u64> = places.into_iter().step_by(step).collect();
    let mut best: Result<ChangePoint, Unavailable> = Err(Unavailable::Domain);
    for after in &places {
        match shift(values, |i| values.get(i).is_some_and(|v| v.at > *after)) {
            Ok(found) => {
                let p = (found.p * places.len() as f64).min(1.0);
                if best.as_ref().map_or(true, |b| p < b.p) {
                    best = Ok(ChangePoint { after: *after, estimate: found.estimate, p });
                }
            }
            Err(why) => best = best.or(Err(why)),
        }
    }
    best
}

/// How values tell of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SerialCorrelation {
    /// Correlation of each value with the next.
    pub r: f64,
    /// Two-sided p of the permutation test over their orders.
    pub p: f64,
}

/// The correlation of values with the next one in time, and its p over all orders of them (Wald and Wolfowitz 1943), all of
/// seven values, 9,999 random ones of more, by the seed. Needs [`SERIAL_MIN_N`] values.
pub fn serial_correlation(values: &[f64], seed: u64) -> Result<SerialCorrelation, Unavailable> {
    check(values, SERIAL_MIN_N)?;
    let unit = magnitude(values).max(f64::MIN_POSITIVE);
    let mean = values.iter().map(|v| v / unit).sum::<f64>() / values.len() as f64;
    let mut centred: Vec<f64> = values.iter().map(|v| v / unit - mean).collect();
    let squares: f64 = centred.iter().map(|v| v * v).sum();
    if squares <= 1e-28 * values.len() as f64 {
        return Err(Unavailable::ZeroVariance);
    }
    let products = |values: &[f64]| -> f64 {
        values.windows(2).map(|w| w.iter().product::<f64>()).sum::<f64>() / squares
    };
    let r = products(&centred);
    let (mut lower, mut upper, mut all) = (0.0, 0.0, 0.0);
    let mut visit = |other: f64| {
        lower += f64::from(u8::from(other <= r + 1e-12));
        upper += f64::from(u8::from(other >= r - 1e-12));
        all += 1.0;
    };
    if centred.len() <= SERIAL_EXACT_MAX {
        each_order(&mut centred, 0, &mut |order| visit(products(order)));
    } else {
        visit(r);
        let mut random = SplitMix64::new(seed);
        for _ in 0..SERIAL_DRAWS {
            random.shuffle(&mut centred);
            visit(products(&centred));
        }
    }
    Ok(SerialCorrelation { r, p: (2.0 * f64::min(lower, upper) / all).min(1.0) })
}

/// Visits every order of the values from the place `from` on.
fn each_order(values: &mut [f64], from: usize, visit: &mut impl FnMut(&[f64])) {
    if from + 1 >= values.len() {
        visit(values);
        return;
    }
    for other in from..values.len() {
        values.swap(from, other);
        each_order(values, from + 1, visit);
        values.swap(from, other);
    }
}
