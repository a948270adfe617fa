//! `perfvt nightly`: a whole night, from cron or a timer.
//!
//! ```text
//! lock ──> the night that was cut, if one was; else a new one
//!   campaign (head, and the anchor in the same blocks) ──> lake ──> history ──> confirm what is new ──> tell, each once ──> site ──> gate
//! ```
//!
//! Each step can be done again: a campaign goes on, adding twice adds nothing, an event that has an outcome is not confirmed
//! again, one that was told is not told again, a result that is published twice stands there once. So after a kill at any
//! moment the next call does what is left.

mod state;
mod system;
mod tell;

use crate::args::{Args, HistoryAsked, Nightly, Verb};
use crate::stopping::budget;
use crate::verbs::confirm::{Asked, confirm_event, env_word, resume_of, run_of, this_machine};
use crate::verbs::history::{fails, read};
use crate::verbs::lake::add_campaign;
use crate::verbs::lineage::Lineage;
use crate::verbs::moment::moment_of;
use crate::verbs::publish::publish_judged;
use crate::verbs::run;
use crate::{BUSY, DONE, Error, FOUND, INTERRUPTED, USAGE, chain};
use analyze::history::{History, Standing, StepEvent, Told, now, place_of};
use clap::Parser;
use lake::{Event, Lake, Said};
use model::counted;
use model::store::CAMPAIGN_FILE;
use state::{Night, Results, has_ended};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use system::with_system_folders;
use tell::Teller;

/// What is measured every night, as an environment.
const HEAD: &str = "head";
/// What is measured beside it.
const ANCHOR: &str = "anchor";
/// Seconds before now within which an event was found that is new, unless something else is said: 30 days.
const RECENT: i64 = 30 * 24 * 3600;

/// Does the night that was cut, or a new one.
pub fn nightly(
    args: &Nightly,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    with_system_folders()?;
    let begun = Instant::now();
    let mut work = Work {
        args,
        command,
        budget: Duration::from_secs(budget(&args.budget)?),
        begun,
        since: moment_of("--since", args.since.as_ref())?.unwrap_or_else(|| now().saturating_sub(RECENT)),
        cut: false,
        // What is no repository is found before hours are measured.
        lineage: Lineage::of(&args.repository)?,
        troubles: 0,
    };
    for (flag, words) in [("--notify", &args.notify), ("--push", &args.push)] {
        // What is wrong with them is found before hours are measured.
        words.as_ref().map(|words| crate::programs::program(flag, words)).transpose()?;
    }
    let dir = args.results.clone().map_or_else(|| beside(&args.lake), Ok)?;
    let Some(results) = Results::take(&dir)? else {
        writeln!(err, "perfvt: another perfvt nightly is at work in {}; nothing is done", dir.display())?;
        return Ok(BUSY);
    };
    // What is no lake is found before hours are measured.
    Lake::open_or_create(&args.lake)?;
    if let Some(mut cut) = results.cut()? {
        writeln!(err, "going on with the night that was cut: {}", results.path(&cut.campaign).display())?;
        work.cut = true;
        let code = work.night(&results, &mut cut, out, err)?;
        if cut.is_tonight(now()) || code == INTERRUPTED {
            return Ok(code);
        }
        work.cut = false;
    }
    let mut night = work.new_night(&results)?;
    work.night(&results, &mut night, out, err)
}

/// The folder of campaigns that goes with a lake.
fn beside(lake: &Path) -> Result<PathBuf, Error> {
    let whole = std::path::absolute(lake)?;
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push("-campaigns");
    Ok(whole.with_file_name(name))
}

/// A night's work.
struct Work<'a> {
    args: &'a Nightly,
    command: Vec<String>,
    budget: Duration,
    begun: Instant,
    /// Seconds since the epoch: older events are no news.
    since: i64,
    /// The night in hand was cut before.
    cut: bool,
    /// Where commits lie.
    lineage: Option<Lineage>,
    /// Things that could not be done; each was said.
    troubles: usize,
}

impl Work<'_> {
    fn new_night(&self, results: &Results) -> Result<Night, Error> {
        let at = now();
        let stamp = jiff::Timestamp::from_second(at).map(|t| t.strftime("%Y%m%dT%H%M%SZ").to_string())?;
        let mut name = format!("night-{stamp}");
        while results.path(&name).exists() {
            name.push('x');
        }
        let mut night = Night::new(name, at);
        (night.build, night.commit) = (self.args.build.clone(), self.args.commit.clone());
        night.anchor = self.args.anchor.as_ref().map(|_| ANCHOR.to_owned());
        results.note(&night)?;
        Ok(night)
    }

    fn night(
        &mut self,
        results: &Results,
        night: &mut Night,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<u8, Error> {
        let measured = self.measure(results, night, out, err)?;
        if measured == INTERRUPTED {
            return Ok(INTERRUPTED);
        }
        let dir = results.path(&night.campaign);
        let told = Told {
            build: night.build.clone(),
            commit: night.commit.clone(),
            machine: self.args.measuring.machine.clone(),
            anchor: night.anchor.clone(),
            ..Told::default()
        };
        add_campaign(&self.args.lake, &dir, &told, self.lineage.as_mut(), (out, err))?;
        let lake = Lake::open(&self.args.lake)?;
        let Some(left) = self.confirm(&lake, results, night, out, err)? else { return Ok(INTERRUPTED) };
        let history = self.judge()?;
        self.tell(&lake, &history, &left, out, err)?;
        self.publish(results, night, out, err)?;
        night.done = true;
        results.note(night)?;
        let counts: Vec<&StepEvent> =
            self.recent(&history).filter(|event| fails(event, self.args.fail_on)).collect();
        if !counts.is_empty() {
            let names: Vec<&str> = counts.iter().map(|event| event.name.as_str()).collect();
            writeln!(out, "{} that count: {}", counted(counts.len(), "event"), names.join(" "))?;
            return Ok(FOUND);
        }
        Ok(if self.troubles > 0 { USAGE } else { measured })
    }

    /// The night's campaign, to its end: begun, or gone on with.
    fn measure(
        &self,
        results: &Results,
        night: &mut Night,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<u8, Error> {
        let dir = results.path(&night.campaign);
        let environments: Vec<&str> = night.anchor.as_deref().into_iter().chain([HEAD]).collect();
        if dir.join(CAMPAIGN_FILE).is_file() {
            if has_ended(&dir, &environments) {
                return Ok(DONE);
            }
            match run::resume(&resume_of(&dir)?, out, err) {
                Ok(code) => return Ok(code),
                Err(error) => {
                    let error = chain(error.as_ref());
                    writeln!(
                        err,
                        "{} cannot go on ({error}); it stays as it is, and is begun anew",
                        dir.display()
                    )?;
                }
            }
        }
        if dir.exists() {
            *night = self.new_night(results)?;
        }
        let begun = self.run(&results.path(&night.campaign), out, err);
        if begun.is_err() && !results.path(&night.campaign).join(CAMPAIGN_FILE).exists() {
            // Nothing of it is there: the next night is a new one.
            results.note(&Night { done: true, ..night.clone() })?;
        }
        begun
    }

    fn run(&self, dir: &Path, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
        let mut words = self.args.measuring.words();
        if let Some(anchor) = &self.args.anchor {
            words.extend(["--env".into(), self.anchor_word(anchor)?]);
        }
        words.extend(["--env".into(), HEAD.into(), "--out".into(), dir.into()]);
        if let Some(boots) = self.args.repeat {
            words.extend(["--repeat".into(), boots.to_string().into()]);
        }
        run::run(&run_of(words)?, self.command.clone(), out, err)
    }

    /// The anchor as `--env` takes it: parameters, or where the lake says that the build lay.
    fn anchor_word(&self, anchor: &str) -> Result<OsString, Error> {
        if anchor.contains('=') {
            return Ok(format!("{ANCHOR}:{anchor}").into());
        }
        let known = Lake::open(&self.args.lake).ok().and_then(|lake| place_of(&lake, anchor));
        let quoted = edge::quoted(anchor);
        let Some(place) = known else {
            return Err(format!("--anchor {quoted}: the lake does not say where this build lies; give its parameters, KEY=VALUE,..").into());
        };
        if let Some((key, value)) = place.missing() {
            let value = edge::quoted(value);
            return Err(format!(
                "--anchor {quoted} is gone: its {key} was {value}; give its parameters, KEY=VALUE,.."
            )
            .into());
        }
        Ok(env_word(ANCHOR, &place.params).into())
    }

    /// What the lake says by now, as `perfvt history` reads it.
    fn judge(&self) -> Result<History, Error> {
        read(&self.args.lake, &self.args.asked, None)
    }

    fn recent<'h>(&self, history: &'h History) -> impl Iterator<Item = &'h StepEvent> + use<'h> {
        let since = self.since;
        history.events.iter().filter(move |event| event.found >= since)
    }

    /// Confirms what is new, as far as the time allows; gives the events that were left for lack of it. None where it was
    /// interrupted.
    fn confirm(
        &mut self,
        lake: &Lake,
        results: &Results,
        night: &mut Night,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Option<BTreeSet<String>>, Error> {
        let history = self.judge()?;
        let machine = self.args.measuring.machine.clone().unwrap_or_else(this_machine);
        let said = lake.events()?;
        let mut left = BTreeSet::new();
        for event in self.unconfirmed(&history, &said, &machine) {
            let spent = self.begun.elapsed();
            if spent >= self.budget {
                writeln!(out, "event {}: no time is left to confirm it; the next night does", event.name)?;
                left.insert(event.name.clone());
                continue;
            }
            let folder = self.folder(results, night, event)?;
            let asked = Asked {
                lake,
                measuring: &self.args.measuring,
                builds: &[],
                ceiling: self.args.confirm_repeat,
                budget: Some((self.budget - spent).as_secs().max(1)),
                dir: results.path(&folder),
                command: self.command.clone(),
            };
            match confirm_event(&asked, &history, event, out, err) {
                Ok(None) => return Ok(None),
                Ok(Some(_)) => {}
                // The others are confirmed all the same, and this one is told as what it is.
                Err(error) => {
                    writeln!(err, "event {} is not confirmed: {}", event.name, chain(error.as_ref()))?
                }
            }
        }
        Ok(Some(left))
    }

    /// Open events that no campaign was run for: those that got worse first, the oldest first.
    fn unconfirmed<'h>(&self, history: &'h History, said: &[Event], machine: &str) -> Vec<&'h StepEvent> {
        let tried = |event: &StepEvent| {
            let of =
                |said: &Event| matches!(said.said, Said::Confirmed { .. }) && event.is_meant_by(&said.said);
            said.iter().any(of)
        };
        let is_here = |event: &&StepEvent| {
            let of = |id: &str| history.series.iter().any(|s| s.id == id && s.machine == machine);
            event.moved.iter().any(|moved| of(&moved.id))
        };
        let mut open: Vec<&StepEvent> = self
            .recent(history)
            .filter(|e| e.standing == Standing::Open && !tried(e))
            .filter(is_here)
            .collect();
        open.sort_by_key(|event| (!event.is_worse(), event.found));
        open
    }

    /// The folder of an event's campaign: that of this night, which may have been cut.
    fn folder(&self, results: &Results, night: &mut Night, event: &StepEvent) -> Result<String, Error> {
        let known = event.names.iter().find_map(|name| night.confirming.get(name));
        if let Some(folder) = known.filter(|folder| {
            let dir = results.path(folder);
            !dir.exists() || dir.join(CAMPAIGN_FILE).is_file()
        }) {
            return Ok(folder.clone());
        }
        let mut folder = format!("confirm-{}-{}", event.name, night.campaign);
        while results.path(&folder).exists() {
            folder.push('x');
        }
        night.confirming.insert(event.name.clone(), folder.clone());
        results.note(night)?;
        Ok(folder)
    }

    /// Tells of what is new. What was found tonight and waits to be confirmed is told by the next night.
    fn tell(
        &mut self,
        lake: &Lake,
        history: &History,
        left: &BTreeSet<String>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(), Error> {
        let newest = history.series.iter().flat_map(|s| &s.nights).map(|night| night.at).max();
        let waits = |event: &StepEvent| left.contains(&event.name) && Some(event.found) >= newest;
        let news: Vec<&StepEvent> = self
            .recent(history)
            .filter(|e| !matches!(e.standing, Standing::Dismissed | Standing::Expected) && !waits(e))
            .collect();
        let teller = Teller { lake, history, notify: self.args.notify.as_deref(), cut: self.cut };
        let heard = teller.tell(&news, out, err)?;
        self.troubles += heard.failed;
        let told = counted(heard.told, "new event");
        let events = counted(self.recent(history).count(), "event");
        let series = history.series.len();
        writeln!(out, "{told}, {events} in all that are no older than --since, {series} series")?;
        Ok(())
    }

    /// Puts the night, and what confirmed its events, on the site.
    fn publish(
        &mut self,
        results: &Results,
        night: &Night,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<(), Error> {
        let Some(site) = &self.args.site else { return Ok(()) };
        let mut words: Vec<OsString> = vec!["perfvt".into(), "publish".into(), site.into()];
        let confirmed = night.confirming.values().map(|folder| results.path(folder));
        let ended = confirmed.filter(|dir| dir.join(CAMPAIGN_FILE).is_file());
        words.extend([results.path(&night.campaign)].into_iter().chain(ended).map(OsString::from));
        if let Some(keep) = self.args.keep {
            words.extend(["--keep".into(), keep.to_string().into()]);
        }
        if let Some(push) = &self.args.push {
            words.extend(["--push".into(), push.into()]);
        }
        words.extend(["--lake".into(), self.args.lake.clone().into()]);
        let Verb::Publish(publishing) = Args::try_parse_from(words)?.verb else { return Ok(()) };
        // Its pages show all series of the lake, at the rate of false alarms at which the night judges.
        let HistoryAsked { alpha, false_alarms, .. } = self.args.asked;
        let asked = HistoryAsked { series: Vec::new(), alpha, false_alarms };
        match publish_judged(&publishing, &asked, out, err) {
            Ok(DONE) => {}
            Ok(_) => self.troubles += 1,
            Err(error) => {
                self.troubles += 1;
                writeln!(err, "perfvt: publishing in {}: {}", site.display(), chain(error.as_ref()))?;
            }
        }
        Ok(())
    }
}
