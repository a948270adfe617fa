//! What decides whether the numbers count; above the numbers for that reason.

use super::foreign;
use crate::matching;
use crate::rows::{RowView, glyph};
use analyze::{Comparison, Level, Side, Verdict, Warning, trust};
use maud::{Markup, html};
use model::counted;
use model::readable;

/// So many lost items are listed; the rest is in the data.
const LISTED: usize = 200;

pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>]) -> Markup {
    let known: Vec<(&RowView<'_>, String)> = views.iter().filter_map(|v| Some((v, v.known()?))).collect();
    // The gravest stands under Trust at the top, with its advice under Next.
    let told = comparison.summary.first().map(|summary| trust(comparison, summary).against);
    let told = told.and_then(|against| against.first().copied());
    let here = |w: &&Warning| told.is_none_or(|told| !std::ptr::eq(*w, told));
    let of = |level| comparison.warnings.iter().filter(here).filter(move |w| w.level == level);
    let unmatched = unmatched(comparison);
    let silent = comparison.warnings.is_empty() && unmatched == 0 && losses(comparison).next().is_none();
    let nothing = silent && known.is_empty();
    html! {
        section #notes aria-labelledby="h-notes" {
            h2 #h-notes { "Before you read the numbers" }
            @if told.is_some() { p.caption { "What speaks against the numbers most stands under Trust, at the top." } }
            ul.notes {
                @for kind in kinds(of(Level::Blocking)) { (note(&kind, "blocking", "!")) }
                @if unmatched > 0 {
                    li { span.mark aria-hidden="true" { "∅" } strong { "unmatched-rows" } " "
                        (counted(unmatched, "row")) " on one side only; they are in the table as MISSING." }
                }
                @if !matching::nothing_meets(comparison) { (nearest(comparison)) }
                @for kind in kinds(of(Level::Note)) { (note(&kind, "", "·")) }
                @for (name, side) in losses(comparison) { (lost(name, side)) }
                @if !known.is_empty() { (known_changes(&known)) }
                @if nothing { li { span.mark aria-hidden="true" { "·" } "There is nothing to warn of." } }
            }
        }
    }
}

/// Cases that meet nobody, and what to type so that they do.
pub(super) fn nearest(comparison: &Comparison) -> Markup {
    html! {
        @for near in matching::nearest(comparison) {
            li {
                span.mark aria-hidden="true" { "∅" } (foreign(&near.text))
                @if let Some(flags) = &near.flags { "; to compare them, add " code { (foreign(flags)) } }
                @else { (matching::NO_FLAG) }
                "."
            }
        }
    }
}

/// The warnings of each kind together, kinds in the order of their first.
fn kinds<'w>(warnings: impl Iterator<Item = &'w Warning>) -> Vec<Vec<&'w Warning>> {
    let mut kinds: Vec<Vec<&Warning>> = Vec::new();
    for warning in warnings {
        match kinds.iter_mut().find(|kind| kind.first().is_some_and(|first| first.code == warning.code)) {
            Some(kind) => kind.push(warning),
            None => kinds.push(vec![warning]),
        }
    }
    kinds
}

/// One line for a kind: the first of it, and how many more there are; these unfold below.
fn note(kind: &[&Warning], class: &str, mark: &str) -> Markup {
    let Some((first, more)) = kind.split_first() else { return html! {} };
    html! {
        li class=[(!class.is_empty()).then_some(class)] {
            span.mark aria-hidden="true" { (mark) }
            strong { (first.code) @if !more.is_empty() { " ×" (kind.len()) } } " " (said(first))
            @if !more.is_empty() {
                details {
                    summary { "and " (more.len()) " more of this kind" }
                    ul { @for warning in more { li { (said(warning)) } } }
                }
            }
        }
    }
}

/// A text of a warning as a sentence.
pub(super) fn stopped(text: &str) -> Markup {
    html! { (foreign(text)) "." }
}

fn said(warning: &Warning) -> Markup {
    html! {
        (stopped(&warning.text))
        @if !warning.advice.is_empty() { span.advice { " → " (foreign(&warning.advice)) "." } }
    }
}

/// Changes that `--expect` names: they are in every table and do not gate.
fn known_changes(known: &[(&RowView<'_>, String)]) -> Markup {
    html! {
        li {
            span.mark aria-hidden="true" { "·" }
            strong { "known" } " " (counted(known.len(), "change")) " did not gate, because --expect names "
            @if known.len() == 1 { "it" } @else { "them" } "."
            ul {
                @for (view, text) in known {
                    li {
                        (glyph(view.row.verdict)) " " (view.row.verdict.word()) " "
                        a href={ "#r" (view.index) } { (foreign(&readable(&view.row.id))) } ": " (foreign(text))
                    }
                }
            }
        }
    }
}

/// Rows that only one side has, unless a warning speaks of them already.
fn unmatched(comparison: &Comparison) -> usize {
    if comparison.warnings.iter().any(|w| w.code == "unmatched-rows") {
        return 0;
    }
    comparison.rows.iter().filter(|r| matches!(r.verdict, Verdict::MissingA | Verdict::MissingB)).count()
}

/// Sides that lost something.
fn losses(comparison: &Comparison) -> impl Iterator<Item = (&'static str, &Side)> {
    std::iter::once(("A", &comparison.a))
        .chain(comparison.b.iter().map(|s| ("B", s)))
        .filter(|(_, s)| !s.losses.is_empty())
}

fn lost(name: &str, side: &Side) -> Markup {
    html! {
        li {
            span.mark aria-hidden="true" { "·" }
            strong { "lost" } " " (counted(side.losses.len(), "item")) " of " (name) " (" (foreign(&side.label))
            ") could not be read and " @if side.losses.len() == 1 { "is" } @else { "are" } " not in the numbers."
            details {
                summary { "Which ones" }
                ul {
                    @for loss in side.losses.iter().take(LISTED) {
                        li { (loss.what) " " code { (foreign(&loss.place)) } ": " (foreign(&loss.reason)) }
                    }
                    @if side.losses.len() > LISTED { li { "and " (side.losses.len() - LISTED) " more, in the data" } }
                }
            }
        }
    }
}
