//! The journal: one line for each change of a campaign's state, and the only fold that makes the state from them.
//!
//! `journal.jsonl`, the progress bar, `perfvt status`, the job log, the page of a run and `perfvt resume` are views of
//! these events.

use crate::failure::{Code, read_reason, read_reason_if_any};
use crate::profile::Profile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use state::{BootState, CellKey, CellState, Spent, State, boot_folder};

mod state;

/// The version that [`Event::Opened`] carries.
///
/// Changelog: 1, the first; 2, failures have a code, samples that are tried again and waiting are told, cases may be
/// settled; later, within 2: blocks may be added, plans joined, failed cells reopened, and
/// environments profiled.
pub const JOURNAL_FORMAT: u32 = 2;

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
        /// Folders in which it makes private folders `perfvt-<campaign>-*` for sockets, data disks and layers above
        /// images; empty in journals of before they were recorded.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scratch: Vec<PathBuf>,
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
        /// Attempt at this repeat, from 1: one more than boots of it have failed.
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
        #[serde(deserialize_with = "read_reason")]
        reason: String,
        /// What kind of failure it was; absent in journals of format 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
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
    /// The campaign waited before a sample, until the host was quiet.
    Waited {
        /// Name of the boot.
        boot: String,
        /// [`crate::Case::id`].
        case: String,
        /// How long.
        seconds: f64,
    },
    /// A sample was spoiled by its surroundings and is about to be taken again in the same guest.
    SampleFailed {
        /// Name of the boot.
        boot: String,
        /// [`crate::Case::id`].
        case: String,
        /// What kind of failure it was.
        code: Code,
        /// Why.
        #[serde(deserialize_with = "read_reason")]
        reason: String,
        /// Wall time of the sample.
        seconds: f64,
    },
    /// A case is done and its lines are on disk.
    CaseFinished {
        /// Name of the boot.
        boot: String,
        /// [`crate::Case::id`].
        case: String,
        /// Why it has no values, if it has none.
        #[serde(default, deserialize_with = "read_reason_if_any")]
        invalid: Option<String>,
        /// What kind of failure it was; absent in journals of format 1 and for a case with values.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        /// Wall time of the last sample, without waiting.
        seconds: f64,
    },
    /// The guest is gone, in order.
    BootFinished {
        /// Name of the boot.
        boot: String,
        /// Seconds from exec to exit.
        seconds: f64,
    },
    /// Values that were measured are not in their file any more: they are measured again.
    ValuesMissing {
        /// Environment.
        environment: String,
        /// Repeat, from 1.
        repeat: u32,
        /// [`crate::Case::id`] of each.
        cases: Vec<String>,
    },
    /// Cells that had failed are measured again, because somebody asked for it: their cause is mended.
    Reopened {
        /// Environment.
        environment: String,
        /// Repeat, from 1.
        repeat: u32,
        /// [`crate::Case::id`] of each.
        cases: Vec<String>,
    },
    /// The stopping rule has settled cases: they are not measured in later blocks.
    Settled {
        /// The block after which the rule looked.
        block: u32,
        /// [`crate::Case::id`] of each.
        cases: Vec<String>,
        /// Error spent with this look, of a level of 0.05 over all looks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<f64>,
        /// Half-width of each case that was not settled before, as a ratio minus 1; null without an interval.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        half_widths: BTreeMap<String, Option<f64>>,
    },
    /// No further block of the plan is measured, whatever is settled.
    Stopped {
        /// The last block.
        block: u32,
        /// Why.
        reason: String,
    },
    /// Boots were added to the plan. Their results are a look beyond what had been planned.
    Added(Added),
    /// The plan of a joined environment, or of joined boots, was added: another file beside `campaign.json`.
    Joined {
        /// Its name.
        file: String,
        /// Its first block.
        block: u32,
    },
    /// An environment was profiled in a boot of its own, of which nothing is judged.
    Profiled {
        /// Environment.
        environment: String,
        /// What came of it.
        profile: Profile,
        /// Seconds that it took.
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

/// Blocks that were added to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// The first of them.
    pub block: u32,
    /// How many.
    pub blocks: u32,
    /// [`crate::Case::id`] of the cases that they measure; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<String>,
    /// Who asked for them.
    pub reason: AddedFor,
}

/// Why boots were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddedFor {
    /// `resume --repeat`.
    Repeat,
    /// `--confirm`: alerts are measured again.
    Confirm,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_format_1_are_understood() {
        let line = r#"{"type":"case_finished","boot":"b","case":"c","invalid":"x","seconds":1.0}"#;
        assert!(matches!(serde_json::from_str(line), Ok(Event::CaseFinished { code: None, .. })));
        let line = line.replace("\"x\"", &format!("\"{}\"", "x".repeat(5000)));
        let Ok(Event::CaseFinished { invalid: Some(reason), .. }) = serde_json::from_str(&line) else {
            panic!("{line}")
        };
        assert!(reason.len() <= crate::failure::LONGEST_REASON);
        let line = r#"{"type":"boot_failed","boot":"b","reason":"x","last":true}"#;
        assert!(matches!(serde_json::from_str(line), Ok(Event::BootFailed { code: None, .. })));
    }
}
