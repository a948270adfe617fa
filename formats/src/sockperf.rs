//! What `sockperf ping-pong` prints (sockperf's README, section "Ping-pong").
//!
//! Latencies are half the round trip, or the whole with `--full-rtt`; the text says which. Colours are left out.

use crate::tool::{ToolError, lines, number};
use edge::quoted;

/// One run of a client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// sockperf was asked for whole round trips.
    pub round_trip: bool,
    /// Mean in microseconds.
    pub mean_us: f64,
    /// Largest in microseconds.
    pub max_us: f64,
    /// Percentage and microseconds, largest first.
    pub percentiles: Vec<(f64, f64)>,
    /// Messages that came back in the valid part of the run.
    pub messages: f64,
    /// The length of that part in seconds.
    pub seconds: f64,
    /// Messages that did not come back.
    pub dropped: f64,
    /// Line of the mean.
    pub line: u32,
}

impl Run {
    /// A percentile in microseconds.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.percentiles.iter().find(|(at, _)| (at - percent).abs() < 1e-6).map(|(_, us)| *us)
    }
}

/// Reads one run.
///
/// # Errors
/// A run without a summary, with what sockperf complained of.
pub fn parse(text: &str) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "sockperf", line, reason };
    let mut run = Run::default();
    let mut complaint = None;
    for (line, content) in lines(text) {
        let plain = without_colours(content);
        let said = plain.trim_start_matches("sockperf:").trim();
        let nonsense = || wrong(line, format!("not a number: {}", quoted(said)));
        if let Some(rest) = said.strip_prefix("[Valid Duration]") {
            let field = |name: &str| number(rest.split(name).nth(1)?.split([' ', ';']).next()?);
            run.seconds = field("RunTime=").ok_or_else(nonsense)?;
            run.messages = field("ReceivedMessages=").ok_or_else(nonsense)?;
        } else if let Some(rest) = said.strip_prefix("# dropped messages = ") {
            run.dropped = rest.split(';').next().and_then(number).ok_or_else(nonsense)?;
        } else if let Some(rest) = said.strip_prefix("Summary: ") {
            let word = rest.split(" is ").nth(1).and_then(|r| r.split_whitespace().next());
            run.mean_us = word.and_then(number).ok_or_else(nonsense)?;
            (run.round_trip, run.line) = (rest.starts_with("Round trip"), line);
        } else if let Some(rest) = said.strip_prefix("---> ") {
            let (what, value) = rest.split_once('=').ok_or_else(nonsense)?;
            let value = number(value).ok_or_else(nonsense)?;
            match what.trim().strip_prefix("percentile ") {
                Some(percent) => run.percentiles.push((number(percent).ok_or_else(nonsense)?, value)),
                None if what.contains("<MAX>") => run.max_us = value,
                None => {}
            }
        } else if ["No messages", "ERROR", "error"].iter().any(|word| said.contains(word)) {
            complaint.get_or_insert_with(|| (line, format!("it says {}", quoted(said))));
        }
    }
    if run.line == 0 {
        let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
        let (line, reason) = complaint.unwrap_or_else(|| {
            let is_log = text.lines().any(|line| line.starts_with("packet, txTime"));
            let log = ": it is the file of --full-log; give the text that sockperf prints beside it";
            (end, format!("it has no summary{}", if is_log { log } else { "" }))
        });
        return Err(wrong(line, reason));
    }
    if run.percentiles.is_empty() || run.seconds <= 0.0 {
        return Err(wrong(run.line, "it has no percentiles, or no valid part".into()));
    }
    Ok(run)
}

/// A line without its ANSI colours (`ESC [ .. m`).
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const UDP: &str = include_str!("../testdata/sockperf/3.7-udp.txt");
    const TCP: &str = include_str!("../testdata/sockperf/3.7-tcp-full-rtt.txt");
    const UDP_3_6: &str = include_str!("../testdata/sockperf/3.6-udp.txt");
    const OLD: &str = include_str!("../testdata/sockperf/2.7-reconstructed.txt");

    #[test]
    fn latencies_are_half_round_trips_unless_the_text_says_otherwise() {
        let run = parse(UDP).unwrap();
        assert_eq!((run.mean_us, run.max_us, run.round_trip), (21.748, 15818.531, false));
        assert_eq!(
            (run.percentile(50.0), run.percentile(99.0), run.percentile(99.9)),
            (Some(9.437), Some(32.48), Some(2632.678))
        );
        assert_eq!((run.messages, run.seconds, run.dropped), (35511.0, 1.547, 0.0));
        let whole = parse(TCP).unwrap();
        assert_eq!((whole.mean_us, whole.round_trip), (23.592, true));
        let before = parse(UDP_3_6).unwrap();
        assert_eq!((before.mean_us, before.max_us, before.round_trip), (23.944, 1284.617, false));
        assert_eq!((before.percentile(99.9), before.messages), (Some(95.707), 32364.0));
    }

    #[test]
    fn text_without_colours_and_with_other_percentiles_is_read_alike() {
        let old = parse(OLD).unwrap();
        assert_eq!(
            (old.mean_us, old.percentile(99.0), old.percentile(99.9)),
            (50.5, Some(150.0), Some(400.25))
        );
        assert_eq!(old.percentile(97.0), None);
    }

    #[test]
    fn a_run_without_a_summary_is_refused_with_what_was_complained_of() {
        let silent = "sockperf: Test ended\nsockperf: No messages were received from the server. Is the server down?\n";
        let error = parse(silent).unwrap_err().to_string();
        assert_eq!(
            error,
            "sockperf output, line 2: it says 'No messages were received from the server. Is the server down?'"
        );
        let cut = &UDP[..UDP.find("Summary").unwrap()];
        assert!(parse(cut).unwrap_err().reason.contains("no summary"));
        let log = format!("{cut}\npacket, txTime(sec), rxTime(sec), latency(usec)\n0, 2.53, 2.54, 5.65\n");
        assert!(parse(&log).unwrap_err().reason.ends_with("give the text that sockperf prints beside it"));
        let odd = UDP.replace("= 15818.531", "= soon");
        assert!(parse(&odd).unwrap_err().reason.contains("not a number"));
    }
}
