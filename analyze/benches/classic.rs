//! How fast result files are read and the classic table is made: 2 x 5 repeats of 20,000 cases and 14 metrics, 280,000
//! comparisons, from a seeded generator. `cargo bench -p perfvt-analyze --bench classic`.
//!
//! Targets: 200 MB/s per core for reading; 0.7 s on two cores for everything, and a hundredth of what a plain SciPy loop
//! needs for the t-tests of the same cells (`scipy_loop.py`; skipped where SciPy is not installed).

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use analyze::{CompareOptions, classic_text};
use formats::perf_conf::Conf;
use formats::rhs::{Document, parse};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const REPEATS: usize = 5;
const CASES: usize = 20_000;
const METRICS: usize = 14;
/// Cells that the SciPy loop tests; each of the others would take it the same time.
const SCIPY_CELLS: usize = 14_000;

fn main() {
    let texts: Vec<String> = (0..2 * REPEATS as u64).map(|file| generate(0x5eed + file)).collect();
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    println!("{} files, {megabytes:.1} MB, {} comparisons", texts.len(), CASES * METRICS);
    let root = tempfile::tempdir().unwrap();
    for (file, text) in texts.iter().enumerate() {
        let side = ["a", "b"][file / REPEATS];
        let folder = root.path().join(format!("{side}/repeat{}.netperf", file % REPEATS + 1));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("netperf-result.RHS"), text).unwrap();
    }
    let options = CompareOptions::new(Conf::builtin(), vec![root.path().join("a"), root.path().join("b")]);
    let mut fastest = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        texts.iter().for_each(|text| drop(parse(text)));
        let reading = start.elapsed().as_secs_f64();
        // Kept all at once, documents need fresh memory, and on a virtual machine its page faults cost as much as reading.
        let start = Instant::now();
        let kept: Vec<Document<'_>> = texts.iter().map(|text| parse(text)).collect();
        let keeping = start.elapsed().as_secs_f64();
        drop(kept);
        let start = Instant::now();
        let table = classic_text(&options).unwrap();
        let all = start.elapsed().as_secs_f64();
        fastest = fastest.min(all);
        println!(
            "reading on one core {:.0} MB/s, {:.0} with all documents kept; from files to {:.1} MB of table {all:.3} s",
            megabytes / reading,
            megabytes / keeping,
            table.text.len() as f64 / 1e6,
        );
    }
    beside_scipy(root.path(), fastest);
}

/// Times the loop over some of the cells and scales it to all of them.
fn beside_scipy(root: &Path, ours: f64) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scipy_loop.py");
    let output = Command::new("python3").arg(script).arg(root).arg(SCIPY_CELLS.to_string()).output();
    let said = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let Ok(some) = said.trim().parse::<f64>() else {
        println!("skipped the SciPy loop: python3 with NumPy and SciPy is not installed");
        return;
    };
    let all = some * (CASES * METRICS / SCIPY_CELLS) as f64;
    println!(
        "a plain loop of SciPy's ttest_ind over the same cells: {all:.1} s ({SCIPY_CELLS} of them timed), {:.0} times as long",
        all / ours
    );
}

/// One repeat; equal seeds give equal bytes.
fn generate(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut out =
        String::from("### kvm-userspace-ver : qemu-0\n### session-length : 60\nCategory:TCP_STREAM\n");
    out.push_str(
        "size|sessions|throughput|trans.rate|CPU|thr_per_CPU|rx_pkts|tx_pkts|rx_byts|tx_byts|re_pkts|exits",
    );
    out.push_str("|rx_intr_sum|tx_intr_sum|irq_inj|tpkt_per_exit\n");
    for case in 0..CASES {
        let _ = write!(out, "{case:>12}|{:>12}", 1 << (case % 8));
        for metric in 0..METRICS {
            let value = 1000.0 * (metric + 1) as f64 * (1.0 + 0.1 * uniform());
            let _ = if (4..13).contains(&metric) {
                write!(out, "|{:>9}", value as u64)
            } else {
                write!(out, "|{value:>9.2}")
            };
        }
        out.push('\n');
    }
    out
}
