//! Whether the two ends of a range differ at all, before anything between them is looked at.

use crate::common::Unavailable;
use crate::ttest::paired;

/// Rounds of both ends that there are at least before they count as different.
pub const BISECT_MIN_ROUNDS: usize = 5;

/// What the rounds of both ends say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BisectEnds {
    /// The paired t of bad against good.
    pub t: f64,
    /// What |t| has to reach with so many rounds.
    pub bar: f64,
    /// The mean difference of the logarithms, bad less good.
    pub effect: f64,
    /// The standard deviation of a round's difference.
    pub sd: f64,
}

impl BisectEnds {
    /// Whether the ends differ.
    pub fn differ(&self) -> bool {
        self.t.abs() >= self.bar
    }
}

/// What |t| of `rounds` paired rounds has to reach: 4 + 8 / (rounds - 1), which is looked at after every round, so that it is
/// far higher than for one look. Infinite below [`BISECT_MIN_ROUNDS`].
pub fn bisect_ends_bar(rounds: usize) -> f64 {
    if rounds < BISECT_MIN_ROUNDS { f64::INFINITY } else { 4.0 + 8.0 / (rounds as f64 - 1.0) }
}

/// Compares the ends by their rounds: `good` and `bad` are logarithms, one of each a round.
///
/// # Errors
/// There are fewer than two rounds, they are not pairs, or no round differs from another (no t can be told).
pub fn bisect_ends(good: &[f64], bad: &[f64]) -> Result<BisectEnds, Unavailable> {
    let test = paired(good, bad)?;
    let sd = test.se * (good.len() as f64).sqrt();
    Ok(BisectEnds { t: test.t, bar: bisect_ends_bar(good.len()), effect: test.estimate, sd })
}
