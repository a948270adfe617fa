//! Live migration: the guest moves to another QEMU of this host while it runs, and an observer outside of both asks it for an
//! echo every 2 ms. Its longest silence is the blackout, which no clock in the guest can measure.

mod request;
mod seen;

use super::common::{Job, failed, level, value, value_at, word, words_of};
use super::{Known, Needs, Outcome, Point, Value, Workload, add_case};
use crate::lab::{Failed, Lab, Moved};
use model::{Case, Code, Params, ParamsError, Phase, Window};
use request::{load, request};
use seen::{EVERY_METRIC, RECORD, kept, write};
use std::path::Path;
use std::time::{Duration, Instant};
use vm::guest::migration::{Ended, Mode, Record, Silence};
use vm::guest::os::Os;

/// The workload.
pub struct Migration;

const PARAMETERS: [Known; 14] = [
    Known::new(
        "migrate_mode",
        "precopy",
        "precopy, postcopy, multifd, xbzrle, auto-converge, dirty-limit",
        "how memory moves",
    ),
    Known::new("migrate_uri", "unix", "unix or tcp", "the way between the two QEMUs"),
    Known::new(
        "migrate_bandwidth",
        "0",
        "bits a second",
        "unix: what QEMU sends; tcp: the link; 0 is no bound",
    ),
    Known::new("migrate_delay", "0", "a time", "how long everything is on its way in each direction (tcp)"),
    Known::new("migrate_downtime_limit", "300ms", "a time", "for how long QEMU may let the guest stand"),
    Known::new("migrate_channels", "2", "a number", "connections (multifd)"),
    Known::new("postcopy_after", "1", "a number", "passes over memory before the guest goes (postcopy)"),
    Known::new("migrate_timeout", "60", "seconds", "one that takes longer does not converge"),
    Known::open(
        "migrate_cancel_after",
        "never",
        "a time",
        "when it is cancelled, to see that the guest stays",
    ),
    Known::open("migrate_qemu_binary", "qemu_binary", "a program", "the destination's QEMU"),
    Known::new("load", "dirty", "dirty or none", "what the guest does meanwhile"),
    Known::new("dirty_mb", "64", "MB", "memory that it writes (dirty)"),
    Known::new("dirty_rate", "20", "numbers, MB/s", "how fast (dirty)"),
    Known::new("migrate_watch", "1", "seconds", "for how long the guest is watched behind it"),
];

/// The file that the guest writes into its memory.
const DIRTIED: &str = "/run/perfvt-dirty";

impl Workload for Migration {
    fn name(&self) -> &'static str {
        "migration"
    }

    fn measures(&self) -> &'static str {
        "live migration between two QEMUs of this host, watched from outside"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn paths(&self) -> &'static [&'static str] {
        &[]
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        let rates = match load(params)? {
            true => params.numbers("dirty_rate", "numbers of MB a second, such as '20 100'")?,
            false => vec![0],
        };
        let mut cases = Vec::new();
        for mode in words_of(params, "migrate_mode", &Mode::WORDS)? {
            request(params, mode)?;
            for rate in &rates {
                let keys = [("mode", mode.to_owned()), ("dirty_rate", rate.to_string())];
                let keys = keys.into_iter().collect();
                let case = Case { workload: self.name().into(), category: "migration".into(), keys };
                add_case(&mut cases, case, params, "dirty_rate")?;
            }
        }
        let other = params.get("migrate_qemu_binary").map(str::trim).unwrap_or_default();
        if cases.len() > 1 && !other.is_empty() && Some(other) != params.get("qemu_binary") {
            let wanted = "one case beside it (one migrate_mode, one dirty_rate): behind the first one the guest runs in that QEMU";
            return Err(params.wrong("migrate_qemu_binary", wanted));
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        EVERY_METRIC.map(String::from).into()
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("its load is a program for Linux"),
        }
    }

    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Err("it is moved while somebody watches it")
    }

    fn needs(&self, params: &Params) -> Needs {
        let dirty = load(params).unwrap_or(true);
        let guest_tools = if dirty { vec!["fio"] } else { Vec::new() };
        Needs { tools: dirty, guest_tools, migrates: true, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        // The destination's start, the guest's load, and the move itself, which is as long as the guest is large.
        4.0 + params.number("migrate_watch", 1.0, "").unwrap_or(1.0)
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("migrate_timeout").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "migration-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
        lab.connect()?;
        if load(params).map_err(failed)? {
            // The disk with the tools is mounted before any time is taken.
            lab.exec(&["fio", "--version"], lab.deadline(Phase::Prepare))?;
        }
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let request = request(params, word(case, "mode")?).map_err(failed)?;
        let rate: u32 = level(case, "dirty_rate")?;
        let job = if rate > 0 { Some(dirty(lab, params, rate)?) } else { None };
        let moved = lab.migrate(&request);
        if let (Some(job), true) = (job, lab.death().is_none()) {
            job.signal(lab, "TERM")?;
            // fio tells what it wrote, and ends as one that was told to.
            let limit = lab.deadline(Phase::Fetch);
            let _ = job.finish(lab, limit, raw, "fio");
            lab.exec(&["rm", "-f", DIRTIED], lab.soon())?;
        }
        let moved = moved?;
        write(&moved, raw)?;
        let Moved { record, .. } = moved;
        let why = record.reason.unwrap_or_default();
        match record.ended {
            Ended::Completed => Ok(()),
            Ended::NotConverged => Err(Failed::new(Code::NotConverged, why)),
            Ended::Cancelled | Ended::Failed => Err(Failed::new(Code::MigrationFailed, why)),
        }
    }

    fn parse(&self, _: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let moved = kept(raw)?;
        let values = values(&moved)?;
        let record = moved.record;
        let window = Window {
            start_unix_ns: record.begun_ns,
            mono_ns: record.begun_mono_ns,
            len_ns: record.ended_ns.saturating_sub(record.begun_ns),
        };
        Ok(Outcome { window, values, series: series(&record) })
    }
}

/// Has the guest write so many MB of its memory, at a rate in MB/s, until it is told to end. Comes back when it does.
fn dirty(lab: &mut dyn Lab, params: &Params, rate: u32) -> Result<Job, Failed> {
    let size: u32 = params.number("dirty_mb", 1, "MB").map_err(failed)?;
    let argv = [
        "fio".to_owned(),
        "--name=dirty".into(),
        format!("--filename={DIRTIED}"),
        format!("--size={size}M"),
        format!("--rate={rate}M"),
        "--rw=randwrite".into(),
        "--bs=4k".into(),
        "--ioengine=psync".into(),
        "--fallocate=none".into(),
        "--time_based".into(),
        "--runtime=86400".into(),
        "--thread".into(),
        "--output-format=json".into(),
    ];
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let job = Job::start(lab, &words)?;
    let until = Instant::now() + lab.deadline(Phase::WarmUp);
    while lab.exec(&["sh", "-c", "[ -s \"$1\" ]", "sh", DIRTIED], lab.soon()).is_err() {
        if let Some(status) = job.status(lab)? {
            let said = job.standing(lab)?.stderr;
            let said = super::common::said(&[&said]);
            return Err(failed(format!(
                "fio, which writes the guest's memory, ended with status {status}: {said}"
            )));
        }
        if Instant::now() >= until {
            return Err(super::common::late(Phase::WarmUp, "fio writes nothing into the guest's memory"));
        }
        lab.sleep(Duration::from_millis(100));
    }
    // All of it is there before it moves.
    lab.sleep(Duration::from_secs_f64((f64::from(size) / f64::from(rate)).clamp(0.5, 4.0)));
    Ok(job)
}

/// The values of a migration that completed.
fn values(moved: &Moved) -> Result<Vec<Value>, Failed> {
    let Moved { record, probes } = moved;
    let odd = |what: &str| Failed::nonsense(format!("{RECORD}: {what}"));
    if record.ended != Ended::Completed {
        return Err(odd("the migration did not complete"));
    }
    let told = |name: &str| record.number(name).ok_or_else(|| odd(&format!("QEMU told no {name}")));
    let silence = Silence::longest(probes)
        .ok_or_else(|| failed("the observer outside had no answer from the guest"))?;
    let stood =
        record.stood_ms().ok_or_else(|| odd("QEMU told neither when the guest stood nor when it went on"))?;
    if silence.ms() < stood {
        let ms = silence.ms();
        return Err(odd(&format!(
            "the guest stood for {stood:.1} ms and was silent for {ms:.1} ms only, which cannot be"
        )));
    }
    let length_ns = record.ended_ns.saturating_sub(record.begun_ns).max(1) as f64;
    let cpu = |ns: Option<u64>| {
        ns.map(|ns| ns as f64 / length_ns * 100.0).ok_or_else(|| odd("a QEMU's CPU time is not known"))
    };
    let (lost, recovery_ms) = seen::load(record, probes);
    Ok(vec![
        value("blackout_ms", silence.ms()),
        value_at("total_ms", told("total-time")?, RECORD, 1),
        value_at("downtime_ms", told("downtime")?, RECORD, 1),
        value("switchover_ms", stood),
        value("load_loss_percent", lost),
        value("recovery_ms", recovery_ms),
        value("sent_MB", told("ram/transferred")? / 1e6),
        value("rounds", told("ram/dirty-sync-count")?),
        value("src_CPU", cpu(record.source_cpu_ns)?),
        value("dst_CPU", cpu(record.destination_cpu_ns)?),
    ])
}

/// What was still to be sent, and how fast it went.
fn series(record: &Record) -> Vec<Point> {
    let mut points = Vec::new();
    for pair in record.samples.windows(2) {
        let [before, after] = pair else { continue };
        let seconds = after.unix_ns.saturating_sub(before.unix_ns) as f64 * 1e-9;
        if seconds <= 0.0 || after.rounds == 0 {
            continue;
        }
        let ending = after.unix_ns as f64 * 1e-9;
        let sent = after.sent.saturating_sub(before.sent) as f64 / 1e6 / seconds;
        for (metric, value) in [("sent_MBps", sent), ("remaining_MB", after.remaining as f64 / 1e6)] {
            points.push(Point { metric: metric.to_owned(), session: None, ending, seconds, value });
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;
    use serde_json::json;
    use vm::guest::network::Probe;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        let defaults = PARAMETERS.iter().filter_map(|known| Some((known.key, known.default?)));
        for (key, value) in defaults.chain(set.iter().copied()) {
            params.set(key, value, Origin::BuiltIn);
        }
        params
    }

    /// A guest that stood from 10 to 40 ms, and answered each question within half a millisecond, but those.
    fn moved() -> Moved {
        let ms = |ms: u64| 1_000_000_000 + ms * 1_000_000;
        let probe = |n: u64| {
            let stood = (510..540).contains(&(n * 2));
            Probe { sent_ns: ms(n * 2), answered_ns: (!stood).then_some(ms(n * 2) + 500_000) }
        };
        let record = Record {
            mode: "precopy".into(),
            route: "unix".into(),
            ended: Ended::Completed,
            reason: None,
            begun_ns: ms(400),
            begun_mono_ns: 5,
            ended_ns: ms(600),
            stop_ns: Some(ms(510)),
            resume_ns: Some(ms(540)),
            announced_ns: Some(ms(541)),
            source_cpu_ns: Some(100_000_000),
            destination_cpu_ns: Some(50_000_000),
            versions: ["7.2.0".into(), "7.2.0".into()],
            capabilities: Vec::new(),
            parameters: json!({}),
            told: json!({"total-time": 150, "downtime": 28, "ram": {"transferred": 2_000_000, "dirty-sync-count": 3}}),
            samples: Vec::new(),
        };
        Moved { record, probes: (0..500).map(probe).collect() }
    }

    fn parsed(moved: &Moved) -> Result<Vec<(String, f64)>, Failed> {
        let raw = tempfile::tempdir().unwrap();
        write(moved, raw.path()).unwrap();
        assert_eq!(&kept(raw.path()).unwrap(), moved);
        let case = Migration.cases(&params(&[])).unwrap().remove(0);
        let outcome = Migration.parse(&case, &params(&[]), raw.path())?;
        Ok(outcome.values.into_iter().map(|value| (value.metric, value.value)).collect())
    }

    #[test]
    fn what_was_seen_from_outside_stands_beside_what_qemu_told() {
        let values = parsed(&moved()).unwrap();
        let of = |metric: &str| values.iter().find(|(name, _)| name == metric).unwrap().1;
        let near = |metric: &str, want: f64| {
            let found = of(metric);
            assert!((found - want).abs() < 1e-6, "{metric}: {found}, not {want}");
        };
        // The last question before was sent at 508 ms, the next answer came at 540.5.
        near("blackout_ms", 32.5);
        near("switchover_ms", 30.0);
        near("total_ms", 150.0);
        near("downtime_ms", 28.0);
        near("load_loss_percent", 100.0 * 15.0 / 250.0);
        near("recovery_ms", 0.0);
        near("sent_MB", 2.0);
        near("rounds", 3.0);
        near("src_CPU", 50.0);
        near("dst_CPU", 25.0);
    }

    #[test]
    fn a_silence_that_is_shorter_than_the_guest_stood_is_no_value() {
        let mut odd = moved();
        odd.record.resume_ns = odd.record.resume_ns.map(|ns| ns + 10_000_000);
        let reason = parsed(&odd).unwrap_err().reason;
        assert!(reason.contains("stood for 40.0 ms and was silent for 32.5 ms only"), "{reason}");
        let mut dumb = moved();
        dumb.probes.iter_mut().for_each(|probe| probe.answered_ns = None);
        assert!(parsed(&dumb).unwrap_err().reason.contains("no answer from the guest"));
        let mut stayed = moved();
        stayed.record.ended = Ended::Failed;
        assert!(parsed(&stayed).unwrap_err().reason.contains("did not complete"));
    }

    #[test]
    fn modes_and_rates_multiply_out_and_what_cannot_be_is_refused() {
        let cases = |set: &[(&str, &str)]| Migration.cases(&params(set));
        let ids = |set: &[(&str, &str)]| cases(set).unwrap().len();
        assert_eq!(ids(&[]), 1);
        assert_eq!(ids(&[("migrate_mode", "precopy xbzrle"), ("dirty_rate", "20 100")]), 4);
        assert_eq!(ids(&[("load", "none"), ("dirty_rate", "20 100")]), 1);
        let says = |set: &[(&str, &str)], what: &str| {
            let error = cases(set).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says(&[("migrate_mode", "fast")], "some of precopy, postcopy");
        says(&[("migrate_mode", "multifd")], "tcp, because multifd opens several connections");
        says(&[("migrate_delay", "5ms")], "migrate_uri=tcp beside it");
        says(&[("migrate_channels", "0")], "connections, 1 to 64");
        says(&[("migrate_timeout", "0")], "seconds, 0.1 or more");
        says(&[("migrate_bandwidth", "fast")], "bits a second");
        let other = [("migrate_qemu_binary", "/opt/qemu"), ("dirty_rate", "20 100")];
        says(&other, "one case beside it");
        assert_eq!(ids(&other[..1]), 1);
    }
}
