//! The page of a run: one file without network and without script, in the style of the comparison's page.

use super::log::line;
use super::profiles::{self, href};
use super::{Stamped, Story, clock, duration};
use crate::html::{Card, Document, Figure, card, contents, foreign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge::visible;
use maud::{Markup, html};
use model::counted;
use model::journal::{BootState, CellState, Event, State};
use model::{Case, Standing, readable};

/// So many events of a long journal stand on the page; the rest are in the job log.
const MOST_EVENTS: usize = 2000;

/// What became of one boot.
struct Row<'a> {
    name: &'a str,
    began: u64,
    ready: Option<f64>,
    took: Option<f64>,
    samples: f64,
    waited: f64,
    again: u32,
    failed: Option<&'a Event>,
}

/// What tells why a boot failed.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Its folder, relative to the campaign's directory, where the page lies.
    pub folder: String,
    /// What screens showed: the path of each in that folder, and its PNG, which the page has in itself.
    pub screens: Vec<(String, Vec<u8>)>,
}

/// The page. `forensics` gives what there is of a boot.
pub fn page(story: &Story<'_>, forensics: &dyn Fn(&BootState) -> Option<Kept>) -> String {
    let state = story.state();
    let standing = Standing::of(story.file, &state);
    let rows = rows(story.events);
    let title = format!("Run of {} {}", story.file.workload, story.file.id);
    let kept: Vec<(&str, Option<Kept>)> =
        state.boots.iter().map(|(name, boot)| (name.as_str(), forensics(boot))).collect();
    let pictures = kept.iter().flat_map(|(_, kept)| kept).any(|kept| !kept.screens.is_empty());
    let body = html! {
        header { (summary(story, &state, &standing)) }
        (contents(sections(&state), None))
        main {
            (cells(story, &state))
            (boots(&state, &rows, &kept))
            (times(&state, &rows))
            @if !state.profiles.is_empty() { (profiles::section(&state)) }
            (events(story))
        }
    };
    Document { title: &title, version: env!("CARGO_PKG_VERSION"), pictures, ..Document::default() }
        .page(&body)
}

/// The sections of the page.
fn sections(state: &State) -> impl Iterator<Item = (&'static str, &'static str)> {
    let profiles = (!state.profiles.is_empty()).then_some(("profiles", "Profiles"));
    let before = [("cells", "Cells"), ("boots", "Boots"), ("times", "Times")];
    before.into_iter().chain(profiles).chain([("events", "Events")])
}

fn rows(events: &[Stamped]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (unix_ns, event) in events {
        if let Event::BootStarted { boot, .. } = event {
            rows.push(Row {
                name: boot,
                began: *unix_ns,
                ready: None,
                took: None,
                samples: 0.0,
                waited: 0.0,
                again: 0,
                failed: None,
            });
            continue;
        }
        let Some(row) = rows.last_mut() else { continue };
        match event {
            Event::BootReady { seconds, .. } => row.ready = Some(*seconds),
            Event::Waited { seconds, .. } => row.waited += seconds,
            Event::SampleFailed { seconds, .. } => {
                (row.again, row.samples) = (row.again + 1, row.samples + seconds)
            }
            Event::CaseFinished { seconds, .. } => row.samples += seconds,
            Event::BootFinished { seconds, .. } => row.took = Some(*seconds),
            Event::BootFailed { .. } => {
                row.took = Some(unix_ns.saturating_sub(row.began) as f64 * 1e-9);
                row.failed = Some(event);
            }
            _ => {}
        }
    }
    rows
}

/// What became of the run, in a card.
fn summary(story: &Story<'_>, state: &State, standing: &Standing) -> Markup {
    let cells = standing.cells;
    let failed = cells.invalid > 0 || standing.failed_boots > 0;
    let ended = state.finished.is_some() && cells.pending() == 0;
    let (sign, word) = match () {
        () if !ended && state.interrupted => ("?", "interrupted"),
        () if !ended => ("?", "not finished"),
        () if failed => ("×", "finished, and not all of it is valid"),
        () => ("✓", "finished, all valid"),
    };
    let figure = |value: Markup, what: &str| Figure { value, what: html! { (what) } };
    let figures = vec![
        figure(html! { (cells.valid) " of " (cells.planned) }, "cells valid"),
        figure(html! { (cells.invalid) }, "invalid"),
        figure(html! { (cells.pending()) }, "to be measured"),
    ];
    html! {
        h1 { "Run of " (foreign(&story.file.workload)) }
        (card(&Card {
            tone: if failed { "worse" } else if ended { "quiet" } else { "open" },
            answer: html! { span.sign { (sign) } " " (word) },
            figures,
            lines: Vec::new(),
            more: html! { (what_failed(standing)) },
        }))
        p.provenance {
            "campaign " code { (foreign(&story.file.id)) } ", seed " (story.file.seed) ", "
            (foreign(&story.file.accel)) ", network " (foreign(&story.file.network))
            @if let Some((first, last)) = state.span {
                ", " (clock(first)) " to " (clock(last)) " UTC"
            }
        }
        @if !story.file.warnings.is_empty() {
            ul.notes {
                @for warning in &story.file.warnings {
                    li { span.mark aria-hidden="true" { "!" } strong { "warning" } " " (foreign(warning)) }
                }
            }
        }
    }
}

/// Codes of what was invalid or taken again, each with its number.
fn what_failed(standing: &Standing) -> Markup {
    let nothing = standing.invalid.is_empty() && standing.again.is_empty() && standing.failed_boots == 0;
    if nothing && standing.waited_seconds <= 0.0 {
        return html! {};
    }
    html! {
        ul.counts aria-label="What failed" {
            @for (code, n) in &standing.invalid { li.worse { (n) " × " (code) } }
            @for (code, n) in &standing.again { li.open { (n) " taken again: " (code) } }
            @if standing.failed_boots > 0 { li.worse { (counted(standing.failed_boots as usize, "boot")) " failed" } }
            @if standing.waited_seconds > 0.0 {
                li { "waited " (duration(standing.waited_seconds)) " for a quiet host" }
            }
        }
    }
}

/// One row a case, one column a repeat of each environment.
fn cells(story: &Story<'_>, state: &State) -> Markup {
    let boots: Vec<_> = story
        .file
        .boots()
        .filter_map(|(block, boot)| {
            Some((block, boot.repeat, story.file.environments.get(boot.environment)?))
        })
        .collect();
    html! {
        section #cells aria-labelledby="h-cells" {
            h2 #h-cells { "Cells" }
            p.caption { "Boots from left to right in the order of the plan. ✓ valid, ✗ invalid (the code beside it), – settled \
                         by the stopping rule, · still to be measured." }
            div.scroll tabindex="0" {
                table.sides {
                    thead { tr { th { "case" } @for (_, repeat, env) in &boots { th { (foreign(&env.name)) " " (repeat) } } } }
                    tbody {
                        @for case in &story.file.cases {
                            tr {
                                th scope="row" { code { (foreign(&readable(&case.id()))) } }
                                @for (block, repeat, env) in &boots { td { (cell(state, &env.name, *repeat, *block, case)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(state: &State, environment: &str, repeat: u32, block: u32, case: &Case) -> Markup {
    let id = case.id();
    html! {
        @match state.cell(environment, repeat, &id) {
            Some(CellState::Valid) => { "✓" }
            Some(CellState::Invalid { reason, code }) => {
                span.badge.worse title=(edge::visible(&reason)) {
                    "✗ " (code.map_or("invalid", |c| c.word()))
                }
            }
            None if !state.wanted(&id, block) => { "–" }
            None => { "·" }
        }
    }
}

fn boots(state: &State, rows: &[Row<'_>], kept: &[(&str, Option<Kept>)]) -> Markup {
    let seconds = |s: Option<f64>| s.map_or(String::new(), duration);
    html! {
        section #boots aria-labelledby="h-boots" {
            h2 #h-boots { "Boots" }
            div.scroll tabindex="0" {
                table.boots {
                    thead { tr {
                        th { "began (UTC)" } th { "environment" } th.num { "repeat" } th.num { "block" } th.num { "attempt" }
                        th.num { "ready after" } th.num { "samples" } th.num { "waited" } th.num { "taken again" }
                        th.num { "in all" }
                    } }
                    tbody {
                        @for row in rows {
                            @if let Some(boot) = state.boots.get(row.name) {
                                tr.blocking[row.failed.is_some()] {
                                    td { (clock(row.began)) }
                                    td { (foreign(&boot.environment)) }
                                    td.num { (boot.repeat) } td.num { (boot.block) } td.num { (boot.attempt) }
                                    td.num { (seconds(row.ready)) }
                                    td.num { (duration(row.samples)) } td.num { (duration(row.waited)) }
                                    td.num { (row.again) }
                                    td.num { (seconds(row.took)) }
                                }
                                @let kept = kept.iter().find(|(name, _)| *name == row.name).and_then(|(_, kept)| kept.as_ref());
                                @if row.failed.is_some() || kept.is_some() {
                                    tr.blocking[row.failed.is_some()] {
                                        td.story colspan="10" {
                                            @if let Some(event) = row.failed { (failure(event)) " " }
                                            @if let Some(kept) = kept { (told(kept)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The folder as a link, and what screens showed.
fn told(kept: &Kept) -> Markup {
    html! {
        a href=(href(&kept.folder)) { "forensics" }
        @for (path, png) in &kept.screens {
            " "
            a href=(href(&format!("{}/{path}", kept.folder))) {
                img width="360" alt=(format!("the last screen: {}", visible(path)))
                    src=(format!("data:image/png;base64,{}", STANDARD.encode(png)));
            }
        }
    }
}

fn failure(event: &Event) -> Markup {
    html! {
        @if let Event::BootFailed { reason, code, last, .. } = event {
            @if *last { "given up, " }
            @if let Some(code) = code { code { (code) } ": " }
            (foreign(reason))
        }
    }
}

/// Where the time went.
fn times(state: &State, rows: &[Row<'_>]) -> Markup {
    let sum = |of: fn(&Row<'_>) -> f64| rows.iter().map(of).sum::<f64>();
    let all = sum(|r| r.took.unwrap_or(0.0));
    let failed = sum(|r| r.took.filter(|_| r.failed.is_some()).unwrap_or(0.0));
    let ready = sum(|r| r.ready.unwrap_or(0.0));
    let (samples, waited) = (sum(|r| r.samples), sum(|r| r.waited));
    let wall = state.span.map_or(0.0, |(first, last)| last.saturating_sub(first) as f64 * 1e-9);
    html! {
        section #times aria-labelledby="h-times" {
            h2 #h-times { "Times" }
            dl.method {
                dt { "From first to last event" } dd { (duration(wall)) ", pauses between calls of perfvt included" }
                dt { "In boots" } dd { (duration(all)) }
                dt { "… until ready" } dd { (duration(ready)) }
                dt { "… in samples" } dd { (duration(samples)) }
                dt { "… waiting for a quiet host" } dd { (duration(waited)) }
                dt { "… preparing, writing down, ending" } dd { (duration((all - ready - samples - waited).max(0.0))) }
                dt { "In boots that failed" } dd { (duration(failed)) }
            }
            h3 { "Samples of each case" }
            div.scroll tabindex="0" {
                table.sides {
                    thead { tr { th { "case" } th.num { "samples" } th.num { "seconds each, on average" } } }
                    tbody {
                        @for (case, (n, seconds)) in &state.spent.cases {
                            tr {
                                th scope="row" { code { (foreign(case)) } }
                                td.num { (n) } td.num { (format!("{:.1}", seconds / f64::from((*n).max(1)))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn events(story: &Story<'_>) -> Markup {
    let mut state = State::default();
    let skip = story.events.len().saturating_sub(MOST_EVENTS);
    html! {
        section #events aria-labelledby="h-events" {
            h2 #h-events { "Events" }
            details {
                summary { (counted(story.events.len(), "event")) }
                @if skip > 0 { p.caption { "The first " (skip) " stand in the job log." } }
                ul.notes {
                    @for (i, (unix_ns, event)) in story.events.iter().enumerate() {
                        @let text = { state.apply(*unix_ns, event); line(event, &state) };
                        @if i >= skip { li { code { (clock(*unix_ns)) } " " (foreign(&text)) } }
                    }
                }
            }
        }
    }
}
