//! The history strip: the gating rows of earlier results on the same machine, and this one at the end.

use super::strip::Axis;
use super::{foreign, minus, tone_class};
use crate::date;
use crate::history::{History, PointRow, Spot};
use crate::numbers::{self, significant};
use crate::rows::{RowView, by_gravity, glyph};
use analyze::Comparison;
use maud::{Markup, html};
use model::counted;

/// So many rows are drawn: the gravest.
const LIMIT: usize = 100;

/// One column of a strip; `None` where a result lacks the row.
type Column<'h> = Option<&'h PointRow>;

/// The section; `None` when no row that gates has been measured before.
pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>], history: &History) -> Option<Markup> {
    let mut gating: Vec<RowView<'_>> =
        views.iter().filter(|v| v.counts && seen(v, history) > 0).cloned().collect();
    by_gravity(&mut gating);
    let (first, last) = (history.occasions.first()?, history.occasions.last()?);
    let more = gating.len().saturating_sub(LIMIT);
    (!gating.is_empty()).then(|| {
        html! {
            section #history aria-labelledby="h-history" {
                h2 #h-history { "History" }
                p.caption {
                    "Rows that gate in " (counted(history.occasions.len(), "earlier result")) " of " (foreign(&history.machine))
                    " with the same acceleration, " (date::utc(Some(first.when_unix))) " to "
                    (date::utc(Some(last.when_unix))) ", oldest left, and in this one, behind the line. ○ mean of A, ● mean of B; \
                     a bar from the smallest to the largest replicate. Results stand side by side, whatever the time between \
                     them; each has its own sides, and nothing is tested here."
                }
                table.history {
                    thead { tr { th scope="col" { "Row" } th scope="col" { "Earlier, and this" } th scope="col" { "Range" }
                        th scope="col" { "This result" } } }
                    tbody { @for view in gating.iter().take(LIMIT) { (row(comparison, view, history)) } }
                }
                @if more > 0 { p.caption { (counted(more, "further row")) " with smaller changes are not drawn." } }
            }
        }
    })
}

/// Earlier results that have the row in the same unit.
fn seen(view: &RowView<'_>, history: &History) -> usize {
    columns(view, history).iter().flatten().count()
}

fn columns<'h>(view: &RowView<'_>, history: &'h History) -> Vec<Column<'h>> {
    let same_unit = |p: &&PointRow| *p.unit == *view.row.unit;
    history.occasions.iter().map(|o| o.rows.get(&view.row.id).filter(same_unit)).collect()
}

fn row(comparison: &Comparison, view: &RowView<'_>, history: &History) -> Markup {
    let columns = columns(view, history);
    let own = PointRow { unit: String::new(), a: Spot::of(&view.row.a), b: Spot::of(&view.row.b) };
    let spots = || columns.iter().flatten().copied().chain([&own]).flat_map(|p| [p.a, p.b]).flatten();
    let factor = view.scaled.factor;
    let axis = Axis::of(spots().flat_map(|s| [s.min * factor, s.max * factor]));
    let class = tone_class(view.tone, view.strong);
    html! {
        tr class=[Some(class).filter(|c| !c.is_empty())] {
            th scope="row" {
                a href={ "#r" (view.index) } {
                    @if comparison.b.len() > 1 { (foreign(&crate::sentence::candidate_label(comparison, view.row.candidate))) " " }
                    (foreign(&view.row.category)) " " (foreign(&view.case())) " " (foreign(&view.metric()))
                }
            }
            @match axis {
                Some(axis) => {
                    td { (strip(&columns, &own, &axis, factor, &label(view, history, &columns))) }
                    td.num {
                        (minus(&significant(axis.lo(), 3))) " – " (minus(&significant(axis.hi(), 3))) " "
                        span.unit { (foreign(&view.scaled.unit)) }
                    }
                }
                None => { td { "no values" } td {} }
            }
            td { span.word { (glyph(view.row.verdict)) " " (view.row.verdict.word()) } " " (minus(&view.change.text)) }
        }
    }
}

/// What the strip says, in words.
fn label(view: &RowView<'_>, history: &History, columns: &[Column<'_>]) -> String {
    let points: Vec<String> = (history.occasions.iter().zip(columns))
        .filter_map(|(occasion, column)| {
            let point = column.as_ref()?;
            let (a, b) = numbers::means(point.a.map(|s| s.mean), point.b.map(|s| s.mean), &view.scaled);
            Some(format!("{}: A {a}, B {b}", date::utc(Some(occasion.when_unix))))
        })
        .collect();
    format!("Earlier means in {}. {}. Now: A {}, B {}", view.scaled.unit, points.join("; "), view.a, view.b)
}

/// Height of a strip, and room above and below its points.
const HEIGHT: f64 = 40.0;
const ROOM: f64 = 5.0;

fn strip(columns: &[Column<'_>], own: &PointRow, axis: &Axis, factor: f64, label: &str) -> Markup {
    let count = columns.len() + 1;
    let x = |i: usize, shift: f64| format!("{:.2}%", (i as f64 + 0.5 + shift) / count as f64 * 100.0);
    let y = |value: f64| {
        format!("{:.1}", HEIGHT - ROOM - (axis.at(value * factor) / 100.0) * (HEIGHT - 2.0 * ROOM))
    };
    let spot = |i: usize, spot: Option<Spot>, side: &str, shift: f64| {
        let own = if i + 1 == count { " own" } else { "" };
        html! {
            @if let Some(s) = spot {
                line.range x1=(x(i, shift)) x2=(x(i, shift)) y1=(y(s.min)) y2=(y(s.max)) {}
                circle class={ "point " (side) (own) } cx=(x(i, shift)) cy=(y(s.mean)) r="3" {}
            }
        }
    };
    html! {
        svg.points.history width="100%" height=(HEIGHT) role="img" aria-label=(label) {
            line.zero x1=(x(count - 1, -0.5)) x2=(x(count - 1, -0.5)) y1="0" y2=(HEIGHT) {}
            @for (i, column) in columns.iter().copied().chain([Some(own)]).enumerate() {
                @if let Some(point) = column {
                    (spot(i, point.a, "a", -0.15))
                    (spot(i, point.b, "b", 0.15))
                }
            }
        }
    }
}
