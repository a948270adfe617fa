//! Results of other tools, out of the test data of `formats`. Each value of a case is a replicate of its own: no reader
//! averages any, so that a mutated side can only have values that the original has.

use super::{repository, write};
use std::fs;
use std::path::Path;

fn captured(name: &str) -> String {
    fs::read_to_string(repository("formats/testdata/foreign").join(name)).unwrap()
}

/// The same text with other numbers: the last digit of every fraction is changed.
fn varied(text: &str, by: usize) -> String {
    let mut out: Vec<u8> = text.bytes().collect();
    let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    let mut in_fraction = false;
    for i in 0..out.len() {
        in_fraction = if in_fraction { out[i].is_ascii_digit() } else { out[i] == b'.' };
        if in_fraction && out[i].is_ascii_digit() && !digit(out.get(i + 1)) {
            out[i] = b'0' + (out[i] - b'0' + by as u8) % 10;
        }
    }
    String::from_utf8(out).unwrap()
}

/// So many files on each side, of which each is a replicate.
fn sides(to: &Path, name: &str, files: usize) {
    let text = captured(name);
    for (index, side) in ["a", "b"].iter().enumerate() {
        for n in 0..files {
            let (stem, ending) = name.rsplit('/').next().unwrap().rsplit_once('.').unwrap();
            let ending = if ending == "keyval" { "txt" } else { ending };
            write(&to.join(side).join(format!("{stem}.{n}.{ending}")), varied(&text, index * files + n));
        }
    }
}

pub fn fio(to: &Path) {
    sides(to, "fio-3.33-read.json", 2);
}

pub fn netperf_csv(to: &Path) {
    sides(to, "netperf-2.7.0-default.csv", 3);
}

pub fn netperf_keyval(to: &Path) {
    sides(to, "netperf-2.7.0-rr.keyval", 3);
}

pub fn iozone(to: &Path) {
    sides(to, "iozone-3.489-auto.txt", 2);
}

pub fn go_bench(to: &Path) {
    sides(to, "go-bench.txt", 1);
}

pub fn hyperfine(to: &Path) {
    sides(to, "hyperfine-1.15.json", 1);
}

pub fn fio_terse(to: &Path) {
    sides(to, "fio-3.33-terse3.txt", 2);
}

pub fn iperf3(to: &Path) {
    sides(to, "../iperf3/3.12-tcp.json", 2);
}

pub fn sockperf(to: &Path) {
    sides(to, "../sockperf/3.7-udp.txt", 2);
}

pub fn uperf(to: &Path) {
    sides(to, "../uperf/stream-published.txt", 2);
}

pub fn ntttcp(to: &Path) {
    sides(to, "../ntttcp/linux-1.4.0-receiver-published.txt", 2);
}

pub fn ntttcp_xml(to: &Path) {
    sides(to, "ntttcp-windows-5.40-reconstructed.xml", 2);
}

pub fn ffsb(to: &Path) {
    sides(to, "../ffsb/6.0-rc2-all-operations-published.txt", 2);
}

pub fn qemu_img(to: &Path) {
    sides(to, "../qemu-img/7.2-bench-read.txt", 2);
}

pub fn netperf_text(to: &Path) {
    sides(to, "../netperf/2.7.0-tcp_stream-plain.txt", 2);
}

pub fn sysbench(to: &Path) {
    sides(to, "sysbench-1.0-cpu-reconstructed.txt", 2);
}

pub fn google_benchmark(to: &Path) {
    sides(to, "google-benchmark-1.9-reconstructed.json", 1);
}

pub fn pytest_benchmark(to: &Path) {
    sides(to, "pytest-benchmark-4.0-reconstructed.json", 1);
}

pub fn phoronix(to: &Path) {
    sides(to, "phoronix-10.8-reconstructed.xml", 1);
}

pub fn perfherder(to: &Path) {
    sides(to, "perfherder-reconstructed.json", 1);
}

pub fn github_benchmark(to: &Path) {
    sides(to, "github-benchmark-reconstructed.json", 2);
}

pub fn iometer(to: &Path) {
    sides(to, "iometer-1.1-reconstructed.csv", 2);
}

pub fn go_json(to: &Path) {
    sides(to, "go-test-reconstructed.json", 1);
}

/// One column a metric, one line a run.
pub fn wide_csv(to: &Path) {
    for (side, by) in [("a", 0), ("b", 31)] {
        let mut text = String::from("run,threads,latency_us,rate\n");
        for run in 1..=4 {
            text +=
                &format!("{run},4,{},{}.25\n{run},8,{}.5,{}\n", 820 + by + run, 90 + run, 700 + by, 80 + run);
        }
        write(&to.join(side).join("wide.csv"), text);
    }
}

/// One table on each side that numbers its repeats.
pub fn csv(to: &Path) {
    for (side, by) in [("a", 0), ("b", 31)] {
        let mut text = String::from("case,host,metric,unit,repeat,value\n");
        for repeat in 1..=4 {
            for (case, level) in [("\"small, cold\"", 820), ("large", 1500)] {
                let value = level + by + repeat * 7;
                text += &format!(
                    "{case},alpha,latency,us,{repeat},{value}\n{case},alpha,rate,MB/s,{repeat},{value}.25\n"
                );
            }
        }
        write(&to.join(side).join("long.csv"), text);
    }
}

/// A table for each replicate, with semicolons.
pub fn csv_files(to: &Path) {
    for (side, by) in [("a", 0), ("b", 31)] {
        for repeat in 1..=3 {
            let value = 8200 + by + repeat * 7;
            let text =
                format!("size;metric;value\n64;latency;{value}\n64;rate;1{value}\n1024;latency;{value}5\n");
            write(&to.join(side).join(format!("{repeat}.csv")), text);
        }
    }
}
