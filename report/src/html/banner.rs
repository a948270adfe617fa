//! What the page is about: its title, the sides, the gate, and how it was made.

use super::foreign;
use crate::Gate;
use crate::command_line::command_line;
use crate::gate::{Outcome, open};
use crate::sentence::candidate_label;
use analyze::{Comparison, Side};
use maud::{Markup, html};

/// What came of the gate, and what it found.
pub(super) fn gate(comparison: &Comparison, gate: &Gate) -> Markup {
    let outcome = Outcome::of(gate);
    let mark = if outcome == Outcome::Passed { "✓" } else { "×" };
    html! {
        div.gate.failed[outcome != Outcome::Passed] {
            p {
                "Gate " code { "--fail-on " (foreign(&gate.rule)) } ": "
                strong { (mark) " " (outcome.words()) } ", exit code " (gate.exit_code) (open(comparison, gate)) "."
            }
            @if gate.said().next().is_some() { ul { @for said in gate.said() { li { (foreign(said)) } } } }
        }
    }
}

/// Label, repeats, boots and date of every side, and the command line.
pub(super) fn sides(comparison: &Comparison) -> Markup {
    let all: Vec<(String, &Side)> = std::iter::once(("A".to_owned(), &comparison.a))
        .chain(comparison.b.iter().enumerate().map(|(i, side)| {
            (if comparison.b.len() > 1 { format!("B{}", i + 1) } else { "B".to_owned() }, side)
        }))
        .collect();
    let optional = |n: Option<usize>| n.map_or("unknown".to_owned(), |n| n.to_string());
    let command = command_line(&comparison.method.command);
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
        p.provenance {
            "perfvt " (foreign(&comparison.perfvt))
            @if !command.is_empty() { ", reproduced by " code { (command) } }
        }
    }
}
