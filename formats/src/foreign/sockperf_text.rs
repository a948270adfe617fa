//! What sockperf prints, of latencies (`ping-pong`, `under-load`) and of `throughput`.
//!
//! ```text
//!   sockperf: Summary: Latency is 21.748 usec
//!   sockperf: Summary: Message Rate is 1273456 [msg/sec]
//!   sockperf: Summary: BandWidth is 17.002 MBps (136.017 Mbps)
//! ```
//!
//! The case is the protocol; the size of a message is not printed. Whether latencies are those of whole round trips is a fact.

use super::Parsed;
use super::draft::{Draft, Facts, sections};
use crate::sockperf;
use crate::tool::{lines, number};

/// Percentiles with the names of their metrics.
const PERCENTILES: [(f64, &str); 5] = [
    (50.0, "latency_p50_us"),
    (90.0, "latency_p90_us"),
    (99.0, "latency_p99_us"),
    (99.9, "latency_p999_us"),
    (99.99, "latency_p9999_us"),
];

/// Tells the text by sockperf's own words before its lines.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("sockperf:") || line.starts_with("sockperf["))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    for (before, part) in sections(text, |line| line.contains("== version #")) {
        read(&mut draft, before, part);
    }
    Ok(draft.done_text(text))
}

fn read(draft: &mut Draft, before: u32, part: &str) {
    let category = if part.contains("# TCP") { "TCP" } else { "UDP" };
    let mut facts = Facts::new();
    if let Some(version) = part.split_once("== version #").and_then(|(_, rest)| rest.split([' ', '-']).next())
    {
        facts.insert("tool.sockperf".into(), version.to_owned());
    }
    if let Some((line, rate, mbit)) = throughput(part) {
        let case = draft.case(category, Vec::new(), &facts, before.saturating_add(line));
        draft.give(&case, "message_rate", "msg/s", rate);
        if let Some(mbit) = mbit {
            draft.give(&case, "throughput", "Mbit/s", mbit);
        }
        return;
    }
    match sockperf::parse(part) {
        Err(error) => draft.lose(before.saturating_add(error.line), error.reason),
        Ok(run) => {
            facts.insert("param.full_rtt".into(), if run.round_trip { "yes" } else { "no" }.into());
            let case = draft.case(category, Vec::new(), &facts, before.saturating_add(run.line));
            draft.give(&case, "latency_us", "us", run.mean_us);
            for (percent, metric) in PERCENTILES {
                if let Some(value) = run.percentile(percent) {
                    draft.give(&case, metric, "us", value);
                }
            }
            draft.give(&case, "latency_max_us", "us", run.max_us);
            draft.give(&case, "trans.rate", "trans/s", run.messages / run.seconds);
        }
    }
}

/// Line, messages in a second and Mbit/s of `sockperf throughput`.
fn throughput(part: &str) -> Option<(u32, f64, Option<f64>)> {
    let after = |words: &str| lines(part).find_map(|(line, text)| Some((line, text.split_once(words)?.1)));
    let first = |text: &str| number(text.split_whitespace().next()?);
    let (line, rate) = after("Summary: Message Rate is ")?;
    let mbit = after("Summary: BandWidth is ").and_then(|(_, text)| first(text.split_once('(')?.1));
    Some((line, first(rate)?, mbit))
}
