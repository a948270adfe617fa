//! Plans from the results of both sides, and for showing that nothing changed.

use crate::support::{Env, Series};
use crate::support::{options, series};
use analyze::{Asked, plan};
use std::path::{Path, PathBuf};

/// Six boots around 100 whose values lie so far apart.
fn boots(spread: f64, size: u32) -> Series {
    let pattern = [-1.2, 0.7, 1.1, -0.9, -0.4, 0.7];
    series("TCP_STREAM (RX)", size, "throughput", "Mbit/s", &pattern.map(|z| 100.0 * (1.0 + spread * z)))
}

fn result(root: &Path, name: &'static str, rows: Vec<Series>) -> PathBuf {
    let mut env = Env::new(name, rows);
    // A campaign of its own, so that nothing is known of common blocks.
    env.campaign = name;
    env.write(&root.join(name))
}

#[test]
fn the_spread_of_two_results_is_the_mean_of_both_variances() {
    let root = tempfile::tempdir().unwrap();
    let calm = result(root.path(), "calm", vec![boots(0.01, 64)]);
    let wild = result(root.path(), "wild", vec![boots(0.05, 64), boots(0.05, 128)]);
    let of = |dir: &Path, other: Option<&Path>| {
        let asked = Asked { other: other.map(Path::to_owned), ..Asked::default() };
        plan(&options(&[]), dir, &asked).unwrap()
    };
    let boots = |plan: &analyze::Plan| plan.rows[0].boots.unwrap().low.unwrap();
    let (one, two, both) = (of(&calm, None), of(&wild, None), of(&calm, Some(&wild)));
    assert!(boots(&one) < boots(&both) && boots(&both) < boots(&two), "{one:?} {both:?}");
    // Variances of 1 and 25 have the mean 13: a little more than half of what the wild side needs.
    assert!(boots(&both) <= boots(&two).div_ceil(2) + 2, "{} {}", boots(&both), boots(&two));
    assert_eq!((both.other.as_deref(), both.rows[0].n, one.other), (Some("wild"), 12, None));
    assert!(both.warnings.iter().any(|w| w.code == "one-sided"), "{:?}", both.warnings);
    assert_eq!(both.rows.len(), 1);
}

#[test]
fn showing_that_nothing_changed_takes_more_boots_than_finding_twice_the_margin() {
    let root = tempfile::tempdir().unwrap();
    let dir = result(root.path(), "base", vec![boots(0.03, 64)]);
    let found = plan(&options(&[]), &dir, &Asked { boots: Some(40), ..Asked::default() }).unwrap();
    let (change, equal) = (found.rows[0].boots.unwrap(), found.rows[0].equal.unwrap());
    assert!(equal.low.unwrap() > change.low.unwrap() && equal.high.unwrap() > change.high.unwrap());
    assert!(equal.low.unwrap() < equal.high.unwrap());
    let power = found.rows[0].power_equal.unwrap();
    assert_eq!(power.low >= 0.8, equal.high.unwrap() <= 40, "{power:?} {equal:?}");
}
