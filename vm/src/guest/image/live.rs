//! A program that works for minutes, and what it says meanwhile.

use process::{ProcessError, Sink, Spec};
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// How often what it says is passed on.
const LOOK: Duration = Duration::from_millis(200);

/// Runs a program whose standard error goes to a log, and hands that to `say` line by line while it works. Gives how it ended;
/// `None` when it took too long.
///
/// # Errors
/// It cannot be started.
pub(super) fn run(
    spec: Spec,
    log: &Path,
    deadline: Duration,
    say: &mut dyn FnMut(&str),
) -> Result<Option<ExitStatus>, ProcessError> {
    let mut running = spec.stderr(Sink::File(log.to_owned())).start()?;
    let mut told = 0;
    let end = Instant::now() + deadline;
    while running.ended().is_none() && Instant::now() < end {
        running.wait_until((Instant::now() + LOOK).min(end));
        pass_on(log, &mut told, false, say);
    }
    let status = running.finish(Duration::ZERO).status;
    pass_on(log, &mut told, true, say);
    Ok(status)
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
