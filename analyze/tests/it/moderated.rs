//! `--variance moderated`: the row's one model with a variance in which the family's rows have a say.
use crate::support;

use analyze::{CompareOptions, Comparison, Model, Noise, Row, VarianceChoice, compare, steps};
use formats::perf_conf::Conf;
use model::{Rule, Scale};
use stats::{SplitMix64, t_two_sided_p};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use support::{Env, codes, options, series};

/// Log-normal values of rows of which each has a spread of its own; the first row of B is a tenth more.
fn values(rows: usize, sizes: [usize; 2]) -> Vec<[Vec<f64>; 2]> {
    let mut random = SplitMix64::new(11);
    let row = |row: usize, random: &mut SplitMix64| {
        let sd = 0.03 * (0.5 * random.next_normal()).exp();
        let mean = |side: usize| if row == 0 && side == 1 { 110.0 } else { 100.0 };
        [0, 1].map(|side| (0..sizes[side]).map(|_| mean(side) * (sd * random.next_normal()).exp()).collect())
    };
    (0..rows).map(|at| row(at, &mut random)).collect()
}

fn tables(root: &Path, values: &[[Vec<f64>; 2]], metric: &str) -> CompareOptions {
    let write = |side: usize| -> PathBuf {
        let mut text = String::from("case,metric,repeat,value\n");
        for (case, row) in values.iter().enumerate() {
            for (repeat, value) in (1..).zip(&row[side]) {
                writeln!(text, "c{case:02},rate,{repeat},{value}").unwrap();
            }
        }
        let path = root.join(["a.csv", "b.csv"][side]);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut options = options(&[write(0), write(1)]);
    let conf = format!("[csv]\nmetric.rate = Mbit/s higher primary {metric} min_effect=5%\n");
    options.conf = Conf::with_layers([("page.conf", conf.as_str())]).unwrap();
    options
}

fn moderated(mut options: CompareOptions) -> Comparison {
    options.variance = VarianceChoice::Moderated;
    compare(&options).unwrap()
}

/// What the row's numbers must be, of its estimate and its moderated variance.
fn holds(row: &Row, estimate: f64, unit: f64) {
    let found = row.moderated.unwrap();
    let p = t_two_sided_p(estimate / (found.variance * unit).sqrt(), found.df);
    let near = (row.p_model.unwrap() - p).abs() <= 1e-9 * p;
    assert!(near, "{}: {} is not {p}", row.id, row.p_model.unwrap());
}

#[test]
fn p_interval_and_mde_are_those_of_one_moderated_variance() {
    let root = tempfile::tempdir().unwrap();
    let options = tables(root.path(), &values(12, [3, 3]), "log");
    let own = compare(&options).unwrap();
    let page = moderated(options);
    assert_eq!((own.method.variance.as_str(), page.method.variance.as_str()), ("own", "moderated"));
    assert!(own.families[0].variances.is_empty() && own.rows.iter().all(|r| r.moderated.is_none()));
    let common = page.families[0].variances[0];
    assert_eq!((common.scale, common.rows), (Scale::Log, 12));
    let df = common.df.unwrap();
    for (row, before) in page.rows.iter().zip(&own.rows) {
        let found = row.moderated.unwrap();
        assert_eq!(found.own_df, 4.0);
        assert!((found.df - 4.0 - df).abs() < 1e-12);
        let expected = (df * common.variance + 4.0 * found.own) / (df + 4.0);
        assert!((found.variance - expected).abs() < 1e-12 * expected);
        holds(row, row.ratio.unwrap().ln(), 2.0 / 3.0);
        assert_eq!((row.ratio, row.model, row.diff), (before.ratio, before.model, before.diff));
        let half = (row.ratio_ci.unwrap().1 / row.ratio.unwrap()).ln();
        let expected = stats::t_critical(0.95, found.df) * (found.variance * 2.0 / 3.0).sqrt();
        assert!((half - expected).abs() < 1e-9 && row.mde != before.mde);
        let shown = steps(&page, row);
        let step = |name: &str| shown.iter().find(|s| s.name == name).unwrap().value;
        assert!((step("p") - row.p_model.unwrap()).abs() < 1e-12);
        assert_eq!((step("d0"), step("s0^2"), step("s^2")), (df, common.variance, found.own));
    }
}

#[test]
fn a_change_that_three_boots_cannot_show_alone_is_decided() {
    let root = tempfile::tempdir().unwrap();
    let options = tables(root.path(), &values(12, [3, 3]), "log");
    let (own, page) = (compare(&options).unwrap(), moderated(options));
    assert!(!own.rows[0].verdict.is_decided_change(), "{:?}", own.rows[0].q);
    let row = &page.rows[0];
    assert!(row.verdict.is_decided_change(), "{:?}", row.q);
    // The interval after choosing is of the same model.
    let (all, chosen) = (row.ratio_ci.unwrap(), row.ratio_ci_fcr.unwrap());
    assert!(chosen.0 < all.0 && all.1 < chosen.1 && chosen.0 > 1.0, "{all:?} {chosen:?}");
}

#[test]
fn differences_of_blocks_are_moderated_and_linear_rows_relative_to_their_baseline() {
    let root = tempfile::tempdir().unwrap();
    let drawn = values(10, [6, 6]);
    let environment = |name, side: usize| {
        let of_case = |(case, row): (usize, &[Vec<f64>; 2])| {
            series("TCP_RR", 64 + case as u32, "throughput", "Mbit/s", &row[side])
        };
        Env::new(name, drawn.iter().enumerate().map(of_case).collect()).write(root.path())
    };
    let mut options = options(&[environment("base", 0), environment("head", 1)]);
    for scale in ["log", "linear"] {
        let conf = format!("[netperf]\nmetric.throughput = Mbit/s higher primary {scale} min_effect=5%\n");
        options.conf = Conf::with_layers([("page.conf", conf.as_str())]).unwrap();
        let page = moderated(options.clone());
        for row in &page.rows {
            assert_eq!((row.model, row.moderated.unwrap().own_df), (Some(Model::Blocked), 5.0));
            let relative = row.diff.unwrap() / row.a.mean.unwrap();
            holds(row, if scale == "log" { row.ratio.unwrap().ln() } else { relative }, 1.0 / 6.0);
            // Fieller's interval says the same of no change as p.
            let ci = row.ratio_ci.unwrap();
            assert_eq!(ci.0 <= 1.0 && 1.0 <= ci.1, row.p_model.unwrap() > 0.05, "{ci:?} {:?}", row.p_model);
        }
    }
}

#[test]
fn sides_of_different_size_and_families_of_few_rows_keep_their_own_variances_and_it_is_said() {
    let root = tempfile::tempdir().unwrap();
    for (rows, sizes, test) in [(12, [5, 3], "auto"), (7, [3, 3], "auto"), (7, [3, 3], "student")] {
        let mut options = tables(root.path(), &values(rows, sizes), "log");
        options.test = test.parse().unwrap();
        let (own, page) = (compare(&options).unwrap(), moderated(options));
        assert!(codes(&page).contains(&"own-variance"), "{:?}", codes(&page));
        for (row, before) in page.rows.iter().zip(&own.rows) {
            assert_eq!((row.p_model, row.moderated), (before.p_model, None));
        }
    }
    // Who asks for Student's test takes the sides for equally variable.
    let mut options = tables(root.path(), &values(12, [5, 3]), "log");
    options.test = "student".parse().unwrap();
    let page = moderated(options);
    page.rows.iter().for_each(|row| holds(row, row.ratio.unwrap().ln(), 1.0 / 5.0 + 1.0 / 3.0));
}

#[test]
fn rows_that_do_not_vary_are_judged_as_ever_and_take_no_part() {
    let root = tempfile::tempdir().unwrap();
    let mut drawn = values(12, [3, 3]);
    drawn[4] = [vec![7.0; 3], vec![7.0; 3]];
    drawn[5] = [vec![7.0; 3], vec![9.0; 3]];
    let options = tables(root.path(), &drawn, "log");
    let (own, page) = (compare(&options).unwrap(), moderated(options));
    assert_eq!(page.families[0].variances[0].rows, 10);
    for at in [4, 5] {
        let (row, before) = (&page.rows[at], &own.rows[at]);
        assert_eq!((row.p_model, row.verdict, row.moderated), (before.p_model, before.verdict, None));
    }
}

#[test]
fn it_is_refused_where_an_error_has_another_part() {
    let root = tempfile::tempdir().unwrap();
    let mut options = tables(root.path(), &values(12, [3, 3]), "log");
    options.variance = VarianceChoice::Moderated;
    options.noise = Some(Noise { path: "noise.json".into(), session: None, learnt_from: Default::default() });
    let error = compare(&options).unwrap_err().to_string();
    assert!(error.contains("--noise"), "{error}");
    let series = || {
        (0..8)
            .map(|case| series("TCP_RR", 64 + case, "throughput", "Mbit/s", &[9.0, 9.5, 9.1, 9.2, 9.6, 9.4]))
    };
    let env = |name| {
        let mut env = Env::new(name, series().collect());
        env.rule = Some(Rule::Until { half_width: 0.02, floor: 5, ceiling: 30, budget_seconds: None });
        env.planned = 30;
        env.write(root.path())
    };
    let mut options = support::options(&[env("base"), env("head")]);
    options.variance = VarianceChoice::Moderated;
    let error = compare(&options).unwrap_err().to_string();
    assert!(error.contains("looked at more than once"), "{error}");
}
