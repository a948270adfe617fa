//! How fast result files are read and the classic table is made: 2 x 5 repeats of 20,000 cases and 14 metrics, 280,000
//! comparisons, from a seeded generator. `cargo bench -p perfvt-analyze --bench classic`.
//!
//! Targets: 200 MB/s per core for reading, 0.7 s on two cores for everything.

#![allow(missing_docs, clippy::print_stdout)]

use analyze::classic::classic;
use formats::perf_conf::Conf;
use formats::rhs::{Document, parse};
use rayon::prelude::*;
use std::fmt::Write as _;
use std::time::Instant;

const REPEATS: usize = 5;
const CASES: usize = 20_000;
const METRICS: usize = 14;

fn main() {
    let texts: Vec<String> = (0..2 * REPEATS as u64).map(|file| generate(0x5eed + file)).collect();
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    println!("{} files, {megabytes:.1} MB, {} comparisons", texts.len(), CASES * METRICS);
    let conf = Conf::builtin();
    let Some(section) = conf.section("netperf") else { return };
    for _ in 0..5 {
        let start = Instant::now();
        let one_core: Vec<Document<'_>> = texts.iter().map(|text| parse(text)).collect();
        let reading = start.elapsed().as_secs_f64();
        drop(one_core);
        let start = Instant::now();
        let documents: Vec<Document<'_>> = texts.par_iter().map(|text| parse(text)).collect();
        let (a, b) = documents.split_at(REPEATS);
        let table = classic(section, &a.iter().collect::<Vec<_>>(), &b.iter().collect::<Vec<_>>());
        let text = table.text();
        let all = start.elapsed().as_secs_f64();
        println!(
            "reading on one core {:.0} MB/s; reading, aligning and writing {:.1} MB of table {all:.3} s",
            megabytes / reading,
            text.len() as f64 / 1e6,
        );
    }
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
