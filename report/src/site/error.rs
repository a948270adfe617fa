//! Why a result could not be published.

use model::store::StoreError;
use std::path::PathBuf;

/// A result or a site that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// A result holds a password or the like.
    #[error(
        "{path} holds the value of {key}, which is a secret: replace it by (set) there and publish again", path = path.display()
    )]
    Secret {
        /// The file.
        path: PathBuf,
        /// The key, or what it is.
        key: String,
    },
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
    /// An entry of a site that cannot be read.
    #[error("{path}: {problem}; what it holds is not known: publish that result again, or remove its folder", path = path.display())]
    Unread {
        /// Which site.
        path: PathBuf,
        /// What is wrong.
        problem: String,
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
    #[error("{path} holds more than {limit} {what}; {}leave out what need not be published", raise(.what), path = path.display())]
    TooLarge {
        /// Which result.
        path: PathBuf,
        /// How much is allowed.
        limit: u64,
        /// Of what: `MiB`, `files and folders`, `levels of folders`.
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
    /// A result without checked signatures, for a site that asks for them.
    #[error("{path} asks for signatures: it was published to with --allowed-signers; give the file again, or --unchecked to do without this once", path = path.display())]
    Unchecked {
        /// Which site.
        path: PathBuf,
    },
    /// The entry of the same data is somebody else's.
    #[error("{folder} holds the same data {}, and {other}; {}, or remove that folder first", signed(.owner.as_deref()), sign(.owner.as_deref()), folder = folder.display())]
    Owned {
        /// The entry's folder.
        folder: PathBuf,
        /// Who signed it, when that was checked.
        owner: Option<String>,
        /// How the result differs in that.
        other: String,
    },
    /// The machine is somebody else's.
    #[error("the machine '{machine}' is that of {owners}, who signed {folder}, and this result is signed by {signer}; give the name of another machine (--machine), or, when both measure on that one, give their keys the same principal in the allowed signers", folder = folder.display())]
    Machine {
        /// Its name.
        machine: String,
        /// The first entry of that machine.
        folder: PathBuf,
        /// Who signed entries of that machine.
        owners: String,
        /// Who signed the result.
        signer: String,
    },
    /// A result of the future.
    #[error("it is dated {}, and now it is {}: a clock was wrong, there or here; set the clock, and measure again or correct the date in the result (started_unix_ns in run.json)", moment(*.date), moment(*.now))]
    Future {
        /// Its date, seconds since the epoch.
        date: i64,
        /// Now.
        now: i64,
    },
    /// Every name that an entry could have is taken.
    #[error("every name for samples {samples} is taken below {path} by something that cannot be read; remove what 'perfvt publish SITE' warns of", path = path.display())]
    Taken {
        /// The folder of entries.
        path: PathBuf,
        /// The hash of the samples.
        samples: String,
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

fn raise(what: &str) -> &'static str {
    if what == "MiB" { "raise --max-size, or " } else { "" }
}

fn signed(owner: Option<&str>) -> String {
    owner.map_or("with a signature".to_owned(), |owner| format!("signed by {owner}"))
}

fn sign(owner: Option<&str>) -> String {
    owner.map_or("sign it (--sign)".to_owned(), |owner| {
        format!("give it with the signature of {owner} (--allowed-signers)")
    })
}

/// A date, also one that no calendar has.
fn moment(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(_) => crate::date::utc(Some(seconds)),
        Err(_) => format!("{seconds} seconds after 1970"),
    }
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
