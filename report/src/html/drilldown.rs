//! Everything about one row: each point, their order, the numbers, the steps to the verdict, what moved with it.

use super::{breakable, foreign, hosts, minus, plots, reasons};
use crate::causes::{Companions, MOVED};
use crate::numbers::raw;
use crate::rows::{RowView, glyph};
use crate::statistics::{self, Section};
use crate::{explain, failures};
use analyze::{Comparison, Sample};
use maud::{Markup, html};
use model::readable;

/// The content of a row's details.
pub(super) fn content(
    comparison: &Comparison,
    view: &RowView<'_>,
    companions: &Companions<'_, '_>,
) -> Markup {
    let row = view.row;
    let moved = companions.moved(view);
    html! {
        div.drill {
            div.pictures {
                @if let Some(plot) = plots::order(comparison, view) { (plot) }
                @if let Some(plot) = plots::distribution(view) { (plot) }
            }
            div.words {
                h3 { "How the verdict was reached" }
                @if let Some(known) = view.known() { p { strong { "Does not gate: " } (foreign(&known)) "." } }
                ol { @for step in explain::steps(comparison, view) { li { (step) } } }
                @if let Some(failed) = failures::of_row(comparison, row) {
                    p { strong { "Failures of the case: " } (failures::sentence(failed)) ". The first: " (foreign(&failed.first)) "." }
                }
                @if !row.warnings.is_empty() {
                    ul.notes {
                        @for warning in &row.warnings {
                            li { strong { (warning.code) } " " (foreign(&warning.text))
                                @if !warning.advice.is_empty() { span.advice { " → " (foreign(&warning.advice)) } } }
                        }
                    }
                }
                @if !moved.is_empty() {
                    h3 { "What moved with it" }
                    ul {
                        @for other in moved.iter().take(MOVED) {
                            li {
                                a href={ "#r" (other.index) } { (foreign(&other.metric_unit())) } " "
                                (minus(&other.change.text)) " " (glyph(other.row.verdict)) " " (other.row.verdict.word())
                            }
                        }
                        @if moved.len() > MOVED { li { "and " (moved.len() - MOVED) " more metrics of the case" } }
                    }
                }
                @if row.verdict.is_decided_change() { (reasons::exits(comparison, view, companions)) }
                p.id { "Row " code { (breakable(&readable(&row.id))) } }
                @if row.metric_as_written != row.metric {
                    p { "Named " code { (foreign(&row.metric_as_written)) } " in the files." }
                }
            }
            @if view.row.hosts.is_some() { div.words { h3 { "By host" } (hosts::table(view)) } }
            (numbers(view))
            @if row.verdict.is_decided_change() { (reasons::profile(comparison, view, companions)) }
            (values(comparison, view))
        }
    }
}

/// Sides and estimates as two small tables.
fn numbers(view: &RowView<'_>) -> Markup {
    html! {
        div.numbers {
            table.small {
                thead { tr { th scope="col" { "Side" } th.num scope="col" { "A" } th.num scope="col" { "B" } } }
                tbody {
                    @for statistic in statistics::of_sections(&[Section::Sides]) {
                        @let [a, b] = statistic.of_sides(view);
                        tr { th scope="row" { (statistic.head) } td.num { (minus(&a)) } td.num { (minus(&b)) } }
                    }
                }
            }
            table.small {
                thead { tr { th scope="col" { "Estimate" } th.num scope="col" { "Value" } } }
                tbody {
                    @for (name, value) in explain::facts(view, &Section::ESTIMATES) {
                        tr { th scope="row" { (name) } td.num { (minus(&value)) } }
                    }
                }
            }
        }
    }
}

/// Raw values with the file and line that they come from.
fn values(comparison: &Comparison, view: &RowView<'_>) -> Markup {
    let row = view.row;
    let side = |name: &'static str, sample: &Sample| {
        let blocked = !sample.blocks.is_empty();
        html! {
            @for (i, value) in sample.values.iter().enumerate() {
                tr {
                    th scope="row" { (name) (i + 1) }
                    @if blocked { td.num { @if let Some(b) = sample.blocks.get(i) { (b) } } }
                    td.num { (minus(&raw(*value))) }
                    td { code { (foreign(&explain::place(comparison, sample, i))) } }
                }
            }
            @for left in &sample.left_out {
                tr.quiet {
                    th scope="row" { (name) }
                    @if blocked { td.num { (left.block) } }
                    td.num { (minus(&raw(left.value))) }
                    td { "left out: its block lacks the other side" }
                }
            }
            @for loss in &sample.invalid {
                tr {
                    th scope="row" { (name) }
                    @if blocked { td {} }
                    td.num { "no value" }
                    td { code { (foreign(&loss.place)) } " " (foreign(&loss.reason)) }
                }
            }
        }
    };
    let blocked = !row.a.blocks.is_empty() || !row.b.blocks.is_empty();
    html! {
        div.scroll {
            table.small.values {
                thead {
                    tr {
                        th scope="col" { "Value" }
                        @if blocked { th.num scope="col" { "Block" } }
                        th.num scope="col" { "As read" @if !row.unit.is_empty() { " (" (foreign(&row.unit)) ")" } }
                        th scope="col" { "File and line" }
                    }
                }
                tbody { (side("A", &row.a)) (side("B", &row.b)) }
            }
        }
    }
}
