//! netperf: throughput and transaction rates over TCP, server in the guest, client on the host.
//!
//! N sessions are started together and measured only while all of them run: the window opens when each has reported
//! its first interval, and each session's intervals are clipped to it by their ending stamps. Sessions run somewhat
//! longer than the window and are ended by SIGALRM, at which netperf prints its own summary as usual; TCP_MAERTS, whose
//! length the server keeps, ends by itself.

mod counters;
mod probe;
mod request;
mod sessions;
mod windows;

use super::common::{busy, failed, host_series, interval, level, seconds_of, value};
use super::{Known, Needs, Outcome, Point, Value, Workload, add_case};
use crate::lab::{Failed, Lab, Measured, at_end, window};
use counters::counters_of;
use edge::quoted;
use formats::netperf::{Interval, Session};
use model::{Case, Params, ParamsError, Phase};
use request::{check_rr, session_counts};
use sessions::{Purpose, Sessions, note_clock, probe_intervals, read_session, seconds_beside_window};
use std::path::Path;
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Netperf;

/// Protocols with the heading that the ancestor's files give them.
const PROTOCOLS: [(&str, &str); 7] = [
    ("TCP_STREAM", "TCP_STREAM (RX)"),
    ("TCP_MAERTS", "TCP_MAERTS (TX)"),
    ("TCP_RR", "TCP_RR"),
    ("TCP_CRR", "TCP_CRR"),
    ("UDP_STREAM", "UDP_STREAM"),
    ("UDP_RR", "UDP_RR"),
    ("TCP_SENDFILE", "TCP_SENDFILE"),
];

const PARAMETERS: [Known; 11] = [
    Known::new(
        "protocols",
        "TCP_STREAM TCP_MAERTS TCP_RR",
        "TCP_STREAM, TCP_MAERTS, TCP_RR, TCP_CRR, UDP_STREAM, UDP_RR, TCP_SENDFILE",
        "netperf tests",
    ),
    Known::new("sizes", "64 256 1024 4096 16384 65535", "bytes", "message sizes of streams"),
    Known::new("sessions", "1 2 4 8", "numbers", "parallel sessions of streams"),
    Known::new("sizes_rr", "64 256 4096", "bytes", "request and response sizes of RR and CRR"),
    Known::new("sessions_rr", "1 25 50", "numbers", "parallel sessions of RR and CRR"),
    Known::new("sizes_udp", "64 1024 1472", "bytes", "message sizes of UDP_STREAM"),
    Known::new(
        "burst",
        "0",
        "a number",
        "messages of UDP_STREAM at a time, then a pause; 0: without pauses (needs a netperf with intervals)",
    ),
    Known::new("burst_ms", "1", "milliseconds, 1 or more", "time between bursts"),
    Known::new(
        probe::KEY,
        "no",
        "yes, no",
        "whether a session of requests of a byte runs before and beside each stream: latency under load",
    ),
    Known::new("l", "60", "seconds, 1 or more", "measured in each case"),
    Known::new(
        windows::EXE,
        "",
        "a file, or a path in the guest",
        "netserver.exe for Windows guests: a file of this host, or where it is in the guest (C:\\..)",
    ),
];

/// An interval that is so many times longer than it should be is a stall.
const STALL: f64 = 5.0;

/// Most sessions at a time: each is a process on either side, and with net=user a forwarded port.
const MAX_SESSIONS: u32 = 1024;
/// Largest message over UDP and IPv4.
const MAX_DATAGRAM: u32 = 65_507;
const UDP_STREAM: &str = "UDP_STREAM";

fn is_rr(protocol: &str) -> bool {
    protocol.ends_with("RR")
}

fn protocol_of(case: &Case) -> &str {
    PROTOCOLS.iter().find(|(_, heading)| *heading == case.category).map_or(case.category.as_str(), |(p, _)| p)
}

impl Workload for Netperf {
    fn name(&self) -> &'static str {
        "netperf"
    }

    fn measures(&self) -> &'static str {
        "network throughput and requests a second over TCP and UDP, by size and sessions"
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
            ("sizes_udp", "1024"),
            ("sessions_rr", "1"),
            ("l", "2"),
        ]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[windows::EXE]
    }

    fn check_request(&self, params: &Params) -> Result<(), ParamsError> {
        check_rr(params)
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        windows::check(params)?;
        params.number("burst", 0u32, "a number of messages, 0 or more")?;
        params.switch(probe::KEY)?;
        params.number("burst_ms", 1u32, "milliseconds, 1 or more")?;
        let unknown =
            || params.wrong("protocols", &format!("some of {}", PROTOCOLS.map(|(p, _)| p).join(", ")));
        let protocols = params.list("protocols")?;
        if protocols.is_empty() {
            return Err(unknown());
        }
        let mut cases = Vec::new();
        for protocol in protocols {
            let (_, heading) = PROTOCOLS.iter().find(|(name, _)| *name == protocol).ok_or_else(unknown)?;
            let (sizes, sessions) = match protocol {
                p if is_rr(p) => ("sizes_rr", "sessions_rr"),
                UDP_STREAM => ("sizes_udp", "sessions"),
                _ => ("sizes", "sessions"),
            };
            let key = sizes;
            let sizes = params.numbers(key, "sizes in bytes, such as '64 1024'")?;
            if protocol.starts_with("UDP") && sizes.iter().any(|size| *size > MAX_DATAGRAM) {
                return Err(params.wrong(key, &format!("sizes of at most {MAX_DATAGRAM} bytes over UDP")));
            }
            let sessions = session_counts(params, sessions)?;
            for size in &sizes {
                for n in &sessions {
                    let keys =
                        [("size", size.to_string()), ("sessions", n.to_string())].into_iter().collect();
                    let case = Case { workload: self.name().into(), category: (*heading).into(), keys };
                    add_case(&mut cases, case, params, key)?;
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, category: &str, params: &Params, kvm: bool) -> Vec<String> {
        let mut all = vec![main_metric(category), "CPU", "thr_per_CPU"];
        all.extend(["rx_pkts", "tx_pkts", "rx_byts", "tx_byts"]);
        let told = !windows::serves(params);
        if told {
            all.push("re_pkts");
        }
        if kvm {
            all.push("exits");
        }
        // Other NICs have one interrupt for both directions.
        if told && params.get("nic_model") == Some("virtio_net") {
            all.extend(["rx_intr_sum", "tx_intr_sum"]);
        }
        if category == UDP_STREAM {
            all.extend(["send_throughput", "delivery_ratio"]);
        }
        if probe::is_wanted(category, params) {
            all.extend(probe::METRICS);
        }
        all.push(own_metric(category));
        all.into_iter().map(String::from).collect()
    }

    fn runs_in(&self, _: Os) -> Result<(), &'static str> {
        Ok(())
    }

    fn needs(&self, params: &Params) -> Needs {
        let most = |key| params.numbers(key, "").ok().and_then(|all| all.into_iter().max()).unwrap_or(1);
        let probe = usize::from(params.switch(probe::KEY).unwrap_or(false));
        let sessions = most("sessions").max(most("sessions_rr")) as usize + probe;
        let brings = windows::brings(params);
        Needs { sessions, host_tools: vec!["netperf".into()], brings, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        let window = f64::from(seconds_of(params).unwrap_or(60));
        let cases = self.cases(params).unwrap_or_default();
        let beside = cases.iter().map(|case| {
            let alone = probe::is_wanted(&case.category, params);
            let alone = if alone { f64::from(probe::idle_seconds(window as u32)) } else { 0.0 };
            alone + seconds_beside_window(protocol_of(case), sessions_of(case).unwrap_or(1))
        });
        window + beside.sum::<f64>() / cases.len().max(1) as f64
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, began: f64) -> String {
        format!("netperf-result.{began:.2}.RHS")
    }

    fn prepare(&self, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
        lab.connect()?;
        if windows::serves(params) {
            windows::serve(lab)?;
            return probe_intervals(lab, params);
        }
        lab.serve(
            &["netserver", "-4", "-p", &vm::guest::network::SERVER_PORT.to_string()],
            lab.deadline(Phase::Prepare),
        )?;
        probe_intervals(lab, params)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let seconds = seconds_of(params).map_err(failed)?;
        note_clock(lab, raw)?;
        let probe = probe::is_wanted(&case.category, params);
        let mut probe = probe.then(|| probe::start(lab, case, params, seconds, raw)).transpose()?;
        let mut sessions = Sessions::start(lab, case, params, seconds, (Purpose::Load, raw))?;
        sessions.wait(lab, Phase::WarmUp, "did not report in time", |s| !s.intervals.is_empty())?;
        let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
        let (_, end) = measured.unix_span();
        let past = |s: &Session| s.last_end().is_some_and(|last| last >= end);
        sessions.wait(lab, Phase::Measure, "stalled before the window closed", past)?;
        if let Some(mut probe) = probe.take() {
            probe.wait(lab, Phase::Measure, "stalled before the window closed", past)?;
            probe.finish(lab, "TCP_RR")?;
        }
        sessions.finish(lab, protocol_of(case))?;
        measured.keep(raw)
    }

    fn parse(&self, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let sessions: Vec<Session> =
            (0..sessions_of(case)?).map(|i| read_session(raw, Purpose::Load, i)).collect::<Result<_, _>>()?;
        let (start, end) = measured.unix_span();
        let total = total_rate(case, params, &sessions, start, end)?;
        let mut values = values(case, params, total, &sessions, &measured)?;
        if probe::is_wanted(&case.category, params) {
            values.extend(probe::values(raw, (start, end))?);
        }
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

/// netperf's own figure for the whole of its sessions, kept beside the window's.
fn own_metric(category: &str) -> &'static str {
    if is_rr(category) { "netperf_trans.rate" } else { "netperf_throughput" }
}

/// The rate of all sessions together in the window.
fn total_rate(
    case: &Case,
    params: &Params,
    sessions: &[Session],
    start: f64,
    end: f64,
) -> Result<f64, Failed> {
    let (unit, usual) =
        (unit_of(&case.category), interval(seconds_of(params).map_err(failed)?).as_secs_f64());
    let mut total = 0.0;
    for (i, session) in sessions.iter().enumerate() {
        let inside = inside(session, start, end).count();
        if inside > 0 && session.unit != unit {
            return Err(failed(format!("session {i} reported {}, {unit} is wanted", quoted(&session.unit))));
        }
        if inside < 2 {
            return Err(failed(format!(
                "session {i} reported {inside} intervals in the window, 2 are wanted"
            )));
        }
        // Reports come late on a busy machine, but not that late.
        if let Some(stall) = session.stall(start, end, (usual * STALL).max(1.0)) {
            return Err(failed(format!(
                "session {i} stalled: {} {unit} over {:.1} s, where reports come every {usual} s (line {})",
                stall.rate, stall.seconds, stall.line
            )));
        }
        total += session
            .mean_rate(start, end)
            .ok_or_else(|| failed(format!("session {i} has gaps in the window")))?;
    }
    if total <= 0.0 { Err(failed("the sessions moved nothing in the window")) } else { Ok(total) }
}

/// The intervals that share something with the window.
fn inside(session: &Session, start: f64, end: f64) -> impl Iterator<Item = &Interval> {
    session.intervals.iter().filter(move |x| x.ending > start && x.ending - x.seconds < end)
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
    // netperf's intervals of UDP_STREAM are about what was sent; what arrived, the guest's kernel counted.
    let arrived = if case.category == UDP_STREAM { Some(received(case, measured)?) } else { None };
    let main = main_metric(&case.category).to_owned();
    let mut values = match arrived {
        Some(arrived) => {
            let counted = measured.end.guest.snmp.udp_received();
            vec![Value { metric: main, value: arrived, raw: counted.as_ref().and_then(at_end) }]
        }
        None => vec![Value { metric: main, value: total, raw: first.clone() }],
    };
    let busy = busy(measured)?;
    values.push(value("CPU", busy));
    values.push(value("thr_per_CPU", arrived.unwrap_or(total) / busy));
    for (metric, read) in counters_of(&measured.interface, params) {
        let grown = measured.guest_delta(|counters| Some(read(counters)?.value));
        let grown = grown.ok_or_else(|| failed(format!("the guest's counters have no {metric}")))?;
        let raw = read(&measured.end.guest).as_ref().and_then(at_end);
        values.push(Value { metric: metric.into(), value: grown as f64, raw });
    }
    if let Some(arrived) = arrived {
        values.push(Value { metric: "send_throughput".into(), value: total, raw: first });
        values.push(value("delivery_ratio", arrived / total));
    }
    values.push(own_summary(case, sessions)?);
    Ok(values)
}

/// Mbit/s that were handed to the receivers in the guest, within the window.
fn received(case: &Case, measured: &Measured) -> Result<f64, Failed> {
    let datagrams = measured.guest_delta(|guest| Some(guest.snmp.udp_received()?.value));
    let datagrams = datagrams.ok_or_else(|| failed("the guest's counters have no UDP datagrams"))?;
    let size: f64 = level(case, "size")?;
    let seconds = measured.window.len_ns as f64 * 1e-9;
    let rate = datagrams as f64 * size * 8.0 / 1e6 / seconds;
    if rate > 0.0 { Ok(rate) } else { Err(failed("no datagram arrived in the window")) }
}

/// What netperf itself says of all sessions, from their beginning to their end.
fn own_summary(case: &Case, sessions: &[Session]) -> Result<Value, Failed> {
    let mut sum = 0.0;
    for (i, session) in sessions.iter().enumerate() {
        let own = session.summary_number("THROUGHPUT");
        sum += own.ok_or_else(|| failed(format!("session {i} has no summary")))?.0;
    }
    let first = sessions.first().and_then(|s| s.summary_number("THROUGHPUT"));
    // A sum over several files stands in none of them.
    let raw = first.filter(|_| sessions.len() == 1).map(|(_, line)| ("session0.txt".to_owned(), line));
    Ok(Value { metric: own_metric(&case.category).into(), value: sum, raw })
}

fn series(case: &Case, sessions: &[Session], measured: &Measured) -> Vec<Point> {
    let metric = if case.category == UDP_STREAM { "send_throughput" } else { main_metric(&case.category) };
    let mut points = Vec::new();
    for (number, session) in (0u32..).zip(sessions) {
        points.extend(session.intervals.iter().map(|i| Point {
            metric: metric.to_owned(),
            session: Some(number),
            ending: i.ending,
            seconds: i.seconds,
            value: i.rate,
        }));
    }
    points.extend(host_series("CPU", measured));
    points
}

fn sessions_of(case: &Case) -> Result<usize, Failed> {
    level(case, "sessions")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::window::EXITS;
    use crate::lab::{Snapshot, keep};
    use formats::counters::{Counters, CpuTicks, Form};
    use model::Moment;
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
            guest: Counters::read(Form::Files, guest).unwrap(),
            kvm: [(EXITS.to_owned(), second)].into(),
            ..Snapshot::default()
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
        let session = format!("{session}THROUGHPUT=10\n");
        keep(raw.path(), "session0.txt", &session).unwrap();
        let keys = [("size", "64"), ("sessions", "1")].into_iter().collect();
        let case = Case { workload: "netperf".into(), category: category.into(), keys };
        Netperf.parse(&case, &params(&[]), raw.path())
    }

    #[test]
    fn a_windows_guest_takes_a_program_of_the_users_and_no_udp_stream_and_holds_no_client() {
        let of = |set: &[(&str, &str)]| {
            let windows = [("image", "/x.qcow2"), ("guest_os", "windows"), ("scenario", "host_guest")];
            let set = [&windows[..], set].concat();
            Netperf.cases(&params(&set)).map(|cases| cases.len()).map_err(|error| error.to_string())
        };
        let exe = ("netserver_windows", "C:\\tools\\netserver.exe");
        assert!(of(&[]).unwrap_err().contains("netserver_windows"));
        assert!(of(&[exe]).unwrap() > 10);
        assert!(of(&[exe, ("protocols", "UDP_STREAM")]).unwrap_err().contains("Windows does not tell it"));
        let both = of(&[exe, ("scenario", "guest_guest")]).unwrap_err();
        assert!(both.contains("tells nothing before its end"), "{both}");
        let metrics = Netperf.metrics(
            "TCP_STREAM (RX)",
            &params(&[("image", "/x.qcow2"), ("guest_os", "windows"), exe]),
            false,
        );
        assert!(metrics.contains(&"rx_byts".into()) && !metrics.contains(&"re_pkts".into()), "{metrics:?}");
    }

    fn raw_of(outcome: &Outcome, metric: &str) -> Option<(String, u32)> {
        outcome.values.iter().find(|v| v.metric == metric).unwrap().raw.clone()
    }

    #[test]
    fn a_raw_reference_is_the_line_that_a_value_comes_from_or_none() {
        let outcome = parse("TCP_STREAM (RX)", "10^6bits/s", 1).unwrap();
        // The fourth report is the first that ends within the window.
        assert_eq!(raw_of(&outcome, "throughput"), Some(("session0.txt".into(), 4)));
        let end = |line| Some(("guest-end.txt".to_owned(), line));
        for (metric, line) in
            [("rx_pkts", 5), ("tx_byts", 5), ("re_pkts", 7), ("rx_intr_sum", 9), ("tx_intr_sum", 10)]
        {
            assert_eq!(raw_of(&outcome, metric), end(line), "{metric}");
        }
        for metric in ["CPU", "thr_per_CPU"] {
            assert_eq!(raw_of(&outcome, metric), None, "{metric}");
        }
        // A sum over several lines is on none of them.
        assert_eq!(raw_of(&parse("TCP_RR", "Trans/s", 2).unwrap(), "tx_intr_sum"), None);
    }

    #[test]
    fn a_session_in_another_unit_than_the_metrics_fails() {
        let error = parse("TCP_STREAM (RX)", "KBytes/s", 1).unwrap_err().to_string();
        assert_eq!(error, "session 0 reported 'KBytes/s', 10^6bits/s is wanted");
        assert!(parse("TCP_RR", "10^6bits/s", 1).is_err());
    }

    #[test]
    fn a_plan_counts_the_seconds_in_which_sessions_come_to_their_own_end() {
        let seconds = |protocols: &str, sessions: &str| {
            let set = [
                ("protocols", protocols),
                ("sessions", sessions),
                ("sessions_rr", sessions),
                ("sizes", "64"),
            ];
            Netperf.seconds(&params(&[&set[..], &[("sizes_rr", "64"), ("l", "60")]].concat()))
        };
        assert_eq!((seconds("TCP_STREAM", "8"), seconds("UDP_RR", "1")), (61.5, 61.5));
        assert_eq!((seconds("TCP_MAERTS", "1"), seconds("TCP_MAERTS", "25")), (66.5, 68.5));
        assert_eq!(seconds("TCP_CRR", "1"), 70.5);
        assert_eq!(seconds("TCP_RR TCP_CRR", "1"), 66.0, "the mean of the cases");
    }

    #[test]
    fn too_many_sessions_and_no_protocol_at_all_are_refused_when_planning() {
        let wrong = |set: &[(&str, &str)]| Netperf.cases(&params(set)).unwrap_err().to_string();
        assert!(wrong(&[("sessions", "1 1025")]).contains("each at most 1024"));
        assert!(wrong(&[("sessions_rr", "5000")]).contains("'sessions_rr' is '5000'"));
        assert!(wrong(&[("protocols", " , ")]).contains("some of TCP_STREAM"));
        assert!(Netperf.cases(&params(&[("sessions", "1024")])).is_ok());
    }
}
