//! Why a comparison could not be made.

use edge::visible;
use model::counted;
use std::path::PathBuf;

/// A comparison that cannot go on. Lost cells, rows and files are not errors: they stand in the result, unless
/// [`crate::CompareOptions::strict`] asks for an error.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzeError {
    /// A path that does not exist or cannot be read.
    #[error("reading {path}: {source}", path = path.display())]
    Io {
        /// Which path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A lake that cannot be read or written.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// A file of a run directory that is not what it should be; the text has path and line.
    #[error(transparent)]
    Store(#[from] model::store::StoreError),
    /// A directory without anything in it.
    #[error("{path} is empty; give a directory with result files or a run directory of perfvt", path = path.display())]
    Empty {
        /// Which directory.
        path: PathBuf,
    },
    /// A directory without a usable result file.
    #[error("{}", no_results(path, patterns, problems, unread.as_deref()))]
    NoResults {
        /// Which directory.
        path: PathBuf,
        /// Patterns of perf.conf with the workloads that they belong to.
        patterns: String,
        /// What could not be looked at, behind a semicolon; empty when all could.
        problems: String,
        /// What the files that are there look like, and how their tool writes something that is read.
        unread: Option<String>,
    },
    /// A run directory in which no repeat has been finished.
    #[error("{path} has no finished repeat (no repeat*/measurements.jsonl){failed}; finish the campaign with `perfvt resume`", path = path.display())]
    NoRepeats {
        /// Which directory.
        path: PathBuf,
        /// How many attempts failed and why, behind a semicolon; empty when none did.
        failed: String,
    },
    /// Something that is neither a result file nor a directory.
    #[error("{path} is not a result file: {reason}", path = path.display())]
    NotAResult {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// One argument that is not a campaign, or none.
    #[error("{0}")]
    Sides(String),
    /// A metric in another unit than perf.conf declares.
    #[error("reading {path}: metric '{metric}' is in '{found}', but perf.conf says '{declared}'; correct metric.{metric} or convert the data", path = path.display())]
    Unit {
        /// run.json or the file of the values.
        path: PathBuf,
        /// Canonical name.
        metric: String,
        /// Unit in the data.
        found: String,
        /// Unit in perf.conf.
        declared: String,
    },
    /// Files that have one metric in two units.
    #[error(
        "reading {place}: metric '{metric}' is in '{found}', but {other} has it in '{wanted}'; convert one of them"
    )]
    Units {
        /// File and line that differ from the others, or from the first.
        place: String,
        /// Canonical name.
        metric: String,
        /// The unit there.
        found: String,
        /// File and line of another one.
        other: String,
        /// The unit there.
        wanted: String,
    },
    /// An option that the data do not allow, or that is not one.
    #[error("{0}")]
    Option(String),
    /// `--strict`, and something was lost.
    #[error("{}", refused(*.count, lost))]
    Strict {
        /// How many.
        count: usize,
        /// Place and reason of each, of the first [`AnalyzeError::LISTED`].
        lost: Vec<String>,
    },
    /// The table engine refused; a defect of perfvt.
    #[error("aligning rows: {0}")]
    Align(String),
    /// Writing a report failed.
    #[error("writing the comparison: {0}")]
    Write(#[source] std::io::Error),
}

impl AnalyzeError {
    /// So many losses are named.
    pub const LISTED: usize = 20;

    /// `--strict`, and all this was lost.
    pub(crate) fn strict(lost: impl Iterator<Item = String>) -> Result<(), AnalyzeError> {
        let mut lost = lost.peekable();
        if lost.peek().is_none() {
            return Ok(());
        }
        let listed: Vec<String> = lost.by_ref().take(AnalyzeError::LISTED).collect();
        Err(AnalyzeError::Strict { count: listed.len() + lost.count(), lost: listed })
    }
}

/// One loss in the sentence, several on lines of their own.
fn refused(count: usize, lost: &[String]) -> String {
    let said = format!("{}, and --strict allows none:", counted(count, "loss"));
    match lost {
        [only] => format!("{said} {}", visible(only)),
        all => {
            let mut lines: Vec<String> = all.iter().map(|loss| format!("\n  {}", visible(loss))).collect();
            if count > all.len() {
                lines.push(format!("\n  and {} more", count - all.len()));
            }
            said + &lines.concat()
        }
    }
}

/// What is there comes first: whoever measured with a tool has never heard of result files of perf.conf.
fn no_results(path: &std::path::Path, patterns: &str, problems: &str, unread: Option<&str>) -> String {
    let path = path.display();
    match unread {
        Some(unread) => {
            format!(
                "{path} has no result that is read: {unread}; also read are files called {patterns}{problems}"
            )
        }
        None => format!("{path} has no result file: looked for {patterns}{problems}"),
    }
}

/// Turns an I/O error into one that names the path.
pub(crate) fn io<'a>(path: &'a std::path::Path) -> impl FnOnce(std::io::Error) -> AnalyzeError + 'a {
    move |source| AnalyzeError::Io { path: path.to_owned(), source }
}
