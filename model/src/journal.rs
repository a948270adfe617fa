//! The journal: one line for each change of a campaign's state, and the only fold that makes the state from them.
//!
//! `journal.jsonl`, the progress bar, `perfvt status` and `perfvt resume` are views of these events.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that [`Event::Opened`] carries.
///
/// Changelog: 1, the first.
pub const JOURNAL_FORMAT: u32 = 1;

/// A change of a campaign's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A perfvt took the campaign into its hands, for the first time or again.
    Opened {
        /// [`JOURNAL_FORMAT`].
        format: u32,
        /// Campaign id.
        campaign: String,
        /// Version of that perfvt.
        perfvt: String,
        /// Its process id.
        pid: u32,
        /// The host's boot id.
        host_boot: String,
    },
    /// A guest is about to be started.
    BootStarted {
        /// Name of the boot.
        boot: String,
        /// Environment.
        environment: String,
        /// Repeat, from 1.
        repeat: u32,
        /// Block, from 1.
        block: u32,
        /// Attempt at this repeat, from 1.
        attempt: u32,
    },
    /// The guest answered on its command channel.
    BootReady {
        /// Name of the boot.
        boot: String,
        /// Seconds from exec to ready.
        seconds: f64,
    },
    /// The guest could not be used; its unfinished cells stay planned, or are lost when `last` is set.
    BootFailed {
        /// Name of the boot.
        boot: String,
        /// Why.
        reason: String,
        /// No further attempt follows: the unfinished cells of this repeat are invalid.
        last: bool,
    },
    /// A case is about to be measured.
    CaseStarted {
        /// Name of the boot.
        boot: String,
        /// [`crate::Case::id`].
        case: String,
    },
    /// A case is done and its lines are on disk.
    CaseFinished {
        /// Name of the boot.
        boot: String,
        /// [`crate::Case::id`].
        case: String,
        /// Why it has no values, if it has none.
        invalid: Option<String>,
        /// Wall time.
        seconds: f64,
    },
    /// The guest is gone, in order.
    BootFinished {
        /// Name of the boot.
        boot: String,
        /// Seconds from exec to exit.
        seconds: f64,
    },
    /// The user or a signal asked for an end.
    Interrupted {
        /// Which signal.
        signal: String,
    },
    /// Every planned cell has ended.
    Finished {
        /// Valid cells.
        valid: u32,
        /// Invalid cells.
        invalid: u32,
    },
}

/// How a cell (environment x repeat x case) stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellState {
    /// Measured.
    Valid,
    /// Ended without values.
    Invalid {
        /// Why.
        reason: String,
    },
}

/// Names one cell: environment, repeat, case id.
pub type CellKey = (String, u32, String);

/// A campaign's state: the fold of its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Cells that have ended.
    pub cells: BTreeMap<CellKey, CellState>,
    /// Attempts made so far at each (environment, repeat).
    pub attempts: BTreeMap<(String, u32), u32>,
    /// Repeats given up: every cell of theirs that has not ended is invalid for this reason.
    pub lost: BTreeMap<(String, u32), String>,
    /// Boots by name: environment and repeat.
    pub boots: BTreeMap<String, (String, u32)>,
    /// The boot in hand, with the case in hand.
    pub current: Option<(String, Option<String>)>,
    /// Set by [`Event::Finished`].
    pub finished: Option<(u32, u32)>,
    /// Set by [`Event::Interrupted`] until the campaign is opened again.
    pub interrupted: bool,
}

impl State {
    /// Takes in one event. Events about boots that were never started are ignored: a damaged
    /// journal loses knowledge, never adds any.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Opened { .. } => (self.current, self.interrupted, self.finished) = (None, false, None),
            Event::BootStarted { boot, environment, repeat, attempt, .. } => {
                let key = (environment.clone(), *repeat);
                self.boots.insert(boot.clone(), key.clone());
                let made = self.attempts.entry(key).or_default();
                *made = (*made).max(*attempt);
                self.current = Some((boot.clone(), None));
            }
            Event::BootReady { .. } => {}
            Event::CaseStarted { boot, case } => self.current = Some((boot.clone(), Some(case.clone()))),
            Event::CaseFinished { boot, case, invalid, .. } => {
                if let Some((environment, repeat)) = self.boots.get(boot) {
                    let state = match invalid {
                        None => CellState::Valid,
                        Some(reason) => CellState::Invalid { reason: reason.clone() },
                    };
                    self.cells.insert((environment.clone(), *repeat, case.clone()), state);
                }
                self.current = Some((boot.clone(), None));
            }
            Event::BootFailed { boot, reason, last } => {
                if let (true, Some(key)) = (*last, self.boots.get(boot)) {
                    self.lost.insert(key.clone(), reason.clone());
                }
                self.current = None;
            }
            Event::BootFinished { .. } => self.current = None,
            Event::Interrupted { .. } => self.interrupted = true,
            Event::Finished { valid, invalid } => self.finished = Some((*valid, *invalid)),
        }
    }

    /// How one cell stands; `None` while it still has to be measured.
    pub fn cell(&self, environment: &str, repeat: u32, case: &str) -> Option<CellState> {
        self.cells.get(&(environment.to_owned(), repeat, case.to_owned())).cloned().or_else(|| {
            self.lost
                .get(&(environment.to_owned(), repeat))
                .map(|reason| CellState::Invalid { reason: reason.clone() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(boot: &str, attempt: u32) -> Event {
        Event::BootStarted { boot: boot.into(), environment: "base".into(), repeat: 1, block: 1, attempt }
    }
    fn finished(boot: &str, case: &str, invalid: Option<&str>) -> Event {
        Event::CaseFinished {
            boot: boot.into(),
            case: case.into(),
            invalid: invalid.map(Into::into),
            seconds: 1.0,
        }
    }

    #[test]
    fn a_repeat_given_up_keeps_what_it_finished() {
        let mut state = State::default();
        for event in [
            started("b1", 1),
            finished("b1", "a", None),
            finished("b1", "b", Some("no reply")),
            Event::BootFailed { boot: "b1".into(), reason: "panic".into(), last: true },
        ] {
            state.apply(&event);
        }
        assert_eq!(state.cell("base", 1, "a"), Some(CellState::Valid));
        assert_eq!(state.cell("base", 1, "b"), Some(CellState::Invalid { reason: "no reply".into() }));
        assert_eq!(state.cell("base", 1, "c"), Some(CellState::Invalid { reason: "panic".into() }));
        assert_eq!(state.cell("base", 2, "c"), None);
    }

    #[test]
    fn events_of_unknown_boots_add_no_cells() {
        let mut state = State::default();
        state.apply(&finished("ghost", "a", None));
        assert!(state.cells.is_empty());
    }
}
