//! What preparing and restoring came to.

use serde::Serialize;
use std::fmt;

/// What became of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// It was changed, and read back.
    Changed {
        /// Value before.
        old: String,
        /// Value now.
        new: String,
    },
    /// It was as wanted, or was never changed.
    Already {
        /// The value.
        value: String,
    },
    /// It was done; there is nothing to undo.
    Done,
    /// This host has no such thing.
    Absent {
        /// What is missing.
        reason: String,
    },
    /// Somebody else has changed it since: it is left as it is.
    Foreign {
        /// What perfvt wrote.
        written: String,
        /// What is there now.
        found: String,
    },
    /// It could not be done.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One thing with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The knob.
    pub knob: String,
    /// The file or service; empty for the knob as a whole.
    pub what: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// All of them, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The session that the changes belong to; empty when nothing was changed.
    pub session: String,
    /// What became of each thing.
    pub lines: Vec<Line>,
}

impl Report {
    pub(super) fn add(&mut self, knob: &str, what: impl Into<String>, outcome: Outcome) {
        self.lines.push(Line { knob: knob.to_owned(), what: what.into(), outcome });
    }

    /// Whether something could not be done.
    pub fn failed(&self) -> bool {
        self.lines.iter().any(|l| matches!(l.outcome, Outcome::Failed { .. }))
    }

    /// How many values were changed.
    pub fn changed(&self) -> usize {
        self.lines.iter().filter(|l| matches!(l.outcome, Outcome::Changed { .. })).count()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Changed { old, new } => write!(f, "{old} -> {new}"),
            Outcome::Already { value } => write!(f, "{value} already"),
            Outcome::Done => f.write_str("done"),
            Outcome::Absent { reason } => write!(f, "not here: {reason}"),
            Outcome::Foreign { written, found } => {
                write!(f, "left at {found}: somebody else changed it since perfvt wrote {written}")
            }
            Outcome::Failed { reason } => write!(f, "FAILED: {reason}"),
        }
    }
}

/// One line for each thing; things of one knob that came to the same share a line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &self.lines[..];
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|l| l.knob == first.knob && l.outcome == first.outcome).count();
            let what = match (same, first.what.as_str()) {
                (1, "") => String::new(),
                (1, what) => format!(" {what}"),
                (n, what) => format!(" {what} and {} more", n - 1),
            };
            writeln!(f, "{:<15}{what}: {}", first.knob, first.outcome)?;
            rest = rest.get(same..).unwrap_or_default();
        }
        Ok(())
    }
}
