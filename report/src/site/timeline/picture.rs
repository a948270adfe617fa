//! The picture of a series: points with intervals, those that do not count hollow, levels as lines, steps and marks.

use super::axis::{Places, range};
use super::thin::{Spot, thinned};
use crate::html::{Axis, minus};
use crate::numbers::{Scaled, trimmed};
use analyze::day;
use analyze::history::{Mark, MarkKind, NightState, Series};
use maud::{Markup, html};
use std::fmt::Write;
use std::ops::Range;

/// The area of the points, in the coordinates of a picture: half a pixel each where it has its full width.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 112.0;
const RIGHT: f64 = 742.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 284.0;
/// Where the numbers of marks and the signs of steps stand.
const NUMBERS: f64 = 20.0;
const SIGNS: f64 = 46.0;
/// Less room than this has no second number.
const APART: f64 = 26.0;
/// More points than this are smaller.
const MANY: usize = 150;
/// Labels of the axis of values, about.
const LABELS: usize = 4;

/// A step as it is drawn: the first night of the new level, and its sign with its class.
pub(super) struct StepSign {
    pub at: usize,
    pub sign: &'static str,
    pub class: &'static str,
}

/// What is drawn.
pub(super) struct View<'a> {
    pub series: &'a Series,
    pub states: &'a [NightState],
    pub marks: &'a [Mark],
    pub steps: Vec<StepSign>,
    pub scaled: &'a Scaled,
    /// The part of the nights.
    pub part: Range<usize>,
    /// What it shows, for those who do not see it.
    pub alt: String,
}

impl View<'_> {
    fn value(&self, x: f64) -> f64 {
        self.series.shown(x) * self.scaled.factor
    }

    /// Points of the part that count, and those that do not and have a value.
    fn spots(&self) -> (Vec<Spot>, Vec<Spot>) {
        let (mut kept, mut aside) = (Vec::new(), Vec::new());
        let nights = self.series.nights.iter().zip(self.states).enumerate();
        for (at, (night, state)) in nights.take(self.part.end).skip(self.part.start) {
            let value = self.value(night.x);
            match state {
                _ if !value.is_finite() => {}
                NightState::Kept => kept.push((at, value)),
                _ => aside.push((at, value)),
            }
        }
        (kept, aside)
    }

    fn interval(&self, at: usize) -> Option<(f64, f64)> {
        let (low, high) = self.series.nights.get(at).and_then(|night| self.series.interval(night))?;
        Some((low * self.scaled.factor, high * self.scaled.factor))
    }

    /// The picture; none without a point.
    pub fn drawn(&self) -> Option<Markup> {
        let (kept, aside) = self.spots();
        let (kept, aside) = thinned(&kept, &aside);
        let whiskers: Vec<(usize, (f64, f64))> =
            kept.iter().filter_map(|(at, _)| Some((*at, self.interval(*at)?))).collect();
        let ends = whiskers.iter().flat_map(|(_, (low, high))| [*low, *high]);
        let (low, high) = range(kept.iter().map(|s| s.1), ends.chain(aside.iter().map(|s| s.1)))?;
        let plane = Plane { axis: Axis::new(low, high), places: Places::of(self.series, self.part.clone()) };
        Some(html! {
            svg.trend viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(self.alt) {
                (rules(&plane.axis))
                (self.dates(&plane))
                (self.lines(&plane))
                path.whisker d=(plane.whiskers(&whiskers)) {}
                path.dot.many[kept.len() > MANY] d=(plane.dots(&kept)) {}
                path.level d=(self.levels(&plane)) {}
                @for spot in &aside { (plane.hollow(*spot)) }
            }
        })
    }

    /// The days of the first night, one in the middle, and the last.
    fn dates(&self, plane: &Plane) -> Markup {
        let label = |at: usize, anchor: &str| {
            let text = self.series.nights.get(at).map(|night| day(night.at)).unwrap_or_default();
            html! { text x=(short(plane.x(plane.places.at(at)))) y="316" text-anchor=(anchor) { (text) } }
        };
        let last = self.part.end.saturating_sub(1);
        let middle = plane.places.middle();
        let is_apart = (0.3..0.7).contains(&plane.places.at(middle)) && self.part.len() > 2;
        html! {
            (label(self.part.start, "start"))
            @if is_apart { (label(middle, "middle")) }
            @if last > self.part.start { (label(last, "end")) }
        }
    }

    /// Marks with the numbers that the list below has, and steps with their signs.
    fn lines(&self, plane: &Plane) -> Markup {
        let mut free = f64::NEG_INFINITY;
        let mut marks = Vec::new();
        for (number, mark) in self.marks.iter().enumerate().filter(|(_, m)| self.part.contains(&m.at)) {
            let x = plane.x(plane.places.before(mark.at));
            let text = (x >= free).then_some(number + 1);
            free = if text.is_some() { x + APART } else { free };
            marks.push((x, class_of(mark.kind), text));
        }
        html! {
            @for (x, class, text) in marks {
                @if let Some(class) = class { line class=(class) x1=(short(x)) x2=(short(x)) y1=(NUMBERS + 6.0) y2=(BOTTOM) {} }
                @if let Some(text) = text { text x=(short(x)) y=(NUMBERS) text-anchor="middle" { (text) } }
            }
            @for step in self.steps.iter().filter(|step| self.part.contains(&step.at)) {
                @let x = short(plane.x(plane.places.before(step.at)));
                line.step x1=(x) x2=(x) y1=(SIGNS + 4.0) y2=(BOTTOM) {}
                text.sign.(step.class) x=(x) y=(SIGNS) text-anchor="middle" { (step.sign) }
            }
        }
    }

    /// The level of each segment, from its first night to its last.
    fn levels(&self, plane: &Plane) -> String {
        let mut path = String::new();
        for segment in &self.series.reading.segments {
            let within = |at: &&usize| self.part.contains(at);
            let ends = (segment.points.iter().find(within), segment.points.iter().rfind(within));
            if let (Some(level), (Some(from), Some(to))) = (segment.level, ends) {
                let y = plane.y(self.value(level.mean));
                let (from, to) = (plane.x(plane.places.at(*from)), plane.x(plane.places.at(*to)));
                // Writing to a String cannot fail. A level of one night is a short line, too.
                let _ = write!(path, "M{:.0} {y:.0}H{:.0}", from - 2.0, to + 2.0);
            }
        }
        path
    }
}

/// Where places and values are in the picture.
struct Plane {
    axis: Axis,
    places: Places,
}

impl Plane {
    fn x(&self, place: f64) -> f64 {
        LEFT + 8.0 + (RIGHT - LEFT - 16.0) * place
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * self.axis.at(value) / 100.0
    }

    /// Paths without length, whose ends the style makes dots.
    fn dots(&self, spots: &[Spot]) -> String {
        let mut pen = Pen::default();
        for (at, value) in spots {
            pen.to(self.x(self.places.at(*at)), self.y(*value));
            pen.path.push('z');
        }
        pen.path
    }

    fn whiskers(&self, of: &[(usize, (f64, f64))]) -> String {
        let mut pen = Pen::default();
        for (at, (low, high)) in of {
            pen.to(self.x(self.places.at(*at)), self.y(*low));
            pen.up(self.y(*high));
        }
        pen.path
    }

    /// A point that does not count: hollow; an arrow at the edge where it lies beyond.
    fn hollow(&self, (at, value): Spot) -> Markup {
        let (x, y) = (self.x(self.places.at(at)), self.y(value));
        let beyond = if value > self.axis.hi() { -1.0 } else { 1.0 };
        html! {
            @if value > self.axis.hi() || value < self.axis.lo() {
                path.aside d={ "M" (short(x - 7.0)) " " (short(y - 5.0 * beyond)) "h14l-7 " (short(10.0 * beyond)) "z" } {}
            } @else {
                circle.aside cx=(short(x)) cy=(short(y)) r="6" {}
            }
        }
    }
}

/// Whole coordinates, relative to where the pen is: the shortest way to write them.
#[derive(Default)]
struct Pen {
    path: String,
    at: (i32, i32),
}

impl Pen {
    fn to(&mut self, x: f64, y: f64) {
        let (x, y) = (x.round() as i32, y.round() as i32);
        let (right, down) = (x - self.at.0, y - self.at.1);
        self.at = (x, y);
        // Writing to a String cannot fail. A sign parts numbers as well as a space does.
        let _ = write!(self.path, "m{right}{}{down}", if down < 0 { "" } else { " " });
    }

    fn up(&mut self, y: f64) {
        let y = y.round() as i32;
        let _ = write!(self.path, "v{}", y - self.at.1);
        self.at.1 = y;
    }
}

/// The line of a mark; a night that somebody set aside is hollow, and has its number alone.
fn class_of(kind: MarkKind) -> Option<&'static str> {
    match kind {
        MarkKind::Epoch => Some("epoch"),
        MarkKind::Accepted | MarkKind::Intended => Some("note"),
        MarkKind::Release => Some("release"),
        MarkKind::SetAside => None,
    }
}

/// Lines at round values, with their labels.
fn rules(axis: &Axis) -> Markup {
    html! {
        @for tick in axis.ticks(LABELS) {
            @let y = BOTTOM - (BOTTOM - TOP) * axis.at(tick) / 100.0;
            line.grid x1=(LEFT) x2=(RIGHT) y1=(short(y)) y2=(short(y)) {}
            text x=(LEFT - 10.0) y=(short(y + 7.0)) text-anchor="end" { (minus(&trimmed(tick))) }
        }
    }
}

/// A whole coordinate.
fn short(value: f64) -> String {
    format!("{value:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pen_writes_what_is_between_two_points() {
        let mut pen = Pen::default();
        pen.to(10.0, 20.4);
        pen.path.push('z');
        pen.to(12.0, 7.0);
        pen.up(-3.0);
        pen.to(14.0, 0.0);
        assert_eq!(pen.path, "m10 20zm2-13v-10m2 3");
    }
}
