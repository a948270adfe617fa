//! What the other rows of a family leave of alpha to one of them.

use crate::options::{CompareOptions, Correction};
use stats::SplitMix64;

/// The rows among which a row is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct FamilyOf {
    /// How many they are.
    pub size: usize,
    /// Level of all of them together at the gate.
    pub level: f64,
}

/// The largest p with which a row is significant, of one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// On the page, by q.
    pub page: f64,
    /// At the gate, by Holm.
    pub gate: f64,
}

impl Limits {
    /// Of a page on which no other row of the family changed: their p are uniform.
    pub fn draw(random: &mut SplitMix64, options: &CompareOptions, family: FamilyOf) -> Limits {
        let others: Vec<f64> = (1..family.size).map(|_| random.next_f64()).collect();
        Limits {
            page: limit(&others, options.alpha, options.correction),
            gate: limit(&others, family.level, Correction::Holm),
        }
    }

    /// A p that is significant on every page, whatever the others say.
    pub fn least(options: &CompareOptions, family: FamilyOf) -> f64 {
        options.alpha.min(family.level) / family.size.max(1) as f64
    }
}

/// The largest p of a row that is significant beside those of the others. The corrections are asked, by halving the ratio of
/// a p that certainly is to one that certainly is not.
fn limit(others: &[f64], level: f64, correction: Correction) -> f64 {
    // What exceeds the level changes nothing but the number of rows.
    let mut p: Vec<f64> = others.iter().map(|p| if *p <= level { *p } else { 1.0 }).collect();
    p.push(0.0);
    let mine = p.len() - 1;
    let mut is_significant = |at: f64| {
        if let Some(slot) = p.get_mut(mine) {
            *slot = at;
        }
        correction.adjust(&p).get(mine).is_some_and(|q| *q <= level)
    };
    let (mut low, mut high) = (0.999 * level / (others.len() + 1) as f64, level);
    if is_significant(high) {
        return high;
    }
    for _ in 0..16 {
        let middle = (low * high).sqrt();
        if is_significant(middle) { low = middle } else { high = middle }
    }
    low
}
