//! iozone's own analysis: the geometric mean of each operation, and its surface over the sizes of files and records.

use super::heatmap::levels;
use super::strip::Axis;
use super::{foreign, minus, signed_percent};
use crate::numbers::{self, significant};
use crate::sentence::candidate_label;
use analyze::{Comparison, Operation, Row, SIZES, operations};
use edge::visible;
use maud::{Markup, html};
use model::counted;

/// So many surfaces at most; the rows have all values.
const SURFACES: usize = 24;
/// Shades of a surface, from the smallest value to the largest.
const SHADES: f64 = 5.0;

/// The section; `None` without an operation that was measured in several sizes.
pub(super) fn section(comparison: &Comparison) -> Option<Markup> {
    let operations = operations(comparison);
    let drawn: Vec<Markup> = operations.iter().filter_map(surfaces).collect();
    let more = drawn.len().saturating_sub(SURFACES);
    (!operations.is_empty()).then(|| {
        html! {
            section #iozone aria-labelledby="h-iozone" {
                h2 #h-iozone { "iozone: operations over all sizes" }
                p.caption {
                    "The geometric mean of each operation over the sizes of files and records that both sides have, as iozone's own \
                     analysis gives it. Nothing is tested here; the verdicts are those of the rows."
                }
                div.scroll tabindex="0" role="region" aria-label="Geometric means of the operations" {
                    table.facts {
                        thead { tr {
                            th scope="col" { "Operation" } th.num scope="col" { "A" } th.num scope="col" { "B" }
                            th.num scope="col" { "Change" } th.num scope="col" { "Cases" }
                        } }
                        tbody { @for operation in &operations { (line(comparison, operation)) } }
                    }
                }
                @for surface in drawn.iter().take(SURFACES) { (surface) }
                @if more > 0 { p.caption { (counted(more, "more operation")) " without a surface here." } }
            }
        }
    })
}

fn line(comparison: &Comparison, operation: &Operation<'_>) -> Markup {
    let scaled = numbers::scale(operation.unit, operation.a.max(operation.b));
    let number = |value: f64| significant(value * scaled.factor, 4);
    html! {
        tr {
            th scope="row" {
                @if comparison.b.len() > 1 { (foreign(&candidate_label(comparison, operation.candidate))) ": " }
                (foreign(operation.category)) " " (foreign(operation.metric)) " " span.unit { (foreign(&scaled.unit)) }
            }
            td.num { (number(operation.a)) }
            td.num { (number(operation.b)) }
            td.num { (signed_percent(operation.b / operation.a)) }
            td.num { (operation.rows.len()) }
        }
    }
}

/// The means of both sides over file and record size, folded; `None` where only one of the two varies.
fn surfaces(operation: &Operation<'_>) -> Option<Markup> {
    let of = |name| levels(operation.rows.iter().copied(), name);
    let [sizes, records] = SIZES.map(of);
    if sizes.len() < 2 || records.len() < 2 {
        return None;
    }
    let means = operation.rows.iter().flat_map(|row| [row.a.mean, row.b.mean]).flatten();
    let axis = Axis::of(means.filter(|mean| *mean > 0.0).map(f64::ln))?;
    let scaled = numbers::scale(operation.unit, axis.hi().exp());
    let draw = |side: &str, mean: fn(&Row) -> Option<f64>| {
        let title = format!("{side}: {} {} ({})", operation.category, operation.metric, scaled.unit);
        let cell = |size: &str, record: &str| {
            let is =
                |row: &&&Row| row.case.get(SIZES[0]) == Some(size) && row.case.get(SIZES[1]) == Some(record);
            operation.rows.iter().find(is).and_then(|row| mean(row))
        };
        html! {
            div.scroll tabindex="0" role="region" aria-label=(visible(&title)) {
                table.heat.surface {
                    caption { bdi { (visible(title.trim())) } }
                    thead { tr { th scope="col" { (SIZES[0]) " ╲ " (SIZES[1]) } @for record in &records { th scope="col" { (foreign(record)) } } } }
                    tbody {
                        @for size in &sizes {
                            tr {
                                th scope="row" { (foreign(size)) }
                                @for record in &records {
                                    @match cell(size, record) {
                                        Some(value) => td.(shade(value, &axis)) { (minus(&significant(value * scaled.factor, 3))) },
                                        None => td {},
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    Some(html! {
        details {
            summary { "Surface: " (foreign(operation.category)) " " (foreign(operation.metric)) }
            div.maps { (draw("A", |row| row.a.mean)) (draw("B", |row| row.b.mean)) }
        }
    })
}

/// `s0` to `s4`, by the logarithm; both sides have the same shades.
fn shade(value: f64, axis: &Axis) -> String {
    let share = if value > 0.0 { axis.at(value.ln()) / 100.0 } else { 0.0 };
    format!("s{}", (share * SHADES).floor().clamp(0.0, SHADES - 1.0))
}
