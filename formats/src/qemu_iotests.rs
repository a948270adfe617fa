//! What `check` of QEMU's tests/qemu-iotests prints, one line a test, in the three layouts that it has had.
//!
//! ```text
//!   001      pass       [12:00:01] [12:00:02]   0.5s   (last: 0.6s)               since 6.0
//!   002      fail       [12:00:02] [12:00:05]  3s      (last: 2s)  output mismatch (see 002.out.bad)
//!   003      not run    [12:00:05] [12:00:05]    ...   not suitable for this image format: qcow2
//!   001 1s ... 2s                          before 4.1: the last run, and this one
//!   002        [not run] REASON            003 4s ... [failed, exit status 1] - output mismatch (see 003.out.bad)
//!   Passed all 5 iotests                   Failed 1 of 5 iotests: the end, in all of them
//! ```

use crate::tool::{ToolError, lines, number};
use edge::quoted;

const TOOL: &str = "qemu-iotests check";

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its output is the one that it should be.
    Pass,
    /// It is not, or it ended with an error.
    Fail,
    /// It cannot be run here.
    NotRun,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// Its name: digits, or a word.
    pub name: String,
    /// How it ended.
    pub ended: Ended,
    /// Seconds that it took as `check` tells them, in steps of 0.1 or 1; `None` where it does not.
    pub seconds: Option<f64>,
    /// Why it was not run, or what failed; empty where nothing is said.
    pub why: String,
    /// Its line.
    pub line: u32,
}

/// Reads what one `check` printed.
///
/// # Errors
/// It has no end, the end counts other tests than there are, or none was run and none refused.
pub fn parse(text: &str) -> Result<Vec<Ran>, ToolError> {
    let mut all: Vec<Ran> = Vec::new();
    let mut end = None;
    let mut last = 1;
    for (line, content) in lines(text) {
        last = line;
        // A terminal shows a test's line twice: what stands behind the last return is what is seen.
        let content =
            content.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default().trim_end();
        if let Some(counted) = counted(content) {
            end = Some((line, counted));
        } else if let Some(ran) = test(line, content)
            && !all.iter().any(|known| known.name == ran.name)
        {
            all.push(ran);
        }
    }
    let wrong = |line, reason: String| ToolError { tool: TOOL, line, reason };
    let Some((line, (failed, run))) = end else {
        return Err(wrong(last, "it has no end (Passed all .. iotests, or Failed .. of .. iotests)".into()));
    };
    let count = |of: &dyn Fn(&Ran) -> bool| all.iter().filter(|ran| of(ran)).count() as u64;
    let found = (count(&|ran| ran.ended == Ended::Fail), count(&|ran| ran.ended != Ended::NotRun));
    if found != (failed, run) {
        let (found_failed, found_run) = found;
        let told = format!("{failed} of {run} failed, and {found_failed} of {found_run} above do");
        return Err(wrong(line, told));
    }
    if all.is_empty() {
        return Err(wrong(line, "it ran no test".into()));
    }
    Ok(all)
}

/// How many failed of how many that were run, where a line is the end.
fn counted(line: &str) -> Option<(u64, u64)> {
    let of = line.strip_suffix(" iotests")?;
    if let Some(all) = of.strip_prefix("Passed all ") {
        return Some((0, all.parse().ok()?));
    }
    let (failed, run) = of.strip_prefix("Failed ")?.split_once(" of ")?;
    Some((failed.parse().ok()?, run.parse().ok()?))
}

/// A test's line, in one of the layouts.
fn test(line: u32, content: &str) -> Option<Ran> {
    let (name, rest) = content.split_once([' ', '\t'])?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain);
    if !is_name || name.len() > 100 {
        return None;
    }
    let (ended, seconds, why) = with_word(rest.trim_start()).or_else(|| without_word(name, rest.trim()))?;
    Some(Ran { name: name.to_owned(), ended, seconds, why: why.trim().to_owned(), line })
}

/// `pass [BEGIN] [END] 0.5s (last: 0.6s) REASON`
fn with_word(rest: &str) -> Option<(Ended, Option<f64>, &str)> {
    let words = [("pass", Ended::Pass), ("fail", Ended::Fail), ("not run", Ended::NotRun)];
    let (ended, rest) =
        words.into_iter().find_map(|(word, ended)| Some((ended, rest.strip_prefix(word)?.trim_start())))?;
    // Both moments: a line with the first alone is one of a test that has not ended.
    let rest = after_moment(after_moment(rest)?)?;
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let (seconds, rest) = match first.strip_suffix('s').and_then(number) {
        Some(seconds) => (Some(seconds), behind),
        None => (None, rest.strip_prefix("...").unwrap_or(rest)),
    };
    let rest = rest.trim_start();
    let why = rest.strip_prefix("(last: ").and_then(|rest| rest.split_once(')')).map_or(rest, |(_, why)| why);
    Some((ended, seconds, why))
}

fn after_moment(text: &str) -> Option<&str> {
    let (moment, rest) = text.strip_prefix('[')?.split_once(']')?;
    let is_time = moment.len() == 8 && moment.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    is_time.then(|| rest.trim_start())
}

/// `[1s ...] 2s`, `[not run] REASON`, `[failed, ..] - REASON`: tests of that time were numbered.
fn without_word<'t>(name: &str, rest: &'t str) -> Option<(Ended, Option<f64>, &'t str)> {
    if name.len() != 3 || !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (before, now) = match rest.split_once("...") {
        Some((before, now)) => (before.trim(), now.trim()),
        None => ("", rest),
    };
    if !before.is_empty() && before.strip_suffix('s').and_then(number).is_none() {
        return None;
    }
    if let Some(why) = now.strip_prefix("[not run]") {
        return Some((Ended::NotRun, None, why));
    }
    if now.starts_with("[failed") || now.starts_with("- output mismatch") {
        return Some((Ended::Fail, None, now));
    }
    let seconds = now.strip_suffix('s').and_then(number)?;
    Some((Ended::Pass, Some(seconds), ""))
}

/// The groups of a test, which its head names: `# group: rw auto quick`.
pub fn groups(head: &str) -> Vec<String> {
    let line = head.lines().take(20).find_map(|line| line.strip_prefix("# group:"));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// What one test came to, of a `check` that was told to run it alone.
///
/// # Errors
/// Those of [`parse`], or another test was run.
pub fn of_one(text: &str, name: &str) -> Result<Ran, ToolError> {
    let found = parse(text)?.into_iter().find(|ran| ran.name == name);
    let reason = || format!("it says nothing of {}", quoted(name));
    found.ok_or_else(|| ToolError { tool: TOOL, line: 1, reason: reason() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = include_str!("../testdata/qemu-iotests/new-check.txt");
    const MIDDLE: &str = include_str!("../testdata/qemu-iotests/middle-check.txt");
    const OLD: &str = include_str!("../testdata/qemu-iotests/old-check.txt");

    fn told(text: &str) -> Vec<(String, Ended, Option<f64>)> {
        parse(text).unwrap().into_iter().map(|ran| (ran.name, ran.ended, ran.seconds)).collect()
    }

    #[test]
    fn every_layout_tells_of_the_same() {
        let row = |name: &str, ended, seconds| (name.to_owned(), ended, seconds);
        let want = [
            row("001", Ended::Pass, Some(0.5)),
            row("002", Ended::Fail, Some(3.1)),
            row("003", Ended::NotRun, None),
            row("nbd-multiconn", Ended::Pass, Some(80.0)),
        ];
        assert_eq!(told(NEW), want);
        let want = [
            row("001", Ended::Pass, Some(0.3)),
            row("002", Ended::Pass, Some(2.0)),
            row("005", Ended::NotRun, None),
            row("006", Ended::Fail, Some(0.2)),
        ];
        assert_eq!(told(MIDDLE), want);
        let want = [
            row("001", Ended::Pass, Some(2.0)),
            row("002", Ended::NotRun, None),
            row("003", Ended::Fail, None),
            row("004", Ended::Pass, Some(3.0)),
        ];
        assert_eq!(told(OLD), want);
        assert_eq!(of_one(NEW, "003").unwrap().why, "not suitable for this image format: qcow2");
        assert_eq!(of_one(NEW, "002").unwrap().why, "output mismatch (see 002.out.bad)");
        assert!(of_one(NEW, "009").unwrap_err().to_string().contains("nothing of '009'"));
    }

    #[test]
    fn one_that_was_cut_off_or_counts_otherwise_is_refused() {
        let cut = parse(&NEW[..NEW.len() - 5]).unwrap_err();
        assert!(cut.reason.contains("it has no end"), "{cut}");
        let other = parse(&NEW.replace("Failed 1 of 3", "Failed 0 of 3")).unwrap_err();
        assert!(other.reason.contains("0 of 3 failed, and 1 of 3 above do"), "{other}");
        assert!(parse("Passed all 0 iotests\n").unwrap_err().reason.contains("no test"));
        // On a terminal the line of a test that runs is written over.
        let twice = "001   ...        [10:00:00]  ...\r001   pass       [10:00:00] [10:00:01]   0.5s\nPassed all 1 iotests\n";
        assert_eq!(told(twice), [("001".to_owned(), Ended::Pass, Some(0.5))]);
    }

    #[test]
    fn the_head_of_a_test_names_its_groups() {
        assert_eq!(groups("#!/usr/bin/env bash\n# group: rw auto quick\n#\n"), ["rw", "auto", "quick"]);
        assert_eq!(groups("#!/bin/sh\n"), [] as [&str; 0]);
    }
}
