//! The pictures in the details of a row: values in order, and the empirical distribution. Text stays text.

use super::picture::spots;
use super::strip::Axis;
use super::{foreign, minus};
use crate::explain::side_label;
use crate::numbers::trimmed;
use crate::rows::RowView;
use analyze::{Comparison, Sample};
use maud::{Markup, html};
use std::fmt::Write;

/// The area of the values, in the coordinates of a picture.
pub(super) const LEFT: f64 = 62.0;
pub(super) const RIGHT: f64 = 372.0;
const TOP: f64 = 8.0;
pub(super) const BOTTOM: f64 = 140.0;

/// From so many values on a side on its distribution is drawn.
const DISTRIBUTION: usize = 10;
/// Labels of an axis, about.
pub(super) const LABELS: usize = 4;
/// So many places have a label of their own.
const PLACES: u32 = 12;

/// Values over the order in which they were taken: drift and warm-up show here.
pub(super) fn order(comparison: &Comparison, view: &RowView<'_>) -> Option<Markup> {
    let row = view.row;
    let scaled =
        |sample| spots(sample).into_iter().map(|(n, v)| (n, v * view.scaled.factor)).collect::<Vec<_>>();
    let (a, b) = (scaled(&row.a), scaled(&row.b));
    let axis = Axis::of(a.iter().chain(&b).map(|spot| spot.1))?;
    let last = a.iter().chain(&b).map(|spot| spot.0).max()?;
    let blocked = !row.a.blocks.is_empty() || !row.b.blocks.is_empty();
    let what = if blocked { "block" } else { "repeat" };
    let x = |place: u32, side: f64| {
        LEFT + (RIGHT - LEFT) * (f64::from(place) - 0.5) / f64::from(last)
            + side * if blocked { 4.0 } else { 0.0 }
    };
    let points = |spots: &[(u32, f64)], side| {
        spots.iter().map(|(place, value)| (x(*place, side), y(&axis, *value))).collect::<Vec<_>>()
    };
    let (a, b) = (points(&a, -1.0), points(&b, 1.0));
    let title = format!("Values in order of the {what}s");
    let alt = format!(
        "{title}: {} with {} values, {} with {}",
        side_label(comparison, row, "A"),
        a.len(),
        side_label(comparison, row, "B"),
        b.len()
    );
    Some(figure(
        &title,
        view,
        &alt,
        html! {
            (rules(&axis))
            @for place in (1..=last).step_by(last.div_ceil(PLACES).max(1) as usize) {
                text x=(short(x(place, 0.0))) y="154" text-anchor="middle" { (place) }
            }
            path.dots d=(dots(&a)) {}
            path.dots.b d=(dots(&b)) {}
        },
    ))
}

/// Share of values at most x, for sides with enough values.
pub(super) fn distribution(view: &RowView<'_>) -> Option<Markup> {
    let row = view.row;
    if row.a.values.len() < DISTRIBUTION || row.b.values.len() < DISTRIBUTION {
        return None;
    }
    let factor = view.scaled.factor;
    let axis = Axis::of(row.a.values.iter().chain(&row.b.values).map(|v| v * factor))?;
    let shares = Axis::new(0.0, 1.0);
    let x = |value: f64| LEFT + (RIGHT - LEFT) * axis.at(value) / 100.0;
    let path = |sample: &Sample| {
        line(
            &steps(sample)
                .iter()
                .map(|(value, share)| (x(value * factor), y(&shares, *share)))
                .collect::<Vec<_>>(),
        )
    };
    let alt = "Empirical distribution of the values of A and B";
    Some(figure(
        "Share of values up to each",
        view,
        alt,
        html! {
            (rules(&shares))
            @for tick in axis.ticks(LABELS) {
                text x=(short(x(tick))) y="154" text-anchor="middle" { (minus(&trimmed(tick))) }
            }
            path.run.a d=(path(&row.a)) {}
            path.run.b d=(path(&row.b)) {}
        },
    ))
}

fn figure(title: &str, view: &RowView<'_>, alt: &str, drawn: Markup) -> Markup {
    html! {
        figure {
            figcaption { (title) span.key { " " (foreign(&view.metric_unit())) "; A ●  B ■" } }
            svg.plot viewBox="0 0 380 160" role="img" aria-label=(alt) { (drawn) }
        }
    }
}

pub(super) fn y(axis: &Axis, value: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * axis.at(value) / 100.0
}

/// Lines at round values, with their labels.
pub(super) fn rules(axis: &Axis) -> Markup {
    html! {
        @for tick in axis.ticks(LABELS) {
            @let y = y(axis, tick);
            line.grid x1=(LEFT) x2=(RIGHT) y1=(short(y)) y2=(short(y)) {}
            text x=(LEFT - 6.0) y=(short(y + 4.0)) text-anchor="end" { (minus(&trimmed(tick))) }
        }
    }
}

/// Steps of the empirical distribution.
fn steps(sample: &Sample) -> Vec<(f64, f64)> {
    let mut values: Vec<f64> = sample.values.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let ends = |(i, v): (usize, &f64)| [(*v, i as f64 / n), (*v, (i as f64 + 1.0) / n)];
    values.iter().enumerate().flat_map(ends).collect()
}

/// A path through points.
pub(super) fn line(points: &[(f64, f64)]) -> String {
    points.iter().enumerate().fold(String::new(), |mut path, (i, (x, y))| {
        let _ = write!(path, "{}{} {}", if i == 0 { 'M' } else { 'L' }, short(*x), short(*y));
        path
    })
}

/// A path without length at each point, whose end the style makes a dot.
pub(super) fn dots(points: &[(f64, f64)]) -> String {
    points.iter().fold(String::new(), |mut path, (x, y)| {
        let _ = write!(path, "M{x:.0} {y:.0}z");
        path
    })
}

/// A coordinate with one digit behind the point at most.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
