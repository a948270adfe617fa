//! netperf: throughput and transaction rates over TCP, server in the guest, client on the host.
//!
//! N sessions are started together and measured only while all of them run: the window opens when each has reported
//! its first interval, and each session's intervals are clipped to it by their ending stamps. Sessions run somewhat
//! longer than the window and are ended by SIGALRM, at which netperf prints its own summary as usual; TCP_MAERTS, whose
//! length the server keeps, ends by itself.

use super::{Known, Needs, Outcome, Point, Value, Workload};
use crate::lab::{Client, Failed, GUEST_END, Lab, Measured, keep, window};
use formats::counters::{self, Traffic};
use formats::netperf::{Interval, Session, parse_session};
use model::{Case, Params, ParamsError};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

/// The workload.
pub struct Netperf;

/// Protocols with the heading that the ancestor's files give them.
const PROTOCOLS: [(&str, &str); 5] = [
    ("TCP_STREAM", "TCP_STREAM (RX)"),
    ("TCP_MAERTS", "TCP_MAERTS (TX)"),
    ("TCP_RR", "TCP_RR"),
    ("TCP_CRR", "TCP_CRR"),
    ("UDP_RR", "UDP_RR"),
];

const PARAMETERS: [Known; 6] = [
    Known {
        key: "protocols",
        default: Some("TCP_STREAM TCP_MAERTS TCP_RR"),
        help: "netperf tests: TCP_STREAM TCP_MAERTS TCP_RR TCP_CRR UDP_RR",
    },
    Known {
        key: "sizes",
        default: Some("64 256 1024 4096 16384 65535"),
        help: "message sizes of streams, bytes",
    },
    Known { key: "sessions", default: Some("1 2 4 8"), help: "parallel sessions of streams" },
    Known {
        key: "sizes_rr",
        default: Some("64 256 4096"),
        help: "request and response sizes of RR and CRR, bytes",
    },
    Known { key: "sessions_rr", default: Some("1 25 50"), help: "parallel sessions of RR and CRR" },
    Known { key: "l", default: Some("60"), help: "seconds measured in each case" },
];

/// How much longer than the window a session runs: for the start of all of them, and for late reports.
const MARGIN: u64 = 3;
/// How long all sessions may take to report their first interval.
const ALL_UP: Duration = Duration::from_secs(30);
/// How long a session may take to report past the window, or to end.
const WIND_UP: Duration = Duration::from_secs(15);

/// Most sessions at a time: each is a process on either side, and with net=user a forwarded port.
const MAX_SESSIONS: u32 = 1024;
/// What each session is asked for in its final block.
const SUMMARY: [&str; 4] = ["THROUGHPUT", "THROUGHPUT_UNITS", "ELAPSED_TIME", "LOCAL_TRANSPORT_RETRANS"];

fn is_rr(protocol: &str) -> bool {
    protocol.ends_with("RR")
}

fn protocol_of(case: &Case) -> &str {
    PROTOCOLS.iter().find(|(_, heading)| *heading == case.category).map_or(case.category.as_str(), |(p, _)| p)
}

fn seconds_of(params: &Params) -> Result<u32, ParamsError> {
    params.number("l", 1u32, "whole seconds, 1 or more")
}

fn session_counts(params: &Params, key: &str) -> Result<Vec<u32>, ParamsError> {
    let wanted = format!("numbers of sessions, such as '1 4', each at most {MAX_SESSIONS}");
    let counts = params.numbers(key, &wanted)?;
    if counts.iter().any(|n| *n > MAX_SESSIONS) {
        return Err(params.wrong(key, &wanted));
    }
    Ok(counts)
}

/// How often sessions report and the host is sampled: min(1 s, l/10).
fn interval(seconds: u32) -> Duration {
    Duration::from_secs_f64((f64::from(seconds) / 10.0).min(1.0))
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::tool(error.to_string())
}

impl Workload for Netperf {
    fn name(&self) -> &'static str {
        "netperf"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("protocols", "TCP_STREAM TCP_MAERTS TCP_RR"),
            ("sizes", "1024 16384"),
            ("sessions", "1"),
            ("sizes_rr", "64"),
            ("sessions_rr", "1"),
            ("l", "2"),
        ]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        let unknown =
            || params.wrong("protocols", &format!("some of {}", PROTOCOLS.map(|(p, _)| p).join(", ")));
        let protocols = params.list("protocols")?;
        if protocols.is_empty() {
            return Err(unknown());
        }
        let mut cases = Vec::new();
        for protocol in protocols {
            let (_, heading) = PROTOCOLS.iter().find(|(name, _)| *name == protocol).ok_or_else(unknown)?;
            let (sizes, sessions) =
                if is_rr(protocol) { ("sizes_rr", "sessions_rr") } else { ("sizes", "sessions") };
            let sizes = params.numbers(sizes, "sizes in bytes, such as '64 1024'")?;
            let sessions = session_counts(params, sessions)?;
            for size in &sizes {
                for n in &sessions {
                    let keys =
                        [("size", size.to_string()), ("sessions", n.to_string())].into_iter().collect();
                    cases.push(Case { workload: self.name().into(), category: (*heading).into(), keys });
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, category: &str, params: &Params, kvm: bool) -> Vec<String> {
        let mut all = vec![main_metric(category), "CPU", "thr_per_CPU"];
        all.extend(["rx_pkts", "tx_pkts", "rx_byts", "tx_byts", "re_pkts"]);
        if kvm {
            all.push("exits");
        }
        // Other NICs have one interrupt for both directions.
        if params.get("nic_model") == Some("virtio_net") {
            all.extend(["rx_intr_sum", "tx_intr_sum"]);
        }
        all.into_iter().map(String::from).collect()
    }

    fn needs(&self, params: &Params) -> Needs {
        let most = |key| params.numbers(key, "").ok().and_then(|all| all.into_iter().max()).unwrap_or(1);
        let sessions = most("sessions").max(most("sessions_rr")) as usize;
        Needs { sessions, host_tools: vec!["netperf".into()], ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        // Start, the first interval of all sessions and the end take about one and a half seconds.
        f64::from(seconds_of(params).unwrap_or(60)) + 1.5
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, began: f64) -> String {
        format!("netperf-result.{began:.2}.RHS")
    }

    fn prepare(&self, lab: &mut dyn Lab) -> Result<(), Failed> {
        lab.connect()?;
        lab.exec(
            &["netserver", "-4", "-p", &crate::guest::network::SERVER_PORT.to_string()],
            Duration::from_secs(20),
        )
        .map(drop)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, raw: &Path) -> Result<(), Failed> {
        let seconds = seconds_of(lab.params()).map_err(failed)?;
        let mut sessions = Sessions::start(lab, case, seconds, raw)?;
        sessions.wait(lab, Instant::now() + ALL_UP, "did not report in time", |s| !s.intervals.is_empty())?;
        let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
        let (_, end) = measured.unix_span();
        let past = |s: &Session| s.last_end().is_some_and(|last| last >= end);
        sessions.wait(lab, Instant::now() + WIND_UP, "stalled before the window closed", past)?;
        sessions.finish(lab, protocol_of(case))?;
        measured.keep(raw)
    }

    fn parse(&self, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let sessions: Vec<Session> =
            (0..sessions_of(case)).map(|i| read_session(raw, i)).collect::<Result<_, _>>()?;
        let (start, end) = measured.unix_span();
        let unit = unit_of(&case.category);
        let mut total = 0.0;
        for (i, session) in sessions.iter().enumerate() {
            let inside = inside(session, start, end).count();
            if inside > 0 && session.unit != unit {
                return Err(Failed::nonsense(format!(
                    "session {i} reported {}, {unit} is wanted",
                    session.unit
                )));
            }
            if inside < 2 {
                return Err(Failed::nonsense(format!(
                    "session {i} reported {inside} intervals in the window, 2 are wanted"
                )));
            }
            let gap = || Failed::nonsense(format!("session {i} has gaps in the window"));
            total += session.mean_rate(start, end).ok_or_else(gap)?;
        }
        if total <= 0.0 {
            return Err(Failed::nonsense("the sessions moved nothing in the window"));
        }
        let values = values(case, params, total, &sessions, &measured)?;
        Ok(Outcome { window: measured.window, values, series: series(case, &sessions, &measured) })
    }
}

/// The metric that a protocol is about.
fn main_metric(category: &str) -> &'static str {
    if is_rr(category) { "trans.rate" } else { "throughput" }
}

/// The unit in which netperf reports that metric.
fn unit_of(category: &str) -> &'static str {
    if is_rr(category) { "Trans/s" } else { "10^6bits/s" }
}

/// The intervals that share something with the window.
fn inside(session: &Session, start: f64, end: f64) -> impl Iterator<Item = &Interval> {
    session.intervals.iter().filter(move |x| x.ending > start && x.ending - x.seconds < end)
}

/// Where a counter stands in the file of the guest's counters: the line, when it is one line and no more.
fn one_line(text: &str, holds: impl Fn(&str) -> bool) -> Option<(String, u32)> {
    let mut lines = (1u32..).zip(text.lines()).filter(|(_, line)| holds(line));
    match (lines.next(), lines.next()) {
        (Some((number, _)), None) => Some((GUEST_END.to_owned(), number)),
        _ => None,
    }
}

/// The line of the TCP values, which is the second one with that name: the first one holds their names.
fn tcp_line(text: &str) -> Option<(String, u32)> {
    let (number, _) = (1u32..).zip(text.lines()).filter(|(_, line)| line.starts_with("Tcp: ")).nth(1)?;
    Some((GUEST_END.to_owned(), number))
}

fn values(
    case: &Case,
    params: &Params,
    total: f64,
    sessions: &[Session],
    measured: &Measured,
) -> Result<Vec<Value>, Failed> {
    let (start, end) = measured.unix_span();
    let first = sessions.first().and_then(|s| inside(s, start, end).next());
    let first = first.map(|i| ("session0.txt".to_owned(), i.line));
    let mut values = vec![Value { metric: main_metric(&case.category).into(), value: total, raw: first }];
    let busy = measured.end.host_cpu.busy_percent_since(&measured.start.host_cpu);
    let busy =
        busy.filter(|b| *b > 0.0).ok_or_else(|| failed("the host's CPU time did not move in the window"))?;
    values.push(Value { metric: "CPU".into(), value: busy, raw: None });
    values.push(Value { metric: "thr_per_CPU".into(), value: total / busy, raw: None });
    type At = Option<(String, u32)>;
    let mut counter = |metric: &str, value: Option<u64>, raw: &At| -> Result<(), Failed> {
        let value = value.ok_or_else(|| failed(format!("the guest's counters have no {metric}")))?;
        values.push(Value { metric: metric.into(), value: value as f64, raw: raw.clone() });
        Ok(())
    };
    let text = &measured.end.guest;
    let nic = measured.interface.as_str();
    let eth0 = one_line(text, |line| Traffic::parse(line, nic).is_some());
    let traffic =
        |read: fn(&Traffic) -> u64| measured.guest_delta(|text| Traffic::parse(text, nic).as_ref().map(read));
    counter("rx_pkts", traffic(|t| t.rx_packets), &eth0)?;
    counter("tx_pkts", traffic(|t| t.tx_packets), &eth0)?;
    counter("rx_byts", traffic(|t| t.rx_bytes), &eth0)?;
    counter("tx_byts", traffic(|t| t.tx_bytes), &eth0)?;
    counter("re_pkts", measured.guest_delta(counters::tcp_retransmits), &tcp_line(text))?;
    if let (Some(end), Some(start)) = (measured.end.exits, measured.start.exits) {
        counter("exits", end.checked_sub(start), &None)?;
    }
    if params.get("nic_model") == Some("virtio_net") {
        for (metric, what) in [("rx_intr_sum", "input"), ("tx_intr_sum", "output")] {
            let interrupts = |text: &str| counters::virtio_interrupts(text, what);
            let line = one_line(text, |line| interrupts(line).is_some());
            counter(metric, measured.guest_delta(interrupts), &line)?;
        }
    }
    Ok(values)
}

fn series(case: &Case, sessions: &[Session], measured: &Measured) -> Vec<Point> {
    let metric = || main_metric(&case.category).to_owned();
    let mut points = Vec::new();
    for (number, session) in (0u32..).zip(sessions) {
        points.extend(session.intervals.iter().map(|i| Point {
            metric: metric(),
            session: Some(number),
            ending: i.ending,
            seconds: i.seconds,
            value: i.rate,
        }));
    }
    for pair in measured.samples.windows(2) {
        if let [before, after] = pair
            && let Some(value) = after.cpu.busy_percent_since(&before.cpu)
        {
            let seconds = after.at.mono_ns.saturating_sub(before.at.mono_ns) as f64 * 1e-9;
            points.push(Point {
                metric: "CPU".into(),
                session: None,
                ending: after.at.unix_seconds(),
                seconds,
                value,
            });
        }
    }
    points
}

fn sessions_of(case: &Case) -> usize {
    case.keys.get("sessions").and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn read_session(raw: &Path, session: usize) -> Result<Session, Failed> {
    let path = raw.join(format!("session{session}.txt"));
    let text = std::fs::read(&path).map_err(|e| failed(format!("reading {}: {e}", path.display())))?;
    parse_session(&String::from_utf8_lossy(&text)).map_err(|e| failed(format!("{}: {e}", path.display())))
}

/// What a client said beside its results, which say nothing about its end.
fn complaints(text: &str) -> String {
    let is_result = |line: &str| {
        line.starts_with("MIGRATED")
            || line.starts_with("Interim result:")
            || line.starts_with("NETPERF_") && line.contains('=')
            || line.split_once('=').is_some_and(|(key, _)| SUMMARY.contains(&key))
    };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !is_result(l));
    lines.collect::<Vec<_>>().join("; ")
}

/// The client's sessions of one case.
struct Sessions<'a> {
    clients: Vec<Box<dyn Client>>,
    raw: &'a Path,
}

impl<'a> Sessions<'a> {
    fn start(lab: &mut dyn Lab, case: &Case, seconds: u32, raw: &'a Path) -> Result<Self, Failed> {
        let count = sessions_of(case);
        let mut clients = Vec::new();
        for i in 0..count {
            let argv = client_argv(lab, case, seconds, i)?;
            keep(raw, &format!("session{i}.argv"), &argv.join("\n"))?;
            let out = raw.join(format!("session{i}.txt"));
            let err = raw.join(format!("session{i}.stderr"));
            clients.push(lab.start_client(&argv, &out, &err)?);
        }
        Ok(Sessions { clients, raw })
    }

    /// Why a session ended before it should.
    fn early_end(&self, session: usize, how: Result<(), String>) -> Failed {
        let read = |ending: &str| crate::process::tail(&self.raw.join(format!("session{session}.{ending}")));
        // A client complains on either stream.
        let said = complaints(&format!("{}\n{}", read("txt"), read("stderr")));
        let how = how.err().unwrap_or_else(|| "status 0".into());
        failed(format!("session {session} ended early with {how}: {said}"))
    }

    /// Polls until `reached` holds for every session.
    fn wait(
        &mut self,
        lab: &mut dyn Lab,
        until: Instant,
        otherwise: &str,
        reached: impl Fn(&Session) -> bool,
    ) -> Result<(), Failed> {
        let mut waiting: Vec<usize> = (0..self.clients.len()).collect();
        loop {
            let mut still = Vec::new();
            for i in waiting {
                if reached(&read_session(self.raw, i)?) {
                    continue;
                }
                if let Some(how) = self.clients.get_mut(i).and_then(|c| c.ended()) {
                    return Err(self.early_end(i, how));
                }
                still.push(i);
            }
            let Some(first) = still.first() else { return Ok(()) };
            if let Some(death) = lab.death() {
                return Err(death);
            }
            if Instant::now() >= until {
                return Err(failed(format!("session {first} of {} {otherwise}", self.clients.len())));
            }
            waiting = still;
            lab.sleep(Duration::from_millis(20));
        }
    }

    /// Ends all sessions, which then print their own summary.
    fn finish(mut self, lab: &mut dyn Lab, protocol: &str) -> Result<(), Failed> {
        // A client that receives counts on the server to end; the signal would break its last exchange with it.
        for client in self.clients.iter_mut().filter(|_| protocol != "TCP_MAERTS") {
            client.signal(Signal::ALARM);
        }
        let until = Instant::now() + WIND_UP;
        for i in 0..self.clients.len() {
            loop {
                match self.clients.get_mut(i).and_then(|c| c.ended()) {
                    Some(Ok(())) => break,
                    Some(how) => return Err(self.early_end(i, how)),
                    None if Instant::now() >= until => {
                        return Err(failed(format!("session {i} did not end in time")));
                    }
                    None => lab.sleep(Duration::from_millis(5)),
                }
            }
        }
        Ok(())
    }
}

fn client_argv(lab: &dyn Lab, case: &Case, seconds: u32, session: usize) -> Result<Vec<String>, Failed> {
    let target = lab.target();
    let protocol = protocol_of(case);
    let size = case.keys.get("size").unwrap_or("64");
    let message = match protocol {
        p if is_rr(p) => ["-r".to_owned(), format!("{size},{size}")],
        "TCP_MAERTS" => ["-m".to_owned(), format!(",{size}")],
        _ => ["-m".to_owned(), size.to_owned()],
    };
    // A negative interval makes netperf look at the clock at every send, so that reports come evenly.
    let report = format!("-{}", interval(seconds).as_secs_f64());
    let length = (u64::from(seconds) + MARGIN + sessions_of(case) as u64 / 10).to_string();
    let mut argv: Vec<String> = vec![lab.client_tool("netperf")?];
    let (control_address, data) = (target.control.to_string(), target.data.to_string());
    let control = target.control_port.to_string();
    argv.extend(
        ["-4", "-D", &report, "-H", &control_address, "-p", &control, "-t", protocol, "-l", &length]
            .map(String::from),
    );
    argv.push("--".to_owned());
    if data != control_address {
        argv.extend(["-H".to_owned(), data]);
    }
    if let Some(port) = target.data_ports.get(session) {
        argv.extend(["-P".to_owned(), format!(",{port}")]);
    }
    argv.extend(message);
    argv.extend(["-k".to_owned(), SUMMARY.join(",")]);
    Ok(argv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Moment, Snapshot};
    use formats::counters::CpuTicks;
    use model::{Origin, Window};

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for known in PARAMETERS {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        params.set("nic_model", "virtio_net", Origin::BuiltIn);
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        params
    }

    fn counters(scale: u64, output_lines: u64) -> String {
        let mut text = format!(
            "cpu  1 2 3 4 5 6 7 8 0 0\nInter-| Receive\n face |bytes\n    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  \
             eth0: {0} {0} 0 0 0 0 0 0 {0} {0} 0 0 0 0 0 0\nTcp: InSegs RetransSegs\nTcp: 9 {0}\n           CPU0\n \
             25:  {0}  PCI-MSI 1-edge  virtio1-input.0\n",
            100 * scale
        );
        for queue in 0..output_lines {
            text.push_str(&format!(" 26:  {scale}  PCI-MSI 2-edge  virtio1-output.{queue}\n"));
        }
        text
    }

    /// A case of one session whose window is the seconds 1001 to 1003.
    fn parse(category: &str, unit: &str, output_lines: u64) -> Result<Outcome, Failed> {
        let raw = tempfile::tempdir().unwrap();
        let snapshot = |second: u64, guest: String| Snapshot {
            at: Moment { unix_ns: second * 1_000_000_000, mono_ns: second * 1_000_000_000 },
            host_cpu: CpuTicks { idle: second * 50, steal: 0, total: second * 100 },
            guest,
            exits: Some(second),
        };
        let window = Window { start_unix_ns: 0, mono_ns: 0, len_ns: 2_000_000_000 };
        let (start, end) =
            (snapshot(1001, counters(1, output_lines)), snapshot(1003, counters(2, output_lines)));
        Measured { window, start, end, samples: Vec::new(), interface: "eth0".into() }
            .keep(raw.path())
            .unwrap();
        let session: String = (999..1005)
            .map(|end| format!("Interim result: 10 {unit} over 1 seconds ending at {end}\n"))
            .collect();
        keep(raw.path(), "session0.txt", &session).unwrap();
        let keys = [("size", "64"), ("sessions", "1")].into_iter().collect();
        let case = Case { workload: "netperf".into(), category: category.into(), keys };
        Netperf.parse(&case, &params(&[]), raw.path())
    }

    fn raw_of(outcome: &Outcome, metric: &str) -> Option<(String, u32)> {
        outcome.values.iter().find(|v| v.metric == metric).unwrap().raw.clone()
    }

    #[test]
    fn a_raw_reference_is_the_line_that_a_value_comes_from_or_none() {
        let outcome = parse("TCP_STREAM (RX)", "10^6bits/s", 1).unwrap();
        // The fourth report is the first that ends within the window.
        assert_eq!(raw_of(&outcome, "throughput"), Some(("session0.txt".into(), 4)));
        let end = |line| Some((GUEST_END.to_owned(), line));
        for (metric, line) in
            [("rx_pkts", 5), ("tx_byts", 5), ("re_pkts", 7), ("rx_intr_sum", 9), ("tx_intr_sum", 10)]
        {
            assert_eq!(raw_of(&outcome, metric), end(line), "{metric}");
        }
        for metric in ["CPU", "thr_per_CPU", "exits"] {
            assert_eq!(raw_of(&outcome, metric), None, "{metric}");
        }
        // A sum over several lines is on none of them.
        assert_eq!(raw_of(&parse("TCP_RR", "Trans/s", 2).unwrap(), "tx_intr_sum"), None);
    }

    #[test]
    fn a_session_in_another_unit_than_the_metrics_fails() {
        let error = parse("TCP_STREAM (RX)", "KBytes/s", 1).unwrap_err().to_string();
        assert_eq!(error, "session 0 reported KBytes/s, 10^6bits/s is wanted");
        assert!(parse("TCP_RR", "10^6bits/s", 1).is_err());
    }

    #[test]
    fn too_many_sessions_and_no_protocol_at_all_are_refused_when_planning() {
        let wrong = |set: &[(&str, &str)]| Netperf.cases(&params(set)).unwrap_err().to_string();
        assert!(wrong(&[("sessions", "1 1025")]).contains("each at most 1024"));
        assert!(wrong(&[("sessions_rr", "5000")]).contains("'sessions_rr' is '5000'"));
        assert!(wrong(&[("protocols", " , ")]).contains("some of TCP_STREAM"));
        assert!(Netperf.cases(&params(&[("sessions", "1024")])).is_ok());
    }

    #[test]
    fn a_complaint_with_an_equals_sign_is_quoted_and_results_are_not() {
        let text = "MIGRATED TCP STREAM TEST\nInterim result: 1 a over 1 seconds ending at 2\n\
                    NETPERF_UNITS[5]=Trans/s\nTHROUGHPUT=1.5\nsend_data: data send error: errno=104\n\n";
        assert_eq!(complaints(text), "send_data: data send error: errno=104");
    }
}
