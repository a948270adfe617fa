#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
//! What a switch of perfvt's own costs: netperf between two guests over it and over a pair of sockets, side by side.
//!
//! `cargo bench -p perfvt-collect --bench links [ROUNDS]`. Both pairs of guests run all the time, and take turns, so that whatever else
//! the host does meets both. The medians of the rounds are compared.

use collect::testbed::{Troupe, guest_params};
use model::Accel;
use std::time::Duration;
use vm::guest::image::{Cache, builtin};

/// At most this is wanted: the pair's median divided by the switch's.
const BOUND: f64 = 1.5;
const ROUNDS: usize = 5;
const TESTS: [&str; 3] = ["TCP_STREAM", "TCP_MAERTS", "TCP_RR"];
const SOON: Duration = Duration::from_secs(120);

fn troupe(net: &str, logs: &std::path::Path) -> Troupe {
    let cache = Cache::from_env().unwrap();
    let image = builtin(&cache).unwrap();
    let net = format!("net={net}");
    let sets = ["vms=vm1 vm2", "vlans=1", "smp=1", "mem=256", "deadline_factor=20", &net].map(str::to_owned);
    let params = guest_params("builtin", &sets).unwrap();
    let mut troupe = Troupe::new(&cache, image, Accel::Tcg, params, &logs.join(&net)).unwrap();
    troupe.start_all().unwrap();
    troupe.machine("vm1").unwrap().run(&["netserver", "-4"], SOON).unwrap();
    troupe
}

/// What netperf in the second guest comes to.
fn netperf(troupe: &mut Troupe, test: &str) -> f64 {
    let argv = ["netperf", "-4", "-P", "0", "-v", "0", "-l", "2", "-H", "192.168.1.1", "-t", test];
    let said = troupe.machine("vm2").unwrap().run(&argv, SOON).unwrap();
    // It may complain before.
    said.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .next_back()
        .unwrap_or_else(|| panic!("{test}: {said}"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS).max(1);
    let dir = tempfile::tempdir().unwrap();
    let mut pair = troupe("dgram", dir.path());
    let mut switched = troupe("switch", dir.path());
    for test in TESTS {
        let (mut over_pair, mut over_switch) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            over_pair.push(netperf(&mut pair, test));
            over_switch.push(netperf(&mut switched, test));
        }
        let (a, b) = (median(over_pair), median(over_switch));
        let verdict = if a <= b * BOUND { "within" } else { "beyond" };
        println!("{test}: pair {a:.1}, switch {b:.1}: {:.2} times, {verdict} {BOUND}", a / b);
    }
    let told = switched.switch().unwrap().told().unwrap();
    let dropped: u64 = told.ports.iter().map(|port| port.dropped).sum();
    println!(
        "the switch delivered {} frames and dropped {dropped}",
        told.ports.iter().map(|port| port.sent).sum::<u64>()
    );
}
