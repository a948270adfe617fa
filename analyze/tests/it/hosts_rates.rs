//! How often hosts decide: pages of unchanged rows whose hosts differ, and of changed ones, through the program.
//!
//! `cargo test -p perfvt-analyze --test it hosts_rates -- --ignored --nocapture` prints the long table.
use crate::support;

use analyze::{Model, compare};
use stats::SplitMix64;
use support::{OnHost, Series, series, with_conf, write_farm};

const NAMES: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];

/// SD of the difference of one block.
const SD: f64 = 0.01;

/// The rows are none of the family, so that each is decided by its own p; a change of any size is large enough.
const CONF: &str = "[netperf]\nmetric.throughput = Mbit/s higher primary log\nmetric.rate = /s higher secondary log min_effect=0.000001%\n";

/// What is drawn.
#[derive(Clone, Copy)]
struct Cell {
    hosts: usize,
    blocks: usize,
    /// SD of the hosts' own changes over that of one block.
    interaction: f64,
    /// The change, in SDs of one block.
    effect: f64,
}

/// So many rows on so many hosts, whose levels have nothing to do with each other.
fn draw(cell: Cell, rows: usize, random: &mut SplitMix64) -> Vec<OnHost> {
    let quiet = SD / 2.0_f64.sqrt();
    let mut hosts: Vec<OnHost> =
        NAMES.iter().take(cell.hosts).map(|name| OnHost::new(name, &[], &[])).collect();
    for host in &mut hosts {
        (host.base, host.head) = (Vec::with_capacity(rows + 1), Vec::with_capacity(rows + 1));
        let constant = |values: usize| support::throughput(&vec![100.0; values]);
        host.base.push(constant(cell.blocks));
        host.head.push(constant(cell.blocks));
        for row in 0..rows {
            let level = 100.0_f64.ln() + random.next_normal();
            let own = SD * (cell.effect + cell.interaction * random.next_normal());
            let mut side = |mean: f64| -> Series {
                let values: Vec<f64> =
                    (0..cell.blocks).map(|_| (mean + quiet * random.next_normal()).exp()).collect();
                series("TCP_STREAM (RX)", 1000 + row as u32, "rate", "/s", &values)
            };
            host.base.push(side(level));
            host.head.push(side(level + own));
        }
    }
    hosts
}

/// The share of rows that the program decides.
fn decided(cell: Cell, rows: usize, pages: u64) -> f64 {
    let mut count = 0;
    for page in 0..pages {
        let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
        let hosts = draw(cell, rows, &mut SplitMix64::new(8525 + page));
        let farm = write_farm(root.path(), &NAMES[..cell.hosts], &hosts);
        let found = with_conf(CONF, |options| {
            options.paths = vec![farm];
            compare(options).unwrap()
        });
        let model = if cell.hosts < 5 { Model::HostsFixed } else { Model::HostsRandom };
        let own: Vec<_> = found.rows.iter().filter(|row| *row.metric == *"rate").collect();
        assert!(own.len() == rows && own.iter().all(|row| row.model == Some(model) && row.q.is_none()));
        count += own.iter().filter(|row| row.verdict.is_decided_change()).count();
    }
    count as f64 / (rows as f64 * pages as f64)
}

/// Three standard errors of a share.
fn bound(share: f64, n: f64) -> f64 {
    3.0 * (share * (1.0 - share) / n).sqrt()
}

fn rates_hold(rows: usize, pages: u64, cells: &[(usize, f64)]) {
    let n = rows as f64 * pages as f64;
    for (hosts, interaction) in cells.iter().copied() {
        let share = decided(Cell { hosts, blocks: 5, interaction, effect: 0.0 }, rows, pages);
        println!("{hosts} hosts, interaction {interaction}, nothing changed: {share:.4} decided");
        assert!(share <= 0.053 + bound(0.053, n), "{hosts} hosts, interaction {interaction}: {share}");
    }
    let power = decided(Cell { hosts: 5, blocks: 5, interaction: 0.0, effect: 1.0 }, rows, pages);
    println!("5 hosts of 5 blocks, a change of one block's SD: {power:.4} found");
    assert!(power >= 0.93 - bound(0.93, n), "{power}");
}

#[test]
fn a_decision_about_hosts_in_general_is_wrong_at_its_rate_however_much_hosts_differ() {
    rates_hold(400, 1, &[(5, 0.0), (5, 2.0)]);
}

#[test]
#[ignore = "soak: 40,000 rows a cell through the program"]
fn rates_of_decisions_by_hosts() {
    let cells = [(4, 0.0), (5, 0.0), (5, 0.5), (5, 1.0), (5, 2.0), (8, 0.5), (8, 2.0)];
    rates_hold(2000, 20, &cells);
}
