//! A guest that moves from one QEMU to another, watched from outside: one boot for all of it.

use super::confined::image;
use model::{Accel, Code};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vm::deadlines::Deadlines;
use vm::guest::QEMU;
use vm::guest::confine::Confine;
use vm::guest::image::Image;
use vm::guest::machine::{BootSpec, Files, Machine};
use vm::guest::migration::{Ended, Migration, Mode, Record, Route, Silence};
use vm::guest::network::{ClientPlace, Kind, Layout, Network, Probe};
use vm::guest::spec::GuestSpec;

const SOON: Duration = Duration::from_secs(20);

const PLAIN: Migration = Migration {
    mode: Mode::Precopy,
    route: Route::Unix,
    bandwidth: 0,
    downtime_limit: Duration::from_millis(300),
    channels: 2,
    postcopy_after: 1,
    limit: Duration::from_secs(60),
    cancel_after: None,
};

/// What the guest does while it moves: it writes so many MB of noise again and again.
fn dirty(machine: &mut Machine, megabytes: u32) {
    let script = format!(
        "head -c {megabytes}m /dev/urandom > /run/one; (while :; do cat /run/one > /run/two; done) >/dev/null 2>&1 &"
    );
    machine.run(&["sh", "-c", &script], SOON).unwrap();
}

struct Scene<'a> {
    guest: &'a GuestSpec,
    network: &'a Network,
    image: &'a Image,
    dir: &'a Path,
    /// The place of the cables of the QEMU in which the guest runs.
    place: usize,
    moves: u32,
}

impl Scene<'_> {
    fn spec<'s>(&'s self, moves_in: Option<usize>, folders: (&'s Path, &'s Path)) -> BootSpec<'s> {
        BootSpec {
            guest: self.guest,
            network: self.network,
            index: 0,
            files: Files { moves_in, ..Files::of_image(self.image) },
            log_dir: folders.0,
            forensics: folders.1,
            deadlines: Deadlines::usual(Accel::Tcg),
            deadline: Duration::from_secs(240),
        }
    }

    /// Where the next destination logs.
    fn logs(&self) -> PathBuf {
        self.dir.join(format!("move-{}", self.moves))
    }

    fn folders(&mut self) -> (PathBuf, PathBuf) {
        let logs = self.logs();
        self.moves += 1;
        std::fs::create_dir(&logs).unwrap();
        let forensics = logs.join("forensics");
        (logs, forensics)
    }

    /// Moves the guest, and tells what was seen from outside.
    fn migrate(&mut self, machine: &mut Machine, how: &Migration) -> (Record, Vec<Probe>) {
        let (logs, forensics) = self.folders();
        let to = 1 - self.place;
        self.network.drain(to);
        let observer = self.network.observer().unwrap();
        observer.watch("192.168.100.2".parse().unwrap());
        std::thread::sleep(Duration::from_millis(200));
        let moved = machine.migrate(&self.spec(Some(to), (&logs, &forensics)), how);
        let record = moved.unwrap_or_else(|e| panic!("{e}")).record;
        std::thread::sleep(Duration::from_millis(500));
        let probes = observer.end_watch();
        if record.ended == Ended::Completed {
            self.place = to;
        }
        assert_eq!(machine.run(&["cat", "/run/here"], SOON).unwrap(), "still\n");
        let silence = Silence::longest(&probes).unwrap().ms();
        println!(
            "{} over {}: {:?} {:?}; total {:?} ms, downtime {:?} ms, stood {:?} ms, silent {silence:.1} ms, {} MB, {} samples",
            record.mode,
            record.route,
            record.ended,
            record.reason,
            record.number("total-time"),
            record.number("downtime"),
            record.stood_ms(),
            record.number("ram/transferred").unwrap_or_default() / 1e6,
            record.samples.len()
        );
        if let Some(stood) = record.stood_ms() {
            assert!(silence >= stood, "silent for {silence} ms, and stood for {stood}");
        }
        (record, probes)
    }
}

#[test]
fn a_guest_moves_stays_and_is_watched_all_the_while() {
    let Some(image) = image() else { return };
    let _turn = testing::alone();
    let root = rustix::process::geteuid().is_root();
    // Nobody but root may have pages of the guest wait for the source.
    let confine = if root { Confine::Sandbox } else { Confine::Files };
    let mut guest = GuestSpec { confine, qemu: QEMU.into(), ..GuestSpec::plain(Accel::Tcg) };
    guest.hardware.mem_mib = 192;
    let layout = Layout { client: ClientPlace::Observer, ..Layout::simple(Kind::Switch) };
    let network = Network::create(&layout, 1, "migration").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (logs, forensics) = (dir.path().join("logs"), dir.path().join("forensics"));
    std::fs::create_dir(&logs).unwrap();
    let mut scene =
        Scene { guest: &guest, network: &network, image: &image, dir: dir.path(), place: 0, moves: 0 };
    let mut machine = Machine::boot(&scene.spec(None, (&logs, &forensics))).unwrap_or_else(|e| panic!("{e}"));
    let first = machine.pid();
    let script =
        "ip address replace 192.168.100.2/24 dev eth0 && ip link set eth0 up && echo still > /run/here";
    machine.run(&["sh", "-c", script], SOON).unwrap();
    // It reaches who watches it, who so learns where it is.
    machine.run(&["ping", "-c", "1", "-W", "10", "192.168.100.1"], SOON).unwrap();

    a_planted_stop_reads_as_long_as_it_is(&network, &mut machine);

    let (record, probes) = scene.migrate(&mut machine, &PLAIN);
    assert_eq!(record.ended, Ended::Completed, "{:?}", record.reason);
    assert_ne!(machine.pid(), first, "it is in another process");
    assert!(record.stood_ms().is_some() && record.number("total-time").is_some_and(|ms| ms > 0.0));
    assert!(probes.iter().filter(|probe| probe.answered_ns.is_some()).count() > 50);

    dirty(&mut machine, 16);
    // 8 Mbit/s are 1 MB a second.
    let slow = Migration { bandwidth: 8_000_000, limit: Duration::from_secs(3), ..PLAIN };
    let (record, _) = scene.migrate(&mut machine, &slow);
    assert_eq!(record.ended, Ended::NotConverged, "{:?}", record.reason);
    assert!(record.reason.unwrap().starts_with("it did not converge within 3 s"));

    let cancelled = Migration { cancel_after: Some(Duration::from_millis(700)), ..slow };
    let (record, _) = scene.migrate(&mut machine, &cancelled);
    assert_eq!(record.ended, Ended::Cancelled, "{:?}", record.reason);

    let killer = killed_soon(scene.logs());
    let (record, _) = scene.migrate(&mut machine, &Migration { limit: SOON, ..slow });
    assert_eq!(killer.join().unwrap(), 1, "one destination was killed");
    assert_eq!(record.ended, Ended::Failed, "{:?}", record.reason);

    let tcp = Route::Tcp { rate: 800_000_000, delay: Duration::from_millis(1) };
    let over = Migration { mode: Mode::Multifd, route: tcp, ..PLAIN };
    let (record, _) = scene.migrate(&mut machine, &over);
    assert_eq!(record.ended, Ended::Completed, "{:?}", record.reason);
    assert!(record.capabilities.contains(&"multifd".to_owned()), "{:?}", record.capabilities);
    if root {
        postcopy(scene, machine);
    } else {
        testing::skip("postcopy needs root");
        machine.quit();
    }
}

/// An emulated guest does not always survive this (docs/migration.md); then it is said what became of it.
fn postcopy(mut scene: Scene<'_>, mut machine: Machine) {
    let (logs, forensics) = scene.folders();
    let to = 1 - scene.place;
    scene.network.drain(to);
    let how = Migration { mode: Mode::Postcopy, ..PLAIN };
    match machine.migrate(&scene.spec(Some(to), (&logs, &forensics)), &how) {
        Ok(moved) => assert_eq!(moved.record.ended, Ended::Completed, "{:?}", moved.record.reason),
        Err(error) => {
            let code = error.failure().code;
            println!("postcopy: {error}");
            assert!(matches!(code, Code::Panic | Code::Oops | Code::Hang), "{error}");
        }
    }
    machine.quit();
}

/// Kills the QEMU that logs to a folder, when it has run for some time. Gives how many there were.
fn killed_soon(logs: PathBuf) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let logs = logs.display().to_string();
        let until = Instant::now() + SOON;
        let found = || -> Vec<i32> {
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
            let is = |pid: &i32| {
                let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&words).contains(&logs)
            };
            pids.filter(is).collect()
        };
        while found().is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_secs(2));
        let all = found();
        for pid in &all {
            let pid = rustix::process::Pid::from_raw(*pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        all.len()
    })
}

fn a_planted_stop_reads_as_long_as_it_is(network: &Network, machine: &mut Machine) {
    let observer = network.observer().unwrap();
    let mut seen = Vec::new();
    // The best of three: a busy host may be late with anything.
    for _ in 0..3 {
        observer.watch("192.168.100.2".parse().unwrap());
        std::thread::sleep(Duration::from_millis(200));
        let qmp = machine.qmp();
        let begun = Instant::now();
        qmp.execute("stop", serde_json::json!({}), SOON).unwrap();
        std::thread::sleep(Duration::from_millis(300).saturating_sub(begun.elapsed()));
        qmp.execute("cont", serde_json::json!({}), SOON).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let events = machine.qmp().events();
        let at = |name: &str| events.iter().rev().find(|event| event.name == name).unwrap().unix_seconds;
        let stood = (at("RESUME") - at("STOP")) * 1e3;
        let silence = Silence::longest(&observer.end_watch()).unwrap().ms();
        println!("stood {stood:.1} ms, silent {silence:.1} ms");
        assert!(silence >= stood);
        seen.push((silence - stood).abs());
    }
    assert!(seen.iter().any(|more| *more <= 10.0), "{seen:?}");
}
