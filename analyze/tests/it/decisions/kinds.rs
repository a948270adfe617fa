//! The kinds of pages whose decisions are counted.

use super::draws::{FLIPS, MODES, NORMAL, SHAPES, WILD, additive, alike, blocked, log_normal, normal};
use super::page::{CATEGORIES, Layout, Metric, OF_CATEGORY, Page, Pair, ROWS};
use super::rates::{Counted, Draw, Kind, drawn, unchanged};
use crate::session_pages;
use stats::SplitMix64;

/// Changes of any size count, so that the band hides no false decision.
pub const NARROW: Metric = Metric { log: true, margin: 0.001 };

/// What throughput is.
const USUAL: Metric = Metric { log: true, margin: 0.05 };

/// Unchanged tables: sides of one size, by shape, and of different ones, by SD.
pub fn tables() -> Vec<Kind> {
    let like = |name, shape, n| unchanged(name, drawn(Layout::Tables, NARROW, alike(shape, [n, n])));
    let mut kinds: Vec<Kind> = SHAPES.map(|(name, shape)| like(name, shape, 5)).into();
    // All boots of A in one mode and all of B in the other: 2 of 2^10 rows, which no test of such values tells from a change.
    kinds[MODES].limit = 2.0 * 0.5f64.powi(10) * 48.0;
    let (_, usual) = SHAPES[0];
    kinds.push(like("normal, 3 boots a side", usual, 3));
    kinds.push(like("normal, 10 boots a side", usual, 10));
    for (name, sizes, sds, limit) in [
        // Equal sizes are the textbook's test, which errs the more the further in the tail it is asked: .08 of pages of 48 rows.
        ("5/5, one side 3x SD", [5, 5], [3.0, 9.0], 0.08),
        ("10/3, equal SD", [10, 3], [3.0, 3.0], 0.05),
        ("10/3, small side 3x SD", [10, 3], [3.0, 9.0], 0.05),
        ("30/3, equal SD", [30, 3], [3.0, 3.0], 0.05),
        ("30/3, small side 3x SD", [30, 3], [3.0, 9.0], 0.05),
        ("5/4, equal SD", [5, 4], [3.0, 3.0], 0.05),
    ] {
        let draw = drawn(Layout::Tables, NARROW, log_normal(sizes, sds, 1.0));
        kinds.push(Kind { limit, ..unchanged(name, draw) });
    }
    kinds
}

/// What time does to the blocks of a campaign of so many, which cancels.
type Level = fn(usize, usize, &mut SplitMix64) -> f64;

const CALM: Level = |_, _, random| 3.0 * random.next_normal();
/// A trend of eight SDs over the campaign.
const DRIFT: Level = |block, blocks, _| -24.0 * block as f64 / blocks as f64;
/// A fifth less from the middle on.
const STEP: Level = |block, blocks, _| if 2 * block < blocks { 0.0 } else { -20.0 };
const FIRST: Level = |block, _, _| if block == 0 { -14.0 } else { 0.0 };

/// Unchanged campaigns in turns.
pub fn campaigns() -> Vec<Kind> {
    let shapes = [
        ("drift of 24 %", DRIFT, NORMAL, [0.05; 2]),
        ("step of 20 % halfway", STEP, NORMAL, [0.05; 2]),
        ("first block 14 % slower", FIRST, NORMAL, [0.05; 2]),
        ("t with 3 df", CALM, WILD, [0.05; 2]),
        // All five differences from one mode to the other: 2 of 4^5 rows. Of ten the p are a little too small.
        ("boots flip between two modes", CALM, FLIPS, [2.0 * 0.25f64.powi(5) * 48.0, 0.055]),
    ];
    let mut kinds = Vec::new();
    for (name, level, own, limits) in shapes {
        for (blocks, limit) in [5, 10].into_iter().zip(limits) {
            let draw = blocked(blocks, own, |_| 0.0, move |block, random| level(block, blocks, random));
            let name = format!("{blocks} blocks, {name}").leak();
            kinds.push(Kind { limit, ..unchanged(name, drawn(Layout::Campaign, NARROW, draw)) });
        }
    }
    kinds
}

/// Two campaigns of one build in one boot of the host, by the SD of sessions in SDs of boots (2 %), with so many more campaigns
/// for `calibrate`.
pub fn sessions() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for known in [0, 2, 5, 10] {
        for (sd, tau) in [("1/2", 0.01), ("1", 0.02), ("3", 0.06)] {
            let with = if known == 0 { "nothing known".into() } else { format!("{known} sessions known") };
            let name = format!("sessions of {sd} SD, {with}").leak();
            let draw: Draw = Box::new(move |random, rows| Page {
                layout: Layout::Sessions,
                metric: NARROW,
                build: session_pages::build(random, rows, known, tau, 0.02),
                values: session_pages::pairs(random, rows, tau, 0.02, 1.0),
            });
            let counted = if known == 0 { Counted::Capped } else { Counted::Decided };
            kinds.push(Kind { counted, ..unchanged(name, draw) });
        }
    }
    kinds
}

/// Pages of which every row lies on an edge of its band.
pub fn at_the_edge() -> Vec<Kind> {
    let equivalent = |name, draw| Kind { name, draw, rows: ROWS, counted: Counted::Equivalent, limit: 0.05 };
    let tables = |name, log, margin, change| {
        let metric = Metric { log, margin };
        equivalent(name, drawn(Layout::Tables, metric, additive(10, 4.0, change)))
    };
    let blocks = |name, sd: f64| {
        let own = |random: &mut SplitMix64| 2.0 * random.next_normal();
        let draw = blocked(10, own, |_| 20.0, move |_, random| sd * random.next_normal());
        equivalent(name, drawn(Layout::Campaign, Metric { log: false, margin: 0.2 }, draw))
    };
    vec![
        tables("log, m = 20 %, upper edge", true, 0.2, 1.2),
        tables("log, m = 20 %, lower edge", true, 0.2, 1.0 / 1.2),
        tables("linear, m = 20 %, upper edge", false, 0.2, 1.2),
        tables("linear, m = 20 %, lower edge", false, 0.2, 0.8),
        tables("linear, m = 50 %, upper edge", false, 0.5, 1.5),
        tables("linear, m = 50 %, lower edge", false, 0.5, 0.5),
        blocks("linear blocked, m = 20 %, block SD 10 %", 10.0),
        blocks("linear blocked, m = 20 %, block SD 30 %", 30.0),
    ]
}

/// Pages of which one row changed by a fifth, or a whole category by a tenth.
pub fn changed() -> Vec<Kind> {
    let kind = |name, limit, counted, draw| Kind { name, draw, rows: ROWS, counted, limit };
    let interleaved = || {
        let first = |row: usize| if row == 0 { 20.0 } else { 0.0 };
        let draw = blocked(5, NORMAL, first, |_, random| 3.0 * random.next_normal());
        drawn(Layout::Campaign, USUAL, draw)
    };
    let apart = || drawn(Layout::Tables, USUAL, log_normal([10, 5], [3.0, 3.0], 1.2));
    let (row, page) = (Counted::FirstDecided, Counted::PagesFound);
    let category = drawn(Layout::Campaign, USUAL, normal(5, 0.03, OF_CATEGORY, 0.9));
    vec![
        kind("+20 %, CV 3 %, 5+5 interleaved, row", 0.8, row, interleaved()),
        kind("+20 %, CV 3 %, 5+5 interleaved, gate", 0.8, page, interleaved()),
        kind("+20 %, CV 3 %, 10/5, row", 0.6, row, apart()),
        kind("+20 %, CV 3 %, 10/5, gate", 0.6, page, apart()),
        Kind {
            rows: OF_CATEGORY * CATEGORIES.len(),
            ..kind("-10 % in one category of 114 rows", 0.9, page, category)
        },
    ]
}

/// Pages whose first row, or every row, changed by the MDE of unchanged rows like them.
pub fn at_the_mde(n: usize, every: bool) -> Kind {
    let draw = log_normal([n, n], [3.0, 3.0], 1.0);
    let mde = move |pilot: &Pair| {
        let test = stats::guarded_welch_log(&pilot[0], &pilot[1]).unwrap().test;
        stats::minimum_detectable(&test, 0.05, analyze::POWER).unwrap().exp()
    };
    let changed = move |random: &mut SplitMix64, row: usize| {
        let change = if every || row == 0 { mde(&draw(random, row)) } else { 1.0 };
        let [a, b] = draw(random, row);
        [a, b.into_iter().map(|value| value * change).collect()]
    };
    Kind {
        name: "an effect of the MDE",
        draw: drawn(Layout::Tables, NARROW, changed),
        rows: ROWS,
        counted: Counted::FirstDecided,
        limit: 0.0,
    }
}

/// Pages of which some rows changed, and what their intervals say of how much.
pub fn chosen() -> Vec<Kind> {
    let kind = |name, metric, sd, changed, truth| Kind {
        name,
        draw: drawn(Layout::Tables, metric, normal(5, sd, changed, truth)),
        rows: 2 * ROWS,
        counted: Counted::WrongIntervals(changed, truth),
        limit: 0.05,
    };
    vec![
        kind("6 of 48 rows -5 %, CV 5 %", NARROW, 0.05, 6, 0.95),
        kind("24 of 48 rows -10 %, CV 3 %", USUAL, 0.03, 24, 0.9),
    ]
}
