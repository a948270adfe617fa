//! What is known of a bisection by its journal.

use super::events::{Event, Judged, RowFacts, Stage, Value};
use std::collections::BTreeMap;

/// What is measured once a commit is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The commit against its parent, afresh.
    Final,
    /// The bad end against itself without the commit.
    Revert,
    /// As the final one, every function beginning at a multiple of 64 bytes.
    Aligned,
}

impl Check {
    /// Its word in files and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Check::Final => "final",
            Check::Revert => "revert",
            Check::Aligned => "aligned",
        }
    }
}

/// One boot of each of a few commits.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The commits; the good end first.
    pub commits: Vec<usize>,
    /// The folder of its campaign.
    pub folder: String,
    /// What came out; nothing while it goes on.
    pub values: Option<Vec<Value>>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The row, since the first round.
    pub row: Option<RowFacts>,
    /// Hashes of builds by commit.
    pub hashes: BTreeMap<usize, String>,
    /// Commits that can never be measured.
    pub broken: BTreeMap<usize, (Stage, String)>,
    /// Rounds in order.
    pub rounds: Vec<Round>,
    /// Folders of checks that began, by their words.
    pub judging: BTreeMap<String, String>,
    /// What they said.
    pub judged: BTreeMap<String, Judged>,
    /// Boots that were measured.
    pub boots: u32,
    /// Seconds of them.
    pub boot_seconds: f64,
    /// Builds that took time.
    pub builds: u32,
    /// Seconds of them.
    pub build_seconds: f64,
}

/// Seconds of a boot and of a build before one was seen: their ratio is all that counts.
const BOOT: f64 = 60.0;
const BUILD: f64 = 180.0;

impl Known {
    /// Takes in what was done.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Row(row) => self.row = Some(row.clone()),
            Event::Built { commit, hash, seconds } => {
                self.hashes.insert(*commit, hash.clone());
                if *seconds > 0.0 {
                    self.builds += 1;
                    self.build_seconds += seconds;
                }
            }
            Event::Broken { commit, stage, why } => {
                self.broken.insert(*commit, (*stage, why.clone()));
            }
            Event::Began { commits, folder } => {
                let round = Round { commits: commits.clone(), folder: folder.clone(), values: None };
                match self.rounds.last_mut() {
                    // It could not go on where it had begun.
                    Some(last) if last.values.is_none() => *last = round,
                    _ => self.rounds.push(round),
                }
            }
            Event::Measured { values, seconds } => {
                self.boots += u32::try_from(values.len()).unwrap_or(u32::MAX);
                self.boot_seconds += seconds;
                for value in values {
                    if let Some(why) = &value.dead {
                        self.broken.insert(value.commit, (Stage::Boot, why.clone()));
                    }
                }
                if let Some(last) = self.rounds.last_mut() {
                    last.values = Some(values.clone());
                }
            }
            Event::Judging { check, folder } => {
                self.judging.insert(check.clone(), folder.clone());
            }
            Event::Judged { check, said, boots, seconds } => {
                self.judged.insert(check.clone(), said.clone());
                self.boots += boots;
                self.boot_seconds += seconds;
            }
        }
    }

    /// Seconds that were spent.
    pub fn seconds(&self) -> f64 {
        self.boot_seconds + self.build_seconds
    }

    /// How long a boot takes.
    pub fn of_a_boot(&self) -> f64 {
        if self.boots == 0 { BOOT } else { (self.boot_seconds / f64::from(self.boots)).max(1e-3) }
    }

    /// How long a build takes.
    pub fn of_a_build(&self) -> f64 {
        if self.builds > 0 {
            return self.build_seconds / f64::from(self.builds);
        }
        // Both ends had been built before: what a build takes is not known, and is a few boots.
        if self.boots == 0 { BUILD } else { 3.0 * self.of_a_boot() }
    }

    /// The round that began and has not ended.
    pub fn open_round(&self) -> Option<&Round> {
        self.rounds.last().filter(|round| round.values.is_none())
    }

    /// Whether a commit was ever measured.
    pub fn is_measured(&self, commit: usize) -> bool {
        self.values().any(|value| value.commit == commit && value.value.is_some())
    }

    /// All values so far.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.rounds.iter().filter_map(|round| round.values.as_ref()).flatten()
    }
}
