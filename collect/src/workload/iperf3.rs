//! iperf3: the server in the guest, the client where the scenario has it.
//!
//! The client leaves its first second out of its result, and runs a second longer than the window of the host's
//! counters, which lies within.

use super::client::Running;
use super::common::{
    busy, failed, host_series, interval, level, read, seconds_of, sizes_of, value, value_at, wanted, word,
    words_of,
};
use super::server::{Transport, serve};
use super::{Known, Needs, Outcome, Point, Workload, add_case};
use crate::lab::{Failed, Lab, Measured, Target, window};
use formats::iperf3::parse;
use model::{Case, Params, ParamsError};
use std::path::Path;
use std::time::Duration;
use vm::guest::network::SERVER_PORT;
use vm::guest::os::Os;

/// The workload.
pub struct Iperf3;

const PROTOCOLS: [&str; 3] = ["TCP", "TCP_REVERSE", "UDP"];

const PARAMETERS: [Known; 6] = [
    Known::new(
        "protocols",
        "TCP TCP_REVERSE UDP",
        "TCP, TCP_REVERSE, UDP",
        "what is measured; TCP_REVERSE: the guest sends",
    ),
    Known::new("sizes", "16k 128k", "sizes", "each write over TCP"),
    Known::new("sizes_udp", "64 1024 1448", "sizes", "each datagram"),
    Known::new("streams", "1 4", "numbers", "parallel streams"),
    Known::new("bitrate_udp", "0", "bit/s, such as 500M", "rate of each UDP stream; 0: as fast as it goes"),
    Known::new("l", "60", "seconds, 1 or more", "measured in each case"),
];

/// Seconds left out of iperf3's result, and seconds that it runs longer than the window.
const OMIT: u64 = 1;
const MARGIN: u64 = 1;
/// Largest datagram over IPv4.
const MAX_DATAGRAM: u64 = 65_507;

impl Workload for Iperf3 {
    fn name(&self) -> &'static str {
        "iperf3"
    }

    fn measures(&self) -> &'static str {
        "network throughput over TCP and UDP"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("sizes", "16k"), ("sizes_udp", "1024"), ("streams", "1"), ("l", "2")]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        if params.get("bitrate_udp") != Some("0") {
            let rate = params.text("bitrate_udp")?;
            model::bytes(rate)
                .ok_or_else(|| params.wrong("bitrate_udp", "a rate in bit/s, such as 500M, or 0"))?;
        }
        let streams = params.numbers("streams", "numbers of streams, such as '1 4'")?;
        if streams.iter().any(|n| *n > 128) {
            return Err(params.wrong("streams", "numbers of streams, each at most 128 (iperf3's own bound)"));
        }
        let mut cases = Vec::new();
        for protocol in words_of(params, "protocols", &PROTOCOLS)? {
            let key = if protocol == "UDP" { "sizes_udp" } else { "sizes" };
            for size in sizes_of(params, key)? {
                if protocol == "UDP" && size > MAX_DATAGRAM {
                    return Err(params.wrong(key, &format!("sizes of at most {MAX_DATAGRAM} bytes")));
                }
                for streams in &streams {
                    let keys = [("size", size.to_string()), ("streams", streams.to_string())];
                    let keys = keys.into_iter().collect();
                    let case = Case { workload: self.name().into(), category: protocol.to_owned(), keys };
                    add_case(&mut cases, case, params, key)?;
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, category: &str, _: &Params, kvm: bool) -> Vec<String> {
        let mut all = vec!["throughput", "CPU", "thr_per_CPU"];
        match category {
            "UDP" => all.extend(["send_throughput", "lost_percent", "jitter_ms"]),
            _ => all.push("re_pkts"),
        }
        if kvm {
            all.push("exits");
        }
        all.into_iter().map(String::from).collect()
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("its server comes from perfvt's tools disk, which is for Linux"),
        }
    }

    fn needs(&self, _: &Params) -> Needs {
        Needs {
            tools: true,
            guest_tools: vec!["iperf3"],
            host_tools: vec!["iperf3".into()],
            ..Needs::default()
        }
    }

    fn seconds(&self, params: &Params) -> f64 {
        f64::from(seconds_of(params).unwrap_or(60)) + (OMIT + MARGIN) as f64 + 1.0
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "iperf3-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        lab.connect()?;
        let port = port(&lab.target());
        serve(lab, &["iperf3", "-4", "-s", "-p", &port.to_string()], Transport::Tcp, port)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let seconds = seconds_of(params).map_err(failed)?;
        let argv = argv(lab, case, params, seconds)?;
        let client = Running::start(lab, &argv, raw, "iperf3")?;
        lab.sleep(Duration::from_secs(OMIT));
        let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
        client.finish(lab)?;
        measured.keep(raw)
    }

    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let run = parse(&read(raw, "iperf3.txt")?).map_err(failed)?;
        if run.received <= 0.0 {
            return Err(failed("nothing arrived"));
        }
        let at = |metric: &str, value: f64| value_at(metric, value, "iperf3.txt", run.line);
        let (throughput, busy) = (run.received / 1e6, busy(&measured)?);
        let mut values =
            vec![at("throughput", throughput), value("CPU", busy), value("thr_per_CPU", throughput / busy)];
        if case.category == "UDP" {
            values.push(at("send_throughput", run.sent / 1e6));
            values.push(at("lost_percent", wanted("share of lost datagrams", run.lost_percent)?));
            values.push(at("jitter_ms", wanted("jitter", run.jitter_ms)?));
        } else {
            values.push(at("re_pkts", wanted("number of segments sent again", run.retransmits)?));
        }
        // iperf3 tells no moments: its measurement begins where the window does, to about a tenth of a second.
        let begin = measured.start.at.unix_seconds();
        let mut series = host_series("CPU", &measured);
        series.extend(run.intervals.iter().map(|i| Point {
            metric: "throughput".into(),
            session: None,
            ending: begin + i.end,
            seconds: i.seconds,
            value: i.rate / 1e6,
        }));
        Ok(Outcome { window: measured.window, values, series })
    }
}

/// The server's port: where ports are forwarded, the one that takes TCP and UDP.
fn port(target: &Target) -> u16 {
    target.data_ports.first().copied().unwrap_or(SERVER_PORT)
}

fn argv(lab: &dyn Lab, case: &Case, params: &Params, seconds: u32) -> Result<Vec<String>, Failed> {
    let target = lab.target();
    let length = (u64::from(seconds) + MARGIN).to_string();
    let mut argv = vec![lab.client_tool("iperf3")?];
    let size = word(case, "size")?;
    let streams: u32 = level(case, "streams")?;
    let (address, port) = (target.data.to_string(), port(&target).to_string());
    let report = interval(seconds).as_secs_f64().max(0.1).to_string();
    argv.extend(
        ["-c", &address, "-p", &port, "-J", "-t", &length, "-O", &OMIT.to_string()].map(String::from),
    );
    argv.extend(["-i", &report, "-l", size, "-P", &streams.to_string()].map(String::from));
    match case.category.as_str() {
        "UDP" => {
            let rate = params.get("bitrate_udp").unwrap_or("0").to_owned();
            argv.extend(["-u".to_owned(), "-b".to_owned(), rate]);
        }
        "TCP_REVERSE" => argv.push("-R".into()),
        _ => {}
    }
    Ok(argv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn datagrams_have_sizes_of_their_own_and_no_more_than_fit() {
        let mut params = Params::new();
        for known in PARAMETERS {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        let ids: Vec<String> = Iperf3.cases(&params).unwrap().iter().map(Case::id).collect();
        assert_eq!(ids.len(), 2 * 2 * 2 + 3 * 2);
        assert!(ids.contains(&"iperf3/UDP/size=1448,streams=4".to_owned()), "{ids:?}");
        params.set("sizes_udp", "64k", Origin::Flag("--set".into()));
        assert!(Iperf3.cases(&params).unwrap_err().to_string().contains("at most 65507 bytes"));
    }
}
