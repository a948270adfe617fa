//! How often the program decides: pages of 24 rows, written as files, compared, and what is decided counted.
//!
//! `cargo test --release -p perfvt-analyze --test it decisions -- --ignored --nocapture` prints the long table;
//! `PERFVT_PAGES` says over how many pages of each kind.
use crate::support;

use analyze::{Comparison, FailOn, Row, Verdict, compare, gate};
use formats::perf_conf::Conf;
use stats::SplitMix64;
use std::fmt::Write as _;
use std::path::Path;
use support::{Env, options, series};

/// Rows of a page, where its kind says nothing else.
const ROWS: usize = 24;

/// Whether a page decides that something changed, at the gate.
fn fails(page: &Comparison) -> bool {
    gate(page, &[FailOn::Change], 0).is_some_and(|gate| gate.failed)
}

/// Whether the page says that this row changed.
fn decided(row: &Row) -> bool {
    row.verdict.is_decided_change()
}

/// Decided rows of which the interval after choosing does not hold the truth, as a share of all decided ones. Rows before
/// `changed` truly changed by the factor `truth`.
fn wrong_intervals(page: &Comparison, changed: usize, truth: f64) -> f64 {
    let (mut wrong, mut all) = (0, 0);
    for (place, row) in page.rows.iter().enumerate().filter(|(_, row)| decided(row)) {
        let truth = if place < changed { truth } else { 1.0 };
        let ci = row.ratio_ci_fcr.unwrap();
        wrong += usize::from(truth < ci.0 || ci.1 < truth);
        all += 1;
    }
    wrong as f64 / f64::from(all.max(1))
}

/// The values of a page: of each row those of A and those of B, in the order of the blocks where there are any.
type Values = Vec<[Vec<f64>; 2]>;

/// In what form a page is written.
#[derive(Clone, Copy)]
enum Layout {
    /// Two tables of one value a line; no block joins their repeats.
    Tables,
    /// Two environments of one campaign, interleaved: a block for each repeat.
    Campaign,
}

impl Layout {
    /// Writes a page and compares it; `metric` is how perf.conf declares the metric.
    fn judge(self, values: &Values, metric: &str) -> Comparison {
        let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
        let (conf, paths) = match self {
            Self::Tables => {
                let write = |side: usize| table(root.path(), ["a.csv", "b.csv"][side], values, side);
                (format!("[csv]\nmetric.rate = {metric}\n"), [write(0), write(1)])
            }
            Self::Campaign => {
                let write =
                    |side: usize| environment(["base", "head"][side], values, side).write(root.path());
                (format!("[netperf]\nmetric.throughput = {metric}\n"), [write(0), write(1)])
            }
        };
        let mut options = options(&paths);
        options.conf = Conf::with_layers([("page.conf", conf.as_str())]).unwrap();
        let result = compare(&options).unwrap();
        assert_eq!(result.rows.len(), values.len());
        result
    }
}

/// One side as a table with a heading.
fn table(root: &Path, name: &str, values: &Values, side: usize) -> std::path::PathBuf {
    let mut text = String::from("case,metric,repeat,value\n");
    for (case, row) in values.iter().enumerate() {
        for (repeat, value) in (1..).zip(&row[side]) {
            writeln!(text, "c{case:02},rate,{repeat},{value}").unwrap();
        }
    }
    let path = root.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Categories of a page that has more rows than usual, this many of each.
const CATEGORIES: [&str; 6] =
    ["TCP_STREAM (RX)", "TCP_MAERTS (TX)", "TCP_RR", "TCP_CRR", "UDP_STREAM", "UDP_RR"];
const OF_CATEGORY: usize = 19;

/// One side as an environment, with a block for each repeat.
fn environment(name: &'static str, values: &Values, side: usize) -> Env {
    let of_case = |(case, row): (usize, &[Vec<f64>; 2])| {
        let category = if values.len() > ROWS { CATEGORIES[case / OF_CATEGORY] } else { CATEGORIES[0] };
        series(category, 64 + case as u32, "throughput", "Mbit/s", &row[side])
    };
    Env::new(name, values.iter().enumerate().map(of_case).collect())
}

/// What of a page counts.
#[derive(Clone, Copy)]
enum Counted {
    /// Pages that decide anything at the gate.
    PagesDecided,
    /// Pages that do, where they should.
    PagesFound,
    /// Pages on which the first row is decided.
    FirstDecided,
    /// Decided rows whose interval after choosing is wrong, where so many rows changed by this factor; the mean over pages.
    WrongIntervals(usize, f64),
    /// Rows that are EQUIVALENT.
    Equivalent,
}

/// A kind of page and what is known of it.
struct Kind {
    name: &'static str,
    layout: Layout,
    /// How perf.conf declares the metric.
    metric: &'static str,
    draw: Box<dyn Fn(&mut SplitMix64) -> Values>,
    counted: Counted,
    /// The rate may not exceed this, or not fall below it where finding is the point.
    limit: f64,
    /// Pages of it that every run of the tests has time for; the long table has all kinds.
    quick: usize,
}

/// The share of what counts, and of how many.
struct Rate {
    share: f64,
    of: f64,
}

impl Kind {
    fn rate(&self, pages: usize, seed: u64) -> Rate {
        let mut random = SplitMix64::new(seed);
        let (mut hits, mut of) = (0.0, 0);
        let one = |yes: bool| f64::from(u8::from(yes));
        for _ in 0..pages {
            let page = self.layout.judge(&(self.draw)(&mut random), self.metric);
            hits += match self.counted {
                Counted::PagesDecided | Counted::PagesFound => one(fails(&page)),
                Counted::FirstDecided => one(page.rows.first().is_some_and(decided)),
                Counted::WrongIntervals(changed, truth) => wrong_intervals(&page, changed, truth),
                Counted::Equivalent => {
                    page.rows.iter().filter(|row| row.verdict == Verdict::Equivalent).count() as f64
                }
            };
            of += if matches!(self.counted, Counted::Equivalent) { ROWS } else { 1 };
        }
        Rate { share: hits / of as f64, of: of as f64 }
    }

    /// Finding is the point.
    fn is_power(&self) -> bool {
        matches!(self.counted, Counted::FirstDecided | Counted::PagesFound)
    }

    /// The limit and three standard errors beyond it.
    fn bound(&self, rate: &Rate) -> f64 {
        let slack = 3.0 * (self.limit * (1.0 - self.limit) / rate.of).sqrt();
        if self.is_power() { self.limit - slack } else { self.limit + slack }
    }

    fn holds(&self, rate: &Rate) -> bool {
        if self.is_power() { rate.share >= self.bound(rate) } else { rate.share <= self.bound(rate) }
    }
}

/// Changes of any size count, so that the band hides no false decision.
const NARROW: &str = "Mbit/s higher primary log min_effect=0.1%";

/// What throughput is.
const USUAL: &str = "Mbit/s higher primary log min_effect=5%";

/// A page of `n` and `m` boots with a geometric mean of 100 and these SDs of logarithms, in percent: unchanged is what a log
/// row calls so, also where one side spreads more. `change` is the factor on the first row of B.
fn log_normal(sizes: [usize; 2], sds: [f64; 2], change: f64) -> impl Fn(&mut SplitMix64) -> Values {
    move |random| {
        let mut side = |side: usize, factor: f64| {
            (0..sizes[side])
                .map(|_| factor * 100.0 * (sds[side] / 100.0 * random.next_normal()).exp())
                .collect()
        };
        (0..ROWS).map(|row| [side(0, 1.0), side(1, if row == 0 { change } else { 1.0 })]).collect()
    }
}

/// Blocks around 100 that both sides share, additive: `level` draws that of the block with this number. B is `change`
/// more, and each value has an SD of its own.
fn blocked(
    blocks: usize,
    sd: f64,
    change: impl Fn(usize) -> f64,
    level: impl Fn(usize, &mut SplitMix64) -> f64,
) -> impl Fn(&mut SplitMix64) -> Values {
    move |random| {
        (0..ROWS)
            .map(|row| {
                let levels: Vec<f64> = (0..blocks).map(|block| level(block, random)).collect();
                [0.0, change(row)].map(|more| {
                    levels.iter().map(|level| 100.0 + level + more + sd * random.next_normal()).collect()
                })
            })
            .collect()
    }
}

/// Unchanged pages, which decide nothing.
fn unchanged() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (name, sizes, sds, limit, quick) in [
        ("5/5, equal SD", [5, 5], [3.0, 3.0], 0.05, 10),
        // Equal sizes are the textbook's test: by integration .059 at .04/24.
        ("5/5, one side 3x SD", [5, 5], [3.0, 9.0], 0.06, 0),
        ("10/3, equal SD", [10, 3], [3.0, 3.0], 0.05, 10),
        ("10/3, small side 3x SD", [10, 3], [3.0, 9.0], 0.05, 10),
        ("30/3, equal SD", [30, 3], [3.0, 3.0], 0.05, 10),
        ("30/3, small side 3x SD", [30, 3], [3.0, 9.0], 0.05, 10),
    ] {
        kinds.push(Kind {
            name,
            layout: Layout::Tables,
            metric: NARROW,
            draw: Box::new(log_normal(sizes, sds, 1.0)),
            counted: Counted::PagesDecided,
            limit,
            quick,
        });
    }
    // A trend of eight SDs over the campaign.
    for (name, blocks, quick) in [("blocked, 5 blocks, drift", 5, 10), ("blocked, 10 blocks, drift", 10, 0)] {
        kinds.push(Kind {
            name,
            layout: Layout::Campaign,
            metric: NARROW,
            draw: Box::new(blocked(
                blocks,
                3.0,
                |_| 0.0,
                move |block, _| -24.0 * block as f64 / blocks as f64,
            )),
            counted: Counted::PagesDecided,
            limit: 0.05,
            quick,
        });
    }
    kinds
}

/// Pages of which every row lies on the upper edge of its band.
fn at_the_edge() -> Vec<Kind> {
    let tables = |name, metric, change: f64, quick| Kind {
        name,
        layout: Layout::Tables,
        metric,
        draw: Box::new(move |random: &mut SplitMix64| {
            let mut side = |mean: f64| (0..10).map(|_| mean + 4.0 * random.next_normal()).collect();
            (0..ROWS).map(|_| [side(100.0), side(100.0 * change)]).collect()
        }),
        counted: Counted::Equivalent,
        limit: 0.055,
        quick,
    };
    let blocks = |name, sd: f64, quick| Kind {
        name,
        layout: Layout::Campaign,
        metric: "Mbit/s higher primary linear min_effect=20%",
        draw: Box::new(blocked(10, 2.0, |_| 20.0, move |_, random| sd * random.next_normal())),
        counted: Counted::Equivalent,
        limit: 0.055,
        quick,
    };
    vec![
        tables("TOST, log, m = 20 %", "Mbit/s higher primary log min_effect=20%", 1.2, 10),
        tables("TOST, linear, m = 20 %", "Mbit/s higher primary linear min_effect=20%", 1.2, 5),
        tables("TOST, linear, m = 50 %", "Mbit/s higher primary linear min_effect=50%", 1.5, 5),
        blocks("TOST, linear blocked, block SD 10 %", 10.0, 0),
        blocks("TOST, linear blocked, block SD 30 %", 30.0, 5),
    ]
}

/// Pages of which one row changed by a fifth.
fn changed() -> Vec<Kind> {
    let first = |row: usize| if row == 0 { 20.0 } else { 0.0 };
    let kind = |name, layout, limit, counted, draw| Kind {
        name,
        layout,
        metric: USUAL,
        draw,
        counted,
        limit,
        quick: 10,
    };
    let interleaved =
        || Box::new(blocked(5, 3.0, first, |_, random: &mut SplitMix64| 3.0 * random.next_normal()));
    let apart = || Box::new(log_normal([10, 5], [3.0, 3.0], 1.2));
    let (row, page) = (Counted::FirstDecided, Counted::PagesFound);
    let mut kinds = vec![
        kind("+20 %, CV 3 %, 5+5 interleaved, row", Layout::Campaign, 0.8, row, interleaved()),
        kind("+20 %, CV 3 %, 5+5 interleaved, gate", Layout::Campaign, 0.8, page, interleaved()),
        kind("+20 %, CV 3 %, 10/5, row", Layout::Tables, 0.6, row, apart()),
        kind("+20 %, CV 3 %, 10/5, gate", Layout::Tables, 0.6, page, apart()),
    ];
    let category = Kind {
        quick: 3,
        ..kind("-10 % in one category of 114 rows", Layout::Campaign, 0.9, page, Box::new(one_category))
    };
    kinds.push(category);
    kinds
}

/// Five interleaved boots of a side at CV 3 %; the first category is a tenth slower.
fn one_category(random: &mut SplitMix64) -> Values {
    let side = |factor: f64, random: &mut SplitMix64| -> Vec<f64> {
        (0..5).map(|_| factor * (100.0 + 3.0 * random.next_normal())).collect()
    };
    let factor = |row: usize| if row < OF_CATEGORY { 0.9 } else { 1.0 };
    (0..OF_CATEGORY * CATEGORIES.len()).map(|row| [side(1.0, random), side(factor(row), random)]).collect()
}

/// Pages of which some rows changed, and what their intervals say of how much.
fn chosen() -> Vec<Kind> {
    let kind = |name, metric, changed: usize, truth: f64, sd: f64, quick| Kind {
        name,
        layout: Layout::Tables,
        metric,
        draw: Box::new(move |random: &mut SplitMix64| {
            let mut side = |mean: f64| (0..5).map(|_| mean * (1.0 + sd * random.next_normal())).collect();
            (0..2 * ROWS)
                .map(|row| [side(100.0), side(if row < changed { 100.0 * truth } else { 100.0 })])
                .collect()
        }),
        counted: Counted::WrongIntervals(changed, truth),
        limit: 0.05,
        quick,
    };
    vec![
        kind(
            "wrong intervals, 6 of 48 rows -5 %, CV 5 %",
            "Mbit/s higher primary log min_effect=0.1%",
            6,
            0.95,
            0.05,
            10,
        ),
        kind("wrong intervals, 24 of 48 rows -10 %, CV 3 %", USUAL, 24, 0.9, 0.03, 10),
    ]
}

/// The pages of these kinds that there is time for.
fn hold(kinds: Vec<Kind>, first_seed: u64) {
    for (seed, kind) in (first_seed..).zip(kinds).filter(|(_, kind)| kind.quick > 0) {
        let rate = kind.rate(kind.quick, seed);
        assert!(kind.holds(&rate), "{}: {} beyond {}", kind.name, rate.share, kind.bound(&rate));
    }
}

#[test]
fn unchanged_pages_are_hardly_ever_decided() {
    hold(unchanged(), 100);
}

#[test]
fn a_change_of_a_fifth_in_one_row_of_a_page_is_found() {
    hold(changed(), 200);
}

#[test]
fn intervals_after_choosing_hold_the_truth() {
    hold(chosen(), 400);
}

#[test]
fn rows_on_the_edge_of_the_band_are_seldom_called_equivalent() {
    hold(at_the_edge(), 300);
}

#[test]
#[ignore = "minutes: the table of decisions through the program"]
fn table_of_decisions() {
    let pages: usize = std::env::var("PERFVT_PAGES").map_or(Ok(300), |text| text.parse()).unwrap();
    println!("{pages} pages of {ROWS} rows through the program");
    println!("{:<40} {:>7} {:>7} {:>9}", "", "rate", "SE", "bound");
    let mut broken = Vec::new();
    let all = unchanged().into_iter().chain(at_the_edge()).chain(changed()).chain(chosen());
    for (seed, kind) in (1000..).zip(all) {
        let rate = kind.rate(pages, seed);
        let se = (rate.share * (1.0 - rate.share) / rate.of).sqrt();
        let word = if kind.is_power() { ">=" } else { "<=" };
        println!("{:<40} {:>7.4} {se:>7.4} {word} {:.4}", kind.name, rate.share, kind.bound(&rate));
        if !kind.holds(&rate) {
            broken.push(kind.name);
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}
