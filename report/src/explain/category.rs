//! How a category as a whole was judged.

use super::{Fact, ends, section, step};
use crate::gate;
use crate::numbers::{exact_p, significant};
use crate::rows::{self, RowView};
use analyze::{CategoryScore, Comparison, ModelTest, Verdict, grounds_of_category};
use edge::visible;
use model::{Direction, Scale, readable};
use std::fmt::Write;

/// The explanation of a category's verdict as text: its score, its rows, the steps to the verdict.
pub fn explain_category(comparison: &Comparison, candidate: usize, category: &CategoryScore) -> String {
    let mut out = format!("{} as a whole\n{}\n", gate::name(category), gate::category_verdict(category));
    section(&mut out, "Score", &facts(comparison, candidate, category));
    out.push_str(
        "  the score of a boot is the mean logarithm of its rows; the ratio is of the sides' mean scores\n",
    );
    let views = rows::views(comparison);
    let is_part = |view: &&RowView<'_>| {
        let row = view.row;
        let place = (row.candidate, &*row.workload, &*row.category);
        place == (candidate, &*category.workload, &*category.category)
            && view.counts
            && row.scale == Scale::Log
    };
    let parts: Vec<&RowView<'_>> = views.iter().filter(is_part).collect();
    out.push_str("\nRows that count, of which those are in the score that every boot has\n");
    let names: Vec<String> = parts.iter().map(|view| visible(&readable(&view.row.id)).into_owned()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (view, name) in parts.iter().zip(&names) {
        let _ = writeln!(out, "  {name:<width$}  {:>8}  {}", view.change.text, view.verdict());
    }
    out.push_str("\nHow the verdict was reached\n");
    for ground in grounds_of_category(comparison, candidate, category) {
        let _ = writeln!(out, "  - {}", step(ground));
    }
    let _ = writeln!(out, "  - {}: {}", category.verdict.word(), claim(category.verdict));
    if let Some(reason) = category.reason {
        let _ = writeln!(out, "  - {}: {}", reason.word(), rows::meaning_for(category.verdict, reason));
    }
    out
}

/// What a verdict claims of a category.
fn claim(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Equivalent => {
            "shown to be equal as a whole: the 90% interval of the score lies inside the band; single rows may differ"
        }
        Verdict::Inconclusive => {
            "the score decides neither a change nor equality, whatever single rows say: it has a verdict of its own"
        }
        _ => {
            "the score changed and its best estimate lies outside the band; which rows did is a question to the rows"
        }
    }
}

/// The numbers of a score.
fn facts(comparison: &Comparison, candidate: usize, category: &CategoryScore) -> Vec<Fact> {
    let score = &category.score;
    let better = match score.direction {
        Direction::HigherIsBetter => "higher",
        Direction::LowerIsBetter => "lower",
        Direction::Informational => "neither",
    };
    let model = category.model.map_or("exact permutation of scores that do not vary", rows::model_name);
    let mut out = vec![
        ("better", better.to_owned()),
        ("rows", score.rows.to_string()),
        ("model", model.to_owned()),
        ("ratio B/A", significant(score.ratio, 6)),
        ("its 95% interval", ends(score.ci)),
        ("its 90% interval", ends(category.ci90)),
        ("m", format!("{}, the geometric mean of the rows'", crate::numbers::percent(category.min_effect))),
    ];
    if let Some(ModelTest { se, df, t }) = category.test {
        out.push(("SE, of logarithms", significant(se, 4)));
        out.push(("df", significant(df, 4)));
        out.push(("t", significant(t, 4)));
    }
    out.push(("p", exact_p(category.p)));
    out.push(("p at the gate", format!("{}, by Holm over the categories", exact_p(category.p_gate))));
    if let Some(family) = gate::family(comparison, candidate) {
        out.push(("alpha", gate::shares(family)));
    }
    out
}
