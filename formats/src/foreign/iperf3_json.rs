//! iperf3's JSON (`iperf3 -J`, of the client; iperf3(1)), by the names that perfvt's own workload uses.
//!
//! The case is the protocol, with `_REVERSE` where the server sent, the size of a message and the number of streams. A run
//! that ended with an error has no value; one that failed before it knew what to test is a loss.

use super::draft::{Draft, Facts};
use super::{Keys, Parsed};
use crate::iperf3::{self, Run};
use crate::json::{self, Document, Value};

/// Bits in a Mbit.
const MBIT: f64 = 1e6;

/// What was set, by the names of facts. The length of the test is named as perfvt names its own.
const SETTINGS: [(&str, &str); 9] = [
    ("duration", "param.l"),
    ("omit", "param.omit"),
    ("bytes", "param.bytes"),
    ("blocks", "param.blocks"),
    ("tos", "param.tos"),
    ("target_bitrate", "param.bitrate"),
    ("bidir", "param.bidir"),
    ("fqrate", "param.fq_rate"),
    ("gso", "param.gso"),
];

/// Tells the JSON of a run by the version that it names.
pub(super) fn is(text: &str) -> bool {
    text.contains('{') && text.contains("\"iperf 3.") && text.contains("\"start\"")
}

/// Only sums are read, and by far the most of a file is intervals.
struct Intervals;

impl json::Passed for Intervals {
    const KEYS: &'static [&'static str] = &["intervals"];
}

/// Reads every run in one file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    let documents = json::documents_but::<Intervals>(text)?;
    let first = documents.first().map_or(1, |d| d.line);
    let mut own = documents.iter().filter(|d| d.value.get("start").is_some()).peekable();
    if own.peek().is_none() {
        return Err((first, "it has no part \"start\"".into()));
    }
    own.for_each(|document| read(document, &mut draft));
    Ok(draft.done())
}

fn read(document: &Document<'_>, draft: &mut Draft) {
    let (root, line) = (&document.value, document.line);
    let result = iperf3::read(root, line, |_| Vec::new());
    let Some(test) = root.pointer("/start/test_start") else {
        let reason = result.err().map_or_else(|| "it does not say what was tested".into(), |e| e.reason);
        draft.lose(line, reason);
        return;
    };
    let number = |key: &str| json::number(test, key).unwrap_or(0.0);
    let protocol = test.get("protocol").map(json::level).unwrap_or_default();
    let category = if number("reverse") != 0.0 { format!("{protocol}_REVERSE") } else { protocol };
    let keys: Keys = [("blksize", "size"), ("num_streams", "streams")]
        .into_iter()
        .filter_map(|(of, key)| Some((key.to_owned(), json::level(test.get(of)?))))
        .collect();
    let case = draft.case(&category, keys, &facts(root, test), line);
    match result {
        Err(error) => draft.fail(&case, "throughput", "Mbit/s", error.reason),
        Ok(run) => {
            for (metric, unit, value) in figures(&run) {
                draft.give(&case, metric, unit, value);
            }
        }
    }
}

/// The figures of a run that went well.
fn figures(run: &Run) -> Vec<(&'static str, &'static str, f64)> {
    let mut out =
        vec![("throughput", "Mbit/s", run.received / MBIT), ("send_throughput", "Mbit/s", run.sent / MBIT)];
    out.extend(run.retransmits.map(|n| ("re_pkts", "-", n)));
    out.extend(run.jitter_ms.map(|ms| ("jitter_ms", "ms", ms)));
    out.extend(run.lost_percent.map(|percent| ("lost_percent", "%", percent)));
    out.retain(|(_, _, value)| value.is_finite());
    out
}

fn facts(root: &Value<'_>, test: &Value<'_>) -> Facts {
    let mut facts: Facts = SETTINGS
        .into_iter()
        .filter_map(|(key, name)| Some((name.to_owned(), json::level(test.get(key)?))))
        .collect();
    if let Some(version) = root.pointer("/start/version").map(json::level) {
        facts.insert("tool.iperf3".into(), version);
    }
    for (key, name) in [("sock_bufsize", "param.socket_buffer"), ("tcp_mss", "param.mss")] {
        if let Some(value) = root.pointer(&format!("/start/{key}")) {
            facts.insert(name.to_owned(), json::level(value));
        }
    }
    if let Some(control) = root.pointer("/end/sender_tcp_congestion").map(json::level) {
        facts.insert("param.congestion_control".into(), control);
    }
    // `Linux HOST 6.12.0 x86_64`: the name of the host is none of the machine's properties.
    let system = root.pointer("/start/system_info").and_then(Value::as_str).unwrap_or_default();
    if let Some(arch) = system.split_whitespace().last() {
        facts.insert("host.arch".into(), arch.to_owned());
    }
    facts
}
