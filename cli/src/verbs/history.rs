//! `perfvt history`.

use crate::args::{Annotate, FailOnEvent, HistoryArgs, HistoryAsked, HistoryFormat, HistoryVerb};
use crate::verbs::moment::{moment_of, who};
use crate::verbs::options::write_json;
use crate::{DONE, Error, FOUND, NOTHING};
use analyze::history::{Asked, History, Standing, StepEvent, history as read_history, history_within};
use lake::{Event, Lake, Micros, Said};
use std::io::Write;
use std::path::Path;

/// Tells where the levels of a lake's series changed.
pub fn history(args: &HistoryArgs, out: &mut dyn Write) -> Result<u8, Error> {
    match &args.verb {
        Some(HistoryVerb::Explain { lake, event, asked }) => return explain(lake, event, asked, out),
        Some(HistoryVerb::Annotate(annotate)) => return say(annotate, out),
        // They run campaigns, and have doors of their own.
        Some(HistoryVerb::Confirm(_) | HistoryVerb::Bisect(_)) | None => {}
    }
    let Some(path) = &args.lake else { return Err("want a lake".into()) };
    let since = moment_of("--since", args.since.as_ref())?;
    let history = read(path, &args.asked, since)?;
    let counts = |event: &StepEvent| args.fail_on.is_some_and(|what| fails(event, what));
    match args.format {
        HistoryFormat::Text => out.write_all(report::history_text(&history).as_bytes())?,
        HistoryFormat::Markdown => out.write_all(report::history_markdown(&history).as_bytes())?,
        HistoryFormat::Junit => out.write_all(report::history_junit(&history, counts).as_bytes())?,
        HistoryFormat::Json => write_json(&history, out)?,
    }
    Ok(match history.series.is_empty() {
        true => NOTHING,
        false if history.events.iter().any(counts) => FOUND,
        false => DONE,
    })
}

pub(super) fn read(path: &Path, asked: &HistoryAsked, since: Option<i64>) -> Result<History, Error> {
    let (lake, false_alarms) = (Lake::open(path)?, asked.false_alarms);
    let asked = Asked { series: asked.series.clone(), since, alpha: asked.alpha };
    Ok(match false_alarms {
        Some(a_month) => history_within(&lake, &asked, a_month)?,
        None => read_history(&lake, &asked)?,
    })
}

pub(super) fn fails(event: &StepEvent, what: FailOnEvent) -> bool {
    let counts = match what {
        FailOnEvent::Step => event.standing.counts(),
        FailOnEvent::Confirmed => event.standing == Standing::Confirmed,
    };
    counts && event.is_worse()
}

fn explain(path: &Path, name: &str, asked: &HistoryAsked, out: &mut dyn Write) -> Result<u8, Error> {
    let history = read(path, asked, None)?;
    let event = called(&history, name)?;
    out.write_all(report::history_event(&history, event, &history.said).as_bytes())?;
    Ok(DONE)
}

/// An event, with all series of its lake.
pub(super) struct InHistory {
    pub history: History,
    event: StepEvent,
}

impl InHistory {
    /// The event of a lake that a name, or its beginning, means.
    ///
    /// # Errors
    /// The lake cannot be read, or no event or several are called so.
    pub fn of(lake: &Path, name: &str, alpha: f64) -> Result<InHistory, Error> {
        let history = read(lake, &HistoryAsked::of_all(alpha), None)?;
        let event = called(&history, name)?.clone();
        Ok(InHistory { history, event })
    }

    pub const fn event(&self) -> &StepEvent {
        &self.event
    }
}

/// The event that a name, or its beginning, means.
fn called<'a>(history: &'a History, name: &str) -> Result<&'a StepEvent, Error> {
    let found: Vec<&StepEvent> = history.events.iter().filter(|e| e.is_called(name)).collect();
    let names =
        |of: &mut dyn Iterator<Item = &StepEvent>| of.map(|e| e.name.as_str()).collect::<Vec<_>>().join(" ");
    match found.as_slice() {
        [event] => Ok(event),
        [] => {
            let all = names(&mut history.events.iter());
            Err(format!("no event {}; there are: {all}", edge::quoted(name)).into())
        }
        several => {
            let all = names(&mut several.iter().copied());
            Err(format!("{} is the beginning of several events: {all}", edge::quoted(name)).into())
        }
    }
}

/// Two ratios, LOW..HIGH.
fn ratio(text: &str) -> Result<(f64, f64), Error> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0);
    let both = text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
    let ordered = both.filter(|(low, high)| low <= high);
    ordered.ok_or_else(|| format!("--ratio {}: want LOW..HIGH, such as .9..1", edge::quoted(text)).into())
}

fn say(args: &Annotate, out: &mut dyn Write) -> Result<u8, Error> {
    let lake = Lake::open(&args.lake)?;
    let history = read(
        &args.lake,
        &HistoryAsked { series: vec![args.series.clone()], alpha: stats::HISTORY_ALPHA, false_alarms: None },
        None,
    )?;
    if history.series.is_empty() {
        return Err(format!("no series of this lake is of {}", edge::quoted(&args.series)).into());
    }
    let campaign = |name: &String| -> Result<String, Error> {
        let known = history.series.iter().flat_map(|s| &s.nights).any(|night| night.campaign == *name);
        let unknown =
            || format!("none of these series has a point of campaign {}", edge::quoted(name)).into();
        known.then(|| name.clone()).ok_or_else(unknown)
    };
    let said = if let Some(name) = &args.accept {
        Said::Accepted { campaign: campaign(name)? }
    } else if let Some(name) = &args.set_aside {
        Said::SetAside { campaign: campaign(name)? }
    } else if let Some(name) = &args.epoch {
        Said::Epoch { campaign: campaign(name)? }
    } else if let Some(event) = &args.dismiss {
        if !history.events.iter().any(|known| known.names.contains(event)) {
            return Err(format!("no event {} among these series", edge::quoted(event)).into());
        }
        Said::Dismissed { event: event.clone() }
    } else if let Some(commit) = &args.intended {
        let (low, high) = ratio(args.ratio.as_deref().unwrap_or_default())?;
        let because = args.because.clone().unwrap_or_default();
        Said::Intended { commit: commit.clone(), low, high, because }
    } else if let (Some(name), Some(build)) = (&args.release, &args.build) {
        Said::Release { name: name.clone(), build: build.clone() }
    } else {
        return Err("want one of --accept, --intended, --dismiss, --set-aside, --epoch, --release".into());
    };
    let seconds = |at: i64| Micros(at.saturating_mul(1_000_000));
    let event = Event {
        at: seconds(analyze::history::now()),
        who: who(args.who.as_ref()),
        series: args.series.clone(),
        issue: args.issue.clone(),
        expires: moment_of("--expires", args.expires.as_ref())?.map(seconds),
        said,
    };
    lake.say(&event)?;
    writeln!(out, "noted for {} series", history.series.len())?;
    Ok(DONE)
}
