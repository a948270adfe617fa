//! ntttcp between client and guest: the receiver is in the guest, and its throughput counts.
//!
//! The program is the user's ([`crate::brought`]). Sender and receiver agree on when they begin over a port of their own,
//! one below the first data port.

use super::client::Running;
use super::common::{
    Job, busy, exits, failed, host_series, interval, kib, level, needs_all_ports, read, seconds_of, sizes_of,
    value, value_at, wait_for_port,
};
use super::{Known, Needs, Outcome, Workload};
use crate::brought::{self, Wish};
use crate::lab::{Failed, Lab, Measured, keep, window};
use formats::ntttcp::parse;
use model::{Case, Params, ParamsError};
use std::path::Path;
use std::time::Duration;

/// The workload.
pub struct Ntttcp;

/// The key that names the program.
const BINARY: &str = "ntttcp_binary";
/// The column of the buffer's size, as the ancestor calls it.
const BUFFER: &str = "buf(k)";

const PARAMETERS: [Known; 4] = [
    Known {
        key: "buffers",
        default: Some("2k 4k 8k 16k 32k 64k 128k 256k 512k 1M 2M"),
        help: "sizes of the buffers that are sent and received",
    },
    Known { key: "sessions", default: Some("1"), help: "ports of the receiver, each with one connection" },
    Known { key: "l", default: Some("60"), help: "seconds measured in each case" },
    Known {
        key: BINARY,
        default: Some(""),
        help: "ntttcp's file on this host, which you bring; empty: this host's own",
    },
];

/// Seconds that the transfer is longer than the window.
const MARGIN: u32 = 2;
/// The first data port; the sides agree over the one below.
const PORT: u16 = 5001;
/// How many ports ntttcp takes.
const MOST_SESSIONS: u32 = 512;

impl Workload for Ntttcp {
    fn name(&self) -> &'static str {
        "ntttcp"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("buffers", "64k"), ("l", "2")]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[BINARY]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        brought::check(params, BINARY)?;
        let wanted = format!("a number of ports from 1 to {MOST_SESSIONS}");
        if params.number("sessions", 1u32, &wanted)? > MOST_SESSIONS {
            return Err(params.wrong("sessions", &wanted));
        }
        let case = |size: u64| {
            let keys = [(BUFFER, kib(size))].into_iter().collect();
            Case { workload: self.name().into(), category: "TCP".into(), keys }
        };
        Ok(sizes_of(params, "buffers")?.into_iter().map(case).collect())
    }

    fn metrics(&self, _: &str, _: &Params, kvm: bool) -> Vec<String> {
        let mut all = vec!["throughput(Mbit/s)", "CPU"];
        if kvm {
            all.push("exits");
        }
        all.into_iter().map(String::from).collect()
    }

    fn needs(&self, params: &Params) -> Needs {
        Needs { brings: vec![Wish::of(params, BINARY, "ntttcp")], ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        f64::from(seconds_of(params).unwrap_or(60).saturating_add(MARGIN)) + 1.0
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        // The ancestor counts the iterations of one folder; here each repeat has its own.
        "raw_output_1.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab) -> Result<(), Failed> {
        needs_all_ports(lab, "ntttcp")?;
        lab.connect()
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, raw: &Path) -> Result<(), Failed> {
        let seconds = seconds_of(lab.params()).map_err(failed)?;
        let receiver = argv(&lab.brought(BINARY)?, "-r", lab, case)?;
        keep(raw, "ntttcp.argv", &receiver.join("\n"))?;
        let words: Vec<&str> = receiver.iter().map(String::as_str).collect();
        // It ends with its sender.
        let receiver = Job::start(lab, &words)?;
        let measured = send(lab, case, seconds, &receiver, raw);
        let limit = if measured.is_ok() { lab.soon() } else { Duration::ZERO };
        let received = receiver.finish(lab, limit, raw, "ntttcp");
        let measured = measured?;
        received?;
        measured.keep(raw)
    }

    fn parse(&self, _: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let run = parse(&read(raw, "ntttcp.txt")?).map_err(failed)?;
        if run.throughput <= 0.0 {
            return Err(failed("nothing was received"));
        }
        let mut values = vec![
            value_at("throughput(Mbit/s)", run.throughput, "ntttcp.txt", run.line),
            value("CPU", busy(&measured)?),
        ];
        if let Some(exits) = exits(&measured)? {
            values.push(value("exits", exits));
        }
        Ok(Outcome { window: measured.window, values, series: host_series("CPU", &measured) })
    }
}

/// Runs the sender against a receiver, and cuts the window.
fn send(
    lab: &mut dyn Lab,
    case: &Case,
    seconds: u32,
    receiver: &Job,
    raw: &Path,
) -> Result<Measured, Failed> {
    wait_for_port(lab, PORT - 1, receiver)?;
    let sender = argv(&lab.client_brought(BINARY)?, "-s", lab, case)?;
    let client = Running::start(lab, &sender, raw, "ntttcp-sender")?;
    let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
    client.finish(lab)?;
    Ok(measured)
}

/// The command line of one side. Both name the receiver's address, each with one connection a port.
fn argv(program: &str, side: &str, lab: &dyn Lab, case: &Case) -> Result<Vec<String>, Failed> {
    let params = lab.params();
    let sessions: u32 = params.number("sessions", 1, "a number of ports").map_err(failed)?;
    let seconds = seconds_of(params).map_err(failed)?.saturating_add(MARGIN);
    let buffer: f64 = level(case, BUFFER)?;
    let mapping = format!("{sessions},*,{}", lab.target().data);
    let mut argv = vec![program.to_owned(), side.to_owned(), "-m".into(), mapping];
    argv.extend(["-p".into(), PORT.to_string(), "-b".into(), ((buffer * 1024.0) as u64).to_string()]);
    argv.extend(["-t".into(), seconds.to_string()]);
    if side == "-s" {
        argv.extend(["-n", "1"].map(String::from));
    }
    Ok(argv)
}
