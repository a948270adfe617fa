//! Why a result could not be published.

use model::store::StoreError;
use std::path::PathBuf;

/// A result or a site that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The operating system refused.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done: "copying".
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of the site cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A folder with other things in it.
    #[error("{path} holds files but no site.json; give a new or empty folder, or a site that perfvt publish made", path = path.display())]
    NotASite {
        /// Which folder.
        path: PathBuf,
    },
    /// A folder without `site.json`.
    #[error("{path} is no site; give one that perfvt publish made", path = path.display())]
    NoSite {
        /// Which folder.
        path: PathBuf,
    },
    /// The site would be part of what it publishes.
    #[error("the site {site} lies within the result {result}; give a folder outside of it", site = site.display(), result = result.display())]
    Inside {
        /// The site.
        site: PathBuf,
        /// The result.
        result: PathBuf,
    },
    /// A result that is larger than was allowed.
    #[error("{path} holds more than {limit} {what}; raise --max-size, or leave out what need not be published", path = path.display())]
    TooLarge {
        /// Which result.
        path: PathBuf,
        /// How much is allowed.
        limit: u64,
        /// Of what: `MiB`, `files`, `levels of folders`.
        what: &'static str,
    },
    /// A result that could not be signed, or is not signed by somebody who may publish.
    #[error("signature of {path}: {reason}", path = path.display())]
    Signature {
        /// Which result.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A result in which nothing can be published.
    #[error("{path} holds no file that can be published{}", hint(.left_out))]
    Nothing {
        /// Which result.
        path: PathBuf,
        /// What was left out, and why.
        left_out: Vec<String>,
    },
}

fn hint(left_out: &[String]) -> String {
    match left_out.first() {
        Some(first) => format!(" ({} left out, the first: {first})", left_out.len()),
        None => String::new(),
    }
}

/// Turns an I/O error into one that says what was being done to which file.
pub(super) fn io<'a>(
    doing: &'static str,
    path: &'a std::path::Path,
) -> impl FnOnce(std::io::Error) -> SiteError + 'a {
    move |source| SiteError::Io { doing, path: path.to_owned(), source }
}
