//! What `qemu-img bench`, `qemu-img check --output=json` and qemu-io (`read -C`, `write -C`) print.
//!
//! ```text
//!   Sending 2000 read requests, 4096 bytes each, 8 in parallel (starting at offset 0, step size 4096)
//!   Run completed in 0.031 seconds.
//!
//!   4096,1,0:00:00.00,7985213.000,1949.5150        bytes, operations, time, bytes/s, operations/s: one line a command
//!
//!   { "check-errors": 0, "corruptions": 1, "leaks": 2, .. }     counts that are 0 are left out, check-errors alone are always told
//! ```

use crate::tool::{ToolError, lines, number};
use edge::quoted;
use serde::Deserialize;

/// One run of `qemu-img bench`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bench {
    /// `read` or `write`.
    pub direction: String,
    /// Requests.
    pub requests: u64,
    /// Bytes in each.
    pub size: u64,
    /// Requests at a time.
    pub depth: u64,
    /// Seconds that they took together, in milliseconds' resolution.
    pub seconds: f64,
    /// Line of the time.
    pub line: u32,
}

/// What was done by commands of qemu-io, together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Io {
    /// Operations.
    pub operations: u64,
    /// Bytes.
    pub bytes: u64,
    /// Seconds, from the rate of each command, because its printed time has two decimals only.
    pub seconds: f64,
    /// Line of the first command's result.
    pub line: u32,
}

/// What `qemu-img check` has found in an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// Clusters whose data are lost, or may be.
    #[serde(default)]
    pub corruptions: u64,
    /// Clusters that nothing uses: room that is lost, and no data.
    #[serde(default)]
    pub leaks: u64,
    /// What could not be looked at.
    #[serde(rename = "check-errors")]
    pub errors: u64,
}

/// Reads the output of one `qemu-img check --output=json`.
///
/// # Errors
/// It is none.
pub fn parse_check(text: &str) -> Result<Check, ToolError> {
    serde_json::from_str(text).map_err(|error| ToolError {
        tool: "qemu-img check",
        line: u32::try_from(error.line()).unwrap_or(u32::MAX).max(1),
        reason: error.to_string(),
    })
}

/// Reads the output of one `qemu-img bench`.
///
/// # Errors
/// There is no complete run in it, or one that took no measurable time.
pub fn parse_bench(text: &str) -> Result<Bench, ToolError> {
    let wrong = |line, reason: String| ToolError { tool: "qemu-img bench", line, reason };
    let mut bench: Option<Bench> = None;
    for (line, content) in lines(text) {
        if flush(content).is_some() {
            continue;
        }
        if content.starts_with("Sending ") {
            let read =
                sending(content).ok_or_else(|| wrong(line, format!("not a run: {}", quoted(content))))?;
            bench = Some(read);
        } else if let Some(rest) = content.strip_prefix("Run completed in ") {
            let seconds = rest.split_whitespace().next().and_then(number);
            let seconds = seconds.ok_or_else(|| wrong(line, format!("not a time: {}", quoted(content))))?;
            if seconds <= 0.0 {
                return Err(wrong(line, "it took less than a millisecond; ask for more requests".into()));
            }
            let bench = bench.ok_or_else(|| wrong(line, "a time without its run".into()))?;
            return Ok(Bench { seconds, line, ..bench });
        }
    }
    let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
    Err(wrong(end, "the run was not completed".into()))
}

/// The interval of `Sending flush every 100 requests`, which `--flush-interval` prints beside the run's own line.
pub(crate) fn flush(line: &str) -> Option<&str> {
    line.strip_prefix("Sending flush every ")?.strip_suffix(" requests")
}

fn sending(line: &str) -> Option<Bench> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |index: usize| words.get(index)?.parse::<u64>().ok();
    let direction = *words.get(2)?;
    ["read", "write"].contains(&direction).then_some(())?;
    let (requests, size, depth) = (number(1)?, number(4)?, number(7)?);
    Some(Bench { direction: direction.into(), requests, size, depth, seconds: 0.0, line: 0 })
}

/// Reads the output of qemu-io commands that were given `-C`.
///
/// # Errors
/// A command failed, or none reported.
pub fn parse_io(text: &str) -> Result<Io, ToolError> {
    let wrong = |line, reason: String| ToolError { tool: "qemu-io", line, reason };
    let mut io = Io::default();
    for (line, content) in lines(text) {
        if content.contains(" failed:") || content.contains("command not found") {
            return Err(wrong(line, format!("it says {}", quoted(content.trim()))));
        }
        let Some((bytes, operations, rate)) = csv(content) else { continue };
        if io.line == 0 {
            io.line = line;
        }
        if rate <= 0.0 {
            return Err(wrong(line, "a command that took no time".into()));
        }
        io.operations = io.operations.saturating_add(operations);
        io.bytes = io.bytes.saturating_add(bytes);
        io.seconds += operations as f64 / rate;
    }
    if io.operations == 0 { Err(wrong(1, "no command reported what it did".into())) } else { Ok(io) }
}

/// Bytes, operations and operations in a second of a line that qemu-io printed with `-C`.
pub(crate) fn csv(line: &str) -> Option<(u64, u64, f64)> {
    let cells: Vec<&str> = line.split(',').collect();
    let [bytes, operations, _, _, rate] = cells.as_slice() else { return None };
    Some((bytes.trim().parse().ok()?, operations.trim().parse().ok()?, number(rate)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = include_str!("../testdata/qemu-img/7.2-bench-read.txt");
    const WRITE: &str = include_str!("../testdata/qemu-img/7.2-bench-write-qcow2.txt");
    const OLD_READ: &str = include_str!("../testdata/qemu-img/5.2-bench-read.txt");
    const OLD_WRITE: &str = include_str!("../testdata/qemu-img/5.2-bench-write.txt");
    const OLD_IO: &str = include_str!("../testdata/qemu-img/5.2-io.txt");
    const IO: &str = include_str!("../testdata/qemu-img/7.2-io.txt");

    #[test]
    fn a_run_has_its_requests_and_its_time() {
        let read = parse_bench(READ).unwrap();
        let want =
            Bench { direction: "read".into(), requests: 2000, size: 4096, depth: 8, seconds: 0.031, line: 2 };
        assert_eq!(read, want);
        assert_eq!(parse_bench(WRITE).unwrap().seconds, 0.678);
        assert_eq!(parse_bench(OLD_READ).unwrap(), Bench { seconds: 0.010, ..want });
        let write = parse_bench(OLD_WRITE).unwrap();
        assert_eq!((write.direction.as_str(), write.seconds), ("write", 0.099));
    }

    #[test]
    fn a_run_that_was_cut_off_or_too_short_is_refused() {
        let reason = |text: &str| parse_bench(text).unwrap_err().to_string();
        assert!(reason(&READ[..60]).contains("not a run") || reason(&READ[..60]).contains("not completed"));
        assert_eq!(
            reason(READ.lines().next().unwrap()),
            "qemu-img bench output, line 1: the run was not completed"
        );
        assert!(
            reason("Sending 1 read requests, 1 bytes each, 1 in parallel\nRun completed in 0.000 seconds.\n")
                .contains("ask for more")
        );
        assert!(reason("Run completed in 1 seconds.\n").contains("without its run"));
        assert!(reason("Sending two read requests\n").contains("not a run"));
    }

    #[test]
    fn commands_of_qemu_io_add_up() {
        let io = parse_io(IO).unwrap();
        assert_eq!((io.operations, io.bytes), (3, 3 * 65536));
        assert!(io.seconds > 0.0 && io.line == 1);
        let old = parse_io(OLD_IO).unwrap();
        assert_eq!((old.operations, old.bytes), (io.operations, io.bytes));
        assert!(
            parse_io("read failed: Input/output error\n").unwrap_err().reason.contains("Input/output error")
        );
        assert!(parse_io("").is_err());
        assert!(parse_io("4096,1,0:00:00.00,0.000,0.0000\n").is_err());
    }

    #[test]
    fn what_a_check_has_found_is_counted_and_what_it_does_not_name_was_not_found() {
        let of = |corruptions, leaks| Check { corruptions, leaks, errors: 0 };
        assert_eq!(parse_check(include_str!("../testdata/qemu-img/7.2-check-whole.json")), Ok(of(0, 0)));
        assert_eq!(parse_check(include_str!("../testdata/qemu-img/7.2-check-leaks.json")), Ok(of(0, 1)));
        assert_eq!(parse_check(include_str!("../testdata/qemu-img/7.2-check-corrupt.json")), Ok(of(1, 1)));
        for odd in
            ["", "{}", "qemu-img: Could not open 'x'\n", "{\"check-errors\": -1}", "{\"check-errors\": 0"]
        {
            assert!(parse_check(odd).is_err(), "{odd}");
        }
    }
}
