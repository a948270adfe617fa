//! Many migrations in a row.

use super::super::confined::image;
use super::scene::{PLAIN, Scene, guest};
use std::fs;
use std::path::Path;
use std::time::Duration;
use vm::guest::migration::{Ended, Migration, Mode, Route};

/// Moves of the one test.
const MOVES: usize = 50;

/// What is there: descriptors of this process, its threads, and processes that know a folder.
fn held(dir: &Path) -> [usize; 3] {
    let count = |dir: &str| fs::read_dir(dir).unwrap().count();
    let knows = |pid: &str| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&*dir.to_string_lossy())
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    let names = all.filter_map(|entry| entry.file_name().into_string().ok());
    let processes = names.filter(|name| name.parse::<u32>().is_ok() && knows(name)).count();
    // A private folder is held open.
    [count("/proc/self/fd"), count("/proc/self/task"), processes]
}

#[test]
#[ignore = "soak: minutes"]
fn fifty_migrations_in_a_row_leave_no_process_file_or_socket() {
    let Some(image) = image() else { return };
    let _turn = testing::alone();
    let root = rustix::process::geteuid().is_root();
    let (guest, dir) = (guest(root), tempfile::tempdir().unwrap());
    let mut scene = Scene::new(&guest, &image, dir.path());
    scene.write();
    let tcp = Route::Tcp { rate: 800_000_000, delay: Duration::from_millis(1) };
    let modes = [
        PLAIN,
        Migration { mode: Mode::Multifd, route: tcp, ..PLAIN },
        Migration { mode: Mode::Xbzrle, ..PLAIN },
        Migration { bandwidth: 8_000_000, cancel_after: Some(Duration::from_millis(500)), ..PLAIN },
        Migration { mode: if root { Mode::Postcopy } else { Mode::Precopy }, ..PLAIN },
    ];
    let mut seen = Vec::new();
    let (mut completed, mut lost) = (0, 0);
    for how in modes.iter().cycle().take(MOVES) {
        match scene.migrate_one(how) {
            Some((record, _)) if record.ended == Ended::Completed => completed += 1,
            Some(_) => {}
            None => lost += 1,
        }
        scene.machine();
        seen.push(held(dir.path()));
    }
    println!("{completed} of {MOVES} completed, {lost} guests were lost; held at last: {:?}", seen.last());
    // What one mode has left, all that come behind it show.
    let first = seen.get(modes.len()).unwrap();
    assert_eq!(seen.last().unwrap(), first, "descriptors, threads, processes: {seen:?}");
    assert_eq!(first.get(2), Some(&1), "one QEMU: {seen:?}");
    scene.machine.take().unwrap().quit();
}
