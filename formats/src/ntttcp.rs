//! What ntttcp prints, on Linux (ntttcp-for-linux 1.4) and on Windows (NTttcp 5 and its forerunners NTttcps and NTttcpr).
//!
//! ```text
//!   08:06:28 INFO:   throughput     :84.04Gbps        Linux
//!
//!   Bytes(MEG)    realtime(s) Avg Frame Size Throughput(MB/s)        Windows 5: a table, its values below a ruler
//!   Total Bytes(MEG)   Realtime(s)   Ave Frame Size   Total Throughput(Mbit/s)        the same before 2010
//! ```

use crate::tool::{ToolError, lines, number};
use edge::quoted;

/// One run of one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Mbit/s.
    pub throughput: f64,
    /// Line of the throughput.
    pub line: u32,
}

/// Reads what one side printed; the receiver's throughput is the one that counts.
///
/// # Errors
/// There is no total in it.
pub fn parse(text: &str) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "ntttcp", line, reason };
    let mut found: Option<Run> = None;
    // Bits of a megabyte in the table of totals that is being read.
    let mut table: Option<f64> = None;
    // What was moved and how long it took, on Linux: a rate of 1.10Gbps has been rounded to a percent.
    let (mut bytes, mut seconds) = (None, None);
    for (line, content) in lines(text) {
        let said = content.trim();
        if let Some((what, value)) = said.rsplit_once(':')
            && what.trim_end().ends_with("throughput")
            // What went by meanwhile is no total, least of all where the total was cut off.
            && !what.contains("Real-time")
        {
            let rounded = bits(value).ok_or_else(|| wrong(line, format!("not a rate: {}", quoted(said))))?;
            let exact = rate(bytes.take(), seconds.take(), 8.0);
            found = Some(Run { throughput: exact.unwrap_or(rounded) / 1e6, line });
            continue;
        }
        if let Some((what, value)) = said.rsplit_once(':') {
            let name = what.trim_end();
            if name.ends_with("total bytes") {
                bytes = number(value);
            } else if name.ends_with("test duration") {
                seconds = value.split_whitespace().next().and_then(number);
            }
        }
        if said.contains("Bytes(MEG)") {
            table = [("Throughput(Mbit/s)", 8e6), ("Throughput(MB/s)", 8.0 * 1_048_576.0)]
                .into_iter()
                .find(|(heading, _)| said.contains(heading))
                .map(|(_, factor)| factor);
        } else if let Some(factor) = table {
            let cells: Option<Vec<f64>> = said.split_whitespace().map(number).collect();
            if let Some([megabytes, seconds, _, printed, ..]) = cells.as_deref() {
                let rounded = if factor > 8e6 { printed * factor / 1e6 } else { *printed };
                let exact = rate(Some(*megabytes), Some(*seconds), factor).map(|rate| rate / 1e6);
                found = Some(Run { throughput: exact.unwrap_or(rounded), line });
                table = None;
            }
        }
    }
    let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
    let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default().trim();
    found.ok_or_else(|| wrong(end, format!("it has no total throughput; it ends with {}", quoted(last))))
}

/// bit/s of what was moved in so many seconds, with the bits of its unit.
fn rate(moved: Option<f64>, seconds: Option<f64>, bits: f64) -> Option<f64> {
    Some(moved? * bits / seconds.filter(|s| *s > 0.0)?).filter(|rate| rate.is_finite())
}

/// `84.04Gbps` in bit/s.
fn bits(text: &str) -> Option<f64> {
    let text = text.trim();
    let factors = [("Gbps", 1e9), ("Mbps", 1e6), ("Kbps", 1e3), ("bps", 1.0)];
    factors.into_iter().find_map(|(unit, factor)| Some(number(text.strip_suffix(unit)?)? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = include_str!("../testdata/ntttcp/linux-1.4.0-reconstructed.txt");
    const WINDOWS: &str = include_str!("../testdata/ntttcp/windows-5.39-reconstructed.txt");
    const OLD: &str = include_str!("../testdata/ntttcp/windows-2009-reconstructed.txt");

    #[test]
    fn linux_and_both_windows_shapes_give_mbit_per_second() {
        assert_eq!(parse(LINUX).unwrap(), Run { throughput: 9410.0, line: 9 });
        let windows = parse(WINDOWS).unwrap();
        assert!((windows.throughput - 1000.0 * 8.388_608).abs() < 1e-6, "{windows:?}");
        assert!((parse(OLD).unwrap().throughput - 895.979).abs() < 1e-3);
    }

    #[test]
    fn published_runs_give_what_their_bytes_and_seconds_do() {
        for (text, bytes, seconds) in [
            (include_str!("../testdata/ntttcp/linux-1.4.0-receiver-published.txt"), 630_292_053_310.0, 60.0),
            (
                include_str!("../testdata/ntttcp/linux-1.4.0-sender-verbose-published.txt"),
                238_419_968.0,
                60.0,
            ),
            (
                include_str!("../testdata/ntttcp/linux-1.4.0-sender-packets-published.txt"),
                135_945_781_248.0,
                120.36,
            ),
            (include_str!("../testdata/ntttcp/windows-5.39-published.txt"), 34_243.0 * 1_048_576.0, 300.005),
            (include_str!("../testdata/ntttcp/windows-5.40-published.txt"), 285.0 * 1_048_576.0, 60.011),
        ] {
            let (read, own) = (parse(text).unwrap().throughput, bytes * 8.0 / 1e6 / seconds);
            assert!((read / own - 1.0).abs() < 1e-12, "{read} and {own} of {text}");
        }
    }

    #[test]
    fn a_rate_comes_from_bytes_and_seconds_and_not_from_its_rounded_text() {
        let text = LINUX.replace(":9.41Gbps", ":9.4Gbps");
        assert_eq!(parse(&text).unwrap().throughput, 9410.0);
        let alone = "20:34:13 INFO: throughput\t:1.10Gbps\n";
        assert_eq!(parse(alone).unwrap().throughput, 1100.0);
    }

    #[test]
    fn crlf_is_no_hindrance_and_a_run_that_failed_is_refused() {
        assert_eq!(parse(&WINDOWS.replace('\n', "\r\n")).unwrap().line, parse(WINDOWS).unwrap().line);
        assert!(parse(&LINUX[..LINUX.find("throughput").unwrap()]).unwrap_err().reason.contains("no total"));
        assert!(parse("x INFO: throughput :fast\n").unwrap_err().reason.contains("not a rate"));
        assert_eq!(parse("ERROR: failed to connect\n").unwrap_err().line, 1);
    }
}
