//! The ancestor's table in the colours of its documents, for those who compare with old pages.

use super::foreign;
use crate::classic::ClassicTable;
use crate::numbers;
use crate::rows::case_text;
use crate::sentence::candidate_label;
use analyze::classic::{ClassicCase, ClassicGroup, ClassicTable as Table};
use analyze::{Comparison, Row, Sample};
use edge::visible;
use maud::{Markup, html};
use model::{Direction, Role};
use std::collections::HashMap;

/// What is known of a metric; the page's rows say it.
type Metrics<'a> = HashMap<&'a str, (Direction, Role)>;

/// The section; `None` without tables. The raw data stand in it when the page has details at all.
pub(super) fn section(comparison: &Comparison, tables: &[ClassicTable], raw: bool) -> Option<Markup> {
    if tables.is_empty() {
        return None;
    }
    Some(html! {
        section #classic aria-labelledby="h-classic" {
            h2 #h-classic { "Classic table" }
            p.caption {
                "The table of regression.py, with its rounding: means, deviations in percent of the mean, the \
                 difference of the printed means, and 1-p of the unpaired t-test, signed where p is at most 0.05. \
                 Green with ▲ is better and red with ▼ worse, where it is significant; strong for metrics that count \
                 and differences of at least " (numbers::percent(comparison.method.light_below))
                ". Nothing here is corrected for the number of tests; the verdicts above are."
            }
            @for table in tables {
                details {
                    summary { "Classic table: " (name(comparison, table)) }
                    (workload(comparison, table))
                }
                @if raw {
                    details {
                        summary { "Raw data: " (name(comparison, table)) }
                        (raw_data(comparison, table))
                    }
                }
            }
        }
    })
}

fn name(comparison: &Comparison, table: &ClassicTable) -> Markup {
    html! {
        (foreign(&table.workload))
        @if comparison.b.len() > 1 { ", " (foreign(&candidate_label(comparison, table.candidate))) }
    }
}

fn workload(comparison: &Comparison, table: &ClassicTable) -> Markup {
    let metrics: Metrics<'_> = comparison
        .rows
        .iter()
        .filter(|r| r.workload == table.workload)
        .map(|r| (r.metric.as_str(), (r.direction, r.role)))
        .collect();
    let mut label = format!("Classic table of {}", visible(&table.workload));
    if comparison.b.len() > 1 {
        label = format!("{label}, {}", candidate_label(comparison, table.candidate));
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.classic { @for group in &table.groups { (category(comparison, group, &metrics)) } }
        }
    }
}

fn category(comparison: &Comparison, group: &ClassicGroup, metrics: &Metrics<'_>) -> Markup {
    html! {
        @if let Some(text) = &group.category { tbody { tr { th.title colspan="3" { (foreign(text)) } } } }
        @for table in &group.tables {
            tbody {
                @if let Some(text) = &table.title { tr { th.title colspan="3" { (foreign(text)) } } }
                tr { th { "#" } th { "Tile" } @for column in &table.columns { th { (foreign(&column.name)) } } }
            }
            @for case in &table.cases { (case_lines(comparison, table, case, metrics)) }
        }
        tbody.total {
            tr {
                td { "-" } td { "Total Significance" }
                @for _ in 0..group.total_keys { td {} }
                @for cell in &group.total { td { (visible(cell)) } }
            }
        }
    }
}

fn case_lines(comparison: &Comparison, table: &Table, case: &ClassicCase, metrics: &Metrics<'_>) -> Markup {
    let columns = table.columns.iter().filter(|c| !c.is_key);
    let colors: Vec<Color> = columns
        .zip(case.significance.iter().zip(&case.difference))
        .map(|(column, (significance, difference))| {
            let metric = metrics.get(column.metric.as_str()).copied();
            color(significance, difference, metric, comparison.method.light_below)
        })
        .collect();
    let class = |i: usize| colors.get(i).map(|c| c.class).filter(|c| !c.is_empty());
    let mark = |i: usize| colors.get(i).map_or("", |c| c.glyph);
    html! {
        tbody {
            tr { td { "1" } td { "Avg" }
                @for key in &case.keys { td.keys rowspan="6" { (foreign(key)) } }
                @for cell in &case.mean_1 { td { (visible(cell)) } } }
            tr { td {} td { "%SD" } @for cell in &case.sd_1 { td { (visible(cell)) } } }
            tr { td { "2" } td { "Avg" } @for cell in &case.mean_2 { td { (visible(cell)) } } }
            tr { td {} td { "%SD" } @for cell in &case.sd_2 { td { (visible(cell)) } } }
            tr { td { "-" } td { "%Diff between Avg" }
                @for (i, cell) in case.difference.iter().enumerate() {
                    td class=[class(i)] { @if !mark(i).is_empty() { span.g { (mark(i)) } " " } (visible(cell)) } } }
            tr { td { "-" } td { "Significance" }
                @for (i, cell) in case.significance.iter().enumerate() { td class=[class(i)] { (visible(cell)) } } }
        }
    }
}

/// Colour and sign of one column of a case.
struct Color {
    class: &'static str,
    glyph: &'static str,
}

/// Only a signed significance is significant; the sign of the difference and the metric's direction say good or bad.
fn color(significance: &str, difference: &str, metric: Option<(Direction, Role)>, light_below: f64) -> Color {
    let none = Color { class: "", glyph: "" };
    let signed = significance.trim().strip_prefix(['+', '-']).is_some_and(|rest| !rest.is_empty());
    let percent: Option<f64> = difference.trim().trim_end_matches('%').parse().ok();
    let (Some((direction, role)), Some(percent)) = (metric.filter(|_| signed), percent.filter(|p| *p != 0.0))
    else {
        return none;
    };
    let strong = role != Role::Secondary && percent.abs() >= light_below * 100.0;
    let better = match direction {
        Direction::HigherIsBetter => percent > 0.0,
        Direction::LowerIsBetter => percent < 0.0,
        Direction::Informational => return Color { class: "changed", glyph: "◆" },
    };
    match (better, strong) {
        (true, true) => Color { class: "good strong", glyph: "▲" },
        (true, false) => Color { class: "good", glyph: "▲" },
        (false, true) => Color { class: "bad strong", glyph: "▼" },
        (false, false) => Color { class: "bad", glyph: "▼" },
    }
}

/// The companion page of the ancestor: every repeat of every case, and its mean.
fn raw_data(comparison: &Comparison, table: &ClassicTable) -> Markup {
    let mut groups: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in
        comparison.rows.iter().filter(|r| r.workload == table.workload && r.candidate == table.candidate)
    {
        match groups.iter_mut().find(|(category, _)| *category == row.category) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((&row.category, vec![row])),
        }
    }
    let sides = [(comparison.a.label.clone(), 0), (candidate_label(comparison, table.candidate), 1)];
    html! {
        @for (label, side) in &sides {
            h3 { "Raw data of sample " (side + 1) ": " (foreign(label)) }
            @for (category, rows) in &groups {
                div.scroll tabindex="0" role="region" aria-label={
                    "Raw data of " (visible(label)) ", " (visible(category)) " against "
                    (candidate_label(comparison, table.candidate)) } {
                    (raw_table(comparison, category, rows, *side))
                }
            }
        }
    }
}

fn raw_table(comparison: &Comparison, category: &str, rows: &[&Row], side: usize) -> Markup {
    let sample = |row: &Row| -> Sample { if side == 0 { row.a.clone() } else { row.b.clone() } };
    let mut metrics: Vec<&str> = Vec::new();
    let mut cases: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in rows {
        if !metrics.contains(&row.metric.as_str()) {
            metrics.push(&row.metric);
        }
        let case = case_text(comparison, row);
        match cases.iter_mut().find(|(c, _)| *c == case) {
            Some((_, rows)) => rows.push(row),
            None => cases.push((case, vec![row])),
        }
    }
    html! {
        table.classic {
            tbody {
                tr { th.title colspan="3" { (foreign(category)) } }
                tr { th { "#" } th { "Case" } @for metric in &metrics { th { (foreign(metric)) } } }
            }
            @for (case, rows) in &cases {
                @let samples: Vec<Option<Sample>> = metrics.iter()
                    .map(|m| rows.iter().find(|r| r.metric == *m).map(|r| sample(r))).collect();
                @let repeats = samples.iter().flatten().map(|s| s.values.len()).max().unwrap_or(0);
                tbody {
                    @for i in 0..repeats {
                        tr {
                            td { (i + 1) }
                            @if i == 0 { td.keys rowspan=(repeats + 1) { (foreign(case)) } }
                            @for s in &samples {
                                td { @if let Some(v) = s.as_ref().and_then(|s| s.values.get(i)) { (numbers::raw(*v)) } }
                            }
                        }
                    }
                    tr {
                        td { "Avg" }
                        @if repeats == 0 { td.keys { (foreign(case)) } }
                        @for s in &samples {
                            td { (s.as_ref().and_then(|s| s.mean).map_or("-".to_owned(), |m| numbers::significant(m, 6))) }
                        }
                    }
                }
            }
        }
    }
}
