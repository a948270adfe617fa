//! How many false steps are to be expected of a lake.

use super::rates::RATES;
use super::threshold::between;
use super::thresholds::ALPHAS;

/// Steps a point that are to be expected of series whose level never changes, at an alpha and where the rule sets aside a share of
/// the points (0 to 1).
///
/// Bad sessions are set aside; now and then two of them in a row look like a step, so that the rate does not fall below some level
/// however small alpha is. Simulated for shares of bad sessions from 0 to .04 (`examples/history_rates.rs`: off by 5 to 15 %, with
/// an SD of 1 % between sessions and 3 % between five boots), straight in ln alpha and in what was set aside, and on in the same
/// direction beyond the last share. What a host's bad sessions are like is its own: it is an estimate.
pub fn history_rate(alpha: f64, set_aside: f64) -> f64 {
    let (below, above, share) = between(ALPHAS.iter().map(|a| a.ln()), alpha.ln());
    let at = |row: usize, column: usize| RATES.get(row).and_then(|row| row.get(column)).copied();
    let nodes = RATES.first().map_or(0, |row| row.len());
    let node = |column: usize| -> Option<(f64, f64)> {
        let ([aside, steps], [aside_2, steps_2]) = (at(below, column)?, at(above, column)?);
        Some((aside + (aside_2 - aside) * share, steps + (steps_2 - steps) * share))
    };
    let nodes: Vec<(f64, f64)> = (0..nodes).filter_map(node).collect();
    let Some((least, first)) = nodes.first().copied() else { return f64::NAN };
    if set_aside <= least {
        return first;
    }
    let mut pairs = nodes.iter().zip(nodes.iter().skip(1));
    // The last pair goes on beyond its end.
    let pair = pairs.clone().find(|(_, (to, _))| set_aside <= *to).or_else(|| pairs.next_back());
    pair.map_or(first, |((x, y), (x_2, y_2))| y + (y_2 - y) * (set_aside - x) / (x_2 - x))
}
