//! Verdicts of categories as a whole, and what decides a row beside its ratio.

use crate::support::{options, row, run};
use analyze::{Comparison, Ground, Named, Reason, Verdict, compare, find_named, grounds_of_category};
use formats::perf_conf::Conf;
use std::fs;
use std::path::{Path, PathBuf};

/// A table of `cases` cases of each category with five repeats around 100; `factor` of a case is its change.
fn table(root: &Path, name: &str, spread: f64, factor: impl Fn(u64) -> f64) -> PathBuf {
    let mut text = String::from("category,case,metric,repeat,value\n");
    for case in 0..8 {
        let mut random = stats::SplitMix64::new(case + if name == "a.csv" { 0 } else { 900 });
        for repeat in 0..5 {
            let value = factor(case) * (100.0 + spread * random.next_normal());
            text.push_str(&format!("disk,c{case},rate,{repeat},{value}\n"));
        }
    }
    let path = root.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn judged(paths: &[PathBuf]) -> Comparison {
    let mut chosen = options(paths);
    chosen.conf = Conf::with_layers([("mine", "[csv]\nmetric.rate = x higher primary log\n")]).unwrap();
    compare(&chosen).unwrap()
}

#[test]
fn a_category_whose_score_lies_in_the_band_is_shown_to_be_equal_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    let factor = |case| if case == 0 { 0.8 } else { 1.01 };
    let result =
        judged(&[table(root.path(), "a.csv", 1.0, |_| 1.0), table(root.path(), "b.csv", 1.0, factor)]);
    let category = &result.summary[0].categories[0];
    assert_eq!((category.verdict, category.reason), (Verdict::Equivalent, None), "{category:?}");
    assert!(category.ci90.0 > category.score.ci.0 && category.ci90.1 < category.score.ci.1);
    let regressed = result.rows.iter().filter(|r| r.verdict == Verdict::Regressed).count();
    assert_eq!(regressed, 1, "a row of it is another thing");
    let grounds = grounds_of_category(&result, 0, category);
    assert!(matches!(grounds[0], Ground::Equivalent { inside: true, .. }), "{grounds:?}");
}

#[test]
fn a_category_that_is_not_decided_says_why() {
    let root = tempfile::tempdir().unwrap();
    let sides = |spread, factor: f64| {
        let a = table(root.path(), "a.csv", spread, |_| 1.0);
        let result = judged(&[a, table(root.path(), "b.csv", spread, |_| factor)]);
        let category = &result.summary[0].categories[0];
        (category.verdict, category.reason)
    };
    assert_eq!(sides(20.0, 1.0), (Verdict::Inconclusive, Some(Reason::Noisy)));
    assert_eq!(sides(1.0, 1.045), (Verdict::Inconclusive, Some(Reason::ChangedSmall)));
    assert_eq!(sides(0.0, 1.0), (Verdict::Equivalent, Some(Reason::Exact)));
}

#[test]
fn a_category_is_named_by_its_own_name_and_its_rows_by_theirs() {
    let root = tempfile::tempdir().unwrap();
    let side = |name| table(root.path(), name, 1.0, |_| 1.0);
    let result = judged(&[side("a.csv"), side("b.csv")]);
    let category = &result.summary[0].categories[0];
    assert_eq!(find_named(&result, "csv/disk").unwrap(), Named::Category(0, category));
    assert!(matches!(find_named(&result, "case=c3").unwrap(), Named::Row(3)));
    assert!(find_named(&result, "disk").unwrap_err().to_string().contains("part of 8 rows"));
    let three = judged(&[side("a.csv"), side("b.csv"), side("c.csv")]);
    assert!(matches!(find_named(&three, "csv/disk#2").unwrap(), Named::Category(1, _)));
    assert!(find_named(&three, "csv/disk").is_err(), "of which candidate is not said");
}

#[test]
fn the_test_of_a_row_is_the_one_that_its_p_and_interval_come_from() {
    let root = tempfile::tempdir().unwrap();
    let result =
        judged(&[table(root.path(), "a.csv", 3.0, |_| 1.0), table(root.path(), "b.csv", 3.0, |_| 1.02)]);
    for judged in &result.rows {
        let (test, ratio) = (judged.test.unwrap(), judged.ratio.unwrap());
        assert!((test.t - ratio.ln() / test.se).abs() < 1e-9, "{judged:?}");
        let high = (ratio.ln() + stats::t_critical(0.95, test.df) * test.se).exp();
        assert!((high - judged.ratio_ci.unwrap().1).abs() < 1e-9);
    }
}

#[test]
fn a_row_that_is_equal_by_a_difference_alone_says_the_difference() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, values: [f64; 5]| {
        let line = |(i, v): (usize, &f64)| format!("x,load,{i},{v}\ny,load,{i},{}\n", v + 50.0);
        let path = root.path().join(name);
        let lines: String = values.iter().enumerate().map(line).collect();
        fs::write(&path, format!("case,metric,repeat,value\n{lines}")).unwrap();
        path
    };
    let mut chosen =
        options(&[side("a.csv", [1.0, 1.1, 0.9, 1.02, 0.98]), side("b.csv", [1.4, 1.5, 1.3, 1.42, 1.38])]);
    let conf = "[csv]\nmetric.load = % lower primary linear min_effect_abs=1\n";
    chosen.conf = Conf::with_layers([("mine", conf)]).unwrap();
    let result = compare(&chosen).unwrap();
    let (small, large) = (row(&result, "csv//case=x/load"), row(&result, "csv//case=y/load"));
    assert_eq!((small.verdict, small.equal_within()), (Verdict::Equivalent, Some(1.0)), "+40 % of little");
    assert_eq!((large.verdict, large.equal_within()), (Verdict::Equivalent, None), "the ratio says it, too");
    let other = run(&[root.path().join("a.csv"), root.path().join("b.csv")]);
    assert!(other.rows.iter().all(|r| r.equal_within().is_none()), "nothing was declared");
}
