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
use vm::guest::network::{ClientPlace, Kind, Layout, Network, Observer, Probe};
use vm::guest::spec::GuestSpec;

const SOON: Duration = Duration::from_secs(20);
/// What an emulated guest of a very busy host may need for what it does in a second elsewhere.
const PATIENCE: Duration = Duration::from_secs(60);

const PLAIN: Migration = Migration {
    mode: Mode::Precopy,
    route: Route::Unix,
    bandwidth: 0,
    // A busy host may be slow for long.
    downtime_limit: Duration::from_secs(2),
    channels: 2,
    postcopy_after: 1,
    limit: Duration::from_secs(60),
    cancel_after: None,
};

/// What the guest does while it moves: it writes so many MB of noise again and again.
fn dirty(machine: &mut Machine, megabytes: u32) -> Result<(), String> {
    let script = format!(
        "head -c {megabytes}m /dev/urandom > /run/one; (while :; do cat /run/one > /run/two; done) >/dev/null 2>&1 &"
    );
    machine.run(&["sh", "-c", &script], PATIENCE).map(drop).map_err(|e| e.to_string())
}

/// So many guests may be lost where one migration is tried, until it is given up.
const GUESTS: u32 = 3;

/// Waits until so many questions were answered behind a moment. False when it takes too long.
fn answers(observer: &Observer, wanted: usize, since_ns: u64) -> bool {
    let until = Instant::now() + SOON;
    let is_behind = |probe: &&Probe| probe.answered_ns.is_some_and(|at| at > since_ns);
    while observer.seen().unwrap_or_default().iter().filter(is_behind).count() < wanted {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

/// A guest, and where it is.
///
/// QEMU 7.2 loses what an emulated guest writes while it is moved (docs/migration.md), so every guest may be lost that has moved, at
/// any time. Then a new one is there for what is left to be tried.
struct Scene<'a> {
    guest: &'a GuestSpec,
    network: Network,
    image: &'a Image,
    dir: &'a Path,
    /// The place of the cables of the QEMU in which the guest runs.
    place: usize,
    /// So many folders have been made.
    folders: u32,
    /// Whether it writes its memory.
    writes: bool,
    /// The last one was lost.
    machine: Option<Machine>,
}

/// The cables of one guest and its observer.
fn cables() -> Network {
    let layout = Layout { client: ClientPlace::Observer, ..Layout::simple(Kind::Switch) };
    Network::create(&layout, 1, "migration").unwrap()
}

impl Scene<'_> {
    fn spec<'s>(&'s self, moves_in: Option<usize>, folders: (&'s Path, &'s Path)) -> BootSpec<'s> {
        BootSpec {
            guest: self.guest,
            network: &self.network,
            index: 0,
            files: Files { moves_in, ..Files::of_image(self.image) },
            log_dir: folders.0,
            forensics: folders.1,
            deadlines: Deadlines::usual(Accel::Tcg),
            deadline: Duration::from_secs(240),
        }
    }

    /// Where the next QEMU logs.
    fn logs(&self) -> PathBuf {
        self.dir.join(format!("qemu-{}", self.folders))
    }

    fn folders(&mut self) -> (PathBuf, PathBuf) {
        let logs = self.logs();
        self.folders += 1;
        std::fs::create_dir(&logs).unwrap();
        let forensics = logs.join("forensics");
        (logs, forensics)
    }

    /// The guest; a new one where there is none, which does what the last one did.
    fn machine(&mut self) -> &mut Machine {
        if self.machine.is_none() {
            (self.network, self.place) = (cables(), 0);
            let (logs, forensics) = self.folders();
            let booted = Machine::boot(&self.spec(None, (&logs, &forensics)));
            let mut machine = booted.unwrap_or_else(|e| panic!("{e}"));
            let script = "ip address replace 192.168.100.2/24 dev eth0 && ip link set eth0 up && echo still > /run/here";
            machine.run(&["sh", "-c", script], SOON).unwrap();
            // It reaches who watches it, who so learns where it is.
            machine.run(&["ping", "-c", "1", "-W", "10", "192.168.100.1"], SOON).unwrap();
            if self.writes {
                dirty(&mut machine, 16).unwrap();
            }
            self.machine = Some(machine);
        }
        self.machine.as_mut().unwrap()
    }

    /// Has the guest write its memory from now on.
    fn write(&mut self) {
        if let Err(error) = dirty(self.machine(), 16) {
            self.lose(&error);
        }
        self.writes = true;
    }

    fn lose(&mut self, why: &str) {
        println!("a guest is lost: {why}");
        self.machine = None;
    }

    /// Moves the guest, and tells what was seen from outside; another one where it is lost, and nothing where they all are.
    fn migrate(&mut self, how: &Migration) -> Option<(Record, Vec<Probe>)> {
        let once = |_| self.migrate_one(how);
        let seen = (0..GUESTS).find_map(once);
        if seen.is_none() {
            println!("{} could not be tried: {GUESTS} guests were lost", how.mode.word());
        }
        seen
    }

    fn migrate_one(&mut self, how: &Migration) -> Option<(Record, Vec<Probe>)> {
        self.machine();
        let (logs, forensics) = self.folders();
        let to = 1 - self.place;
        self.network.drain(to);
        let observer = self.network.observer().unwrap();
        observer.watch("192.168.100.2".parse().unwrap());
        // What it is like before.
        if !answers(observer, 50, 0) {
            self.lose("it does not answer");
            return None;
        }
        let mut machine = self.machine.take().unwrap();
        let moved = machine.migrate(&self.spec(Some(to), (&logs, &forensics)), how);
        let observer = self.network.observer().unwrap();
        let since = moved.as_ref().ok().and_then(|moved| moved.record.resume_ns).unwrap_or_default();
        let is_there = answers(observer, 1, since);
        let probes = observer.end_watch();
        let record = match moved {
            Ok(moved) => moved.record,
            Err(error) => {
                let code = error.failure().code;
                assert!(matches!(code, Code::Panic | Code::Oops | Code::Hang | Code::EarlyExit), "{error}");
                self.lose(&error.to_string());
                return None;
            }
        };
        if record.ended == Ended::Completed {
            self.place = to;
        }
        let silence = Silence::longest(&probes).map(Silence::ms);
        println!(
            "{} over {}: {:?} {:?}; total {:?} ms, downtime {:?} ms, stood {:?} ms, silent {silence:.1?} ms, {} MB, {} samples",
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
        match machine.run(&["cat", "/run/here"], SOON) {
            Ok(said) if said == "still\n" && is_there => self.machine = Some(machine),
            other => {
                self.lose(&format!("{other:?}"));
                return None;
            }
        }
        let silence = silence.unwrap();
        if let Some(stood) = record.stood_ms() {
            assert!(silence >= stood, "silent for {silence} ms, and stood for {stood}");
        }
        Some((record, probes))
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
    let dir = tempfile::tempdir().unwrap();
    let (guest, image, dir) = (&guest, &image, dir.path());
    let network = cables();
    let mut scene = Scene { guest, network, image, dir, place: 0, folders: 0, writes: false, machine: None };
    scene.machine();
    a_planted_stop_reads_as_long_as_it_is(&scene.network, scene.machine.as_mut().unwrap());

    let first = scene.machine().pid();
    if let Some((record, probes)) = scene.migrate(&PLAIN) {
        assert_eq!(record.ended, Ended::Completed, "{:?}", record.reason);
        assert_ne!(scene.machine().pid(), first, "it is in another process");
        assert!(record.stood_ms().is_some() && record.number("total-time").is_some_and(|ms| ms > 0.0));
        assert!(probes.iter().filter(|probe| probe.answered_ns.is_some()).count() > 50);
    }
    scene.write();
    who_stays_stays(&mut scene);

    let tcp = Route::Tcp { rate: 800_000_000, delay: Duration::from_millis(1) };
    if let Some((record, _)) = scene.migrate(&Migration { mode: Mode::Multifd, route: tcp, ..PLAIN }) {
        assert_eq!(record.ended, Ended::Completed, "{:?}", record.reason);
        assert!(record.capabilities.contains(&"multifd".to_owned()), "{:?}", record.capabilities);
    }
    if root {
        if let Some((record, _)) = scene.migrate_one(&Migration { mode: Mode::Postcopy, ..PLAIN }) {
            assert_eq!(record.ended, Ended::Completed, "{:?}", record.reason);
        }
    } else {
        testing::skip("postcopy needs root");
    }
    if let Some(machine) = scene.machine.take() {
        machine.quit();
    }
}

/// Migrations that do not get there: the guest goes on in the source.
fn who_stays_stays(scene: &mut Scene<'_>) {
    // 8 Mbit/s are 1 MB a second.
    let slow = Migration { bandwidth: 8_000_000, limit: Duration::from_secs(3), ..PLAIN };
    if let Some((record, _)) = scene.migrate(&slow) {
        assert_eq!(record.ended, Ended::NotConverged, "{:?}", record.reason);
        assert!(record.reason.unwrap().starts_with("it did not converge within 3 s"));
    }
    let cancelled = Migration { cancel_after: Some(Duration::from_millis(700)), ..slow };
    if let Some((record, _)) = scene.migrate(&cancelled) {
        assert_eq!(record.ended, Ended::Cancelled, "{:?}", record.reason);
    }
    let killer = killed_soon(scene.machine().pid(), scene.logs());
    if let Some((record, _)) = scene.migrate_one(&Migration { limit: SOON, ..slow }) {
        assert_eq!(record.ended, Ended::Failed, "{:?}", record.reason);
        assert_eq!(killer.join().unwrap(), 1, "one destination was killed");
    }
}

/// Kills the QEMU that logs to a folder once the guest of another one is on its way there. Gives how many there were.
fn killed_soon(source: u32, logs: PathBuf) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let logs = logs.display().to_string();
        let until = Instant::now() + PATIENCE;
        // The thread that sends a guest; QEMU calls it the latter from 9.1 on.
        let is_sender = |name: String| name.starts_with("live_migration") || name.starts_with("mig/src/main");
        let sends = || {
            let threads = std::fs::read_dir(format!("/proc/{source}/task")).into_iter().flatten().flatten();
            let mut names =
                threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
            names.any(is_sender)
        };
        while !sends() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is = |pid: &i32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&logs)
        };
        let found: Vec<i32> = pids.filter(is).collect();
        for pid in &found {
            let pid = rustix::process::Pid::from_raw(*pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        found.len()
    })
}

/// Whether more wants to run on this host than it has CPUs for.
fn is_busy() -> bool {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load: f64 = told.split(' ').next().unwrap().parse().unwrap();
    load > std::thread::available_parallelism().unwrap().get() as f64
}

fn a_planted_stop_reads_as_long_as_it_is(network: &Network, machine: &mut Machine) {
    let observer = network.observer().unwrap();
    let mut seen = Vec::new();
    // The best of several: a busy host may be late with anything.
    while seen.len() < 8 && seen.iter().all(|more| *more > 10.0) {
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
        // However late anything is: it is never silent for less than it stood.
        assert!(silence >= stood);
        seen.push(silence - stood);
    }
    if seen.iter().all(|more| *more > 10.0) {
        assert!(is_busy(), "later than 10 ms on a host that is idle: {seen:?}");
        println!("this host is too busy to see whether a stop reads as long as it is: {seen:?} ms more");
    }
}
