//! Telling of events, each once.
//!
//! That somebody is told is written to the lake before it is done, and that it was done behind it. A program that was cut in
//! between may have told or not: it is not asked again, because nobody is to be told twice, and what is not known is said. A
//! program that ends with another status than 0 has said that it told nobody, and is asked again in the next night.

use crate::Error;
use crate::programs::{program, run};
use crate::verbs::moment::who;
use analyze::history::{History, Moved, StepEvent};
use edge::visible;
use lake::{Event, Lake, Micros, Said};
use process::deadlines::TELL;
use serde::Serialize;
use std::io::Write;

/// What a program reads.
#[derive(Serialize)]
struct News<'a> {
    /// The version of this form.
    schema_version: u32,
    lake: String,
    #[serde(flatten)]
    event: &'a StepEvent,
    /// The campaign that was run to confirm it.
    campaign: Option<&'a str>,
}

/// What came of telling.
#[derive(Default)]
pub(super) struct Heard {
    /// Events that were told now.
    pub told: usize,
    /// Those that nobody could be told of.
    pub failed: usize,
}

/// How an event stands with those who are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Never,
    /// It was begun; whether it was done is not known.
    Begun,
    Done,
    Failed,
}

fn told(event: &StepEvent, said: &[Event]) -> Told {
    let of = |said: &Said| match said {
        Said::Told { .. } => Some(Told::Begun),
        Said::Delivered { .. } => Some(Told::Done),
        Said::Undelivered { .. } => Some(Told::Failed),
        _ => None,
    };
    let its = said.iter().rev().filter(|said| event.is_meant_by(&said.said));
    its.filter_map(|said| of(&said.said)).next().unwrap_or(Told::Never)
}

/// Who tells.
pub(super) struct Teller<'a> {
    /// Where it is written down.
    pub lake: &'a Lake,
    /// The events' series.
    pub history: &'a History,
    /// The user's program.
    pub notify: Option<&'a str>,
    /// A night that was cut goes on.
    pub cut: bool,
}

impl Teller<'_> {
    /// Tells of each of these events that nobody was told of.
    pub fn tell(
        &self,
        events: &[&StepEvent],
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Heard, Error> {
        let mut heard = Heard::default();
        for event in events {
            let name = || event.name.clone();
            let is_told = |said: &[Event]| matches!(told(event, said), Told::Begun | Told::Done);
            if !self.lake.say_unless(&record(Said::Told { event: name() }), is_told)? {
                self.look_back(event, err)?;
                continue;
            }
            write!(out, "\nnew: {}", report::history_event_text(event, &self.history.series))?;
            match self.notify.map(|command| ask(self.lake, command, event)) {
                None | Some(Ok(())) => {
                    heard.told += 1;
                    self.lake.say(&record(Said::Delivered { event: name() }))?;
                }
                Some(Err(error)) => {
                    heard.failed += 1;
                    let why = crate::chain(error.as_ref());
                    writeln!(
                        err,
                        "perfvt: --notify, event {}: {why}; the next night tries again",
                        event.name
                    )?;
                    self.lake.say(&record(Said::Undelivered { event: name(), why }))?;
                }
            }
        }
        Ok(heard)
    }

    /// Says, once, that it is not known whether somebody was told: where perfvt was cut in that moment.
    fn look_back(&self, event: &StepEvent, err: &mut dyn Write) -> Result<(), Error> {
        if !self.cut || told(event, &self.lake.events()?) != Told::Begun {
            return Ok(());
        }
        let text = "perfvt ended while somebody was told of it; whether it was done is not known, and it is not done again";
        writeln!(err, "warning: event {}: {text}", event.name)?;
        Ok(self.lake.say(&record(Said::Delivered { event: event.name.clone() }))?)
    }
}

fn record(said: Said) -> Event {
    let at = Micros(analyze::history::now().saturating_mul(1_000_000));
    Event { at, who: who(None), series: "*".to_owned(), issue: None, expires: None, said }
}

/// Runs the user's program, which gets everything as data.
fn ask(lake: &Lake, command: &str, event: &StepEvent) -> Result<(), Error> {
    let said = lake.events()?;
    let campaign = said.iter().rev().find_map(|of| match &of.said {
        Said::Confirmed { campaign, .. } if event.is_meant_by(&of.said) => Some(campaign.as_str()),
        _ => None,
    });
    let root = std::path::absolute(lake.root())?;
    let news = News { schema_version: 1, lake: root.display().to_string(), event, campaign };
    let mut json = Vec::new();
    model::json::write(&mut json, &news)?;
    let first = event.moved.first();
    let worse = if event.is_worse() { "yes" } else { "no" };
    let spec = program("--notify", command)?
        .input(json)
        .env("PERFVT_EVENT", &event.name)
        .env("PERFVT_STANDING", event.standing.word())
        .env("PERFVT_WORSE", worse)
        .env("PERFVT_BEFORE", &*visible(event.last_before.as_deref().unwrap_or_default()))
        .env("PERFVT_AFTER", &*visible(&event.first_after))
        .env("PERFVT_SERIES", first.map_or(String::new(), |m| visible(&m.series).into_owned()))
        .env("PERFVT_CHANGE", first.map_or(String::new(), change))
        .env("PERFVT_LAKE", &root);
    run(spec, TELL)
}

/// A change as a number for programs: percent, or the difference of a linear metric.
fn change(moved: &Moved) -> String {
    if moved.is_ratio {
        format!("{:+.2}%", (moved.change - 1.0) * 100.0)
    } else {
        format!("{:+}", moved.change)
    }
}
