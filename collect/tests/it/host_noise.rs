//! The noise guard on machines that are laid out in a folder, whose counters a thread moves as a real one would.

use crate::campaign_support;

use collect::campaign::{Guard, NoiseGuard, Sample};
use formats::noise::{CpuTime, SchedStat, Stall};
use model::CpuId;
use model::noise::{Breach, SAMPLE_NOISE_FILE, SampleNoise};
use std::fs;
use std::path::Path;
use vm::host::noise::{Limits, Reader, Reading, Vcpu, Watched, quiet, sample};

fn names(breaches: &[Breach]) -> Vec<&str> {
    breaches.iter().map(|b| b.what.as_str()).collect()
}

/// Two CPUs after so many seconds in which CPU 0 worked `work0` and CPU 1 `work1` ticks.
fn reading(seconds: u64, work0: u64, work1: u64) -> Reading {
    let cpu = |work| CpuTime { work, irq: 0, steal: 0, total: 100 * seconds };
    Reading {
        mono_ns: seconds * 1_000_000_000,
        cpus: [(0, cpu(work0)), (1, cpu(work1))].into(),
        ..Reading::default()
    }
}

fn watched() -> Watched {
    let vcpu = Vcpu { name: "vCPU 0".into(), pid: 70, thread: 71, cpu: Some(CpuId(1)) };
    Watched { vcpus: vec![vcpu], others: vec![CpuId(0)] }
}

/// What the vCPU's thread did: milliseconds on its CPU, and waiting for it.
fn with_vcpu(mut reading: Reading, run_ms: u64, wait_ms: u64, migrations: u64) -> Reading {
    let sched = SchedStat { run_ns: run_ms * 1_000_000, wait_ns: wait_ms * 1_000_000 };
    reading.vcpus = vec![vm::host::noise::ThreadReading { sched: Some(sched), migrations: Some(migrations) }];
    reading
}

#[test]
fn each_kind_of_noise_before_a_sample_has_its_name() {
    let limits = Limits::default();
    let start = reading(10, 0, 0);
    let none = quiet(&start, &reading(11, 3, 2), Some(0.0), Some(40.0), &limits);
    assert_eq!(names(&none), Vec::<&str>::new());
    let stalls = |some| {
        [("cpu", Stall { some_us: some, full_us: None }), ("io", Stall { some_us: some, full_us: None })]
    };
    let loud = |change: &dyn Fn(&mut Reading), running| {
        let mut before = start.clone();
        before.stalls = stalls(0).into();
        before.disks = [("sda".to_owned(), 0)].into();
        let mut after =
            Reading { stalls: stalls(0).into(), disks: before.disks.clone(), ..reading(11, 0, 0) };
        change(&mut after);
        let found = quiet(&before, &after, running, Some(40.0), &limits);
        names(&found).join(" ")
    };
    assert_eq!(loud(&|_| {}, None), "");
    assert_eq!(loud(&|r| r.cpus = reading(11, 30, 0).cpus, None), "foreign-cpu");
    assert_eq!(
        loud(&|r| (r.cpus, r.own_ticks) = (reading(11, 30, 0).cpus, 25), None),
        "",
        "perfvt's own work"
    );
    assert_eq!(loud(&|_| {}, Some(1.5)), "run-queue");
    assert_eq!(loud(&|r| r.stalls = stalls(50_000).into(), None), "stall-cpu stall-io");
    assert_eq!(loud(&|r| r.disks = [("sda".to_owned(), 300)].into(), None), "disk");
    assert_eq!(loud(&|r| r.celsius = Some(46.0), None), "temperature");
    assert_eq!(loud(&|r| r.celsius = Some(44.0), None), "");
    let steal = |r: &mut Reading| r.cpus.values_mut().for_each(|c| c.steal = 20);
    assert_eq!(loud(&steal, None), "steal");
}

#[test]
fn each_kind_of_noise_during_a_sample_has_its_name_and_its_measure() {
    let (limits, watched) = (Limits::default(), watched());
    let before = with_vcpu(reading(10, 0, 0), 0, 0, 0);
    let of = |after: Reading| sample(&before, &after, &watched, &limits);
    // Ten seconds in which the vCPU had its CPU, and QEMU half of the other one.
    let clean = Reading { own_ticks: 1500, ..with_vcpu(reading(20, 500, 1000), 10_000, 20, 0) };
    assert_eq!(names(&of(clean.clone())), Vec::<&str>::new());
    let waits = of(with_vcpu(clean.clone(), 9_500, 500, 0));
    assert_eq!(names(&waits), ["vcpu-waits", "foreign-vcpu"]);
    assert_eq!((waits[0].value, waits[0].limit), (0.05, 0.01));
    assert_eq!(waits[0].text, "vCPU 0 waited for its CPU 5.0 % of the time");
    assert_eq!(names(&of(with_vcpu(clean.clone(), 10_000, 0, 2))), ["vcpu-moved"]);
    // It ran ten seconds, and its CPU worked for two.
    let elsewhere = Reading { own_ticks: 1500, ..with_vcpu(reading(20, 500, 200), 10_000, 0, 0) };
    assert_eq!(names(&of(elsewhere)), ["vcpu-elsewhere"]);
    // The same where the CPU counted nothing else in eight of the seconds: the host itself stood still.
    let mut still = Reading { own_ticks: 1500, ..with_vcpu(reading(20, 500, 200), 10_000, 0, 0) };
    let total = &mut still.cpus.get_mut(&1).unwrap().total;
    *total -= 800;
    assert_eq!(names(&of(still)), ["stopped"]);
    let crowded = Reading { own_ticks: 1200, ..clean.clone() };
    assert_eq!(names(&of(crowded)), ["foreign-others"]);
    let mut stolen = clean.clone();
    stolen.cpus.get_mut(&1).unwrap().steal = 100;
    assert_eq!(names(&of(stolen)), ["steal"]);
    let count = |before: Option<u64>, after: Option<u64>| {
        let (mut a, mut b) = (before_with(&before_of(&clean), before), clean.clone());
        (a.own_ticks, b.throttles) = (0, after);
        names(&sample(&a, &b, &watched, &limits)).join(" ")
    };
    assert_eq!(count(Some(3), Some(4)), "throttled");
    assert_eq!(count(Some(3), Some(3)), "");
    assert_eq!(count(None, Some(4)), "", "what was not known before says nothing");
}

fn before_of(_: &Reading) -> Reading {
    with_vcpu(reading(10, 0, 0), 0, 0, 0)
}

fn before_with(reading: &Reading, throttles: Option<u64>) -> Reading {
    Reading { throttles, ..reading.clone() }
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A machine with one QEMU (70) below perfvt (42), a vhost thread of it, and a stranger (99).
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let stat = "cpu 0 0 0 0 0 0 0 0\ncpu0 10 0 10 80 0 0 0 0\ncpu1 50 0 0 50 0 0 0 0\nprocs_running 3\n";
    put(root.path(), "proc/stat", stat);
    put(root.path(), "proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 total=5\n");
    let process = |pid: u32, comm: &str, parent: u32, ticks: u32| {
        put(
            root.path(),
            &format!("proc/{pid}/stat"),
            &format!("{pid} ({comm}) S {parent} 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 5 0 0\n"),
        );
    };
    process(42, "perfvt", 1, 1);
    process(70, "qemu-system-x86", 42, 10);
    process(69, "vhost-70", 2, 100);
    process(98, "vhost-99", 2, 1000);
    process(99, "qemu-system-x86", 1, 10_000);
    put(root.path(), "proc/70/task/71/schedstat", "500 20 3\n");
    for (zone, kind, temp) in [(0, "acpitz", "90000"), (1, "x86_pkg_temp", "45500")] {
        put(root.path(), &format!("sys/class/thermal/thermal_zone{zone}/type"), kind);
        put(root.path(), &format!("sys/class/thermal/thermal_zone{zone}/temp"), temp);
    }
    for (cpu, count) in [(0, 1), (1, 2), (2, 4)] {
        put(
            root.path(),
            &format!("sys/devices/system/cpu/cpu{cpu}/thermal_throttle/core_throttle_count"),
            &count.to_string(),
        );
    }
    root
}

#[test]
fn a_reading_knows_perfvts_own_and_leaves_out_what_is_not_told() {
    let root = machine();
    let reading = Reader::under(root.path(), 42).read(&watched());
    assert_eq!(reading.own_ticks, 111, "perfvt, its QEMU and that one's vhost thread");
    assert_eq!(reading.running, Some(2), "the reader itself does not count");
    assert_eq!(
        (reading.celsius, reading.throttles),
        (Some(45.5), Some(3)),
        "the CPUs', and those that are watched"
    );
    assert_eq!(reading.vcpus[0].sched, Some(SchedStat { run_ns: 500, wait_ns: 20 }));
    assert_eq!((reading.vcpus[0].migrations, reading.swap_in), (None, None));
    assert_eq!(reading.stalls.len(), 1);
}

/// A sample in the hands of a guard, in an environment with these parameters.
fn guarded(
    guard: &mut NoiseGuard,
    raw: &Path,
    params: &[(&str, &str)],
) -> (Result<f64, String>, Option<Result<(), String>>) {
    let mut all = model::Params::new();
    for (key, value) in params {
        all.set(*key, *value, model::Origin::BuiltIn);
    }
    let case = model::Case { workload: "w".into(), category: "c".into(), keys: Default::default() };
    let mut lab = campaign_support::PretendLab::default();
    let mut of = Sample { boot: "b", case: &case, params: &all, raw, lab: &mut lab };
    match guard.before(&mut of) {
        Err(failed) => (Err(failed.to_string()), None),
        Ok(waited) => (Ok(waited.as_secs_f64()), Some(guard.after(&mut of).map_err(|f| f.to_string()))),
    }
}

fn guard(root: &Path, kvm: bool) -> NoiseGuard {
    NoiseGuard::new(Reader::under(root, 42), Limits::default(), kvm)
        .looking_for(std::time::Duration::from_millis(20))
}

#[test]
fn a_quiet_host_is_not_waited_for_and_the_sample_has_its_note() {
    let (root, raw) = (machine(), tempfile::tempdir().unwrap());
    put(root.path(), "proc/stat", "cpu0 1 0 0 9 0 0 0 0\nprocs_running 1\n");
    let (before, after) =
        guarded(&mut guard(root.path(), true), raw.path(), &[("noise", "auto"), ("canary", "1")]);
    assert_eq!((before, after), (Ok(0.0), Some(Ok(()))));
    let file: SampleNoise =
        serde_json::from_str(&fs::read_to_string(raw.path().join(SAMPLE_NOISE_FILE)).unwrap()).unwrap();
    assert_eq!((file.mode.as_str(), file.breaches.len(), file.waited_s), ("strict", 0, 0.0));
    assert!(file.canary.is_some_and(|c| c.arithmetic_ns.is_some()));
}

#[test]
fn a_host_that_does_not_become_quiet_stops_the_campaign_after_the_bound_and_only_in_strict_mode() {
    let (root, raw) = (machine(), tempfile::tempdir().unwrap());
    let strict = [("noise", "strict"), ("noise_wait", "0")];
    let (before, after) = guarded(&mut guard(root.path(), false), raw.path(), &strict);
    let reason = before.unwrap_err();
    assert!(
        reason.starts_with("the host was not quiet within 0 s: 2.0 other tasks want to run; "),
        "{reason}"
    );
    assert!(after.is_none() && reason.contains("noise=warn"), "{reason}");
    for (mode, kept) in [("warn", true), ("auto", true), ("off", false)] {
        let raw = tempfile::tempdir().unwrap();
        let (before, after) = guarded(&mut guard(root.path(), false), raw.path(), &[("noise", mode)]);
        assert_eq!(
            (before, after, raw.path().join(SAMPLE_NOISE_FILE).exists()),
            (Ok(0.0), Some(Ok(())), kept),
            "{mode}"
        );
    }
}

#[test]
fn waiting_ends_when_the_host_becomes_quiet_and_is_told_apart() {
    let (root, raw) = (machine(), tempfile::tempdir().unwrap());
    let path = root.path().to_owned();
    let later = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        put(&path, "proc/stat", "cpu0 1 0 0 9 0 0 0 0\nprocs_running 1\n");
    });
    let (before, _) =
        guarded(&mut guard(root.path(), true), raw.path(), &[("noise", "strict"), ("noise_wait", "60")]);
    later.join().unwrap();
    let waited = before.unwrap();
    assert!((0.1..30.0).contains(&waited), "{waited}");
    let file: SampleNoise =
        serde_json::from_str(&fs::read_to_string(raw.path().join(SAMPLE_NOISE_FILE)).unwrap()).unwrap();
    assert_eq!(file.waited_s, waited);
}
