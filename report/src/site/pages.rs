//! The pages of one result that are not the comparison's own.

use super::entry::Entry;
use super::shell;
use crate::brief::{self, Average};
use crate::html::{Card, Download, Figure, Published, card, foreign, minus, of_side, provenance};
use crate::numbers::{self, NONE, significant};
use analyze::{Shown, ShownRow};
use edge::visible;
use maud::{DOCTYPE, Markup, html};
use model::counted;

/// So many averages of a run stand at its top.
const AVERAGES: usize = 3;

/// What a result's page says about where it stands.
pub(super) fn published(entry: &Entry) -> Published {
    let download = |d: &super::Data| Download {
        file: d.file.clone(),
        bytes: d.bytes,
        sha256: d.sha256.clone(),
        samples: d.samples.clone(),
        signature: match (&d.signer, d.signed) {
            (Some(signer), _) => format!("of {}, checked", visible(signer)),
            (None, true) => "in the archive, not checked here".to_owned(),
            (None, false) => "none".to_owned(),
        },
        left_out: d.left_out.iter().map(|(why, n)| format!("{n} {why}")).collect(),
    };
    Published {
        index: "../../index.html".to_owned(),
        sysinfo: "sysinfo.html".to_owned(),
        run_page: entry.run_page.then(|| "run.html".to_owned()),
        samples: entry.samples.clone(),
        data: entry.data.iter().map(download).collect(),
    }
}

/// One side alone.
pub(super) fn run(entry: &Entry, shown: &Shown, published: &Published) -> String {
    let main = brief::main_rows(shown);
    let averages = brief::averages(&main);
    let figure = |average: &Average| Figure {
        value: html! { (foreign(&average.mean)) },
        what: html! { (foreign(&average.name)) " " (average.spread) },
    };
    // By address: a row is equal to another that has its name.
    let other = shown.rows.iter().filter(|row| !main.iter().any(|m| std::ptr::eq(*m, *row)));
    let other: Vec<&ShownRow> = other.collect();
    let body = html! {
        header {
            h1 { (foreign(&entry.title)) }
            (card(&Card {
                tone: "quiet",
                answer: html! { (counted(main.len(), "main average")) " of " (counted(shown.rows.len(), "row")) },
                figures: averages.iter().take(AVERAGES).map(figure).collect(),
                lines: vec![("Measured", html! { @for s in &entry.sentences { (foreign(s)) " " } })],
                more: html! {},
            }))
            (provenance(published))
        }
        main {
            section {
                h2 { "Rows" }
                div.scroll tabindex="0" role="region" aria-label="Rows" { (rows(&main)) }
                @if !other.is_empty() {
                    details {
                        summary { "Other metrics, which explain (" (counted(other.len(), "row")) ")" }
                        div.scroll tabindex="0" role="region" aria-label="Rows of other metrics" { (rows(&other)) }
                    }
                }
                p.caption { "Values: each of them, in the order in which they were taken. Spread: the standard deviation in percent of the mean and in \
                             the unit of the mean; n: boots, or result files." }
            }
            (notes(shown))
        }
    };
    shell::page(&entry.title, None, &body)
}

fn rows(rows: &[&ShownRow]) -> Markup {
    html! {
        table.run {
            thead {
                tr {
                    th scope="col" { "Case" } th scope="col" { "Metric" } th scope="col" { "Values" }
                    th.num scope="col" { "Mean" } th.num scope="col" { "Spread" }
                }
            }
            @for row in rows {
                @let sample = &row.sample;
                @let scaled = numbers::scale(&row.unit, sample.mean.unwrap_or(0.0).abs());
                @let number = |v: Option<f64>, digits| v.map_or(NONE.to_owned(), |v| significant(v * scaled.factor, digits));
                tbody {
                    tr {
                        th scope="row" {
                            (foreign(&row.workload)) " " b { (foreign(&row.category)) } " "
                            @for (key, level) in &row.case.0 { (foreign(key)) "=" (foreign(level)) " " }
                        }
                        td { (foreign(&row.metric)) " " span.unit { (foreign(&scaled.unit)) } }
                        td { (of_side(sample)) }
                        td.num { (minus(&number(sample.mean, 4))) }
                        td.num {
                            @if let Some(cv) = numbers::cv(sample) { "±" (cv) ", " }
                            "SD " (minus(&number(sample.sd, 3))) ", n " (sample.n)
                            @if !sample.invalid.is_empty() { ", " (sample.invalid.len()) " invalid" }
                        }
                    }
                }
            }
        }
    }
}

fn notes(shown: &Shown) -> Markup {
    let lost = || shown.side.losses.iter().chain(shown.rows.iter().flat_map(|r| &r.sample.invalid));
    html! {
        @if !shown.warnings.is_empty() || lost().next().is_some() {
            section {
                h2 { "Notes" }
                ul {
                    @for warning in &shown.warnings { li { (foreign(&crate::explain::warning_text(warning))) } }
                    @for loss in lost().take(200) { li { code { (foreign(&loss.place)) } ": " (foreign(&loss.reason)) } }
                }
            }
        }
    }
}

/// A page that came with a result, as text in an attribute: the frame gives it an origin of its own, and neither its scripts
/// nor its links can do anything.
pub(super) fn framed(entry: &Entry, page: &str) -> String {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    const STYLE: &str = "body{margin:0;font:14px/1.45 system-ui,sans-serif}p{margin:.6rem 1rem}\
                         iframe{display:block;width:100%;height:calc(100vh - 3rem);border:0;border-top:1px solid #888;background:#fff}";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (visible(&entry.title)) ", the run's own page" }
                style { (STYLE) }
            }
            body {
                p { a href="index.html" { (foreign(&entry.title)) } ": the page that came with the result, without its scripts." }
                iframe sandbox="" srcdoc=(page) title="The run's own page" {}
            }
        }
    };
    page.into_string()
}
