//! Downloads what the built-in guest is made of, as `scripts/fetch-packages.sh` does it: the script is part of the program, so
//! that whoever has the program alone has it, too.

use super::error::ImageError;
use process::deadlines::BUILD;
use process::{Sink, Spec, private_folder};
use std::path::Path;
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("../../../../scripts/fetch-packages.sh");
/// How often what it says is passed on.
const LOOK: Duration = Duration::from_millis(200);

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
    let spec = Spec::new("bash").arg(&script).args(word).foreground();
    let mut running = spec.stdout(Sink::Null).stderr(Sink::File(log.clone())).start()?;
    let mut told = 0;
    let end = Instant::now() + BUILD;
    while running.ended().is_none() && Instant::now() < end {
        running.wait_until((Instant::now() + LOOK).min(end));
        pass_on(&log, &mut told, false, say);
    }
    let status = running.finish(Duration::ZERO).status;
    pass_on(&log, &mut told, true, say);
    match status {
        Some(status) if status.success() => Ok(true),
        Some(_) if what == Fetch::Check => Ok(false),
        status => Err(ImageError::Fetch { ended: status.map(|status| status.to_string()) }),
    }
}

/// Hands over the lines that have come since the last look; at the end also one that has no end.
fn pass_on(log: &Path, told: &mut usize, all: bool, say: &mut dyn FnMut(&str)) {
    // One that cannot be read now may be at the next look; what became of the script does not depend on it.
    let text = edge::read(log, edge::read::RECORD).unwrap_or_default();
    let new = text.get(*told..).unwrap_or_default();
    let end = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let new = new.get(..if all { new.len() } else { end }).unwrap_or_default();
    *told += new.len();
    String::from_utf8_lossy(new).lines().for_each(say);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_passed_on_once_and_the_last_one_without_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let (mut told, mut heard) = (0, Vec::new());
        for (text, all) in [("a\nb", false), ("a\nb", false), ("a\nbc\nd", false), ("a\nbc\nd", true)] {
            std::fs::write(&log, text).unwrap();
            pass_on(&log, &mut told, all, &mut |line| heard.push(line.to_owned()));
        }
        assert_eq!(heard, ["a", "bc", "d"]);
    }
}
