//! What events and marks are called on a page.

use crate::html::{foreign, minus};
use crate::steps::{build, change};
use analyze::day;
use analyze::history::{Mark, MarkKind, Moved, Standing, StepEvent};
use maud::{Markup, html};
use model::counted;

/// The sign of a change, and the class of its colour: the sign says it without one.
pub(super) fn sign(moved: &Moved) -> (&'static str, &'static str) {
    match moved.worse {
        _ if moved.expected => ("◇", "quiet"),
        Some(true) => ("▼", "worse"),
        Some(false) => ("▲", "better"),
        None => ("◆", "changed"),
    }
}

/// The gravest of an event: what got worse before what got better before what only moved.
pub(super) fn gravest(event: &StepEvent) -> Option<&Moved> {
    let rank = |moved: &Moved| match moved.worse {
        _ if moved.expected => 3,
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    };
    // The first of the gravest: those are in the order of their size.
    event.moved.iter().min_by_key(|moved| rank(moved))
}

/// `−20%`, `+3%`: which way it went, whatever is better.
pub(super) fn size(moved: &Moved) -> String {
    let text = change(moved);
    let rose = moved.is_ratio && moved.change > 1.0;
    minus(&if rose && !text.starts_with('+') { format!("+{text}") } else { text })
}

/// `▼ −20%`.
pub(super) fn badge(moved: &Moved) -> Markup {
    let (sign, class) = sign(moved);
    html! { span.badge.(class) { (sign) " " (size(moved)) } }
}

/// The interval of a change, and how long it took to find it.
pub(super) fn details(moved: &Moved) -> Markup {
    let end = |change: f64| size(&Moved { change, ..moved.clone() });
    html! {
        @if let Some((low, high)) = moved.interval { "95 % interval " (end(low)) " to " (end(high)) "; " }
        "found " (counted(moved.delay, "point")) " later"
        @if moved.drift { "; rather a slow drift than a step" }
    }
}

/// Where an event stands, in a word with a sign.
pub(super) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "open",
        Standing::Expected => "◇ expected",
        Standing::Dismissed => "– dismissed",
        Standing::Confirmed => "✓ confirmed",
        Standing::FixedSince => "✓ fixed since",
        Standing::Host => "⌂ the host's",
    }
}

/// `2026-01-20 to 2026-01-21`.
pub(super) fn when(event: &StepEvent) -> String {
    let (from, to) = (day(event.between.0), day(event.between.1));
    if from == to { to } else { format!("{from} to {to}") }
}

/// Builds are cut: a name of a megabyte would be a page of a megabyte.
pub(super) fn build_name(name: &str) -> Markup {
    foreign(&edge::text::cut(&build(name)))
}

/// `between c19 and c20`.
pub(super) fn range(event: &StepEvent) -> Markup {
    html! {
        @match &event.last_before {
            _ if event.first_after.is_empty() => "builds without a name",
            Some(before) => { (build_name(before)) " and " (build_name(&event.first_after)) }
            None => { "up to " (build_name(&event.first_after)) }
        }
    }
}

/// A line of the table of events; `up` leads to the folder of the pages.
pub(super) fn event_row(event: &StepEvent, file: &str) -> Markup {
    let others = event.moved.len().saturating_sub(1);
    html! {
        tr {
            th scope="row" { a href={ "e/" (file) } { (event.name) } }
            td { (when(event)) }
            td { (range(event)) }
            td {
                @if let Some(moved) = gravest(event) {
                    (badge(moved)) " " (series_name(&moved.series))
                    @if others > 0 { span.quiet { " and " (counted(others, "other")) } }
                }
            }
            td { (standing(event.standing)) }
        }
    }
}

/// The table of events around its lines.
pub(super) fn event_table(label: &str, rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.events {
                thead { tr {
                    th scope="col" { "Event" } th scope="col" { "When" } th scope="col" { "Between" } th scope="col" { "What moved" }
                    th scope="col" { "Stands" }
                } }
                tbody { (rows) }
            }
        }
    }
}

/// The name of a series, cut, which may go on in the next line behind a slash.
pub(super) fn series_name(name: &str) -> Markup {
    crate::html::breakable(&edge::text::cut(name))
}

/// What a mark says.
pub(super) fn mark(mark: &Mark) -> Markup {
    let text = edge::text::cut(&mark.text);
    html! {
        @match mark.kind {
            MarkKind::Epoch => "other hardware: the level begins anew",
            MarkKind::Accepted => "this level is accepted: it begins anew",
            MarkKind::SetAside => "set aside by hand",
            MarkKind::Intended => { "meant to change: " (foreign(&text)) }
            MarkKind::Release => { "release " (foreign(&text)) }
        }
        @if let Some((who, issue)) = &mark.who {
            span.quiet {
                " (" (foreign(&edge::text::cut(who)))
                @if let Some(issue) = issue { ", " (foreign(&edge::text::cut(issue))) }
                ")"
            }
        }
    }
}
