//! The main table: the colour-coded comparison, complete without JavaScript; sorting and filters come on top.

use super::drilldown::{self, Companions};
use super::{foreign, minus, tone_class, verdict_class};
use crate::numbers;
use crate::rows::{RowView, by_gravity, claim, glyph, verdict_rank};
use crate::sentence::candidate_label;
use analyze::{Comparison, Verdict};
use edge::visible;
use maud::{Markup, html};

/// A column: head, explanation, whether it holds numbers, what the script sorts by.
struct Column {
    head: &'static str,
    help: &'static str,
    numeric: bool,
}

const fn column(head: &'static str, help: &'static str, numeric: bool) -> Column {
    Column { head, help, numeric }
}

const COLUMNS: [Column; 12] = [
    column("Case", "category and factor levels; the link opens everything about the row", false),
    column(
        "Metric",
        "what was measured, and its unit, scaled once for the row; · marks metrics that do not gate",
        false,
    ),
    column("A", "mean of the baseline ± coefficient of variation between its replicates", true),
    column("B", "mean of the candidate ± coefficient of variation", true),
    column(
        "Change",
        "B over A (of geometric means where the metric is compared on the log scale); the difference where \
        A is zero",
        true,
    ),
    column("95% CI", "interval of the change; it holds for this row by itself", true),
    column("Verdict", "what the data decide, with the reason where they do not", false),
    column("q", "p corrected within the family of gating rows; a dash outside it", true),
    column("p", "p of the model that judged the row", true),
    column(
        "Student p",
        "p of the unpaired t-test with pooled variance on the raw scale: the ancestor's significance \
        is 1-p of this. It does not feed the verdict",
        true,
    ),
    column("n", "replicates of A and B", true),
    column("MDE", "smallest change that this row could have detected with power 0.8, down and up", true),
];

pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>], static_rows: usize) -> Markup {
    let mut sorted = views.to_vec();
    by_gravity(&mut sorted);
    let companions = Companions::of(views);
    let details = views.len() <= static_rows;
    let head = Head { candidates: comparison.b.len() > 1, workloads: several_workloads(comparison) };
    html! {
        section #rows aria-labelledby="h-rows" {
            h2 #h-rows { "All rows" }
            (legend(comparison))
            @if !details {
                noscript {
                    p { "This result is large: points, raw values and single steps of a row are drawn by a script \
                         when the row is opened. Without it, they are in the JSON at the end of this file." }
                }
            }
            @if views.is_empty() {
                p { "There are no rows." }
            } @else {
                div #tools hidden {}
                div.scroll.wide tabindex="0" role="region" aria-label="Table of all rows" {
                    table #main.rows data-details=[(!details).then_some("lazy")] {
                        (header(&head))
                        @for view in &sorted { (row(comparison, view, &head, details, &companions)) }
                    }
                }
            }
        }
    }
}

/// Which columns beyond the fixed ones are there.
struct Head {
    candidates: bool,
    workloads: bool,
}

fn several_workloads(comparison: &Comparison) -> bool {
    let mut names = comparison.rows.iter().map(|r| &r.workload);
    let first = names.next();
    names.any(|n| Some(n) != first)
}

fn header(head: &Head) -> Markup {
    html! {
        thead {
            tr {
                @if head.candidates { th scope="col" { "Candidate" } }
                @for c in &COLUMNS {
                    th scope="col" class=[c.numeric.then_some("num")] title=(c.help) { (c.head) }
                }
            }
        }
    }
}

/// A row is a table body of its own: its details stay with it when it moves.
fn row(
    comparison: &Comparison,
    view: &RowView<'_>,
    head: &Head,
    details: bool,
    companions: &Companions<'_, '_>,
) -> Markup {
    let row = view.row;
    let class = tone_class(view.tone, view.strong);
    let columns = COLUMNS.len() + usize::from(head.candidates);
    html! {
        tbody #{ "r" (view.index) } class=[Some(class).filter(|c| !c.is_empty())] data-v=(row.verdict.word())
            data-m=(visible(&row.metric)) data-c=(visible(&row.category)) {
            tr {
                @if head.candidates { td { (foreign(&candidate_label(comparison, row.candidate))) } }
                th scope="row" {
                    a href={ "#r" (view.index) } {
                        @if head.workloads { (foreign(&row.workload)) " " }
                        span.cat { (foreign(&row.category)) } " " (foreign(&view.case()))
                    }
                }
                td {
                    (foreign(&row.metric))
                    @if !view.scaled.unit.is_empty() { " " span.unit { (foreign(&view.scaled.unit)) } }
                    @if !view.gates { span.unit { " ·" } }
                }
                td.num data-s=[sort_key(row.a.mean)] { (mean(&view.a, view.a_cv.as_deref())) }
                td.num data-s=[sort_key(row.b.mean)] { (mean(&view.b, view.b_cv.as_deref())) }
                td.num.t data-s=[sort_key(row.ratio)] { (change(view)) }
                td.num.t.ci { (minus(view.change.ci.as_deref().unwrap_or(numbers::NONE))) }
                td.v { span.badge { (glyph(row.verdict)) " " (row.verdict.word()) }
                    @if let Some(reason) = row.reason { " " span.reason { (reason.word()) } }
                    @if let Some(known) = view.known() { " " span.known title=(known) { "known" } }
                    @if !row.warnings.is_empty() { " " span.reason title=(warnings(view)) { "!" } } }
                td.num data-s=[sort_key(row.q)] { (view.q.as_deref().unwrap_or("–")) }
                td.num data-s=[sort_key(row.p_model)] { (view.p) }
                td.num.t data-s=[sort_key(row.p.student)] { (view.student) }
                td.num { (view.n()) }
                td.num { (minus(view.mde.as_deref().unwrap_or("–"))) }
            }
            @if details {
                tr.more {
                    td colspan=(columns) {
                        details {
                            summary { "Points, numbers and steps" }
                            (drilldown::content(comparison, view, companions))
                        }
                    }
                }
            }
        }
    }
}

/// What the script sorts by.
fn sort_key(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

fn mean(mean: &str, cv: Option<&str>) -> Markup {
    html! { (minus(mean)) @if let Some(cv) = cv { " " span.cv { "±" (cv) } } }
}

/// The change with an arrow for its direction, which says nothing about good or bad.
fn change(view: &RowView<'_>) -> Markup {
    let arrow = match view.movement() {
        Some("rose") => "↑",
        Some(_) => "↓",
        None => "",
    };
    html! {
        (minus(&view.change.text))
        @if !arrow.is_empty() && view.tone != crate::rows::Tone::None { span.arrow aria-hidden="true" { (arrow) } }
    }
}

fn warnings(view: &RowView<'_>) -> String {
    let texts: Vec<String> = view.row.warnings.iter().map(crate::explain::warning_text).collect();
    texts.join("; ")
}

/// What every column and colour means, on the page itself.
fn legend(comparison: &Comparison) -> Markup {
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    let light = numbers::percent(comparison.method.light_below);
    html! {
        p.swatches {
            "Colour only where a verdict is decided: "
            span.swatch.worse.strong { "▼ worse" } " " span.swatch.worse { "▼ worse, light" } " "
            span.swatch.better.strong { "▲ better" } " " span.swatch.better { "▲ better, light" } " "
            span.swatch.changed.strong { "◆ changed" }
            ". Light: below " (light) ", or a metric that is neither primary nor important. \
             One colour runs through change, interval, verdict and Student's p."
        }
        details.legend {
            summary { "What the columns and words mean" }
            dl.claims { @for c in &COLUMNS { dt { (c.head) } dd { (c.help) "." } } }
            dl.claims {
                @for verdict in verdicts {
                    dt { span.badge.(verdict_class(verdict)) { (glyph(verdict)) " " (verdict.word()) } }
                    dd { (claim(verdict)) "." }
                }
            }
        }
    }
}
