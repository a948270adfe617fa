//! iperf3's JSON (`iperf3 -J`; iperf3(1)), by the names that perfvt's own workload uses.
//!
//! The case is the protocol, with `_REVERSE` where the server sent, the size of a message and the number of streams. A run
//! with `--bidir` has two, `TCP_BIDIR` and `TCP_BIDIR_REVERSE`. One that ended with an error has no value; one that failed
//! before it knew what to test is a loss. The server's file (`iperf3 -s -J`) has what it knows itself.

use super::draft::{Case, Draft, Facts, key};
use super::{Keys, Parsed};
use crate::iperf3::{self, Run};
use crate::json::{self, Value};
use std::borrow::Cow;

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
    let (mut begun, mut is_any, mut first) = (None, false, None);
    json::each_but::<Intervals>(text, |document| {
        first.get_or_insert(document.line);
        if document.value.get("start").is_some() {
            is_any = true;
            read(&document.value, document.line, &mut draft);
        } else if let Some((event, data)) = event(document.value) {
            is_any = true;
            match event.as_ref() {
                "start" => {
                    if let Some((_, line)) =
                        begun.replace((vec![(Cow::Borrowed("start"), data)], document.line))
                    {
                        draft.lose(line, UNENDED);
                    }
                }
                "end" | "error" => match begun.take() {
                    Some((mut parts, line)) => {
                        parts.push((event, data));
                        read(&Value::Object(parts.into()), line, &mut draft);
                    }
                    None => draft.lose(document.line, "the end of a run without its begin"),
                },
                _ => {}
            }
        }
    })?;
    if let Some((_, line)) = begun {
        draft.lose(line, UNENDED);
    }
    if is_any { Ok(draft.done()) } else { Err((first.unwrap_or(1), "it has no part \"start\"".into())) }
}

/// What is said of a run of `--json-stream` without its last event.
const UNENDED: &str = "a run that has no end: it failed, was interrupted or is cut off";

/// What is said of the file of a server that sent.
const OF_SERVER: &str = "it was not measured: this is the server's file, which does not tell what the client received; \
                         read the client's";

/// One line of `--json-stream`: the name of the event and what belongs to it.
fn event<'a>(document: Value<'a>) -> Option<(Cow<'a, str>, Value<'a>)> {
    let Value::Object(parts) = document else { return None };
    let (mut event, mut data) = (None, None);
    for (name, value) in parts {
        match (name.as_ref(), value) {
            ("event", Value::Text(name)) => event = Some(name),
            ("data", value) => data = Some(value),
            _ => {}
        }
    }
    event.zip(data)
}

fn read(root: &Value<'_>, line: u32, draft: &mut Draft) {
    draft.dated(root.pointer("/start/timestamp/timesecs").and_then(Value::as_f64));
    let result = iperf3::read(root, line, |_| Vec::new());
    let Some(test) = root.pointer("/start/test_start") else {
        let reason = result.err().map_or_else(|| "it does not say what was tested".into(), |e| e.reason);
        draft.lose(line, reason);
        return;
    };
    let number = |key: &str| json::number(test, key).unwrap_or(0.0);
    let protocol = test.get("protocol").map(json::level).unwrap_or_default();
    let other = result.as_ref().ok().and_then(|run| iperf3::other_direction(root, run));
    let category = match (&other, number("reverse") != 0.0) {
        (Some(_), _) => format!("{protocol}_BIDIR"),
        (None, true) => format!("{protocol}_REVERSE"),
        (None, false) => protocol,
    };
    let keys: Keys = [("blksize", "size"), ("num_streams", "streams")]
        .into_iter()
        .filter_map(|(of, name)| Some(key(name, json::level(test.get(of)?))))
        .collect();
    let case = draft.case(&category, keys, &facts(root, test), line);
    match result {
        Err(error) => draft.fail(&case, "throughput", "Mbit/s", error.reason),
        Ok(run) => {
            let mut case = case;
            let is_client = root.pointer("/start/accepted_connection").is_none();
            for (run, category) in [(Some(run), category.clone()), (other, format!("{category}_REVERSE"))] {
                draft.enter(&mut case, &category);
                if let Some(run) = run {
                    give(draft, &case, &run, is_client);
                }
            }
            draft.enter(&mut case, &category);
            for (metric, unit, reason) in gaps(root) {
                draft.give_read(&case, metric, unit, Err(reason));
            }
        }
    }
}

/// The figures of one direction of a run. A server does not know what its client sent or received: zeros in their place are
/// no measurements.
fn give(draft: &mut Draft, case: &Case, run: &Run, is_client: bool) {
    let knows_both = is_client || (run.sent > 0.0) == (run.received > 0.0);
    for (metric, unit, value) in figures(run) {
        let is_of_sender = matches!(metric, "send_throughput" | "re_pkts");
        if knows_both || is_of_sender == (run.sent > 0.0) {
            draft.give(case, metric, unit, value);
        } else if metric == "throughput" {
            // Without it the case would not be there.
            draft.give_read(case, metric, unit, Err(OF_SERVER.to_owned()));
        }
    }
}

/// Figures of a sum that should be numbers and are none.
fn gaps(root: &Value<'_>) -> Vec<(&'static str, &'static str, String)> {
    let figures = [
        ("retransmits", "re_pkts", "-"),
        ("jitter_ms", "jitter_ms", "ms"),
        ("lost_percent", "lost_percent", "%"),
    ];
    let sums = ["sum_sent", "sum_received", "sum"].map(|sum| root.get("end").and_then(|end| end.get(sum)));
    let of = |(key, metric, unit)| {
        let found: Vec<_> = sums.iter().flatten().filter_map(|sum| json::figure(sum, key)).collect();
        let is_lost = !found.iter().any(Result::is_ok);
        found.into_iter().find_map(Result::err).filter(|_| is_lost).map(|reason| (metric, unit, reason))
    };
    figures.into_iter().filter_map(of).collect()
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
