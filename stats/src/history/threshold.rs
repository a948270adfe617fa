//! How large the largest t of a look may be.

use super::thresholds::{ALPHAS, NODES, TABLE};

/// The chance of a false alarm at a look, by default: some .07 of them in 100 quiet points.
pub const HISTORY_ALPHA: f64 = 0.001;
/// The smallest alpha that thresholds were simulated for.
pub const HISTORY_ALPHA_MIN: f64 = 0.0005;
/// The largest.
pub const HISTORY_ALPHA_MAX: f64 = 0.01;

/// The threshold of the largest |t| over all splits of `n` points (with the degrees of freedom of a carried variance among
/// them), for an alpha within [`HISTORY_ALPHA_MIN`] and [`HISTORY_ALPHA_MAX`].
///
/// The chance of exceeding it at a look, with none before, is alpha / 2: a false step is followed by a short segment, where
/// others are likelier, so that false steps of a whole series come to some .7 alpha a point.
///
/// Simulated at the nodes of a table (`examples/history_thresholds.rs` writes it), straight in ln n and ln alpha between
/// them; beyond the last node that node's, which is a little more than is needed.
pub fn history_threshold(n: f64, alpha: f64) -> f64 {
    let (below, above, share) = between(ALPHAS.iter().map(|a| a.ln()), alpha.ln());
    let at = |row: usize| -> f64 {
        let (left, right, share) = between(NODES.iter().map(|n| n.ln()), n.ln());
        let of = |i: usize| TABLE.get(row).and_then(|row| row.get(i)).copied().unwrap_or(f64::INFINITY);
        of(left) + (of(right) - of(left)) * share
    };
    at(below) + (at(above) - at(below)) * share
}

/// The neighbours of a value among rising ones, and how far it lies on the way between them; the ends hold on.
pub(super) fn between(nodes: impl Iterator<Item = f64>, value: f64) -> (usize, usize, f64) {
    let nodes: Vec<f64> = nodes.collect();
    let last = nodes.len().saturating_sub(1);
    let above = nodes.iter().position(|node| *node >= value).unwrap_or(last);
    let below = above.saturating_sub(1);
    match (nodes.get(below), nodes.get(above)) {
        (Some(low), Some(high)) if high > low => {
            (below, above, ((value - low) / (high - low)).clamp(0.0, 1.0))
        }
        _ => (above, above, 0.0),
    }
}
