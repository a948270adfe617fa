//! The client's sessions of one case: started together, waited for, ended together.

use super::super::common::{failed, interval, late, read, said, word};
use super::{UDP_STREAM, is_rr, protocol_of, sessions_of};
use crate::lab::{Client, Failed, Lab, keep};
use formats::netperf::{Session, parse_session};
use model::{Case, Code, Params, Phase};
use process::private_folder;
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

/// How much longer than the window a session runs: for the start of all of them, and for late reports.
const MARGIN: u64 = 6;
/// What each session is asked for in its final block.
const SUMMARY: [&str; 5] =
    ["THROUGHPUT", "THROUGHPUT_UNITS", "ELAPSED_TIME", "LOCAL_TRANSPORT_RETRANS", "LOCAL_SEND_THROUGHPUT"];

/// Finds out whether the client's netperf can pause between bursts, when it is asked to.
pub(super) fn probe_intervals(lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
    if params.get("burst").is_none_or(|burst| burst == "0") {
        return Ok(());
    }
    let dir = private_folder().map_err(|e| Failed::new(Code::Host, format!("making a folder: {e}")))?;
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    let argv = [lab.client_tool("netperf")?, "-w".into(), "1".into(), "-b".into(), "1".into(), "-V".into()];
    let mut client = lab.start_client(&argv, &out, &err)?;
    let until = Instant::now() + lab.deadline(Phase::Prepare);
    while client.ended().is_none() && Instant::now() < until {
        lab.sleep(Duration::from_millis(10));
    }
    let said = [out, err].map(|file| process::tail(&file)).concat();
    if said.contains("not compiled in") {
        let way_out =
            "leave burst at 0, or have a netperf built with --enable-intervals first in the search path";
        return Err(Failed::new(
            Code::Host,
            format!("this netperf has no intervals, which burst needs; {way_out}"),
        ));
    }
    Ok(())
}

/// What the sessions of a case are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are what is measured.
    Load,
    /// One that tells how long a request takes beside them.
    Probe,
}

impl Purpose {
    /// How its files are called, before the number of the session.
    fn word(self) -> &'static str {
        match self {
            Purpose::Load => "session",
            Purpose::Probe => "probe",
        }
    }
}

pub(super) fn read_session(raw: &Path, purpose: Purpose, session: usize) -> Result<Session, Failed> {
    let name = format!("{}{session}.txt", purpose.word());
    let mut read = parse_session(&read(raw, &name)?)
        .map_err(|e| failed(format!("{}: {e}", raw.join(&name).display())))?;
    let ahead = client_ahead(raw)?;
    for interval in &mut read.intervals {
        interval.ending -= ahead;
    }
    Ok(read)
}

/// How far the time of day of the client is ahead of this host's, in seconds, in a case's raw folder.
const CLIENT_CLOCK: &str = "client-ahead.txt";

/// What [`CLIENT_CLOCK`] says; a client on this host or in a guest of its has the same time of day.
fn client_ahead(raw: &Path) -> Result<f64, Failed> {
    let path = raw.join(CLIENT_CLOCK);
    match edge::read_text(&path, edge::read::CONFIG) {
        Ok(text) => text.trim().parse().map_err(|e| failed(format!("{}: {e}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0.0),
        Err(error) => Err(failed(format!("reading {}: {error}", path.display()))),
    }
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

/// Notes how far the client's time of day is ahead, where it is another host's.
pub(super) fn note_clock(lab: &mut dyn Lab, raw: &Path) -> Result<(), Failed> {
    match lab.client_ahead()? {
        Some(ahead) => keep(raw, CLIENT_CLOCK, &ahead.to_string()),
        None => Ok(()),
    }
}

/// The client's sessions of one case.
pub(super) struct Sessions<'a> {
    clients: Vec<Box<dyn Client>>,
    purpose: Purpose,
    raw: &'a Path,
}

impl<'a> Sessions<'a> {
    pub(super) fn start(
        lab: &mut dyn Lab,
        case: &Case,
        params: &Params,
        seconds: u32,
        (purpose, raw): (Purpose, &'a Path),
    ) -> Result<Self, Failed> {
        let count = sessions_of(case)?;
        let mut clients = Vec::new();
        for i in 0..count {
            // A forwarded port is one session's alone, and the last one the probe's.
            let port = match purpose {
                Purpose::Load => i,
                Purpose::Probe => lab.target().data_ports.len().saturating_sub(1),
            };
            let argv = client_argv(lab, case, params, seconds, port)?;
            let word = purpose.word();
            keep(raw, &format!("{word}{i}.argv"), &argv.join("\n"))?;
            let out = raw.join(format!("{word}{i}.txt"));
            let err = raw.join(format!("{word}{i}.stderr"));
            clients.push(lab.start_client(&argv, &out, &err)?);
        }
        Ok(Sessions { clients, purpose, raw })
    }

    /// Why a session ended before it should.
    fn early_end(&self, session: usize, how: Result<(), String>) -> Failed {
        let word = self.purpose.word();
        let read = |ending: &str| process::tail(&self.raw.join(format!("{word}{session}.{ending}")));
        // A client complains on either stream.
        let complaints = complaints(&format!("{}\n{}", read("txt"), read("stderr")));
        let how = how.err().unwrap_or_else(|| "status 0".into());
        failed(format!("{word} {session} ended early with {how}: {}", said(&[&complaints])))
    }

    /// Polls until `reached` holds for every session, as long as the phase may take.
    pub(super) fn wait(
        &mut self,
        lab: &mut dyn Lab,
        phase: Phase,
        otherwise: &str,
        reached: impl Fn(&Session) -> bool,
    ) -> Result<(), Failed> {
        let until = Instant::now() + lab.deadline(phase);
        let mut waiting: Vec<usize> = (0..self.clients.len()).collect();
        loop {
            let mut still = Vec::new();
            for i in waiting {
                if reached(&read_session(self.raw, self.purpose, i)?) {
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
                let word = self.purpose.word();
                return Err(late(phase, format!("{word} {first} of {} {otherwise}", self.clients.len())));
            }
            waiting = still;
            lab.sleep(Duration::from_millis(20));
        }
    }

    /// Ends all sessions, which then print their own summary.
    pub(super) fn finish(mut self, lab: &mut dyn Lab, protocol: &str) -> Result<(), Failed> {
        let mut until = Instant::now() + lab.deadline(Phase::Measure);
        if ends_itself(protocol) {
            until += Duration::from_secs(margin(self.clients.len()));
        } else {
            self.clients.iter_mut().for_each(|client| client.signal(Signal::ALARM));
        }
        for i in 0..self.clients.len() {
            loop {
                match self.clients.get_mut(i).and_then(|c| c.ended()) {
                    Some(Ok(())) => break,
                    Some(how) => return Err(self.early_end(i, how)),
                    None if Instant::now() >= until => {
                        let word = self.purpose.word();
                        return Err(late(Phase::Measure, format!("{word} {i} did not end in time")));
                    }
                    None => lab.sleep(Duration::from_millis(5)),
                }
            }
        }
        Ok(())
    }
}

/// Whether the sessions of a protocol have to come to their own end. A client that receives counts on the server to end. A
/// server of connections waits for the next one until its own timer, some seconds behind the client's; a client that was
/// told to end before would hear its own timer while it waits for the server's results, and give up.
fn ends_itself(protocol: &str) -> bool {
    ["TCP_MAERTS", "TCP_CRR"].contains(&protocol)
}

/// Seconds that a case takes beside its window: the start and the first interval of all sessions, and their end.
pub(super) fn seconds_beside_window(protocol: &str, sessions: usize) -> f64 {
    let whole = margin(sessions) as f64 + 0.5;
    match protocol {
        // Its server is four seconds behind.
        "TCP_CRR" => whole + 4.0,
        protocol if ends_itself(protocol) => whole,
        _ => 1.5,
    }
}

/// Seconds that sessions run longer than the window.
pub(super) fn margin(sessions: usize) -> u64 {
    MARGIN + sessions as u64 / 10
}

fn client_argv(
    lab: &dyn Lab,
    case: &Case,
    params: &Params,
    seconds: u32,
    port: usize,
) -> Result<Vec<String>, Failed> {
    let target = lab.target();
    let protocol = protocol_of(case);
    let size = word(case, "size")?;
    let message = match protocol {
        p if is_rr(p) => ["-r".to_owned(), format!("{size},{size}")],
        "TCP_MAERTS" => ["-m".to_owned(), format!(",{size}")],
        _ => ["-m".to_owned(), size.to_owned()],
    };
    // A negative interval makes netperf look at the clock at every send, so that reports come evenly.
    let report = format!("-{}", interval(seconds).as_secs_f64());
    let length = (u64::from(seconds) + margin(sessions_of(case)?)).to_string();
    let program = lab.client_tool("netperf")?;
    let mut argv: Vec<String> = vec![program.clone()];
    let (control_address, data) = (target.control.to_string(), target.data.to_string());
    let control = target.control_port.to_string();
    argv.extend(
        ["-4", "-D", &report, "-H", &control_address, "-p", &control, "-t", protocol, "-l", &length]
            .map(String::from),
    );
    match protocol {
        // Something to send that is there wherever the client is; it must be larger than a few messages.
        "TCP_SENDFILE" => argv.extend(["-F".to_owned(), program]),
        UDP_STREAM => {
            if let Some(burst) = params.get("burst").filter(|burst| *burst != "0") {
                let pause = params.get("burst_ms").unwrap_or("1");
                argv.extend(["-b", burst, "-w", pause].map(String::from));
            }
        }
        _ => {}
    }
    argv.push("--".to_owned());
    if data != control_address {
        argv.extend(["-H".to_owned(), data]);
    }
    if let Some(port) = target.data_ports.get(port) {
        argv.extend(["-P".to_owned(), format!(",{port}")]);
    }
    argv.extend(message);
    match protocol {
        // It is older than the rest, and its summary is a table.
        "TCP_SENDFILE" => return Ok(argv),
        // Without it datagrams go to neighbours only.
        UDP_STREAM => argv.extend(["-R", "1"].map(String::from)),
        _ => {}
    }
    argv.extend(["-k".to_owned(), SUMMARY.join(",")]);
    Ok(argv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_with_an_equals_sign_is_quoted_and_results_are_not() {
        let text = "MIGRATED TCP STREAM TEST\nInterim result: 1 a over 1 seconds ending at 2\n\
                    NETPERF_UNITS[5]=Trans/s\nTHROUGHPUT=1.5\nsend_data: data send error: errno=104\n\n";
        assert_eq!(complaints(text), "send_data: data send error: errno=104");
    }
}
