//! netperf's classic tables, with interim results (`-D`) between or without (netperf manual, section "Using Netperf to
//! Measure Bulk Data Transfer" and the one on request/response).
//!
//! ```text
//!   MIGRATED TCP STREAM TEST from 0.0.0.0 (0.0.0.0) port 0 AF_INET to host () port 0 AF_INET
//!   Recv   Send    Send
//!   Size   Size    Size     Time     Throughput
//!   bytes  bytes   bytes    secs.    10^6bits/sec
//!   131072  16384  16384    10.00    9415.05
//! ```
//!
//! A row's meaning is its number of cells: with `-c` and `-C` the use of the CPUs and the service demand follow. The result
//! counts, not the interim ones. Of a UDP stream the second row is what arrived.

use super::Parsed;
use super::draft::{Case, Draft, Facts, key};
use crate::tool::{lines, number};

/// Units of a heading, with their factors to Mbit/s; one that ends in another comes before it. Those with bytes are powers of
/// 1024.
const UNITS: [(&str, f64); 7] = [
    ("10^3bits", 1e-3),
    ("10^6bits", 1.0),
    ("10^9bits", 1e3),
    ("KBytes", 8e-6 * 1024.0),
    ("MBytes", 8e-6 * 1_048_576.0),
    ("GBytes", 8e-6 * 1_073_741_824.0),
    ("Bytes", 8e-6),
];

/// The factor of a line of headings. A unit has `/s` behind it, maybe after blanks (`KBytes  /s`), unless the line above says
/// `Tput`.
fn factor(line: &str, below_tput: bool) -> Option<f64> {
    let packed: String = line.split_whitespace().collect();
    let has = |unit: &str| match below_tput {
        true => line.split_whitespace().any(|word| word == unit),
        false => packed.contains(&format!("{unit}/s")),
    };
    UNITS.iter().find(|(unit, _)| has(unit)).map(|(_, factor)| *factor)
}

/// Tells the text by the banner of a test.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| banner(line).is_some())
}

/// The test of a banner.
fn banner(line: &str) -> Option<String> {
    let (title, rest) = line.split_once(" TEST from ")?;
    let known = ["TCP", "UDP", "SCTP", "MIGRATED", "OMNI", "DG", "STREAM"];
    (rest.contains(" port ") && known.iter().any(|word| title.starts_with(word))).then(|| test(title))
}

/// The test that a banner names, as netperf's option `-t` calls it.
pub(super) fn test(title: &str) -> String {
    let mut name = title.strip_prefix("MIGRATED ").unwrap_or(title).to_uppercase();
    for (long, short) in
        [("CONNECT/REQUEST/RESPONSE", "CRR"), ("REQUEST/RESPONSE", "RR"), ("UNIDIRECTIONAL SEND", "STREAM")]
    {
        name = name.replace(long, short);
    }
    name.trim().replace(' ', "_")
}

/// A test of which the result is still to come.
struct Test {
    name: String,
    line: u32,
    /// Factor of the heading's unit.
    factor: Option<f64>,
    /// The line before says `Tput`.
    is_tput: bool,
    /// Of a UDP stream, what was sent: the first row.
    sent: Option<(Vec<f64>, u32)>,
    /// A line of one number alone: what `-v 0` leaves of a result.
    is_bare: bool,
    done: bool,
}

/// Reads every test of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    let last = tests(&mut draft, lines(text));
    finish(&mut draft, last);
    Ok(draft.done_text(text))
}

/// Reads a test that another reader has come upon, its banner first; `false` where it has no result in such a table.
pub(super) fn table<'a>(draft: &mut Draft, lines: impl IntoIterator<Item = (u32, &'a str)>) -> bool {
    let test = tests(draft, lines);
    let is_told = test.as_ref().is_some_and(|test| test.done || test.is_bare);
    if is_told {
        finish(draft, test);
    }
    is_told
}

/// Reads tests; gives the last one, which may have ended without its result.
fn tests<'a>(draft: &mut Draft, lines: impl IntoIterator<Item = (u32, &'a str)>) -> Option<Test> {
    let mut test: Option<Test> = None;
    for (line, content) in lines {
        if let Some(name) = banner(content) {
            finish(draft, test.take());
            test = Some(Test {
                name,
                line,
                factor: None,
                is_tput: false,
                sent: None,
                is_bare: false,
                done: false,
            });
            continue;
        }
        let Some(test) = test.as_mut().filter(|test| !test.done) else { continue };
        if content.starts_with("Interim result") {
            continue;
        }
        let below_tput = std::mem::replace(&mut test.is_tput, content.contains(" Tput "));
        if let Some(factor) = factor(content, below_tput) {
            test.factor = Some(factor);
            continue;
        }
        let cells: Option<Vec<f64>> = content.split_whitespace().map(signed).collect();
        match cells {
            Some(cells) if cells.len() >= 4 => row(draft, test, &cells, line),
            Some(cells) if cells.len() == 1 => test.is_bare = true,
            _ => {}
        }
    }
    test
}

/// A number, or -1 for what was not measured.
fn signed(word: &str) -> Option<f64> {
    number(word).or_else(|| word.strip_prefix('-').and_then(number).map(|n| -n))
}

/// A test that ends without its result is lost.
fn finish(draft: &mut Draft, test: Option<Test>) {
    if let Some(test) = test.filter(|test| !test.done) {
        let reason = match test.is_bare {
            true => "a test whose result is one bare number; run netperf without -v 0",
            false => {
                "a test without a result: it failed, or its layout is another one; run netperf with -- -k"
            }
        };
        draft.lose(test.line, reason);
    }
}

fn row(draft: &mut Draft, test: &mut Test, cells: &[f64], line: u32) {
    let is_transaction = ["_RR", "_CRR", "_CC"].iter().any(|end| test.name.ends_with(end));
    let factor = match test.factor {
        Some(factor) => factor,
        None if is_transaction => 1.0,
        None => {
            test.done = true;
            return draft
                .lose(line, "a throughput of which no heading tells the unit; run netperf with -- -k");
        }
    };
    if test.name.starts_with("UDP_STREAM") {
        match (test.sent.take(), cells) {
            (None, [_, _, _, _, _, _, ..]) => test.sent = Some((cells.to_vec(), line)),
            (Some((sent, begun)), [_, _, _, arrived, use_and_demand @ ..]) => {
                let [_, size, seconds, _, _, rate, local @ ..] = sent.as_slice() else { return };
                let case = case(draft, &test.name, *size, *seconds, begun);
                draft.give(&case, "throughput", "Mbit/s", arrived * factor);
                draft.give(&case, "send_throughput", "Mbit/s", rate * factor);
                costs(
                    draft,
                    &case,
                    local.first(),
                    use_and_demand.first(),
                    local.get(1),
                    use_and_demand.get(1),
                );
                test.done = true;
            }
            _ => {}
        }
        return;
    }
    match cells {
        [_, _, size, _, seconds, rate, rest @ ..] if is_transaction => {
            let case = case(draft, &test.name, *size, *seconds, line);
            // With -f and a unit of bytes or bits that is what the rate is in.
            match test.factor {
                Some(factor) => draft.give(&case, "throughput", "Mbit/s", rate * factor),
                None => draft.give(&case, "trans.rate", "trans/s", *rate),
            }
            costs(draft, &case, rest.first(), rest.get(1), rest.get(2), rest.get(3));
            test.done = true;
        }
        [_, _, size, seconds, rate, rest @ ..] if !is_transaction => {
            let case = case(draft, &test.name, *size, *seconds, line);
            draft.give(&case, "throughput", "Mbit/s", rate * factor);
            costs(draft, &case, rest.first(), rest.get(1), rest.get(2), rest.get(3));
            test.done = true;
        }
        _ => {}
    }
}

fn case(draft: &mut Draft, name: &str, size: f64, seconds: f64, line: u32) -> Case {
    let mut facts = Facts::new();
    // A test of so many bytes or transactions takes any time.
    if seconds.round() >= 1.0 && (seconds - seconds.round()).abs() <= 0.1 {
        facts.insert("param.l".into(), seconds.round().to_string());
    }
    draft.case(name, vec![key("size", size.to_string())], &facts, line)
}

/// What was measured of the CPUs: -1 is what was not.
fn costs(
    draft: &mut Draft,
    case: &Case,
    local: Option<&f64>,
    remote: Option<&f64>,
    local_demand: Option<&f64>,
    remote_demand: Option<&f64>,
) {
    let figures = [
        ("local_CPU", "%", local),
        ("remote_CPU", "%", remote),
        ("local_service_demand", "", local_demand),
        ("remote_service_demand", "", remote_demand),
    ];
    for (metric, unit, value) in figures {
        if let Some(value) = value.filter(|value| **value >= 0.0) {
            draft.give(case, metric, unit, *value);
        }
    }
}
