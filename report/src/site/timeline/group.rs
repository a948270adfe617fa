//! The pages of a machine and workload: small multiples, so many on a page as it may be large.

use super::small::Drawn;
use super::{Event, Steps, names, paged, shell};
use crate::html::foreign;
use analyze::history::{History, Series};
use edge::text::cut;
use maud::{Markup, PreEscaped, html};
use model::counted;
use std::collections::BTreeMap;

/// Links to so many pages before and behind one.
const NEAR: usize = 12;

/// Pages as (file, text).
type Pages = Vec<(String, String)>;
/// The page of each series, by its id.
type PlacesOf<'a> = Vec<(&'a str, String)>;

/// The series of a machine and a workload.
pub(super) struct Group<'a> {
    pub machine: &'a str,
    pub workload: &'a str,
    pub file: String,
    pub series: Vec<&'a Series>,
}

/// All groups, by machine and workload; of each the series that are judged before those that inform.
pub(super) fn groups(history: &History) -> Vec<Group<'_>> {
    let mut by: BTreeMap<(&str, &str), Vec<&Series>> = BTreeMap::new();
    for series in &history.series {
        by.entry((&series.machine, series.workload())).or_default().push(series);
    }
    let mut out = Vec::new();
    for ((machine, workload), mut series) in by {
        series.sort_by_key(|series| informs(series));
        out.push(Group { machine, workload, file: names::slug(&[machine, workload]), series });
    }
    out
}

fn informs(series: &Series) -> bool {
    !matches!(series.direction.as_str(), "higher" | "lower")
}

/// The pages of a group as (file, text), and where each of its series is: its id with the page's file.
pub(super) fn pages<'a>(
    history: &'a History,
    group: &Group<'a>,
    steps: &Steps<'a>,
    csv: &mut dyn FnMut(&Drawn<'a>) -> Result<(), super::SiteError>,
) -> Result<(Pages, PlacesOf<'a>), super::SiteError> {
    let mut figures = Vec::new();
    for series in &group.series {
        let of: Vec<(&Event<'_>, usize)> = steps.get(series.id.as_str()).cloned().unwrap_or_default();
        let drawn = Drawn::of(series, &history.said, of);
        csv(&drawn)?;
        figures.push((informs(series), drawn.figure("../")));
    }
    let mut lengths = figures.iter().map(|(_, figure)| figure.len());
    let sizes = paged(&mut lengths);
    let (mut out, mut places, mut first) = (Vec::new(), Vec::new(), 0);
    for (page, count) in sizes.iter().enumerate() {
        let file = names::page_file(&group.file, page);
        let on_it = figures.get(first..first + count).unwrap_or_default();
        places.extend(
            group
                .series
                .iter()
                .skip(first)
                .take(*count)
                .map(|series| (series.id.as_str(), format!("g/{file}"))),
        );
        out.push((file, text(group, page, sizes.len(), on_it)));
        first += count;
    }
    Ok((out, places))
}

fn text(group: &Group<'_>, page: usize, of: usize, figures: &[(bool, String)]) -> String {
    let title = format!("{} on {}", cut(group.workload), cut(group.machine));
    let body = html! {
        header {
            p { a href="../index.html" { "All histories" } }
            h1 { (foreign(&title)) }
            p.caption {
                (group.series.len()) " series" @if of > 1 { ", page " (page + 1) " of " (of) } ". "
                "Points with their 95 % interval by the boots alone; hollow: set aside (an arrow at the edge: beyond it). A thick line is the \
                 level that the rule finds, a sign above it a step: ▼ worse, ▲ better, ◆ changed, ◇ meant. Numbers are those of the \
                 list below: dashed, other hardware; dotted, what somebody said; thin, a release. Of more than 400 points the smallest, the largest and \
                 the middle one of each stretch are drawn."
            }
            (links(&group.file, page, of))
        }
        main {
            @for part in figures.chunk_by(|a, b| a.0 == b.0) {
                @let informs = part.first().is_some_and(|figure| figure.0);
                section {
                    h2 { @if informs { "Metrics that inform" } @else { "Metrics that are judged" } }
                    div.multiples { @for (_, figure) in part { (PreEscaped(figure)) } }
                }
            }
            (links(&group.file, page, of))
        }
    };
    shell::page(&title, None, &body)
}

/// Links to the pages near one of several, and to the first and the last.
pub(super) fn links(name: &str, page: usize, of: usize) -> Markup {
    let near = page.saturating_sub(NEAR)..(page + NEAR + 1).min(of);
    let link = |to: usize| {
        html! {
            " " @if to == page { b aria-current="page" { (to + 1) } } @else { a href=(names::page_file(name, to)) { (to + 1) } }
        }
    };
    html! {
        @if of > 1 {
            p.pages {
                "Page"
                @if near.start > 0 { (link(0)) " …" }
                @for to in near.clone() { (link(to)) }
                @if near.end < of { " …" (link(of - 1)) }
                " " span.quiet { "of " (counted(of, "page")) }
            }
        }
    }
}
