//! iperf3's JSON (`iperf3 -J`; iperf3(1)).
//!
//! What was sent and what was received stand apart; a throughput is what was received.

use crate::json::{self, Value};
use crate::tool::ToolError;
use edge::quoted;

/// One run of a client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// iperf3's version, as it prints it.
    pub version: String,
    /// `TCP` or `UDP`.
    pub protocol: String,
    /// The server sent.
    pub reverse: bool,
    /// bit/s that arrived.
    pub received: f64,
    /// bit/s that were sent.
    pub sent: f64,
    /// Segments sent again; TCP on Linux only.
    pub retransmits: Option<f64>,
    /// UDP's jitter in milliseconds.
    pub jitter_ms: Option<f64>,
    /// UDP's losses in per cent.
    pub lost_percent: Option<f64>,
    /// bit/s of all streams, interval by interval. Those left out of the result are not among them, and neither is one
    /// that began in them: where two of iperf3's timers fall together, it prints such a one.
    pub intervals: Vec<Interval>,
    /// Line of the sum of what was received.
    pub line: u32,
}

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its end, seconds since the measurement began.
    pub end: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// bit/s.
    pub rate: f64,
}

/// The part of an interval that may lie before the measurement's begin: iperf3's own times differ by microseconds.
const STRADDLE: f64 = 0.05;

/// Reads one run.
///
/// # Errors
/// Text that is no JSON or is cut off, a run that ended with an error, or one without its sums.
pub fn parse(text: &str) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "iperf3", line, reason };
    let (root, first) = json::last_object(text).map_err(|(line, reason)| wrong(line, reason))?;
    read(&root, first, |key| json::lines_of_key(text, key, first))
}

/// Reads one run out of its JSON, which begins on a line; where a key stands is looked up.
///
/// # Errors
/// As [`parse`].
pub(crate) fn read(root: &Value<'_>, first: u32, lines: impl Fn(&str) -> Vec<u32>) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "iperf3", line, reason };
    if let Some(error) = root.get("error") {
        let line = lines("error").last().copied().unwrap_or(first);
        let said = Some(json::level(error)).filter(|said| !said.trim().is_empty());
        let said = said.map(|said| format!("it says {}", quoted(&said)));
        return Err(wrong(line, said.unwrap_or_else(|| "it failed and does not say why".into())));
    }
    let test = root.pointer("/start/test_start");
    let protocol = test.and_then(|t| t.get("protocol")).map(json::level);
    let protocol = protocol.ok_or_else(|| wrong(first, "it does not say what was tested".into()))?;
    let run = Run {
        version: root.pointer("/start/version").map(json::level).unwrap_or_default(),
        reverse: test.and_then(|t| json::number(t, "reverse")).unwrap_or(0.0) != 0.0,
        intervals: intervals(root),
        line: first,
        protocol,
        ..Run::default()
    };
    let (run, place) = with_sums(run, root, ["sum_sent", "sum_received", "sum"])
        .ok_or_else(|| wrong(first, "it has no sum of what was received".into()))?;
    let line = lines(place).last().copied().unwrap_or(first);
    Ok(Run { line, ..run })
}

/// The other direction of a run with `--bidir`: what the server sent meanwhile.
pub(crate) fn other_direction(root: &Value<'_>, run: &Run) -> Option<Run> {
    let names = ["sum_sent_bidir_reverse", "sum_received_bidir_reverse", "sum_bidir_reverse"];
    let run = Run { reverse: true, intervals: Vec::new(), ..run.clone() };
    with_sums(run, root, names).map(|(run, _)| run)
}

/// A run with its figures out of the sums of these names (sent, received, and one of both), and the name of that which
/// tells what was received.
fn with_sums<'n>(run: Run, root: &Value<'_>, names: [&'n str; 3]) -> Option<(Run, &'n str)> {
    let end = root.get("end")?;
    let number = |key: &str, name: &str| json::number(end.get(key)?, name);
    let of = |keys: [&str; 2], name: &str| keys.iter().find_map(|key| number(key, name));
    let [sum_sent, sum_received, both] = names;
    let rate = |key: &str| number(key, "bits_per_second");
    // Before 3.10 a UDP run had one sum for both sides, of what was sent, with the losses in it.
    let lost = of([sum_received, both], "lost_percent");
    let (sent, received, place) = match (rate(sum_sent), rate(sum_received), rate(both)) {
        (Some(sent), Some(received), _) => (sent, received, sum_received),
        (_, _, Some(all)) => (all, all * (1.0 - lost.unwrap_or(0.0) / 100.0), both),
        _ => return None,
    };
    let udp = run.protocol == "UDP";
    let retransmits = of([sum_sent, both], "retransmits");
    let jitter_ms = if udp { of([sum_received, both], "jitter_ms") } else { None };
    let lost_percent = if udp { lost } else { None };
    Some((Run { received, sent, retransmits, jitter_ms, lost_percent, ..run }, place))
}

fn intervals(root: &Value<'_>) -> Vec<Interval> {
    let all = root.get("intervals").and_then(Value::as_array).into_iter().flatten();
    let sums = all.filter_map(|interval| interval.get("sum"));
    let kept = sums.filter(|sum| sum.get("omitted").and_then(Value::as_bool) != Some(true));
    kept.filter_map(|sum| {
        let number = |key: &str| json::number(sum, key);
        Some(Interval { end: number("end")?, seconds: number("seconds")?, rate: number("bits_per_second")? })
    })
    .filter(|interval| interval.seconds - interval.end < interval.seconds * STRADDLE)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = include_str!("../testdata/iperf3/3.12-tcp.json");
    const TCP_3_18: &str = include_str!("../testdata/iperf3/3.18-tcp.json");
    const UDP_3_18: &str = include_str!("../testdata/iperf3/3.18-udp.json");
    const UDP: &str = include_str!("../testdata/iperf3/3.12-udp.json");
    const REVERSE: &str = include_str!("../testdata/iperf3/3.12-reverse.json");
    const REFUSED: &str = include_str!("../testdata/iperf3/3.12-refused.json");
    const OLD_UDP: &str = include_str!("../testdata/iperf3/3.1-udp-reconstructed.json");

    #[test]
    fn tcp_has_what_was_received_and_sent_again_and_its_intervals_without_the_omitted_ones() {
        let run = parse(TCP).unwrap();
        assert_eq!((run.version.as_str(), run.protocol.as_str(), run.reverse), ("iperf 3.12", "TCP", false));
        assert_eq!((run.received, run.sent), (8570471889.214757, 8585586733.78691));
        assert_eq!((run.retransmits, run.jitter_ms, run.lost_percent), (Some(14.0), None, None));
        assert_eq!(run.intervals.len(), 4);
        let work: f64 = run.intervals.iter().map(|i| i.rate * i.seconds).sum();
        let time: f64 = run.intervals.iter().map(|i| i.seconds).sum();
        assert!((work / time / run.sent - 1.0).abs() < 0.01);
        assert!(parse(REVERSE).unwrap().reverse);
        let later = parse(TCP_3_18).unwrap();
        assert_eq!((later.received, later.sent), (14925440399.553942, 14940202433.986036));
        // The first of its four that count began half a second before the measurement.
        assert_eq!((later.retransmits, later.intervals.len()), (Some(5.0), 3));
    }

    #[test]
    fn udp_has_losses_and_jitter_in_either_shape() {
        let run = parse(UDP).unwrap();
        assert_eq!((run.protocol.as_str(), run.lost_percent), ("UDP", Some(13.317082164000245)));
        assert_eq!((run.received, run.sent), (172709762.1491276, 199660930.43226457));
        let later = parse(UDP_3_18).unwrap();
        assert_eq!((later.received, later.sent), (193889058.88219464, 199960631.77840585));
        assert_eq!(later.lost_percent, Some(3.0277595807402555));
        let old = parse(OLD_UDP).unwrap();
        assert_eq!((old.received, old.lost_percent, old.jitter_ms), (95e6, Some(5.0), Some(0.021)));
    }

    #[test]
    fn an_error_of_iperf3_and_half_a_file_are_refused_with_their_line() {
        let refused = parse(REFUSED).unwrap_err().to_string();
        assert_eq!(
            refused,
            "iperf3 output, line 10: it says 'unable to connect to server: Connection refused'"
        );
        let silent = parse("{\"error\": \"\"}").unwrap_err();
        assert_eq!(silent.reason, "it failed and does not say why");
        assert!(parse(&TCP[..TCP.len() / 2]).unwrap_err().reason.contains("cut off"));
        assert!(parse("{\"start\": {}}").unwrap_err().reason.contains("what was tested"));
        let no_sum = parse("{\"start\": {\"test_start\": {\"protocol\": \"TCP\"}}}").unwrap_err();
        assert!(no_sum.reason.contains("no sum"), "{no_sum}");
    }
}
