//! How fast the readers of other tools' results are on one core: MB for each second of a CPU, and instructions for each byte where valgrind is at hand.
//!
//! ```text
//! cargo bench -p perfvt-formats --bench readers              # all
//! cargo bench -p perfvt-formats --bench readers -- hyperfine # those whose names begin so
//! ```
//!
//! Inputs are made from a fixed pattern. Instructions are what a text of three times the length takes more, so that neither the
//! start of the program nor the reading of the file is in them.

// A bench prints; it may as well stop at the first thing that goes wrong.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "readers/inputs.rs"]
mod inputs;

use formats::foreign::{Kind, parse, sniff};
use inputs::INPUTS;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What is timed, in bytes.
const LENGTH: usize = 8 << 20;
/// What valgrind counts, in bytes: it is fifty times slower.
const COUNTED: usize = 300 << 10;
/// Timed runs, of which the median counts.
const RUNS: usize = 5;

fn main() {
    // `cargo bench` and `cargo test` hand flags to every bench.
    let given: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let [mode, path] = given.as_slice()
        && mode == "read-once"
    {
        let text = std::fs::read_to_string(path).expect("the input");
        println!("{} records", records(&text));
        return;
    }
    println!("{:<22}{:>8}{:>10}{:>14}{:>10}", "reader", "MB/s", "records", "instr./byte", "sniff us");
    for (name, make) in INPUTS {
        if given.first().is_none_or(|wanted| name.starts_with(wanted.as_str())) {
            let text = make(LENGTH);
            let (speed, count) = speed(&text);
            let start = Instant::now();
            let _ = sniff(text.as_bytes());
            let sniffed = start.elapsed().as_micros();
            let instructions = instructions(name, *make).map_or("-".to_owned(), |n| format!("{n:.1}"));
            println!("{name:<22}{speed:>8.0}{count:>10}{instructions:>14}{sniffed:>10}");
        }
    }
}

/// Megabytes a second, and how many records there are.
fn speed(text: &str) -> (f64, usize) {
    let kind = kind(text);
    let mut count = 0;
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = cpu_seconds();
            let foreign = parse(kind, text).expect("a file that is read");
            count = foreign.records.len();
            cpu_seconds() - start
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (text.len() as f64 / times[RUNS / 2] / 1e6, count)
}

/// What this thread has had of a CPU: the machine may have other work.
fn cpu_seconds() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a kernel that counts");
    let nanoseconds = schedstat.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.expect("nanoseconds") / 1e9
}

fn kind(text: &str) -> Kind {
    sniff(text.as_bytes()).expect("a file that is known")
}

fn records(text: &str) -> usize {
    parse(kind(text), text).expect("a file that is read").records.len()
}

/// Instructions for each byte, if valgrind is there.
fn instructions(name: &str, make: fn(usize) -> String) -> Option<f64> {
    let dir = tempfile::tempdir().ok()?;
    let counted = |length: usize| {
        let text = make(length);
        let path = dir.path().join(format!("{name}-{length}"));
        std::fs::write(&path, &text).ok()?;
        Some((callgrind(&path)?, text.len()))
    };
    let ((short, a), (long, b)) = (counted(COUNTED)?, counted(3 * COUNTED)?);
    Some((long - short) / (b - a) as f64)
}

fn callgrind(path: &Path) -> Option<f64> {
    let own = std::env::current_exe().ok()?;
    let valgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let output = Command::new("valgrind").args(valgrind).arg(own).arg("read-once").arg(path).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}
