//! netperf's omni output selection: `-o` (CSV with a heading), `-k` (`KEY=VALUE`) and `-O` (columns under up to four lines of
//! headings), after the `--` of the command (netperf manual, section "Omni Output Selection").
//!
//! ```text
//!   Throughput Throughput  Mean                 -O
//!              Units       Latency
//!                          Microseconds
//!   12934.82   10^6bits/s  69.21
//! ```
//!
//! Text between the lines of results is passed over. A test whose result is a classic table is read as one. A test that was
//! begun and gave no result failed: its banner tells the category, and what other files have tells the case. Of a file that
//! holds only such tests the banner tells what it is.
//!
//! netperf writes -1 for what it has not measured; such figures are absent, not values. With `-P 0` the CSV has no
//! heading and cannot be told from any other numbers.

use super::draft::{Draft, Facts, key};
use super::netperf_text::{self, test};
use super::{Idle, IdleCase, Keys, Loss, Parsed, lost_end, number, table};
use crate::tool::lines;
use edge::quoted;
use std::collections::{BTreeMap, VecDeque};

/// Output selectors that are read, with the headings that the CSV gives them.
const SELECTORS: [(&str, &str); 17] = [
    ("PROTOCOL", "Protocol"),
    ("DIRECTION", "Direction"),
    ("THROUGHPUT", "Throughput"),
    ("THROUGHPUT_UNITS", "Throughput Units"),
    ("REQUEST_SIZE", "Request Size Bytes"),
    ("LOCAL_SEND_SIZE", "Local Send Size"),
    ("REMOTE_SEND_SIZE", "Remote Send Size"),
    ("LOCAL_CPU_UTIL", "Local CPU Util %"),
    ("REMOTE_CPU_UTIL", "Remote CPU Util %"),
    ("LOCAL_SD", "Local Service Demand"),
    ("REMOTE_SD", "Remote Service Demand"),
    ("LOCAL_TRANSPORT_RETRANS", "Local Transport Retransmissions"),
    ("MEAN_LATENCY", "Mean Latency Microseconds"),
    ("P50_LATENCY", "50th Percentile Latency Microseconds"),
    ("P90_LATENCY", "90th Percentile Latency Microseconds"),
    ("P99_LATENCY", "99th Percentile Latency Microseconds"),
    ("MAX_LATENCY", "Maximum Latency Microseconds"),
];

/// Selectors that are metrics, with name and unit. Latencies are those of a transaction.
const METRICS: [(&str, &str, &str); 10] = [
    ("LOCAL_CPU_UTIL", "local_CPU", "%"),
    ("REMOTE_CPU_UTIL", "remote_CPU", "%"),
    ("LOCAL_SD", "local_service_demand", ""),
    ("REMOTE_SD", "remote_service_demand", ""),
    ("LOCAL_TRANSPORT_RETRANS", "re_pkts", "-"),
    ("MEAN_LATENCY", "latency_us", "us"),
    ("P50_LATENCY", "latency_p50_us", "us"),
    ("P90_LATENCY", "latency_p90_us", "us"),
    ("P99_LATENCY", "latency_p99_us", "us"),
    ("MAX_LATENCY", "latency_max_us", "us"),
];

/// Selectors that say how was measured, with the headings of the CSV and the names of the facts. The length of the test is
/// named as perfvt names its own.
const SETTINGS: [(&str, &str, &str); 10] = [
    ("ELAPSED_TIME", "Elapsed Time (sec)", "param.l"),
    ("RESPONSE_SIZE", "Response Size Bytes", "param.response_size"),
    ("BURST_SIZE", "Initial Burst Requests", "param.burst"),
    ("LSS_SIZE_REQ", "Local Send Socket Size Requested", "param.local_send_socket"),
    ("LSR_SIZE_REQ", "Local Recv Socket Size Requested", "param.local_recv_socket"),
    ("RSS_SIZE_REQ", "Remote Send Socket Size Requested", "param.remote_send_socket"),
    ("RSR_SIZE_REQ", "Remote Recv Socket Size Requested", "param.remote_recv_socket"),
    ("LOCAL_CONG_CONTROL", "Local Congestion Control Algorithm", "param.local_congestion_control"),
    ("REMOTE_CONG_CONTROL", "Remote Congestion Control Algorithm", "param.remote_congestion_control"),
    ("LOCAL_NODELAY", "Local NODELAY", "param.local_nodelay"),
];

/// How far from a whole number of seconds a test of so many seconds ends.
const PUNCTUAL: f64 = 0.1;

/// Tells the output by a heading of known names, by the key of the throughput, or by a banner behind which nothing was
/// measured: the tables of netperf's other output have lines of numbers.
pub(super) fn is(text: &str) -> bool {
    let known = |l: &str| l.starts_with("MIGRATED ") || l.starts_with("OMNI ");
    let of_numbers = |l: &str| !l.trim().is_empty() && l.split_whitespace().all(|word| number(word).is_ok());
    let measured = |l: &str| l.contains('=') || of_numbers(l);
    let mut above = Above::default();
    text.lines().any(|l| l.starts_with("THROUGHPUT=") || is_heading(l))
        || (text.lines().any(|l| known(l) && is_banner(l))
            && (text.lines().any(|l| is_lone(l) || !above.under(l).is_empty())
                || !text.lines().any(measured)))
}

/// The heading of a throughput without anything else, which needs a banner above it to be netperf's.
fn is_lone(line: &str) -> bool {
    line.trim() == "Throughput"
}

/// How many lines of headings stand above a row of `-O`.
const HEADINGS: usize = 4;

/// The lines above one of them, which may be its headings.
#[derive(Default)]
struct Above<'a>(VecDeque<&'a str>);

impl<'a> Above<'a> {
    /// Selectors and values of a line under headings of `-O`; nothing where it is not such a line. Values begin where
    /// headings do, so that the row tells where a column begins; a value that is missing leaves a heading that is not known.
    fn under(&mut self, line: &'a str) -> Vec<(&'static str, &'a str)> {
        if is_banner(line) || line.starts_with("Interim result") {
            self.0.clear();
            return Vec::new();
        }
        // Headings stand under headings, too.
        let is_row =
            !line.starts_with(char::is_whitespace) && line.split_whitespace().any(|w| number(w).is_ok());
        let found = if is_row { self.columns(line) } else { Vec::new() };
        match found.is_empty() {
            true => {
                self.0.push_back(line);
                if self.0.len() > HEADINGS {
                    self.0.pop_front();
                }
            }
            false => self.0.clear(),
        }
        found
    }

    fn columns(&self, line: &'a str) -> Vec<(&'static str, &'a str)> {
        let begins = |at: &usize| {
            let (before, after) = (line.get(..*at).unwrap_or_default(), line.get(*at..).unwrap_or_default());
            (before.is_empty() || before.ends_with(' ')) && after.starts_with(|c: char| c != ' ')
        };
        let starts: Vec<usize> = (0..line.len()).filter(begins).collect();
        let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
        let mut found = Vec::new();
        for (from, to) in starts.iter().copied().zip(ends) {
            let part = |text: &'a str| text.get(from..to.min(text.len())).unwrap_or_default();
            // The headings of the classic tables do not begin where their values do.
            let is_cut = |text: &str| text.get(..from).is_some_and(|before| before.ends_with(|c| c != ' '));
            let begins_later = |text: &str| text.starts_with(' ') && !text.trim().is_empty();
            if self.0.iter().any(|heading| is_cut(heading) || begins_later(part(heading))) {
                return Vec::new();
            }
            let words: Vec<&str> = self.0.iter().map(|heading| part(heading).trim()).collect();
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            found.extend(selector(&words.join(" ")).map(|key| (key, part(line).trim())));
        }
        found
    }
}

/// `MIGRATED TCP STREAM TEST from ADDRESS ..`, with which a test begins.
fn is_banner(line: &str) -> bool {
    line.contains(" TEST ") && line.contains(" from ")
}

fn is_heading(line: &str) -> bool {
    let known = |cell: &str| SELECTORS.iter().any(|(_, heading)| *heading == cell.trim());
    let mut cells = line.split(',');
    // Two, because a table of anyone may have a column Throughput.
    line.contains("Throughput") && cells.by_ref().filter(|c| known(c)).count() >= 2
}

/// Reads every result of one file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader::default();
    let mut columns: Option<Vec<Option<&'static str>>> = None;
    let mut above = Above::default();
    for (line, content) in lines(text) {
        let content = content.trim_end_matches('\r');
        let found = above.under(content);
        if is_banner(content) {
            reader.finish();
            reader.begin(Some((content, line)));
            columns = None;
            continue;
        }
        if reader.waiting.is_some() {
            reader.since.push((line, content));
        }
        if is_heading(content) || (is_lone(content) && reader.waiting.is_some()) {
            reader.finish();
            columns = Some(cells(content).iter().map(|c| selector(c)).collect());
        } else if let Some(columns) = &columns {
            reader.row(columns, content, line);
        } else if !found.is_empty() {
            found.into_iter().for_each(|(key, value)| reader.key(key, value, line));
        } else if let Some((key, value)) = content.split_once('=') {
            reader.key(key.trim(), value.trim(), line);
        }
    }
    reader.finish();
    match lost_end(text) {
        None => reader.begin(None),
        // Nobody knows how the last test ended, unless its table stands there.
        Some(_) => reader.table(),
    }
    Ok(reader.draft.done_text(text))
}

fn cells(line: &str) -> Vec<String> {
    let cells = table::lines(line, ',').next().map(|line| line.cells).unwrap_or_default();
    cells.into_iter().map(|cell| cell.into_owned()).collect()
}

fn selector(heading: &str) -> Option<&'static str> {
    let settings = SETTINGS.iter().map(|(key, heading, _)| (*key, *heading));
    SELECTORS.iter().copied().chain(settings).find(|(_, h)| *h == heading).map(|(key, _)| key)
}

/// A figure of a result.
struct Figure {
    metric: &'static str,
    unit: &'static str,
    value: Result<f64, String>,
    line: u32,
}

#[derive(Default)]
struct Reader<'a> {
    draft: Draft,
    banner: Option<&'a str>,
    /// Line of a banner after which no result has come yet.
    waiting: Option<u32>,
    /// The banner and the lines behind it.
    since: Vec<(u32, &'a str)>,
    /// Selectors of the result that is being read, with value and line.
    values: BTreeMap<&'static str, (String, u32)>,
}

impl<'a> Reader<'a> {
    /// A test begins, or the file ends: the one before must have given a result, here or in a classic table, or it failed.
    fn begin(&mut self, banner: Option<(&'a str, u32)>) {
        self.table();
        if let Some(line) = self.waiting.take() {
            let (category, of) = (self.category(), IdleCase::Failed);
            let reason = "a test without a result: it failed".to_owned();
            self.draft.foreign.idle.push(Idle { category, of, line, reason });
        }
        self.since = banner.map(|(text, line)| (line, text)).into_iter().collect();
        (self.banner, self.waiting) = banner.unzip();
    }

    /// Reads the test that is waited for, if its result is a classic table.
    fn table(&mut self) {
        if self.waiting.is_some() && netperf_text::table(&mut self.draft, self.since.drain(..)) {
            self.waiting = None;
        }
    }

    fn row(&mut self, columns: &[Option<&'static str>], content: &str, line: u32) {
        let cells = cells(content);
        // What holds no number is text of whatever ran netperf.
        if !cells.iter().any(|c| c.trim_start_matches('-').eq_ignore_ascii_case("nan") || number(c).is_ok()) {
            return;
        }
        if cells.len() != columns.len() {
            let reason = format!("{} cells under {} headings", cells.len(), columns.len());
            self.draft.lose(line, reason);
            return;
        }
        for (key, cell) in columns.iter().zip(cells) {
            if let Some(key) = key {
                self.values.insert(key, (cell, line));
            }
        }
        self.finish();
    }

    /// One `KEY=VALUE`. A key that stands a second time begins the next result.
    fn key(&mut self, key: &str, value: &str, line: u32) {
        let mut known = SELECTORS.iter().map(|s| s.0).chain(SETTINGS.iter().map(|s| s.0));
        let Some(key) = known.find(|k| *k == key) else { return };
        if self.values.contains_key(key) {
            self.finish();
        }
        self.values.insert(key, (value.to_owned(), line));
    }

    fn text(&self, key: &str) -> &str {
        self.values.get(key).map_or("", |(value, _)| value.as_str())
    }

    /// Turns the result that has been read into records.
    fn finish(&mut self) {
        let Some(line) = self.values.values().map(|(_, line)| *line).min() else { return };
        let transactions = self.text("THROUGHPUT_UNITS").starts_with("Tran");
        let category = self.category();
        let keys: Keys = self.size().map(|size| vec![key("size", size)]).unwrap_or_default();
        let facts = self.facts();
        let mut case = self.draft.case(&category, keys, &facts, line);
        let before = self.draft.foreign.records.len();
        self.waiting = None;
        match self.throughput() {
            Some(Ok(figure)) => {
                case.line = figure.line;
                self.draft.give_read(&case, figure.metric, figure.unit, figure.value);
            }
            Some(Err(loss)) => self.draft.foreign.losses.push(loss),
            None => {}
        }
        for (key, metric, unit) in METRICS {
            let Some((text, at)) = self.values.get(key) else { continue };
            let value = number(text);
            let measured = !value.as_ref().is_ok_and(|v| *v < 0.0);
            if measured && (transactions || !key.ends_with("_LATENCY")) {
                case.line = *at;
                self.draft.give_read(&case, metric, unit, value);
            }
        }
        if self.draft.foreign.records.len() == before {
            self.draft.lose(line, "a result without a figure that is known");
        }
        self.values.clear();
    }

    /// How the result was measured.
    fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        for (key, _, name) in SETTINGS {
            let Some(text) = self.values.get(key).map(|(text, _)| text.trim()) else { continue };
            let value = match (key, number(text)) {
                ("ELAPSED_TIME", Ok(seconds)) => {
                    let whole = seconds.round();
                    // A test of so many bytes or transactions takes any time.
                    if whole < 1.0 || (seconds - whole).abs() > PUNCTUAL {
                        continue;
                    }
                    format!("{whole}")
                }
                ("ELAPSED_TIME", Err(_)) => continue,
                (_, Ok(value)) if value < 0.0 => "default".to_owned(),
                _ => text.to_owned(),
            };
            facts.insert(name.to_owned(), value);
        }
        facts
    }

    /// The throughput in perf.conf's unit, if it was selected.
    fn throughput(&self) -> Option<Result<Figure, Loss>> {
        let (text, line) = self.values.get("THROUGHPUT")?;
        let (value, line) = (number(text), *line);
        let unit = self.text("THROUGHPUT_UNITS");
        if unit.starts_with("Tran") {
            return Some(Ok(Figure { metric: "trans.rate", unit: "trans/s", value, line }));
        }
        // Mbit/s in one unit of what `-f` chooses; the words with Bytes count in powers of 1024.
        let factor = match unit {
            "10^3bits/s" => 1e-3,
            "10^6bits/s" => 1.0,
            "10^9bits/s" => 1e3,
            "Bytes/s" => 8e-6,
            "KBytes/s" => 8e-6 * 1024.0,
            "MBytes/s" => 8e-6 * 1_048_576.0,
            "GBytes/s" => 8e-6 * 1_073_741_824.0,
            "" => {
                let reason = "throughput without its unit (select THROUGHPUT_UNITS, too)".into();
                return Some(Err(Loss { line, reason }));
            }
            other => {
                return Some(Err(Loss {
                    line,
                    reason: format!("throughput in the unknown unit {}", quoted(other)),
                }));
            }
        };
        Some(Ok(Figure { metric: "throughput", unit: "Mbit/s", value: value.map(|v| v * factor), line }))
    }

    fn size(&self) -> Option<String> {
        let order = match self.text("DIRECTION") {
            "Send|Recv" => ["REQUEST_SIZE", "LOCAL_SEND_SIZE", "REMOTE_SEND_SIZE"],
            "Recv" => ["REMOTE_SEND_SIZE", "LOCAL_SEND_SIZE", "REQUEST_SIZE"],
            _ => ["LOCAL_SEND_SIZE", "REQUEST_SIZE", "REMOTE_SEND_SIZE"],
        };
        let positive = |key: &&str| number(self.text(key)).is_ok_and(|v| v > 0.0);
        order.iter().find(|k| positive(k)).map(|k| self.text(k).to_owned())
    }

    /// `TCP_RR` and the like, from the banner of a classic test, else from protocol and direction.
    fn category(&self) -> String {
        let banner = self.banner.unwrap_or_default();
        let title = banner.split(" TEST ").next().unwrap_or_default();
        if title.starts_with("MIGRATED ") {
            return test(title);
        }
        let of_banner = title.strip_prefix("OMNI ").unwrap_or_default();
        let direction = match (self.text("DIRECTION"), of_banner) {
            ("Send|Recv", _) | ("", "Send|Recv") => "RR",
            ("Send", _) | ("", "Send") => "STREAM",
            ("Recv", _) | ("", "Recv" | "Receive") => "MAERTS",
            _ => "OMNI",
        };
        match self.text("PROTOCOL") {
            "" => direction.to_owned(),
            protocol => format!("{protocol}_{direction}"),
        }
    }
}
