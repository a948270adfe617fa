//! The scores of categories at the gate: small changes that all rows of a category share.

use super::{foreign, minus, signed_percent, verdict_class};
use crate::gate::family;
use crate::numbers;
use crate::rows::{glyph, verdict_rank};
use crate::sentence::candidate_label;
use analyze::{CategoryScore, Comparison, Summary};
use maud::{Markup, html};

/// The table; nothing without scores.
pub(super) fn table(comparison: &Comparison, summary: &Summary) -> Markup {
    if summary.categories.is_empty() {
        return html! {};
    }
    let alpha = family(comparison, summary.candidate).map_or(0.0, |f| f.alpha_scores);
    let mut categories: Vec<&CategoryScore> = summary.categories.iter().collect();
    categories.sort_by(|x, y| {
        let size = |c: &CategoryScore| crate::numbers::ln(c.score.ratio).abs();
        verdict_rank(x.verdict).cmp(&verdict_rank(y.verdict)).then(size(y).total_cmp(&size(x)))
    });
    html! {
        details.categories {
            summary { "How each area moved as a whole, which counts at the gate (" (categories.len()) ")" }
            div.scroll tabindex="0" role="region" aria-label={ "Scores of categories of " (candidate_label(comparison, summary.candidate)) } {
                table.scored {
                    thead {
                        tr {
                            th scope="col" { "Area" }
                            th.num scope="col" { "Change" }
                            th scope="col" { "Verdict at " (numbers::trimmed(alpha)) }
                            th.num scope="col" { "Rows" }
                            th.num.far scope="col" { "95% interval" }
                            th.num.far scope="col" { "Band" }
                            th.num.far scope="col" { "p at the gate" }
                        }
                    }
                    tbody { @for category in categories { (line(category)) } }
                }
            }
        }
    }
}

fn line(category: &CategoryScore) -> Markup {
    html! {
        tr {
            th scope="row" { (foreign(&category.workload)) " " (foreign(&category.category)) }
            td.num { (signed_percent(category.score.ratio)) }
            td { span.badge.(verdict_class(category.verdict)) { (glyph(category.verdict)) " " (category.verdict.word()) }
                @if let Some(reason) = category.reason { " " span.reason { (reason.word()) } } }
            td.num { (category.score.rows) }
            td.num.far { (signed_percent(category.score.ci.0)) " to " (signed_percent(category.score.ci.1)) }
            td.num.far { (minus(&numbers::band(category.min_effect))) }
            td.num.far { (numbers::exact_p(category.p_gate)) }
        }
    }
}
