//! Progress of a campaign on standard error: a bar with what runs now and the time left on a terminal, plain lines
//! otherwise.

use crate::signals::Signals;
use collect::campaign::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::CampaignFile;
use model::journal::{CellState, Event, State};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Draws the events of a campaign.
pub struct Progress {
    total: u64,
    environments: Vec<String>,
    repeats: u32,
    bar: Option<ProgressBar>,
    signals: Signals,
    now: String,
}

impl Progress {
    /// Progress of a campaign that stands at `state`.
    pub fn new(file: &CampaignFile, state: &State, signals: Signals) -> Progress {
        let cells = |boot: &model::BootPlan| boot.cases.len() as u64;
        let total = file.boots().map(|(_, boot)| cells(boot)).sum();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            // A template that indicatif does not take would only cost the looks.
            if let Ok(style) =
                ProgressStyle::with_template("{bar:24} {pos}/{len} cells, {eta} left  {wide_msg}")
            {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(500));
            bar.set_position(done(file, state));
            bar.reset_eta();
            bar
        });
        announce(signals.clone(), bar.clone());
        Progress {
            total,
            environments: file.environments.iter().map(|e| e.name.clone()).collect(),
            repeats: file.blocks.len() as u32,
            bar,
            signals,
            now: String::new(),
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // Progress that nobody can read is no reason to stop measuring.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    fn show(&mut self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.clone());
        }
        self.now = text;
    }
}

/// Says at once that a signal was heard: the case in hand may take a minute to end, and people would press again.
fn announce(signals: Signals, bar: Option<ProgressBar>) {
    std::thread::spawn(move || {
        let signal = loop {
            match signals.seen() {
                Some(signal) => break signal,
                None => std::thread::sleep(Duration::from_millis(100)),
            }
        };
        let text = format!(
            "{signal}: stopping after the case in hand; once more stops at once. What is finished is kept"
        );
        match bar {
            Some(bar) => bar.println(text),
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    });
}

/// Cells that have ended.
fn done(file: &CampaignFile, state: &State) -> u64 {
    let mut count = 0;
    for (_, boot) in file.boots() {
        let Some(environment) = file.environments.get(boot.environment) else { continue };
        let ended = |case: &&model::Case| state.cell(&environment.name, boot.repeat, &case.id()).is_some();
        count += file.cases.iter().filter(ended).count() as u64;
    }
    count
}

impl Observer for Progress {
    fn event(&mut self, event: &Event, state: &State) {
        match event {
            Event::BootStarted { environment, repeat, attempt, .. } => {
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                self.show(format!("{environment}: boot {repeat} of {}{again}", self.repeats));
                if self.bar.is_none() {
                    self.say(&self.now.clone());
                }
            }
            Event::BootFailed { reason, last, .. } => {
                let what = if *last { "given up" } else { "will be tried again" };
                self.say(&format!("{}: {what}: {reason}", self.now));
            }
            Event::CaseStarted { boot, case } => {
                let environment = state.boots.get(boot).map_or("", |b| b.environment.as_str());
                self.show(format!("{environment}: {case}"));
            }
            Event::CaseFinished { case, invalid, seconds, .. } => {
                let ended = state.cells.len() as u64;
                if let Some(bar) = &self.bar {
                    bar.set_position(ended);
                }
                match invalid {
                    Some(reason) => self.say(&format!("{case}: invalid: {reason}")),
                    None if self.bar.is_none() => {
                        self.say(&format!("[{ended}/{}] {} {seconds:.1} s", self.total, self.now));
                    }
                    None => {}
                }
            }
            Event::Finished { .. } | Event::Interrupted { .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                let invalid = state.cells.values().filter(|c| matches!(c, CellState::Invalid { .. })).count();
                if invalid > 0 {
                    self.say(&format!("{invalid} cells of {} are invalid", self.environments.join(", ")));
                }
            }
            Event::Waited { case, seconds, .. } => {
                self.show(format!("{case}: waited {seconds:.0} s for a quiet host"));
            }
            Event::SampleFailed { case, reason, .. } => self.say(&format!("{case}: once more: {reason}")),
            Event::Settled { cases, .. } => self.say(&format!("{} cases are settled", cases.len())),
            Event::Opened { .. } | Event::BootReady { .. } | Event::BootFinished { .. } => {}
        }
    }

    fn stop(&mut self) -> Option<String> {
        self.signals.seen().map(str::to_owned)
    }
}
