//! Time and memory of a lake: 300 series x 365 nights x 5 boots are added, judged out of daily files, compacted and judged again.
//!
//! `cargo bench -p perfvt-analyze --bench history [-- SERIES NIGHTS BOOTS]`. Values are made from a fixed seed into a temporary
//! directory. Each part runs in a process of its own, so that its peak is its own.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use analyze::history::{Asked, history};
use lake::{Boot, Build, Campaign, Lake, Micros, Point};
use stats::SplitMix64;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// 2025-01-01.
const BEGIN: i64 = 1_735_689_600;
const DAY: i64 = 86_400;

/// A night, whose series have all but one in a hundred the level that they always had.
fn night(series: usize, boots: usize, night: usize) -> Campaign {
    let mut random = SplitMix64::new(night as u64);
    let at = Micros((BEGIN + night as i64 * DAY) * 1_000_000);
    let (name, build) = (format!("night{night:04}"), format!("build{night}"));
    let month = jiff::Timestamp::from_microsecond(at.0).unwrap().strftime("%Y%m").to_string();
    let mut out = Campaign { name: name.clone(), machine: "host".to_owned(), month, ..Campaign::default() };
    for i in 0..series {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        let step = if i % 100 == 0 && night >= 200 { 0.9 } else { 1.0 };
        let session = 1000.0 * step * (0.01 * random.next_normal()).exp();
        let values: Vec<f64> = (0..boots).map(|_| session * (0.03 * random.next_normal()).exp()).collect();
        let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
        let of = stats::HistoryPoint::of_boots(&logs).unwrap();
        out.points.push(Point {
            series_id: id,
            machine: "host".to_owned(),
            accel: "kvm".to_owned(),
            workload: "netperf".to_owned(),
            scenario: Some("host_guest".to_owned()),
            case: format!("netperf/TCP_STREAM size={i}"),
            metric: "throughput".to_owned(),
            unit: "Mbit/s".to_owned(),
            direction: "higher".to_owned(),
            scale: "log".to_owned(),
            role: "primary".to_owned(),
            env: "main".to_owned(),
            build_id: build.clone(),
            campaign: name.clone(),
            source: name.clone(),
            measured_at: at,
            n: boots as i32,
            mean: of.x,
            sd: of.variance.map(f64::sqrt),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(0.0, f64::max),
            mean_raw: values.iter().sum::<f64>() / boots as f64,
            schema: 1,
            ..Point::default()
        });
        out.boots.extend(values.iter().enumerate().map(|(at_, value)| Boot {
            series_id: id,
            campaign: name.clone(),
            source: name.clone(),
            env: "main".to_owned(),
            block: Some(at_ as i32),
            repeat: at_ as i32 + 1,
            attempt: 1,
            value: Some(*value),
            start: Some(at),
            ..Boot::default()
        }));
    }
    out.builds.push(Build { build_id: build, source: name, ..Build::default() });
    out
}

/// One part of the work in this process: what it says of itself.
fn part(what: &str, dir: &Path, [series, nights, boots]: [usize; 3]) -> String {
    let begun = Instant::now();
    match what {
        "add" => {
            let lake = Lake::open_or_create(dir).unwrap();
            // What is added is made beforehand only as far as memory allows: its making is taken off.
            let mut making = 0.0;
            for at in 0..nights {
                let from = Instant::now();
                let campaign = night(series, boots, at);
                making += from.elapsed().as_secs_f64();
                lake.add(&campaign).unwrap();
            }
            format!("{:.2} s", begun.elapsed().as_secs_f64() - making)
        }
        "compact" => {
            let done = Lake::open(dir).unwrap().compact("999912").unwrap();
            format!("{:.2} s, {} files", begun.elapsed().as_secs_f64(), done.files)
        }
        _ => {
            let asked = Asked { series: Vec::new(), since: None, alpha: stats::HISTORY_ALPHA };
            let read = history(&Lake::open(dir).unwrap(), &asked).unwrap();
            assert_eq!(read.series.len(), series);
            format!("{:.2} s, {} events", begun.elapsed().as_secs_f64(), read.events.len())
        }
    }
}

fn peak_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or_default() / 1024
}

fn bytes(dir: &Path) -> u64 {
    let all = walkdir::WalkDir::new(dir).into_iter().flatten();
    all.filter_map(|entry| entry.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).sum()
}

fn main() {
    // cargo's own flag is no number.
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let of = |at: usize, otherwise: usize| numbers.get(at).copied().unwrap_or(otherwise);
    let sizes = [of(0, 300), of(1, 365), of(2, 5)];
    if let Ok(what) = std::env::var("PERFVT_BENCH_PART") {
        let dir = std::env::var("PERFVT_BENCH_LAKE").unwrap();
        let said = part(&what, Path::new(&dir), sizes);
        println!("{what}: {said}, peak {} MiB", peak_mib());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let lake = dir.path().join("lake");
    println!("{} series x {} nights x {} boots", sizes[0], sizes[1], sizes[2]);
    for what in ["add", "judge", "compact", "judge"] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(sizes.map(|n| n.to_string()))
            .env("PERFVT_BENCH_PART", what)
            .env("PERFVT_BENCH_LAKE", &lake)
            .status()
            .unwrap();
        assert!(status.success());
        if what != "judge" {
            let rows = (sizes[0] * sizes[1] * sizes[2]) as u64;
            println!(
                "  the lake has {} kB, {:.1} bytes a boot",
                bytes(&lake) / 1000,
                bytes(&lake) as f64 / rows as f64
            );
        }
    }
}
