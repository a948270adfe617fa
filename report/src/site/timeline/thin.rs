//! Which points of a long series are drawn: of each stretch the smallest, the largest, and the one in its middle.

use std::ops::Range;

/// Most points of a picture.
pub(super) const MOST: usize = 400;
/// Most of them that do not count.
const ASIDE: usize = 100;

/// A point: its place in the series, and its value.
pub(super) type Spot = (usize, f64);

/// Those that are drawn of the points that count and of those that do not, in order: at most [`MOST`] in all.
pub(super) fn thinned(kept: &[Spot], aside: &[Spot]) -> (Vec<Spot>, Vec<Spot>) {
    let aside = extremes(aside, ASIDE);
    (extremes(kept, MOST - aside.len()), aside)
}

/// At most so many points, in order; the smallest and the largest of equal stretches, and so of the whole. Extremes alone would
/// look like two levels: the one in the middle is there whatever its value.
fn extremes(spots: &[Spot], most: usize) -> Vec<Spot> {
    if spots.len() <= most {
        return spots.to_vec();
    }
    let stretches = most / 3;
    let mut out = Vec::with_capacity(most);
    for stretch in 0..stretches {
        let within: Range<usize> = stretch * spots.len() / stretches..(stretch + 1) * spots.len() / stretches;
        let of = spots.get(within).unwrap_or_default();
        let low = of.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = of.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut chosen: Vec<Spot> =
            [low, high, of.get(of.len() / 2)].into_iter().flatten().copied().collect();
        chosen.sort_by_key(|spot| spot.0);
        chosen.dedup_by_key(|spot| spot.0);
        out.extend(chosen);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize) -> Vec<Spot> {
        (0..n).map(|i| (i, ((i * 7919) % 1009) as f64)).collect()
    }

    #[test]
    fn a_long_series_keeps_its_extremes_and_its_order() {
        let mut spots = wave(1095);
        spots[777].1 = 1e6;
        spots[778].1 = -1e6;
        let (drawn, _) = thinned(&spots, &[]);
        assert!(drawn.len() <= MOST && drawn.len() > MOST / 2, "{}", drawn.len());
        assert!(drawn.contains(&(777, 1e6)) && drawn.contains(&(778, -1e6)));
        assert!(drawn.is_sorted_by_key(|spot| spot.0));
    }

    #[test]
    fn a_short_series_is_drawn_whole_and_those_set_aside_have_their_room() {
        assert_eq!(thinned(&wave(390), &[(4, 1.0)]).0.len(), 390);
        let (kept, aside) = thinned(&wave(5_000), &wave(3_000));
        assert!(kept.len() + aside.len() <= MOST && aside.len() <= ASIDE && kept.len() >= MOST / 2);
        assert_eq!(thinned(&[], &[]), (Vec::new(), Vec::new()));
    }
}
