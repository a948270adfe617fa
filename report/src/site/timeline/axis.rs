//! Where the nights of a series stand in a picture: by time, or side by side where time says nothing.

use analyze::history::{Night, Series};
use std::ops::Range;

/// A picture of longer than so many seconds (60 years) has a clock in it that was wrong.
const LONGEST: i64 = 60 * 366 * 86_400;

/// The places of nights, each from 0 to 1.
pub(super) struct Places {
    from: usize,
    at: Vec<f64>,
    /// Whether they stand by time.
    pub by_time: bool,
}

impl Places {
    /// Of a part of a series. Nights whose times go back (a commit that was measured later) stand side by side.
    pub fn of(series: &Series, part: Range<usize>) -> Places {
        let nights: &[Night] = series.nights.get(part.clone()).unwrap_or_default();
        let (first, last) = (nights.first().map_or(0, |n| n.at), nights.last().map_or(0, |n| n.at));
        let length = last.checked_sub(first).filter(|length| (1..=LONGEST).contains(length));
        let by_time = length.filter(|_| nights.is_sorted_by_key(|night| night.at));
        let at = match by_time {
            Some(length) => nights.iter().map(|n| (n.at - first) as f64 / length as f64).collect(),
            None => {
                let whole = nights.len().saturating_sub(1).max(1) as f64;
                (0..nights.len()).map(|i| i as f64 / whole).collect()
            }
        };
        Places { from: part.start, at, by_time: by_time.is_some() }
    }

    /// The place of a night; those outside stand at the ends.
    pub fn at(&self, night: usize) -> f64 {
        let last = self.at.len().saturating_sub(1);
        self.at.get(night.saturating_sub(self.from).min(last)).copied().unwrap_or(0.5)
    }

    /// Between a night and the one before it, where a step is drawn.
    pub fn before(&self, night: usize) -> f64 {
        f64::midpoint(self.at(night.saturating_sub(1)), self.at(night))
    }

    /// The night nearest to the middle.
    pub fn middle(&self) -> usize {
        let far = |(_, at): &(usize, &f64)| (**at - 0.5).abs();
        let nearest = self.at.iter().enumerate().min_by(|a, b| far(a).total_cmp(&far(b)));
        self.from + nearest.map_or(0, |(i, _)| i)
    }
}

/// Values from the smallest to the largest that count, with so much of what lies outside (intervals, points set aside) as is
/// no more than half of that on either side. None without any value.
pub(super) fn range(
    kept: impl Iterator<Item = f64>,
    others: impl Iterator<Item = f64>,
) -> Option<(f64, f64)> {
    let wider = |(low, high): (f64, f64), v: f64| (low.min(v), high.max(v));
    let nothing = (f64::INFINITY, f64::NEG_INFINITY);
    let others: Vec<f64> = others.filter(|v| v.is_finite()).collect();
    let of_kept = kept.filter(|v| v.is_finite()).fold(nothing, wider);
    let all = others.iter().copied().fold(nothing, wider);
    let (low, high) = if of_kept.0 <= of_kept.1 { of_kept } else { all };
    if low > high {
        return None;
    }
    let room = ((high - low) / 2.0).max(high.abs() * 0.01);
    let outside = |v: &f64| v.clamp(low - room, high + room);
    Some(others.iter().map(outside).fold((low, high), wider))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_does_not_squash_what_counts() {
        let kept = || [10.0, 12.0].into_iter();
        assert_eq!(range(kept(), [1e9, 11.0].into_iter()), Some((10.0, 13.0)));
        assert_eq!(range(kept(), [9.5].into_iter()), Some((9.5, 12.0)));
        assert_eq!(range([].into_iter(), [5.0, f64::NAN].into_iter()), Some((5.0, 5.0)));
        assert_eq!(range([].into_iter(), [].into_iter()), None);
    }
}
