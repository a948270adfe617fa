//! Curves: each metric of several guests at once over their number, both sides in one picture.

use super::heatmap::levels;
use super::plots::{BOTTOM, LABELS, LEFT, RIGHT, dots, line, rules, short, y};
use super::strip::Axis;
use super::{foreign, minus};
use crate::numbers::trimmed;
use crate::rows::RowView;
use crate::sentence::candidate_label;
use analyze::{Comparison, Row};
use maud::{Markup, html};
use model::{Role, counted};

/// The factor whose levels are numbers of guests.
const FACTOR: &str = "guests";
/// From so many levels on there is a curve.
const LEVELS: usize = 3;
/// So many pictures at most.
const CURVES: usize = 48;

/// One picture: the rows that differ in the number of guests alone, with that number, in its order.
struct Curve<'v, 'a> {
    rows: Vec<(f64, &'v RowView<'a>)>,
}

/// The section; `None` where nothing was measured with several numbers of guests.
pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>]) -> Option<Markup> {
    let curves = curves(views);
    let drawn: Vec<Markup> = curves.iter().filter_map(|curve| render(comparison, curve)).collect();
    let more = drawn.len().saturating_sub(CURVES);
    (!drawn.is_empty()).then(|| {
        html! {
            section #curves aria-labelledby="h-curves" {
                h2 #h-curves { "Over the number of guests" }
                p.caption {
                    "The mean of each side over the number of guests at once. Nothing is tested here; the verdicts are those of the rows."
                }
                div.maps { @for curve in drawn.iter().take(CURVES) { (curve) } }
                @if more > 0 { p.caption { (counted(more, "more curve")) " without a picture here." } }
            }
        }
    })
}

fn curves<'v, 'a>(views: &'v [RowView<'a>]) -> Vec<Curve<'v, 'a>> {
    let mut found: Vec<Curve<'v, 'a>> = Vec::new();
    for view in views.iter().filter(|view| view.row.role != Role::Secondary) {
        let Some(guests) = view.row.case.get(FACTOR).and_then(|level| level.parse::<f64>().ok()) else {
            continue;
        };
        let known = found
            .iter_mut()
            .find(|curve| curve.rows.first().is_some_and(|(_, first)| alike(first.row, view.row)));
        match known {
            Some(curve) => curve.rows.push((guests, view)),
            None => found.push(Curve { rows: vec![(guests, view)] }),
        }
    }
    found.retain(|curve| levels(curve.rows.iter().map(|(_, view)| view.row), FACTOR).len() >= LEVELS);
    found.iter_mut().for_each(|curve| curve.rows.sort_by(|(x, _), (y, _)| x.total_cmp(y)));
    found
}

/// Whether two rows differ in the number of guests alone.
fn alike(x: &Row, y: &Row) -> bool {
    let others = |row: &Row| row.case.0.iter().filter(|(key, _)| key != FACTOR).cloned().collect::<Vec<_>>();
    let key = |row: &Row| (row.candidate, row.workload.clone(), row.category.clone(), row.metric.clone());
    key(x) == key(y) && others(x) == others(y)
}

fn render(comparison: &Comparison, curve: &Curve<'_, '_>) -> Option<Markup> {
    let (_, first) = curve.rows.first()?;
    let factor = first.scaled.factor;
    let side = |mean: fn(&Row) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |(guests, view): &(f64, &RowView<'_>)| Some((*guests, mean(view.row)? * factor));
        curve.rows.iter().filter_map(point).collect()
    };
    let (a, b) = (side(|row| row.a.mean), side(|row| row.b.mean));
    let across = Axis::of(curve.rows.iter().map(|(guests, _)| *guests))?;
    let up = Axis::of(a.iter().chain(&b).map(|(_, value)| *value).chain([0.0]))?;
    let x = |guests: f64| LEFT + (RIGHT - LEFT) * across.at(guests) / 100.0;
    let placed = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
        points.into_iter().map(|(guests, value)| (x(guests), y(&up, value))).collect()
    };
    let (a, b) = (placed(a), placed(b));
    let mut title = format!("{} {}", first.row.category, first.row.metric);
    if comparison.b.len() > 1 {
        title = format!("{}: {title}", candidate_label(comparison, first.row.candidate));
    }
    let others = first.row.case.0.iter().filter(|(key, _)| key != FACTOR);
    others.for_each(|(key, level)| title.push_str(&format!(", {key}={level}")));
    let alt = "Means of A and B over the number of guests";
    Some(html! {
        figure {
            figcaption { (foreign(&title)) span.key { " " (foreign(&first.scaled.unit)) "; A ●  B ■" } }
            svg.plot viewBox="0 0 380 160" role="img" aria-label=(alt) {
                (rules(&up))
                @for tick in across.ticks(LABELS) {
                    text x=(short(x(tick))) y=(short(BOTTOM + 14.0)) text-anchor="middle" { (minus(&trimmed(tick))) }
                }
                path.run.a d=(line(&a)) {}
                path.run.b d=(line(&b)) {}
                path.dots d=(dots(&a)) {}
                path.dots.b d=(dots(&b)) {}
            }
        }
    })
}
