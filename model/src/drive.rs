//! What came of driving guests: a line of `drive.jsonl` for each step.

use crate::Moment;
use edge::text::{clipped, text_of};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The most that the journal keeps of what a step wrote.
pub const LONGEST_KEPT: usize = 64 << 10;

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It did what it says.
    Passed,
    /// It did not.
    Failed,
    /// A signal came before it had ended.
    Interrupted,
}

/// One step as it was done: a line of `drive.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// When it began, in seconds since 1970.
    pub at: f64,
    /// Its line in the script, or its number at the prompt.
    pub line: usize,
    /// The machine, if it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// What was written.
    pub step: String,
    /// The subtest that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtest: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// What came of it.
    pub result: Verdict,
    /// The status of a command of the guest, 128 + n for signal n.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// What the command wrote to standard output, or what was waited for and came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// What the command wrote to standard error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// Whether more was written than is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether its machine goes on from a saved state, and so is no replicate of one that booted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restored: bool,
    /// Where lies what tells more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forensics: Option<PathBuf>,
}

impl Record {
    /// Of a step that begins now.
    pub fn begun(line: usize, step: &str) -> Record {
        Record {
            at: Moment::now().unix_seconds(),
            line,
            machine: None,
            step: step.to_owned(),
            subtest: None,
            seconds: 0.0,
            result: Verdict::Passed,
            status: None,
            output: String::new(),
            stderr: String::new(),
            cut: false,
            error: None,
            restored: false,
            forensics: None,
        }
    }

    /// Keeps what a command wrote, its beginning only.
    pub fn keep(&mut self, stdout: Vec<u8>, stderr: Vec<u8>) {
        let bounded = |bytes: Vec<u8>| {
            let text = text_of(bytes);
            let kept = clipped(&text, LONGEST_KEPT);
            (kept.to_owned(), kept.len() < text.len())
        };
        let ((output, one), (said, other)) = (bounded(stdout), bounded(stderr));
        (self.output, self.stderr, self.cut) = (output, said, one || other);
    }
}
