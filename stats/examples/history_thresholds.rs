//! Writes the thresholds of the rule for histories: `cargo run --release -p perfvt-stats --example history_thresholds`.
//!
//! Series of independent normal numbers grow point by point. At each length from 6 on the threshold is the (1 - alpha / 2)
//! quantile of the largest |t| over all splits, among those series that gave no alarm before; those above it are out. The
//! number of series may be given (2,000,000; each needs some 250 bytes).

#![allow(clippy::print_stdout, clippy::indexing_slicing)]

use stats::{HISTORY_WINDOW, SplitMix64};

const ALPHAS: [f64; 5] = [0.0005, 0.001, 0.002, 0.005, 0.01];
const NODES: [usize; 13] = [6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 60];

/// The largest |t| of all splits into the last m and those before, for each length from 6 to [`HISTORY_WINDOW`].
fn largest(rng: &mut SplitMix64, into: &mut Vec<f32>) {
    let (mut sums, mut squares) = (vec![0.0_f64], 0.0);
    for n in 1..=HISTORY_WINDOW {
        let x = rng.next_normal();
        squares += x * x;
        sums.push(sums[n - 1] + x);
        if n < 6 {
            continue;
        }
        let (all, mut most) = (sums[n], 0.0_f64);
        for m in 1..=30.min(n - 4) {
            let (l, r) = ((n - m) as f64, m as f64);
            let (left, right) = (sums[n - m], all - sums[n - m]);
            let rest = squares - left * left / l - right * right / r;
            let d = right / r - left / l;
            most = most.max(d * d / (rest / (n as f64 - 2.0) * (1.0 / l + 1.0 / r)));
        }
        into.push(most.sqrt() as f32);
    }
}

fn main() {
    let series: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2_000_000);
    let lengths = HISTORY_WINDOW - 5;
    let mut rng = SplitMix64::new(20_261_130);
    let mut all = Vec::with_capacity(series * lengths);
    for _ in 0..series {
        largest(&mut rng, &mut all);
    }
    let rows = ALPHAS.map(|alpha| {
        let mut alive: Vec<usize> = (0..series).collect();
        let mut row = Vec::new();
        for n in 6..=HISTORY_WINDOW {
            let at = |i: &usize| all[i * lengths + n - 6];
            let mut here: Vec<f32> = alive.iter().map(at).collect();
            here.sort_by(f32::total_cmp);
            let h = here[((1.0 - alpha / 2.0) * here.len() as f64) as usize];
            alive.retain(|i| at(i) <= h);
            if NODES.contains(&n) {
                row.push(f64::from(h));
            }
        }
        row
    });
    println!(
        "//! Thresholds of the largest |t|, of {series} series. Written by `examples/history_thresholds.rs`.\n"
    );
    println!("pub(super) const ALPHAS: [f64; {}] = {ALPHAS:?};", ALPHAS.len());
    println!("/// Points and carried degrees of freedom.");
    println!("pub(super) const NODES: [f64; {}] = {:?};", NODES.len(), NODES.map(|n| n as f64));
    println!("/// A row for each alpha.");
    println!("pub(super) const TABLE: [[f64; {}]; {}] = [", NODES.len(), ALPHAS.len());
    for row in rows {
        let told: Vec<String> = row.iter().map(|h| format!("{h:.3}")).collect();
        println!("    [{}],", told.join(", "));
    }
    println!("];");
}
