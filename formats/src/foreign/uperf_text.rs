//! What uperf prints for a profile. The case is the profile's name and the number of its threads or processes.

use super::Parsed;
use super::draft::{Draft, Facts, key, sections};
use crate::uperf;

/// Tells the text by the line with which a run begins.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| start(line).is_some())
}

/// `Starting 2 threads running profile:tcp_rr ..`: how many, of what, and the profile.
fn start(line: &str) -> Option<(&str, &str, &str)> {
    let mut words = line.trim().strip_prefix("Starting ")?.split_whitespace();
    let (count, what) = (words.next()?, words.next()?);
    let profile = words.find_map(|word| word.strip_prefix("profile:"))?;
    Some((count, what, profile))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    for (before, part) in sections(text, |line| start(line).is_some()) {
        let result = uperf::parse(part);
        let Some((count, what, profile)) = part.lines().find_map(start) else {
            draft.lose(before.saturating_add(1), "it does not say which profile ran");
            continue;
        };
        let name = if what.starts_with("proc") { "processes" } else { "threads" };
        let keys = vec![key(name, count)];
        match result {
            Err(error) => {
                let case = draft.case(profile, keys, &Facts::new(), before.saturating_add(error.line));
                draft.fail(&case, "trans.rate", "trans/s", &error.reason);
            }
            Ok(run) => {
                let case = draft.case(profile, keys, &Facts::new(), before.saturating_add(run.line));
                if run.throughput > 0.0 {
                    draft.give(&case, "throughput", "Mbit/s", run.throughput);
                }
                if run.operations > 0.0 {
                    draft.give(&case, "trans.rate", "trans/s", run.operations);
                }
            }
        }
    }
    Ok(draft.done_text(text))
}
