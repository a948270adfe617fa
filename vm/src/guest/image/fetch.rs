//! Downloads what the built-in guest is made of, as `scripts/fetch-packages.sh` does it: the script is part of the program, so
//! that whoever has the program alone has it, too.

use super::error::ImageError;
use super::live;
use process::deadlines::BUILD;
use process::{Sink, Spec, private_folder};

const SCRIPT: &str = include_str!("../../../../scripts/fetch-packages.sh");

/// What to do about packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Get what is missing; nothing is asked of the network when all is there.
    Missing,
    /// Look for newer versions as well.
    Refresh,
    /// Get nothing, and say whether all is there.
    Check,
}

/// Runs the script, and gives whether all packages are there afterwards. What it says is handed to `say` line by line while it
/// works: it may take minutes.
///
/// # Errors
/// The script cannot be run, or could not get what is missing; it has said why.
pub fn fetch(what: Fetch, say: &mut dyn FnMut(&str)) -> Result<bool, ImageError> {
    let folder = private_folder()
        .map_err(|error| ImageError::io("creating a folder in", &std::env::temp_dir(), error))?;
    let (script, log) = (folder.path().join("fetch-packages.sh"), folder.path().join("log"));
    edge::write::write(&script, SCRIPT).map_err(|error| ImageError::io("writing", &script, error))?;
    let word = match what {
        Fetch::Missing => None,
        Fetch::Refresh => Some("--refresh"),
        Fetch::Check => Some("--check"),
    };
    // In the foreground a Ctrl-C ends apt and what it started together with perfvt.
    let spec = Spec::new("bash").arg(&script).args(word).foreground().stdout(Sink::Null);
    match live::run(spec, &log, BUILD, say)? {
        Some(status) if status.success() => Ok(true),
        Some(_) if what == Fetch::Check => Ok(false),
        status => Err(ImageError::Fetch { ended: status.map(|status| status.to_string()) }),
    }
}
