//! Writes how many false steps the rule for histories makes where some sessions are bad ones: `cargo run --release -p
//! perfvt-stats --example history_rates`.
//!
//! Series of a year, five boots a session (SD 3 % between boots, 1 % between sessions), in which a share of the sessions is off
//! by 5 to 15 %. What a reader of a real lake sees of that share is how many points the rule sets aside: both are counted, for
//! each 1 of the points. The number of points of each cell may be given (1,000,000).

#![allow(clippy::print_stdout)]

// It draws one kind of the series there; the tests draw all.
#[allow(dead_code)]
#[path = "support/world.rs"]
mod world;

use stats::HistoryRule;
use world::{Kind, World};

const ALPHAS: [f64; 5] = [0.0005, 0.001, 0.002, 0.005, 0.01];
const SHARES: [f64; 5] = [0.0, 0.005, 0.01, 0.02, 0.04];
const YEAR: usize = 365;

/// Points set aside and steps, both a point.
fn rates(share: f64, alpha: f64, points: usize) -> [f64; 2] {
    let series = (points / YEAR).max(1);
    let (mut aside, mut steps) = (0, 0);
    for s in 0..series {
        let mut world = World::new(Kind::Outliers(share), 0.03, 400_000 + s as u64);
        let Ok(mut rule) = HistoryRule::new(alpha) else { continue };
        for _ in 0..YEAR {
            rule.push(world.point(0.0));
        }
        aside += rule.set_aside_so_far();
        steps += rule.steps_so_far();
    }
    let all = (series * YEAR) as f64;
    [aside as f64 / all, steps as f64 / all]
}

fn main() {
    let points: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    println!(
        "//! Points set aside and false steps, both a point, where a share of the sessions is bad. Of {points} points a cell."
    );
    println!("//! Written by `examples/history_rates.rs`.\n");
    println!(
        "/// A row for each alpha of the thresholds, in it a pair for each share of bad sessions: {SHARES:?}."
    );
    println!("pub(super) const RATES: [[[f64; 2]; {}]; {}] = [", SHARES.len(), ALPHAS.len());
    for alpha in ALPHAS {
        let row: Vec<String> = SHARES
            .iter()
            .map(|share| {
                let [aside, steps] = rates(*share, alpha, points);
                format!("[{aside:.6}, {steps:.6}]")
            })
            .collect();
        println!("    [{}],", row.join(", "));
    }
    println!("];");
}
