//! What a guest does while it moves, how that is started and ended, and what became of it: how much less of it was done, when it was
//! done as before again, and for how long its stream stood.
//!
//! fio tells its rate by the guest's monotonic clock, which stands with the guest; the host's clock is found from one reading before the
//! move, and from when the guest stood. What netperf's guest sends is noted outside of it, by the host's clock.

use super::super::common::{Job, failed, late, level, read, said, value, words_of};
use super::super::storage::device;
use super::super::{Needs, Value};
use super::done::{Piece, done, recovered};
use crate::lab::{Client, Failed, Lab, keep};
use crate::parse::{self, disk};
use formats::fio::parse_log;
use model::{Accel, Case, Params, ParamsError, Phase};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};
use vm::guest::migration::Record;
use vm::guest::network::{Carried, SERVER_PORT};

/// What the guest does meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Nothing.
    None,
    /// It writes its memory at a rate.
    Memory,
    /// It sends a TCP stream to this host.
    Netperf,
    /// It writes its data disk.
    Fio,
}

/// All, with their words.
const WORDS: [(&str, Load); 4] =
    [("memory", Load::Memory), ("netperf", Load::Netperf), ("fio", Load::Fio), ("none", Load::None)];

/// The folder of fio's files in the guest.
const DIR: &str = "/run/perfvt-load";
/// What the guest sent, in a case's raw folder: [`Carried`], line by line.
const STREAM: &str = "stream.txt";
/// fio's averages, in a case's raw folder.
const LOG: &str = "fio_bw.log";
/// By how many nanoseconds this host's time of day was ahead of the guest's monotonic clock, in a case's raw folder.
const CLOCK: &str = "guest-clock.txt";
/// So long before the move the load is looked at, which has run for so long by then.
const BEFORE_NS: u64 = 1_000_000_000;
/// Nobody watches a guest for longer behind its move: five times the longest `migrate_watch`.
const LONGEST_NS: u64 = 5 * 86_400 * 1_000_000_000;

impl Load {
    /// What is asked for, each once.
    pub(super) fn all(params: &Params) -> Result<Vec<Load>, ParamsError> {
        let words = words_of(params, "load", &WORDS.map(|(word, _)| word))?;
        let all: Vec<Load> = words.into_iter().map(Load::parse).collect();
        if all.contains(&Load::Fio) && disk(params)?.is_none() {
            return Err(
                params.wrong("disk_size", "a size such as 256M, because load=fio writes the data disk")
            );
        }
        Ok(all)
    }

    /// By its word, which is the category of a case.
    pub(super) fn parse(word: &str) -> Load {
        WORDS.into_iter().find(|(known, _)| *known == word).map_or(Load::None, |(_, load)| load)
    }

    pub(super) fn word(self) -> &'static str {
        WORDS.into_iter().find(|(_, known)| *known == self).map_or("none", |(word, _)| word)
    }

    pub(super) fn metrics(self) -> &'static [&'static str] {
        match self {
            Load::None => &[],
            Load::Memory | Load::Fio => &["load_loss_percent", "load_recovery_ms"],
            Load::Netperf => &["load_loss_percent", "load_recovery_ms", "tcp_stall_ms"],
        }
    }

    pub(super) fn needs(self) -> Needs {
        let fio = matches!(self, Load::Memory | Load::Fio);
        Needs {
            tools: fio,
            guest_tools: if fio { vec!["fio"] } else { Vec::new() },
            host_tools: if self == Load::Netperf { vec!["netperf".into()] } else { Vec::new() },
            writes_disk: self == Load::Fio,
            ..Needs::default()
        }
    }

    /// Once a boot.
    pub(super) fn prepare(self, lab: &mut dyn Lab) -> Result<(), Failed> {
        let limit = lab.deadline(Phase::Prepare);
        match self {
            Load::None => Ok(()),
            // The disk with the tools is mounted before any time is taken.
            Load::Memory | Load::Fio => lab.exec(&["fio", "--version"], limit).map(drop),
            Load::Netperf => lab.serve(&["netserver", "-4", "-p", &SERVER_PORT.to_string()], limit).map(drop),
        }
    }

    /// Begins, and comes back when it has gone on for a while.
    pub(super) fn begin(
        self,
        lab: &mut dyn Lab,
        case: &Case,
        params: &Params,
        raw: &Path,
    ) -> Result<Going, Failed> {
        match self {
            Load::None => Ok(Going::Nothing),
            Load::Netperf => stream(lab, raw),
            Load::Memory => {
                let rate: u32 = level(case, "dirty_rate")?;
                let size: u32 = params.number("dirty_mb", 1, "MB").map_err(failed)?;
                let how = [
                    format!("--filename={DIR}/memory"),
                    format!("--size={size}M"),
                    format!("--rate={rate}M"),
                    "--ioengine=psync".into(),
                    "--fallocate=none".into(),
                ];
                // All of it is there before it moves.
                let (full, limit) = (f64::from(size) / f64::from(rate), lab.deadline(Phase::WarmUp));
                if full > limit.as_secs_f64() {
                    return Err(failed(not_full(full, limit)));
                }
                fio(lab, &how, Duration::from_secs_f64(full.max(0.5)), raw)
            }
            Load::Fio => {
                let device = device(lab)?;
                let how = [
                    format!("--filename={device}"),
                    "--ioengine=libaio".into(),
                    "--iodepth=8".into(),
                    "--direct=1".into(),
                ];
                fio(lab, &how, Duration::ZERO, raw)
            }
        }
    }

    /// What became of it.
    pub(super) fn values(self, record: &Record, watched_ns: u64, raw: &Path) -> Result<Vec<Value>, Failed> {
        let (pieces, stood) = match self {
            Load::None => return Ok(Vec::new()),
            Load::Memory | Load::Fio => (by_fio(record, raw)?, None),
            Load::Netperf => {
                let carried = carried(&read(raw, STREAM)?)?;
                let stood = stall_ns(&carried, record.begun_ns, watched_ns);
                (carried.iter().map(Piece::of).collect(), Some(stood))
            }
        };
        let began = record.begun_ns;
        let before = done(&pieces, began.saturating_sub(BEFORE_NS), began) / BEFORE_NS as f64;
        if before <= 0.0 {
            return Err(failed("the load did nothing in the second before the guest moved"));
        }
        let length = record.ended_ns.saturating_sub(began).max(1) as f64;
        let meanwhile = done(&pieces, began, record.ended_ns) / length;
        let resume = record.resume_ns.unwrap_or(record.ended_ns);
        if watched_ns.saturating_sub(resume) > LONGEST_NS {
            return Err(Failed::nonsense("nobody watches a guest for more than five days behind its move"));
        }
        let recovered = recovered(&pieces, before, (resume, watched_ns));
        let recovery_ns = recovered.unwrap_or(watched_ns).saturating_sub(resume);
        let mut values = vec![
            value("load_loss_percent", 100.0 * (1.0 - meanwhile / before)),
            value("load_recovery_ms", recovery_ns as f64 * 1e-6),
        ];
        values.extend(stood.map(|ns| value("tcp_stall_ms", ns as f64 * 1e-6)));
        Ok(values)
    }
}

/// A load that goes on.
pub(super) enum Going {
    Nothing,
    Fio(Job),
    Stream(Box<dyn Client>),
}

impl Going {
    /// Ends it, and keeps what tells of it. A guest that is dead has nothing to end.
    pub(super) fn end(self, lab: &mut dyn Lab, raw: &Path) -> Result<(), Failed> {
        match self {
            Going::Nothing => Ok(()),
            Going::Fio(job) if lab.death().is_none() => {
                let ended = job.status(lab);
                let told = job.signal(lab, "TERM");
                let limit = lab.deadline(Phase::Fetch);
                // fio tells what it wrote, and ends as one that was told to.
                let _ = job.finish(lab, limit, raw, "fio");
                let log = lab.exec(&["grep", "-H", ",", &format!("{DIR}/fio_bw.1.log")], limit);
                let kept = log.and_then(|log| keep(raw, LOG, &log));
                let gone = lab.exec(&["rm", "-rf", DIR], lab.soon()).map(drop);
                match ended? {
                    Some(status) => Err(ended_early(raw, "fio", Err(format!("status {status}")))),
                    None => told.and(kept).and(gone),
                }
            }
            Going::Fio(_) => Ok(()),
            Going::Stream(mut client) => {
                let ended = client.ended();
                client.signal(Signal::TERM);
                let until = Instant::now() + lab.deadline(Phase::Fetch);
                while client.ended().is_none() && Instant::now() < until {
                    lab.sleep(Duration::from_millis(10));
                }
                // The guest hears that it is over before nobody is there.
                lab.sleep(Duration::from_millis(200));
                lab.lead_in(None)?;
                match ended {
                    Some(how) if lab.death().is_none() => Err(ended_early(raw, "netperf", how)),
                    _ => Ok(()),
                }
            }
        }
    }
}

fn ended_early(raw: &Path, tool: &str, how: Result<(), String>) -> Failed {
    let how = how.err().unwrap_or_else(|| "status 0".into());
    let [err, out] = ["stderr", "txt"].map(|ending| process::tail(&raw.join(format!("{tool}.{ending}"))));
    let said = said(&[&err, &out]);
    let what = if tool == "fio" { "write" } else { "send" };
    failed(format!("{tool} ended with {how} while the guest was to {what}: {said}"))
}

/// What is said of memory that is not full soon enough.
fn not_full(seconds: f64, limit: Duration) -> String {
    let limit = limit.as_secs_f64();
    format!(
        "dirty_mb at dirty_rate takes {seconds:.0} s until memory is full of it, and {limit:.0} s are there before the guest moves \
         (docs/campaigns.md, warm-up); less dirty_mb or a larger dirty_rate would do"
    )
}

/// Refuses a rate at which memory is not full in time, however guests are run.
pub(super) fn fits(params: &Params, rate: u32) -> Result<(), ParamsError> {
    let size: u32 = params.number("dirty_mb", 1, "MB")?;
    let (full, limit) = (f64::from(size) / f64::from(rate), parse::deadlines(params, Accel::Tcg)?);
    let limit = limit.within(Phase::WarmUp);
    if full > limit.as_secs_f64() { Err(params.wrong("dirty_mb", &not_full(full, limit))) } else { Ok(()) }
}

/// Has the guest send a TCP stream to this host.
fn stream(lab: &mut dyn Lab, raw: &Path) -> Result<Going, Failed> {
    lab.lead_in(Some(&raw.join(STREAM)))?;
    let sends = send(lab, raw);
    if sends.is_err() {
        // Its client has been ended.
        let _ = lab.lead_in(None);
    }
    sends
}

fn send(lab: &mut dyn Lab, raw: &Path) -> Result<Going, Failed> {
    let target = lab.target();
    let words = [
        lab.client_tool("netperf")?,
        "-4".into(),
        "-H".into(),
        target.control.to_string(),
        "-p".into(),
        target.control_port.to_string(),
        "-t".into(),
        "TCP_MAERTS".into(),
        // Longer than any move; it is told to end.
        "-l".into(),
        "86400".into(),
    ];
    let [out, err] = ["netperf.txt", "netperf.stderr"].map(|name| raw.join(name));
    let mut client = lab.start_client(&words, &out, &err)?;
    let until = Instant::now() + lab.deadline(Phase::WarmUp);
    let sends = || read(raw, STREAM).is_ok_and(|text| text.lines().count() > 20);
    while !sends() {
        if let Some(how) = client.ended() {
            return Err(ended_early(raw, "netperf", how));
        }
        if Instant::now() >= until {
            return Err(late(Phase::WarmUp, "the guest sends nothing to netperf"));
        }
        lab.sleep(Duration::from_millis(50));
    }
    lab.sleep(Duration::from_nanos(BEFORE_NS));
    Ok(Going::Stream(client))
}

/// Has fio write in the guest until it is told to end.
fn fio(lab: &mut dyn Lab, how: &[String], longer: Duration, raw: &Path) -> Result<Going, Failed> {
    // What an earlier one left there tells nothing of this one.
    lab.exec(&["rm", "-rf", DIR], lab.soon())?;
    lab.exec(&["mkdir", "-p", DIR], lab.soon())?;
    let log = format!("--write_bw_log={DIR}/fio");
    let begun = format!("--exec_prerun=touch {DIR}/begun");
    let always = ["fio", "--name=load", "--rw=randwrite", "--bs=4k", "--time_based", "--runtime=86400"];
    // Times of the log are those of CLOCK_MONOTONIC, which is 1.
    let clock = ["--log_avg_msec=100", "--log_alternate_epoch=1", "--log_alternate_epoch_clock_id=1"];
    let mut words: Vec<&str> = [&always[..], &clock].concat();
    words.extend(["--thread", "--output-format=json", &log, &begun]);
    words.extend(how.iter().map(String::as_str));
    let job = Job::start(lab, &words)?;
    match writes(lab, &job, longer, raw) {
        Ok(()) => Ok(Going::Fio(job)),
        Err(failure) => {
            // It would go on beside the next case.
            let _ = job.finish(lab, Duration::ZERO, raw, "fio");
            Err(failure)
        }
    }
}

/// Waits until fio has written for a while, and reads the guest's clock.
fn writes(lab: &mut dyn Lab, job: &Job, longer: Duration, raw: &Path) -> Result<(), Failed> {
    let until = Instant::now() + lab.deadline(Phase::WarmUp);
    while lab.exec(&["ls", &format!("{DIR}/begun")], lab.soon()).is_err() {
        if let Some(status) = job.status(lab)? {
            let told = job.standing(lab)?.stderr;
            return Err(failed(format!("fio ended with status {status} in the guest: {}", said(&[&told]))));
        }
        if Instant::now() >= until {
            return Err(late(Phase::WarmUp, "fio does not begin in the guest"));
        }
        lab.sleep(Duration::from_millis(100));
    }
    lab.sleep(longer + Duration::from_nanos(BEFORE_NS));
    let now = lab.snapshot()?;
    let uptime = now.guest.clock.uptime.map(|seconds| (seconds * 1e9) as u64);
    let guest_ns = now.guest.clock.now_ns.or(uptime);
    let ahead = guest_ns.and_then(|guest_ns| now.at.unix_ns.checked_sub(guest_ns));
    let ahead = ahead.ok_or_else(|| failed("the guest does not tell its clock"))?;
    keep(raw, CLOCK, &format!("{ahead}\n"))
}

/// What was noted of a stream; its last line may be cut.
fn carried(text: &str) -> Result<Vec<Carried>, Failed> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let wrong =
        |line: usize| Failed::nonsense(format!("{STREAM}, line {}: it tells nothing of a stream", line + 1));
    let all = whole.lines().enumerate();
    all.map(|(line, text)| Carried::parse(text).ok_or_else(|| wrong(line))).collect()
}

/// The longest time in which the stream stood, from a second before the move until nobody watched any more.
fn stall_ns(carried: &[Carried], begun_ns: u64, watched_ns: u64) -> u64 {
    let since = begun_ns.saturating_sub(BEFORE_NS);
    let near: Vec<&Carried> =
        carried.iter().filter(|one| one.to_ns >= since && one.from_ns <= watched_ns).collect();
    let between = near.windows(2).filter_map(|pair| match pair {
        [one, next] => Some(next.from_ns.saturating_sub(one.to_ns)),
        _ => None,
    });
    let last = near.last().map_or(since, |last| last.to_ns);
    between.chain([watched_ns.saturating_sub(last)]).max().unwrap_or_default()
}

/// What fio did, by this host's time of day.
fn by_fio(record: &Record, raw: &Path) -> Result<Vec<Piece>, Failed> {
    let text = read(raw, CLOCK)?;
    let ahead: u64 = text
        .trim()
        .parse()
        .map_err(|_| Failed::nonsense(format!("{CLOCK}: {} is no time", edge::quoted(text.trim()))))?;
    let stop = record.stop_ns.unwrap_or(u64::MAX);
    let stood = record.resume_ns.and_then(|resume| resume.checked_sub(stop)).unwrap_or_default();
    let (mut pieces, mut last) = (Vec::new(), None);
    for point in parse_log(&read(raw, LOG)?).map_err(failed)? {
        let at = point.ms.saturating_mul(1_000_000).saturating_add(ahead);
        if let Some(from) = last.filter(|from| *from < at) {
            let whole = Piece { from_ns: from, to_ns: at, amount: point.value * (at - from) as f64 };
            pieces.extend(whole.around(stop, stood));
        }
        last = Some(at);
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use vm::guest::migration::Ended;

    const MS: u64 = 1_000_000;
    /// When the guest began to move.
    const BEGUN: u64 = 10_000 * MS;

    /// A guest that moved for two seconds, and stood for the last half of one.
    fn record() -> Record {
        let file = json!({
            "mode": "precopy", "route": "unix", "ended": Ended::Completed, "begun_ns": BEGUN, "begun_mono_ns": 1,
            "ended_ns": BEGUN + 2000 * MS, "stop_ns": BEGUN + 1500 * MS, "resume_ns": BEGUN + 2000 * MS,
            "source_cpu_ns": 1, "destination_cpu_ns": 1, "versions": ["7.2.0", "7.2.0"], "capabilities": [],
            "parameters": {}, "told": {}, "samples": []
        });
        serde_json::from_value(file).unwrap()
    }

    fn told(load: Load, files: &[(&str, String)]) -> Result<Vec<(String, f64)>, Failed> {
        let raw = tempfile::tempdir().unwrap();
        for (name, text) in files {
            keep(raw.path(), name, text).unwrap();
        }
        let values = load.values(&record(), BEGUN + 4000 * MS, raw.path())?;
        Ok(values.into_iter().map(|value| (value.metric, value.value.round())).collect())
    }

    #[test]
    fn a_stream_that_stood_with_its_guest_and_came_back_later_tells_how_long() {
        // A segment every 2 ms until the guest stands, and from 300 ms behind that on.
        let at = (8000..11_500).chain(12_300..14_000).step_by(2);
        let lines: String = at.map(|ms| format!("{0} {0} 1000\n", ms * MS)).collect();
        let values = told(Load::Netperf, &[(STREAM, lines.clone() + "14")]).unwrap();
        let want = [("load_loss_percent", 25.0), ("load_recovery_ms", 290.0), ("tcp_stall_ms", 802.0)];
        assert_eq!(values, want.map(|(metric, value)| (metric.to_owned(), value)));
        // One that never comes back stands for as long as anybody looks.
        let cut: String = lines.lines().take(1500).map(|line| format!("{line}\n")).collect();
        assert_eq!(told(Load::Netperf, &[(STREAM, cut)]).unwrap()[2].1, 3002.0);
        let error = told(Load::Netperf, &[(STREAM, "1 2 x\n".into())]).unwrap_err();
        assert!(error.reason.contains("stream.txt, line 1"), "{}", error.reason);
        let idle = told(Load::Netperf, &[(STREAM, "1 2 3\n".into())]).unwrap_err();
        assert!(idle.reason.contains("did nothing in the second before"), "{}", idle.reason);
    }

    #[test]
    fn what_fio_says_by_the_guests_clock_is_told_by_the_hosts() {
        // The guest's clock is 3 s behind, and stands for half a second.
        let log: String = (50..200)
            .map(|tenth| {
                let rate = if (70..85).contains(&tenth) { 500 } else { 1000 };
                format!("{DIR}/fio_bw.1.log:{}, {rate}, 1, 0, 0\n", (tenth + 1) * 100)
            })
            .collect();
        let files = [(LOG, log), (CLOCK, format!("{}\n", 3000 * MS))];
        let values = told(Load::Fio, &files).unwrap();
        // Half of it for 1.5 s, and nothing for 0.5 s of 2 s.
        assert_eq!(values[0], ("load_loss_percent".to_owned(), 63.0));
        assert!(values[1].1 <= 20.0, "{values:?}");
        assert_eq!(told(Load::None, &[]).unwrap(), []);
        let odd = told(Load::Memory, &[files[0].clone(), (CLOCK, "soon".into())]).unwrap_err();
        assert!(odd.reason.contains("guest-clock.txt: 'soon' is no time"), "{}", odd.reason);
    }
}
