//! What a page notes of how its values came to be: how often on pages on which nothing is the matter, and whether it is noted
//! where something is.
//!
//! `cargo test --release -p perfvt-analyze --test it diagnostics -- --ignored --nocapture` prints the long table;
//! `PERFVT_PAGES` says over how many pages of each kind.

use crate::support;

use analyze::{Comparison, compare};
use formats::perf_conf::Conf;
use stats::SplitMix64;
use support::{Env, options, series};

/// Rows of a page.
const ROWS: usize = 24;

/// What becomes of a boot.
#[derive(Clone, Copy)]
struct Boot {
    /// Its side.
    side: usize,
    /// Its block, from 0.
    block: usize,
    /// Blocks of the page.
    of: usize,
    /// It is the later one of its block.
    later: bool,
}

/// A kind of page.
struct Kind {
    name: &'static str,
    /// What the host or the guest does to all rows of a boot, as a logarithm.
    does: fn(Boot) -> f64,
    /// SD of what a block does to all rows of its boots, of what a boot does to all rows, and of each value; logarithms.
    sds: [f64; 3],
    /// Values have the tails of Student's t with three degrees of freedom.
    wild: bool,
    /// The note that must be there; without one none may be.
    code: Option<&'static str>,
}

const fn unchanged(name: &'static str, sds: [f64; 3], wild: bool) -> Kind {
    Kind { name, does: |_| 0.0, sds, wild, code: None }
}

const UNCHANGED: [Kind; 4] = [
    unchanged("rows alone", [0.0, 0.0, 0.03], false),
    unchanged("boots", [0.0, 0.03, 0.01], false),
    unchanged("blocks and boots", [0.05, 0.03, 0.01], false),
    unchanged("wild rows", [0.0, 0.0, 0.03], true),
];

const CHANGED: [Kind; 4] = [
    Kind {
        name: "a step of the host by a fifth, halfway",
        does: |b| if b.block >= b.of / 2 { 0.182 } else { 0.0 },
        sds: [0.0, 0.0, 0.03],
        wild: false,
        code: Some("step"),
    },
    Kind {
        name: "the same, boots shared by all rows",
        does: |b| if b.block >= b.of / 2 { 0.182 } else { 0.0 },
        sds: [0.0, 0.03, 0.003],
        wild: false,
        code: Some("step"),
    },
    Kind {
        name: "the later boot of a block is 5 % faster",
        does: |b| if b.later { 0.05 } else { 0.0 },
        sds: [0.02, 0.01, 0.02],
        wild: false,
        code: Some("position"),
    },
    Kind {
        name: "the first block is a tenth slower",
        does: |b| if b.block == 0 { -0.1 } else { 0.0 },
        sds: [0.0, 0.01, 0.02],
        wild: false,
        code: Some("first-boot"),
    },
];

impl Kind {
    fn page(&self, boots: usize, interleaved: bool, random: &mut SplitMix64) -> Comparison {
        let mut normal = |sd: f64| if sd > 0.0 { sd * random.next_normal() } else { 0.0 };
        let blocks: Vec<f64> = (0..boots).map(|_| normal(self.sds[0])).collect();
        let mut rows: Vec<[Vec<f64>; 2]> = vec![[Vec::new(), Vec::new()]; ROWS];
        for side in 0..2 {
            for (block, of_block) in blocks.iter().enumerate() {
                let later = (side == 1) == (block % 2 == 0);
                let boot = Boot { side, block, of: boots, later };
                let level = of_block + normal(self.sds[1]) + (self.does)(boot);
                for row in &mut rows {
                    let tail = if self.wild {
                        ((0..3).map(|_| normal(1.0).powi(2)).sum::<f64>() / 3.0).sqrt()
                    } else {
                        1.0
                    };
                    row[boot.side].push(100.0 * (level + normal(self.sds[2]) / tail).exp());
                }
            }
        }
        judged(&rows, interleaved)
    }

    /// The share of pages with the note, or with any at all.
    fn rate(&self, boots: usize, interleaved: bool, pages: usize) -> f64 {
        let mut random = SplitMix64::new(20 + boots as u64);
        let mut hits = 0;
        for _ in 0..pages {
            let page = self.page(boots, interleaved, &mut random);
            let found = notes(&page);
            hits += usize::from(match self.code {
                Some(code) => found.contains(&code),
                None => !found.is_empty(),
            });
        }
        let rate = hits as f64 / pages as f64;
        println!("{:<42} {boots:>2} boots, interleaved {interleaved:<5} {rate:.4}", self.name);
        rate
    }
}

/// A page as two environments of one campaign, in the order that perfvt plans; or without common blocks.
fn judged(rows: &[[Vec<f64>; 2]], interleaved: bool) -> Comparison {
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let side = |side: usize| {
        let of = |(case, row): (usize, &[Vec<f64>; 2])| {
            series("TCP_STREAM (RX)", 64 + case as u32, "throughput", "Mbit/s", &row[side])
        };
        let env = Env::new(["base", "head"][side], rows.iter().enumerate().map(of).collect());
        let env = Env { mirrored: true, ..env };
        let env = if interleaved { env } else { env.unpaired() };
        env.write(root.path())
    };
    let mut options = options(&[side(0), side(1)]);
    let conf = "[netperf]\nmetric.throughput = Mbit/s higher primary log min_effect=5%\n";
    options.conf = Conf::with_layers([("page.conf", conf)]).unwrap();
    compare(&options).unwrap()
}

/// Everything that a page says beside its numbers, of the whole and of rows.
fn notes(page: &Comparison) -> Vec<&'static str> {
    page.warnings.iter().chain(page.rows.iter().flat_map(|row| &row.warnings)).map(|w| w.code).collect()
}

/// Two in a hundred, and three standard errors.
fn bound(pages: usize) -> f64 {
    0.02 + 3.0 * (0.02 * 0.98 / pages as f64).sqrt()
}

#[test]
fn pages_on_which_nothing_is_the_matter_hardly_ever_carry_a_note() {
    for kind in &UNCHANGED[..2] {
        for boots in [5, 10] {
            let rate = kind.rate(boots, true, 40);
            assert!(rate <= bound(40), "{}, {boots} boots: {rate}", kind.name);
        }
    }
}

#[test]
fn what_the_host_does_in_time_is_noted() {
    for kind in &CHANGED {
        assert!(kind.rate(10, true, 10) >= 0.9, "{}", kind.name);
    }
    assert!(CHANGED[0].rate(5, true, 10) >= 0.9);
    assert!(CHANGED[0].rate(10, false, 10) >= 0.9);
}

#[test]
fn a_step_says_where_and_how_much() {
    let page = CHANGED[0].page(10, true, &mut SplitMix64::new(1));
    let told = page.warnings.iter().find(|w| w.code == "step").unwrap();
    let text = told.text.strip_prefix("netperf: both sides together change by +").unwrap();
    assert!(text.contains(" % after block 5 (p = "), "{}", told.text);
    let page = CHANGED[0].page(10, false, &mut SplitMix64::new(1));
    let told = page.warnings.iter().find(|w| w.code == "step").unwrap();
    assert!(told.text.contains(" % after 5 of 10 times, in their order (p = "), "{}", told.text);
}

#[test]
fn a_row_that_spreads_otherwise_is_noted_and_one_wild_value_is_not() {
    let mut random = SplitMix64::new(12);
    let mut rows: Vec<[Vec<f64>; 2]> = (0..ROWS)
        .map(|_| [0, 1].map(|_| (0..30).map(|_| 100.0 * (0.01 * random.next_normal()).exp()).collect()))
        .collect();
    assert_eq!(notes(&judged(&rows, true)), [""; 0]);
    rows[3][1][7] = 140.0;
    assert_eq!(notes(&judged(&rows, true)), [""; 0]);
    for value in &mut rows[5][1] {
        *value = 100.0 * (*value / 100.0).powi(5);
    }
    let page = judged(&rows, true);
    assert_eq!(page.rows[5].warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["variance-ratio"]);
    for side in &mut rows[6] {
        for (at, value) in side.iter_mut().enumerate() {
            *value *= if at % 2 == 0 { 1.0 } else { 1.2 };
        }
    }
    let page = judged(&rows, true);
    assert_eq!(page.rows[6].warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["bimodal"; 2]);
}

#[test]
#[ignore = "minutes: the table of notes"]
fn table_of_notes() {
    let pages: usize = std::env::var("PERFVT_PAGES").map_or(Ok(2000), |text| text.parse()).unwrap();
    let mut broken = Vec::new();
    for interleaved in [true, false] {
        for boots in [10, 5] {
            for kind in &UNCHANGED {
                // What blocks share is unknown where there are none.
                let fair = interleaved || kind.sds[0] == 0.0;
                if fair && kind.rate(boots, interleaved, pages) > bound(pages) {
                    broken.push(format!("{} {boots} {interleaved}", kind.name));
                }
            }
            for kind in &CHANGED {
                kind.rate(boots, interleaved, pages / 4);
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}
