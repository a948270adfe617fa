//! The hosts of a comparison: which there are, and what each of them says of a row.

use super::{foreign, minus, verdict_class};
use crate::hosts;
use crate::rows::{RowView, by_gravity};
use crate::sentence::{candidate_label, upper};
use crate::whom;
use analyze::{ComparedHosts, Comparison};
use maud::{Markup, html};

/// So many of the gravest rows have their table in the section; all have it in their details.
const LISTED: usize = 5;

/// The section; `None` where the hosts are not several.
pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>]) -> Option<Markup> {
    let known = comparison.hosts.as_ref()?;
    let whom = whom::whom_by_name(comparison)?;
    let mut counting: Vec<RowView<'_>> = views.iter().filter(|view| view.counts).cloned().collect();
    by_gravity(&mut counting);
    Some(html! {
        section #hosts aria-labelledby="h-hosts" {
            h2 #h-hosts { "Hosts" }
            p { "Every sentence here holds " (foreign(&whom)) ". " (upper(&whom::why(known))) "." }
            (overview(comparison, known))
            @for view in counting.iter().take(LISTED) {
                h3 { a href={ "#r" (view.index) } { (foreign(&view.row.category)) " " (foreign(&view.case())) " "
                    (foreign(&view.metric())) } }
                (table(view))
            }
            @if counting.len() > LISTED { p.caption { "The details of every row have its hosts." } }
        }
    })
}

/// Each host with its blocks, and how its rows came out.
fn overview(comparison: &Comparison, known: &ComparedHosts) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Hosts" {
            table.small.hosts {
                thead { tr {
                    th scope="col" { "Host" }
                    th.num scope="col" { "Blocks" }
                    @for summary in &comparison.summary {
                        th scope="col" {
                            "Rows that count, this host alone"
                            @if comparison.b.len() > 1 { " (" (candidate_label(comparison, summary.candidate)) ")" }
                        }
                    }
                    th.far scope="col" { "Processor" }
                } }
                tbody {
                    @for (at, host) in known.each.iter().enumerate() {
                        tr {
                            th scope="row" { (foreign(&host.name)) }
                            td.num { (host.complete) " of " (whom::planned_blocks(host)) }
                            @for summary in &comparison.summary {
                                td {
                                    @if host.complete == 0 { "no complete block" }
                                    @else { (hosts::counts(comparison, summary.candidate, at)) }
                                }
                            }
                            td.far { @if let Some(cpu) = &host.cpu { (foreign(cpu)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What each host says of a row; nothing where they are not several.
pub(super) fn table(view: &RowView<'_>) -> Markup {
    let lines = hosts::lines(view);
    if lines.is_empty() {
        return html! {};
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="The row by host" {
            table.small.hosts {
                thead { tr {
                    th scope="col" { "Host" }
                    th.num scope="col" { "Blocks" }
                    th.num scope="col" { "Change" wbr; " [95% interval]" }
                    th scope="col" { "This host alone" }
                } }
                tbody {
                    @for line in &lines {
                        tr {
                            th scope="row" { (foreign(&line.host)) }
                            td.num { (line.blocks) }
                            td.num { (minus(&line.change)) @if !line.ci.is_empty() { " " span.ci { (minus(&line.ci)) } } }
                            td { span.badge.(verdict_class(line.verdict)) { (line.said) } }
                        }
                    }
                }
            }
        }
        @if let Some(differ) = hosts::differ(view) { p.caption { (upper(&differ)) "." } }
    }
}
