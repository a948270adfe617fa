//! The scores of categories at the gate: small changes that all rows of a category share.

use super::{foreign, minus, verdict_class};
use crate::gate::family;
use crate::numbers;
use crate::rows::glyph;
use crate::sentence::candidate_label;
use analyze::{CategoryScore, Comparison, Summary};
use maud::{Markup, html};

/// The table; nothing without scores.
pub(super) fn table(comparison: &Comparison, summary: &Summary) -> Markup {
    if summary.categories.is_empty() {
        return html! {};
    }
    let alpha = family(comparison, summary.candidate).map_or(0.0, |f| f.alpha_scores);
    html! {
        details.categories open[summary.categories.iter().any(|c| c.verdict.is_decided_change())] {
            summary { "Categories as a whole, which count at the gate (" (summary.categories.len()) ")" }
            div.scroll tabindex="0" role="region" aria-label={ "Scores of categories of " (candidate_label(comparison, summary.candidate)) } {
                table.facts {
                    thead {
                        tr {
                            th scope="col" { "Category" }
                            th scope="col" { "Verdict at " (numbers::trimmed(alpha)) }
                            th.num scope="col" { "Score [95% CI]" }
                            th.num scope="col" { "Band" }
                            th.num scope="col" { "p at the gate" }
                            th.num scope="col" { "Rows" }
                        }
                    }
                    tbody { @for category in &summary.categories { (line(category)) } }
                }
            }
        }
    }
}

fn line(category: &CategoryScore) -> Markup {
    html! {
        tr {
            th scope="row" { (foreign(&category.workload)) " " (foreign(&category.category)) }
            td { span.badge.(verdict_class(category.verdict)) { (glyph(category.verdict)) " " (category.verdict.word()) }
                @if let Some(reason) = category.reason { " " span.reason { (reason.word()) } } }
            td.num { (numbers::ratio(category.score.ratio, category.score.ci)) }
            td.num { (minus(&numbers::band(category.min_effect))) }
            td.num { (numbers::exact_p(category.p_gate)) }
            td.num { (category.score.rows) }
        }
    }
}
