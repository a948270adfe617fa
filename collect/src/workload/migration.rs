//! Live migration: the guest moves to another QEMU of this host while it runs, and an observer outside of both asks it for an
//! echo every 2 ms. Its longest silence is the blackout, which no clock in the guest can measure.

mod done;
mod load;
#[cfg(test)]
mod pretend;
mod request;
mod seen;
mod together;

use super::common::{failed, value, value_at, word, words_of};
use super::{Known, Needs, Outcome, Point, Value, Workload, add_case};
use crate::lab::{Failed, Lab, Moved};
use crate::parse::{TOGETHER, together};
use load::Load;
use model::{Case, Code, Params, ParamsError, Window};
use request::request;
use seen::{EVERY_METRIC, RECORD, kept};
use std::path::Path;
use together::{all_there, folders, of_all};
use vm::guest::migration::{Ended, Mode, Record, Silence};
use vm::guest::os::Os;

/// The workload.
pub struct Migration;

const PARAMETERS: [Known; 16] = [
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
    Known::new("load", "memory", "memory, netperf, fio, none", "what the guest does meanwhile"),
    Known::new("dirty_mb", "64", "MB", "memory that it writes (memory)"),
    Known::new("dirty_rate", "20", "numbers, MB/s", "how fast (memory)"),
    Known::open(
        "migrate_to",
        "this host",
        "nothing",
        "another host as the destination is not there: refused",
    ),
    Known::open(TOGETHER, "1", "a number", "guests that move at once, each to a QEMU of its own"),
    Known::new("migrate_watch", "1", "seconds", "for how long the guest is watched behind it"),
];

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
        let rates = params.numbers("dirty_rate", "numbers of MB a second, such as '20 100'")?;
        let mut cases = Vec::new();
        for mode in words_of(params, "migrate_mode", &Mode::WORDS)? {
            request(params, mode)?;
            for load in Load::all(params)? {
                // Others have no rate that is asked of them.
                let rates = if load == Load::Memory { &rates[..] } else { &[0] };
                for rate in rates {
                    if load == Load::Memory {
                        load::fits(params, *rate)?;
                    }
                    let keys = [("mode", mode.to_owned()), ("dirty_rate", rate.to_string())];
                    let keys = keys.into_iter().collect();
                    let case = Case { workload: self.name().into(), category: load.word().into(), keys };
                    add_case(&mut cases, case, params, "dirty_rate")?;
                }
            }
        }
        if together(params)? > 1 && cases.iter().any(|case| case.category == Load::Netperf.word()) {
            return Err(params.wrong(TOGETHER, "1 with load=netperf, whose client is led to one guest"));
        }
        let other = params.get("migrate_qemu_binary").map(str::trim).unwrap_or_default();
        if cases.len() > 1 && !other.is_empty() && Some(other) != params.get("qemu_binary") {
            let wanted = "one case beside it (one migrate_mode, load and dirty_rate): behind the first one the guest runs in that QEMU";
            return Err(params.wrong("migrate_qemu_binary", wanted));
        }
        Ok(cases)
    }

    fn metrics_besides(&self) -> &'static [&'static str] {
        &["fairness"]
    }

    fn metrics(&self, category: &str, _: &Params, _: bool) -> Vec<String> {
        let of_load = Load::parse(category).metrics();
        EVERY_METRIC.iter().chain(of_load).map(|metric| (*metric).to_owned()).collect()
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
        let all = Load::all(params).unwrap_or_default();
        let all = all.into_iter().map(Load::needs).fold(Needs::default(), Needs::with);
        Needs { migrates: true, ..all }
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
        Load::all(params).map_err(failed)?.into_iter().try_for_each(|load| load.prepare(lab))
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let request = request(params, word(case, "mode")?).map_err(failed)?;
        let (load, guests) = (Load::parse(&case.category), together(params).map_err(failed)?);
        let folders = folders(raw, guests)?;
        let mut going = Vec::new();
        let begun = folders.iter().enumerate().try_for_each(|(guest, folder)| {
            lab.attend(guest)?;
            going.push(load.begin(lab, case, params, folder)?);
            Ok(())
        });
        let moved = begun.and_then(|()| lab.migrate(&request)).and_then(|moved| all_there(moved, &folders));
        // Whatever became of them: no load goes on beside the next case.
        let mut ended = Ok(());
        for (guest, (going, folder)) in going.into_iter().zip(&folders).enumerate() {
            let end = lab.attend(guest).and_then(|()| going.end(lab, folder));
            ended = ended.and(end);
        }
        let back = lab.attend(0);
        moved.and(ended).and(back)
    }

    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let load = Load::parse(&case.category);
        let (mut all, mut first) = (Vec::new(), None);
        for folder in std::iter::once(raw.to_owned()).chain((2..).map(|guest| raw.join(format!("vm{guest}"))))
        {
            if first.is_some() && !folder.exists() {
                break;
            }
            let moved = kept(&folder)?;
            let mut values = values(&moved)?;
            let watched_ns = moved.probes.last().map_or(moved.record.ended_ns, |probe| probe.sent_ns);
            values.extend(load.values(&moved.record, watched_ns, &folder)?);
            all.push(values);
            first.get_or_insert(moved.record);
        }
        let record = first.ok_or_else(|| failed("no guest was moved"))?;
        let values = of_all(all);
        let window = Window {
            start_unix_ns: record.begun_ns,
            mono_ns: record.begun_mono_ns,
            len_ns: record.ended_ns.saturating_sub(record.begun_ns),
        };
        Ok(Outcome { window, values, series: series(&record) })
    }
}

/// Makes sure that a guest that has moved has answered since.
fn answers(moved: &Moved) -> Result<(), Failed> {
    let Moved { record, probes } = moved;
    let Some(resume) = record.resume_ns.filter(|_| record.ended == Ended::Completed) else { return Ok(()) };
    let asked = probes.iter().filter(|probe| probe.sent_ns >= resume).count();
    // One that never answered has not fallen silent.
    let spoke = probes.iter().any(|probe| probe.answered_ns.is_some());
    if asked == 0 || !spoke || probes.iter().any(|probe| probe.answered_ns.is_some_and(|at| at >= resume)) {
        return Ok(());
    }
    let last = probes.last().map_or(resume, |probe| probe.sent_ns);
    let seconds = last.saturating_sub(resume) as f64 * 1e-9;
    Err(Failed::new(
        Code::SilentAfterMove,
        format!(
            "the guest moved and has answered nobody since: {asked} questions in {seconds:.1} s were in vain"
        ),
    ))
}

/// The values of a migration that completed.
fn values(moved: &Moved) -> Result<Vec<Value>, Failed> {
    let Moved { record, probes } = moved;
    let odd = |what: &str| Failed::nonsense(format!("{RECORD}: {what}"));
    if record.ended != Ended::Completed {
        return Err(odd("the migration did not complete"));
    }
    let told = |name: &str| record.number(name).ok_or_else(|| odd(&format!("QEMU told no {name}")));
    answers(moved)?;
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
        value("echo_loss_percent", lost),
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
    use seen::write;
    use serde_json::json;
    use vm::guest::network::Probe;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        let known = crate::parameters::guest().chain(&PARAMETERS);
        let defaults = known.filter_map(|known| Some((known.key, known.default?)));
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
        let case = Migration.cases(&params(&[("load", "none")])).unwrap().remove(0);
        let outcome = Migration.parse(&case, &params(&[("load", "none")]), raw.path())?;
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
        near("echo_loss_percent", 100.0 * 15.0 / 250.0);
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
        let mut silent = moved();
        let resume = silent.record.resume_ns.unwrap();
        silent
            .probes
            .iter_mut()
            .filter(|probe| probe.sent_ns >= resume)
            .for_each(|probe| probe.answered_ns = None);
        let failure = parsed(&silent).unwrap_err();
        assert_eq!(failure.code, Code::SilentAfterMove);
        assert!(
            failure.reason.starts_with("the guest moved and has answered nobody since: "),
            "{}",
            failure.reason
        );
        let mut stayed = moved();
        stayed.record.ended = Ended::Failed;
        assert!(parsed(&stayed).unwrap_err().reason.contains("did not complete"));
    }

    fn measured(lab: &mut pretend::Pretended, raw: &Path) -> Result<(), Failed> {
        let params = params(&[("migrate_guests", "3")]);
        let case = Migration.cases(&params).unwrap().remove(0);
        Migration.measure(lab, &case, &params, raw)
    }

    #[test]
    fn a_load_that_does_not_begin_ends_those_that_have_begun_before_it() {
        let raw = tempfile::tempdir().unwrap();
        let mut lab = pretend::Pretended { timeless: Some(1), ..Default::default() };
        let failure = measured(&mut lab, raw.path()).unwrap_err();
        assert_eq!(failure.reason, "the guest does not tell its clock");
        // The first is told to end, and the second, which was to begin, is killed.
        for (what, times) in [("0 TERM", 1), ("0 forget", 1), ("1 KILL", 1), ("1 forget", 1), ("2 start", 0)]
        {
            assert_eq!(lab.times(what), times, "{what}: {:?}", lab.told);
        }
        assert!(lab.told.iter().all(|told| !told.ends_with(" move")), "{:?}", lab.told);
        let at = |what: &str| lab.told.iter().position(|told| told == what).unwrap();
        assert!(at("0 rm -rf /run/perfvt-load") < at("0 mkdir -p /run/perfvt-load"), "{:?}", lab.told);
    }

    #[test]
    fn of_several_guests_all_are_kept_and_the_gravest_failure_is_told_with_its_guest() {
        let raw = tempfile::tempdir().unwrap();
        let mut stuck = moved();
        (stuck.record.ended, stuck.record.reason) = (Ended::NotConverged, Some("too fast".into()));
        let lost = Failed::new(Code::EarlyExit, "in vm3: the guest is lost");
        let mut lab = pretend::Pretended {
            moved: vec![Ok(moved()), Ok(stuck.clone()), Err(lost)],
            ..Default::default()
        };
        let failure = measured(&mut lab, raw.path()).unwrap_err();
        assert_eq!((failure.code, failure.reason.as_str()), (Code::EarlyExit, "in vm3: the guest is lost"));
        assert_eq!(kept(raw.path()).unwrap(), moved());
        assert_eq!(kept(&raw.path().join("vm2")).unwrap(), stuck);
        assert!((0..3).all(|guest| lab.times(&format!("{guest} TERM")) == 1), "{:?}", lab.told);
        lab.moved = vec![Ok(moved()), Ok(stuck), Ok(moved())];
        let failure = measured(&mut lab, raw.path()).unwrap_err();
        assert_eq!((failure.code, failure.reason.as_str()), (Code::NotConverged, "in vm2: too fast"));
    }

    #[test]
    fn a_fio_that_ended_by_itself_before_it_was_told_to_is_a_failure() {
        let raw = tempfile::tempdir().unwrap();
        let moved_all = vec![Ok(moved()), Ok(moved()), Ok(moved())];
        let mut lab = pretend::Pretended { moved: moved_all, ..Default::default() };
        assert_eq!(measured(&mut lab, raw.path()), Ok(()));
        lab.moved = vec![Ok(moved()), Ok(moved()), Ok(moved())];
        lab.ended = Some(1);
        let reason = measured(&mut lab, raw.path()).unwrap_err().reason;
        assert!(reason.starts_with("fio ended with status 1 while the guest was to write: "), "{reason}");
        assert!(reason.contains("the disk is full"), "{reason}");
    }

    #[test]
    fn memory_that_is_not_full_before_the_guest_moves_is_refused() {
        let cases = |size: &str| Migration.cases(&params(&[("dirty_mb", size)]));
        assert!(cases("1200").is_ok());
        let error = cases("1300").unwrap_err().to_string();
        assert!(error.contains("takes 65 s until memory is full of it, and 60 s are there"), "{error}");
        // Where the hardware executes guests there is half of that.
        let (raw, params) = (tempfile::tempdir().unwrap(), params(&[("dirty_mb", "1200")]));
        let case = Migration.cases(&params).unwrap().remove(0);
        let mut lab = pretend::Pretended::default();
        let reason = Migration.measure(&mut lab, &case, &params, raw.path()).unwrap_err().reason;
        assert!(reason.contains("takes 60 s until memory is full of it, and 30 s are there"), "{reason}");
    }

    #[test]
    fn modes_and_rates_multiply_out_and_what_cannot_be_is_refused() {
        let cases = |set: &[(&str, &str)]| Migration.cases(&params(set));
        let ids = |set: &[(&str, &str)]| cases(set).unwrap().len();
        assert_eq!(ids(&[]), 1);
        assert_eq!(ids(&[("migrate_mode", "precopy xbzrle"), ("dirty_rate", "20 100")]), 4);
        assert_eq!(ids(&[("load", "none"), ("dirty_rate", "20 100")]), 1);
        assert_eq!(ids(&[("load", "memory netperf"), ("dirty_rate", "20 100")]), 3);
        let says = |set: &[(&str, &str)], what: &str| {
            let error = cases(set).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says(&[("migrate_mode", "fast")], "some of precopy, postcopy");
        says(&[("migrate_to", "h2")], "left out: a QEMU elsewhere is not handed what perfvt opens here");
        says(&[("load", "netperf"), ("migrate_guests", "2")], "1 with load=netperf");
        says(&[("migrate_mode", "precopy"), ("migrate_guests", "65")], "a number of guests, 1 to 64");
        says(&[("load", "dirty")], "some of memory, netperf, fio, none");
        says(&[("load", "fio")], "a size such as 256M, because load=fio writes the data disk");
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
