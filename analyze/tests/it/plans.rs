//! Whether a plan keeps what it promises: pilots of a known spread, planned from, and the chance that a comparison finds the
//! change, which is simulated here from the definitions alone and, in the long table, through the program.
//!
//! `cargo test --release -p perfvt-analyze --test it plans -- --ignored --nocapture` prints the long table; `PERFVT_PAGES` says
//! how many comparisons the program makes for it.
use crate::support;

use analyze::{Asked, Plan, compare, plan};
use stats::{Block, SplitMix64};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use support::{Env, options, series};

/// What is known of a comparison, and what a plan is not told.
#[derive(Clone, Copy)]
struct World {
    /// Rows, all primary, in one category.
    rows: usize,
    /// SD between boots, of the logarithm or of the mean.
    sd: f64,
    /// The change.
    effect: f64,
    /// Rows on the scale of logarithms; netperf's CPU load is a linear one.
    log: bool,
    /// Boots of the pilot.
    pilot: usize,
    /// Boots of each side of the comparison.
    boots: usize,
    /// Both sides in the blocks of one campaign.
    blocks: bool,
}

impl World {
    fn value(&self, random: &mut SplitMix64, factor: f64) -> f64 {
        let z = self.sd * random.next_normal();
        if self.log { factor * z.exp() } else { factor + z }
    }

    /// A side of which the first rows changed.
    fn side(&self, random: &mut SplitMix64, changed: usize, boots: usize) -> Vec<Vec<f64>> {
        let factor = |row: usize| if row < changed { 1.0 + self.effect } else { 1.0 };
        (0..self.rows).map(|row| (0..boots).map(|_| self.value(random, factor(row))).collect()).collect()
    }

    /// Writes a side; of one campaign with the other, or by itself.
    fn write(&self, root: &Path, name: &'static str, values: &[Vec<f64>]) -> PathBuf {
        let of_row = |(row, values): (usize, &Vec<f64>)| {
            let values: Vec<f64> = values.iter().map(|v| 1000.0 * v).collect();
            series("TCP_STREAM (RX)", 64 + row as u32, "throughput", "Mbit/s", &values)
        };
        // Every second block is in the reverse order, as `perfvt run` plans them.
        let env = Env { mirrored: true, ..Env::new(name, values.iter().enumerate().map(of_row).collect()) };
        env.write(root)
    }

    fn options(&self, paths: &[PathBuf]) -> analyze::CompareOptions {
        let scale = if self.log { "log" } else { "linear" };
        let conf =
            format!("[netperf]\nmetric.throughput = Mbit/s higher primary scale={scale} min_effect=5%\n");
        let mut options = options(paths);
        options.conf = formats::perf_conf::Conf::with_layers([("plans.conf", conf.as_str())]).unwrap();
        options.test = if self.blocks { analyze::TestChoice::Auto } else { analyze::TestChoice::Welch };
        options
    }

    /// What a plan says that saw a pilot of each row.
    fn plan(&self, random: &mut SplitMix64) -> Plan {
        let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
        let dir = self.write(root.path(), "base", &self.side(random, 0, self.pilot));
        let asked = Asked { effect: Some(self.effect), boots: Some(self.boots), ..Asked::default() };
        plan(&self.options(std::slice::from_ref(&dir)), &dir, &asked).unwrap()
    }

    /// The share of comparisons that find a change of one row, from the definitions of docs/statistics.md: the row's model, its
    /// q and its p at the gate among rows of which none changed, the estimate beyond the band.
    fn truth(&self, boots: usize, pages: usize, random: &mut SplitMix64) -> f64 {
        let mut found = 0;
        let level = if self.rows > 1 { 0.04 } else { 0.05 };
        for _ in 0..pages {
            let mut side = |factor| (0..boots).map(|_| self.value(random, factor)).collect::<Vec<f64>>();
            let (a, b) = (side(1.0), side(1.0 + self.effect));
            let (p, change) = self.test(&a, &b);
            let beyond = change > 1.05;
            // Most comparisons end here, before the others are drawn.
            if p > 0.05 || !beyond {
                continue;
            }
            let mut all = vec![p];
            all.extend((1..self.rows).map(|_| random.next_f64()));
            let (q, holm) = (stats::benjamini_hochberg(&all)[0], stats::holm(&all)[0]);
            found += usize::from(q <= 0.05 && holm <= level);
        }
        found as f64 / pages as f64
    }

    /// p and the ratio of one row.
    fn test(&self, a: &[f64], b: &[f64]) -> (f64, f64) {
        // From ten blocks on the place within a block is a term of the model.
        let blocks = Block::pairs(a, b, (a.len() >= 10).then_some(false));
        let blocked = self.blocks && a.len() >= 5;
        if self.log {
            let found = if blocked { stats::blocked_log(&blocks) } else { stats::welch_log(a, b) }.unwrap();
            return (found.test.p, found.ratio);
        }
        let test = if blocked { stats::blocked(&blocks) } else { stats::welch(a, b) }.unwrap();
        (test.p, 1.0 + test.estimate / stats::mean(a).unwrap())
    }

    /// The same through the program: of each comparison the first row changed.
    fn truth_of_the_program(&self, pages: usize, random: &mut SplitMix64) -> f64 {
        let mut found = 0;
        for _ in 0..pages {
            let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
            let sides = [("base", 0), ("head", 1)].map(|(name, changed)| {
                self.write(root.path(), name, &self.side(random, changed, self.boots))
            });
            let result = compare(&self.options(&sides)).unwrap();
            found += usize::from(result.rows.iter().any(|r| r.case.get("size") == Some("64") && r.gates));
        }
        found as f64 / pages as f64
    }
}

/// Shares of pilots whose plan kept its word, and what the ranges look like.
struct Kept {
    pilots: usize,
    /// The true power is at least the lower end.
    power: f64,
    /// With the upper number of boots the true power is at least .8.
    boots: f64,
    truth: f64,
    /// Median of both ends.
    ends: [f64; 2],
}

fn kept(world: &World, pages: usize, pilots: usize, seed: u64) -> Kept {
    let mut random = SplitMix64::new(seed);
    let truth = world.truth(world.boots, pages, &mut random);
    let mut by_boots: HashMap<usize, bool> = HashMap::new();
    let (mut power, mut boots, mut seen) = (0, 0, 0);
    let mut ends: [Vec<f64>; 2] = Default::default();
    while seen < pilots {
        for row in world.plan(&mut random).rows {
            let said = row.power.unwrap();
            power += usize::from(truth >= said.low);
            ends[0].push(said.low);
            ends[1].push(said.high);
            // More boots than were tried promise nothing.
            let suffices = row.boots.unwrap().high.is_none_or(|n| {
                *by_boots.entry(n).or_insert_with(|| world.truth(n, pages, &mut random) >= 0.8)
            });
            boots += usize::from(suffices);
            seen += 1;
        }
    }
    let share = |n: usize| n as f64 / seen as f64;
    let ends = ends.map(|mut end| {
        end.sort_by(f64::total_cmp);
        end[end.len() / 2]
    });
    Kept { pilots: seen, power: share(power), boots: share(boots), truth, ends }
}

/// A thousand pilots in one page, whose thousand rows are one family.
#[test]
fn the_lower_end_of_a_plan_is_reached_by_four_of_five_pilots() {
    let world = World { rows: 1000, sd: 0.03, effect: 0.1, log: true, pilot: 5, boots: 11, blocks: true };
    let kept = kept(&world, 2000, 1000, 1);
    assert!(
        (0.5..0.95).contains(&kept.truth),
        "the true power is one that a plan can err about: {}",
        kept.truth
    );
    assert!(kept.power >= 0.8, "the lower end is reached by {} of {} pilots", kept.power, kept.pilots);
    assert!(kept.boots >= 0.8, "the upper number of boots suffices for {} of {}", kept.boots, kept.pilots);
    // No cheap promise: one of "nothing" would always be kept.
    assert!(kept.power <= 0.9 && kept.boots <= 0.92, "{} {}", kept.power, kept.boots);
    assert!(kept.ends[0] > 0.1 && kept.ends[1] > kept.truth, "{:?} about {}", kept.ends, kept.truth);
}

#[test]
fn a_plan_says_the_same_of_the_same() {
    let world = World { rows: 3, sd: 0.03, effect: 0.1, log: true, pilot: 5, boots: 6, blocks: true };
    let plan = || world.plan(&mut SplitMix64::new(5)).rows;
    assert_eq!(plan(), plan());
}

/// The long table: does a plan keep its word, and is the truth of this file that of the program?
#[test]
#[ignore = "minutes"]
fn plans_and_what_came_of_them() {
    let pages: usize = std::env::var("PERFVT_PAGES").map_or(Ok(2000), |text| text.parse()).unwrap();
    let base = World { rows: 24, sd: 0.06, effect: 0.1, log: true, pilot: 5, boots: 15, blocks: true };
    let worlds = [
        ("blocks, 15 boots", base),
        ("blocks, 8 boots", World { boots: 8, ..base }),
        ("Welch, 15 boots", World { blocks: false, ..base }),
        ("Welch, 8 boots, one row", World { blocks: false, boots: 8, rows: 1, ..base }),
        ("pilot of 3", World { pilot: 3, ..base }),
        ("pilot of 10", World { pilot: 10, ..base }),
        ("4 boots, SD 1 %", World { sd: 0.01, boots: 4, ..base }),
        ("linear, blocks, 15 boots", World { log: false, ..base }),
        ("linear, Welch, 15 boots", World { log: false, blocks: false, ..base }),
    ];
    println!("{:<26}{:>8}{:>9}{:>8}{:>8}{:>8}{:>8}", "", "truth", "program", "low", "high", "power", "boots");
    for (seed, (name, world)) in (1..).zip(worlds) {
        let kept = kept(&world, 20_000, 1000, seed);
        let program = world.truth_of_the_program(pages, &mut SplitMix64::new(seed));
        println!(
            "{name:<26}{:>8.3}{program:>9.3}{:>8.2}{:>8.2}{:>8.3}{:>8.3}",
            kept.truth, kept.ends[0], kept.ends[1], kept.power, kept.boots
        );
        let error = 3.0 * (0.25 / pages as f64).sqrt() + 0.01;
        assert!((program - kept.truth).abs() < error, "{name}: {program} through the program");
        // A thousand pilots tell a share of .8 to 1.3 points.
        let least = 0.8 - 2.0 * (0.16 / kept.pilots as f64).sqrt();
        assert!(kept.power >= least && kept.boots >= least, "{name}: {} and {}", kept.power, kept.boots);
    }
}
