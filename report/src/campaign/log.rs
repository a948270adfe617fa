//! The job log: what happened, a line each, for somebody who was not there.

use super::{Story, clock, duration};
use edge::visible;
use model::journal::{Event, State};
use model::{Profile, counted, readable};
use std::fmt::Write;

/// The whole log. Times are UTC.
pub fn log(story: &Story<'_>) -> String {
    let mut text = String::new();
    let mut state = State::default();
    for (unix_ns, event) in story.events {
        state.apply(*unix_ns, event);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {}", clock(*unix_ns), visible(&line(event, &state)));
    }
    text
}

/// One event in words.
pub(super) fn line(event: &Event, state: &State) -> String {
    // The name of a boot holds that of its campaign, which is the same in every line.
    let short = |boot: &str| match state.boots.get(boot) {
        Some(b) if b.attempt > 1 => format!("{} boot {} (attempt {})", b.environment, b.repeat, b.attempt),
        Some(b) => format!("{} boot {}", b.environment, b.repeat),
        None => boot.to_owned(),
    };
    let about = |boot: &str, case: &str| format!("{}: {}", short(boot), readable(case));
    let coded = |code: &Option<model::Code>| code.map(|c| format!("{c}: ")).unwrap_or_default();
    match event {
        Event::Opened { perfvt, pid, .. } => format!("perfvt {perfvt} (process {pid}) goes to work"),
        Event::BootStarted { boot, block, .. } => format!("{}: started, block {block}", short(boot)),
        Event::BootReady { boot, seconds } => format!("{}: ready after {}", short(boot), duration(*seconds)),
        Event::BootFailed { boot, reason, code, last } => {
            let then = if *last { "given up" } else { "failed" };
            format!("{}: {then}: {}{reason}", short(boot), coded(code))
        }
        Event::CaseStarted { boot, case } => {
            format!("{}: started", about(boot, case))
        }
        Event::Waited { boot, case, seconds } => {
            format!("{}: waited {} for a quiet host", about(boot, case), duration(*seconds))
        }
        Event::SampleFailed { boot, case, code, reason, seconds } => {
            format!("{}: once more after {}: {code}: {reason}", about(boot, case), duration(*seconds))
        }
        Event::CaseFinished { boot, case, invalid: None, seconds, .. } => {
            format!("{}: valid, {}", about(boot, case), duration(*seconds))
        }
        Event::CaseFinished { boot, case, invalid: Some(reason), code, seconds } => {
            let after = duration(*seconds);
            format!("{}: invalid after {after}: {}{reason}", about(boot, case), coded(code))
        }
        Event::BootFinished { boot, seconds } => {
            format!("{}: ended in order after {}", short(boot), duration(*seconds))
        }
        Event::ValuesMissing { environment, repeat, cases } => {
            format!("{environment} boot {repeat}: values are gone and measured again: {}", names(cases))
        }
        Event::Reopened { environment, repeat, cases } => {
            format!("{environment} boot {repeat}: failed, and measured again: {}", names(cases))
        }
        Event::Settled { block, cases, .. } if cases.is_empty() => {
            format!("looked after block {block}: nothing more is settled")
        }
        Event::Settled { block, cases, .. } => format!("settled after block {block}: {}", names(cases)),
        Event::Stopped { block, reason } => format!("stopped after block {block}: {reason}"),
        Event::Added(added) => {
            let (from, to) = (added.block, added.block + added.blocks.saturating_sub(1));
            format!("added blocks {from} to {to}: {}", names(&added.cases))
        }
        Event::Joined { file, block } => format!("joined {file} from block {block} on"),
        Event::Profiled { environment, profile, seconds } => profiled(environment, profile, *seconds),
        Event::Interrupted { signal } => format!("interrupted by {signal}"),
        Event::Finished { valid, invalid } => format!("finished: {valid} cells valid, {invalid} invalid"),
    }
}

/// What came of a profile.
fn profiled(environment: &str, profile: &Profile, seconds: f64) -> String {
    let told: String = profile.told.iter().map(|told| format!("; {told}")).collect();
    let samples = counted(usize::try_from(profile.samples()).unwrap_or(usize::MAX), "sample");
    format!("{environment}: profiled, not judged: {samples} in {}{told}", duration(seconds))
}

/// Cases as people write them.
fn names(cases: &[String]) -> String {
    cases.iter().map(|case| readable(case)).collect::<Vec<_>>().join(", ")
}
