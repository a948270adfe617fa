//! The larger scenarios: a whole campaign, and files with as many rows as are wanted.

use super::Input;
use super::scenarios::{environment, keys};
use super::support::{Series, series, write_rhs_of};
use super::values::Noise;
use analyze::Comparison;
use std::fmt::Write;
use std::sync::LazyLock;

/// A netperf campaign: three categories, sizes and sessions, 48 cases, four metrics in most.
pub fn netperf() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let sides = cases();
        let names = ["6.1.0-28", "6.1.0-29"];
        let input = Input::new(|root| {
            let write = |(name, series)| {
                let mut env = environment(name, "c1", series);
                env.environments = names.into();
                env.facts.push(("guest.kernel", name));
                env.write(root)
            };
            names.into_iter().zip(sides).map(write).collect()
        });
        input.judged()
    });
    JUDGED.clone()
}

/// What both sides measured.
fn cases() -> [Vec<Series>; 2] {
    let mut noise = Noise::new(2024);
    let mut sides = [Vec::new(), Vec::new()];
    let mut add = |category, case: [&str; 2], metric: (&'static str, &'static str), levels: [f64; 2], cv| {
        for (side, level) in sides.iter_mut().zip(levels) {
            let mut of_case = series(category, 0, metric.0, metric.1, &noise.values(5, level, cv));
            of_case.keys = keys(&[("size", case[0]), ("sessions", case[1])]);
            side.push(of_case);
        }
    };
    for category in ["TCP_STREAM (RX)", "TCP_MAERTS (TX)"] {
        for (s, size) in ["64", "256", "1024", "4096", "16384", "65507"].into_iter().enumerate() {
            for (k, sessions) in ["1", "4", "16"].into_iter().enumerate() {
                // Small messages got slower, more so with more sessions; large ones in the other direction faster.
                let effect = if category.starts_with("TCP_S") {
                    1.0 - 0.05 * (k as f64 + 0.6) * (3.0 - s as f64).max(0.0) / 3.0
                } else {
                    1.0 + 0.04 * (s as f64 - 3.0).max(0.0)
                };
                let level = 700.0 * 2f64.powi(s as i32) * (1.0 + 0.4 * k as f64);
                let case = [size, sessions];
                add(category, case, ("throughput", "Mbit/s"), [level, level * effect], 0.012);
                add(category, case, ("CPU", "%"), [60.0, 60.6], 0.01);
                add(category, case, ("exits", ""), [300_000.0, 300_000.0 * (2.0 - effect)], 0.03);
            }
        }
    }
    for size in ["1", "64", "256", "1024"] {
        for sessions in ["1", "25", "100"] {
            let level = 9_000.0 * sessions.parse::<f64>().unwrap().sqrt();
            add("TCP_RR", [size, sessions], ("trans.rate", "trans/s"), [level, level * 1.01], 0.03);
            add("TCP_RR", [size, sessions], ("CPU", "%"), [40.0, 40.2], 0.02);
        }
    }
    sides
}

/// What a quick profile of netperf measures: five cases, and for each what its window counts of guest and host.
pub fn quick() -> Comparison {
    const OTHER: [&str; 30] = [
        "vcpu_CPU",
        "vcpu_wait",
        "vhost_CPU",
        "iothread_CPU",
        "emulator_CPU",
        "client_vcpu_CPU",
        "client_CPU",
        "perfvt_CPU",
        "guest_CPU",
        "guest_steal",
        "guest_intr",
        "guest_ctxt",
        "guest_softnet_drops",
        "guest_psi_cpu",
        "host_steal",
        "host_ctxt",
        "host_psi_cpu",
        "host_psi_io",
        "host_psi_memory",
        "exits",
        "irq_inj",
        "CPU",
        "rx_pkts",
        "tx_pkts",
        "rx_byts",
        "tx_byts",
        "send_throughput",
        "local_CPU",
        "remote_CPU",
        "tpkt_per_exit",
    ];
    let mut noise = Noise::new(7);
    let mut sides = [Vec::new(), Vec::new()];
    for (at, size) in ["64", "512", "2048", "16384", "65507"].into_iter().enumerate() {
        for (nth, metric) in ["throughput"].into_iter().chain(OTHER).enumerate() {
            let level = 37.0 * (nth as f64 + 1.0) * 2f64.powi(at as i32);
            for (side, effect) in sides.iter_mut().zip([1.0, 0.9 + 0.05 * at as f64]) {
                let mut of_case = series("TCP_STREAM", 0, metric, "", &noise.values(5, level * effect, 0.01));
                of_case.keys = keys(&[("size", size), ("sessions", "1")]);
                side.push(of_case);
            }
        }
    }
    let names = ["6.1.0-28", "6.1.0-29"];
    let input = Input::new(|root| {
        let write = |(name, series)| {
            let mut env = environment(name, "c1", series);
            env.environments = names.into();
            env.write(root)
        };
        names.into_iter().zip(sides).map(write).collect()
    });
    input.judged()
}

/// One, two and four guests at once; the candidate takes more memory the more there are.
pub fn density() -> Comparison {
    let mut noise = Noise::new(13);
    let mut sides = [Vec::new(), Vec::new()];
    for (guests, ready, memory) in [("1", 2.0, 150.0), ("2", 3.0, 150.0), ("4", 6.0, 150.0)] {
        for (metric, unit, level) in
            [("ready_s", "s", ready), ("pss_MiB", "MiB", memory), ("rss_MiB", "MiB", memory)]
        {
            for (side, effect) in sides.iter_mut().zip([1.0, 1.0 + 0.01 * ready]) {
                let mut of_case = series("density", 0, metric, unit, &noise.values(5, level * effect, 0.005));
                of_case.workload = "density";
                of_case.keys = keys(&[("guests", guests)]);
                side.push(of_case);
            }
        }
    }
    let names = ["8.2", "9.0"];
    let input = Input::new(|root| {
        let write = |(name, series)| {
            let mut env = environment(name, "c1", series);
            env.environments = names.into();
            env.write(root)
        };
        names.into_iter().zip(sides).map(write).collect()
    });
    input.judged()
}

/// iozone over two sizes of files and three of records; the candidate writes slower by a tenth and reads alike.
pub fn iozone() -> Comparison {
    let mut noise = Noise::new(11);
    let head = "Category:ALL\nsize_kB|record_kB|threads|Write_Thro-KBps|Read_Thro-KBps\n".to_owned();
    let mut texts = [vec![head.clone(); 5], vec![head; 5]];
    for (size, record) in [(64, 4), (64, 16), (64, 64), (1024, 4), (1024, 16), (1024, 64)] {
        let level = 1_000.0 * f64::from(record * 4) + f64::from(size);
        for (texts, write) in texts.iter_mut().zip([1.0, 0.9]) {
            let [writes, reads] = [write, 2.0].map(|effect| noise.values(5, level * effect, 0.005));
            for (text, (write, read)) in texts.iter_mut().zip(writes.iter().zip(&reads)) {
                let _ = writeln!(text, "{size}|{record}|1|{write}|{read}");
            }
        }
    }
    let input = Input::new(|root| {
        let write = |(side, texts): (&str, &Vec<String>)| write_rhs_of("iozone", root, side, texts);
        ["base", "patched"].into_iter().zip(&texts).map(write).collect()
    });
    input.judged()
}

/// At least so many rows, every one with five values on each side, in classic files of fio.
pub fn large(rows: usize) -> Comparison {
    const COLUMNS: &str = "Block_size|Iodepth|Threads|BW(MB/S)|IOPS|Latency(ms)|KVM_Exits|Util%";
    let mut noise = Noise::new(99);
    let head = format!("Category:randread\n{COLUMNS}\n");
    let mut texts = [vec![head.clone(); 5], vec![head; 5]];
    for case in 0..rows.div_ceil(5) {
        let (size, depth, threads) = (1 << (case % 16), 1 << (case / 16 % 8), case / 128);
        let columns: [[Vec<f64>; 2]; 5] = [940.0, 47_000.0, 4.7, 88_000.0, 71.0].map(|level| {
            let effect = 1.0 + 0.06 * noise.normal() * noise.uniform();
            [noise.values(5, level, 0.015), noise.values(5, level * effect, 0.015)]
        });
        for (side, of_side) in texts.iter_mut().enumerate() {
            for (repeat, text) in of_side.iter_mut().enumerate() {
                let _ = write!(text, "{size}|{depth}|{threads}");
                for column in &columns {
                    let _ = write!(text, "|{}", column[side][repeat]);
                }
                text.push('\n');
            }
        }
    }
    let input = Input::new(|root| {
        let write = |(side, texts): (&str, &Vec<String>)| write_rhs_of("fio", root, side, texts);
        ["base", "patched"].into_iter().zip(&texts).map(write).collect()
    });
    input.judged()
}
