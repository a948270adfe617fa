//! What a campaign has come to: the one fold of its events.

use super::{Added, Event};
use crate::failure::{Code, FailedAttempt, bounded};
use crate::profile::Profile;
use std::collections::BTreeMap;

/// How a cell (environment x repeat x case) stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellState {
    /// Measured.
    Valid,
    /// Ended without values.
    Invalid {
        /// Why.
        reason: String,
        /// What kind of failure it was.
        code: Option<Code>,
    },
}

/// Whether a failure is an outcome; one of before there were codes is.
fn is_outcome(code: Option<Code>) -> bool {
    code.is_none_or(Code::is_outcome)
}

/// Names one cell: environment, repeat, case id.
pub type CellKey = (String, u32, String);

/// One guest of a repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct BootState {
    /// Environment.
    pub environment: String,
    /// Repeat, from 1.
    pub repeat: u32,
    /// Block, from 1.
    pub block: u32,
    /// Attempt, from 1: one more than boots of the repeat had failed before.
    pub attempt: u32,
    /// Which guest of this attempt, from 1: an attempt that was interrupted goes on in another guest.
    pub take: u32,
}

impl BootState {
    /// The name of its folders in the repeat's directory.
    pub fn folder(&self) -> String {
        boot_folder(self.attempt, self.take)
    }
}

/// The name of the folders of a guest in its repeat's directory: `boot2`, `boot2.3` for the third guest of an attempt.
pub fn boot_folder(attempt: u32, take: u32) -> String {
    if take > 1 { format!("boot{attempt}.{take}") } else { format!("boot{attempt}") }
}

/// What things took so far, as numbers of them and seconds in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    /// Samples of each case, by id.
    pub cases: BTreeMap<String, (u32, f64)>,
    /// Finished boots, without their samples and waiting.
    pub boots: (u32, f64),
    /// Seconds waited for a quiet host.
    pub waited: f64,
    /// Samples and waiting of the boot in hand.
    in_boot: f64,
}

impl Spent {
    fn sample(&mut self, case: &str, seconds: f64) {
        let of = self.cases.entry(case.to_owned()).or_default();
        *of = (of.0 + 1, of.1 + seconds);
        self.in_boot += seconds;
    }

    fn boot(&mut self, seconds: f64) {
        self.boots = (self.boots.0 + 1, self.boots.1 + (seconds - self.in_boot).max(0.0));
    }
}

/// A campaign's state: the fold of its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Cells that have ended.
    pub cells: BTreeMap<CellKey, CellState>,
    /// Boots that failed so far at each (environment, repeat). One that was interrupted, or whose perfvt did not live to
    /// say how it ended, has not failed.
    pub failed: BTreeMap<(String, u32), u32>,
    /// Guests so far of each attempt at an (environment, repeat).
    takes: BTreeMap<(String, u32, u32), u32>,
    /// Repeats given up: every cell of theirs that has not ended is invalid for this reason.
    pub lost: BTreeMap<(String, u32), CellState>,
    /// Attempts that failed, by environment, in the order in which they did. Nothing takes one away: no retry, no
    /// [`Event::Reopened`], no [`Event::ValuesMissing`].
    pub failures: BTreeMap<String, Vec<FailedAttempt>>,
    /// Guests of each environment that were started and came to an end of their own: in order, or by a failure that is an
    /// outcome. One that a signal ended while it booted or within a sample, and one of which the host had to be mended, is not
    /// among them.
    pub guests: BTreeMap<String, u32>,
    /// The boot whose last event was a case that failed, and the code: should the guest end of that, it is no other failure.
    just_failed: Option<(String, Option<Code>)>,
    /// Boots by name.
    pub boots: BTreeMap<String, BootState>,
    /// Cases that the stopping rule has settled, with the last block in which they are measured.
    pub settled: BTreeMap<String, u32>,
    /// The block after which the stopping rule looked last.
    pub looked: Option<u32>,
    /// Error spent with that look, of a level of 0.05.
    pub alpha_spent: Option<f64>,
    /// The last half-width of each case that the rule looked at.
    pub half_widths: BTreeMap<String, Option<f64>>,
    /// The last block of the plan that is measured, and why the others are not.
    pub stopped: Option<(u32, String)>,
    /// Blocks added to the plan, in order.
    pub added: Vec<Added>,
    /// The first block that did not belong to the plan in the beginning.
    pub first_added: Option<u32>,
    /// Files of joined environments.
    pub joined: Vec<String>,
    /// Profiles by environment.
    pub profiles: BTreeMap<String, Profile>,
    /// Nanoseconds during which a perfvt worked on the campaign.
    pub worked_ns: u64,
    /// The boot in hand, with the case in hand.
    pub current: Option<(String, Option<String>)>,
    /// Process id of the perfvt that opened it last.
    pub pid: Option<u32>,
    /// When the first and the last event were written, nanoseconds since the epoch.
    pub span: Option<(u64, u64)>,
    /// When the boot or the case in hand was started, nanoseconds since the epoch.
    pub current_since: u64,
    /// What things took so far.
    pub spent: Spent,
    /// Samples that were taken again, by code.
    pub again: BTreeMap<Code, u32>,
    /// Boots that failed.
    pub failed_boots: u32,
    /// Set by [`Event::Finished`].
    pub finished: Option<(u32, u32)>,
    /// Set by [`Event::Interrupted`] until the campaign is opened again.
    pub interrupted: bool,
}

impl State {
    /// What events come to, each with the moment at which it was written (nanoseconds since the epoch).
    pub fn of<'e>(events: impl IntoIterator<Item = &'e (u64, Event)>) -> State {
        let mut state = State::default();
        events.into_iter().for_each(|(unix_ns, event)| state.apply(*unix_ns, event));
        state
    }

    /// Takes in one event, and the moment at which it was written (nanoseconds since the epoch). Events about boots that
    /// were never started are ignored: a damaged journal loses knowledge, never adds any.
    pub fn apply(&mut self, unix_ns: u64, event: &Event) {
        self.count_time(unix_ns, event);
        match event {
            Event::Opened { pid, .. } => {
                (self.current, self.interrupted, self.finished) = (None, false, None);
                self.pid = Some(*pid);
            }
            Event::Interrupted { .. } => self.interrupted = true,
            Event::Profiled { environment, profile, .. } => {
                self.profiles.insert(environment.clone(), profile.clone());
            }
            Event::Finished { valid, invalid } => self.finished = Some((*valid, *invalid)),
            Event::BootStarted { .. }
            | Event::BootReady { .. }
            | Event::BootFailed { .. }
            | Event::BootFinished { .. } => self.apply_to_boots(unix_ns, event),
            Event::Waited { .. }
            | Event::SampleFailed { .. }
            | Event::CaseStarted { .. }
            | Event::CaseFinished { .. }
            | Event::ValuesMissing { .. }
            | Event::Reopened { .. } => self.apply_to_cells(unix_ns, event),
            Event::Settled { .. } | Event::Stopped { .. } | Event::Added(_) | Event::Joined { .. } => {
                self.apply_to_plan(event)
            }
        }
    }

    fn count_time(&mut self, unix_ns: u64, event: &Event) {
        if let (Some((_, last)), false) = (self.span, matches!(event, Event::Opened { .. })) {
            self.worked_ns += unix_ns.saturating_sub(last);
        }
        self.span = Some((self.span.map_or(unix_ns, |(first, _)| first), unix_ns));
    }

    /// Takes down an attempt that failed in a case, or outside any.
    fn fail(&mut self, boot: &str, case: Option<String>, code: Option<Code>, reason: &str) {
        let Some(of) = self.boots.get(boot).filter(|_| is_outcome(code)) else { return };
        let failed = FailedAttempt {
            repeat: of.repeat,
            block: of.block,
            attempt: of.attempt,
            boot: boot.to_owned(),
            case,
            code,
            reason: bounded(reason),
        };
        self.failures.entry(of.environment.clone()).or_default().push(failed);
    }

    fn count_guest(&mut self, boot: &str) {
        if let Some(of) = self.boots.get(boot) {
            *self.guests.entry(of.environment.clone()).or_default() += 1;
        }
    }

    /// The case in hand of a boot.
    fn in_hand(&self, boot: &str) -> Option<String> {
        self.current.as_ref().filter(|(name, _)| name == boot).and_then(|(_, case)| case.clone())
    }

    fn apply_to_boots(&mut self, unix_ns: u64, event: &Event) {
        match event {
            Event::BootStarted { boot, environment, repeat, block, attempt } => {
                let take = self.takes.entry((environment.clone(), *repeat, *attempt)).or_default();
                *take += 1;
                let started = BootState {
                    environment: environment.clone(),
                    repeat: *repeat,
                    block: *block,
                    attempt: *attempt,
                    take: *take,
                };
                self.boots.insert(boot.clone(), started);
                (self.spent.in_boot, self.just_failed) = (0.0, None);
                (self.current, self.current_since) = (Some((boot.clone(), None)), unix_ns);
            }
            Event::BootFailed { boot, reason, code, last } => {
                self.failed_boots += 1;
                let told = self.just_failed.take() == Some((boot.clone(), *code));
                let in_hand = self.in_hand(boot);
                if in_hand.is_some() || !told {
                    self.fail(boot, in_hand, *code, reason);
                }
                if is_outcome(*code) {
                    self.count_guest(boot);
                }
                if let Some(of) = self.boots.get(boot) {
                    *self.failed.entry((of.environment.clone(), of.repeat)).or_default() += 1;
                }
                if let (true, Some(of)) = (*last, self.boots.get(boot)) {
                    let lost = CellState::Invalid { reason: reason.clone(), code: *code };
                    self.lost.insert((of.environment.clone(), of.repeat), lost);
                }
                self.current = None;
            }
            Event::BootFinished { boot, seconds } => {
                if self.in_hand(boot).is_none() {
                    self.count_guest(boot);
                }
                self.spent.boot(*seconds);
                self.current = None;
            }
            _ => {}
        }
    }

    fn apply_to_cells(&mut self, unix_ns: u64, event: &Event) {
        match event {
            Event::Waited { seconds, .. } => {
                self.spent.waited += seconds;
                self.spent.in_boot += seconds;
            }
            Event::SampleFailed { boot, case, code, reason, seconds } => {
                self.fail(boot, Some(case.clone()), Some(*code), reason);
                *self.again.entry(*code).or_default() += 1;
                self.spent.in_boot += seconds;
            }
            Event::CaseStarted { boot, case } => {
                self.just_failed = None;
                (self.current, self.current_since) = (Some((boot.clone(), Some(case.clone()))), unix_ns);
            }
            Event::CaseFinished { boot, case, invalid, code, seconds } => {
                self.spent.sample(case, *seconds);
                self.just_failed = invalid.as_ref().map(|_| (boot.clone(), *code));
                if let Some(reason) = invalid {
                    self.fail(boot, Some(case.clone()), *code, reason);
                }
                if let Some(of) = self.boots.get(boot) {
                    let state = match invalid {
                        None => CellState::Valid,
                        Some(reason) => CellState::Invalid { reason: reason.clone(), code: *code },
                    };
                    self.cells.insert((of.environment.clone(), of.repeat, case.clone()), state);
                }
                self.current = Some((boot.clone(), None));
            }
            Event::ValuesMissing { environment, repeat, cases } => {
                for case in cases {
                    self.cells.remove(&(environment.clone(), *repeat, case.clone()));
                }
            }
            Event::Reopened { environment, repeat, cases } => {
                self.lost.remove(&(environment.clone(), *repeat));
                for case in cases {
                    self.cells.remove(&(environment.clone(), *repeat, case.clone()));
                }
            }
            _ => {}
        }
    }

    fn apply_to_plan(&mut self, event: &Event) {
        match event {
            Event::Settled { block, cases, spent, half_widths } => {
                for case in cases {
                    self.settled.entry(case.clone()).or_insert(*block);
                }
                (self.looked, self.alpha_spent) = (Some(*block), *spent);
                self.half_widths.extend(half_widths.clone());
            }
            Event::Stopped { block, reason } => self.stopped = Some((*block, reason.clone())),
            Event::Added(added) => {
                self.first_added.get_or_insert(added.block);
                self.added.push(added.clone());
            }
            Event::Joined { file, block } => {
                self.first_added.get_or_insert(*block);
                self.joined.push(file.clone());
            }
            _ => {}
        }
    }

    /// The next boot of a repeat: its attempt, and which guest of that attempt it is.
    pub fn next_boot(&self, environment: &str, repeat: u32) -> (u32, u32) {
        let attempt = self.failed.get(&(environment.to_owned(), repeat)).copied().unwrap_or(0) + 1;
        let takes = self.takes.get(&(environment.to_owned(), repeat, attempt)).copied().unwrap_or(0);
        (attempt, takes + 1)
    }

    /// How one cell stands; `None` while it still has to be measured.
    pub fn cell(&self, environment: &str, repeat: u32, case: &str) -> Option<CellState> {
        let ended = self.cells.get(&(environment.to_owned(), repeat, case.to_owned()));
        ended.or_else(|| self.lost.get(&(environment.to_owned(), repeat))).cloned()
    }

    /// Whether a case is still to be measured in a block, as far as the stopping rule goes, which has no say in blocks
    /// that were added.
    pub fn wanted(&self, case: &str, block: u32) -> bool {
        if self.is_added(block) {
            return true;
        }
        let stopped = self.stopped.as_ref().is_some_and(|(last, _)| block > *last);
        !stopped && self.settled.get(case).is_none_or(|last| block <= *last)
    }

    /// Whether a block was added to the plan.
    pub fn is_added(&self, block: u32) -> bool {
        self.first_added.is_some_and(|first| block >= first)
    }
}

#[cfg(test)]
mod tests {
    use super::super::JOURNAL_FORMAT;
    use super::*;
    use crate::journal::AddedFor;

    fn started(boot: &str, attempt: u32) -> Event {
        Event::BootStarted { boot: boot.into(), environment: "base".into(), repeat: 1, block: 1, attempt }
    }
    fn finished(boot: &str, case: &str, invalid: Option<&str>) -> Event {
        Event::CaseFinished {
            boot: boot.into(),
            case: case.into(),
            invalid: invalid.map(Into::into),
            code: invalid.map(|_| Code::ToolFailed),
            seconds: 1.0,
        }
    }
    fn folded(events: impl IntoIterator<Item = Event>) -> State {
        let mut state = State::default();
        for event in events {
            state.apply(0, &event);
        }
        state
    }
    fn invalid(reason: &str, code: Code) -> Option<CellState> {
        Some(CellState::Invalid { reason: reason.into(), code: Some(code) })
    }

    #[test]
    fn a_repeat_given_up_keeps_what_it_finished() {
        let state = folded([
            started("b1", 1),
            finished("b1", "a", None),
            finished("b1", "b", Some("no reply")),
            Event::BootFailed {
                boot: "b1".into(),
                reason: "panic".into(),
                code: Some(Code::Panic),
                last: true,
            },
        ]);
        assert_eq!(state.cell("base", 1, "a"), Some(CellState::Valid));
        assert_eq!(state.cell("base", 1, "b"), invalid("no reply", Code::ToolFailed));
        assert_eq!(state.cell("base", 1, "c"), invalid("panic", Code::Panic));
        assert_eq!(state.cell("base", 2, "c"), None);
    }

    #[test]
    fn only_a_failed_boot_burns_an_attempt() {
        let failed = |boot: &str| Event::BootFailed {
            boot: boot.into(),
            reason: "panic".into(),
            code: Some(Code::Panic),
            last: false,
        };
        let mut state = State::default();
        assert_eq!(state.next_boot("base", 1), (1, 1));
        // Killed, interrupted after a case, ended in order and lost values: never a failure.
        state.apply(0, &started("b1", 1));
        assert_eq!(state.next_boot("base", 1), (1, 2));
        let end = Event::Interrupted { signal: "SIGTERM".into() };
        for event in [started("b1.2", 1), finished("b1.2", "a", None), end] {
            state.apply(0, &event);
        }
        assert_eq!(state.next_boot("base", 1), (1, 3));
        for event in [started("b1.3", 1), Event::BootFinished { boot: "b1.3".into(), seconds: 1.0 }] {
            state.apply(0, &event);
        }
        assert_eq!((state.next_boot("base", 1), state.boots["b1.3"].folder().as_str()), ((1, 4), "boot1.3"));
        state.apply(0, &failed("b1.3"));
        assert_eq!((state.next_boot("base", 1), state.next_boot("base", 2)), ((2, 1), (1, 1)));
        state.apply(0, &started("b2", 2));
        assert_eq!((state.next_boot("base", 1), state.boots["b2"].folder().as_str()), ((2, 2), "boot2"));
    }

    #[test]
    fn a_journal_that_counted_interrupted_boots_as_attempts_is_gone_on_with() {
        // a1 was killed, a2 failed.
        let failed = Event::BootFailed { boot: "b2".into(), reason: "x".into(), code: None, last: false };
        let state = folded([started("b1", 1), started("b2", 2), failed]);
        assert_eq!(state.next_boot("base", 1), (2, 2), "the folder of the second guest stays as it is");
    }

    #[test]
    fn events_of_unknown_boots_add_no_cells() {
        assert!(folded([finished("ghost", "a", None)]).cells.is_empty());
    }

    fn failed(boot: &str, code: Code, last: bool) -> Event {
        Event::BootFailed { boot: boot.into(), reason: format!("it was {code}"), code: Some(code), last }
    }
    fn case_started(boot: &str, case: &str) -> Event {
        Event::CaseStarted { boot: boot.into(), case: case.into() }
    }
    fn ended(boot: &str) -> Event {
        Event::BootFinished { boot: boot.into(), seconds: 1.0 }
    }
    /// Attempt, case and code of each failure.
    fn failures(state: &State) -> Vec<(u32, Option<&str>, Option<Code>)> {
        let all = state.failures.get("base").map_or(&[][..], Vec::as_slice);
        all.iter().map(|f| (f.attempt, f.case.as_deref(), f.code)).collect()
    }

    #[test]
    fn an_attempt_that_failed_is_not_forgotten_when_another_one_succeeds() {
        let mut state = folded([
            started("b1", 1),
            failed("b1", Code::Deadline(crate::Phase::Boot), false),
            started("b2", 2),
            case_started("b2", "a"),
            failed("b2", Code::Panic, false),
            started("b3", 3),
            case_started("b3", "a"),
            finished("b3", "a", None),
            case_started("b3", "b"),
            finished("b3", "b", Some("no reply")),
            ended("b3"),
        ]);
        let all = [
            (1, None, Some(Code::Deadline(crate::Phase::Boot))),
            (2, Some("a"), Some(Code::Panic)),
            (3, Some("b"), Some(Code::ToolFailed)),
        ];
        assert_eq!((failures(&state), state.guests["base"]), (all.to_vec(), 3));
        let (environment, cases) = ("base".to_owned(), vec!["b".to_owned()]);
        state.apply(0, &Event::Reopened { environment: environment.clone(), repeat: 1, cases });
        assert_eq!(state.cell("base", 1, "b"), None);
        state.apply(0, &Event::ValuesMissing { environment, repeat: 1, cases: vec!["a".into()] });
        for event in [started("b4", 3), finished("b4", "b", None), ended("b4")] {
            state.apply(0, &event);
        }
        assert_eq!((failures(&state), state.guests["base"]), (all.to_vec(), 4));
        assert_eq!(state.cell("base", 1, "b"), Some(CellState::Valid));
        let first = &state.failures["base"][0];
        assert_eq!(
            (first.boot.as_str(), first.block, first.reason.as_str()),
            ("b1", 1, "it was deadline-boot")
        );
    }

    #[test]
    fn a_cause_is_counted_once_and_cases_that_were_never_reached_have_not_failed() {
        let panicked = |boot: &str| Event::CaseFinished {
            boot: boot.into(),
            case: "a".into(),
            invalid: Some("it was panic".into()),
            code: Some(Code::Panic),
            seconds: 1.0,
        };
        let mut state = folded([
            started("b1", 1),
            case_started("b1", "a"),
            panicked("b1"),
            failed("b1", Code::Panic, true),
        ]);
        assert_eq!(failures(&state), [(1, Some("a"), Some(Code::Panic))]);
        assert_eq!(
            state.cell("base", 1, "b"),
            invalid("it was panic", Code::Panic),
            "lost, and no failure of its own"
        );
        state.apply(
            0,
            &Event::Reopened { environment: "base".into(), repeat: 1, cases: vec!["a".into(), "b".into()] },
        );
        assert_eq!((state.cell("base", 1, "a"), state.cell("base", 1, "b")), (None, None));
        // Another guest that ends between two cases of something else.
        for event in [started("b2", 2), finished("b2", "a", Some("no reply")), failed("b2", Code::Hang, true)]
        {
            state.apply(0, &event);
        }
        let all = failures(&state);
        assert_eq!(all[1..], [(2, Some("a"), Some(Code::ToolFailed)), (2, None, Some(Code::Hang))]);
    }

    #[test]
    fn interruptions_the_host_and_its_surroundings_are_no_failures() {
        let sample = |code| Event::SampleFailed {
            boot: "b2".into(),
            case: "a".into(),
            code,
            reason: "x".into(),
            seconds: 1.0,
        };
        let noisy = Event::CaseFinished {
            boot: "b2".into(),
            case: "a".into(),
            invalid: Some("x".into()),
            code: Some(Code::Noisy),
            seconds: 1.0,
        };
        let signal = || Event::Interrupted { signal: "SIGTERM".into() };
        let state = folded([
            // Killed with its perfvt; ended by a signal within a sample.
            started("b1", 1),
            started("b1.2", 1),
            case_started("b1.2", "a"),
            ended("b1.2"),
            signal(),
            started("b2", 1),
            case_started("b2", "a"),
            sample(Code::Noisy),
            sample(Code::HostSuspended),
            noisy,
            ended("b2"),
            signal(),
            started("b3", 1),
            case_started("b3", "b"),
            failed("b3", Code::HostNoSpace, false),
        ]);
        assert!(state.failures.is_empty(), "{:?}", state.failures);
        assert_eq!(state.guests["base"], 1, "the one that ended in order");
    }

    #[test]
    fn a_settled_case_is_measured_up_to_the_block_that_settled_it() {
        let settled = Event::Settled {
            block: 5,
            cases: vec!["a".into()],
            spent: Some(0.001),
            half_widths: BTreeMap::from([("a".into(), Some(0.01)), ("b".into(), None)]),
        };
        let state = folded([settled]);
        assert_eq!((state.looked, state.half_widths.len()), (Some(5), 2));
        assert!(state.wanted("a", 5) && !state.wanted("a", 6) && state.wanted("b", 6));
    }

    #[test]
    fn added_blocks_are_measured_whatever_was_settled_or_stopped_before() {
        let added = Added { block: 31, blocks: 5, cases: Vec::new(), reason: AddedFor::Repeat };
        let mut state = folded([Event::Stopped { block: 7, reason: "the budget is spent".into() }]);
        assert!(state.wanted("a", 7) && !state.wanted("a", 8));
        state.apply(0, &Event::Added(added));
        assert!(!state.wanted("a", 30) && state.wanted("a", 31));
    }

    #[test]
    fn the_time_between_two_calls_is_no_work() {
        let opened = Event::Opened {
            format: JOURNAL_FORMAT,
            campaign: "c".into(),
            perfvt: "0".into(),
            pid: 1,
            host_boot: "h".into(),
            scratch: Vec::new(),
        };
        let mut state = State::default();
        let end = Event::Interrupted { signal: "SIGINT".into() };
        for (at, event) in [(10, &opened), (30, &end), (900, &opened), (905, &end)] {
            state.apply(at, event);
        }
        assert_eq!(state.worked_ns, 25);
    }
}
