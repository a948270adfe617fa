//! What people said of series, and what perfvt told them: lines that are only ever added.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cell::Micros;
use crate::error::LakeError;
use crate::folder::Lake;

/// Most bytes of events.jsonl.
const EVENTS_MAX: u64 = 1 << 30;

/// A line of events.jsonl.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it was said.
    pub at: Micros,
    /// By whom.
    pub who: String,
    /// Of which series: a pattern with `*` and `?` over `machine/workload/case/metric/env`.
    pub series: String,
    /// Where it is discussed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// From when on it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Micros>,
    /// What.
    #[serde(flatten)]
    pub said: Said,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "kebab-case")]
pub enum Said {
    /// The level from this campaign on is the new one.
    Accepted {
        /// The first campaign of the new level.
        campaign: String,
    },
    /// A commit is meant to change the level by a ratio within a range.
    Intended {
        /// The commit.
        commit: String,
        /// The smallest ratio.
        low: f64,
        /// The largest.
        high: f64,
        /// Why.
        because: String,
    },
    /// A step that is none of anybody's business.
    Dismissed {
        /// The event's name.
        event: String,
    },
    /// A campaign's point says nothing.
    SetAside {
        /// The campaign.
        campaign: String,
    },
    /// Hardware changed without a fact that tells it.
    Epoch {
        /// The first campaign on the new hardware.
        campaign: String,
    },
    /// A machine, case or metric has another name since: what was measured under the old one goes on under the new one.
    Alias {
        /// Which part of the name.
        part: Part,
        /// What it was called.
        old: String,
        /// What it is called.
        new: String,
    },
    /// The alias of this name counts no more.
    NoAlias {
        /// Which part of the name.
        part: Part,
        /// What the alias was of.
        old: String,
    },
    /// A build is a release.
    Release {
        /// What it is called.
        name: String,
        /// The build, or the beginning of its commit.
        build: String,
    },
    /// Somebody is told of an event: written before it is done, so that nobody is told twice.
    Told {
        /// The event's name.
        event: String,
    },
    /// That came to its end: written behind it.
    Delivered {
        /// The event's name.
        event: String,
    },
    /// It did not: the program that tells has said so, and may be asked again.
    Undelivered {
        /// The event's name.
        event: String,
        /// What it said.
        why: String,
    },
    /// A campaign was run to confirm an event.
    Confirmed {
        /// The event's name.
        event: String,
        /// confirmed, fixed-since, host or open.
        outcome: String,
        /// The campaign.
        campaign: String,
    },
}

/// A part of a series' name that may change while the series goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The host that measures.
    Machine,
    /// The case, with its workload.
    Case,
    /// The metric.
    Metric,
}

impl Part {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Part::Machine => "machine",
            Part::Case => "case",
            Part::Metric => "metric",
        }
    }
}

impl Lake {
    fn events_path(&self) -> PathBuf {
        self.root.join("events.jsonl")
    }

    /// The whole lines of the file, and how many bytes they have.
    fn event_lines(&self) -> Result<(String, u64), LakeError> {
        let path = self.events_path();
        let text = match edge::read::read_text(&path, EVENTS_MAX) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(LakeError::io(&path))?,
        };
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let lines = text.get(..whole).unwrap_or_default().to_owned();
        Ok((lines, whole as u64))
    }

    /// All events, in order. A last line that was cut while it was written is none.
    ///
    /// # Errors
    /// A line does not read.
    pub fn events(&self) -> Result<Vec<Event>, LakeError> {
        let (text, _) = self.event_lines()?;
        let read = |(at, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| LakeError::Line {
                path: self.events_path(),
                line: at + 1,
                why: error.to_string(),
            })
        };
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
    }

    /// Adds an event; it is there when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn say(&self, event: &Event) -> Result<(), LakeError> {
        let _lock = self.lock(true)?;
        self.append(event)
    }

    /// Adds an event unless what is there says that it must not be; whether it was added. Of several that try at once one does.
    ///
    /// # Errors
    /// It cannot be written, or what is there does not read.
    pub fn say_unless(&self, event: &Event, not: impl FnOnce(&[Event]) -> bool) -> Result<bool, LakeError> {
        let _lock = self.lock(true)?;
        if not(&self.events()?) {
            return Ok(false);
        }
        self.append(event)?;
        Ok(true)
    }

    /// The caller holds the lock.
    fn append(&self, event: &Event) -> Result<(), LakeError> {
        let path = self.events_path();
        let (_, good) = self.event_lines()?;
        let mut line = serde_json::to_string(event)
            .map_err(|error| LakeError::io(&path)(std::io::Error::other(error)))?;
        line.push('\n');
        let mut file = edge::write::Appending::open(&path, good).map_err(LakeError::io(&path))?;
        file.append(line.as_bytes()).map_err(LakeError::io(&path))
    }
}
