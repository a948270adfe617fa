//! Measurements that failed: an outcome of their own, above everything that was measured.

use super::{breakable, foreign};
use crate::failures::{VERDICTS, claim, codes, crashes, is_of, known, share, word};
use crate::numbers;
use crate::rows::RowView;
use crate::sentence::candidate_label;
use analyze::{Attempts, CaseFailures, Comparison, FailureVerdict};
use maud::{Markup, html};
use model::counted;
use model::readable;

/// The section; `None` when nothing failed.
pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>]) -> Option<Markup> {
    if comparison.failures.is_empty() {
        return None;
    }
    let candidates = comparison.b.len() > 1;
    Some(html! {
        section #failures aria-labelledby="h-failures" {
            h2 #h-failures { "Failures" }
            p.caption {
                (counted(comparison.failures.len(), "case")) " of which measurements failed: attempts that failed, of all \
                 that were made, each retry counted. What interrupted a campaign, or what its host spoiled, is not among \
                 them. Rows of a case that failed on one side only are never EQUIVALENT or IMPROVED."
            }
            div.scroll tabindex="0" role="region" aria-label="Cases with failures" {
                table.failures data-copy="failures" {
                    thead {
                        tr {
                            @if candidates { th scope="col" { "Candidate" } }
                            th scope="col" { "Case" }
                            th scope="col" { "A failed" }
                            th scope="col" { "B failed" }
                            th.num scope="col" { "p" }
                            th.num scope="col" { "q" }
                            th scope="col" { "Verdict" }
                            th scope="col" { "The first" }
                        }
                    }
                    tbody { @for failed in &comparison.failures { (line(comparison, views, failed, candidates)) } }
                }
            }
            details.legend {
                summary { "What these words mean" }
                dl.claims { @for verdict in VERDICTS { dt { code { (verdict.word()) } } dd { (claim(verdict)) "." } } }
                p {
                    "p is Fisher's exact, of the two counts; q is corrected by Holm over these cases. A guest that died "
                    "(panic, oops, hang, early-exit, io-error) on the candidate alone fails any gate by itself."
                }
            }
        }
    })
}

fn line(comparison: &Comparison, views: &[RowView<'_>], failed: &CaseFailures, candidates: bool) -> Markup {
    let row = views.iter().find(|v| is_of(failed, v.row));
    let class = match failed.verdict {
        FailureVerdict::FailsLess => "better",
        _ if failed.alarms() => "worse strong",
        _ => "",
    };
    html! {
        tr class=[(!class.is_empty()).then_some(class)] {
            @if candidates { td.candidate { (foreign(&candidate_label(comparison, failed.candidate))) } }
            th scope="row" {
                @match row {
                    Some(view) => a href={ "#r" (view.index) } { (breakable(&readable(&failed.id))) },
                    None => (breakable(&readable(&failed.id))),
                }
            }
            td.a { (attempts(&failed.a)) }
            td.b { (attempts(&failed.b)) }
            td.num.p { (numbers::exact_p(failed.p)) }
            td.num.q { (numbers::exact_p(failed.q)) }
            td.v {
                span.badge { (word(failed)) }
                @if let Some(died) = crashes(failed) { br; strong.crash { "✖ " (died) } }
                @if let Some(known) = known(failed.expected.as_ref()) { br; span.reason { (known) } }
            }
            td.story { (foreign(&failed.first)) }
        }
    }
}

/// `5 of 10`, with the codes below it.
fn attempts(of: &Attempts) -> Markup {
    let codes = codes(of);
    html! { (share(of)) @if !codes.is_empty() { br; span.reason { (codes) } } }
}
