//! Progress of a campaign on standard error: a bar with what runs now and the time left on a terminal, plain lines
//! otherwise. The time left is learned from what each case and boot took so far.

use crate::say::print;
use crate::signals::{Signals, announce};
use collect::campaign::Observer;
use edge::text::{cut, visible};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::journal::{CellState, Event, State};
use model::{CampaignFile, Standing};
use model::{counted, readable};
use report::campaign::duration;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a campaign says when it is asked for an end, once and twice.
const STOPPING: (&str, &str) = (
    "stopping after the sample in hand; once more stops at once. What is finished is kept",
    "stopping at once; the sample in hand is thrown away, what is finished is kept",
);

/// Draws the events of a campaign.
pub struct Progress {
    file: CampaignFile,
    /// How many cases the stopping rule has settled.
    settled: usize,
    bar: Option<ProgressBar>,
    signals: Signals,
    now: String,
}

impl Progress {
    /// Progress of a campaign that stands at `state`.
    pub fn new(file: &CampaignFile, state: &State, signals: Signals) -> Progress {
        let cells = Standing::of(file, state).cells;
        // Hidden where standard error is no terminal.
        let bar = (!ProgressDrawTarget::stderr().is_hidden()).then(|| {
            let total = u64::from(cells.planned);
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            // A template that indicatif does not take would only cost the looks.
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} cells{prefix}  {wide_msg}")
            {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(500));
            bar.set_position(u64::from(cells.valid + cells.invalid));
            bar
        });
        let heard = bar.clone();
        announce(signals.clone(), STOPPING, move |text| print(heard.as_ref(), text));
        let settled = state.settled.len();
        Progress { file: file.clone(), settled, bar, signals, now: String::new() }
    }

    /// Says something beside the bar, whoever has it.
    pub fn teller(&self) -> impl Fn(&str) + 'static {
        let bar = self.bar.clone();
        move |text| print(bar.as_ref(), text)
    }

    fn say(&self, text: &str) {
        print(self.bar.as_ref(), text);
    }

    /// What the stopping rule saw.
    fn looked(&mut self, block: u32, cases: &[String], half_widths: &BTreeMap<String, Option<f64>>) {
        self.settled += cases.len();
        let open = half_widths.iter().filter(|(case, _)| !cases.contains(case));
        let widest = open
            .filter_map(|(_, width)| *width)
            .fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b))));
        let widest =
            widest.map_or(String::new(), |w| format!("; the widest interval reaches {:.1} %", w * 100.0));
        self.say(&format!(
            "block {block}: {} of {} cases are settled{widest}",
            self.settled,
            self.file.cases.len()
        ));
    }

    fn show(&mut self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(visible(&text).into_owned());
        }
        self.now = text;
    }

    /// A cell has ended: moves the bar, or says so in a line.
    fn ended(&self, state: &State, case: &str, invalid: Option<&String>, seconds: f64) {
        let Standing { cells, remaining_seconds, .. } = Standing::of(&self.file, state);
        let left = remaining_seconds.filter(|s| *s > 0.0).map(duration);
        let left = left.map(|time| format!(", about {time} left")).unwrap_or_default();
        let ended = cells.valid + cells.invalid;
        if let Some(bar) = &self.bar {
            // A stopping rule may have settled cases since.
            bar.set_length(u64::from(cells.planned));
            bar.set_position(u64::from(ended));
            bar.set_prefix(left.clone());
        }
        match invalid {
            Some(reason) => self.say(&format!("{}: invalid: {reason}", readable(case))),
            None if self.bar.is_none() => {
                self.say(&format!("[{ended}/{}] {} {seconds:.1} s{left}", cells.planned, self.now));
            }
            None => {}
        }
    }

    /// Nothing more is measured by this call.
    fn over(&mut self, state: &State) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let invalid = state.cells.values().filter(|c| matches!(c, CellState::Invalid { .. })).count();
        if invalid > 0 {
            let names: Vec<&str> = self.file.environments.iter().map(|e| e.name.as_str()).collect();
            self.say(&format!("{invalid} cells of {} are invalid", names.join(", ")));
        }
    }
}

impl Observer for Progress {
    fn doing(&mut self, environment: &str, key: &str, step: &str) {
        self.show(format!("{environment}: {key}: {}", cut(step)));
    }

    fn told(&mut self, environment: &str, what: &str) {
        self.say(&format!("{environment}: {what}"));
    }

    fn event(&mut self, event: &Event, state: &State) {
        match event {
            Event::BootStarted { environment, repeat, attempt, .. } => {
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                self.show(format!("{environment}: boot {repeat} of {}{again}", self.file.blocks.len()));
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
                let usual = state.spent.cases.get(case).filter(|_| self.bar.is_some());
                let usual = usual.map(|(n, sum)| format!(" (about {})", duration(sum / f64::from(*n))));
                self.show(format!("{environment}: {}{}", readable(case), usual.unwrap_or_default()));
            }
            Event::CaseFinished { case, invalid, seconds, .. } => {
                self.ended(state, case, invalid.as_ref(), *seconds);
            }
            Event::Waited { case, seconds, .. } => {
                self.show(format!("{}: waited {} for a quiet host", readable(case), duration(*seconds)));
            }
            Event::SampleFailed { case, reason, .. } => {
                self.say(&format!("{}: once more: {reason}", readable(case)))
            }
            Event::Reopened { environment, repeat, cases } => {
                let n = cases.len();
                self.say(&format!("{environment}: {n} failed cases of boot {repeat} are measured again"));
            }
            Event::ValuesMissing { environment, repeat, cases } => self.say(&format!(
                "{environment}: values of {} cases of boot {repeat} are gone and measured again",
                cases.len()
            )),
            Event::Settled { block, cases, half_widths, .. } => self.looked(*block, cases, half_widths),
            Event::Finished { .. } | Event::Interrupted { .. } => self.over(state),
            Event::Stopped { block, reason } => {
                self.say(&format!("stopped after block {block}: {reason}"));
            }
            Event::Added(added) => {
                let all = self.file.cases.len();
                let cases = if added.cases.is_empty() { all } else { added.cases.len() };
                let cells = u64::from(added.blocks) * (self.file.environments.len() * cases) as u64;
                if let Some(bar) = &self.bar {
                    bar.inc_length(cells);
                }
                self.say(&format!("{cases} cases are measured again in {} more blocks", added.blocks));
            }
            Event::Profiled { environment, profile, .. } => {
                let samples = counted(usize::try_from(profile.samples()).unwrap_or(usize::MAX), "sample");
                self.say(&format!("{environment}: profiled in a boot that is not judged: {samples}"));
            }
            Event::Joined { .. }
            | Event::Opened { .. }
            | Event::BootReady { .. }
            | Event::BootFinished { .. } => {}
        }
    }

    fn stop(&mut self) -> Option<String> {
        self.signals.seen().map(str::to_owned)
    }

    fn at_once(&mut self) -> bool {
        self.signals.at_once()
    }
}
