//! What is open, guests by machines, and all machines with their workloads.

use super::group::{Group, links};
use super::{Event, names, paged, shell, words};
use crate::html::{Card, Figure, card, foreign};
use crate::steps::{endings, heading};
use analyze::day;
use analyze::history::{History, Series};
use edge::text::cut;
use maud::{Markup, PreEscaped, html};
use model::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Open events, machines with workloads, guests and machines that the first page has; other pages have all of them.
const OPEN: usize = 50;
const GROUPS: usize = 200;
const GUESTS: usize = 100;
const MACHINES: usize = 30;

/// Steps of open events of each series: those that got worse, got better, and only changed.
type Counts<'a> = BTreeMap<&'a str, [usize; 3]>;

/// The first page, those of all events, and those of all groups, where the first has not all.
pub(super) fn pages(history: &History, events: &[Event<'_>], groups: &[Group<'_>]) -> Vec<(String, String)> {
    let counts = counts(events);
    let rows: Vec<String> = events.iter().map(|e| words::event_row(e.step, &e.file).into_string()).collect();
    let lines: Vec<String> = groups.iter().map(|group| group_row(group, &counts).into_string()).collect();
    let mut out = vec![("index.html".to_owned(), first(history, events, groups, &counts))];
    let table = |rows: &Markup| words::event_table("All events", rows);
    out.extend(list("events", "All events, the newest first", &rows, &table));
    if groups.len() > GROUPS {
        out.extend(list("groups", "All machines and workloads", &lines, &group_table));
    }
    out
}

fn counts<'a>(events: &[Event<'a>]) -> Counts<'a> {
    let mut out: Counts<'a> = BTreeMap::new();
    let open = events.iter().filter(|e| e.step.standing.counts()).flat_map(|e| &e.step.moved);
    for moved in open.filter(|moved| !moved.expected) {
        let [worse, better, changed] = out.entry(&moved.id).or_default();
        *match moved.worse {
            Some(true) => worse,
            Some(false) => better,
            None => changed,
        } += 1;
    }
    out
}

/// A list over as many pages as it takes.
fn list(
    name: &str,
    title: &str,
    rows: &[String],
    table: &dyn Fn(&Markup) -> Markup,
) -> Vec<(String, String)> {
    let sizes = paged(&mut rows.iter().map(String::len));
    let (mut first, mut out) = (0, Vec::new());
    for (page, count) in sizes.iter().enumerate() {
        let on_it = rows.get(first..first + count).unwrap_or_default().concat();
        first += count;
        let body = html! {
            header { p { a href="index.html" { "All histories" } } h1 { (title) } (links(name, page, sizes.len())) }
            main { (table(&PreEscaped(on_it))) (links(name, page, sizes.len())) }
        };
        out.push((names::page_file(name, page), shell::page(title, None, &body)));
    }
    out
}

fn first(history: &History, events: &[Event<'_>], groups: &[Group<'_>], counts: &Counts<'_>) -> String {
    let open: Vec<&Event<'_>> = events.iter().filter(|event| event.step.standing.counts()).collect();
    let mut told = String::new();
    endings(history, &mut told);
    let body = html! {
        header {
            p { a href="../index.html" { "All results" } }
            h1 { "History" }
            p.caption { (heading(history)) }
            (answer(history, &open))
        }
        main {
            @if !open.is_empty() {
                section {
                    h2 { "Open events" }
                    (words::event_table("Open events", &html! {
                        @for event in open.iter().take(OPEN) { (words::event_row(event.step, &event.file)) }
                    }))
                }
            }
            @if !events.is_empty() {
                p { a href="events.html" { "All events" } " (" (events.len()) "), also those that are expected, dismissed, fixed since or the host's" }
            }
            (matrix(groups, counts))
            section {
                h2 { "Machines and workloads" }
                (group_table(&html! { @for group in groups.iter().take(GROUPS) { (group_row(group, counts)) } }))
                @if groups.len() > GROUPS { p { a href="groups.html" { "All " (groups.len()) } } }
            }
            @if !told.trim().is_empty() {
                section { h2 { "Notes" } @for line in told.lines().filter(|l| !l.is_empty()).take(OPEN) { p { (foreign(line)) } } }
            }
        }
    };
    shell::page("History", None, &body)
}

fn answer(history: &History, open: &[&Event<'_>]) -> Markup {
    let worse = open.iter().filter(|event| event.step.is_worse()).count();
    let aside: usize = history.series.iter().map(|series| series.reading.set_aside.len()).sum();
    let figure =
        |value: usize, what: &'static str| Figure { value: html! { (value) }, what: html! { (what) } };
    let answer = html! {
        @match (worse, open.len()) {
            (0, 0) => { span.sign { "✓" } " No event is open" },
            (0, _) => { span.sign { "▲" } " " (counted(open.len(), "open event")) ", none of which got worse" },
            _ => { span.sign { "▼" } " " (counted(worse, "open event")) " got worse" },
        }
    };
    card(&Card {
        tone: if worse > 0 { "worse" } else { "quiet" },
        answer,
        figures: vec![
            figure(open.len(), "events that somebody has to look at"),
            figure(history.events.len(), "events in all"),
            figure(aside, "points set aside"),
        ],
        lines: Vec::new(),
        more: html! {},
    })
}

/// Guests, as their environments are called, by machines: the workloads of each with what is open.
fn matrix(groups: &[Group<'_>], counts: &Counts<'_>) -> Markup {
    type Cell<'a> = BTreeMap<&'a str, (&'a str, Vec<&'a Series>)>;
    let mut by: BTreeMap<&str, BTreeMap<&str, Cell<'_>>> = BTreeMap::new();
    let mut machines = BTreeSet::new();
    for group in groups {
        machines.insert(group.machine);
        for series in &group.series {
            let cell = by.entry(&series.env).or_default().entry(group.machine).or_default();
            cell.entry(group.workload).or_insert_with(|| (&group.file, Vec::new())).1.push(series);
        }
    }
    let shown = || machines.iter().take(MACHINES);
    let left = by.len().saturating_sub(GUESTS) + machines.len().saturating_sub(MACHINES);
    html! {
        @if !by.is_empty() {
            section {
                h2 { "Guests by machines" }
                div.scroll tabindex="0" role="region" aria-label="Guests by machines" {
                    table.glance {
                        thead { tr { th scope="col" { "Guest" } @for machine in shown() { th scope="col" { (foreign(&cut(machine))) } } } }
                        tbody {
                            @for (env, row) in by.iter().take(GUESTS) {
                                tr {
                                    th scope="row" { (foreign(&cut(env))) }
                                    @for machine in shown() { td {
                                        @for (workload, (file, series)) in row.get(machine).into_iter().flatten() {
                                            p.said {
                                                span.near { (foreign(&cut(machine))) ", " }
                                                a href={ "g/" (names::page_file(file, 0)) } { (foreign(&cut(workload))) } " "
                                                (stand(series.iter().copied(), counts))
                                            }
                                        }
                                    } }
                                }
                            }
                        }
                    }
                }
                p.caption {
                    "Steps of events that are open, by series: ▼ worse, ▲ better, ◆ changed; ≈ none. A guest is called as its environment."
                    @if left > 0 { " " (left) " further guests and machines stand in the list below alone." }
                }
            }
        }
    }
}

/// `▼ 2 ▲ 1`, or `≈`.
fn stand<'a>(series: impl Iterator<Item = &'a Series>, counts: &Counts<'_>) -> Markup {
    let mut sums = [0; 3];
    for of in series.filter_map(|series| counts.get(series.id.as_str())) {
        sums.iter_mut().zip(of).for_each(|(sum, count)| *sum += count);
    }
    let signs = [("▼", "worse"), ("▲", "better"), ("◆", "changed")];
    html! {
        @for ((sign, class), sum) in signs.iter().zip(sums).filter(|(_, sum)| *sum > 0) {
            span.badge.(class) { (sign) " " (sum) } " "
        }
        @if sums == [0; 3] { span.quiet { "≈" } }
    }
}

fn group_row(group: &Group<'_>, counts: &Counts<'_>) -> Markup {
    let nights = || group.series.iter().flat_map(|series| &series.nights);
    html! {
        tr {
            th scope="row" { (foreign(&cut(group.machine))) }
            td { a href={ "g/" (names::page_file(&group.file, 0)) } { (foreign(&cut(group.workload))) } }
            td.num { (group.series.len()) span.near { " series" } }
            td.num { (nights().count()) span.near { " points" } }
            td { (nights().map(|night| night.at).max().map(day).unwrap_or_default()) }
            td { (stand(group.series.iter().copied(), counts)) }
        }
    }
}

fn group_table(rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Machines and workloads" {
            table.events {
                thead { tr {
                    th scope="col" { "Machine" } th scope="col" { "Workload" } th.num scope="col" { "Series" } th.num scope="col" { "Points" }
                    th scope="col" { "Newest" } th scope="col" { "Open" }
                } }
                tbody { (rows) }
            }
        }
    }
}
