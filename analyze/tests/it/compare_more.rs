//! One side alone, plans, noise floors, known changes, pooled baselines.
use crate::support;
use model::Scale;

use analyze::{
    Advice, Asked, Boots, Noise, Reason, TestChoice, Verdict, calibrate, compare, expectations, find_row,
    plan, show, steps,
};
use std::fs;
use std::path::{Path, PathBuf};
use support::{Env, codes, options, row, run, series, throughput};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const A: [f64; 6] = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0];

/// Intervals of one second.
fn series_file(dir: &Path, repeat: usize, values: &[f64]) {
    let intervals: Vec<(f64, f64)> = values.iter().map(|v| (*v, 1.0)).collect();
    interval_file(dir, repeat, &intervals);
}

/// Intervals as (value, seconds).
fn interval_file(dir: &Path, repeat: usize, intervals: &[(f64, f64)]) {
    let lines: Vec<String> = intervals
        .iter()
        .enumerate()
        .map(|(i, (v, seconds))| {
            format!(
                r#"{{"v":1,"case":"netperf/TCP_STREAM (RX)/size=64,sessions=1","metric":"throughput","session":0,"ending_unix":{i}.0,"seconds":{seconds},"value":{v}}}"#
            )
        })
        .collect();
    fs::write(
        dir.join(format!("repeat{repeat}.default.netperf.host_guest/series.jsonl")),
        lines.join("\n") + "\n",
    )
    .unwrap();
}

#[test]
fn one_side_shows_its_spread_taken_apart() {
    let root = tempfile::tempdir().unwrap();
    let mut failed = series("TCP_STREAM (RX)", 256, "throughput", "Mbit/s", &A);
    failed.values[1] = Err("no route");
    let dir = Env::new("base", vec![throughput(&A), failed]).write(root.path());
    for repeat in 1..=6 {
        series_file(&dir, repeat, &[A[repeat - 1] - 1.0, A[repeat - 1] + 1.0]);
    }
    let shown = show(&options(&[]), &dir).unwrap();
    assert_eq!(shown.rows.len(), 2);
    let first = &shown.rows[0];
    assert_eq!((first.id.as_str(), first.sample.n), (ID, 6));
    let spread = first.spread.unwrap();
    // Two intervals 2 apart: variance 2, squared error of their mean 1.
    assert!((spread.within - 1.0).abs() < 1e-12);
    let sd = first.sample.sd.unwrap();
    assert!((spread.between.hypot(spread.within) - sd).abs() < 1e-12);
    assert_eq!(
        (shown.rows[1].sample.n, shown.rows[1].sample.invalid.len(), shown.rows[1].spread),
        (5, 1, None)
    );
    assert_eq!(shown.side.boots, Some(6));
}

#[test]
fn an_interval_without_a_length_is_no_spread_within_a_boot() {
    let root = tempfile::tempdir().unwrap();
    let boots = [9000.0, 9900.0, 8600.0, 9500.0, 10_100.0];
    let dir = Env::new("base", vec![throughput(&boots)]).write(root.path());
    for (repeat, boot) in (1..).zip(boots) {
        // Sixty seconds 100 above or below, half a second at the mean, and 0.4 ms in which a buffer was counted.
        let mut intervals: Vec<(f64, f64)> =
            (0..60).map(|i| (boot + if i % 2 == 0 { 100.0 } else { -100.0 }, 1.0)).collect();
        intervals.extend([(boot, 0.5), (1.6e6, 0.0004)]);
        interval_file(&dir, repeat, &intervals);
    }
    let spread = show(&options(&[]), &dir).unwrap().rows[0].spread.unwrap();
    // s² = 60 * 100² / 60, the mean's over 60.5 seconds.
    assert!((spread.within - (10_000.0_f64 / 60.5).sqrt()).abs() < 1e-9, "{spread:?}");
    assert!(spread.between > 500.0);
    assert_eq!(plan(&options(&[]), &dir, &Asked::default()).unwrap().rows[0].advice, Advice::Boots);
}

#[test]
fn a_plan_says_how_many_boots_an_effect_needs_and_what_to_add() {
    let root = tempfile::tempdir().unwrap();
    let dir = Env::new("base", vec![throughput(&A)]).write(root.path());
    let five = plan(&options(&[]), &dir, &Asked::default()).unwrap();
    let asked = |effect| Asked { effect: Some(effect), ..Asked::default() };
    let two = plan(&options(&[]), &dir, &asked(0.02)).unwrap();
    let (five, two) = (&five.rows[0], &two.rows[0]);
    // Twice the smallest effect that matters; what lies within the band is decided by no number of boots.
    assert_eq!((five.effect, two.effect), (0.10, 0.02));
    assert_eq!(two.boots, Some(Boots { low: None, high: None }));
    // SD of the logarithms 0.018619 from six boots: the bounds are 1.46 % and 2.70 %.
    assert_eq!(five.boots, Some(Boots { low: Some(3), high: Some(4) }));
    assert_eq!(five.advice, Advice::Unknown);
    let (mde, power) = (five.mde.unwrap(), five.power.unwrap());
    assert!(mde.low.unwrap() > 0.05 && mde.high.unwrap() < 0.1 && mde.low < mde.high, "{mde:?}");
    assert!(power.low > 0.9 && power.high > power.low && two.power.unwrap().high < 0.05, "{power:?}");
    for repeat in 1..=6 {
        series_file(&dir, repeat, &[A[repeat - 1] - 20.0, A[repeat - 1] + 20.0]);
    }
    assert_eq!(plan(&options(&[]), &dir, &Asked::default()).unwrap().rows[0].advice, Advice::Iterations);
    assert!(plan(&options(&[]), &dir, &asked(-1.0)).is_err());
}

fn campaign(root: &Path, name: &'static str, factor: f64) -> PathBuf {
    let values: Vec<f64> = A.iter().map(|v| v * factor).collect();
    let mut env = Env::new("base", vec![throughput(&values)]);
    env.campaign = name;
    env.write(&root.join(name))
}

/// A baseline, and a candidate of its campaign that was measured in turns with it.
fn in_turns(root: &Path, factor: f64) -> [PathBuf; 2] {
    let values: Vec<f64> = A.iter().map(|v| v * factor).collect();
    let sides = [("base", A.as_slice()), ("head", values.as_slice())];
    sides.map(|(name, values)| Env::new(name, vec![throughput(values)]).unpaired().write(&root.join("c1")))
}

/// What `calibrate` says of these directories, read as `compare --noise` does.
fn noise(root: &Path, directories: &[PathBuf]) -> Noise {
    let file = root.join("noise.json");
    let found = calibrate(&options(&[]), directories).unwrap();
    fs::write(&file, serde_json::to_string(&found).unwrap()).unwrap();
    Noise::read(&file).unwrap()
}

#[test]
fn campaigns_of_one_build_tell_how_much_sessions_differ() {
    let root = tempfile::tempdir().unwrap();
    let factors = [("c1", 1.0), ("c2", 1.06), ("c3", 0.97), ("c4", 1.02)];
    let dirs = factors.map(|(name, factor)| campaign(root.path(), name, factor));
    let found = calibrate(&options(&[]), &dirs).unwrap();
    let logs = factors.map(|(_, factor): (_, f64)| factor.ln());
    let sd = stats::moments(&logs).unwrap().sd.unwrap();
    let boots = stats::moments(&A.map(f64::ln)).unwrap().sd.unwrap();
    assert!((found.session.tau2 - (sd * sd - boots * boots / 6.0)).abs() < 1e-12);
    assert!((found.session.sigma2 - boots * boots).abs() < 1e-12);
    assert_eq!((found.session.sessions, found.session.rows, found.session.n), (4, 1, 6.0));
    assert!((found.rows[0].sd_between - sd).abs() < 1e-12 && found.rows[0].id == ID);
    assert_eq!(found.sources[3].campaign.as_deref(), Some("c4"));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn what_sessions_do_is_a_part_of_every_error_and_widens_no_band() {
    let root = tempfile::tempdir().unwrap();
    let build = [("c1", 1.0), ("c2", 1.05), ("c3", 0.95), ("c4", 1.03), ("c5", 0.97)];
    let build = build.map(|(name, factor)| campaign(root.path(), name, factor));
    let judged = |factor: f64| {
        let candidate = campaign(&root.path().join("later"), "c9", factor);
        let mut chosen = options(&[build[0].clone(), candidate]);
        chosen.noise = Some(noise(root.path(), &build));
        compare(&chosen).unwrap()
    };
    let result = judged(1.06);
    let (known, one) = (noise(root.path(), &build).session.unwrap(), row(&result, ID));
    let part = one.session.unwrap();
    assert!((part.variance - 2.0 * known.tau2).abs() < 1e-15 && part.df == known.df);
    let boots = stats::moments(&A.map(f64::ln)).unwrap().sd.unwrap().powi(2) / 6.0;
    let (ci, df) = (
        one.ratio_ci.unwrap(),
        (2.0 * known.tau2 + 2.0 * boots).powi(2)
            / ((2.0 * known.tau2).powi(2) / known.df + 2.0 * boots * boots / 5.0),
    );
    let half = stats::t_critical(0.95, df) * (2.0 * known.tau2 + 2.0 * boots).sqrt();
    assert!(((ci.1 / ci.0).ln() - 2.0 * half).abs() < 1e-9, "{ci:?} {half}");
    assert_eq!((one.verdict, one.min_effect), (Verdict::Inconclusive, 0.05));
    assert_eq!(row(&judged(1.0), ID).verdict, Verdict::Inconclusive, "noise makes nothing equal");
    assert_eq!(row(&judged(0.6), ID).verdict, Verdict::Regressed);
    let told = result.warnings.iter().find(|w| w.code == "not-interleaved").unwrap();
    assert!(
        told.text.contains("noise.json says (SD ") && told.text.contains("of 5 sessions and 1 row"),
        "{}",
        told.text
    );
    assert!(result.summary[0].categories.is_empty() && result.summary[0].capped == 0);
    let names: Vec<&str> = steps(&result, one).iter().map(|s| s.name).collect();
    assert!(names.contains(&"variance of sessions"));
}

#[test]
fn sides_in_turns_are_judged_without_what_sessions_do() {
    let root = tempfile::tempdir().unwrap();
    let build = ["c1", "c2", "c3"]
        .map(|name| campaign(root.path(), name, 1.0 + 0.01 * f64::from(name.as_bytes()[1])));
    let sides = in_turns(&root.path().join("x"), 0.9);
    let plain = run(&sides);
    let mut chosen = options(&sides);
    chosen.noise = Some(noise(root.path(), &build));
    assert_eq!(compare(&chosen).unwrap(), plain);
}

#[test]
fn one_session_tells_nothing_and_two_shout() {
    let root = tempfile::tempdir().unwrap();
    let one = campaign(root.path(), "c1", 1.0);
    let again = campaign(&root.path().join("x"), "c1", 1.1);
    for dirs in [vec![one.clone()], vec![one.clone(), again]] {
        let error = calibrate(&options(&[]), &dirs).unwrap_err().to_string();
        assert!(error.contains("of one session") && error.contains("another campaign"), "{error}");
    }
    let two = [one.clone(), campaign(root.path(), "c2", 1.02)];
    assert!(calibrate(&options(&[]), &two).unwrap().warnings[0].starts_with("TWO SESSIONS"));
    let mut chosen = options(&two);
    chosen.noise = Some(noise(root.path(), &two));
    assert!(codes(&compare(&chosen).unwrap()).contains(&"two-sessions"));
}

#[test]
fn a_copied_campaign_is_named_as_no_other_session() {
    let root = tempfile::tempdir().unwrap();
    let dirs = [("a", "c1", 1.0), ("b", "c1", 1.0), ("c", "c2", 1.02), ("d", "c3", 0.99)];
    let dirs = dirs.map(|(place, name, factor)| campaign(&root.path().join(place), name, factor));
    let run_file = dirs[1].join("run.json");
    let mut run: model::RunFile = model::store::read_json(&run_file, model::run::RUN_FORMAT).unwrap();
    run.campaign = "c4".into();
    model::store::write_json(&run_file, &run).unwrap();
    let found = calibrate(&options(&[]), &dirs).unwrap();
    assert!(found.warnings[0].starts_with("6 repeats byte for byte equal"), "{:?}", found.warnings);
    let honest = [dirs[0].clone(), dirs[2].clone(), dirs[3].clone()];
    assert!(calibrate(&options(&[]), &honest).unwrap().warnings.is_empty());
}

#[test]
fn a_file_of_floors_is_read_and_nothing_rests_on_it() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("old.json");
    let row_of = format!(r#"{{"id": "{ID}", "n": 5, "differences": 1, "floor": 0.5}}"#);
    let text = format!(
        r#"{{"format": 1, "perfvt": "0.1.0", "kind": "between-campaigns", "sources": [], "warnings": [], "rows": [{row_of}]}}"#
    );
    fs::write(&file, text).unwrap();
    let sides = in_turns(root.path(), 0.8);
    let mut chosen = options(&sides);
    chosen.noise = Some(Noise::read(&file).unwrap());
    let result = compare(&chosen).unwrap();
    assert_eq!((row(&result, ID).verdict, row(&result, ID).min_effect), (Verdict::Regressed, 0.05));
    assert_eq!(result.warnings[0].code, "old-noise");
    let apart = [campaign(root.path(), "c7", 1.0), campaign(root.path(), "c8", 0.8)];
    chosen.paths = apart.to_vec();
    assert_eq!(row(&compare(&chosen).unwrap(), ID).reason, Some(Reason::OneSession));
}

#[test]
fn known_changes_are_listed_and_do_not_gate() {
    let root = tempfile::tempdir().unwrap();
    let dirs = in_turns(root.path(), 0.8);
    let text = format!(
        "{ID} | REGRESSED | until 2027-01-31 | known\nnetperf/*/CPU | REGRESSED | until 2027-01-31 | gone\n"
    );
    let mut known = options(&dirs);
    known.expectations = expectations(&text, Path::new("known.txt"), "2026-11-21").unwrap();
    let result = compare(&known).unwrap();
    assert_eq!(row(&result, ID).expected.as_ref().unwrap().place, "known.txt:1");
    assert_eq!(result.summary[0].expected[&Verdict::Regressed], 1);
    assert_eq!(result.summary[0].primary[&Verdict::Regressed], 1, "listed all the same");
    assert!(codes(&result).contains(&"unmet-expectations"));
    known.expectations = expectations(&text, Path::new("known.txt"), "2027-02-01").unwrap();
    let result = compare(&known).unwrap();
    assert!(row(&result, ID).expected.is_none() && result.summary[0].expected.is_empty());
    assert!(codes(&result).contains(&"expired-expectations"));
}

#[test]
fn pooled_baselines_are_further_boots_of_the_first() {
    let root = tempfile::tempdir().unwrap();
    let dirs = in_turns(root.path(), 0.9);
    let mut pooled = options(&dirs);
    pooled.pooled = vec![campaign(root.path(), "c2", 1.01)];
    let result = compare(&pooled).unwrap();
    assert_eq!((row(&result, ID).a.n, row(&result, ID).b.n, result.a.boots), (12, 6, Some(12)));
    assert_eq!(row(&result, ID).verdict, Verdict::Regressed);
    let told = result.warnings.iter().find(|w| w.code == "not-interleaved").unwrap();
    assert!(told.text.contains("6 of 12 boots of base and 0 of 6 boots of head"), "{}", told.text);
}

#[test]
fn facts_made_in_two_ways_are_no_difference_within_a_pooled_side_nor_beside_it() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &'static str, facts: &[(&'static str, &'static str)]| {
        let mut env = Env::new("base", vec![throughput(&A)]);
        env.campaign = name;
        env.facts.extend(facts);
        env.write(&root.path().join(name))
    };
    let older = write("c1", &[("host.id", "x")]);
    let newer = write("c2", &[("host.id", "y"), ("facts.versions", "host.id=dmi")]);
    let candidate = write("c3", &[("host.id", "y"), ("facts.versions", "host.id=dmi")]);
    let elsewhere = write("c4", &[("host.id", "z")]);
    let alarms = |pooled: &[&PathBuf]| {
        let mut chosen = options(&[older.clone(), candidate.clone()]);
        chosen.pooled = pooled.iter().map(|path| path.to_path_buf()).collect();
        let found = codes(&compare(&chosen).unwrap());
        found.into_iter().filter(|code| ["mixed-side", "suspicious"].contains(code)).collect::<Vec<_>>()
    };
    assert_eq!(alarms(&[]), [""; 0]);
    assert_eq!(alarms(&[&newer]), [""; 0]);
    assert_eq!(alarms(&[&newer, &elsewhere]), ["mixed-side"], "two hosts told in one way");
}

#[test]
fn the_steps_behind_a_row_end_in_the_numbers_of_the_row() {
    let root = tempfile::tempdir().unwrap();
    let values: Vec<f64> = A.iter().enumerate().map(|(i, v)| v * 0.9 * (1.0 + 0.002 * i as f64)).collect();
    let a = Env::new("base", vec![throughput(&A), series("X", 64, "exits", "", &A)]).write(root.path());
    let b =
        Env::new("head", vec![throughput(&values), series("X", 64, "exits", "", &values)]).write(root.path());
    for test in [TestChoice::Auto, TestChoice::Welch, TestChoice::Student] {
        let mut chosen = options(&[a.clone(), b.clone()]);
        chosen.test = test;
        let result = compare(&chosen).unwrap();
        for row in &result.rows {
            let found = steps(&result, row);
            let step =
                |name: &str| found.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("{name}")).value;
            assert_eq!(Some(step("p")), row.p_model, "{test:?} {}", row.id);
            let equivalent = match row.scale {
                Scale::Log => step("p of TOST") <= 0.05,
                Scale::Linear => step("ratio CI90 low") >= 0.95 && step("ratio CI90 high") <= 1.05,
            };
            assert_eq!(equivalent, row.verdict == Verdict::Equivalent);
            assert!(step("boots for the band") >= 2.0);
            assert_eq!(step("m"), row.min_effect);
            let q = found.iter().find(|s| s.name == "q").map(|s| s.value);
            assert_eq!(q, row.q, "{}", row.id);
            if row.scale == model::Scale::Log {
                assert!((step("CI95 low").exp() - row.ratio_ci.unwrap().0).abs() < 1e-12);
                assert!((step("MDE").exp() - 1.0 - row.mde.unwrap().up).abs() < 1e-12);
            } else {
                assert!((step("CI95 low") - row.diff_ci.unwrap().0).abs() < 1e-9);
            }
        }
        assert_eq!(find_row(&result, ID).unwrap(), find_row(&result, "throughput").unwrap());
        let error = find_row(&result, "size=64").unwrap_err().to_string();
        assert!(error.contains("2 rows") && error.contains(ID), "{error}");
        assert!(find_row(&result, "nothing").is_err());
    }
}
