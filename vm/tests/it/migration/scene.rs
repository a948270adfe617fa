//! The guest of the tests of migration: moved, watched, and there again when it is lost.

use model::{Accel, Code};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::deadlines::Deadlines;
use vm::guest::QEMU;
use vm::guest::confine::Confine;
use vm::guest::image::Image;
use vm::guest::machine::{BootSpec, Files, Machine};
use vm::guest::migration::{Ended, Migration, Mode, Record, Route, Silence};
use vm::guest::network::{ClientPlace, Kind, Layout, Network, Observer, Probe};
use vm::guest::spec::GuestSpec;

pub const SOON: Duration = Duration::from_secs(20);
/// What an emulated guest of a very busy host may need for what it does in a second elsewhere.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PLAIN: Migration = Migration {
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
pub struct Scene<'a> {
    pub guest: &'a GuestSpec,
    pub network: Network,
    image: &'a Image,
    dir: &'a Path,
    /// The place of the cables of the QEMU in which the guest runs.
    pub place: usize,
    /// So many folders have been made.
    folders: u32,
    /// Whether it writes its memory.
    pub writes: bool,
    /// The last one was lost.
    pub machine: Option<Machine>,
}

/// The cables of one guest and its observer.
pub fn cables() -> Network {
    let layout = Layout { client: ClientPlace::Observer, ..Layout::simple(Kind::Switch) };
    Network::create(&layout, 1, "migration").unwrap()
}

/// Says what was told and seen of a migration. The guest is never silent for less than it stood.
fn tell(record: &Record, silence: Silence) {
    println!(
        "{} over {}: {:?} {:?}; throttle {} %, total {:?} ms, downtime {:?} ms, stood {:?} ms, silent {:.1} ms, {} MB, {} samples",
        record.mode,
        record.route,
        record.ended,
        record.reason,
        record.throttle_percent(),
        record.number("total-time"),
        record.number("downtime"),
        record.stood_ms(),
        silence.ms(),
        record.number("ram/transferred").unwrap_or_default() / 1e6,
        record.samples.len()
    );
    if let (Some(stood), Some(stop), Some(resume)) = (record.stood_ms(), record.stop_ns, record.resume_ns) {
        assert!(silence.ms() >= stood, "silent for {} ms, and stood for {stood}", silence.ms());
        let ms = |from: u64, to: u64| (to as f64 - from as f64) * 1e-6;
        println!(
            "  from the last question to STOP {:.1} ms, from RESUME to what tells the network {:.1?} ms, to the next answer {:.1} ms",
            ms(silence.from_ns, stop),
            record.announced_ns.map(|at| ms(resume, at)),
            ms(resume, silence.to_ns),
        );
    }
}

/// A guest as small as one can be that is moved.
pub fn guest(root: bool) -> GuestSpec {
    // Nobody but root may have pages of the guest wait for the source.
    let confine = if root { Confine::Sandbox } else { Confine::Files };
    let mut guest = GuestSpec { confine, qemu: QEMU.into(), ..GuestSpec::plain(Accel::Tcg) };
    guest.hardware.mem_mib = 192;
    guest
}

impl<'a> Scene<'a> {
    /// With the guest up.
    pub fn new(guest: &'a GuestSpec, image: &'a Image, dir: &'a Path) -> Scene<'a> {
        let network = cables();
        let mut scene =
            Scene { guest, network, image, dir, place: 0, folders: 0, writes: false, machine: None };
        scene.machine();
        scene
    }

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
    pub fn logs(&self) -> PathBuf {
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
    pub fn machine(&mut self) -> &mut Machine {
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
    pub fn write(&mut self) {
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
    pub fn migrate(&mut self, how: &Migration) -> Option<(Record, Vec<Probe>)> {
        let once = |_| self.migrate_one(how);
        let seen = (0..GUESTS).find_map(once);
        if seen.is_none() {
            println!("{} could not be tried: {GUESTS} guests were lost", how.mode.word());
        }
        seen
    }

    pub fn migrate_one(&mut self, how: &Migration) -> Option<(Record, Vec<Probe>)> {
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
        let announced = observer.announced();
        let probes = observer.end_watch();
        let record = match moved {
            Ok(moved) => {
                let mut record = moved.record;
                record.heard(&announced);
                record
            }
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
        match machine.run(&["cat", "/run/here"], SOON) {
            Ok(said) if said == "still\n" && is_there => self.machine = Some(machine),
            other => {
                self.lose(&format!("{other:?}"));
                return None;
            }
        }
        tell(&record, Silence::longest(&probes).unwrap());
        Some((record, probes))
    }
}
