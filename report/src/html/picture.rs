//! The small picture of a row: each value of A and then of B as a dot, in the order in which they were taken.

use super::strip::Axis;
use analyze::{Row, Sample};
use maud::{Markup, html};
use std::fmt::Write;

/// The half of a picture that is one side's, with room for its outermost dots.
const HALF: f64 = 44.0;
const ROOM: f64 = 4.0;
/// Where the smallest value stands, and how far the largest is above it.
const FLOOR: f64 = 15.0;
const RISE: f64 = 12.0;

/// The picture; nothing without values.
pub(crate) fn picture(row: &Row) -> Markup {
    let Some(axis) = Axis::of(row.a.values.iter().chain(&row.b.values).copied()) else { return html! {} };
    let (a, b) = (spots(&row.a), spots(&row.b));
    let last = a.iter().chain(&b).map(|spot| spot.0).max().unwrap_or(1);
    html! {
        svg.pic aria-hidden="true" {
            path d=(dots(&a, &axis, last, 0.0)) {}
            path d=(dots(&b, &axis, last, HALF)) {}
        }
    }
}

/// The picture of one side alone.
pub(crate) fn of_side(sample: &Sample) -> Markup {
    let Some(axis) = Axis::of(sample.values.iter().copied()) else { return html! {} };
    let spots = spots(sample);
    let last = spots.iter().map(|spot| spot.0).max().unwrap_or(1);
    html! { svg.pic.one aria-hidden="true" { path d=(dots(&spots, &axis, last, 0.0)) {} } }
}

/// The place of each value among those of its side, and the value: its block, else its number among the repeats.
pub(super) fn spots(sample: &Sample) -> Vec<(u32, f64)> {
    let numbered = (1..).zip(&sample.values).enumerate();
    let spots =
        numbered.map(|(i, (number, value))| (sample.blocks.get(i).copied().unwrap_or(number), *value));
    spots.filter(|(_, value)| value.is_finite()).collect()
}

/// Paths without length, whose round ends are the dots; one that lies on another is drawn once.
fn dots(spots: &[(u32, f64)], axis: &Axis, last: u32, left: f64) -> String {
    let step = (HALF - 2.0 * ROOM) / f64::from(last.saturating_sub(1).max(1));
    let dot = |(place, value): &(u32, f64)| {
        let x = left + ROOM + step * f64::from(place.saturating_sub(1));
        (x.round() as i32, (FLOOR - axis.at(*value) / 100.0 * RISE).round() as i32)
    };
    let mut dots: Vec<(i32, i32)> = spots.iter().map(dot).collect();
    dots.dedup();
    let mut last = None;
    dots.iter().fold(String::new(), |mut path, (x, y)| {
        let _ = match last.replace((*x, *y)) {
            None => write!(path, "M{x} {y}z"),
            Some((from, level)) => write!(path, "m{} {}z", x - from, y - level),
        };
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_in_the_order_of_blocks_on_one_axis() {
        let spots = [(1, 1.0), (4, 3.0)];
        let axis = Axis::new(1.0, 3.0);
        assert_eq!(dots(&spots, &axis, 4, 0.0), "M4 15zm36 -12z");
        assert_eq!(dots(&spots, &axis, 4, HALF), "M48 15zm36 -12z");
    }
}
