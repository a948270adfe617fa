//! ntttcp between client and guest: the receiver is in the guest, and its throughput counts.
//!
//! The program is the user's ([`crate::brought`]); Microsoft has one for Linux and another one for Windows, with options of
//! its own. Sender and receiver agree on when they begin over a port of their own, one below the first data port. The two
//! programs do not agree with one another, so that is left out where Windows takes part.

use super::client::Running;
use super::common::{
    Job, busy, failed, host_series, interval, kib, level, needs_all_ports, read, seconds_of, sizes_of, value,
    value_at, wait_for_port,
};
use super::{Known, Needs, Outcome, Workload};
use crate::brought::{self, Wish};
use crate::lab::{Failed, Lab, Measured, keep, window};
use crate::parse::os_of;
use formats::ntttcp::parse;
use model::{Case, Params, ParamsError};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Ntttcp;

/// The key that names the program.
const BINARY: &str = "ntttcp_binary";
/// The key that names the program for Windows guests.
const EXE: &str = "ntttcp_windows";
/// The column of the buffer's size, as the ancestor calls it.
const BUFFER: &str = "buf(k)";

const PARAMETERS: [Known; 5] = [
    Known::new(
        "buffers",
        "2k 4k 8k 16k 32k 64k 128k 256k 512k 1M 2M",
        "sizes",
        "buffers that are sent and received",
    ),
    Known::new("sessions", "1", "a number, 1 to 512", "ports of the receiver, each with one connection"),
    Known::new("l", "60", "seconds, 1 or more", "measured in each case"),
    Known::new(BINARY, "", "a file", "ntttcp's file on this host, which you bring; empty: this host's own"),
    Known::new(
        EXE,
        "",
        "a file, or a path in the guest",
        "ntttcp.exe for Windows guests: a file of this host, or where it is in the guest (C:\\..)",
    ),
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

    fn measures(&self) -> &'static str {
        "network throughput into the guest over TCP; the one for Windows guests"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("buffers", "64k"), ("l", "2")]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[BINARY, EXE]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        brought::check(params, BINARY)?;
        if Sides::of(params)?.any(Os::Windows) {
            brought::check_windows(params, EXE)?;
        }
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

    fn runs_in(&self, _: Os) -> Result<(), &'static str> {
        Ok(())
    }

    fn needs(&self, params: &Params) -> Needs {
        // Parameters of the wrong kind have been refused with the cases.
        let sides = Sides::of(params).unwrap_or(Sides { server: Os::Linux, client: Os::Linux });
        let linux = sides.any(Os::Linux).then(|| Wish::of(params, BINARY, "ntttcp").and_of_clients(params));
        let windows = sides.any(Os::Windows).then(|| Wish::of(params, EXE, "ntttcp.exe").for_windows());
        Needs { brings: linux.into_iter().chain(windows).collect(), ..Needs::default() }
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

    fn prepare(&self, lab: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        needs_all_ports(lab, "ntttcp")?;
        lab.connect()
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let receiver = argv(Side::Receiver, lab, case, params)?;
        keep(raw, "ntttcp.argv", &receiver.join("\n"))?;
        let words: Vec<&str> = receiver.iter().map(String::as_str).collect();
        // It ends with its sender.
        let receiver = Job::start(lab, &words)?;
        let measured = send(lab, (case, params), &receiver, raw);
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
        let values = vec![
            value_at("throughput(Mbit/s)", run.throughput, "ntttcp.txt", run.line),
            value("CPU", busy(&measured)?),
        ];
        Ok(Outcome { window: measured.window, values, series: host_series("CPU", &measured) })
    }
}

/// Runs the sender against a receiver, and cuts the window.
fn send(
    lab: &mut dyn Lab,
    (case, params): (&Case, &Params),
    receiver: &Job,
    raw: &Path,
) -> Result<Measured, Failed> {
    let seconds = seconds_of(params).map_err(failed)?;
    // Where the sides do not agree on when they begin, the first data port is the one to wait for.
    let port = if Sides::of_lab(lab).any(Os::Windows) { PORT } else { PORT - 1 };
    wait_for_port(lab, port, receiver)?;
    let sender = argv(Side::Sender, lab, case, params)?;
    let client = Running::start(lab, &sender, raw, "ntttcp-sender")?;
    let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
    client.finish(lab)?;
    Ok(measured)
}

/// Which side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Receiver,
    Sender,
}

/// The systems of both sides.
#[derive(Clone, Copy)]
struct Sides {
    server: Os,
    client: Os,
}

impl Sides {
    fn of(params: &Params) -> Result<Sides, ParamsError> {
        Ok(Sides { server: os_of(params, "vm1")?, client: os_of(params, "vm2")? })
    }

    fn of_lab(lab: &dyn Lab) -> Sides {
        Sides { server: lab.os(), client: lab.client_os() }
    }

    fn os(self, side: Side) -> Os {
        match side {
            Side::Receiver => self.server,
            Side::Sender => self.client,
        }
    }

    fn any(self, os: Os) -> bool {
        self.server == os || self.client == os
    }
}

/// The command line of one side. Both name the receiver's address, each with one connection a port.
fn argv(side: Side, lab: &dyn Lab, case: &Case, params: &Params) -> Result<Vec<String>, Failed> {
    let sides = Sides::of_lab(lab);
    let key = if sides.os(side) == Os::Windows { EXE } else { BINARY };
    let program = match side {
        Side::Receiver => lab.brought(key)?,
        Side::Sender => lab.client_brought(key)?,
    };
    words(side, sides, &program, lab.target().data, params, case)
}

fn words(
    side: Side,
    sides: Sides,
    program: &str,
    receiver: IpAddr,
    params: &Params,
    case: &Case,
) -> Result<Vec<String>, Failed> {
    let sessions: u32 = params.number("sessions", 1, "a number of ports").map_err(failed)?;
    let seconds = seconds_of(params).map_err(failed)?.saturating_add(MARGIN).to_string();
    let buffer: f64 = level(case, BUFFER)?;
    let (buffer, port) = (((buffer * 1024.0) as u64).to_string(), PORT.to_string());
    let mapping = format!("{sessions},*,{receiver}");
    let flag = if side == Side::Receiver { "-r" } else { "-s" };
    let is_windows = sides.os(side) == Os::Windows;
    let size = if is_windows { "-l" } else { "-b" };
    let mut argv = vec![program, flag, "-m", &mapping, "-p", &port, size, &buffer, "-t", &seconds];
    if side == Side::Sender && !is_windows {
        argv.extend(["-n", "1"]);
    }
    if sides.any(Os::Windows) {
        argv.push(if is_windows { "-ns" } else { "-N" });
    }
    Ok(argv.into_iter().map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;
    use std::net::Ipv4Addr;

    #[test]
    fn each_program_gets_its_own_options_and_they_begin_without_agreeing_where_they_differ() {
        let mut params = Params::new();
        params.set("sessions", "2", Origin::BuiltIn);
        params.set("l", "10", Origin::BuiltIn);
        let keys = [(BUFFER, "64")].into_iter().collect();
        let case = Case { workload: "ntttcp".into(), category: "TCP".into(), keys };
        let line = |side, server, client| {
            let receiver = Ipv4Addr::new(192, 168, 100, 2).into();
            words(side, Sides { server, client }, "X", receiver, &params, &case).unwrap().join(" ")
        };
        let (receiver, sender) = (Side::Receiver, Side::Sender);
        let begin =
            |flag: &str, size: &str| format!("X {flag} -m 2,*,192.168.100.2 -p 5001 {size} 65536 -t 12");
        for (side, server, client, want) in [
            (receiver, Os::Linux, Os::Linux, begin("-r", "-b")),
            (sender, Os::Linux, Os::Linux, begin("-s", "-b") + " -n 1"),
            (receiver, Os::Windows, Os::Linux, begin("-r", "-l") + " -ns"),
            (sender, Os::Windows, Os::Linux, begin("-s", "-b") + " -n 1 -N"),
            (receiver, Os::Linux, Os::Windows, begin("-r", "-b") + " -N"),
            (sender, Os::Windows, Os::Windows, begin("-s", "-l") + " -ns"),
        ] {
            assert_eq!(line(side, server, client), want);
        }
    }
}
