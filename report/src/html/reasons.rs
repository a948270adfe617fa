//! What may explain a row in its details: exits by reason, and the difference of the profiles.

use super::{foreign, minus};
use crate::causes::{self, Companions, Exits};
use crate::flame::graph;
use crate::rows::{RowView, glyph};
use analyze::{Comparison, Flame};
use maud::{Markup, html};

/// Exits by reason, or in one line why there are none.
pub(super) fn exits<'a>(
    comparison: &'a Comparison,
    view: &RowView<'_>,
    companions: &Companions<'_, 'a>,
) -> Markup {
    match companions.exits(comparison, view) {
        Exits::Unknown => html! {},
        Exits::Absent(reason) => html! { p.quiet { "Exits by reason: " (foreign(reason)) "." } },
        Exits::Rows(rows) => html! {
            h3 { "Exits by reason" }
            table.small.exits {
                thead { tr { th scope="col" { "Metric" } th.num scope="col" { "A" } th.num scope="col" { "B" }
                    th.num scope="col" { "Change" } th scope="col" { "Verdict" } } }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { a href={ "#r" (row.index) } { (foreign(&row.metric())) } }
                            td.num { (minus(&row.a)) } td.num { (minus(&row.b)) } td.num { (minus(&row.change.text)) }
                            td { (glyph(row.row.verdict)) " " (row.row.verdict.word()) }
                        }
                    }
                }
            }
        },
    }
}

/// Where the time went: of a case's rows one has it, and the others point there.
pub(super) fn profile(
    comparison: &Comparison,
    view: &RowView<'_>,
    companions: &Companions<'_, '_>,
) -> Markup {
    let Some(cause) = causes::of_row(comparison, view.row) else { return html! {} };
    let at = companions.shown_at(view);
    if at != view.index {
        return html! { p { "Where the time went stands in " a href={ "#r" (at) } { "another row of the case" } "." } };
    }
    html! {
        div.profile {
            h3 { "Where the time went" }
            p.caption { "Samples before and after, " (causes::HINT) "." }
            @if !cause.told.is_empty() { ul.notes { @for told in &cause.told { li { (foreign(told)) } } } }
            @if let Some(flame) = &cause.profile { (difference(flame)) }
        }
    }
}

fn difference(flame: &Flame) -> Markup {
    html! {
        table.small {
            thead { tr { @for (i, head) in causes::HEADS.iter().enumerate() { th.num[i > 1] scope="col" { (head) } } } }
            tbody {
                @for moved in &flame.moved {
                    tr { @for (i, cell) in causes::cells(moved).iter().enumerate() {
                        td.num[i > 1] { @if i > 1 { (minus(cell)) } @else { (foreign(cell)) } }
                    } }
                }
            }
        }
        p.caption {
            "Samples: " (foreign(&causes::samples(flame))) ". Each box lies below its caller and is as wide as the mean of its shares before and \
             after; red ones have more of the samples than before, blue ones less. Point at a box for its numbers"
            @if let Some(text) = causes::left_out(flame) { "; " (text) } "."
        }
        div.scroll tabindex="0" { (graph(flame, true, "Difference of the profiles, before and after")) }
    }
}
