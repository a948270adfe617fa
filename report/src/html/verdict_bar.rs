//! The top of the page: what came out, in one sentence, and about what.

use super::{categories, counted, foreign, minus, notes, verdict_class};
use crate::command_line::command_line;
use crate::gate::Outcome;
use crate::matching;
use crate::rows::{glyph, verdict_rank};
use crate::sentence::{self, candidate_label, counts};
use crate::{Gate, numbers};
use analyze::{Comparison, Side, Summary, Verdict};
use maud::{Markup, html};
use model::Direction;

pub(super) fn section(comparison: &Comparison, title: &str, gate: Option<&Gate>) -> Markup {
    let sentences = sentence::sentence(comparison);
    let command = command_line(&comparison.method.command);
    html! {
        h1 { bdi { (title) } }
        @for (summary, sentence) in comparison.summary.iter().zip(&sentences) {
            div.verdict.(bar_class(comparison, summary)) {
                p.sentence { bdi { (sentence) } }
                (chips(comparison, summary))
                @if let Some(score) = summary.score {
                    p.score {
                        "Boot score: ratio " (minus(&numbers::ratio(score.ratio, score.ci)))
                        " over " (counted(score.rows, "row"))
                        ", " (better(score.direction)) ". It says how all rows moved together and is no verdict."
                    }
                }
                (categories::table(comparison, summary))
            }
        }
        @for line in matching::matched(comparison) { p.matched { (foreign(&line)) "." } }
        @if matching::nothing_meets(comparison) && !comparison.nearest.is_empty() {
            ul.notes { (notes::nearest(comparison)) }
        }
        @if let Some(gate) = gate { (of_gate(gate)) }
        (sides(comparison))
        p.provenance {
            "perfvt " (foreign(&comparison.perfvt))
            @if !command.is_empty() { ", reproduced by " code { (command) } }
        }
    }
}

/// What came of the gate, and what it found.
fn of_gate(gate: &Gate) -> Markup {
    let outcome = Outcome::of(gate);
    let mark = if outcome == Outcome::Passed { "✓" } else { "×" };
    html! {
        div.gate.failed[outcome != Outcome::Passed] {
            p {
                "Gate " code { "--fail-on " (foreign(&gate.rule)) } ": "
                strong { (mark) " " (outcome.words()) } ", exit code " (gate.exit_code) "."
            }
            @if gate.said().next().is_some() { ul { @for said in gate.said() { li { (foreign(said)) } } } }
        }
    }
}

/// The bar is as grave as the gravest finding: what failed, a category, a row that can gate.
fn bar_class(comparison: &Comparison, summary: &Summary) -> &'static str {
    let counts = counts(comparison, summary);
    let has = |v: Verdict| counts.verdicts.get(&v).is_some_and(|n| *n > 0);
    let broken = comparison.failures.iter().any(|f| f.candidate == summary.candidate && f.is_worse());
    if broken || has(Verdict::Regressed) || summary.categories.iter().any(|c| c.verdict == Verdict::Regressed)
    {
        "worse"
    } else if has(Verdict::Inconclusive) || has(Verdict::Invalid) || counts.total == 0 {
        "open"
    } else if has(Verdict::Improved) {
        "better"
    } else {
        "quiet"
    }
}

/// Counts by verdict: of the rows that gate, and of the others behind a plus.
fn chips(comparison: &Comparison, summary: &Summary) -> Markup {
    let counts = counts(comparison, summary);
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    html! {
        ul.counts aria-label="Rows by verdict" {
            @for verdict in verdicts {
                @let gating = counts.verdicts.get(&verdict).copied().unwrap_or(0);
                @let all = summary.all.get(&verdict).copied().unwrap_or(0);
                @if gating == 0 && all > 0 {
                    li.other { (glyph(verdict)) " " (verdict.word()) " in " (counted(all, "other row")) }
                } @else if gating > 0 {
                    li class=(verdict_class(verdict)) {
                        b { (glyph(verdict)) " " (gating) } " " (verdict.word())
                        @if all > gating { span.others { " +" (all - gating) " other" } }
                    }
                }
            }
        }
    }
}

/// Label, repeats, boots and date of every side.
fn sides(comparison: &Comparison) -> Markup {
    let all: Vec<(String, &Side)> = std::iter::once(("A".to_owned(), &comparison.a))
        .chain(comparison.b.iter().enumerate().map(|(i, side)| {
            (if comparison.b.len() > 1 { format!("B{}", i + 1) } else { "B".to_owned() }, side)
        }))
        .collect();
    let optional = |n: Option<usize>| n.map_or("unknown".to_owned(), |n| n.to_string());
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sides" {
            table.sides {
                thead {
                    tr {
                        th scope="col" { "Side" } th scope="col" { "Label" } th.num scope="col" { "Repeats" }
                        th.num scope="col" { "Guest boots" } th.num scope="col" { "Host boots" }
                        th.num scope="col" { "Session (s)" } th scope="col" { "Measured" }
                        th scope="col" { "Directory" }
                    }
                }
                tbody {
                    @for (name, side) in &all {
                        tr {
                            th scope="row" { (name) }
                            td { (foreign(&side.label)) }
                            td.num {
                                (side.repeats)
                                @if side.unfinished { br; strong.crash { "not ended" } }
                            }
                            td.num { (optional(side.boots)) }
                            td.num { (optional(side.host_boots)) }
                            td.num {
                                @if let Some(length) = &side.session_length { (foreign(length)) } @else { "unknown" }
                            }
                            td { (crate::date::utc(side.date_unix)) }
                            td { code { (foreign(&side.path)) } }
                        }
                    }
                }
            }
        }
        @if comparison.b.is_empty() {
            p { "There is no candidate: " (candidate_label(comparison, 0)) " was not given." }
        }
    }
}

/// Which way a score is better.
fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::HigherIsBetter => "higher is better",
        Direction::LowerIsBetter => "lower is better",
        Direction::Informational => "neither way is better",
    }
}
