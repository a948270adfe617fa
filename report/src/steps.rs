//! What a lake's history says, as text for a terminal.

use crate::numbers::{percent, significant};
use analyze::day;
use analyze::history::{Budget, FEWEST_POINTS, History, Moved, Series, Standing, StepEvent};
use edge::visible;
use lake::{Event, Said};
use model::counted;
use std::collections::HashMap;
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
    if let Some(budget) = &history.budget {
        let _ = writeln!(out, "{}", expected(budget));
    }
    for event in &history.events {
        let _ = write!(out, "\n{}", event_text(event, &history.series));
    }
    if history.events.is_empty() && !history.series.is_empty() {
        let _ = writeln!(out, "\nno level changed");
    }
    endings(history, &mut out);
    out
}

/// How many steps a month are to be expected though nothing changed.
fn expected(budget: &Budget) -> String {
    format!(
        "{}/month asked for: {} series with a point a night, {:.1} % of the points set aside; some {:.1} steps a month are to be \
         expected though nothing changed, and {:.2} of them after confirming",
        budget.false_alarms,
        budget.series,
        100.0 * budget.set_aside,
        budget.steps,
        budget.confirmed
    )
}

pub(crate) fn heading(history: &History) -> String {
    let nights: Vec<i64> = history.series.iter().flat_map(|s| &s.nights).map(|n| n.at).collect();
    let (Some(first), Some(last)) = (nights.iter().min(), nights.iter().max()) else {
        return "no series".to_owned();
    };
    format!(
        "{} series with {}, {} to {}; {}; alpha {} a point",
        history.series.len(),
        counted(nights.len(), "point"),
        day(*first),
        day(*last),
        counted(history.events.len(), "event"),
        history.alpha
    )
}

/// A build as it is told: hashes are cut.
pub(crate) fn build(name: &str) -> String {
    let is_hash = name.len() >= 20 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let short = if is_hash { name.get(..12).unwrap_or(name) } else { name };
    visible(if short.is_empty() { "(no build)" } else { short }).into_owned()
}

/// An event: its range, and what moved.
pub fn event_text(event: &StepEvent, series: &[Series]) -> String {
    let mut out = String::new();
    let range = match &event.last_before {
        _ if event.first_after.is_empty() => String::new(),
        Some(before) if *before == event.first_after => {
            format!(", within {}, which stands on both sides: no build's doing", build(before))
        }
        Some(before) => format!(", between {} and {}", build(before), build(&event.first_after)),
        None => format!(", up to {}", build(&event.first_after)),
    };
    let _ = writeln!(
        out,
        "{}  {} to {}{range}; found {}{}",
        event.name,
        day(event.between.0),
        day(event.between.1),
        day(event.found),
        stands(event.standing)
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

/// Where an event stands, where there is something to say.
fn stands(standing: Standing) -> String {
    match standing {
        Standing::Open => String::new(),
        other => format!("; {}", other.word()),
    }
}

pub(crate) fn change(moved: &Moved) -> String {
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
        _ if moved.expected => "meant ",
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

pub(crate) fn endings(history: &History, out: &mut String) {
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
    let short = history.series.iter().filter(|s| s.nights.len() < FEWEST_POINTS).count();
    if short > 0 {
        let _ = writeln!(
            out,
            "\n{short} series with fewer than {FEWEST_POINTS} points: the rule looks from so many on"
        );
    }
    for odd in &history.warnings {
        let advice =
            if odd.advice.is_empty() { String::new() } else { format!(": {}", visible(&odd.advice)) };
        let _ = writeln!(out, "\n{}{advice}", visible(&odd.text));
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

/// Events as a table, for comments and mails.
pub fn markdown(history: &History) -> String {
    let mut out = format!("**{}**\n", cell(&heading(history)));
    if history.events.is_empty() {
        out.push_str("\nNo level changed.\n");
    } else {
        events_table(history, &mut out);
    }
    for odd in &history.warnings {
        let _ = write!(out, "\n- {}", cell(&odd.text));
    }
    if !history.warnings.is_empty() {
        out.push('\n');
    }
    out
}

fn events_table(history: &History, out: &mut String) {
    out.push_str("\n| event | when | between | what moved | by | stands |\n|---|---|---|---|---|---|\n");
    for event in &history.events {
        for (place, moved) in event.moved.iter().enumerate() {
            let first = |text: String| if place == 0 { text } else { String::new() };
            let before = event.last_before.as_deref().map(build).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} {} | {} |",
                first(event.name.clone()),
                first(format!("{} to {}", day(event.between.0), day(event.between.1))),
                first(cell(&format!("{before} and {}", build(&event.first_after)))),
                cell(&moved.series),
                change(moved),
                judged(moved).trim(),
                first(event.standing.word().to_owned())
            );
        }
    }
}

/// Foreign text in a table: nothing in it formats, links or notifies.
fn cell(text: &str) -> String {
    crate::markdown::escaped(text)
}

/// A test case for each series: it fails where an event that counts has moved it.
pub fn junit(history: &History, counts: impl Fn(&StepEvent) -> bool) -> String {
    // Each event's text once, whatever number of series it moved.
    let mut by: HashMap<&str, String> = HashMap::new();
    for event in history.events.iter().filter(|e| counts(e)) {
        let text = event_text(event, &history.series);
        for moved in event.moved.iter().filter(|m| !m.expected) {
            by.entry(&moved.id).or_default().push_str(&text);
        }
    }
    let of = |series: &Series| by.get(series.id.as_str()).map(String::as_str).unwrap_or_default();
    let failures = history.series.iter().filter(|s| !of(s).is_empty()).count();
    let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec();
    let mut writer = quick_xml::Writer::new_with_indent(&mut out, b' ', 2);
    let suite = writer.create_element("testsuite").with_attributes([
        ("name", "perfvt history"),
        ("tests", history.series.len().to_string().as_str()),
        ("failures", failures.to_string().as_str()),
        ("errors", "0"),
    ]);
    // A Vec takes every byte: an error cannot happen.
    let _ = suite.write_inner_content(|writer| {
        for series in &history.series {
            let name = visible(&series.name);
            let case = writer
                .create_element("testcase")
                .with_attributes([("classname", "history"), ("name", &*name)]);
            let text = of(series);
            if text.is_empty() {
                case.write_empty()?;
                continue;
            }
            case.write_inner_content(|writer| {
                let message = text.lines().next().unwrap_or_default();
                let failure = writer.create_element("failure").with_attribute(("message", message));
                failure.write_text_content(quick_xml::events::BytesText::new(text)).map(|_| ())
            })?;
        }
        Ok(())
    });
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// An event with every number: its series point by point around the step, the places that it may have, what was said of it.
pub fn event(history: &History, event: &StepEvent, said: &[Event]) -> String {
    let mut out = event_text(event, &history.series);
    for moved in &event.moved {
        let Some(series) = history.series.iter().find(|s| s.id == moved.id) else { continue };
        let Some(step) = series.reading.steps.iter().find(|step| step.at == moved.at) else { continue };
        let _ = writeln!(out, "\n{}, series {}", visible(&series.name), series.id);
        let _ = writeln!(out, "  largest |t| {} when it was found", significant(step.t, 3));
        if let Some(location) = &step.location {
            let places: Vec<String> = location
                .set
                .iter()
                .map(|(at, p)| format!("{} ({})", place(series, *at), significant(*p, 2)))
                .collect();
            let _ = writeln!(out, "  the step is before one of these, with .9: {}", places.join(", "));
        }
        let (from, to) = (moved.at.saturating_sub(8), (moved.at + 8).min(series.nights.len()));
        for (at, night) in series.nights.iter().enumerate().take(to).skip(from) {
            let mark = match () {
                () if series.reading.set_aside.contains(&at) => "set aside",
                () if night.left_out => "set aside by hand",
                () if at == moved.at => "<- first of the new level",
                () if at == step.found => "<- found",
                () if night.begins => "<- begins anew",
                () => "",
            };
            let _ = writeln!(
                out,
                "  {}  {:>12}  n {:>3}  {:<14} {mark}",
                day(night.at),
                significant(night.mean, 5),
                night.n,
                build(&night.build)
            );
        }
    }
    for event_ in said.iter().filter(|said| names(said, event)) {
        let at = day(event_.at.0.div_euclid(1_000_000));
        let issue = event_.issue.as_deref().map(|issue| format!(", {}", visible(issue))).unwrap_or_default();
        let _ = writeln!(out, "\n{at} {}{issue}: {}", visible(&event_.who), said_of(&event_.said));
    }
    out
}

fn place(series: &Series, at: usize) -> String {
    series
        .nights
        .get(at)
        .map(|night| format!("{} of {}", build(&night.build), day(night.at)))
        .unwrap_or_default()
}

/// Whether something was said of this event by its name, or of a commit at its end.
pub(crate) fn names(said: &Event, event: &StepEvent) -> bool {
    match &said.said {
        Said::Intended { commit, .. } => event.first_after.starts_with(commit.as_str()),
        other => event.is_meant_by(other),
    }
}

pub(crate) fn said_of(said: &Said) -> String {
    match said {
        Said::Accepted { campaign } => format!("the level from {} on is accepted", visible(campaign)),
        Said::Intended { commit, low, high, because } => {
            format!(
                "{} is meant to change it by a ratio of {low} to {high}: {}",
                visible(commit),
                visible(because)
            )
        }
        Said::Dismissed { .. } => "dismissed".to_owned(),
        Said::SetAside { campaign } => format!("{} is set aside", visible(campaign)),
        Said::Epoch { campaign } => format!("other hardware from {} on", visible(campaign)),
        Said::Alias { part, old, new } => {
            format!("{} {} is called {} since", part.word(), visible(old), visible(new))
        }
        Said::NoAlias { part, old } => format!("{} {} is one of its own again", part.word(), visible(old)),
        Said::Told { .. } => "somebody is told".to_owned(),
        Said::Delivered { .. } => "that was done".to_owned(),
        Said::Undelivered { why, .. } => format!("that was not done: {}", visible(why)),
        Said::Release { name, build } => format!("{} is {}", visible(build), visible(name)),
        Said::Confirmed { outcome, campaign, .. } => format!("{} by {}", visible(outcome), visible(campaign)),
    }
}
