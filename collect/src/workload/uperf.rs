//! uperf profiles between client and guest: streams in both directions, requests and responses.
//!
//! A profile is made for each case. uperf is the user's ([`crate::brought`]); its slave lives in the guest for a boot.

use super::client::Running;
use super::common::{
    Job, busy, failed, host_series, interval, level, needs_all_ports, read, seconds_of, sizes_of, value,
    value_at, wait_for_port, words_of,
};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::brought::{self, Wish};
use crate::lab::{Failed, Lab, Measured, keep, window};
use formats::uperf::parse;
use model::{Case, Params, ParamsError};
use std::path::Path;
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Uperf;

const PROFILES: [&str; 3] = ["stream", "maerts", "rr"];
/// The key that names the program.
const BINARY: &str = "uperf_binary";

const PARAMETERS: [Known; 5] = [
    Known::new(
        "profiles",
        "stream maerts rr",
        "stream, maerts, rr",
        "what is measured: the guest receives, sends, or answers",
    ),
    Known::new("sizes", "64 1024 16384", "sizes", "each write or read"),
    Known::new("threads", "1 8", "numbers", "threads, each with a connection of its own"),
    Known::new("l", "60", "seconds, 1 or more", "measured in each case"),
    Known::new(BINARY, "", "a file", "uperf's file on this host, which you bring; empty: this host's own"),
];

/// Seconds that the client runs longer than the window.
const MARGIN: u32 = 2;
/// Where a slave waits for its master.
const SLAVE_PORT: u16 = 20_000;
/// The profile's file, in the case's raw folder.
const PROFILE: &str = "uperf.xml";
/// Where a client in a guest has it.
const GUEST_PROFILE: &str = "/tmp/uperf.xml";

impl Workload for Uperf {
    fn name(&self) -> &'static str {
        "uperf"
    }

    fn measures(&self) -> &'static str {
        "network streams in both directions, and requests with responses"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("sizes", "1024"), ("threads", "1"), ("l", "2")]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[BINARY]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        brought::check(params, BINARY)?;
        let sizes = sizes_of(params, "sizes")?;
        let threads = params.numbers("threads", "numbers of threads, such as '1 8'")?;
        let mut cases = Vec::new();
        for profile in words_of(params, "profiles", &PROFILES)? {
            for size in &sizes {
                for threads in &threads {
                    let keys = [("size", size.to_string()), ("threads", threads.to_string())];
                    let keys = keys.into_iter().collect();
                    let case = Case { workload: self.name().into(), category: profile.to_owned(), keys };
                    add_case(&mut cases, case, params, "sizes")?;
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, category: &str, _: &Params, kvm: bool) -> Vec<String> {
        let mut all = if category == "rr" { vec!["trans.rate", "latency_us"] } else { vec!["throughput"] };
        all.extend(["CPU", "thr_per_CPU"]);
        if kvm {
            all.push("exits");
        }
        all.into_iter().map(String::from).collect()
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("it is written for POSIX systems"),
        }
    }

    fn needs(&self, params: &Params) -> Needs {
        Needs { brings: vec![Wish::of(params, BINARY, "uperf").and_of_clients(params)], ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        f64::from(seconds_of(params).unwrap_or(60).saturating_add(MARGIN)) + 1.0
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "uperf-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        needs_all_ports(lab, "uperf")?;
        lab.connect()?;
        let program = lab.brought(BINARY)?;
        // It serves one master after the other, for as long as the guest lives.
        let slave = Job::start(lab, &[&program, "-s"])?;
        wait_for_port(lab, SLAVE_PORT, &slave)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let seconds = seconds_of(params).map_err(failed)?;
        let profile = profile(case, &lab.target().data.to_string(), seconds.saturating_add(MARGIN))?;
        keep(raw, PROFILE, &profile)?;
        let argv = argv(lab, params, &profile, raw)?;
        let client = Running::start(lab, &argv, raw, "uperf")?;
        let measured = window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds))?;
        client.finish(lab)?;
        measured.keep(raw)
    }

    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let run = parse(&read(raw, "uperf.txt")?).map_err(failed)?;
        let window = measured.window.len_ns as f64 * 1e-9;
        if run.seconds < 0.9 * window {
            let lengths = format!("uperf measured {} s of a window of {window:.1} s", run.seconds);
            return Err(failed(lengths));
        }
        let busy = busy(&measured)?;
        let at = |metric: &str, value: f64| value_at(metric, value, "uperf.txt", run.line);
        let (mut values, rate) = if case.category == "rr" {
            // It counts the write and the read.
            let rate = run.operations / 2.0;
            if rate <= 0.0 {
                return Err(failed("no transaction was completed"));
            }
            let threads: f64 = level(case, "threads")?;
            (vec![at("trans.rate", rate), at("latency_us", threads / rate * 1e6)], rate)
        } else {
            (vec![at("throughput", run.throughput)], run.throughput)
        };
        values.extend([value("CPU", busy), value("thr_per_CPU", rate / busy)]);
        Ok(Outcome { window: measured.window, values, series: host_series("CPU", &measured) })
    }
}

/// The master's command line. A client in a guest writes the profile there first; its text is an argument of the shell,
/// never a part of its script.
fn argv(lab: &dyn Lab, params: &Params, profile: &str, raw: &Path) -> Result<Vec<String>, Failed> {
    let program = lab.client_brought(BINARY)?;
    if params.get("scenario") == Some("guest_guest") {
        let script = "printf '%s' \"$1\" > \"$2\" && exec \"$3\" -m \"$2\"";
        return Ok(["sh", "-c", script, "sh", profile, GUEST_PROFILE, &program].map(String::from).into());
    }
    Ok(vec![program, "-m".into(), raw.join(PROFILE).display().to_string()])
}

/// The profile of a case: connect, move data for a time, disconnect.
fn profile(case: &Case, address: &str, seconds: u32) -> Result<String, Failed> {
    let (size, threads): (u64, u32) = (level(case, "size")?, level(case, "threads")?);
    let (operations, nodelay): (&[&str], _) = match case.category.as_str() {
        "stream" => (&["write"], ""),
        "maerts" => (&["read"], ""),
        _ => (&["write", "read"], " tcp_nodelay"),
    };
    let moving: String = operations
        .iter()
        .map(|kind| format!("      <flowop type=\"{kind}\" options=\"size={size}\"/>\n"))
        .collect();
    Ok(format!(
        "<?xml version=\"1.0\"?>\n<profile name=\"{}\">\n  <group nthreads=\"{threads}\">\n    \
         <transaction iterations=\"1\">\n      <flowop type=\"connect\" \
         options=\"remotehost={address} protocol=tcp{nodelay}\"/>\n    </transaction>\n    \
         <transaction duration=\"{seconds}s\">\n{moving}    </transaction>\n    \
         <transaction iterations=\"1\">\n      <flowop type=\"disconnect\"/>\n    </transaction>\n  \
         </group>\n</profile>\n",
        case.category
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_what_the_case_is() {
        let keys = [("size", "64"), ("threads", "8")].into_iter().collect();
        let mut case = Case { workload: "uperf".into(), category: "rr".into(), keys };
        let text = profile(&case, "192.168.76.2", 62).unwrap();
        assert!(text.contains("nthreads=\"8\"") && text.contains("duration=\"62s\""), "{text}");
        assert!(text.contains("remotehost=192.168.76.2 protocol=tcp tcp_nodelay"), "{text}");
        assert_eq!(text.matches("size=64").count(), 2, "a write and a read: {text}");
        case.category = "maerts".into();
        let text = profile(&case, "192.168.76.2", 62).unwrap();
        assert!(text.contains("type=\"read\"") && !text.contains("type=\"write\""), "{text}");
    }
}
