//! sockperf ping-pong: latency of messages between client and guest, with percentiles.
//!
//! The client warms up by itself and leaves the first and the last part of its run out; the window of the host's counters
//! lies within the run.

use super::client::Running;
use super::common::{
    busy, failed, host_series, interval, read, seconds_of, sizes_of, value, value_at, wanted, word, words_of,
};
use super::server::{Transport, serve};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::lab::{Failed, Lab, Measured, Target, window};
use formats::sockperf::parse;
use model::{Case, Params, ParamsError};
use std::path::Path;
use std::time::Duration;
use vm::guest::network::SERVER_PORT;
use vm::guest::os::Os;

/// The workload.
pub struct Sockperf;

const PROTOCOLS: [&str; 2] = ["UDP", "TCP"];

const PARAMETERS: [Known; 3] = [
    Known::new("protocols", "UDP TCP", "UDP, TCP", "what messages go over"),
    Known::new("sizes", "64 1024 1400", "bytes, 14 or more", "each message"),
    Known::new("l", "60", "seconds, 1 or more", "measured in each case"),
];

/// Seconds that the client runs longer than the window.
const MARGIN: u64 = 2;
/// sockperf's own header, and its bound for messages over UDP.
const SIZES: std::ops::RangeInclusive<u64> = 14..=65_507;

impl Workload for Sockperf {
    fn name(&self) -> &'static str {
        "sockperf"
    }

    fn measures(&self) -> &'static str {
        "network latency of single messages, with percentiles"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("sizes", "64"), ("l", "2")]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        let sizes = sizes_of(params, "sizes")?;
        if sizes.iter().any(|size| !SIZES.contains(size)) {
            return Err(
                params.wrong("sizes", &format!("sizes from {} to {} bytes", SIZES.start(), SIZES.end()))
            );
        }
        let mut cases = Vec::new();
        for protocol in words_of(params, "protocols", &PROTOCOLS)? {
            for size in &sizes {
                let keys = [("size", size.to_string())].into_iter().collect();
                let case = Case { workload: self.name().into(), category: protocol.to_owned(), keys };
                add_case(&mut cases, case, params, "sizes")?;
            }
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, kvm: bool) -> Vec<String> {
        let mut all =
            vec!["latency_us", "latency_p50_us", "latency_p99_us", "latency_p999_us", "latency_max_us"];
        all.extend(["trans.rate", "CPU"]);
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
            guest_tools: vec!["sockperf"],
            host_tools: vec!["sockperf".into()],
            ..Needs::default()
        }
    }

    fn seconds(&self, params: &Params) -> f64 {
        f64::from(seconds_of(params).unwrap_or(60)) + MARGIN as f64 + 1.0
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "sockperf-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        lab.connect()?;
        let port = port(&lab.target());
        let number = port.to_string();
        serve(lab, &["sockperf", "server", "-p", &number], Transport::Udp, port)?;
        serve(lab, &["sockperf", "server", "--tcp", "-p", &number], Transport::Tcp, port)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let seconds = seconds_of(params).map_err(failed)?;
        let argv = argv(lab, case, seconds)?;
        let client = Running::start(lab, &argv, raw, "sockperf")?;
        let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
        client.finish(lab)?;
        measured.keep(raw)
    }

    fn parse(&self, _: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let run = parse(&read(raw, "sockperf.txt")?).map_err(failed)?;
        if run.round_trip {
            return Err(failed("the latencies are whole round trips, half of them are wanted"));
        }
        let at = |metric: &str, value: f64| value_at(metric, value, "sockperf.txt", run.line);
        let percentile = |percent| wanted(&format!("percentile {percent}"), run.percentile(percent));
        let values = vec![
            at("latency_us", run.mean_us),
            at("latency_p50_us", percentile(50.0)?),
            at("latency_p99_us", percentile(99.0)?),
            at("latency_p999_us", percentile(99.9)?),
            at("latency_max_us", run.max_us),
            at("trans.rate", run.messages / run.seconds),
            value("CPU", busy(&measured)?),
        ];
        Ok(Outcome { window: measured.window, values, series: host_series("CPU", &measured) })
    }
}

/// The servers' port: where ports are forwarded, the one that takes TCP and UDP.
fn port(target: &Target) -> u16 {
    target.data_ports.first().copied().unwrap_or(SERVER_PORT)
}

fn argv(lab: &dyn Lab, case: &Case, seconds: u32) -> Result<Vec<String>, Failed> {
    let target = lab.target();
    let length = (u64::from(seconds) + MARGIN).to_string();
    let (address, port) = (target.data.to_string(), port(&target).to_string());
    let size = word(case, "size")?;
    let mut argv = vec![lab.client_tool("sockperf")?, "ping-pong".into()];
    argv.extend(["-i", &address, "-p", &port, "-t", &length, "-m", size].map(String::from));
    if case.category == "TCP" {
        argv.push("--tcp".into());
    }
    Ok(argv)
}
