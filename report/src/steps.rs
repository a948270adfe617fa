//! What a lake's history says, as text for a terminal.

use crate::numbers::{percent, significant};
use analyze::history::{History, Moved, Series, StepEvent};
use edge::visible;
use jiff::Timestamp;
use model::counted;
use std::fmt::Write;

/// Steps of a sparkline.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Most places of a sparkline.
const PLACES: usize = 32;
/// Series of an event that are told one by one.
const TOLD: usize = 6;

/// Events, each with what moved, and what the series as a whole came to.
pub fn history(history: &History) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", heading(history));
    for event in &history.events {
        let _ = write!(out, "\n{}", event_text(event, &history.series));
    }
    if history.events.is_empty() && !history.series.is_empty() {
        let _ = writeln!(out, "\nno level changed");
    }
    endings(history, &mut out);
    out
}

/// One series, two series.
fn number_of_series(n: usize) -> String {
    format!("{n} series")
}

fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| "?".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

fn heading(history: &History) -> String {
    let nights: Vec<i64> = history.series.iter().flat_map(|s| &s.nights).map(|n| n.at).collect();
    let (Some(first), Some(last)) = (nights.iter().min(), nights.iter().max()) else {
        return "no series".to_owned();
    };
    format!(
        "{} with {}, {} to {}; {}; alpha {} a point",
        number_of_series(history.series.len()),
        counted(nights.len(), "point"),
        day(*first),
        day(*last),
        counted(history.events.len(), "event"),
        history.alpha
    )
}

/// A build as it is told: hashes are cut.
fn build(name: &str) -> String {
    let is_hash = name.len() >= 20 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let short = if is_hash { name.get(..12).unwrap_or(name) } else { name };
    visible(if short.is_empty() { "(no build)" } else { short }).into_owned()
}

fn event_text(event: &StepEvent, series: &[Series]) -> String {
    let mut out = String::new();
    let range = match &event.last_before {
        _ if event.first_after.is_empty() => String::new(),
        Some(before) => format!(", between {} and {}", build(before), build(&event.first_after)),
        None => format!(", up to {}", build(&event.first_after)),
    };
    let _ = writeln!(
        out,
        "{}  {} to {}{range}; found {}",
        event.name,
        day(event.between.0),
        day(event.between.1),
        day(event.found)
    );
    for moved in event.moved.iter().take(TOLD) {
        let picture =
            series.iter().find(|s| s.id == moved.id).map(|s| sparkline(s, moved.at)).unwrap_or_default();
        let _ =
            writeln!(out, "  {:>9} {}  {}  {picture}", change(moved), judged(moved), visible(&moved.series));
        let _ = writeln!(out, "            {}", details(moved));
    }
    let others = event.moved.len().saturating_sub(TOLD);
    if others > 0 {
        let _ = writeln!(out, "  and {others} other series, each by less");
    }
    out
}

fn change(moved: &Moved) -> String {
    if moved.is_ratio { percent(moved.change - 1.0) } else { format!("{:+}", Rounded(moved.change)) }
}

struct Rounded(f64);

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = significant(self.0, 3);
        if f.sign_plus() && self.0 > 0.0 { write!(f, "+{text}") } else { f.write_str(&text) }
    }
}

fn judged(moved: &Moved) -> &'static str {
    match moved.worse {
        Some(true) => "worse ",
        Some(false) => "better",
        None => "      ",
    }
}

fn details(moved: &Moved) -> String {
    let mut out = match moved.interval {
        Some((low, high)) if moved.is_ratio => {
            format!("95 % interval {} to {}, ", percent(low - 1.0), percent(high - 1.0))
        }
        Some((low, high)) => format!("95 % interval {:+} to {:+}, ", Rounded(low), Rounded(high)),
        None => String::new(),
    };
    let (before, after) = moved.levels;
    let _ = write!(
        out,
        "{} to {}, found {} later",
        Rounded(before),
        Rounded(after),
        counted(moved.delay, "point")
    );
    if moved.drift {
        out.push_str("; rather a slow drift than a step");
    }
    out
}

/// The points around a step as bars; those set aside are blanks.
fn sparkline(series: &Series, at: usize) -> String {
    let from = at.saturating_sub(PLACES / 2);
    let to = (from + PLACES).min(series.nights.len());
    let Some(nights) = series.nights.get(from..to) else { return String::new() };
    let aside = |i: usize| series.reading.set_aside.contains(&(from + i));
    let kept = || nights.iter().enumerate().filter(|(i, n)| !aside(*i) && n.x.is_finite()).map(|(_, n)| n.x);
    let (low, high) = (kept().fold(f64::INFINITY, f64::min), kept().fold(f64::NEG_INFINITY, f64::max));
    let bar = |x: f64| {
        let share = if high > low { (x - low) / (high - low) } else { 0.5 };
        // A share of 0..1, so that the index is one of the bars.
        BARS.get((share * 7.0).round().clamp(0.0, 7.0) as usize).copied().unwrap_or(' ')
    };
    let of = |(i, night): (usize, &analyze::history::Night)| {
        if aside(i) || !night.x.is_finite() { ' ' } else { bar(night.x) }
    };
    nights.iter().enumerate().map(of).collect()
}

fn endings(history: &History, out: &mut String) {
    let count = |of: fn(&Series) -> usize| history.series.iter().map(of).sum::<usize>();
    let aside = count(|s| s.reading.set_aside.len());
    if aside > 0 {
        let _ = writeln!(
            out,
            "\n{} set aside: far off, and not borne out by what came after",
            counted(aside, "point")
        );
    }
    for series in history.series.iter().filter(|s| s.reading.suspect.is_some()) {
        let _ = writeln!(
            out,
            "\nthe last point of {} is far off; two more decide what it is",
            visible(&series.name)
        );
    }
    let short = history.series.iter().filter(|s| s.nights.len() < 7).count();
    if short > 0 {
        let _ =
            writeln!(out, "\n{short} series with fewer than 7 points: the rule looks from the seventh on");
    }
    let anchors = history.series.iter().filter(|s| s.wants_anchor).count();
    if anchors > 0 {
        let _ = writeln!(
            out,
            "\n{anchors} series whose sessions differ by more than their boots leave open: a build that every session measures \
             too (`perfvt lake add --anchor ENV`) would find smaller steps, with fewer false ones"
        );
    }
    for torn in &history.torn {
        let _ = writeln!(out, "\n{}: does not read: {}", torn.path.display(), visible(&torn.why));
    }
}
