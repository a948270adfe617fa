//! ntttcp's XML (`-xml FILE` on Windows, `-x FILE` on Linux): a root for each side, `ntttcps` and `ntttcpr`.
//!
//! Rates come from the bytes and the seconds of the whole run. What a megabyte is there, its two rates tell together.

use super::Parsed;
use super::draft::{Draft, Facts, key};
use super::look::xml_root;
use crate::tool::number;
use crate::xml::{self, Element};
use edge::quoted;

/// Tells the document by its root.
pub(super) fn is(text: &str) -> bool {
    text.contains("<ntttcp") && xml_root(text).is_some_and(|root| side(&root).is_some())
}

fn side(root: &str) -> Option<&'static str> {
    match root {
        "ntttcps" => Some("sender"),
        "ntttcpr" => Some("receiver"),
        _ => None,
    }
}

/// Reads the run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let root = xml::parse(text)?;
    let mut draft = Draft::default();
    let parameters = root.child("parameters");
    let of = |name: &str| parameters.and_then(|p| p.text_of(name)).or_else(|| root.text_of(name));
    let udp = of("udp").is_some_and(|udp| udp.eq_ignore_ascii_case("true"));
    let mut facts = Facts::new();
    for (name, fact) in [
        ("run_time", "param.l"),
        ("send_socket_buff", "param.send_socket"),
        ("recv_socket_buff", "param.recv_socket"),
        ("use_ipv6", "param.ipv6"),
        ("async", "param.async"),
        ("max_active_threads", "param.threads"),
    ] {
        if let Some(value) = of(name) {
            let value = if name == "run_time" { seconds(value) } else { value.to_owned() };
            facts.insert(fact.into(), value);
        }
    }
    if let Some(version) = root.attribute("version") {
        facts.insert("tool.ntttcp".into(), version.to_owned());
    }
    let mut keys = Vec::new();
    if let Some(length) = of("bufferLen").and_then(number) {
        keys.push(key("buf(k)", (length / 1024.0).to_string()));
    }
    keys.extend(side(&root.name).map(|side| key("side", side)));
    let case = draft.case(if udp { "UDP" } else { "TCP" }, keys, &facts, root.line);
    let rate =
        throughput(&root).ok_or_else(|| (root.line, "it has no total of what was moved".to_owned()))?;
    draft.give(&case, "throughput(Mbit/s)", "Mbit/s", rate);
    for (name, metric, unit) in [("cpu", "CPU", "%"), ("packets_retransmitted", "re_pkts", "-")] {
        if let Some(text) = root.text_of(name) {
            let value = number(text).ok_or_else(|| format!("{} is not a finite number", quoted(text)));
            draft.give_read(&case, metric, unit, value);
        }
    }
    Ok(draft.done())
}

/// Milliseconds, which the parameter has, as seconds.
fn seconds(ms: &str) -> String {
    number(ms).map_or_else(|| ms.to_owned(), |ms| (ms / 1000.0).to_string())
}

/// Mbit/s of the whole run.
fn throughput(root: &Element) -> Option<f64> {
    let of = |name: &str, metric: &str| {
        let found =
            root.all(name).find(|e| e.attribute("metric").is_some_and(|m| m.eq_ignore_ascii_case(metric)));
        found.and_then(|e| number(&e.text))
    };
    let (megabytes, bits) = (of("throughput", "MB/s"), of("throughput", "mbps"));
    let exact = of("total_bytes", "MB").zip(of("realtime", "s").filter(|s| *s > 0.0));
    // 8.388608 of powers of 1024 and 8 of those of 1000 are told apart by half.
    let factor = match bits.zip(megabytes.filter(|m| *m > 0.0)) {
        Some((bits, megabytes)) if bits / megabytes < 8.19 => 8.0,
        _ => 8.0 * 1.048_576,
    };
    let exact = exact.map(|(total, seconds)| total * factor / seconds);
    exact.or(bits).or(megabytes.map(|m| m * factor)).filter(|rate| rate.is_finite())
}
