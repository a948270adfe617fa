//! A guest that moves from one QEMU to another, watched from outside: one boot for all of it.

mod scene;
mod soak;

use super::confined::image;
use scene::{PATIENCE, PLAIN, SOON, Scene, guest};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vm::guest::machine::Machine;
use vm::guest::migration::{Ended, Migration, Mode, Route, Silence};
use vm::guest::network::Network;

#[test]
fn a_guest_moves_stays_and_is_watched_all_the_while() {
    let Some(image) = image() else { return };
    let _turn = testing::alone();
    let root = rustix::process::geteuid().is_root();
    let (guest, dir) = (guest(root), tempfile::tempdir().unwrap());
    let mut scene = Scene::new(&guest, &image, dir.path());
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

    for (mode, told) in [(Mode::Xbzrle, "xbzrle-cache"), (Mode::AutoConverge, "ram")] {
        // One that slows the guest down takes its time for that.
        let how = Migration { mode, bandwidth: 400_000_000, limit: Duration::from_secs(15), ..PLAIN };
        if let Some((record, _)) = scene.migrate(&how) {
            assert!(matches!(record.ended, Ended::Completed | Ended::NotConverged), "{:?}", record.reason);
            assert!(record.capabilities.contains(&mode.word().to_owned()), "{:?}", record.capabilities);
            assert!(
                record.told.get(told).is_some() || record.ended == Ended::NotConverged,
                "{}",
                record.told
            );
            println!("  {}", record.told.get(told).unwrap_or_default());
        }
    }
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
