//! Results of other tools, as records of one shape. What a file is, its content tells, never its name.
//!
//! [`READERS`] is the list of them: kinds, tools, how a tool writes it, and the section of perf.conf. A file of each reader is
//! pure: a test whether a text is of its kind, and a function from the text to records.
//!
//! A value that is not a finite number is a record with the reason in its place; a line that cannot be used is a loss;
//! a file that cannot be used is an error. Each names its line. Of a text that is no JSON, a last line without its newline
//! may be the first part of a longer one: nothing of it is read, and it is a loss.

mod benchfmt;
mod columns;
mod dated;
mod decimal;
mod draft;
mod ffsb_text;
mod fio_cpu;
mod fio_gaps;
mod fio_json;
mod fio_options;
mod fio_series;
mod fio_terse;
mod gbench;
mod github_bench;
mod go_json;
mod hyperfine;
mod iometer;
mod iozone;
mod iozone_options;
mod iozone_plain;
mod iperf3_json;
mod kinds;
mod long_csv;
mod look;
mod netperf_omni;
mod netperf_text;
mod ntttcp_text;
mod ntttcp_xml;
mod perfherder;
mod phoronix;
mod plain;
mod pytest_bench;
mod qemu_img_text;
mod scores;
mod sockperf_text;
mod spelling;
mod sysbench;
mod table;
mod uperf_text;
mod wide_csv;

pub use columns::{Cells, Columns};
pub use kinds::{ENDINGS, Kind, READERS, Reader, names, tools};
pub use look::{is_of_a_tool, is_packed_otherwise, look};
pub use plain::plain;
pub use spelling::{Spellings, level};

use crate::tool::{NO_END, line_without_end};
use edge::quoted;
use model::Direction;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Factor levels of a case in the order of the file. Most names are the reader's own, and cases that lie beside one another have
/// most levels in common, so that neither is copied for each case.
pub type Keys = Vec<Key>;

/// The name of a factor and its level.
pub type Key = (Cow<'static, str>, Arc<str>);

/// One number of one case. Records of one file share what they have in common: a copy for each would cost more than reading
/// the number.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Category, empty where the format has none.
    pub category: Arc<str>,
    /// Factor levels in the order of the file.
    pub keys: Arc<Keys>,
    /// Name of the metric, perf.conf's where the format has fixed names.
    pub metric: Arc<str>,
    /// Unit of the value, empty where the file does not tell.
    pub unit: Arc<str>,
    /// The number, always finite, or why there is none.
    pub value: Result<f64, String>,
    /// There is no number because the tool says that the measurement failed.
    pub failed: bool,
    /// Which run of the case gave it; `None` for a figure over all runs of the file.
    pub run: Option<Arc<str>>,
    /// Index into [`Foreign::settings`]: what held when it was measured.
    pub setting: usize,
    /// Line in the file, counted from 1.
    pub line: u32,
}

impl Record {
    /// The file says itself that there is no number (`null`), which tells of no failure.
    pub fn is_null(&self) -> bool {
        !self.failed && self.value.as_ref().is_err_and(|reason| reason.contains("'null'"))
    }
}

/// A line, or an entry, that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Line, counted from 1.
    pub line: u32,
    /// Why, in lowercase.
    pub reason: String,
}

/// A run that left no values and does not tell the metrics that it lacks. Other files may have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Category, or what the categories of its directions begin with.
    pub category: String,
    /// What is known of the case.
    pub of: IdleCase,
    /// Line, counted from 1.
    pub line: u32,
    /// Why there are no values, in lowercase.
    pub reason: String,
}

/// What is known of the case of an [`Idle`] run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdleCase {
    /// It was run without an error and has done nothing. That is its purpose (it creates the files of others), unless other
    /// files have values of it.
    Known {
        /// Factor levels in the order of the file.
        keys: Arc<Keys>,
        /// Which run of the case it was.
        run: Arc<str>,
    },
    /// It failed before its levels were told: it is one of the cases of its category.
    Failed,
}

/// What a file itself says of a metric. It counts more than perf.conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Name of the metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

/// A file, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Foreign {
    /// Its numbers in the order of the file.
    pub records: Vec<Record>,
    /// What was lost.
    pub losses: Vec<Loss>,
    /// What it says of its metrics.
    pub statements: Vec<Statement>,
    /// Runs that left no values.
    pub idle: Vec<Idle>,
    /// What held when values were taken (options, machine, versions): facts by name, as many sets as there are.
    pub settings: Vec<BTreeMap<String, String>>,
    /// How it writes levels that have another spelling here, see [`level`].
    pub spellings: Spellings,
    /// The decimal mark of a table whose cells tell one: `,` or `.`.
    pub decimal: Option<char>,
    /// It numbers its repeats itself, so that runs are more than what one session happened to give.
    pub names_repeats: bool,
    /// When its first run was made, seconds since the epoch, where it tells.
    pub date_unix: Option<i64>,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}, line {line}: {reason}", kind = kind.name())]
pub struct ForeignError {
    /// What it was taken for.
    pub kind: Kind,
    /// Line, counted from 1.
    pub line: u32,
    /// Why not.
    pub reason: String,
}

/// How much of a file is looked at to tell what it is, in bytes.
pub const SNIFF_LENGTH: usize = 64 * 1024;

/// Tells what a file is by its first [`SNIFF_LENGTH`] bytes, packed or not, in any encoding. An archive is nothing, whatever
/// results it holds.
pub fn sniff(bytes: &[u8]) -> Option<Kind> {
    let head = plain::unpacked_head(bytes, SNIFF_LENGTH);
    if look::no_text(&head).is_some() {
        return None;
    }
    let text = plain::decode(&head);
    READERS.iter().find(|reader| (reader.is)(&text)).map(|reader| reader.kind)
}

/// Reads the text of a file of a known kind, as [`plain`](plain()) gives it.
///
/// # Errors
/// The text is cut off or is not of this kind. What is wrong with single lines stands in [`Foreign::losses`].
pub fn parse(kind: Kind, text: &str) -> Result<Foreign, ForeignError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let wrong = |(line, reason)| ForeignError { kind, line, reason };
    let reader = kind.reader().ok_or_else(|| wrong((1, "it has no reader".to_owned())))?;
    let parsed = (reader.parse)(text);
    let foreign = parsed.map_err(wrong)?;
    match (foreign.records.is_empty(), foreign.losses.first()) {
        (false, _) => Ok(foreign),
        // Which cells are missing, other files tell.
        (true, None) if foreign.idle.iter().any(|idle| idle.of == IdleCase::Failed) => Ok(foreign),
        (true, Some(loss)) => Err(ForeignError {
            kind,
            line: loss.line,
            reason: format!("nothing can be used: {}", loss.reason),
        }),
        (true, None) => Err(ForeignError { kind, line: 1, reason: "it holds no result".into() }),
    }
}

/// What a reader gives: the file, or line and reason.
type Parsed = Result<Foreign, (u32, String)>;

/// A number as text.
fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("{} is not a finite number", quoted(text.trim()))),
    }
}

/// The loss of a last line without its newline: half a number is a number, too.
fn lost_end(text: &str) -> Option<Loss> {
    line_without_end(text).map(|line| Loss { line, reason: NO_END.to_owned() })
}
