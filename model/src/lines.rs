//! Files of one JSON object a line that say how long they are: `measurements.jsonl` and `series.jsonl`.
//!
//! ```text
//!   {"v":2,"case":..}
//!   {"v":2,"case":..}
//!   {"v":2,"end":{"lines":2,"sum":"<SHA-256 of the bytes above this line>"}}
//! ```
//!
//! A text that is cut at the end of a line is whole line by line. The end line tells: lines of version
//! [`SEALED_SINCE`] or newer are nothing without it. Lines of version 1 had none, and are still read.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::marker::PhantomData;

/// The version of lines from which on a file has an end line.
pub const SEALED_SINCE: u32 = 2;

/// A line that carries its version.
pub trait Versioned {
    /// The `v` of the line.
    fn version(&self) -> u32;
}

/// What stands in a file of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Read<T> {
    /// The lines.
    pub items: Vec<T>,
    /// Whether an end line tells that none is missing; files of version 1 have none.
    pub sealed: bool,
}

/// What is wrong with such a text.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// A line is not what it should be.
    #[error("{}", LineError::json_reason(source))]
    Json {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A newer perfvt wrote it.
    #[error("format {found} is newer than this perfvt knows ({known}); use a newer perfvt")]
    Newer {
        /// The version of the line.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The lines are not those that were written.
    #[error("{what}")]
    Damaged {
        /// Line, counted from 1.
        line: usize,
        /// What tells it.
        what: String,
    },
}

impl LineError {
    /// What is wrong with a JSON text, without the place within it, which the path and line give.
    pub fn json_reason(error: &serde_json::Error) -> String {
        let text = error.to_string();
        text.split(" at line ").next().unwrap_or(&text).to_owned()
    }

    /// A text ends, in this line, without the end line that it should have.
    pub fn no_end(line: usize) -> LineError {
        let what = "there is no end line: the file was cut off, or something was added to it";
        LineError::Damaged { line, what: what.to_owned() }
    }
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    v: u32,
    end: End,
}

/// What it says of the lines above it.
#[derive(Serialize, Deserialize)]
struct End {
    /// How many there are.
    lines: usize,
    /// SHA-256 of their bytes, newlines included, in hexadecimal digits.
    sum: String,
}

fn end_of(body: &[u8]) -> End {
    let mut sum = String::with_capacity(64);
    for byte in Sha256::digest(body) {
        // Writing to a text cannot fail.
        let _ = write!(sum, "{byte:02x}");
    }
    End { lines: count(body), sum }
}

fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// The text of a file with these lines.
///
/// # Errors
/// An item has no form in JSON.
pub fn write<T: Serialize>(items: &[T]) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    for item in items {
        text.extend(serde_json::to_vec(item)?);
        text.push(b'\n');
    }
    let end = EndLine { v: SEALED_SINCE, end: end_of(&text) };
    text.extend(serde_json::to_vec(&end)?);
    text.push(b'\n');
    Ok(text)
}

/// Reads a text, line by line. What is wrong with its end is said first.
///
/// # Errors
/// It has an end line, and the lines above are not those of which it speaks.
pub fn read<T>(text: &[u8], known: u32) -> Result<Lines<'_, T>, LineError> {
    let trimmed = text.trim_ascii_end();
    let start = trimmed.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let (body, last) = trimmed.split_at_checked(start).unwrap_or((trimmed, &[]));
    let Ok(EndLine { v, end }) = serde_json::from_slice::<EndLine>(last) else {
        return Ok(Lines {
            rest: text,
            line: 0,
            last: count(body) + 1,
            sealed: false,
            known,
            of: PhantomData,
        });
    };
    if v > known {
        return Err(LineError::Newer { found: v, known });
    }
    let (line, found) = (count(body) + 1, end_of(body));
    let what = if found.lines != end.lines {
        format!(
            "the end line speaks of {} lines, and there are {}: lines were lost or added",
            end.lines, found.lines
        )
    } else if found.sum != end.sum {
        "the sum in the end line is not that of the lines: they were changed".to_owned()
    } else {
        return Ok(Lines { rest: body, line: 0, last: line, sealed: true, known, of: PhantomData });
    };
    Err(LineError::Damaged { line, what })
}

/// The lines of a text, with their numbers. After an error there is no line that could be trusted.
#[derive(Debug)]
pub struct Lines<'a, T> {
    rest: &'a [u8],
    line: usize,
    last: usize,
    sealed: bool,
    known: u32,
    of: PhantomData<T>,
}

impl<T> Lines<'_, T> {
    /// An end line tells that no line is missing.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }
}

impl<T: Versioned + DeserializeOwned> Lines<'_, T> {
    fn parse(&self, line: &[u8]) -> Result<T, LineError> {
        let item: T = serde_json::from_slice(line).map_err(|source| match serde_json::from_slice(line) {
            Ok(EndLine { .. }) => LineError::Damaged {
                line: self.line,
                what: "the end line stands before the end: lines were added".to_owned(),
            },
            Err(_) => LineError::Json { line: self.line, source },
        })?;
        if item.version() > self.known {
            return Err(LineError::Newer { found: item.version(), known: self.known });
        }
        if item.version() >= SEALED_SINCE && !self.sealed {
            return Err(LineError::no_end(self.last));
        }
        Ok(item)
    }
}

impl<T: Versioned + DeserializeOwned> Iterator for Lines<'_, T> {
    type Item = Result<(usize, T), LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest.get(1..).unwrap_or_default();
            self.line += 1;
            if !line.trim_ascii().is_empty() {
                let item = self.parse(line).map(|item| (self.line, item));
                return Some(item);
            }
        }
        None
    }
}
