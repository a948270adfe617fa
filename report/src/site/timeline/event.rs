//! The page of an event: the range with its commits, what moved with it, whether it was confirmed, what was said, and pictures.

use super::small::Drawn;
use super::{Event, Steps, names, shell, words};
use crate::html::{Card, Figure, card, foreign, minus};
use crate::numbers::significant;
use crate::steps::{names as concerns, said_of};
use analyze::day;
use analyze::history::{History, Moved, Standing, StepEvent};
use edge::text::cut;
use lake::Said;
use maud::{Markup, html};
use model::counted;
use std::collections::BTreeMap;

/// Most rows of a table, and most pictures; the CSV has every series.
const ROWS: usize = 300;
const PICTURES: usize = 8;
/// Nights that a picture shows before and behind the step.
const AROUND: usize = 60;

/// What pages of events are made of.
pub(super) struct Context<'a> {
    pub history: &'a History,
    pub steps: &'a Steps<'a>,
    /// The page of each series, by its id.
    pub places: &'a BTreeMap<&'a str, String>,
    /// Where a commit is shown.
    pub commits: Option<&'a str>,
}

pub(super) fn page(context: &Context<'_>, event: &Event<'_>) -> String {
    let step = event.step;
    let (inform, judged): (Vec<&Moved>, Vec<&Moved>) =
        step.moved.iter().partition(|moved| moved.worse.is_none());
    let title = format!("Event {}", step.name);
    let body = html! {
        header {
            p { a href="../index.html" { "All histories" } }
            h1 { (title) }
            (answer(context, step))
        }
        main {
            section { h2 { "Commits in its range" } (commits(context, step)) }
            section {
                h2 { "What moved" }
                @if !judged.is_empty() { (moved_table("Series that moved", context, &judged)) }
                @if !inform.is_empty() {
                    @if !judged.is_empty() { h3 { "What may explain it: metrics that inform, moved in the same range" } }
                    (moved_table("Metrics that inform", context, &inform))
                }
                p.caption { a href=(event.file.replace(".html", ".csv")) { "CSV" } " of all " (step.moved.len()) " series" }
            }
            section { h2 { "Confirmation" } (confirmation(context.history, step)) }
            (said(context.history, step))
            section { h2 { "Around the step" } (pictures(context, step)) }
        }
    };
    shell::page(&title, None, &body)
}

fn answer(context: &Context<'_>, step: &StepEvent) -> Markup {
    let Some(first) = words::gravest(step) else { return html! {} };
    let (sign, class) = words::sign(first);
    let others = step.moved.len() - 1;
    let tone = match class {
        "worse" | "better" if step.standing.counts() => class,
        _ => "quiet",
    };
    let how = match class {
        "worse" => "got worse",
        "better" => "got better",
        "quiet" => "changed as it was meant to",
        _ => "changed",
    };
    card(&Card {
        tone,
        answer: html! { span.sign { (sign) } " " (words::series_name(&first.series)) " " (how) },
        figures: vec![
            Figure { value: html! { (words::size(first)) }, what: words::details(first) },
            Figure {
                value: html! { (step.moved.len()) },
                what: html! { "series moved, " (others) " beside this one" },
            },
            Figure { value: html! { (words::standing(step.standing)) }, what: html! { "where it stands" } },
        ],
        lines: vec![
            ("When", html! { (words::when(step)) ", found " (day(step.found)) }),
            ("Between", html! { (words::range(step)) }),
            ("Again", html! { code { "perfvt history explain LAKE " (step.name) } " prints every number" }),
        ],
        more: html! { @if context.history.alpha > 0.0 { p.caption { "alpha " (context.history.alpha) " a point" } } },
    })
}

fn commits(context: &Context<'_>, step: &StepEvent) -> Markup {
    let commits = context.history.commits_of(step);
    let more = commits.len().saturating_sub(ROWS);
    html! {
        @if commits.is_empty() {
            p { "The lake knows of no commits in this range: builds are " (words::range(step)) "." }
        } @else {
            p.caption { (counted(commits.len(), "commit")) @if commits.len() > 1 { ", the oldest first; any of them may be it" } "." }
            ul.commits {
                @for of in commits.iter().take(ROWS) {
                    @let name = html! { code { (words::build_name(&of.commit)) } };
                    li {
                        @match context.commits.and_then(|pattern| names::commit_address(pattern, &of.commit)) {
                            Some(address) => a href=(address) rel="noreferrer" { (name) },
                            None => (name),
                        }
                        @if let Some(subject) = &of.subject { " " (foreign(&cut(subject))) }
                        @if of.measured { " " span.tag { "measured" } }
                    }
                }
            }
            @if more > 0 { p.caption { "and " (counted(more, "further commit")) } }
        }
    }
}

fn moved_table(label: &str, context: &Context<'_>, moved: &[&Moved]) -> Markup {
    let more = moved.len().saturating_sub(ROWS);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.events {
                thead { tr {
                    th scope="col" { "Series" } th scope="col" { "By" } th.num scope="col" { "Before" } th.num scope="col" { "After" }
                    th scope="col" { "Details" }
                } }
                tbody { @for moved in moved.iter().take(ROWS) { (moved_row(context, moved)) } }
            }
        }
        @if more > 0 { p.caption { (more) " further series, each by less, are in the CSV" } }
    }
}

fn moved_row(context: &Context<'_>, moved: &Moved) -> Markup {
    let number = |value: f64| minus(&significant(value, 4));
    let name = words::series_name(&moved.series);
    html! {
        tr {
            th scope="row" {
                @match context.places.get(moved.id.as_str()) {
                    Some(page) => a href={ "../" (page) "#s" (moved.id) } { (name) },
                    None => (name),
                }
            }
            td { (words::badge(moved)) }
            td.num { span.near { "before " } (number(moved.levels.0)) }
            td.num { span.near { "after " } (number(moved.levels.1)) }
            td { (words::details(moved)) }
        }
    }
}

fn confirmation(history: &History, step: &StepEvent) -> Markup {
    let told = |said: &Said| matches!(said, Said::Confirmed { event, .. } if *event == step.name);
    let campaigns: Vec<&lake::Event> = history.said.iter().filter(|event| told(&event.said)).collect();
    let meaning = match step.standing {
        Standing::Confirmed => "A campaign measured both builds in turn and saw the difference again.",
        Standing::FixedSince => "A campaign saw the difference, and that the newest build does not have it.",
        Standing::Host => {
            "A campaign measured both builds in turn and saw no such difference: it was the host."
        }
        Standing::Dismissed => "Somebody said that it is nothing.",
        Standing::Expected => "All that moved was meant to, and by as much.",
        Standing::Open => {
            "No campaign that measured both builds in turn has decided it: the host may have changed as well as the build."
        }
    };
    html! {
        p { (meaning) }
        @if !campaigns.is_empty() { ul.plain { @for event in campaigns { (line(event)) } } }
    }
}

/// What people said of the event, or of a commit at its end.
fn said(history: &History, step: &StepEvent) -> Markup {
    let is = |event: &&lake::Event| concerns(event, step) && !matches!(event.said, Said::Confirmed { .. });
    let of: Vec<&lake::Event> = history.said.iter().filter(is).collect();
    html! {
        @if !of.is_empty() {
            section { h2 { "What was said" } ul.plain { @for event in of.iter().rev().take(ROWS) { (line(event)) } } }
        }
    }
}

fn line(event: &lake::Event) -> Markup {
    html! {
        li {
            (day(event.at.0.div_euclid(1_000_000))) " " (foreign(&cut(&event.who)))
            @if let Some(issue) = &event.issue { ", " (foreign(&cut(issue))) }
            ": " (foreign(&edge::text::bounded(said_of(&event.said), 600)))
        }
    }
}

/// The series that moved most, around the step.
fn pictures(context: &Context<'_>, step: &StepEvent) -> Markup {
    let mut moved: Vec<&Moved> = step.moved.iter().collect();
    moved.sort_by_key(|moved| moved.worse.is_none());
    html! {
        div.multiples {
            @for moved in moved.into_iter().take(PICTURES) {
                @if let Some(series) = context.history.series.iter().find(|series| series.id == moved.id) {
                    @let of = context.steps.get(series.id.as_str()).cloned().unwrap_or_default();
                    @let drawn = Drawn::of(series, &context.history.said, of);
                    @let part = moved.at.saturating_sub(AROUND)..(moved.at + AROUND).min(series.nights.len());
                    figure {
                        figcaption { (words::series_name(&series.name)) " " span.unit { (foreign(&cut(&drawn.scaled.unit))) } }
                        @if let Some(picture) = drawn.picture(part) { (picture) }
                        p.caption { (words::badge(moved)) ", " (words::details(moved)) }
                    }
                }
            }
        }
        @if step.moved.len() > PICTURES { p.caption { "The " (PICTURES) " that moved most are drawn; each series has its page." } }
    }
}
