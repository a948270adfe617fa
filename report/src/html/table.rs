//! The main table: the colour-coded comparison, complete without JavaScript; sorting and filters come on top.

use super::effect;
use super::picture::picture;
use super::strip::Axis;
use super::{foreign, minus, signed_percent, tone_class};
use crate::numbers;
use crate::rows::{AtGate, BEYOND, RowView, WITHIN, by_gravity, glyph, verdict_rank};
use crate::sentence::candidate_label;
use crate::statistics::{self, Statistic};
use analyze::{Comparison, Score, Verdict};
use edge::visible;
use maud::{Markup, html};
use model::counted;

/// Columns of the table, by the names of their statistics; the pictures stand between the means and the change.
pub(crate) const COLUMNS: [&str; 8] =
    ["case", "metric", "a_spread", "b_spread", "change", "change_ci", "verdict", "q"];
/// The columns whose statistics stand in the cell of the one before.
const JOINED: [&str; 1] = ["change_ci"];
/// The column before which the pictures stand.
const PICTURES_BEFORE: &str = "change";

pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>], static_rows: usize) -> Markup {
    let mut sorted = views.to_vec();
    by_gravity(&mut sorted);
    // What can gate comes first; the rest explains it.
    let (gating, other): (Vec<&RowView<'_>>, Vec<&RowView<'_>>) = sorted.iter().partition(|v| v.counts);
    let few = views.len() <= static_rows;
    let columns = statistics::selected(&COLUMNS);
    let candidates = comparison.b.len() > 1;
    let axis = effect::axis(views);
    let head = Head { columns, candidates, workloads: several_workloads(comparison), axis };
    let table = html! {
        table.rows #main {
            (header(&head))
            (scores(comparison, &head))
            @for view in &gating { (row(view, &head)) }
            @if !gating.is_empty() && !other.is_empty() { (divider(&other, &head)) }
            @for view in &other { (row(view, &head)) }
        }
    };
    html! {
        section #rows aria-labelledby="h-rows" {
            h2 #h-rows { "Rows" }
            (legend(comparison, views, &head.columns))
            @if views.is_empty() {
                p { "There are no rows." }
            } @else {
                noscript { p.caption { "Values, numbers and the steps to the verdict of each row are drawn by a script; "
                    code { "perfvt explain" } " prints them, too." } }
                div #tools hidden {}
                div.scroll.wide tabindex="0" role="region" aria-label="Table of all rows" {
                    @if few { (table) } @else { noscript #lines { (table) } }
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
    /// The axis of all effects.
    axis: Option<Axis>,
}

impl Head {
    fn width(&self) -> usize {
        self.columns.len() - JOINED.len() + 2
    }
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
                @for c in head.columns.iter().filter(|c| !JOINED.contains(&c.name)) {
                    @if c.name == PICTURES_BEFORE {
                        th.values.plain scope="col" title=(VALUES) { "Values" }
                        th.effect.plain scope="col" title=(EFFECT) {
                            span.sr { "Effect" } @if let Some(axis) = &head.axis { (effect::head(axis)) }
                        }
                    }
                    th scope="col" class={ (c.name) @if c.is_numeric() { " num" } } title=(c.help) { (c.column.page) }
                }
            }
        }
    }
}

const VALUES: &str =
    "each value of A, then of B, in the order in which they were taken, on an axis of the row";
const EFFECT: &str =
    "B over A with its interval, on the axis that all rows share; the grey band is too small to matter";

/// How all rows moved together, and those of each metric; on the axis of the rows, and no verdict.
fn scores(comparison: &Comparison, head: &Head) -> Markup {
    let lines = comparison.summary.iter().flat_map(|summary| {
        let label = candidate_label(comparison, summary.candidate);
        let all = summary.score.map(|score| (label.clone(), "all rows together".to_owned(), score));
        // One metric that alone counts has the score of all rows.
        let metrics = summary.per_metric.iter().filter(|m| Some(m.score) != summary.score);
        all.into_iter()
            .chain(metrics.map(move |m| (label.clone(), format!("{} together", visible(&m.metric)), m.score)))
    });
    // Of a pair in brackets only the estimate before it has its unit, as in the rows.
    let percent = |ratio| signed_percent(ratio).trim_end_matches('%').to_owned();
    let lines: Vec<(String, String, Score)> = lines.filter(|(.., score)| score.rows > 1).collect();
    html! {
        @if let Some(axis) = head.axis.as_ref().filter(|_| !lines.is_empty()) {
            @for (label, name, score) in &lines {
                tbody.scores {
                    tr {
                        th scope="row" { @if head.candidates { (foreign(label)) ": " } (foreign(name)) " (" (counted(score.rows, "row")) ")" }
                        td {} td {} td {} td {}
                        td { (effect::of_score(score, axis)) }
                        td { (signed_percent(score.ratio)) " " i { "[" (percent(score.ci.0)) ", " (percent(score.ci.1)) "]" } }
                        td { i { "no verdict" } }
                        td {}
                    }
                }
            }
        }
    }
}

/// The line above the rows that do not gate.
fn divider(other: &[&RowView<'_>], head: &Head) -> Markup {
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    let n = |verdict| other.iter().filter(|v| v.row.verdict == verdict).count();
    html! {
        tbody.group {
            tr {
                th scope="rowgroup" colspan=(head.width()) {
                    "Other metrics: they explain and do not gate (" (counted(other.len(), "row"))
                    @for verdict in verdicts.into_iter().filter(|v| n(*v) > 0) { ", " (glyph(verdict)) " " (n(verdict)) " " (verdict.word()) }
                    ")" span.paper { "; not on paper" }
                }
            }
        }
    }
}

/// A row is a table body of its own: its details stay with it when it moves.
fn row(view: &RowView<'_>, head: &Head) -> Markup {
    let row = view.row;
    let tone = tone_class(view.tone, view.strong);
    let class = match (tone.is_empty(), view.counts) {
        (true, true) => None,
        (true, false) => Some("other".to_owned()),
        (false, true) => Some(tone.to_owned()),
        (false, false) => Some(format!("{tone} other")),
    };
    html! {
        tbody #{ "r" (view.index) } class=[class] {
            tr {
                @for column in head.columns.iter().filter(|c| !JOINED.contains(&c.name)) {
                    @if column.name == PICTURES_BEFORE {
                        td { (picture(row)) }
                        td { @if let Some(axis) = &head.axis { (effect::of_row(row, axis)) } }
                    }
                    (cell(column, view, head))
                }
            }
        }
    }
}

/// One cell of a row. Columns have one order and no classes in the rows, which are most of a page. The script sorts by `data-s`, where there is one.
fn cell(column: &Statistic, view: &RowView<'_>, head: &Head) -> Markup {
    let row = view.row;
    html! {
        @match column.name {
            "case" => th scope="row" {
                a href={ "#r" (view.index) } title=[view.spellings()] {
                    @if head.candidates { (foreign(&candidate_label(view.comparison, row.candidate))) ": " }
                    @if head.workloads { (foreign(&row.workload)) " " }
                    b { (foreign(&row.category)) } " " (foreign(&view.case()))
                }
            },
            "metric" => td {
                (foreign(&row.metric))
                @if !view.scaled.unit.is_empty() { " " i { (foreign(&view.scaled.unit)) } }
            },
            "verdict" => td { b { (glyph(row.verdict)) " " (row.verdict.word()) }
                @if let Some(reason) = row.reason { " " i { (reason.word()) } }
                @if row.beyond { " " i { (BEYOND.0) } }
                @if let Some(within) = view.within() { " " i title=(WITHIN.1) { (within) } }
                @if let Some(at_gate) = view.at_gate() { " " (gated(at_gate)) }
                @if let Some(known) = view.known() { " " span.known title=(known) { "known" } }
                @if !row.warnings.is_empty() { " " i title=(warnings(view)) { "!" } }
            },
            name => td data-s=[sort_key(column, view)] {
                @match name {
                    "a_spread" => (mean(&view.a, view.a_cv.as_deref())),
                    "b_spread" => (mean(&view.b, view.b_cv.as_deref())),
                    "change" => (change(view)),
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
    html! { (minus(mean)) @if let Some(cv) = cv { " " i { "±" (cv) } } }
}

/// The mark of a decided change: whether it counts at the gate.
fn gated(at_gate: AtGate) -> Markup {
    let class = if at_gate == AtGate::Gates { "gates" } else { "below" };
    html! { span.(class) { (at_gate.word()) } }
}

/// The change with its interval; of a decided row that after choosing, which is marked: the other is in the details.
fn change(view: &RowView<'_>) -> Markup {
    html! {
        (minus(&view.change.text))
        @if let Some(ci) = &view.change.ci { " " i class=[view.change.chosen.then_some("chosen")] { (minus(ci)) } }
    }
}

/// What the script sorts by where the cell's own number says something else: it is rounded to a bound, or in another unit than
/// that of other rows.
fn sort_key(column: &Statistic, view: &RowView<'_>) -> Option<String> {
    let value = column.sort_key(view)?;
    let own = match column.name {
        "a_spread" | "b_spread" => view.scaled.factor == 1.0,
        "change" => view.change.text.ends_with('%'),
        _ => !column.short(view).starts_with('<'),
    };
    let value = if column.name == "change" { (value - 1.0) * 100.0 } else { value };
    (!own).then(|| numbers::significant(value, 5))
}

fn warnings(view: &RowView<'_>) -> String {
    let texts: Vec<String> = view.row.warnings.iter().map(crate::explain::warning_text).collect();
    texts.join("; ")
}

/// What every column and colour means, on the page itself; what verdicts claim is in the method.
fn legend(comparison: &Comparison, views: &[RowView<'_>], columns: &[&Statistic]) -> Markup {
    let marked = views.iter().any(|view| view.at_gate().is_some());
    let light = numbers::percent(comparison.method.light_below);
    html! {
        p.swatches {
            "Colour only where a verdict is decided: "
            span.swatch.worse.strong { "▼ worse" } " " span.swatch.worse { "▼ worse, light" } " "
            span.swatch.better.strong { "▲ better" } " " span.swatch.better { "▲ better, light" } " "
            span.swatch.changed.strong { "◆ changed" }
            ". Light: below " (light) ", or a metric that is neither primary nor important."
        }
        @for workload in comparison.workloads.iter().filter(|workload| !workload.description.is_empty()) {
            details.legend {
                summary { "What " (foreign(&workload.name)) " measures" }
                @for line in workload.description.lines() { p { (foreign(line)) } }
            }
        }
        details.legend {
            summary { "What the columns and marks mean" }
            dl.claims {
                @for c in columns { dt { (c.column.page) } dd { (c.help) "." } }
                dt { "Values" } dd { (VALUES) "." }
                dt { "Effect" } dd { (EFFECT) ". A mark is filled and coloured only where the verdict is decided; an arrow at an end: it lies beyond." }
                @if marked { @for at_gate in AtGate::ALL { dt { (gated(at_gate)) } dd { (at_gate.meaning()) "." } } }
                dt { (BEYOND.0) } dd { (BEYOND.1) "." }
            }
            p { "What each verdict claims is under " a href="#method" { "Method" } "." }
        }
    }
}
