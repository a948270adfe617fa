//! One of the small multiples: the picture of a series with what belongs to it.

use super::Event;
use super::axis::Places;
use super::picture::{StepSign, View};
use super::words;
use crate::html::{breakable, foreign, minus};
use crate::numbers::{self, Scaled, significant};
use analyze::day;
use analyze::history::{Mark, NightState, Series};
use edge::text::cut;
use maud::{Markup, html};
use model::counted;
use std::ops::Range;

/// So many steps, marks and nights are listed below a picture; the CSV has all.
const LISTED: usize = 20;

/// A series with everything that its pictures and tables are made of.
pub(super) struct Drawn<'a> {
    pub series: &'a Series,
    pub states: Vec<NightState>,
    pub marks: Vec<Mark>,
    pub scaled: Scaled,
    /// Its steps, oldest first: the event and where in it.
    pub steps: Vec<(&'a Event<'a>, usize)>,
}

impl<'a> Drawn<'a> {
    pub fn of(series: &'a Series, said: &[lake::Event], mut steps: Vec<(&'a Event<'a>, usize)>) -> Drawn<'a> {
        let states = series.states();
        let largest = series.nights.iter().map(|night| series.shown(night.x).abs()).filter(|v| v.is_finite());
        let scaled = numbers::scale(series.shown_unit(), largest.fold(0.0, f64::max));
        steps.sort_by_key(|(event, place)| event.at(*place));
        Drawn { series, marks: series.marks(said), states, scaled, steps }
    }

    /// A value as shown, with its digits.
    fn value(&self, value: f64) -> String {
        minus(&significant(value * self.scaled.factor, 4))
    }

    fn unit(&self) -> Markup {
        let unit = cut(&self.scaled.unit);
        html! { @if !unit.is_empty() { " " span.unit { (foreign(&unit)) } } }
    }

    /// The picture of a part of the series.
    pub fn picture(&self, part: Range<usize>) -> Option<Markup> {
        let sign_of = |(event, place): &(&Event<'_>, usize)| {
            let moved = event.step.moved.get(*place)?;
            let (sign, class) = words::sign(moved);
            Some(StepSign { at: moved.at, sign, class })
        };
        let steps: Vec<StepSign> = self.steps.iter().filter_map(sign_of).collect();
        let alt = format!(
            "{} from {} on: {}, of which {} do not count; {}",
            cut(&self.series.name),
            self.series.nights.get(part.start).map(|night| day(night.at)).unwrap_or_default(),
            counted(part.len(), "point"),
            self.aside().count(),
            counted(steps.len(), "step")
        );
        View {
            series: self.series,
            states: &self.states,
            marks: &self.marks,
            steps,
            scaled: &self.scaled,
            part,
            alt,
        }
        .drawn()
    }

    /// Nights that do not count.
    fn aside(&self) -> impl DoubleEndedIterator<Item = (usize, NightState)> + '_ {
        let states = self.states.iter().copied().enumerate();
        states.filter(|(_, state)| *state != NightState::Kept)
    }

    /// The figure of the whole series; `up` leads to the folder of all pages.
    pub fn figure(&self, up: &str) -> String {
        let series = self.series;
        let case = series.case.split_once('/').map_or(series.case.as_str(), |(_, case)| case);
        let figure = html! {
            figure #{ "s" (series.id) } {
                figcaption {
                    b { (breakable(&cut(case))) } " " (foreign(&cut(&series.metric))) (self.unit()) " "
                    span.tag { (foreign(&cut(&series.env))) }
                }
                @match self.picture(0..series.nights.len()) {
                    Some(picture) => (picture),
                    None => p.quiet { "No night has a value." },
                }
                p.caption { (self.level()) }
                (self.step_list(up))
                (self.mark_list())
                (self.tables())
                p.caption { a href={ (up) "s/" (series.id) ".csv" } { "CSV" } " " (counted(series.nights.len(), "point")) }
            }
        };
        figure.into_string()
    }

    /// The level that holds, and which way is better.
    fn level(&self) -> Markup {
        let last =
            self.series.reading.segments.iter().rev().find_map(|s| Some((s.level?, s.points.first()?)));
        let better = match self.series.direction.as_str() {
            "higher" => "more is better",
            "lower" => "less is better",
            _ => "informs",
        };
        html! {
            @if let Some((level, first)) = last {
                "Now " b { (self.value(self.series.shown(level.mean))) } (self.unit()) " since "
                (self.series.nights.get(*first).map(|night| day(night.at)).unwrap_or_default()) "; "
            }
            (better)
            @if self.series.anchored { "; relative to the anchor" }
            @if self.series.nights.len() > 1 && !Places::of(self.series, 0..self.series.nights.len()).by_time {
                "; points stand side by side, in the order of commits"
            }
            @if self.series.reading.suspect.is_some() { "; the last point is far off: two more decide" }
        }
    }

    fn step_list(&self, up: &str) -> Markup {
        let older = self.steps.len().saturating_sub(LISTED);
        html! {
            @if !self.steps.is_empty() {
                ul.plain {
                    @for (event, place) in self.steps.iter().rev().take(LISTED) {
                        @if let Some(moved) = event.step.moved.get(*place) {
                            li {
                                (words::badge(moved)) " " a href={ (up) "e/" (event.file) } { (words::when(event.step)) } " "
                                span.quiet { (words::standing(event.step.standing)) @if moved.drift { ", rather a slow drift" } }
                            }
                        }
                    }
                    @if older > 0 { li.quiet { "and " (counted(older, "older step")) } }
                }
            }
        }
    }

    fn mark_list(&self) -> Markup {
        let first = self.marks.len().saturating_sub(LISTED);
        html! {
            @if !self.marks.is_empty() {
                ul.plain {
                    @for (number, mark) in self.marks.iter().enumerate().skip(first).rev() {
                        li {
                            b { (number + 1) } " " (self.series.nights.get(mark.at).map(|night| day(night.at)).unwrap_or_default())
                            " " (words::mark(mark))
                        }
                    }
                    @if first > 0 { li.quiet { "and " (counted(first, "older mark")) } }
                }
            }
        }
    }

    /// The months, and the nights that do not count.
    fn tables(&self) -> Markup {
        let aside = self.aside().count();
        html! {
            details {
                summary { "Months" }
                div.scroll tabindex="0" role="region" aria-label={ "Months of " (cut(&self.series.name)) } {
                    table.small {
                        thead { tr {
                            th scope="col" { "Month" } th.num scope="col" { "Points" } th.num scope="col" { "Not counted" }
                            th.num scope="col" { "Smallest" } th.num scope="col" { "Mean" } th.num scope="col" { "Largest" }
                        } }
                        tbody { @for month in self.series.months() { (self.month(&month)) } }
                    }
                }
            }
            @if aside > 0 {
                details {
                    summary { (counted(aside, "point")) @if aside == 1 { " that does not count" } @else { " that do not count" } }
                    ul.plain { @for (at, state) in self.aside().rev().take(LISTED) { (self.set_aside(at, state)) } }
                    @if aside > LISTED { p.caption { "and " (counted(aside - LISTED, "older one")) ", in the CSV" } }
                }
            }
        }
    }

    fn month(&self, month: &analyze::history::Month) -> Markup {
        html! {
            tr {
                th scope="row" { (month.name) }
                td.num { (month.nights) }
                td.num { (month.aside) }
                @for i in 0..3 { td.num { (month.values.and_then(|v| v.get(i).copied()).map_or(String::new(), |v| self.value(v))) } }
            }
        }
    }

    fn set_aside(&self, at: usize, state: NightState) -> Markup {
        html! {
            @if let Some(night) = self.series.nights.get(at) {
                li {
                    (day(night.at)) " " (self.value(self.series.shown(night.x))) " " (words::build_name(&night.build)) " "
                    span.quiet { (state.words()) }
                }
            }
        }
    }
}
