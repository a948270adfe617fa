//! Expansion of a synthetic configuration of 1,000 files: time to the first variant, names and dictionaries per
//! second on one core, and the memory all of it takes.
//!
//! ```text
//! cargo bench -p perfvt-cartesian --bench cartesian            # the synthetic configuration
//! cargo bench -p perfvt-cartesian --bench cartesian -- CFG     # another one
//! ```

// A bench prints; it may as well stop at the first thing that goes wrong.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cartesian::{Config, Options};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Files of tests.
const FILES: usize = 1_000;
/// Keys that every variant has.
const COMMON: usize = 130;
/// Names that are counted at most.
const NAMES: u64 = 2_000_000;
/// Dictionaries that are built at most.
const DICTS: u64 = 400_000;

fn main() {
    // `cargo bench` and `cargo test` hand flags to every bench.
    let given = std::env::args().skip(1).find(|a| !a.starts_with("--")).map(PathBuf::from);
    let dir = tempfile::tempdir().expect("a folder for the synthetic configuration");
    let path = given.unwrap_or_else(|| synthetic(dir.path()));

    let start = Instant::now();
    let config = Config::load(&path, Options::default()).expect("a configuration");
    let parsed = start.elapsed();
    let first = config.expand().next_dict().expect("a dictionary").map(|d| d.iter().count()).unwrap_or(0);
    println!("read in {parsed:.1?}; the first variant, of {first} keys, after {:.1?}", start.elapsed());

    let mut expansion = config.expand();
    let start = Instant::now();
    let mut letters = 0;
    while let Some(named) = expansion.next_name().expect("a name") {
        letters += named.name.len();
        if expansion.found() == NAMES {
            break;
        }
    }
    rate("names", expansion.found(), start.elapsed());

    let mut expansion = config.expand();
    let start = Instant::now();
    let mut keys = 0;
    while let Some(dict) = expansion.next_dict().expect("a dictionary") {
        keys += dict.iter().count();
        if expansion.found() == DICTS {
            break;
        }
    }
    rate("dictionaries", expansion.found(), start.elapsed());
    println!("  {} keys each", keys as u64 / expansion.found().max(1));

    let mut expansion = config.expand();
    let (mut out, mut bytes) = (Vec::with_capacity(1 << 18), 0);
    let start = Instant::now();
    while let Some(dict) = expansion.next_dict().expect("a dictionary") {
        dict.write_json(&mut out);
        if out.len() > 1 << 17 {
            bytes += out.len();
            std::io::sink().write_all(&out).expect("room");
            out.clear();
        }
        if expansion.found() == DICTS {
            break;
        }
    }
    rate("dictionaries as JSON", expansion.found(), start.elapsed());
    println!("  {} MB of JSON, {} letters of names", bytes >> 20, letters);
    if let Some(peak) = peak_memory() {
        println!("peak memory {peak}");
    }
}

fn rate(what: &str, number: u64, time: Duration) {
    println!("{number} {what} in {time:.2?}: {:.0} per second", number as f64 / time.as_secs_f64());
}

/// `VmHWM` of this process.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:")).map(|v| v.trim().to_owned())
}

/// Common keys, guests, hardware and 1,000 files of tests with variants of their own.
fn synthetic(dir: &Path) -> PathBuf {
    let mut base = String::new();
    for key in 0..COMMON {
        writeln!(base, "key_{key} = value of key {key}").unwrap();
    }
    base.push_str("mem = 4096\nimage = images/${os}\n");
    std::fs::write(dir.join("base.cfg"), base).unwrap();
    let mut tests = String::from("variants test:\n");
    for file in 0..FILES {
        writeln!(tests, "    - group_{file}:\n        include test_{file}.cfg").unwrap();
        let mut text = format!("type = test_{file}\ntimeout = {}\n", file % 7 * 60);
        for key in 0..8 {
            writeln!(text, "test_key_{key} = {file}.{key}").unwrap();
        }
        text.push_str("no old..slow\nLinux:\n    command += \" -l\"\n!Linux: command = win.exe\n");
        text.push_str("variants:\n");
        for variant in 0..5 {
            writeln!(
                text,
                "    - case_{variant}:\n        size = {variant}\n        key_{variant} = special"
            )
            .unwrap();
        }
        std::fs::write(dir.join(format!("test_{file}.cfg")), text).unwrap();
    }
    std::fs::write(dir.join("subtests.cfg"), tests).unwrap();
    let mut guests = String::from("variants os:\n");
    for os in 0..30 {
        let family = if os % 3 == 0 { "Windows" } else { "Linux" };
        writeln!(guests, "    - {family}.os_{os}:\n        os_type = {family}\n        shell_port = {os}")
            .unwrap();
        guests.push_str("        variants:\n            - i386:\n                only old, slow\n");
        guests.push_str("            - x86_64:\n                mem <= 1\n");
    }
    std::fs::write(dir.join("guests.cfg"), guests).unwrap();
    let hardware = "variants:\n    - ide:\n        drive = ide\n        no os_1, os_2\n    - scsi:\n        drive = scsi\n    \
        - virtio:\n        drive = virtio\n        os_3, os_4:\n            drive = virtio-scsi\n\
        variants:\n    - old:\n        machine = pc\n    - slow:\n        machine = isapc\n    - new:\n        machine = q35\n";
    std::fs::write(dir.join("hardware.cfg"), hardware).unwrap();
    let main = "include base.cfg\ninclude guests.cfg\ninclude hardware.cfg\ninclude subtests.cfg\n\
        no group_1..ide\nonly x86_64, i386..old\n";
    let path = dir.join("tests.cfg");
    std::fs::write(&path, main).unwrap();
    path
}
