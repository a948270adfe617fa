//! Known answers from SciPy, statsmodels and mpmath (testdata/generate.py writes them).

use serde_json::Value;
use stats::special::{UnitPoint, beta_tails, normal_quantile, normal_sf};
use stats::*;

fn table(file: &str, key: &str) -> Vec<Value> {
    let path = format!("{}/testdata/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let json: Value = serde_json::from_str(&text).expect("valid JSON");
    let rows = json[key].as_array().unwrap_or_else(|| panic!("{file}: no table {key}")).clone();
    assert!(!rows.is_empty(), "{file}: table {key} is empty");
    rows
}

fn num(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn nums(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}")).iter().map(num).collect()
}

fn interval(value: &Value) -> Interval {
    let bounds = nums(value);
    Interval { low: bounds[0], high: bounds[1] }
}

/// Relative difference, absolute below `floor`.
#[track_caller]
fn close(got: f64, want: f64, tolerance: f64, floor: f64, what: &dyn std::fmt::Debug) {
    let error = if got == want { 0.0 } else { (got - want).abs() / want.abs().max(floor) };
    assert!(error <= tolerance, "{got:e} instead of {want:e} ({error:.1e}) in {what:?}");
}

#[track_caller]
fn close_interval(got: Interval, want: Interval, tolerance: f64, what: &dyn std::fmt::Debug) {
    let floor = want.high.abs().max(want.low.abs());
    close(got.low, want.low, tolerance, floor, what);
    close(got.high, want.high, tolerance, floor, what);
}

#[test]
fn t_tails_keep_their_digits_from_near_zero_to_1e_300() {
    let rows = table("distributions", "t_tails");
    let mut deepest: f64 = 1.0;
    for row in &rows {
        let (t, df, p) = (num(&row["t"]), num(&row["df"]), num(&row["p"]));
        close(t_two_sided_p(t, df), p, 1e-11, 0.0, row);
        close(t_two_sided_p(-t, df), p, 1e-11, 0.0, row);
        close(t_sf(t, df), p / 2.0, 1e-11, 0.0, row);
        // What is near 1 is known by its distance to 1.
        close(1.0 - t_two_sided_p(t, df), 1.0 - p, 1e-9, 1e-6, row);
        deepest = deepest.min(p);
    }
    assert!(deepest < 1e-299);
}

#[test]
fn t_quantiles_are_those_of_mpmath() {
    for row in table("distributions", "t_critical") {
        let (level, df, t) = (num(&row["level"]), num(&row["df"]), num(&row["t"]));
        close(t_critical(level, df), t, 1e-12, 0.0, &row);
        close(t_quantile(0.5 - level / 2.0, df), -t, 1e-12, 0.0, &row);
    }
}

#[test]
fn normal_and_beta_tails_are_those_of_mpmath() {
    for row in table("distributions", "normal_sf") {
        close(normal_sf(num(&row["z"])), num(&row["sf"]), 1e-12, 0.0, &row);
    }
    for row in table("distributions", "normal_quantile") {
        close(normal_quantile(num(&row["p"])), num(&row["z"]), 1e-12, 1e-3, &row);
    }
    for row in table("distributions", "beta") {
        let at = UnitPoint::from_root_odds(num(&row["root_odds"]));
        let (low, high) = beta_tails(num(&row["a"]), num(&row["b"]), at);
        // The point itself has 53 bits: with parameters near 1000 its last one is worth 1e-13 here.
        close(low, num(&row["low"]), 1e-11, 1e-300, &row);
        close(high, num(&row["high"]), 1e-11, 1e-300, &row);
    }
}

#[test]
fn moments_agree_with_forty_digits() {
    for row in table("moments", "rows") {
        let got = moments(&nums(&row["values"])).unwrap();
        close(got.mean, num(&row["mean"]), 1e-15, 0.0, &row);
        close(got.median, num(&row["median"]), 1e-15, 0.0, &row);
        for (got, want) in
            [(got.sd, &row["sd"]), (got.cv, &row["cv"]), (got.geometric_mean, &row["geometric_mean"])]
        {
            match got {
                Some(got) => close(got, num(want), 1e-12, 0.0, &row),
                None => assert!(want.is_null(), "{row}"),
            }
        }
    }
}

fn check_test(got: &TTest, want: &Value, tolerance: f64) {
    close(got.estimate, num(&want["estimate"]), tolerance, 0.0, want);
    close(got.se, num(&want["se"]), tolerance, 0.0, want);
    close(got.df, num(&want["df"]), tolerance, 0.0, want);
    close(got.t, num(&want["t"]), tolerance, 0.0, want);
    close(got.p, num(&want["p"]), tolerance * num(&want["df"]).max(1.0), 0.0, want);
}

#[test]
fn unpaired_tests_agree_with_scipy() {
    for row in table("ttests", "unpaired") {
        let (a, b) = (nums(&row["a"]), nums(&row["b"]));
        // Differences of large numbers in the last digits (mean 1e9, SD 10) lose what subtraction loses.
        let largest = a.iter().chain(&b).fold(0.0_f64, |m, v| m.max(v.abs()));
        let difference = num(&row["welch"]["estimate"]).abs();
        let tolerance = 1e-12 + 4e-16 * largest / difference;
        check_test(&student(&a, &b).unwrap(), &row["student"], tolerance);
        check_test(&welch(&a, &b).unwrap(), &row["welch"], tolerance);
        if !row["welch"]["ci95"].is_null() {
            close_interval(
                welch(&a, &b).unwrap().ci(0.95),
                interval(&row["welch"]["ci95"]),
                tolerance.max(1e-11),
                &row,
            );
            close_interval(
                student(&a, &b).unwrap().ci(0.90),
                interval(&row["student"]["ci90"]),
                tolerance.max(1e-11),
                &row,
            );
            close(hedges_g(&a, &b).unwrap(), num(&row["hedges_g"]), tolerance, 0.0, &row);
        }
        match fieller(&a, &b, 0.95) {
            Ok(got) => close_interval(got, interval(&row["fieller95"]), 1e-9, &row),
            Err(reason) => {
                assert!(row["fieller95"].is_null(), "{reason}: {row}");
                assert_eq!(reason, Unavailable::Unbounded);
            }
        }
    }
}

#[test]
fn log_scale_model_agrees_with_scipy_on_logarithms() {
    let mut seen = 0;
    for row in table("ttests", "unpaired") {
        let (a, b) = (nums(&row["a"]), nums(&row["b"]));
        if row["log"].is_null() {
            assert_eq!(welch_log(&a, &b), Err(Unavailable::NotPositive), "{row}");
            continue;
        }
        seen += 1;
        let got = welch_log(&a, &b).unwrap();
        // Logarithms of nearly equal numbers: what is left of them has lost ln(value) * 1e-16 / difference.
        let want = &row["log"];
        let tolerance = 1e-11 + 3e-15 * a[0].ln().abs().max(1.0) / num(&want["se"]);
        assert!(tolerance < 1e-5, "{row}");
        close(got.test.t, num(&want["t"]), tolerance, 1.0, &row);
        close(got.test.df, num(&want["df"]), tolerance, 0.0, &row);
        close(got.test.p, num(&want["p"]), tolerance * 60.0, 0.0, &row);
        close(got.ratio, num(&want["ratio"]), 1e-11, 0.0, &row);
        close_interval(got.ci95, interval(&want["ci95"]), 1e-9, &row);
        close_interval(got.ci90, interval(&want["ci90"]), 1e-9, &row);
    }
    assert!(seen >= 10);
}

#[test]
fn paired_and_blocked_models_agree_with_scipy() {
    for row in table("ttests", "pairs") {
        let (a, b) = (nums(&row["a"]), nums(&row["b"]));
        let blocks = Block::pairs(&a, &b, None);
        let (paired, blocked, log) =
            (paired(&a, &b).unwrap(), blocked(&blocks).unwrap(), blocked_log(&blocks).unwrap());
        assert_eq!(paired, blocked);
        close(paired.t, num(&row["t"]), 1e-10, 0.0, &row);
        close(paired.df, num(&row["df"]), 0.0, 0.0, &row);
        close(paired.p, num(&row["p"]), 1e-9, 0.0, &row);
        close_interval(paired.ci(0.95), interval(&row["ci95"]), 1e-10, &row);
        close(log.ratio, num(&row["ratio"]), 1e-12, 0.0, &row);
        close(log.test.p, num(&row["log_p"]), 1e-9, 0.0, &row);
        close_interval(log.ci95, interval(&row["ratio_ci95"]), 1e-10, &row);
        close_interval(log.ci90, interval(&row["ratio_ci90"]), 1e-10, &row);
        match fieller_blocked(&blocks, 0.95) {
            Ok(got) => close_interval(got, interval(&row["fieller95"]), 1e-9, &row),
            Err(reason) => assert!(row["fieller95"].is_null(), "{reason}: {row}"),
        }
    }
}

#[test]
fn tost_agrees_with_statsmodels_and_with_the_ninety_percent_interval() {
    let mut outcomes = [0, 0];
    for row in table("ttests", "tost") {
        let (margin, p) = (num(&row["margin"]), num(&row["p"]));
        let model = welch_log(&nums(&row["a"]), &nums(&row["b"])).unwrap();
        let log_band = Interval::new(-margin.ln_1p(), margin.ln_1p());
        close(tost_p(&model.test, &log_band), p, 1e-9, 1e-300, &row);
        let verdict = equivalent(&model.ci90, &band(margin));
        assert_eq!(verdict, p <= 0.05, "{row}");
        outcomes[usize::from(verdict)] += 1;
    }
    assert!(outcomes.iter().all(|n| *n > 0), "one outcome only: {outcomes:?}");
}

#[test]
fn mann_whitney_agrees_with_scipy_with_and_without_ties() {
    for row in table("ranks", "mann_whitney") {
        let got = mann_whitney(&nums(&row["a"]), &nums(&row["b"])).unwrap();
        assert_eq!(got.exact, row["exact"].as_bool().unwrap());
        close(got.u, num(&row["u"]), 0.0, 1.0, &row);
        close(got.p, num(&row["p"]), 1e-12, 0.0, &row);
        assert!(got.smallest_p <= got.p * (1.0 + 1e-12), "{row}");
    }
}

#[test]
fn exact_permutation_agrees_with_scipy() {
    for row in table("ranks", "permutation") {
        let got = permutation(&nums(&row["a"]), &nums(&row["b"]), 1).unwrap();
        assert!(got.exact);
        close(got.p, num(&row["p"]), 1e-12, 0.0, &row);
        assert!(got.smallest_p <= got.p);
    }
}

#[test]
fn bca_agrees_with_scipy_on_its_distribution_and_nearly_on_our_own() {
    for row in table("bootstrap", "rows") {
        let (a, b) = (nums(&row["a"]), nums(&row["b"]));
        let ratio = row["ratio"].as_bool().unwrap();
        let contrast = if ratio { Contrast::RatioOfMeans } else { Contrast::DifferenceOfMeans };
        let of = |a: f64, b: f64| if ratio { b / a } else { b - a };
        let (ma, mb) = (mean(&a).unwrap(), mean(&b).unwrap());
        let without = |v: &[f64], i: usize| {
            let rest: Vec<f64> = v.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, v)| *v).collect();
            mean(&rest).unwrap()
        };
        let jack_a: Vec<f64> = (0..a.len()).map(|i| of(without(&a, i), mb)).collect();
        let jack_b: Vec<f64> = (0..b.len()).map(|i| of(ma, without(&b, i))).collect();
        let got = bca(num(&row["estimate"]), &jack_a, &jack_b, nums(&row["distribution"]), 0.95).unwrap();
        close_interval(got, interval(&row["bca95"]), 1e-10, &row["estimate"]);
        // 9,999 of our draws against 99,999 of NumPy's: Monte-Carlo error of a tail quantile, about 1 % of the width.
        let own = bca_interval(&a, &b, contrast, 0.95, 7).unwrap();
        let want = interval(&row["bca95_many"]);
        let error = (own.low - want.low).abs().max((own.high - want.high).abs()) / want.width();
        assert!(error < 0.03, "{own:?} {want:?}");
    }
}

#[test]
fn adjusted_p_values_agree_with_statsmodels() {
    for row in table("multiple", "rows") {
        let p = nums(&row["p"]);
        for (got, want) in [(benjamini_hochberg(&p), nums(&row["bh"])), (holm(&p), nums(&row["holm"]))] {
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(&want) {
                close(*got, *want, 1e-13, 0.0, &row);
            }
        }
    }
}

#[test]
fn noncentral_t_agrees_with_integration_by_mpmath() {
    for row in table("power", "cdf") {
        let (t, df, delta) = (num(&row["t"]), num(&row["df"]), num(&row["delta"]));
        close(noncentral_t_cdf(t, df, delta), num(&row["cdf"]), 1e-11, 1e-2, &row);
    }
    for row in table("power", "noncentrality") {
        let (df, alpha, target, want) =
            (num(&row["df"]), num(&row["alpha"]), num(&row["power"]), num(&row["delta"]));
        close(noncentrality(df, alpha, target).unwrap(), want, 1e-10, 0.0, &row);
        assert_eq!(
            noncentrality(df, alpha, target),
            noncentrality(df, alpha, target),
            "cached and solved differ"
        );
        close(power(want, df, alpha), target, 1e-10, 0.0, &row);
    }
}

#[test]
fn boots_needed_agree_with_statsmodels_for_equal_sds() {
    for row in table("power", "student_n") {
        let got = replicates_needed(1.0, 1.0, num(&row["effect"]), 0.05, 0.8).unwrap();
        assert_eq!(got as u64, row["n"].as_u64().unwrap(), "{row}");
    }
}

#[test]
fn trend_variance_and_first_boot_tests_agree_with_scipy_and_statsmodels() {
    for row in table("diagnostics", "mann_kendall") {
        let got = mann_kendall(&nums(&row["values"])).unwrap();
        close(got.s, num(&row["s"]), 0.0, 1.0, &row);
        close(got.p, num(&row["p"]), 1e-11, 0.0, &row);
    }
    for row in table("diagnostics", "variance_ratio") {
        let got = variance_ratio(&nums(&row["a"]), &nums(&row["b"])).unwrap();
        close(got.sd_ratio, num(&row["sd_ratio"]), 1e-12, 0.0, &row);
        close(got.p, num(&row["p"]), 1e-10, 0.0, &row);
    }
    for row in table("diagnostics", "first_boot") {
        let sides: Vec<Vec<f64>> = row["sides"].as_array().unwrap().iter().map(nums).collect();
        let slices: Vec<&[f64]> = sides.iter().map(Vec::as_slice).collect();
        let got = first_boot(&slices).unwrap();
        close(got.estimate, num(&row["estimate"]), 1e-10, 0.0, &row);
        close(got.se, num(&row["se"]), 1e-10, 0.0, &row);
        assert_eq!(got.df, num(&row["df"]));
        close(got.p, num(&row["p"]), 1e-9, 0.0, &row);
    }
}

#[test]
fn dip_is_the_solution_of_the_linear_program() {
    for row in table("diagnostics", "dip") {
        close(dip(&nums(&row["values"])).unwrap(), num(&row["dip"]), 1e-7, 1e-2, &row);
    }
}
