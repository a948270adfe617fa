//! What can be wrong with a configuration, said with the place, the line and the way out. Whatever stands in the
//! configuration is shown in part and escaped: it may be a stranger's.

use super::shown::{SHOWN, cut, escaped, push_escaped, quoted};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A place in a configuration, with the line that stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, or the name that was given to a piece of text.
    pub file: Arc<PathBuf>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// What stands around the caret, with tabs expanded.
    pub text: String,
    /// Where the caret goes: columns of `text` before it.
    pub caret: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", escaped(&self.file.to_string_lossy()), self.line, self.column)
    }
}

/// Characters that a place keeps before and after its caret: an excerpt shows no more.
const AROUND: usize = 60;

impl Place {
    /// What is kept of a line whose caret goes after so many characters, and where the caret is then.
    pub(super) fn around(line: &str, caret: usize) -> (String, u32) {
        let from = caret.saturating_sub(AROUND);
        let text: String = line.chars().skip(from).take(2 * AROUND).collect();
        (text, u32::try_from(caret - from).unwrap_or(0))
    }
}

/// The line and a caret below it, cut to a readable width.
struct Excerpt<'a>(&'a Place);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caret = usize::try_from(self.0.caret).unwrap_or(0);
        let (mut before, mut after) = (String::new(), String::new());
        // Half of what may be shown on each side. Before the caret, the end of it.
        for c in self.0.text.chars().take(caret) {
            push_escaped(&mut before, c);
        }
        while before.len() > SHOWN / 2 {
            before.remove(0);
        }
        for c in self.0.text.trim_end().chars().skip(caret) {
            push_escaped(&mut after, c);
        }
        while after.len() > SHOWN / 2 {
            after.pop();
        }
        let blanks = before.chars().count();
        write!(f, "\n    {}\n    {:blanks$}^", format!("{before}{after}").trim_end(), "")
    }
}

/// ", did you mean 'x'?" or nothing.
struct Hint<'a>(&'a Option<String>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hint) => write!(f, "; {}", cut(hint)),
            None => Ok(()),
        }
    }
}

/// Why a configuration cannot be read or expanded.
#[derive(Debug, thiserror::Error)]
pub enum CartesianError {
    /// A line that is not of the language.
    #[error("{place}: expected {expected}, found {found}{hint}{excerpt}", found = escaped(found), hint = Hint(hint), excerpt = Excerpt(place))]
    Syntax {
        /// Where.
        place: Box<Place>,
        /// What would do there.
        expected: String,
        /// What stands there.
        found: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A file that is to be included and cannot be.
    #[error("{place}: including {path}: {why}{hint}{excerpt}", path = cut(&path.to_string_lossy()), why = escaped(why), hint = Hint(hint), excerpt = Excerpt(place))]
    Include {
        /// Where it is included.
        place: Box<Place>,
        /// The file.
        path: PathBuf,
        /// What is wrong with it: missing, a cycle, not text.
        why: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// The file to begin with cannot be read.
    #[error("reading {}: {source}", cut(&path.to_string_lossy()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nesting, includes or sizes beyond what any real configuration needs.
    #[error("{place}: {what}{excerpt}", excerpt = Excerpt(place))]
    Limit {
        /// Where the limit was met.
        place: Box<Place>,
        /// Which limit.
        what: String,
    },
    /// A value that `_min` or `_max` cannot compare.
    #[error(
        "{}: comparing {} = {} ({}) with {bound}: not a number, a size like 512M or 4G, or too large",
        cut(variant),
        cut(key),
        quoted(value),
        escaped(origin)
    )]
    Bound {
        /// The variant's name.
        variant: String,
        /// The key whose value is no number.
        key: String,
        /// The value.
        value: String,
        /// Where the value was set.
        origin: String,
        /// The key that asked for the comparison.
        bound: String,
    },
    /// A variant that takes too long to find or to build.
    #[error("{}: {what} takes more than {limit} steps; {way_out}", escaped(origin))]
    Work {
        /// A line that has much to do with it.
        origin: String,
        /// What was being done.
        what: String,
        /// The bound.
        limit: u64,
        /// What helps.
        way_out: &'static str,
    },
    /// A variant whose names outgrow memory.
    #[error(
        "{}: the names of a variant here and of what it depends on take more than {limit} bytes together; it has too many \
         labels or dependencies",
        escaped(origin)
    )]
    Names {
        /// The variant's line.
        origin: String,
        /// The bound.
        limit: usize,
    },
    /// A variant whose values outgrow memory, as `a = ${a}${a}` does.
    #[error(
        "{}: {}: the values of this variant are larger than {limit} bytes together; is a key appended to itself?",
        cut(variant),
        escaped(origin)
    )]
    Value {
        /// The variant's name.
        variant: String,
        /// The assignment that went too far.
        origin: String,
        /// The bound.
        limit: usize,
    },
}

/// Something that was read, and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What was made of it, and what was probably meant.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, escaped(&self.text))
    }
}

/// Letters of a word that suggestions are made for: the comparison takes the square of it.
const MAX_WORD: usize = 60;
/// Candidates among which suggestions are looked for.
const MAX_CANDIDATES: usize = 5_000;

/// The candidate that was probably meant: at most two slips of the keyboard away, and at most a third of the word. An
/// exact match is no slip.
pub(super) fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let allowed = (word.chars().count() / 3).clamp(1, 2);
    let short = candidates.into_iter().filter(|candidate| candidate.len() <= MAX_WORD);
    short
        .take(MAX_CANDIDATES)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate that was probably meant, as a question.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    near(word, candidates).map(|near| format!("did you mean {}?", quoted(near)))
}
