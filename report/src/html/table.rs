//! The main table: the colour-coded comparison, complete without JavaScript; sorting and filters come on top.

use super::drilldown::{self, Companions};
use super::{foreign, minus, tone_class, verdict_class};
use crate::numbers;
use crate::rows::{AtGate, BEYOND, RowView, by_gravity, claim, glyph, verdict_rank};
use crate::sentence::candidate_label;
use crate::statistics::{self, Statistic};
use analyze::{Comparison, Verdict};
use edge::visible;
use maud::{Markup, html};

/// Columns of the table, by the names of their statistics.
pub(crate) const COLUMNS: [&str; 12] = [
    "case",
    "metric",
    "a_spread",
    "b_spread",
    "change",
    "change_ci",
    "verdict",
    "q",
    "p_model",
    "p_student",
    "n",
    "mde",
];

pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>], static_rows: usize) -> Markup {
    let mut sorted = views.to_vec();
    by_gravity(&mut sorted);
    let companions = Companions::of(views);
    let details = views.len() <= static_rows;
    let columns = statistics::selected(&COLUMNS);
    let candidates = comparison.b.len() > 1;
    let head = Head { columns, candidates, workloads: several_workloads(comparison) };
    html! {
        section #rows aria-labelledby="h-rows" {
            h2 #h-rows { "All rows" }
            (legend(comparison, views, &head.columns))
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
                        @for view in &sorted { (row(view, &head, details, &companions)) }
                    }
                }
            }
        }
    }
}

/// Which columns are there.
struct Head {
    columns: Vec<&'static Statistic>,
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
                @for c in &head.columns {
                    th scope="col" class=[c.is_numeric().then_some("num")] title=(c.help) { (c.column.page) }
                }
            }
        }
    }
}

/// A row is a table body of its own: its details stay with it when it moves.
fn row(view: &RowView<'_>, head: &Head, details: bool, companions: &Companions<'_, '_>) -> Markup {
    let row = view.row;
    let class = tone_class(view.tone, view.strong);
    let columns = head.columns.len() + usize::from(head.candidates);
    html! {
        tbody #{ "r" (view.index) } class=[Some(class).filter(|c| !c.is_empty())] data-v=(row.verdict.word())
            data-m=(visible(&row.metric)) data-c=(visible(&row.category)) {
            tr {
                @if head.candidates { td { (foreign(&candidate_label(view.comparison, row.candidate))) } }
                @for column in &head.columns { (cell(column, view, head)) }
            }
            @if details {
                tr.more {
                    td colspan=(columns) {
                        details {
                            summary { "Points, numbers and steps" }
                            (drilldown::content(view.comparison, view, companions))
                        }
                    }
                }
            }
        }
    }
}

/// One cell of a row. The script sorts by `data-s`, where there is one.
fn cell(column: &Statistic, view: &RowView<'_>, head: &Head) -> Markup {
    let row = view.row;
    let class = match (column.is_interval(), column.column.toned) {
        (true, _) => "num t ci",
        (false, true) => "num t",
        (false, false) => "num",
    };
    html! {
        @match column.name {
            "case" => th scope="row" {
                a href={ "#r" (view.index) } title=[view.spellings()] {
                    @if head.workloads { (foreign(&row.workload)) " " }
                    span.cat { (foreign(&row.category)) } " " (foreign(&view.case()))
                }
            },
            "metric" => td {
                (foreign(&row.metric))
                @if !view.scaled.unit.is_empty() { " " span.unit { (foreign(&view.scaled.unit)) } }
                @if !view.counts { span.unit { " ·" } }
            },
            "verdict" => td.v { span.badge { (glyph(row.verdict)) " " (row.verdict.word()) }
                @if let Some(reason) = row.reason { " " span.reason { (reason.word()) } }
                @if row.beyond { " " span.reason title=(BEYOND.1) { (BEYOND.0) } }
                @if let Some(at_gate) = view.at_gate() { " " (gated(at_gate)) }
                @if let Some(known) = view.known() { " " span.known title=(known) { "known" } }
                @if !row.warnings.is_empty() { " " span.reason title=(warnings(view)) { "!" } }
            },
            name => td class=(class) data-s=[column.sort_key(view)] {
                @match name {
                    "a_spread" => (mean(&view.a, view.a_cv.as_deref())),
                    "b_spread" => (mean(&view.b, view.b_cv.as_deref())),
                    "change" => (change(view)),
                    "change_ci" => (interval(view)),
                    _ => (short(column, view)),
                }
            },
        }
    }
}

/// A text with the page's own dash for what is not there.
fn short(column: &Statistic, view: &RowView<'_>) -> String {
    match column.short(view).as_str() {
        "" => numbers::NONE.to_owned(),
        "-" => "–".to_owned(),
        text => minus(text),
    }
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

/// The mark of a decided change: whether it counts at the gate.
fn gated(at_gate: AtGate) -> Markup {
    let class = if at_gate == AtGate::Gates { "gates" } else { "below" };
    html! { span.(class) title=(at_gate.meaning()) { (at_gate.word()) } }
}

/// The interval of the change; of a decided row the one after choosing, with the other in its title.
fn interval(view: &RowView<'_>) -> Markup {
    let text = view.change.ci.as_deref().map_or("–".to_owned(), minus);
    let plain = statistics::named(if view.change.absolute { "diff_ci" } else { "ratio_ci" });
    let title = plain.filter(|_| view.change.chosen).and_then(|s| {
        let unit = if view.change.absolute { "difference in the row's unit" } else { "ratio" };
        Some(format!("after choosing; the 95% interval of the {unit} is {}", s.exact(view)?))
    });
    html! {
        @match title {
            Some(title) => span.chosen title=(title) { (text) },
            None => (text),
        }
    }
}

fn warnings(view: &RowView<'_>) -> String {
    let texts: Vec<String> = view.row.warnings.iter().map(crate::explain::warning_text).collect();
    texts.join("; ")
}

/// What every column and colour means, on the page itself.
fn legend(comparison: &Comparison, views: &[RowView<'_>], columns: &[&Statistic]) -> Markup {
    let marked = views.iter().any(|view| view.at_gate().is_some());
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
        @if marked {
            p.swatches {
                @for at_gate in AtGate::ALL { (gated(at_gate)) ": " (at_gate.meaning()) ". " }
            }
        }
        @for workload in comparison.workloads.iter().filter(|workload| !workload.description.is_empty()) {
            details.legend {
                summary { "What " (foreign(&workload.name)) " measures" }
                @for line in workload.description.lines() { p { (foreign(line)) } }
            }
        }
        details.legend {
            summary { "What the columns and words mean" }
            dl.claims { @for c in columns { dt { (c.column.page) } dd { (c.help) "." } } }
            dl.claims {
                @for verdict in verdicts {
                    dt { span.badge.(verdict_class(verdict)) { (glyph(verdict)) " " (verdict.word()) } }
                    dd { (claim(verdict)) "." }
                }
                dt { (BEYOND.0) }
                dd { (BEYOND.1) "." }
            }
        }
    }
}
