//! Guests that nobody talks to. Each case has a boot of its own: its job goes in by a disk, its results come out by another one, and
//! in between the host only hears the marks of its window and looks at itself.
//!
//! ```text
//!   boot:  a job without a case ──> facts of the guest
//!   case:  job ──> machine ──> marks: ready, begin (counters of the host), end (the same), done ──> power-off ──> results ──> raw folder
//! ```

mod joined;

use super::lab::GuestLab;
use super::{Testbed, TestbedError, no_image};
use crate::environment::EnvironmentSpec;
use crate::lab::job::{COUNTERS, FACTS, FAILURE, JOB, Job, RELEASE, Told, Whole};
use crate::lab::{Booted, Client, Failed, HostSample, Lab, Measured, Snapshot, Target, time_asleep};
use formats::output::Files;
use joined::joined;
use model::{Accel, Code, Fingerprint, Params, Phase};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::deadlines::{Deadlines, Step};
use vm::guest::boot_times::keep_boot_time;
use vm::guest::channel::Mark;
use vm::guest::checked::{Found, Images};
use vm::guest::disk::{Disk, DiskFile};
use vm::guest::image::Image;
use vm::guest::machine::{GuestError, Machine};
use vm::guest::offline::PROGRAM;
use vm::host::fingerprint;
use vm::host::noise::Watched;

/// Where a guest finds files of this host that a workload reads (`vm/guest/offline`).
const FILES: &str = "/run/perfvt/offline/job/files";
/// How long a busy host may take to hear a mark, nanoseconds.
const HEARD_WITHIN: u64 = 5_000_000;
/// How often a guest outside its window is looked after.
const LOOK: Duration = Duration::from_millis(250);

/// What a guest is to do, and for how long.
struct Task {
    files: Vec<(String, Vec<u8>)>,
    limit: Duration,
    interval: Duration,
}

/// What of a window the host has seen.
struct Seen {
    start: Snapshot,
    end: Option<Snapshot>,
    samples: Vec<HostSample>,
    asleep: u64,
}

/// A guest that has done its job and is gone.
struct Ran {
    files: Files,
    seen: Option<Seen>,
    lab: GuestLab,
    misplaced: Vec<String>,
    watched: Watched,
    own_cpus: String,
    checked: Found,
}

/// Who looks at a guest that has just begun.
type Look<'a> = dyn FnMut(&mut GuestLab, &Image) -> Result<(), TestbedError> + 'a;

impl Testbed {
    /// The guests of an environment that nobody talks to: a first one tells of itself.
    pub(super) fn boot_offline(
        &self,
        spec: &EnvironmentSpec,
        (logs, forensics): (&Path, &Path),
    ) -> Result<Booted, TestbedError> {
        let task = Task {
            files: self.job_files(spec, None).map_err(GuestError::Died)?,
            limit: spec.deadlines.within(Phase::Prepare),
            interval: LOOK,
        };
        let mut facts = Fingerprint::default();
        let mut sysinfo = Vec::new();
        let mut seconds = 0.0;
        let mut ran = self.run_offline(spec, (logs, forensics), &task, &mut |lab, image| {
            facts = self.facts(lab, image)?.0;
            lab.disk_facts(&mut facts);
            sysinfo = lab.sysinfo(&facts, String::new());
            seconds = lab.machine.boot_seconds;
            // A plan that has to guess is a plan still.
            let _ = spec.guests.first().map(|guest| keep_boot_time(&self.stage.cache, guest, false, seconds));
            Ok(())
        })?;
        let text = |name: &str| String::from_utf8_lossy(ran.files.get(name).map_or(&[][..], Vec::as_slice));
        let told = fingerprint::guest(&text(FACTS));
        facts.extend(told.facts);
        facts.set("guest.kernel", text(RELEASE).trim());
        facts.set("placement.perfvt", &ran.own_cpus);
        let there = text(COUNTERS).into_owned();
        let known = formats::counters::files().into_iter().map(|(path, _)| path);
        ran.lab.counters = known.filter(|path| there.lines().any(|line| line == *path)).collect();
        for (metric, reason) in ran.lab.absent() {
            facts.set(format!("absent.{metric}"), reason);
        }
        sysinfo.retain(|(name, _)| name != "facts.txt" && name != "guest.dmesg");
        sysinfo.push(("facts.txt".into(), facts.0.iter().map(|(k, v)| format!("{k}: {v}\n")).collect()));
        sysinfo.push(("guest.dmesg".into(), told.dmesg));
        for name in ["guest.cmdline", "guest.cpuinfo"] {
            sysinfo.push((name.into(), text(name).into_owned()));
        }
        sysinfo.extend(self.brought.logs());
        let lab = OfflineLab {
            testbed: self.clone(),
            spec: spec.clone(),
            logs: logs.to_owned(),
            forensics: forensics.to_owned(),
            cases: 0,
            misplaced: Vec::new(),
            watched: ran.watched,
            checked: ran.checked,
        };
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }

    /// The files of a job: a case, or none.
    fn job_files(
        &self,
        spec: &EnvironmentSpec,
        whole: Option<&Whole<'_>>,
    ) -> Result<Vec<(String, Vec<u8>)>, Failed> {
        let program = self.brought.perfvt(&spec.brings)?;
        let mut files = vec![(PROGRAM.to_owned(), format!("{program}\n").into_bytes())];
        let mut job = Job {
            kvm: self.stage.accel == Accel::Kvm,
            brought: self.brought.paths(&spec.brings),
            ..Job::default()
        };
        if let Some(whole) = whole {
            job.workload = whole.workload.to_owned();
            job.case = Some(whole.case.clone());
            let mut params = whole.params.clone();
            take_along(whole, &mut params, &mut files)?;
            job.params = params.stored();
        }
        let text = serde_json::to_vec_pretty(&job)
            .map_err(|e| Failed::new(Code::Host, format!("writing {JOB}: {e}")))?;
        files.push((JOB.to_owned(), text));
        Ok(files)
    }

    /// Boots a guest that does a job and powers itself off. `look` sees it when it begins.
    fn run_offline(
        &self,
        spec: &EnvironmentSpec,
        (logs, forensics): (&Path, &Path),
        task: &Task,
        look: &mut Look<'_>,
    ) -> Result<Ran, TestbedError> {
        let image = self.image.as_ref().ok_or_else(no_image)?;
        let mut scene = self.scene(spec, image, logs, forensics)?;
        scene.disks = scene.data_disks(Disk::make)?;
        scene.give(&task.files)?;
        let images = scene.images()?;
        let own_cpus = self.stay_off(&scene);
        let machines = Machine::boot_all(&scene.boots(self))?;
        scene.disks.iter_mut().flatten().for_each(DiskFile::forget_names);
        let disks = scene.guests.first_mut().and_then(|guest| guest.offline.take());
        let image = scene.server().map_or_else(|| image.clone(), |(_, here)| here.image.clone());
        let mut lab = GuestLab::new(scene, machines, self.stage.cache.clone())?;
        lab.brought = std::sync::Arc::clone(&self.brought);
        let watched = lab.watched();
        let done = look(&mut lab, &image).and_then(|()| Ok(watch(&mut lab, task).map_err(GuestError::Died)?));
        let off = |lab: &mut GuestLab| lab.machine.left(spec.deadlines.within(Step::Shutdown));
        let ended = done.and_then(|(seen, misplaced)| Ok(off(&mut lab).map(|()| (seen, misplaced))?));
        let (seen, misplaced) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                lab.end_all(Some(forensics));
                return Err(error);
            }
        };
        let checked = images.check();
        if let Some(failed) = checked.failed {
            return Err(GuestError::Died(failed).into());
        }
        let results = disks.map_or_else(|| Ok(Files::new()), |disks| disks.results());
        let files = results.map_err(|e| GuestError::Died(Failed::nonsense(e.to_string())))?;
        Ok(Ran { files, seen, lab, misplaced, watched, own_cpus, checked })
    }
}

/// Takes files of this host along that a workload reads, and has its parameters name them where they are in the guest.
fn take_along(
    whole: &Whole<'_>,
    params: &mut Params,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Failed> {
    let mut values: Vec<(&str, Vec<String>, bool)> = Vec::new();
    for (number, (key, path, is_list)) in whole.reads.iter().enumerate() {
        let wrong = |why: String| {
            Failed::new(Code::Host, format!("taking {} along into the guest: {why}", path.display()))
        };
        let content = edge::read(path, edge::read::PROGRAM).map_err(|e| wrong(e.to_string()))?;
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| wrong("its name is no text".into()))?;
        files.push((format!("files/{number}/{name}"), content));
        let there = format!("{FILES}/{number}/{name}");
        match values.iter_mut().find(|(known, ..)| known == key) {
            Some((_, all, _)) => all.push(there),
            None => values.push((key, vec![there], *is_list)),
        }
    }
    for (key, all, is_list) in values {
        let quoted = Params::quoted(all.iter().map(String::as_str)).filter(|_| is_list);
        let value = quoted.unwrap_or_else(|| all.concat());
        let origin = params.param(key).map(|param| param.origin.clone());
        params.set(key, value, origin.unwrap_or(model::Origin::BuiltIn));
    }
    Ok(())
}

/// Hears the marks of a guest until its results are on their disk. Gives what the host saw of its last window, and where the guest
/// was not where it had been put.
fn watch(lab: &mut GuestLab, task: &Task) -> Result<(Option<Seen>, Vec<String>), Failed> {
    let late = |until: Instant| Instant::now() >= until;
    let until = Instant::now() + task.limit;
    let mut seen: Option<Seen> = None;
    let mut misplaced = Vec::new();
    let mut next = Instant::now();
    loop {
        let is_open = seen.as_ref().is_some_and(|seen| seen.end.is_none());
        let wait = if is_open { next.saturating_duration_since(Instant::now()) } else { LOOK };
        match lab.machine.mark(wait.max(Duration::from_millis(1))).map_err(|e| e.failure())? {
            Some(Mark::Begin) => {
                let asleep = time_asleep();
                let start = lab.marked()?;
                next = Instant::now() + task.interval;
                seen = Some(Seen { samples: vec![start.host_sample()], start, end: None, asleep });
            }
            Some(Mark::End) => {
                let end = lab.marked()?;
                misplaced = lab.misplaced();
                let seen = seen.as_mut().filter(|seen| seen.end.is_none());
                let seen =
                    seen.ok_or_else(|| Failed::nonsense("the guest ended a window that it had not begun"))?;
                seen.samples.push(end.host_sample());
                seen.end = Some(end);
            }
            Some(Mark::Done) => return Ok((seen, misplaced)),
            Some(Mark::Ready) => return Err(Failed::nonsense("the guest began its job for a second time")),
            None => {
                if let Some(seen) = seen.as_mut().filter(|_| is_open && late(next)) {
                    seen.samples.push(lab.host_sample()?);
                    next += task.interval;
                }
            }
        }
        if late(until) {
            let reason = format!("the guest did not end its job within {} s", task.limit.as_secs());
            return Err(Failed::new(Code::Deadline(Phase::Measure), reason));
        }
    }
}

/// The guests of a boot that nobody talks to, one for each case.
struct OfflineLab {
    testbed: Testbed,
    spec: EnvironmentSpec,
    logs: PathBuf,
    forensics: PathBuf,
    cases: u32,
    /// Of the last case.
    misplaced: Vec<String>,
    watched: Watched,
    /// What checks of images have found so far.
    checked: Found,
}

impl OfflineLab {
    fn all_limits(&self) -> Duration {
        let phases = [Phase::Prepare, Phase::WarmUp, Phase::Measure, Phase::Fetch];
        let phases: Duration = phases.into_iter().map(|phase| self.spec.deadlines.within(phase)).sum();
        phases + self.spec.deadlines.within(Step::LayOut)
    }
}

fn nobody() -> Failed {
    Failed::tool("nobody talks to this guest (channel=none)")
}

impl Lab for OfflineLab {
    fn images(&mut self) -> Images {
        Images::checked(std::mem::take(&mut self.checked))
    }

    fn is_offline(&self) -> bool {
        true
    }

    fn carry_out(&mut self, whole: &Whole<'_>, raw: &Path) -> Result<(), Failed> {
        self.cases += 1;
        let place = |dir: &Path| dir.join(format!("case-{}", self.cases));
        let (logs, forensics) = (place(&self.logs), place(&self.forensics));
        let task = Task {
            files: self.testbed.job_files(&self.spec, Some(whole))?,
            limit: self.all_limits() + whole.limit,
            interval: whole.interval,
        };
        let ran = self.testbed.run_offline(&self.spec, (&logs, &forensics), &task, &mut |_, _| Ok(()));
        let ran = ran.map_err(|error| match &error {
            TestbedError::Guest(guest) => guest.failure(),
            _ => Failed::new(Code::Host, error.to_string()),
        })?;
        (self.misplaced, self.watched) = (ran.misplaced, ran.watched);
        self.checked.leaks.extend(ran.checked.leaks);
        self.checked.lines += &ran.checked.lines;
        for (name, content) in &ran.files {
            let path = raw.join(name);
            edge::write::write(&path, content)
                .map_err(|e| Failed::new(Code::Host, format!("writing {}: {e}", path.display())))?;
        }
        let text = |name: &str| ran.files.get(name).map(|bytes| String::from_utf8_lossy(bytes));
        if let Some(told) = text(FAILURE) {
            let odd = |e| Failed::nonsense(format!("reading {FAILURE} of the guest: {e}"));
            return Err(serde_json::from_str::<Told>(&told).map_err(odd)?.into());
        }
        if text("status").is_none_or(|status| status.trim() != "0") {
            let said = text("offline.log").unwrap_or_default();
            let said = edge::quoted_end(said.trim());
            return Err(Failed::tool(format!("the guest could not do its job: {said}")));
        }
        if Measured::is_kept(raw) {
            joined(Measured::read(raw)?, ran.seen)?.keep(raw)?;
        }
        Ok(())
    }

    fn target(&self) -> Target {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (data_ports, interface) = (Vec::new(), String::new());
        Target { control: address, control_port: 0, data: address, data_ports, interface }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        Err(nobody())
    }

    fn client_tool(&self, _: &str) -> Result<String, Failed> {
        Err(nobody())
    }

    fn host_tool(&self, _: &str) -> Result<String, Failed> {
        Err(nobody())
    }

    fn deadlines(&self) -> Deadlines {
        self.spec.deadlines
    }

    fn exec(&mut self, _: &[&str], _: Duration) -> Result<String, Failed> {
        Err(nobody())
    }

    fn start_client(&mut self, _: &[String], _: &Path, _: &Path) -> Result<Box<dyn Client>, Failed> {
        Err(nobody())
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        Err(nobody())
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        super::host_lab::read_host_sample()
    }

    /// Between cases there is no guest.
    fn death(&mut self) -> Option<Failed> {
        None
    }

    fn misplaced(&mut self) -> Vec<String> {
        std::mem::take(&mut self.misplaced)
    }

    fn watched(&self) -> Watched {
        // The threads of the guest before are gone; its CPUs are those of the next one.
        Watched { vcpus: Vec::new(), others: self.watched.others.clone() }
    }

    fn end(self: Box<Self>, _: Option<&Path>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::closed;
    use model::{Case, Moment, Origin};

    fn snapshot(ms: u64, marking_ms: Option<u64>) -> Snapshot {
        let mono_ns = ms * 1_000_000;
        let asked_ns = marking_ms.map(|took| mono_ns - took * 1_000_000);
        let at = Moment { unix_ns: mono_ns, mono_ns };
        Snapshot { at, asked_ns, heard_ns: asked_ns.map(|_| mono_ns), ..Snapshot::default() }
    }

    fn of_guest() -> Measured {
        let guest = |ms, marking| {
            let mut snapshot = snapshot(ms, Some(marking));
            let text = format!("now {}\n", ms * 1_000_000);
            snapshot.guest = formats::counters::Counters::read(Default::default(), text).unwrap();
            snapshot
        };
        closed((guest(500, 3), guest(1500, 40)), Vec::new(), "lo".into(), time_asleep()).unwrap()
    }

    #[test]
    fn a_window_is_the_hosts_with_what_the_guest_counted_in_it() {
        let (start, end) = (snapshot(7000, None), snapshot(8001, None));
        let seen = Seen { samples: vec![start.host_sample()], start, end: Some(end), asleep: time_asleep() };
        let joined = joined(of_guest(), Some(seen)).unwrap();
        assert_eq!((joined.window.mono_ns, joined.window.len_ns), (7_000_000_000, 1_001_000_000));
        assert_eq!(joined.end.guest.clock.now_ns, Some(1_500_000_000));
        // Half of what reading and marking took at both ends, and of what a busy host takes to hear it.
        let rate = crate::lab::window::ClockRate::of(&joined).unwrap();
        assert_eq!((rate.guest_ns, rate.jitter_ns), (1_000_000_000, 26_500_000));
        assert_eq!(rate.trouble(), None);
    }

    #[test]
    fn a_window_that_the_host_did_not_see_whole_is_refused() {
        let open = Seen { start: snapshot(1, None), end: None, samples: Vec::new(), asleep: 0 };
        for seen in [None, Some(open)] {
            let failed = joined(of_guest(), seen).unwrap_err();
            assert_eq!(
                (failed.code, &*failed.reason),
                (Code::ToolNonsense, "the guest had a window, but marked none")
            );
        }
    }

    #[test]
    fn files_that_a_workload_reads_go_along_and_are_named_where_they_are_then() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| {
            std::fs::write(dir.path().join(name), name).unwrap();
            dir.path().join(name)
        };
        let (one, other) = (path("a b"), path("c"));
        let mut params = Params::new();
        params.set("command_files", "x", Origin::Flag("--set".into()));
        let case = Case { workload: "w".into(), category: "c".into(), keys: Default::default() };
        let mut files = Vec::new();
        let reads = vec![
            ("command_files", one, true),
            ("command_files", other.clone(), true),
            ("fio_job", other, false),
        ];
        let (before, limit, interval) = (params.clone(), Duration::ZERO, Duration::ZERO);
        let whole = Whole { workload: "command", case: &case, params: &before, reads, limit, interval };
        take_along(&whole, &mut params, &mut files).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["files/0/a b", "files/1/c", "files/2/c"]);
        let there = [format!("{FILES}/0/a b"), format!("{FILES}/1/c")];
        assert_eq!(params.words("command_files").unwrap(), there);
        assert_eq!(params.get("fio_job"), Some(&*format!("{FILES}/2/c")));
    }
}
