//! One point of a series, and what the points of a segment say of their variances.

use serde::{Deserialize, Serialize};

/// A lag-one correlation above which an anchor (a build that is measured in every session) is worth its time.
pub const HISTORY_AUTOCORRELATION: f64 = 0.3;

/// One session's result of one build.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HistoryPoint {
    /// The mean of its valid boots: of ln(value), or of values of a linear metric; with an anchor the mean of the
    /// differences to it.
    pub x: f64,
    /// Boots, 1 or more.
    pub boots: u32,
    /// The variance of one boot, where there are two or more.
    pub variance: Option<f64>,
    /// Whether the series begins anew here: other hardware, or a level that somebody accepted.
    pub begins: bool,
    /// Whether somebody set this point aside: it is part of no segment.
    pub left_out: bool,
}

impl HistoryPoint {
    /// A point of which nothing but its value is known.
    pub fn of_one(x: f64) -> Self {
        HistoryPoint { x, boots: 1, variance: None, begins: false, left_out: false }
    }

    /// The point of a session: mean and variance of its boots. None without a finite value.
    pub fn of_boots(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let x = values.iter().map(|v| v / n).sum::<f64>();
        let variance = (values.len() > 1)
            .then(|| values.iter().map(|v| (v - x).powi(2)).sum::<f64>() / (n - 1.0))
            .filter(|v| v.is_finite());
        (x.is_finite() && !values.is_empty()).then_some(HistoryPoint {
            x,
            boots: u32::try_from(values.len()).unwrap_or(u32::MAX),
            variance,
            begins: false,
            left_out: false,
        })
    }

    fn k(&self) -> f64 {
        f64::from(self.boots.max(1))
    }
}

/// The variance of one boot, pooled over points. 0 where no point has more than one boot.
fn boot_variance(points: &[HistoryPoint]) -> f64 {
    let of = |p: &HistoryPoint| p.variance.map(|v| (v * (p.k() - 1.0), p.k() - 1.0));
    let (sum, df) = points.iter().filter_map(of).fold((0.0, 0.0), |(s, d), (sum, df)| (s + sum, d + df));
    if df > 0.0 { sum / df } else { 0.0 }
}

/// tau^2 and sigma^2 / k of a segment: what sessions differ by beyond their boots (by the median absolute difference of
/// neighbours, so that a step or a bad night does not count), and what a point's boots leave open on average.
pub fn session_variance_of(points: &[HistoryPoint]) -> (f64, f64) {
    let sigma = boot_variance(points);
    let boots = points.iter().map(|p| sigma / p.k()).sum::<f64>() / (points.len().max(1) as f64);
    let mut steps: Vec<f64> = points
        .iter()
        .zip(points.iter().skip(1))
        .map(|(one, next)| (next.x - one.x).abs())
        .filter(|d| d.is_finite())
        .collect();
    steps.sort_by(f64::total_cmp);
    let half = steps.len() / 2;
    let median = match (steps.get(half), steps.len() % 2) {
        (Some(upper), 0) => (steps.get(half.wrapping_sub(1)).unwrap_or(upper) + upper) / 2.0,
        (Some(middle), _) => *middle,
        (None, _) => 0.0,
    };
    // Differences of neighbours have mean 0, so their median absolute value is their MAD.
    let tau = (1.4826 * median).powi(2) / 2.0 - boots;
    (tau.max(0.0), boots)
}

/// The weight of each point, 1 on average: 1 / (tau^2 + sigma^2 / k).
///
/// Never by a point's own standard error, which at a few boots is mostly chance: that makes tenfold false alarms. Points of
/// as many boots weigh the same.
pub(super) fn weights(points: &[HistoryPoint]) -> Vec<f64> {
    let alike = points.iter().zip(points.iter().skip(1)).all(|(one, next)| one.boots == next.boots);
    let sigma = boot_variance(points);
    if alike || sigma <= 0.0 {
        return vec![1.0; points.len()];
    }
    let (tau, _) = session_variance_of(points);
    let of: Vec<f64> = points.iter().map(|p| 1.0 / (tau + sigma / p.k())).collect();
    let mean = of.iter().sum::<f64>() / of.len() as f64;
    of.into_iter().map(|w| w / mean).collect()
}

/// The lag-one correlation of the last points of a segment; None of fewer than 20 points or of equal ones.
pub fn lag_one(points: &[HistoryPoint]) -> Option<f64> {
    if points.len() < 20 {
        return None;
    }
    let mean = points.iter().map(|p| p.x).sum::<f64>() / points.len() as f64;
    let all: f64 = points.iter().map(|p| (p.x - mean).powi(2)).sum();
    let both: f64 =
        points.iter().zip(points.iter().skip(1)).map(|(one, next)| (one.x - mean) * (next.x - mean)).sum();
    Some(both / all).filter(|r| r.is_finite())
}
