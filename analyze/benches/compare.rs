//! Time and memory of a large comparison: 2 sides x 5 repeats x 20,000 cases x 14 metrics, 280,000 rows.
//!
//! `cargo bench -p perfvt-analyze --bench compare [-- CASES]`. The input is made from a fixed seed into a temporary
//! directory; what is timed is `compare` from directories to verdicts, and `write_json` into nowhere.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use analyze::{CompareOptions, compare, write_json};
use formats::perf_conf::Conf;
use stats::SplitMix64;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const METRICS: [&str; 14] = [
    "throughput",
    "CPU",
    "thr_per_CPU",
    "rx_pkts",
    "tx_pkts",
    "rx_byts",
    "tx_byts",
    "re_pkts",
    "exits",
    "irq_inj",
    "rx_intr_sum",
    "tx_intr_sum",
    "tpkt_per_exit",
    "rpkt_per_irq",
];

/// One repeat of one side. One case in ten differs between the sides, by a tenth.
fn file(cases: usize, side: usize, repeat: usize) -> String {
    let mut random = SplitMix64::new((side * 100 + repeat) as u64);
    let mut text =
        String::from("### kvm-userspace-ver : qemu-7.2\n### session-length : 60\nCategory:TCP_STREAM (RX)\n");
    for name in ["size", "sessions"].iter().chain(&METRICS) {
        let _ = write!(text, "{name:>12}|");
    }
    text.pop();
    text.push('\n');
    for case in 0..cases {
        let _ = write!(text, "{:>12}|{:>12}", 64 + case / 100, 1 + case % 100);
        let shift = if side == 1 && case % 10 == 0 { 0.9 } else { 1.0 };
        for metric in 0..METRICS.len() {
            let value = (metric + 1) as f64 * 100.0 * shift * (1.0 + 0.02 * random.next_normal());
            let _ = write!(text, "|{value:>12.2}");
        }
        text.push('\n');
    }
    text
}

fn write_side(root: &Path, cases: usize, side: usize) -> usize {
    (0..5)
        .map(|repeat| {
            let dir = root.join(format!("{}/repeat{}.x.netperf.x/results", ["a", "b"][side], repeat + 1));
            std::fs::create_dir_all(&dir).unwrap();
            let text = file(cases, side, repeat);
            std::fs::write(dir.join("netperf-result.RHS"), &text).unwrap();
            text.len()
        })
        .sum()
}

/// Counts bytes.
struct Nowhere(usize);

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn peak_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or("0");
    line.chars().filter(char::is_ascii_digit).collect::<String>().parse::<usize>().unwrap_or(0) / 1024
}

fn main() {
    let cases = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(20_000);
    let root = tempfile::tempdir().unwrap();
    let bytes = write_side(root.path(), cases, 0) + write_side(root.path(), cases, 1);
    println!("{cases} cases x 14 metrics, 2 x 5 repeats, {:.1} MB", bytes as f64 / 1e6);
    for round in 1..=3 {
        let options =
            CompareOptions::new(Conf::builtin(), vec![root.path().join("a"), root.path().join("b")]);
        let start = Instant::now();
        let comparison = compare(&options).unwrap();
        let compared = start.elapsed();
        let mut sink = Nowhere(0);
        write_json(&comparison, &mut sink).unwrap();
        let all = start.elapsed();
        println!(
            "round {round}: {} rows, compare {:.2} s, with JSON ({:.0} MB) {:.2} s, peak {} MiB",
            comparison.rows.len(),
            compared.as_secs_f64(),
            sink.0 as f64 / 1e6,
            all.as_secs_f64(),
            peak_mib()
        );
    }
}
