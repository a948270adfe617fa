//! What one netperf session prints with `-D` (demo mode) and the test-specific `-k`.
//!
//! Both shapes of interim lines are read: `NETPERF_INTERIM_RESULT[i]=` with its companions, and the plain
//! `Interim result: X UNITS over S seconds ending at T`. An interval can come late when throughput drops, because
//! netperf guesses the work for each; so intervals carry their own length and ending stamp, and a mean over a
//! window weighs them by what they share with it (netperf manual, section "Demo mode").

//!
//! TCP_SENDFILE is older than the rest of netperf 2.7: it knows no `-k`, and its final block is a table of one row.

use crate::tool::{ToolError, lines, number};
use edge::quoted;
use std::collections::BTreeMap;

/// One interim result.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Rate over the interval, in [`Session::unit`].
    pub rate: f64,
    /// Length in seconds.
    pub seconds: f64,
    /// Its end in seconds since the epoch, on the client's clock.
    pub ending: f64,
    /// Line of the rate, counted from 1.
    pub line: u32,
}

/// One session's output, as far as it has been written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// `10^6bits/s` or `Trans/s`; empty before the first interval.
    pub unit: String,
    /// Complete intervals in order.
    pub intervals: Vec<Interval>,
    /// The final block: `THROUGHPUT` and whatever else `-k` named, with its line.
    pub summary: BTreeMap<String, (String, u32)>,
}

/// One interval of the keyed shape, while its four lines arrive.
#[derive(Default)]
struct Partial {
    rate: Option<(f64, u32)>,
    unit: Option<String>,
    seconds: Option<f64>,
    ending: Option<f64>,
}

/// Reads a session's output, complete or still growing: a last line without its newline is left alone.
///
/// # Errors
/// An interim result that is none, or intervals in different units.
pub fn parse_session(text: &str) -> Result<Session, ToolError> {
    let mut session = Session::default();
    let mut partial = Partial::default();
    for (line, content) in lines(text) {
        let wrong = |reason: &str| ToolError {
            tool: "netperf",
            line,
            reason: format!("{reason}: {}", quoted(content)),
        };
        // What a file system leaves of a file that was not written through: an interval would be missing unseen.
        if content.contains('\0') {
            return Err(wrong("a line with zeros in it, the file is damaged"));
        }
        if let Some(rest) = content.strip_prefix("Interim result:") {
            let (unit, interval) =
                plain_interval(rest, line).ok_or_else(|| wrong("not an interim result"))?;
            add(&mut session, unit, interval).map_err(|reason| wrong(&reason))?;
        } else if let Some((key, value)) = content.split_once('=').filter(|(key, _)| is_key(key)) {
            if keyed_part(&mut partial, key, value.trim(), line).ok_or_else(|| wrong("not a number"))? {
                if let (Some((rate, at)), Some(seconds), Some(ending)) =
                    (partial.rate, partial.seconds, partial.ending)
                {
                    let interval = Interval { rate, seconds, ending, line: at };
                    add(&mut session, partial.unit.unwrap_or_default(), interval).map_err(|r| wrong(&r))?;
                    partial = Partial::default();
                }
            } else {
                session.summary.insert(key.to_owned(), (value.trim().to_owned(), line));
            }
        } else if let Some((seconds, throughput)) = table_row(content) {
            session.summary.insert("ELAPSED_TIME".into(), (seconds.to_owned(), line));
            session.summary.insert("THROUGHPUT".into(), (throughput.to_owned(), line));
        }
    }
    Ok(session)
}

/// The row of the classic table of a stream: socket sizes of both sides, message size, seconds and throughput.
fn table_row(line: &str) -> Option<(&str, &str)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, seconds, throughput] = words.as_slice() else { return None };
    words.iter().all(|w| number(w).is_some()).then_some((*seconds, *throughput))
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'[' | b']'))
}

/// Takes in one line of the keyed shape. `Some(false)` when the key belongs to the final block.
fn keyed_part(partial: &mut Partial, key: &str, value: &str, line: u32) -> Option<bool> {
    let number = || number(value);
    match key.split_once('[').map_or(key, |(name, _)| name) {
        "NETPERF_INTERIM_RESULT" => partial.rate = Some((number()?, line)),
        "NETPERF_UNITS" => partial.unit = Some(value.to_owned()),
        "NETPERF_INTERVAL" => partial.seconds = Some(number()?),
        "NETPERF_ENDING" => partial.ending = Some(number()?),
        _ => return Some(false),
    }
    Some(true)
}

fn plain_interval(rest: &str, line: u32) -> Option<(String, Interval)> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [rate, unit, "over", seconds, "seconds", "ending", "at", ending] = words.as_slice() else {
        return None;
    };
    let interval = Interval { rate: number(rate)?, seconds: number(seconds)?, ending: number(ending)?, line };
    Some(((*unit).to_owned(), interval))
}

fn add(session: &mut Session, unit: String, interval: Interval) -> Result<(), String> {
    if session.unit.is_empty() {
        session.unit = unit;
    } else if session.unit != unit {
        return Err(format!("the unit changed from {} to {}", quoted(&session.unit), quoted(&unit)));
    }
    session.intervals.push(interval);
    Ok(())
}

impl Session {
    /// When the first interval began, seconds since the epoch.
    pub fn first_start(&self) -> Option<f64> {
        self.intervals.first().map(|i| i.ending - i.seconds)
    }

    /// When the last complete interval ended.
    pub fn last_end(&self) -> Option<f64> {
        self.intervals.last().map(|i| i.ending)
    }

    /// Mean rate over `[start, end]` (seconds since the epoch): each interval counts by the time that it shares with
    /// the window. `None` unless intervals cover at least 98 % of the window; what is missing is then taken to run at
    /// the same rate.
    pub fn mean_rate(&self, start: f64, end: f64) -> Option<f64> {
        let shared = |i: &Interval| (i.ending.min(end) - (i.ending - i.seconds).max(start)).max(0.0);
        let covered: f64 = self.intervals.iter().map(shared).sum();
        // Weights and not work: a rate times its seconds may be more than a number holds.
        let mean = || self.intervals.iter().map(|i| i.rate * (shared(i) / covered)).sum::<f64>();
        (end > start && covered >= 0.98 * (end - start)).then(mean).filter(|mean| mean.is_finite())
    }

    /// The first interval within `[start, end]` in which the session stalled: nothing moved, or netperf could not report
    /// for longer than `limit` seconds.
    pub fn stall(&self, start: f64, end: f64, limit: f64) -> Option<&Interval> {
        let shares = |i: &&Interval| i.ending > start && i.ending - i.seconds < end;
        self.intervals.iter().filter(shares).find(|i| i.rate == 0.0 || i.seconds > limit)
    }

    /// A number of the final block with its line.
    pub fn summary_number(&self, key: &str) -> Option<(f64, u32)> {
        let (text, line) = self.summary.get(key)?;
        Some((text.parse::<f64>().ok().filter(|n| n.is_finite())?, *line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYED: &str = include_str!("../testdata/netperf/2.7.0-tcp_rr-keyed.txt");
    const UDP: &str = include_str!("../testdata/netperf/2.7.0-udp_stream-keyed.txt");
    const SENDFILE: &str = include_str!("../testdata/netperf/2.7.0-tcp_sendfile-plain.txt");
    const PLAIN: &str = include_str!("../testdata/netperf/2.7.0-tcp_stream-plain.txt");

    #[test]
    fn zeros_in_the_place_of_an_interval_are_damage_and_not_a_line_of_no_interest() {
        let text = "Interim result: 100.00 10^6bits/s over 1.000 seconds ending at 1.000\n\0\0\0\n";
        let error = parse_session(text).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }

    #[test]
    fn the_keyed_shape_gives_intervals_and_the_final_block() {
        let s = parse_session(KEYED).unwrap();
        assert_eq!((s.unit.as_str(), s.intervals.len()), ("Trans/s", 6));
        assert_eq!(
            s.intervals[5],
            Interval { rate: 24617.43, seconds: 0.003, ending: 1795235780.346, line: 22 }
        );
        assert_eq!(s.summary_number("THROUGHPUT"), Some((19138.75, 26)));
    }

    #[test]
    fn the_plain_shape_gives_the_same_kind_of_intervals() {
        let s = parse_session(PLAIN).unwrap();
        assert_eq!((s.unit.as_str(), s.intervals.len()), ("10^6bits/s", 10));
        assert!((s.first_start().unwrap() - 1795235775.332).abs() < 1e-6);
    }

    #[test]
    fn a_udp_stream_says_what_was_sent_and_what_arrived() {
        let s = parse_session(UDP).unwrap();
        assert_eq!((s.unit.as_str(), s.intervals.len()), ("10^6bits/s", 5));
        assert_eq!(s.summary_number("THROUGHPUT").map(|(n, _)| n), Some(228.29));
        let sent = s.summary_number("LOCAL_SEND_THROUGHPUT").unwrap().0;
        let mean = s.mean_rate(s.first_start().unwrap(), s.last_end().unwrap()).unwrap();
        assert!((mean / sent - 1.0).abs() < 0.01, "intervals are about what was sent: {mean} {sent}");
    }

    #[test]
    fn the_table_of_sendfile_is_its_summary() {
        let s = parse_session(SENDFILE).unwrap();
        assert_eq!(s.intervals.len(), 4);
        assert_eq!(s.summary_number("THROUGHPUT"), Some((12811.81, 11)));
        assert_eq!(s.summary_number("ELAPSED_TIME").map(|(n, _)| n), Some(1.0));
    }

    #[test]
    fn a_stall_is_an_interval_that_is_empty_or_comes_late() {
        let text = "Interim result: 9 a over 1 seconds ending at 11\nInterim result: 5 a over 4 seconds ending at 15\n\
                    Interim result: 0 a over 1 seconds ending at 16\n";
        let s = parse_session(text).unwrap();
        assert_eq!(s.stall(10.0, 16.0, 3.0).map(|i| i.line), Some(2));
        assert_eq!(s.stall(10.0, 16.0, 5.0).map(|i| i.line), Some(3));
        assert_eq!(s.stall(10.0, 15.0, 5.0), None, "what comes after the window does not count");
    }

    #[test]
    fn a_mean_over_the_whole_session_agrees_with_netperfs_own_summary() {
        let s = parse_session(KEYED).unwrap();
        let mean = s.mean_rate(s.first_start().unwrap(), s.last_end().unwrap()).unwrap();
        assert!((mean / 19138.75 - 1.0).abs() < 0.005, "{mean}");
    }

    #[test]
    fn a_window_is_weighed_by_what_each_interval_shares_with_it() {
        let s = parse_session("Interim result: 10 Trans/s over 1 seconds ending at 11\nInterim result: 30 Trans/s over 3 seconds ending at 14\n").unwrap();
        let mean = s.mean_rate(10.5, 12.0).unwrap();
        assert!((mean * 1.5 / (10.0 * 0.5 + 30.0) - 1.0).abs() < 1e-12, "{mean}");
        assert_eq!(s.mean_rate(10.0, 14.5), None, "half a second is not covered");
        assert_eq!(s.mean_rate(12.0, 12.0), None);
        let s = parse_session("Interim result: 1e308 Trans/s over 4 seconds ending at 4\n").unwrap();
        assert_eq!(s.mean_rate(0.0, 4.0), Some(1e308), "work is not summed");
    }

    #[test]
    fn output_that_is_still_growing_is_read_as_far_as_it_goes() {
        for end in (0..KEYED.len()).filter(|i| KEYED.is_char_boundary(*i)) {
            assert!(parse_session(&KEYED[..end]).unwrap().intervals.len() <= 6);
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        let error = parse_session("x\nNETPERF_INTERVAL[0]=soon\n").unwrap_err();
        assert_eq!(error.to_string(), "netperf output, line 2: not a number: 'NETPERF_INTERVAL[0]=soon'");
        assert!(parse_session("Interim result: 1 a over 1 seconds ending at 2\nInterim result: 1 b over 1 seconds ending at 3\n").is_err());
        assert_eq!(parse_session("establish control: are you sure?\n").unwrap(), Session::default());
    }
}
