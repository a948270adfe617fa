//! The grounds of a verdict are the verdict's own.
use crate::support;

use analyze::{Comparison, Ground, Reason, Row, Verdict, grounds};
use support::{Env, Series, row, run, series, throughput};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";

/// What the answers alone amount to; `None` where no test was made.
fn replayed(comparison: &Comparison, row: &Row) -> Option<Verdict> {
    let (mut change, mut large) = (false, false);
    let mut tested = false;
    for ground in grounds(comparison, row) {
        match ground {
            Ground::Replicates { a, b, needed } if a.min(b) < needed => return Some(Verdict::Invalid),
            Ground::Blocks { complete, needed } if complete < needed => return Some(Verdict::Invalid),
            Ground::Hosts { .. } => return Some(Verdict::Invalid),
            Ground::Replicates { .. } | Ground::Blocks { .. } | Ground::AtGate { .. } => {}
            Ground::OneSession => return Some(Verdict::Inconclusive),
            Ground::Equivalent { inside: true, .. } => return Some(Verdict::Equivalent),
            Ground::Equivalent { .. } => tested = true,
            Ground::Significant { holds, .. } => change = holds,
            Ground::Large { outside, .. } => large = outside,
        }
    }
    tested.then_some(if change && large { Verdict::Regressed } else { Verdict::Inconclusive })
}

/// Pairs of series on both scales whose changes and spreads go from nothing to much.
fn pairs() -> [Vec<Series>; 2] {
    let pattern = [-1.3, 0.2, 1.2, -0.6, 0.5, 0.1];
    let around = |mean: f64, share: f64, turn: usize| -> Vec<f64> {
        (0..6).map(|i| mean * (1.0 + share * pattern[(i + turn) % 6])).collect()
    };
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (i, share) in [0.001, 0.01, 0.03, 0.1].into_iter().enumerate() {
        for (j, factor) in [0.5, 0.9, 0.94, 0.96, 0.99, 1.0, 1.03, 1.06, 1.4].into_iter().enumerate() {
            let size = (10 * i + j) as u32;
            for (metric, unit, mean) in [("throughput", "Mbit/s", 900.0), ("local_CPU", "%", 40.0)] {
                let of = |values: &[f64]| series("TCP_STREAM (RX)", size, metric, unit, values);
                a.push(of(&around(mean, share, 0)));
                b.push(of(&around(mean * factor, share, 2 + j % 3)));
            }
        }
    }
    [a, b]
}

#[test]
fn the_grounds_of_every_row_lead_to_its_verdict() {
    for unpaired in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let [a, b] = pairs();
        let sides = [Env::new("base", a), Env::new("head", b)];
        let sides = sides.map(|side| if unpaired { side.unpaired() } else { side });
        let result = run(&sides.map(|side| side.write(root.path())));
        let mut seen = std::collections::BTreeSet::new();
        for row in &result.rows {
            let word = match row.verdict {
                change if change.is_decided_change() => Verdict::Regressed,
                word => word,
            };
            assert_eq!(replayed(&result, row), Some(word), "{}: {:?}", row.id, grounds(&result, row));
            seen.insert((row.scale.to_string(), word));
        }
        assert_eq!(seen.len(), 6, "equivalent, changed and open rows on both scales: {seen:?}");
    }
}

#[test]
fn a_row_without_common_blocks_says_that_blocks_are_missing_and_not_replicates() {
    let root = tempfile::tempdir().unwrap();
    let without = |missing: std::ops::Range<usize>| {
        let mut values = throughput(&[100.0, 101.0, 99.0, 100.5, 99.5, 100.2]);
        values.values[missing].fill(Err("the guest panicked"));
        values
    };
    let base = Env::new("base", vec![without(0..3)]).write(root.path());
    let head = Env::new("head", vec![without(3..6)]).write(root.path());
    let result = run(&[base, head]);
    let judged = row(&result, ID);
    assert_eq!((judged.verdict, judged.reason), (Verdict::Invalid, Some(Reason::OneReplicate)));
    assert_eq!(
        grounds(&result, judged),
        [Ground::Replicates { a: 3, b: 3, needed: 2 }, Ground::Blocks { complete: 0, needed: 2 }]
    );
}

#[test]
fn a_row_that_a_side_lacks_has_no_grounds() {
    let root = tempfile::tempdir().unwrap();
    let base = Env::new("base", vec![throughput(&[1.0, 2.0])]).write(root.path());
    let other = series("TCP_MAERTS", 64, "throughput", "Mbit/s", &[1.0, 2.0]);
    let head = Env::new("head", vec![other]).write(root.path());
    let result = run(&[base, head]);
    assert!(result.rows.iter().all(|row| grounds(&result, row).is_empty()));
}
