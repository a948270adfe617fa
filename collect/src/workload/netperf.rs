//! netperf: throughput and transaction rates over TCP, server in the guest, client on the host.
//!
//! N sessions are started together and measured only while all of them run: the window opens when each has reported
//! its first interval, and each session's intervals are clipped to it by their ending stamps. Sessions run somewhat
//! longer than the window and are ended by SIGALRM, at which netperf prints its own summary as usual; TCP_MAERTS, whose
//! length the server keeps, ends by itself.

use super::{Known, Outcome, Point, Value, Workload, bring_up_network};
use crate::lab::{Client, Failed, GUEST_END, Lab, Measured, keep, window};
use formats::counters::{self, Traffic};
use formats::netperf::{Session, parse_session};
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

fn is_rr(protocol: &str) -> bool {
    protocol.ends_with("RR")
}

fn protocol_of(case: &Case) -> &str {
    PROTOCOLS.iter().find(|(_, heading)| *heading == case.category).map_or(case.category.as_str(), |(p, _)| p)
}

fn seconds_of(params: &Params) -> Result<u32, ParamsError> {
    params.number("l", 1u32, "whole seconds, 1 or more")
}

/// How often sessions report and the host is sampled: min(1 s, l/10).
fn interval(seconds: u32) -> Duration {
    Duration::from_secs_f64((f64::from(seconds) / 10.0).min(1.0))
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::Case(error.to_string())
}

impl Workload for Netperf {
    fn name(&self) -> &'static str {
        "netperf"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        let mut cases = Vec::new();
        for protocol in params.list("protocols")? {
            let Some((_, heading)) = PROTOCOLS.iter().find(|(name, _)| *name == protocol) else {
                let known: Vec<&str> = PROTOCOLS.iter().map(|(name, _)| *name).collect();
                return Err(params.wrong("protocols", &format!("some of {}", known.join(", "))));
            };
            let (sizes, sessions) =
                if is_rr(protocol) { ("sizes_rr", "sessions_rr") } else { ("sizes", "sessions") };
            let sizes = params.numbers(sizes, "sizes in bytes, such as '64 1024'")?;
            let sessions = params.numbers(sessions, "numbers of sessions, such as '1 4'")?;
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

    fn metrics(&self, category: &str, params: &Params, kvm: bool) -> Vec<&'static str> {
        let mut all = vec![main_metric(category), "CPU", "thr_per_CPU"];
        all.extend(["rx_pkts", "tx_pkts", "rx_byts", "tx_byts", "re_pkts"]);
        if kvm {
            all.push("exits");
        }
        // Other NICs have one interrupt for both directions.
        if params.get("nic_model") == Some("virtio_net") {
            all.extend(["rx_intr_sum", "tx_intr_sum"]);
        }
        all
    }

    fn sessions(&self, params: &Params) -> usize {
        let most = |key| params.numbers(key, "").ok().and_then(|all| all.into_iter().max()).unwrap_or(1);
        most("sessions").max(most("sessions_rr")) as usize
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
        bring_up_network(lab)?;
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
        let mut total = 0.0;
        for (i, session) in sessions.iter().enumerate() {
            let inside =
                session.intervals.iter().filter(|x| x.ending > start && x.ending - x.seconds < end).count();
            if inside < 2 {
                return Err(Failed::Case(format!(
                    "session {i} reported {inside} intervals in the window, 2 are wanted"
                )));
            }
            let gap = || Failed::Case(format!("session {i} has gaps in the window"));
            total += session.mean_rate(start, end).ok_or_else(gap)?;
        }
        if total <= 0.0 {
            return Err(Failed::Case("the sessions moved nothing in the window".into()));
        }
        let values = values(case, params, total, &sessions, &measured)?;
        Ok(Outcome { window: measured.window, values, series: series(case, &sessions, &measured) })
    }
}

/// The metric that a protocol is about.
fn main_metric(category: &str) -> &'static str {
    if is_rr(category) { "trans.rate" } else { "throughput" }
}

fn values(
    case: &Case,
    params: &Params,
    total: f64,
    sessions: &[Session],
    measured: &Measured,
) -> Result<Vec<Value>, Failed> {
    let first =
        sessions.first().and_then(|s| s.intervals.first()).map(|i| ("session0.txt".to_owned(), i.line));
    let mut values = vec![Value { metric: main_metric(&case.category), value: total, raw: first }];
    let busy = measured.end.host_cpu.busy_percent_since(&measured.start.host_cpu);
    let busy =
        busy.filter(|b| *b > 0.0).ok_or_else(|| failed("the host's CPU time did not move in the window"))?;
    values.push(Value { metric: "CPU", value: busy, raw: None });
    values.push(Value { metric: "thr_per_CPU", value: total / busy, raw: None });
    let mut counter = |metric: &'static str, value: Option<u64>| -> Result<(), Failed> {
        let value = value.ok_or_else(|| failed(format!("the guest's counters have no {metric}")))?;
        values.push(Value { metric, value: value as f64, raw: Some((GUEST_END.into(), 1)) });
        Ok(())
    };
    let traffic = |read: fn(&Traffic) -> u64| {
        measured.guest_delta(|text| Traffic::parse(text, "eth0").as_ref().map(read))
    };
    counter("rx_pkts", traffic(|t| t.rx_packets))?;
    counter("tx_pkts", traffic(|t| t.tx_packets))?;
    counter("rx_byts", traffic(|t| t.rx_bytes))?;
    counter("tx_byts", traffic(|t| t.tx_bytes))?;
    counter("re_pkts", measured.guest_delta(counters::tcp_retransmits))?;
    if let (Some(end), Some(start)) = (measured.end.exits, measured.start.exits) {
        counter("exits", end.checked_sub(start))?;
    }
    if params.get("nic_model") == Some("virtio_net") {
        counter("rx_intr_sum", measured.guest_delta(|text| counters::virtio_interrupts(text, "input")))?;
        counter("tx_intr_sum", measured.guest_delta(|text| counters::virtio_interrupts(text, "output")))?;
    }
    Ok(values)
}

fn series(case: &Case, sessions: &[Session], measured: &Measured) -> Vec<Point> {
    let metric = main_metric(&case.category);
    let mut points = Vec::new();
    for (number, session) in (0u32..).zip(sessions) {
        points.extend(session.intervals.iter().map(|i| Point {
            metric,
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
                metric: "CPU",
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
        // Interim results say nothing about the end; a client complains on either stream.
        let both = format!("{}\n{}", read("txt"), read("stderr"));
        let complaints: Vec<&str> =
            both.lines().filter(|l| !l.contains('=') && !l.starts_with("MIGRATED")).collect();
        let how = how.err().unwrap_or_else(|| "status 0".into());
        failed(format!(
            "session {session} ended early with {how}: {}",
            complaints.join("; ").trim_matches([';', ' '])
        ))
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
                return Err(Failed::Guest(death));
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
    let mut argv: Vec<String> = vec![lab.host_tool("netperf")?];
    let address = target.address.to_string();
    let control = target.control_port.to_string();
    argv.extend(
        ["-4", "-D", &report, "-H", &address, "-p", &control, "-t", protocol, "-l", &length]
            .map(String::from),
    );
    argv.push("--".to_owned());
    if let Some(port) = target.data_ports.get(session) {
        argv.extend(["-P".to_owned(), format!(",{port}")]);
    }
    argv.extend(message);
    argv.extend(["-k", "THROUGHPUT,THROUGHPUT_UNITS,ELAPSED_TIME,LOCAL_TRANSPORT_RETRANS"].map(String::from));
    Ok(argv)
}
